#include "common/lint/effect.h"

#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES_MAX    63
#define REVERSE_BYTES_MAX 8388608 /* what would be longer nobody says */

static const struct {
    const char *name, *letters;
} modes[LOCK_COUNT_] = {
    [LOCK_NONE] = {"none", ""},
    [LOCK_ACCESS_SHARE] = {"access share", "AS"},
    [LOCK_ROW_SHARE] = {"row share", "RS"},
    [LOCK_ROW_EXCLUSIVE] = {"row exclusive", "RX"},
    [LOCK_SHARE_UPDATE_EXCLUSIVE] = {"share update exclusive", "SUE"},
    [LOCK_SHARE] = {"share", "S"},
    [LOCK_SHARE_ROW_EXCLUSIVE] = {"share row exclusive", "SRE"},
    [LOCK_EXCLUSIVE] = {"exclusive", "X"},
    [LOCK_ACCESS_EXCLUSIVE] = {"access exclusive", "AX"},
};

const char *lock_mode_name(enum lock_mode mode)
{
    return modes[mode].name;
}

const char *lock_mode_short(enum lock_mode mode)
{
    return modes[mode].letters;
}

/* ---- what is kept ---- */

static void *grown(struct reading *in, void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    return memory_resized(in->effect, array, count, count == 0 ? 1 : count * 2, size);
}

void effect_lock(struct reading *in, const struct model_relation *relation, enum lock_mode mode)
{
    struct effect *effect = in->effect;

    if (relation->is_new || relation->kind == MODEL_COMPOSITE)
        return;
    for (size_t i = 0; i < effect->lock_count; i++) {
        if (effect->locks[i].relation != relation)
            continue;
        if (effect->locks[i].mode < mode)
            effect->locks[i].mode = mode;
        return;
    }
    effect->locks = grown(in, effect->locks, effect->lock_count, sizeof(effect->locks[0]));
    effect->locks[effect->lock_count++] = (struct effect_lock){
        .relation = relation, .schema = relation->schema, .name = relation->name, .mode = mode};
}

/* What follows is about: ONLY is the relation alone. */
static size_t family_of(struct reading *in, const struct model_relation *relation, bool with_uses,
                        struct model_relation ***ret)
{
    struct model_relation *own = model_relation(in->model, relation->number);
    size_t count = model_family(in->model, own, with_uses, ret);

    return in->is_only && !with_uses ? 1 : count;
}

void effect_lock_all(struct reading *in, const struct model_relation *relation, enum lock_mode mode)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, false, &family);

    for (size_t i = 0; i < count; i++)
        effect_lock(in, family[i], mode);
}

void effect_lock_with_uses(struct reading *in, const struct model_relation *relation,
                           enum lock_mode mode)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, true, &family);

    for (size_t i = 0; i < count; i++)
        effect_lock(in, family[i], mode);
}

void effect_lock_indexes(struct reading *in, const struct model_relation *relation,
                         enum lock_mode mode)
{
    for (size_t i = 0; i < relation->part_count; i++)
        if (!relation->parts[i]->is_gone && relation->parts[i]->kind == MODEL_INDEX)
            effect_lock(in, relation->parts[i], mode);
}

void effect_read(struct reading *in, const struct model_relation *relation)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, true, &family);

    for (size_t i = 0; i < count; i++) {
        effect_lock(in, family[i], LOCK_ACCESS_SHARE);
        if (family[i]->kind != MODEL_PARTITIONED) /* the planner looks at the partitions' own */
            effect_lock_indexes(in, family[i], LOCK_ACCESS_SHARE);
    }
}

static void add_once(struct reading *in, const struct model_relation ***list, size_t *count,
                     const struct model_relation *relation)
{
    for (size_t i = 0; i < *count; i++)
        if ((*list)[i] == relation)
            return;
    *list = grown(in, *list, *count, sizeof(relation));
    (*list)[(*count)++] = relation;
}

void effect_rewrite(struct reading *in, const struct model_relation *relation)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, false, &family);

    for (size_t i = 0; i < count; i++) {
        effect_lock(in, family[i], LOCK_ACCESS_EXCLUSIVE);
        if (family[i]->kind == MODEL_PARTITIONED || family[i]->is_new)
            continue;
        effect_lock_indexes(in, family[i], LOCK_ACCESS_EXCLUSIVE);
        add_once(in, &in->effect->rewrites, &in->effect->rewrite_count, family[i]);
    }
}

void effect_scan(struct reading *in, const struct model_relation *relation)
{
    if (relation->is_new || relation->kind == MODEL_PARTITIONED || relation->kind == MODEL_VIEW)
        return;
    add_once(in, &in->effect->scans, &in->effect->scan_count, relation);
}

void effect_scan_all(struct reading *in, const struct model_relation *relation)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, false, &family);

    for (size_t i = 0; i < count; i++)
        effect_scan(in, family[i]);
}

void effect_change(struct reading *in, const struct model_relation *relation)
{
    struct model_relation **family;
    size_t count = family_of(in, relation, false, &family);

    for (size_t i = 0; i < count; i++) {
        effect_lock(in, family[i], LOCK_ROW_EXCLUSIVE);
        if (family[i]->kind != MODEL_PARTITIONED)
            effect_lock_indexes(in, family[i], LOCK_ROW_EXCLUSIVE);
    }
}

bool effect_is_dropped(struct reading *in, const struct model_relation *relation)
{
    size_t before = in->dropped_count;

    add_once(in, &in->dropped, &in->dropped_count, relation);
    return in->dropped_count == before;
}

const char *effect_format(struct reading *in, const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = talloc_vasprintf(in->effect, format, arguments);
    va_end(arguments);
    assert(text != NULL);
    return text;
}

const char *effect_text_with(struct reading *in, const char *word, const char *more)
{
    const char *text = in->statement->text;
    size_t length = strlen(word);

    for (size_t at = 0; text[at] != '\0'; at++) {
        if ((at > 0 && name_has_letter(text[at - 1])) ||
            strncasecmp(text + at, word, length) != 0 || name_has_letter(text[at + length]))
            continue;
        return effect_format(in, "%.*s%s%s", (int)(at + length), text, more, text + at + length);
    }
    return text;
}

const char *effect_table(struct reading *in, const struct model_relation *relation)
{
    return name_with_schema(in->effect, relation->schema, relation->name);
}

struct effect_note *effect_note(struct reading *in, enum rule_id rule,
                                const struct model_relation *relation, const char *name,
                                const char *detail)
{
    struct effect *effect = in->effect;
    struct effect_note *note;

    effect->notes = grown(in, effect->notes, effect->note_count, sizeof(*note));
    note = &effect->notes[effect->note_count++];
    *note =
        (struct effect_note){.rule = rule,
                             .relation = relation,
                             .table = relation != NULL ? effect_table(in, relation) : "",
                             .name = name != NULL && name[0] != '\0' ? name_text(effect, name) : "",
                             .detail = detail != NULL ? memory_text(effect, detail) : ""};
    return note;
}

/* The parser has cut it already, at a character's end: the text goes on where the name does not. */
void effect_check_name(struct reading *in, const char *name)
{
    size_t length = strlen(name);

    if (length < NAME_BYTES_MAX - 3)
        return;
    for (const char *at = in->statement->text; *at != '\0'; at++)
        if (strncasecmp(at, name, length) == 0 &&
            (name_has_letter(at[length]) || (unsigned char)at[length] >= 0x80)) {
            (void)effect_note(in, RULE_NAME_CUT, NULL, name, NULL);
            return;
        }
}

void effect_made(struct reading *in, const char *name, const struct model_relation *table)
{
    struct effect *effect = in->effect;

    effect_check_name(in, name);
    if (name[0] == '\0')
        return;
    effect->made = grown(in, effect->made, effect->made_count, sizeof(effect->made[0]));
    effect->made[effect->made_count++] =
        (struct effect_made){.name = memory_text(effect, name), .table = table};
}

void effect_reverse(struct reading *in, const char *sql)
{
    in->has_no_reverse |= sql == NULL;
    if (in->has_no_reverse)
        return;
    in->reverses = grown(in, in->reverses, in->reverse_count, sizeof(sql));
    in->reverses[in->reverse_count++] = sql;
}

/* The last part is taken back first. */
static const char *whole_reverse(struct reading *in)
{
    struct text *whole;

    if (in->has_no_reverse || in->reverse_count == 0)
        return NULL;
    if (in->reverse_count == 1)
        return in->reverses[0];
    whole = text_new(in->effect, REVERSE_BYTES_MAX);
    for (size_t i = in->reverse_count; i-- > 0;) {
        text_append(whole, in->reverses[i]);
        text_append(whole, i > 0 ? "\n" : "");
    }
    return whole->is_cut ? NULL : whole->data;
}

void effect_unknown(struct reading *in, const char *what)
{
    in->effect->unknown = memory_text(in->effect, what);
}

/* ---- whom a node names ---- */

struct model_relation *reading_relation(struct reading *in, const struct tree *range,
                                        enum model_kind kind)
{
    return model_need(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"), kind);
}

struct model_relation *reading_words(struct reading *in, const struct tree *words, size_t skip,
                                     enum model_kind kind)
{
    return model_need(in->model, tree_word_from_end(words, skip + 1),
                      tree_word_from_end(words, skip), kind);
}

struct model_column *reading_column(struct reading *in, const struct model_relation *relation,
                                    const char *name)
{
    struct model_column *column = model_column(relation, name);

    if (column == NULL || !model_is_frozen(in->model))
        return column;
    return memory_copy(in->effect, column, sizeof(*column));
}

struct model_constraint *reading_constraint(struct reading *in,
                                            const struct model_relation *relation, const char *name)
{
    struct model_constraint *constraint = model_constraint(relation, name);

    if (constraint == NULL || !model_is_frozen(in->model))
        return constraint;
    return memory_copy(in->effect, constraint, sizeof(*constraint));
}

/* Names of CTEs, which are no relations. */
#define CTES_MAX 64

struct querying {
    struct reading *in;
    bool is_run;
    struct model_relation *view; /* NULL: read */
    const char *ctes[CTES_MAX];
    size_t cte_count;
};

static void see_cte(const struct tree *node, void *context)
{
    struct querying *query = context;

    if (query->cte_count < CTES_MAX)
        query->ctes[query->cte_count++] = tree_text(node, "ctename");
}

static bool is_catalog(const struct tree *range)
{
    const char *schema = tree_text(range, "schemaname");

    return strcmp(schema, "pg_catalog") == 0 || strcmp(schema, "information_schema") == 0 ||
           (schema[0] == '\0' && text_starts_with(tree_text(range, "relname"), "pg_"));
}

static void see_range(const struct tree *node, void *context)
{
    struct querying *query = context;
    struct model_relation *relation;

    if (is_catalog(node) ||
        (tree_text(node, "schemaname")[0] == '\0' &&
         model_has_key(query->ctes, query->cte_count, tree_text(node, "relname"))))
        return;
    relation = reading_relation(query->in, node, MODEL_TABLE);
    if (query->view != NULL)
        model_add_use(query->in->model, query->view, relation);
    else if (query->is_run)
        effect_read(query->in, relation);
    else
        effect_lock(query->in, relation, LOCK_ACCESS_SHARE);
}

static void query(struct reading *in, const struct tree *node, struct model_relation *view,
                  bool is_run)
{
    struct querying query = {.in = in, .view = view, .is_run = is_run};

    tree_find(node, "CommonTableExpr", see_cte, &query);
    tree_find(node, "RangeVar", see_range, &query);
}

void reading_query(struct reading *in, const struct tree *node)
{
    in->effect->has_query = true;
    query(in, node, NULL, true);
}

void reading_parsed(struct reading *in, const struct tree *node)
{
    query(in, node, NULL, false);
}

void reading_uses(struct reading *in, const struct tree *node, struct model_relation *view)
{
    query(in, node, view, false);
}

const char *reading_names(struct reading *in, const struct tree *list)
{
    struct text *names = text_new(in->effect, SPLIT_BYTES_MAX);

    for (size_t i = 0; i < tree_count(list); i++) {
        text_append(names, i == 0 ? "" : ", ");
        text_append(names, name_text(in->effect, tree_text(tree_item(list, i, "String"), "sval")));
    }
    return names->data;
}

/* ---- the table ---- */

static const struct {
    const char *node;
    effect_read_node *read;
} kinds[] = {
    {"AlterTableStmt", read_alter_table},
    {"CreateStmt", read_create},
    {"CreateTableAsStmt", read_create_as},
    {"IndexStmt", read_index},
    {"ViewStmt", read_view},
    {"CreateSeqStmt", read_sequence},
    {"CreateSchemaStmt", read_schema},
    {"CreateEnumStmt", read_enum},
    {"CreateDomainStmt", read_domain},
    {"CompositeTypeStmt", read_composite},
    {"CreateRangeStmt", read_range},
    {"CreateFunctionStmt", read_function},
    {"CreateTrigStmt", read_trigger},
    {"CreatePolicyStmt", read_policy},
    {"AlterPolicyStmt", read_alter_policy},
    {"RuleStmt", read_rule},
    {"CreateStatsStmt", read_statistics},
    {"AlterStatsStmt", read_alter_statistics},
    {"CreatePublicationStmt", read_publication},
    {"AlterPublicationStmt", read_alter_publication},
    {"CreateExtensionStmt", read_extension},
    {"DropStmt", read_drop},
    {"TruncateStmt", read_truncate},
    {"RenameStmt", read_rename},
    {"AlterObjectSchemaStmt", read_set_schema},
    {"AlterOwnerStmt", read_owner},
    {"CommentStmt", read_comment},
    {"RefreshMatViewStmt", read_refresh},
    {"ReindexStmt", read_reindex},
    {"VacuumStmt", read_vacuum},
    {"ClusterStmt", read_cluster},
    {"LockStmt", read_lock},
    {"AlterSeqStmt", read_alter_sequence},
    {"AlterEnumStmt", read_alter_enum},
    {"AlterDomainStmt", read_alter_domain},
    {"VariableSetStmt", read_set},
    {"SelectStmt", read_select},
    {"InsertStmt", read_insert},
    {"UpdateStmt", read_update},
    {"DeleteStmt", read_delete},
    {"DoStmt", read_do},
    {"CallStmt", read_do},
    {"GrantStmt", read_nothing},
    {"GrantRoleStmt", read_nothing},
    {"AlterDefaultPrivilegesStmt", read_nothing},
    {"AlterFunctionStmt", read_nothing},
    {"CreateRoleStmt", read_nothing},
    {"AlterRoleStmt", read_nothing},
    {"AlterRoleSetStmt", read_nothing},
    {"DropRoleStmt", read_nothing},
    {"ConstraintsSetStmt", read_nothing},
    {"CreateCastStmt", read_nothing},
    {"DefineStmt", read_nothing},
    {"AlterExtensionStmt", read_nothing},
    {"SecLabelStmt", read_nothing},
};

static effect_read_node *reader_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].node, kind) == 0)
            return kinds[i].read;
    return read_unknown;
}

enum error_code effect_of(const void *parent, struct effect_place *place,
                          const struct split_statement *statement, struct effect **ret,
                          struct error *err)
{
    struct reading in = {.place = place, .model = place->model, .statement = statement};
    const struct tree *tree = NULL;
    void *memory = talloc_new(NULL);

    if (model_is_full(place->model)) {
        talloc_free(memory);
        return error_set(err, ERROR_LIMIT,
                         "the history makes more than %d relations or types; no more are looked at",
                         MODEL_RELATIONS_MAX);
    }
    if (split_tree_of(memory, statement, &tree, err) != ERROR_OK) {
        talloc_free(memory);
        return err->code;
    }
    model_settle(place->model);
    in.effect = memory_new(parent, struct effect);
    in.effect->class = statement->class;
    in.effect->shape = memory_text(in.effect, statement->kind);
    in.node = tree_get(tree, statement->kind);
    reader_of(statement->kind)(&in);
    talloc_free(memory);
    in.effect->reverse = whole_reverse(&in);
    *ret = in.effect;
    return ERROR_OK;
}
