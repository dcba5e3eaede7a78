#include "common/lint/model.h"

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define BUCKETS    4096
#define TEXTS_SIZE 16384 /* of a piece of memory */
#define ROOM_FIRST 4     /* elements of an array: a power of two */

struct model {
    struct model_relation *buckets[BUCKETS];
    struct arena texts;
    struct model_relation **relations;
    size_t count;
    size_t *marks; /* by number: the walk that came by last */
    struct model_relation **family;
    size_t walk;
    size_t settled; /* relations before it are not new */
    struct model_named_type *types;
    size_t type_count;
    size_t type_buckets[BUCKETS]; /* of types, from 1; 0: empty */
    size_t revision;
    bool is_frozen;
};

static const char *schema_or_public(const char *schema)
{
    return schema == NULL || schema[0] == '\0' ? "public" : schema;
}

static size_t bucket_of(const char *name)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT32_C(16777619);
    return hash % BUCKETS;
}

struct model *model_new(const void *parent)
{
    struct model *model = memory_new(parent, struct model);

    arena_begin(&model->texts, model, TEXTS_SIZE);
    return model;
}

void model_freeze(struct model *model, bool is_frozen)
{
    model->is_frozen = is_frozen;
}

bool model_is_frozen(const struct model *model)
{
    return model->is_frozen;
}

void model_set_revision(struct model *model, size_t revision)
{
    model->revision = revision;
}

size_t model_revision(const struct model *model)
{
    return model->revision;
}

const char *model_keep(struct model *model, const char *text)
{
    return arena_text(&model->texts, text);
}

/* Room for one more of an array that grows by doubling. */
static void *grown(struct model *model, void *array, size_t count, size_t size)
{
    bool is_full = count == 0 || (count >= ROOM_FIRST && (count & (count - 1)) == 0);

    if (!is_full)
        return array;
    return memory_resized(model, array, count, count == 0 ? ROOM_FIRST : count * 2, size);
}

/* ---- relations ---- */

struct model_relation *model_find(const struct model *model, const char *schema, const char *name)
{
    struct model_relation *at = model->buckets[bucket_of(name)];

    schema = schema_or_public(schema);
    while (at != NULL &&
           (at->is_gone || strcmp(at->name, name) != 0 || strcmp(at->schema, schema) != 0))
        at = at->next;
    return at;
}

static struct model_relation *add(struct model *model, const char *schema, const char *name,
                                  enum model_kind kind)
{
    struct model_relation *relation = memory_new(model, struct model_relation);
    size_t bucket = bucket_of(name);

    relation->schema = model_keep(model, schema_or_public(schema));
    relation->name = model_keep(model, name);
    relation->kind = kind;
    relation->since = model->revision;
    relation->number = model->count;
    relation->next = model->buckets[bucket];
    model->buckets[bucket] = relation;
    model->relations = grown(model, model->relations, model->count, sizeof(relation));
    model->family = grown(model, model->family, model->count, sizeof(relation));
    model->marks = grown(model, model->marks, model->count, sizeof(model->marks[0]));
    model->relations[model->count++] = relation;
    return relation;
}

struct model_relation *model_need(struct model *model, const char *schema, const char *name,
                                  enum model_kind kind)
{
    struct model_relation *found = model_find(model, schema, name);

    if (found != NULL)
        return found;
    found = add(model, schema, name, kind);
    found->is_unknown = true;
    found->since = MODEL_SINCE_UNKNOWN;
    return found;
}

struct model_relation *model_make(struct model *model, const char *schema, const char *name,
                                  enum model_kind kind)
{
    struct model_relation *made = model_find(model, schema, name);

    if (made != NULL || model->is_frozen)
        return made != NULL ? made : model_need(model, schema, name, kind);
    made = add(model, schema, name, kind);
    made->is_new = true;
    return made;
}

void model_drop(struct model *model, struct model_relation *relation)
{
    if (model->is_frozen || relation->is_gone)
        return;
    relation->is_gone = true;
    for (size_t i = 0; i < relation->part_count; i++)
        if (relation->parts[i]->kind == MODEL_INDEX || relation->parts[i]->is_partition)
            model_drop(model, relation->parts[i]);
}

void model_rename(struct model *model, struct model_relation *relation, const char *schema,
                  const char *name)
{
    struct model_relation **at = &model->buckets[bucket_of(relation->name)];

    if (model->is_frozen)
        return;
    while (*at != relation)
        at = &(*at)->next;
    *at = relation->next;
    relation->schema = model_keep(model, schema_or_public(schema));
    relation->name = model_keep(model, name);
    at = &model->buckets[bucket_of(name)];
    relation->next = *at;
    *at = relation;
}

void model_settle(struct model *model)
{
    for (; model->settled < model->count; model->settled++)
        model->relations[model->settled]->is_new = false;
}

bool model_is_full(const struct model *model)
{
    return model->count >= MODEL_RELATIONS_MAX || model->type_count >= MODEL_RELATIONS_MAX;
}

size_t model_count(const struct model *model)
{
    return model->count;
}

struct model_relation *model_relation(const struct model *model, size_t i)
{
    assert(i < model->count);
    return model->relations[i];
}

/* ---- families ---- */

static void join(struct model *model, struct model_relation *relation, size_t *count)
{
    if (relation->is_gone || model->marks[relation->number] == model->walk)
        return;
    model->marks[relation->number] = model->walk;
    model->family[(*count)++] = relation;
}

size_t model_family(struct model *model, struct model_relation *relation, bool with_uses,
                    struct model_relation ***ret)
{
    size_t count = 1;

    model->walk++;
    model->marks[relation->number] = model->walk;
    model->family[0] = relation;
    for (size_t at = 0; at < count; at++) {
        const struct model_relation *one = model->family[at];

        for (size_t i = 0; i < one->part_count; i++)
            if (relation->kind == MODEL_INDEX || one->parts[i]->kind != MODEL_INDEX)
                join(model, one->parts[i], &count);
        for (size_t i = 0; i < one->use_count && with_uses && one->kind == MODEL_VIEW; i++)
            join(model, one->uses[i], &count);
    }
    *ret = model->family;
    return count;
}

static bool is_family(struct model *model, struct model_relation *of,
                      const struct model_relation *relation)
{
    (void)model_family(model, of, true, &(struct model_relation **){NULL});
    return model->marks[relation->number] == model->walk;
}

void model_add_part(struct model *model, struct model_relation *relation,
                    struct model_relation *part)
{
    if (model->is_frozen || is_family(model, part, relation))
        return;
    relation->parts = grown(model, relation->parts, relation->part_count, sizeof(part));
    relation->parts[relation->part_count++] = part;
}

/* By number, so that what is said of them has the order of the history. */
static void *noted(struct model *model, struct model_relation **list, size_t *count,
                   struct model_relation *relation)
{
    size_t at = *count;

    while (at > 0 && list[at - 1]->number > relation->number)
        at--;
    if (at > 0 && list[at - 1] == relation)
        return list;
    list = grown(model, list, *count, sizeof(relation));
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof(relation));
    list[at] = relation;
    (*count)++;
    return list;
}

void model_point(struct model *model, struct model_relation *relation,
                 struct model_relation *references)
{
    if (!model->is_frozen)
        references->pointing =
            noted(model, references->pointing, &references->pointing_count, relation);
}

void model_add_use(struct model *model, struct model_relation *view, struct model_relation *used)
{
    if (model->is_frozen || is_family(model, used, view))
        return;
    view->uses = grown(model, view->uses, view->use_count, sizeof(used));
    view->uses[view->use_count++] = used;
    used->users = noted(model, used->users, &used->user_count, view);
}

/* Of the table's list, where one of that number stands or belongs. */
static struct model_relation **place_of(struct model_relation *table, size_t number)
{
    struct model_relation **at = &table->sequences;

    while (*at != NULL && (*at)->number < number)
        at = &(*at)->next_owned;
    return at;
}

void model_own(struct model *model, struct model_relation *sequence, struct model_relation *table,
               const char *column)
{
    struct model_relation **at;

    if (sequence->owner != NULL)
        *place_of(sequence->owner, sequence->number) = sequence->next_owned;
    sequence->owner = sequence->table = table;
    sequence->column = model_keep(model, column);
    if (table == NULL)
        return;
    at = place_of(table, sequence->number);
    sequence->next_owned = *at;
    *at = sequence;
}

/* ---- columns and constraints ---- */

struct model_column *model_column(const struct model_relation *relation, const char *name)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (strcmp(relation->column_list[i].name, name) == 0)
            return &relation->column_list[i];
    return NULL;
}

struct model_column *model_add_column(struct model *model, struct model_relation *relation,
                                      const char *name)
{
    struct model_column *column = model_column(relation, name);

    if (column != NULL)
        return column;
    if (relation->column_count == MODEL_COLUMNS_MAX) /* the server will refuse the statement */
        return &relation->column_list[MODEL_COLUMNS_MAX - 1];
    relation->column_list =
        grown(model, relation->column_list, relation->column_count, sizeof(*column));
    column = &relation->column_list[relation->column_count];
    relation->column_count += !model->is_frozen;
    *column = (struct model_column){
        .name = model_keep(model, name), .type = {.name = ""}, .since = model->revision};
    return column;
}

bool model_has_key(const char *const *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(columns[i], name) == 0)
            return true;
    return false;
}

/* Its constraints and indexes go with it. */
void model_drop_column(struct model *model, struct model_relation *relation, const char *name)
{
    struct model_column *column = model_column(relation, name);

    if (model->is_frozen)
        return;
    for (size_t i = relation->constraint_count; i-- > 0;)
        if (model_has_key(relation->constraints[i].columns, relation->constraints[i].column_count,
                          name))
            model_drop_constraint(model, relation, relation->constraints[i].name);
    for (size_t i = 0; i < relation->part_count; i++)
        if (model_has_key(relation->parts[i]->columns, relation->parts[i]->key_count, name))
            model_drop(model, relation->parts[i]);
    if (column == NULL)
        return;
    relation->column_count--;
    memmove(column, column + 1,
            (size_t)(relation->column_list + relation->column_count - column) * sizeof(*column));
}

struct model_constraint *model_constraint(const struct model_relation *relation, const char *name)
{
    for (size_t i = 0; i < relation->constraint_count; i++)
        if (strcmp(relation->constraints[i].name, name) == 0)
            return &relation->constraints[i];
    return NULL;
}

struct model_constraint *model_add_constraint(struct model *model, struct model_relation *relation,
                                              const char *name, enum model_constraint_kind kind)
{
    struct model_constraint *made;

    relation->constraints =
        grown(model, relation->constraints, relation->constraint_count, sizeof(*made));
    made = &relation->constraints[relation->constraint_count];
    relation->constraint_count += !model->is_frozen;
    *made = (struct model_constraint){.name = model_keep(model, name), .kind = kind};
    return made;
}

void model_drop_constraint(struct model *model, struct model_relation *relation, const char *name)
{
    struct model_constraint *gone = model_constraint(relation, name);

    if (gone == NULL || model->is_frozen)
        return;
    if (gone->index != NULL && gone->kind != MODEL_FOREIGN_KEY)
        model_drop(model, gone->index);
    relation->constraint_count--;
    memmove(gone, gone + 1,
            (size_t)(relation->constraints + relation->constraint_count - gone) * sizeof(*gone));
}

/* ---- types ---- */

struct model_named_type *model_find_type(const struct model *model, const char *schema,
                                         const char *name)
{
    schema = schema_or_public(schema);
    for (size_t i = model->type_buckets[bucket_of(name)]; i > 0; i = model->types[i - 1].next) {
        struct model_named_type *type = &model->types[i - 1];

        if (!type->is_gone && strcmp(type->name, name) == 0 && strcmp(type->schema, schema) == 0)
            return type;
    }
    return NULL;
}

struct model_named_type *model_make_type(struct model *model, const char *schema, const char *name,
                                         enum model_type_kind kind)
{
    struct model_named_type *type = model_find_type(model, schema, name);

    if (type != NULL)
        return type;
    model->types = grown(model, model->types, model->type_count, sizeof(*type));
    type = &model->types[model->type_count];
    *type = (struct model_named_type){.schema = model_keep(model, schema_or_public(schema)),
                                      .name = model_keep(model, name),
                                      .kind = kind,
                                      .since = model->revision,
                                      .next = model->type_buckets[bucket_of(name)]};
    if (!model->is_frozen)
        model->type_buckets[bucket_of(name)] = ++model->type_count;
    return type;
}
