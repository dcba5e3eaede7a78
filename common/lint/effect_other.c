/* What neither makes nor takes away: renames, comments, maintenance, rows. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

/* ---- names ---- */

static enum model_kind kind_of(const char *type)
{
    return strcmp(type, "OBJECT_INDEX") == 0      ? MODEL_INDEX
           : strcmp(type, "OBJECT_VIEW") == 0     ? MODEL_VIEW
           : strcmp(type, "OBJECT_MATVIEW") == 0  ? MODEL_MATVIEW
           : strcmp(type, "OBJECT_SEQUENCE") == 0 ? MODEL_SEQUENCE
                                                  : MODEL_TABLE;
}

/* Of it, of its partitions and heirs, and in their indexes. */
static void rename_everywhere(struct reading *in, struct model_relation *relation, const char *name,
                              const char *to)
{
    struct model_relation **family;
    size_t count = model_family(in->model, relation, false, &family);

    for (size_t i = 0; i < count && !model_is_frozen(in->model); i++) {
        struct model_column *column = model_column(family[i], name);

        if (column != NULL)
            column->name = model_keep(in->model, to);
        for (size_t p = 0; p < family[i]->part_count; p++)
            for (size_t k = 0; k < family[i]->parts[p]->key_count; k++)
                if (strcmp(family[i]->parts[p]->columns[k], name) == 0)
                    family[i]->parts[p]->columns[k] = model_keep(in->model, to);
    }
}

static void rename_column(struct reading *in, struct model_relation *relation)
{
    const char *name = tree_text(in->node, "subname"), *to = tree_text(in->node, "newname");

    effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
    (void)effect_note(in, RULE_RENAME_BREAKS, relation, name, to);
    effect_reverse(in, effect_format(in, "ALTER TABLE %s RENAME COLUMN %s TO %s;",
                                     effect_table(in, relation), name_text(in->effect, to),
                                     name_text(in->effect, name)));
    rename_everywhere(in, relation, name, to);
}

static void rename_constraint(struct reading *in, struct model_relation *relation)
{
    const char *name = tree_text(in->node, "subname"), *to = tree_text(in->node, "newname");
    struct model_constraint *constraint = reading_constraint(in, relation, name);

    effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
    if (constraint == NULL)
        return;
    if (constraint->index != NULL && constraint->kind != MODEL_FOREIGN_KEY) {
        effect_lock(in, constraint->index, LOCK_SHARE_UPDATE_EXCLUSIVE);
        model_rename(in->model, constraint->index, relation->schema, to);
    }
    constraint->name = model_keep(in->model, to);
}

static void rename_relation(struct reading *in, struct model_relation *relation)
{
    const char *to = tree_text(in->node, "newname");

    effect_lock(in, relation,
                relation->kind == MODEL_INDEX ? LOCK_SHARE_UPDATE_EXCLUSIVE
                                              : LOCK_ACCESS_EXCLUSIVE);
    if (relation->kind != MODEL_INDEX)
        (void)effect_note(in, RULE_RENAME_BREAKS, relation, relation->name, to);
    effect_reverse(in, effect_format(in, "ALTER %s %s RENAME TO %s;",
                                     relation->kind == MODEL_INDEX ? "INDEX" : "TABLE",
                                     name_with_schema(in->effect, relation->schema, to),
                                     name_text(in->effect, relation->name)));
    model_rename(in->model, relation, relation->schema, to);
}

/* OBJECT_TRIGGER, OBJECT_RULE, OBJECT_POLICY: of a table. */
static void rename_of_table(struct reading *in, struct model_relation *relation)
{
    effect_lock(in, relation, LOCK_ACCESS_EXCLUSIVE);
    if (strcmp(tree_text(in->node, "renameType"), "OBJECT_TRIGGER") == 0)
        effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
}

void read_rename(struct reading *in)
{
    static const struct {
        const char *type;
        void (*read)(struct reading *, struct model_relation *);
    } types[] = {{"OBJECT_COLUMN", rename_column},     {"OBJECT_TABCONSTRAINT", rename_constraint},
                 {"OBJECT_TABLE", rename_relation},    {"OBJECT_INDEX", rename_relation},
                 {"OBJECT_VIEW", rename_relation},     {"OBJECT_MATVIEW", rename_relation},
                 {"OBJECT_SEQUENCE", rename_relation}, {"OBJECT_FOREIGN_TABLE", rename_relation},
                 {"OBJECT_TRIGGER", rename_of_table},  {"OBJECT_RULE", rename_of_table},
                 {"OBJECT_POLICY", rename_of_table}};
    const char *type = tree_text(in->node, "renameType");
    const struct tree *range = tree_get(in->node, "relation");

    for (size_t i = 0; i < ARRAY_LEN(types) && range != NULL; i++)
        if (strcmp(types[i].type, type) == 0) {
            types[i].read(in, reading_relation(in, range, kind_of(type)));
            return;
        }
    (void)effect_note(in, RULE_RENAME_BREAKS, NULL, tree_text(in->node, "subname"),
                      tree_text(in->node, "newname"));
}

void read_set_schema(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "relation");
    const char *to = tree_text(in->node, "newschema");
    struct model_relation *relation;

    if (range == NULL) {
        (void)effect_note(in, RULE_RENAME_BREAKS, NULL, NULL, to);
        return;
    }
    relation = reading_relation(in, range, kind_of(tree_text(in->node, "objectType")));
    effect_lock(in, relation, LOCK_ACCESS_EXCLUSIVE);
    for (size_t i = 0; i < model_count(in->model); i++) {
        struct model_relation *own = model_relation(in->model, i);

        if (own->table != relation || own->is_gone)
            continue;
        if (own->kind == MODEL_SEQUENCE)
            effect_lock(in, own, LOCK_ACCESS_EXCLUSIVE);
        model_rename(in->model, own, to, own->name);
    }
    (void)effect_note(in, RULE_RENAME_BREAKS, relation, relation->name, to);
    model_rename(in->model, relation, to, relation->name);
}

void read_owner(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "relation");

    if (range != NULL)
        effect_lock(in, reading_relation(in, range, MODEL_TABLE), LOCK_ACCESS_EXCLUSIVE);
}

/* ---- comments ---- */

void read_comment(struct reading *in)
{
    static const struct {
        const char *type;
        size_t skip; /* words that are not the relation's */
        enum lock_mode mode;
    } types[] = {{"OBJECT_TABLE", 0, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_VIEW", 0, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_MATVIEW", 0, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_INDEX", 0, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_SEQUENCE", 0, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_COLUMN", 1, LOCK_SHARE_UPDATE_EXCLUSIVE},
                 {"OBJECT_TABCONSTRAINT", 1, LOCK_ACCESS_SHARE},
                 {"OBJECT_TRIGGER", 1, LOCK_ACCESS_SHARE},
                 {"OBJECT_RULE", 1, LOCK_ACCESS_SHARE},
                 {"OBJECT_POLICY", 1, LOCK_ACCESS_SHARE}};
    const char *type = tree_text(in->node, "objtype");
    const struct tree *words = tree_words(tree_get(in->node, "object"));

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            effect_lock(in, reading_words(in, words, types[i].skip, MODEL_TABLE), types[i].mode);
}

/* ---- maintenance ---- */

void read_refresh(struct reading *in)
{
    struct model_relation *view =
        reading_relation(in, tree_get(in->node, "relation"), MODEL_MATVIEW);
    bool is_concurrent = tree_flag(in->node, "concurrent");

    in->effect->has_query = true;
    for (size_t i = 0; i < view->use_count; i++)
        effect_read(in, view->uses[i]);
    if (is_concurrent) {
        effect_lock(in, view, LOCK_EXCLUSIVE);
        effect_lock_indexes(in, view, LOCK_ROW_EXCLUSIVE);
        return;
    }
    effect_rewrite(in, view);
    (void)effect_note(in, RULE_REFRESH_BLOCKS, view, NULL, NULL);
}

static void reindex_table(struct reading *in, struct model_relation *table, bool is_concurrent)
{
    effect_lock(in, table, is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE);
    effect_lock_indexes(in, table,
                        is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    effect_scan(in, table);
    for (size_t i = 0; i < table->part_count; i++)
        if (!table->parts[i]->is_gone && table->parts[i]->is_partition)
            reindex_table(in, table->parts[i], is_concurrent);
}

static void reindex_index(struct reading *in, struct model_relation *index, bool is_concurrent)
{
    effect_lock(in, index, is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    if (index->table == NULL) {
        effect_unknown(in, "the index is not in this history: its table is locked, too");
        return;
    }
    effect_lock(in, index->table, is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE);
    effect_scan(in, index->table);
}

void read_reindex(struct reading *in)
{
    bool is_index = strcmp(tree_text(in->node, "kind"), "REINDEX_OBJECT_INDEX") == 0;
    bool is_concurrent = tree_option(tree_get(in->node, "params"), "concurrently") != NULL;
    const struct tree *range = tree_get(in->node, "relation");
    struct model_relation *relation;

    if (range == NULL) {
        effect_unknown(in, "it rebuilds every index of a schema or of the database");
        return;
    }
    relation = reading_relation(in, range, is_index ? MODEL_INDEX : MODEL_TABLE);
    if (!is_concurrent)
        effect_note(in, RULE_REINDEX_BLOCKS,
                    is_index && relation->table != NULL ? relation->table : relation,
                    relation->name,
                    effect_text_with(in, is_index ? "index" : "table", " CONCURRENTLY"))
            ->is_size = true;
    if (is_index)
        reindex_index(in, relation, is_concurrent);
    else
        reindex_table(in, relation, is_concurrent);
}

static bool is_full(const struct reading *in)
{
    return tree_option(tree_get(in->node, "options"), "full") != NULL;
}

static void vacuum(struct reading *in, struct model_relation *table)
{
    if (is_full(in)) {
        effect_rewrite(in, table);
        effect_note(in, RULE_TABLE_REWRITES, table, NULL, "VACUUM FULL")->is_size = true;
        return;
    }
    effect_lock(in, table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    effect_lock_indexes(
        in, table, tree_flag(in->node, "is_vacuumcmd") ? LOCK_ROW_EXCLUSIVE : LOCK_ACCESS_SHARE);
    for (size_t i = 0; i < table->part_count; i++) {
        if (table->parts[i]->is_gone || table->parts[i]->kind == MODEL_INDEX)
            continue;
        if (table->parts[i]->is_partition)
            vacuum(in, table->parts[i]);
        else
            effect_lock(in, table->parts[i], LOCK_ACCESS_SHARE); /* a sample of heirs' rows */
    }
}

void read_vacuum(struct reading *in)
{
    const struct tree *tables = tree_get(in->node, "rels");

    if (tree_count(tables) == 0)
        effect_unknown(in, "it goes through every table of the database");
    for (size_t i = 0; i < tree_count(tables); i++)
        vacuum(in,
               reading_relation(in, tree_get(tree_item(tables, i, "VacuumRelation"), "relation"),
                                MODEL_TABLE));
}

void read_cluster(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "relation");
    struct model_relation *table;

    if (range == NULL) {
        effect_unknown(in, "it rewrites every table that was clustered before");
        return;
    }
    table = reading_relation(in, range, MODEL_TABLE);
    effect_rewrite(in, table);
    effect_scan(in, table);
    effect_note(in, RULE_TABLE_REWRITES, table, NULL, "CLUSTER")->is_size = true;
}

void read_lock(struct reading *in)
{
    const struct tree *ranges = tree_get(in->node, "relations");
    size_t mode = tree_number(in->node, "mode");

    for (size_t i = 0; i < tree_count(ranges); i++) {
        struct model_relation *table =
            reading_relation(in, tree_item(ranges, i, "RangeVar"), MODEL_TABLE);

        in->is_only = !tree_flag(tree_item(ranges, i, "RangeVar"), "inh");
        if (mode < LOCK_COUNT_ && in->is_only)
            effect_lock(in, table, (enum lock_mode)mode);
        else if (mode < LOCK_COUNT_)
            effect_lock_with_uses(in, table, (enum lock_mode)mode);
        (void)effect_note(in, RULE_LOCK_TABLE, table, NULL,
                          mode < LOCK_COUNT_ ? lock_mode_name((enum lock_mode)mode) : "");
    }
}

/* ---- types ---- */

void read_alter_enum(struct reading *in)
{
    const char *name = tree_word_from_end(tree_get(in->node, "typeName"), 0);
    const char *value = tree_text(in->node, "newVal"), *before = tree_text(in->node, "oldVal");

    if (before[0] != '\0')
        (void)effect_note(in, RULE_RENAME_BREAKS, NULL, before, value);
    else if (tree_text(in->node, "newValNeighbor")[0] == '\0')
        (void)effect_note(in, RULE_ENUM_PLACE, NULL, name, value);
}

static bool has_column_of(const struct model_relation *relation, const char *type)
{
    for (size_t i = 0; i < relation->column_count; i++)
        if (strcmp(relation->column_list[i].type.name, type) == 0)
            return true;
    return false;
}

/* "C" ADD CONSTRAINT, "V" VALIDATE, "O" SET NOT NULL; the others look at no row. */
void read_alter_domain(struct reading *in)
{
    const struct tree *words = tree_get(in->node, "typeName");
    const char *type = tree_word_from_end(words, 0), *subtype = tree_text(in->node, "subtype");
    bool is_looking = (subtype[0] == 'C' &&
                       !tree_flag(tree_at(in->node, "def", "Constraint"), "skip_validation")) ||
                      subtype[0] == 'V' || subtype[0] == 'O';
    struct model_named_type *domain =
        model_find_type(in->model, tree_word_from_end(words, 1), type);

    if (domain != NULL && !model_is_frozen(in->model) && (subtype[0] == 'C' || subtype[0] == 'O'))
        domain->is_constrained = true;
    for (size_t i = 0; i < model_count(in->model) && is_looking; i++) {
        struct model_relation *table = model_relation(in->model, i);

        if (table->is_gone || !has_column_of(table, type))
            continue;
        effect_lock(in, table, LOCK_SHARE);
        effect_scan(in, table);
        effect_note(in, RULE_DOMAIN_SCANS, table, type, subtype)->is_size = true;
    }
}

void read_alter_statistics(struct reading *in)
{
    (void)in;
}

/* ---- rows ---- */

void read_set(struct reading *in)
{
    const char *name = tree_text(in->node, "name");

    if (strcmp(name, "timezone") == 0 || strcmp(name, "TimeZone") == 0) {
        const struct tree *value = tree_item(tree_get(in->node, "args"), 0, "A_Const");

        in->place->is_utc = strcmp(tree_text(tree_get(value, "sval"), "sval"), "UTC") == 0;
    }
    if (strcmp(name, "lock_timeout") == 0 || strcmp(name, "statement_timeout") == 0)
        (void)effect_note(in, RULE_TIMEOUT_SET, NULL, name, NULL);
}

void read_select(struct reading *in)
{
    reading_query(in, in->node);
}

void read_insert(struct reading *in)
{
    struct model_relation *table =
        reading_relation(in, tree_get(in->node, "relation"), MODEL_TABLE);

    reading_query(in, tree_get(in->node, "selectStmt"));
    reading_query(in, tree_get(in->node, "withClause"));
    effect_lock(in, table, LOCK_ROW_EXCLUSIVE); /* its indexes only while a row goes in */
    if (table->kind == MODEL_PARTITIONED)       /* those that get a row */
        effect_lock_all(in, table, LOCK_ROW_EXCLUSIVE);
}

static void change_where(struct reading *in, const char *from)
{
    struct model_relation *table =
        reading_relation(in, tree_get(in->node, "relation"), MODEL_TABLE);

    reading_query(in, tree_get(in->node, from));
    reading_query(in, tree_get(in->node, "withClause"));
    reading_query(in, tree_get(in->node, "whereClause"));
    reading_query(in, tree_get(in->node, "targetList"));
    effect_change(in, table);
    if (tree_get(in->node, "whereClause") == NULL)
        effect_note(in, RULE_WHOLE_TABLE, table, NULL, NULL)->is_size = true;
}

void read_update(struct reading *in)
{
    change_where(in, "fromClause");
}

void read_delete(struct reading *in)
{
    change_where(in, "usingClause");
}

void read_do(struct reading *in)
{
    effect_unknown(in, "what a DO block or a procedure does is not looked into");
}

void read_nothing(struct reading *in)
{
    (void)in;
}

void read_unknown(struct reading *in)
{
    effect_unknown(in, "this kind of statement is not known here");
}
