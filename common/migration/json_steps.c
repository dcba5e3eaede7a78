#include "common/migration/json_steps.h"

#include "common/base/memory.h"
#include "common/postgres/quote.h"

#include <jansson.h>
#include <string.h>

#define PATH_KEY_MAX 256 /* bytes */

/* ---- verbs ---- */

typedef const char *json_writer(const struct migration_json_step *step, const char *document,
                                const void *parent);

static json_writer move_forward, move_back, rename_forward, rename_back, merge_forward,
    default_forward, retype_forward, retype_back;
static json_writer stuck_at_source, stuck_at_nothing, stuck_at_type;

/* What a verb needs beside its path, and what it does. */
static const struct {
    const char *name;
    bool needs_to, needs_as, needs_from, needs_value;
    json_writer *forward;
    json_writer *back; /* NULL: nothing tells what there was */
    json_writer *stuck;
} verbs[MIGRATION_JSON_VERB_COUNT] = {
    [MIGRATION_JSON_MOVE] = {.name = "move",
                             .needs_to = true,
                             .forward = move_forward,
                             .back = move_back,
                             .stuck = stuck_at_source},
    [MIGRATION_JSON_RENAME] = {.name = "rename",
                               .needs_as = true,
                               .forward = rename_forward,
                               .back = rename_back,
                               .stuck = stuck_at_source},
    [MIGRATION_JSON_MERGE] = {.name = "merge",
                              .needs_to = true,
                              .forward = merge_forward,
                              .stuck = stuck_at_source},
    [MIGRATION_JSON_DEFAULT] = {.name = "default",
                                .needs_value = true,
                                .forward = default_forward,
                                .stuck = stuck_at_nothing},
    [MIGRATION_JSON_RETYPE] = {.name = "retype",
                               .needs_as = true,
                               .needs_from = true,
                               .forward = retype_forward,
                               .back = retype_back,
                               .stuck = stuck_at_type},
};

static size_t verb_of(const struct migration_json_step *step)
{
    size_t verb = 0;

    while (verb < MIGRATION_JSON_VERB_COUNT - 1 && step->paths[verb].count == 0)
        verb++;
    return verb;
}

static const struct migration_path *path_of(const struct migration_json_step *step)
{
    return &step->paths[verb_of(step)];
}

/* ---- SQL ---- */

static const char *path_literal(const struct migration_path *path, const void *parent)
{
    return sql_literal(parent, sql_array(parent, path->keys, path->count));
}

/* The path with another last key. */
static struct migration_path renamed(const struct migration_json_step *step, const void *parent)
{
    const struct migration_path *path = path_of(step);
    const char **keys = memory_array(parent, const char *, path->count);

    memcpy(keys, path->keys, path->count * sizeof(keys[0]));
    keys[path->count - 1] = step->as;
    return (struct migration_path){.keys = keys, .count = path->count};
}

static const char *call_move(const char *document, const struct migration_path *from,
                             const struct migration_path *to, const char *prune, const void *parent)
{
    return memory_format(parent, "hakem.json_move(%s, %s, %s, %s)", document,
                         path_literal(from, parent), path_literal(to, parent), prune);
}

static const char *move_forward(const struct migration_json_step *step, const char *document,
                                const void *parent)
{
    return call_move(document, path_of(step), &step->to, "false", parent);
}

/* Objects that were made for it go with it. */
static const char *move_back(const struct migration_json_step *step, const char *document,
                             const void *parent)
{
    return call_move(document, &step->to, path_of(step), "true", parent);
}

static const char *rename_forward(const struct migration_json_step *step, const char *document,
                                  const void *parent)
{
    struct migration_path to = renamed(step, parent);

    return call_move(document, path_of(step), &to, "false", parent);
}

static const char *rename_back(const struct migration_json_step *step, const char *document,
                               const void *parent)
{
    struct migration_path to = renamed(step, parent);

    return call_move(document, &to, path_of(step), "false", parent);
}

static const char *merge_forward(const struct migration_json_step *step, const char *document,
                                 const void *parent)
{
    return memory_format(parent, "hakem.json_merge(%s, %s, %s)", document,
                         path_literal(path_of(step), parent), path_literal(&step->to, parent));
}

static const char *default_forward(const struct migration_json_step *step, const char *document,
                                   const void *parent)
{
    return memory_format(parent, "hakem.json_default(%s, %s, %s)", document,
                         path_literal(path_of(step), parent), sql_literal(parent, step->value));
}

static const char *retype_forward(const struct migration_json_step *step, const char *document,
                                  const void *parent)
{
    return memory_format(parent, "hakem.json_retype(%s, %s, '%s', '%s')", document,
                         path_literal(path_of(step), parent), step->from, step->as);
}

static const char *retype_back(const struct migration_json_step *step, const char *document,
                               const void *parent)
{
    return memory_format(parent, "hakem.json_retype(%s, %s, '%s', '%s')", document,
                         path_literal(path_of(step), parent), step->as, step->from);
}

static const char *stuck_at_source(const struct migration_json_step *step, const char *document,
                                   const void *parent)
{
    return memory_format(parent, "hakem.json_at(%s, %s) IS NOT NULL", document,
                         path_literal(path_of(step), parent));
}

static const char *stuck_at_nothing(const struct migration_json_step *step, const char *document,
                                    const void *parent)
{
    const char *path = path_literal(path_of(step), parent);

    return memory_format(parent, "(%s) IS NOT NULL AND hakem.json_at(%s, %s) IS NULL", document,
                         document, path);
}

static const char *stuck_at_type(const struct migration_json_step *step, const char *document,
                                 const void *parent)
{
    return memory_format(parent, "pg_catalog.jsonb_typeof(hakem.json_at(%s, %s)) = '%s'", document,
                         path_literal(path_of(step), parent), step->from);
}

const char *json_steps_forward(const struct migration_json *json, size_t count,
                               const char *document, const void *parent)
{
    for (size_t i = 0; i < count; i++)
        document = verbs[verb_of(&json->steps[i])].forward(&json->steps[i], document, parent);
    return document;
}

const char *json_steps_back(const struct migration_json *json, const char *document,
                            const void *parent)
{
    for (size_t i = json->step_count; i-- > 0;)
        document = verbs[verb_of(&json->steps[i])].back(&json->steps[i], document, parent);
    return document;
}

bool json_steps_have_way_back(const struct migration_json *json)
{
    for (size_t i = 0; i < json->step_count; i++)
        if (verbs[verb_of(&json->steps[i])].back == NULL)
            return false;
    return true;
}

const char *json_step_stuck(const struct migration_json *json, size_t i, const char *document,
                            const void *parent)
{
    return verbs[verb_of(&json->steps[i])].stuck(&json->steps[i], document, parent);
}

const char *json_step_name(const struct migration_json *json, size_t i, const void *parent)
{
    return memory_format(parent, "step %zu (%s)", i + 1, verbs[verb_of(&json->steps[i])].name);
}

/* ---- YAML ---- */

static const char *key_fault(const char *key)
{
    return strlen(key) > PATH_KEY_MAX ? "longer than 256 bytes" : NULL;
}

static const char *type_fault(const char *type)
{
    static const char *const types[] = {"string", "number", "boolean"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i], type) == 0)
            return NULL;
    return "neither string nor number nor boolean";
}

/* As PostgreSQL writes one: plain, or between quotes. */
static const char *column_fault(const char *column)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_$";
    size_t length = strlen(column);
    bool is_quoted = length > 2 && column[0] == '"' && column[length - 1] == '"' &&
                     strchr(column + 1, '"') == column + length - 1;

    return is_quoted || strspn(column, plain) == length
               ? NULL
               : "no column's name: small letters, digits, '_', or anything between \" and \"";
}

#define PATH_KEY(name, at, count_at, says)                                                         \
    {                                                                                              \
        .key = (name), .kind = YAML_KIND_TEXTS, .offset = (at), .count_offset = (count_at),        \
        .min = 1, .max = MIGRATION_PATH_MAX, .value_fault = key_fault, .doc = (says)               \
    }
#define VERB_KEY(name, verb, says)                                                                 \
    PATH_KEY(name, offsetof(struct migration_json_step, paths[(verb)].keys),                       \
             offsetof(struct migration_json_step, paths[(verb)].count), says)

static const struct yaml_key step_keys[] = {
    VERB_KEY("move", MIGRATION_JSON_MOVE, "the path of what goes to another, `to`"),
    VERB_KEY("rename", MIGRATION_JSON_RENAME, "the path whose last key becomes `as`"),
    VERB_KEY("merge", MIGRATION_JSON_MERGE,
             "the path of an object whose keys go into another, `to`, where it lacks them"),
    VERB_KEY("default", MIGRATION_JSON_DEFAULT, "the path that gets `value` where there is none"),
    VERB_KEY("retype", MIGRATION_JSON_RETYPE,
             "the path of what becomes of type `as` where it is of type `from`"),
    PATH_KEY("to", offsetof(struct migration_json_step, to.keys),
             offsetof(struct migration_json_step, to.count),
             "the path that move and merge lead to"),
    {.key = "as",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_json_step, as),
     .min = 1,
     .max = PATH_KEY_MAX,
     .doc = "the new key, or type"},
    {.key = "from",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_json_step, from),
     .value_fault = type_fault,
     .doc = "the type before: string, number or boolean"},
    {.key = "value",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_json_step, value),
     .min = 1,
     .doc = "of default, as JSON: '\"dark\"', '50', '{}'"},
};

static bool is_json(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    bool is = value != NULL;

    json_decref(value);
    return is;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_prefix(const struct migration_path *of, const struct migration_path *path)
{
    for (size_t i = 0; i < of->count; i++)
        if (i >= path->count || strcmp(of->keys[i], path->keys[i]) != 0)
            return false;
    return true;
}

/* Of two paths, one in the other: what is moved would be in its own way. */
static bool is_entangled(const struct migration_json_step *step, size_t verb)
{
    const struct migration_path *path = &step->paths[verb];

    if (verb == MIGRATION_JSON_RENAME)
        return is_same(path->keys[path->count - 1], step->as);
    return verbs[verb].needs_to && (is_prefix(path, &step->to) ||
                                    (verb == MIGRATION_JSON_MOVE && is_prefix(&step->to, path)));
}

static const char *step_fault(const struct migration_json_step *step, size_t verb)
{
    if (verbs[verb].needs_to != (step->to.count > 0))
        return verbs[verb].needs_to ? "needs `to`" : "has no use for `to`";
    if (verbs[verb].needs_as != (step->as != NULL))
        return verbs[verb].needs_as ? "needs `as`" : "has no use for `as`";
    if (verbs[verb].needs_from != (step->from != NULL))
        return verbs[verb].needs_from ? "needs `from`" : "has no use for `from`";
    if (verbs[verb].needs_value != (step->value != NULL))
        return verbs[verb].needs_value ? "needs `value`" : "has no use for `value`";
    if (verbs[verb].needs_from &&
        (is_same(step->as, step->from) || type_fault(step->as != NULL ? step->as : "") != NULL))
        return "leads from one of string, number and boolean to another";
    if (verbs[verb].needs_value && !is_json(step->value))
        return "has a `value` that is not JSON: a string has quotes of its own, '\"dark\"'";
    if (is_entangled(step, verb))
        return "leads from a path to itself, or into itself";
    return NULL;
}

static bool is_faulty_step(const void *filled, struct yaml_fault *ret)
{
    const struct migration_json_step *step = filled;
    size_t verb = verb_of(step);
    const char *fault = NULL;
    size_t count = 0;

    for (size_t i = 0; i < MIGRATION_JSON_VERB_COUNT; i++)
        count += step->paths[i].count > 0;
    if (count == 1)
        fault = step_fault(step, verb);
    if (count == 1 && fault == NULL)
        return false;
    ret->key = count == 0 ? "to" : verbs[verb].name;
    if (count == 1)
        (void)text_format(ret->sentence, sizeof(ret->sentence), "%s %s", verbs[verb].name, fault);
    else
        (void)text_copy(ret->sentence, sizeof(ret->sentence),
                        "a step is one of move, rename, merge, default and retype");
    return true;
}
static const struct yaml_table step_table =
    YAML_CHECKED_TABLE(struct migration_json_step, step_keys, is_faulty_step);

static const struct yaml_key json_keys[] = {
    {.key = "column",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_json, column),
     .min = 1,
     .max = 65,
     .is_required = true,
     .value_fault = column_fault,
     .doc = "a column of type jsonb (or json: then its text is written anew)"},
    {.key = "steps",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct migration_json, steps),
     .count_offset = offsetof(struct migration_json, step_count),
     .min = 1,
     .max = MIGRATION_JSON_STEPS_MAX,
     .is_required = true,
     .nested = &step_table,
     .doc = "what is done to each document, one after the other"},
};
const struct yaml_table json_table = YAML_TABLE(struct migration_json, json_keys);
