/* What makes something. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

/* ---- tables ---- */

static void add_elements(struct reading *in, struct model_relation *relation)
{
    const struct tree *elements = tree_get(in->node, "tableElts");
    struct constraint_place place = {.relation = relation, .is_create = true};

    for (size_t i = 0; i < tree_count(elements); i++) {
        const struct tree *element;
        const char *kind = tree_kind(tree_element(elements, i), &element);

        if (strcmp(kind, "ColumnDef") == 0)
            column_add(in, element, relation, true);
        else if (strcmp(kind, "TableLikeClause") == 0)
            effect_lock(in, reading_relation(in, tree_get(element, "relation"), MODEL_TABLE),
                        LOCK_ACCESS_SHARE);
    }
    for (size_t i = 0; i < tree_count(elements); i++) /* keys may stand before their columns */
        constraint_add(in, tree_item(elements, i, "Constraint"), &place);
}

static void copy_columns(struct reading *in, const struct model_relation *from,
                         struct model_relation *to)
{
    for (size_t i = 0; i < from->column_count; i++) {
        const struct model_column copy = from->column_list[i];

        *model_add_column(in->model, to, copy.name) = copy;
    }
}

static void add_parents(struct reading *in, struct model_relation *relation)
{
    const struct tree *parents = tree_get(in->node, "inhRelations");
    const struct tree *bound = tree_get(in->node, "partbound");

    for (size_t i = 0; i < tree_count(parents); i++) {
        struct model_relation *parent = reading_relation(
            in, tree_item(parents, i, "RangeVar"), bound != NULL ? MODEL_PARTITIONED : MODEL_TABLE);

        copy_columns(in, parent, relation);
        effect_lock(in, parent,
                    bound != NULL ? LOCK_ACCESS_EXCLUSIVE : LOCK_SHARE_UPDATE_EXCLUSIVE);
        if (bound != NULL) {
            (void)effect_note(in, RULE_PARTITION_OF, parent, relation->name,
                              effect_table(in, relation));
            partition_attach(in, parent, relation, bound);
        } else {
            relation->parent = parent;
            model_add_part(in->model, parent, relation);
        }
    }
}

/* What the parent's foreign keys and indexes are to it, a partition's own become. */
static void follow_parent(struct reading *in, const struct model_relation *relation)
{
    const struct model_relation *parent = relation->is_partition ? relation->parent : NULL;

    for (size_t i = 0; parent != NULL && i < parent->constraint_count; i++)
        if (parent->constraints[i].kind == MODEL_FOREIGN_KEY)
            effect_lock_all(in, parent->constraints[i].references, LOCK_SHARE_ROW_EXCLUSIVE);
    if (parent != NULL)
        effect_lock_indexes(in, parent, LOCK_SHARE_UPDATE_EXCLUSIVE);
}

void read_create(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "relation");
    bool is_partitioned = tree_get(in->node, "partspec") != NULL;
    struct model_relation *found =
        model_find(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"));
    struct model_relation *relation;

    if (found != NULL && tree_flag(in->node, "if_not_exists"))
        return;
    relation = model_make(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"),
                          is_partitioned ? MODEL_PARTITIONED : MODEL_TABLE);
    relation->is_unlogged = strcmp(tree_text(range, "relpersistence"), "u") == 0;
    effect_made(in, relation->name, NULL);
    effect_reverse(in, effect_format(in, "DROP TABLE %s;", effect_table(in, relation)));
    add_elements(in, relation);
    add_parents(in, relation);
    follow_parent(in, relation);
}

void read_create_as(struct reading *in)
{
    const struct tree *into = tree_get(in->node, "into");
    const struct tree *range = tree_get(into, "rel");
    bool is_view = strcmp(tree_text(in->node, "objtype"), "OBJECT_MATVIEW") == 0;
    struct model_relation *relation;

    reading_query(in, tree_get(in->node, "query"));
    relation = model_make(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"),
                          is_view ? MODEL_MATVIEW : MODEL_TABLE);
    if (is_view)
        reading_uses(in, tree_get(in->node, "query"), relation);
    effect_made(in, relation->name, NULL);
    effect_reverse(in, effect_format(in, "DROP %s %s;", is_view ? "MATERIALIZED VIEW" : "TABLE",
                                     effect_table(in, relation)));
}

/* ---- indexes ---- */

struct model_relation *index_make(struct reading *in, struct model_relation *table,
                                  const char *name, const struct model_relation *like,
                                  const char *const *columns)
{
    struct model_relation *index = model_make(in->model, table->schema, name, MODEL_INDEX);

    index->table = table;
    index->is_unique = like->is_unique;
    index->suffix = like->suffix;
    index->key_count = like->key_count;
    memcpy(index->columns, columns, sizeof(index->columns));
    model_add_part(in->model, table, index);
    for (size_t i = 0; i < table->part_count && !in->is_only; i++)
        if (table->parts[i]->is_partition && !table->parts[i]->is_gone)
            index_follow(in, index, table->parts[i]);
    return index;
}

static struct model_relation *find_like(const struct model_relation *table,
                                        const struct model_relation *index)
{
    for (size_t i = 0; i < table->part_count; i++) {
        struct model_relation *own = table->parts[i];
        bool fits = own->kind == MODEL_INDEX && !own->is_gone && own->parent == NULL &&
                    own->key_count == index->key_count && own->is_unique == index->is_unique;

        for (size_t c = 0; c < index->key_count && fits; c++)
            fits = strcmp(own->columns[c], index->columns[c]) == 0;
        if (fits)
            return own;
    }
    return NULL;
}

void index_follow(struct reading *in, struct model_relation *index,
                  struct model_relation *partition)
{
    struct model_relation *own = find_like(partition, index);
    const char *name = partition->name;
    const char *suffix = index->suffix != NULL ? index->suffix : "idx";

    if (own == NULL) {
        for (size_t i = 0; i < index->key_count && strcmp(suffix, "pkey") != 0; i++)
            name = effect_format(in, "%s_%s", name,
                                 index->columns[i][0] != '\0' ? index->columns[i] : "expr");
        own = index_make(in, partition, effect_format(in, "%s_%s", name, suffix), index,
                         index->columns);
    }
    if (!model_is_frozen(in->model))
        own->parent = index;
    model_add_part(in->model, index, own);
}

static void index_columns(struct reading *in, struct model_relation *index)
{
    const struct tree *params = tree_get(in->node, "indexParams");

    for (size_t i = 0; i < tree_count(params) && i < MODEL_KEY_MAX; i++)
        index->columns[index->key_count++] =
            model_keep(in->model, tree_text(tree_item(params, i, "IndexElem"), "name"));
}

static const char *index_name(struct reading *in, const struct model_relation *table)
{
    const struct tree *params = tree_get(in->node, "indexParams");
    const char *name = tree_text(in->node, "idxname");

    if (name[0] != '\0')
        return name;
    name = table->name;
    for (size_t i = 0; i < tree_count(params); i++) {
        const char *column = tree_text(tree_item(params, i, "IndexElem"), "name");

        name = effect_format(in, "%s_%s", name, column[0] != '\0' ? column : "expr");
    }
    return effect_format(in, "%s_idx", name);
}

/* The statement without IF NOT EXISTS. */
static const char *effect_without_exists(struct reading *in)
{
    const char *text = effect_text_with(in, "if", "");
    const char *marked = effect_text_with(in, "if", "\x01");
    size_t start = strcspn(marked, "\x01") - strlen("if");
    const char *rest = text + start;

    for (size_t words = 0; words < 3; words++) { /* IF, NOT, EXISTS */
        rest += strcspn(rest, " \t\r\n");
        rest += strspn(rest, " \t\r\n");
    }
    return effect_format(in, "%.*s%s", (int)start, text, rest);
}

static void note_index(struct reading *in, const struct model_relation *table, const char *name)
{
    bool is_concurrent = tree_flag(in->node, "concurrent");

    if (is_concurrent && tree_flag(in->node, "if_not_exists"))
        (void)effect_note(in, RULE_INDEX_NOT_EXISTS, table, name, effect_without_exists(in));
    if (table->kind == MODEL_PARTITIONED)
        effect_note(in, RULE_INDEX_ON_PARTITIONED, table, name, NULL)->is_size = !is_concurrent;
    else if (!is_concurrent)
        effect_note(in, RULE_INDEX_BLOCKS, table, name,
                    effect_text_with(in, "index", " CONCURRENTLY"))
            ->is_size = true;
    if (is_concurrent)
        (void)effect_note(in, RULE_INDEX_CORRUPTS, table, name, NULL);
    if (tree_flag(in->node, "unique"))
        (void)effect_note(in, RULE_WRITES_REFUSED, table, name, "the unique index");
}

void read_index(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "relation");
    struct model_relation *table = reading_relation(in, range, MODEL_TABLE);
    bool is_concurrent = tree_flag(in->node, "concurrent");
    enum lock_mode mode = is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_SHARE;
    const char *name = index_name(in, table);
    struct model_relation *index = model_find(in->model, table->schema, name);
    struct model_relation like = {.key_count = 0};

    note_index(in, table, name);
    if (tree_flag(range, "inh"))
        effect_lock_all(in, table, table->kind == MODEL_PARTITIONED ? mode : LOCK_NONE);
    effect_lock(in, table, mode);
    if (index != NULL && tree_flag(in->node, "if_not_exists"))
        return;
    effect_scan(in, table);
    if (tree_flag(range, "inh") && table->kind == MODEL_PARTITIONED)
        effect_scan_all(in, table);
    in->is_only = !tree_flag(range, "inh");
    like.is_unique = tree_flag(in->node, "unique");
    index_columns(in, &like);
    index = index_make(in, table, name, &like, like.columns);
    effect_made(in, name, table);
    effect_reverse(in, effect_format(in, "DROP INDEX %s%s;", is_concurrent ? "CONCURRENTLY " : "",
                                     effect_table(in, index)));
}

/* ---- views ---- */

void read_view(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "view");
    struct model_relation *view =
        model_find(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"));

    if (view != NULL)
        effect_lock(in, view, LOCK_ACCESS_EXCLUSIVE);
    else
        view = model_make(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"),
                          MODEL_VIEW);
    if (!model_is_frozen(in->model))
        view->use_count = 0;
    reading_uses(in, tree_get(in->node, "query"), view);
    for (size_t i = 0; i < view->use_count; i++)
        effect_lock(in, view->uses[i], LOCK_ACCESS_SHARE);
    effect_made(in, view->name, NULL);
    if (view->is_new)
        effect_reverse(in, effect_format(in, "DROP VIEW %s;", effect_table(in, view)));
}

/* ---- sequences, schemas, types ---- */

static struct model_relation *owner_of(struct reading *in, const struct tree *options,
                                       const char **ret_column)
{
    const struct tree *option = tree_option(options, "owned_by");
    const struct tree *words = tree_words(tree_get(option, "arg"));

    *ret_column = tree_word_from_end(words, 0);
    return tree_count(words) < 2 ? NULL : reading_words(in, words, 1, MODEL_TABLE);
}

void read_sequence(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "sequence");
    struct model_relation *sequence = model_make(in->model, tree_text(range, "schemaname"),
                                                 tree_text(range, "relname"), MODEL_SEQUENCE);
    const char *column;
    struct model_relation *owner = owner_of(in, tree_get(in->node, "options"), &column);

    model_own(in->model, sequence, owner, column);
    if (sequence->table != NULL)
        effect_lock(in, sequence->table, LOCK_ACCESS_SHARE);
    effect_made(in, sequence->name, NULL);
    effect_reverse(in, effect_format(in, "DROP SEQUENCE %s;", effect_table(in, sequence)));
}

void read_alter_sequence(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "sequence");
    struct model_relation *sequence =
        model_find(in->model, tree_text(range, "schemaname"), tree_text(range, "relname"));
    const char *column;
    struct model_relation *owner = owner_of(in, tree_get(in->node, "options"), &column);

    if (sequence == NULL && tree_flag(in->node, "missing_ok"))
        return;
    sequence = reading_relation(in, range, MODEL_SEQUENCE);
    effect_lock(in, sequence, LOCK_SHARE_ROW_EXCLUSIVE);
    if (owner == NULL)
        return;
    effect_lock(in, owner, LOCK_ACCESS_SHARE);
    if (model_is_frozen(in->model))
        return;
    model_own(in->model, sequence, owner, column);
}

void read_schema(struct reading *in)
{
    const char *name = tree_text(in->node, "schemaname");

    effect_made(in, name, NULL);
    effect_reverse(in, effect_format(in, "DROP SCHEMA %s;", name_text(in->effect, name)));
}

static void make_type(struct reading *in, const struct tree *words, enum model_type_kind kind,
                      const char *sql)
{
    const char *schema = tree_word_from_end(words, 1), *name = tree_word_from_end(words, 0);

    (void)model_make_type(in->model, schema, name, kind);
    effect_made(in, name, NULL);
    effect_reverse(in, effect_format(in, "DROP %s %s;", sql,
                                     name_with_schema(
                                         in->effect, schema[0] != '\0' ? schema : "public", name)));
}

void read_enum(struct reading *in)
{
    make_type(in, tree_get(in->node, "typeName"), MODEL_ENUM, "TYPE");
}

void read_range(struct reading *in)
{
    make_type(in, tree_get(in->node, "typeName"), MODEL_RANGE, "TYPE");
}

void read_domain(struct reading *in)
{
    const struct tree *words = tree_get(in->node, "domainname");

    make_type(in, words, MODEL_DOMAIN, "DOMAIN");
    model_make_type(in->model, tree_word_from_end(words, 1), tree_word_from_end(words, 0),
                    MODEL_DOMAIN)
        ->is_constrained = tree_count(tree_get(in->node, "constraints")) > 0;
}

void read_composite(struct reading *in)
{
    const struct tree *range = tree_get(in->node, "typevar");
    struct model_relation *relation = model_make(in->model, tree_text(range, "schemaname"),
                                                 tree_text(range, "relname"), MODEL_COMPOSITE);

    effect_made(in, relation->name, NULL);
    effect_reverse(in, effect_format(in, "DROP TYPE %s;", effect_table(in, relation)));
}

/* ---- what hangs on a table ---- */

void read_function(struct reading *in)
{
    const char *name = tree_word_from_end(tree_get(in->node, "funcname"), 0);
    const char *kind = tree_flag(in->node, "is_procedure") ? "PROCEDURE" : "FUNCTION";

    effect_made(in, name, NULL);
    effect_reverse(in, tree_flag(in->node, "replace")
                           ? NULL
                           : effect_format(in, "DROP %s %s;", kind, name_text(in->effect, name)));
}

void read_trigger(struct reading *in)
{
    struct model_relation *table =
        reading_relation(in, tree_get(in->node, "relation"), MODEL_TABLE);
    const struct tree *other = tree_get(in->node, "constrrel");
    const char *name = tree_text(in->node, "trigname");

    effect_lock(in, table, LOCK_SHARE_ROW_EXCLUSIVE);
    if (table->kind == MODEL_PARTITIONED && tree_flag(in->node, "row"))
        effect_lock_all(in, table, LOCK_SHARE_ROW_EXCLUSIVE);
    if (other != NULL)
        effect_lock(in, reading_relation(in, other, MODEL_TABLE), LOCK_ACCESS_SHARE);
    (void)effect_note(in, RULE_TRIGGER_LOCKS, table, name, NULL);
    effect_made(in, name, table);
    effect_reverse(in, effect_format(in, "DROP TRIGGER %s ON %s;", name_text(in->effect, name),
                                     effect_table(in, table)));
}

void read_policy(struct reading *in)
{
    struct model_relation *table = reading_relation(in, tree_get(in->node, "table"), MODEL_TABLE);
    const char *name = tree_text(in->node, "policy_name");

    effect_lock(in, table, LOCK_ACCESS_EXCLUSIVE);
    reading_parsed(in, tree_get(in->node, "qual"));
    reading_parsed(in, tree_get(in->node, "with_check"));
    effect_made(in, name, table);
    effect_reverse(in, effect_format(in, "DROP POLICY %s ON %s;", name_text(in->effect, name),
                                     effect_table(in, table)));
}

void read_alter_policy(struct reading *in)
{
    effect_lock(in, reading_relation(in, tree_get(in->node, "table"), MODEL_TABLE),
                LOCK_ACCESS_EXCLUSIVE);
}

void read_rule(struct reading *in)
{
    struct model_relation *table =
        reading_relation(in, tree_get(in->node, "relation"), MODEL_TABLE);
    const char *name = tree_text(in->node, "rulename");

    effect_lock(in, table, LOCK_ACCESS_EXCLUSIVE);
    reading_parsed(in, tree_get(in->node, "whereClause"));
    reading_parsed(in, tree_get(in->node, "actions"));
    (void)effect_note(in, RULE_RULE_CHANGES, table, name, NULL);
    effect_made(in, name, table);
    effect_reverse(in, effect_format(in, "DROP RULE %s ON %s;", name_text(in->effect, name),
                                     effect_table(in, table)));
}

const char *name_of_statistics(struct reading *in, const char *name)
{
    return effect_format(in, "statistics %s", name);
}

void read_statistics(struct reading *in)
{
    const struct tree *ranges = tree_get(in->node, "relations");
    const char *name = tree_word_from_end(tree_get(in->node, "defnames"), 0);

    for (size_t i = 0; i < tree_count(ranges); i++)
        effect_lock(in, reading_relation(in, tree_item(ranges, i, "RangeVar"), MODEL_TABLE),
                    LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (tree_count(ranges) == 1)
        model_make_type(in->model, tree_word_from_end(tree_get(in->node, "defnames"), 1),
                        name_of_statistics(in, name), MODEL_STATISTICS)
            ->table = reading_relation(in, tree_item(ranges, 0, "RangeVar"), MODEL_TABLE);
    effect_made(in, name, NULL);
    effect_reverse(in, effect_format(in, "DROP STATISTICS %s;", name_text(in->effect, name)));
}

static void lock_published(struct reading *in)
{
    const struct tree *objects = tree_get(in->node, "pubobjects");

    for (size_t i = 0; i < tree_count(objects); i++) {
        const struct tree *table =
            tree_get(tree_item(objects, i, "PublicationObjSpec"), "pubtable");
        const struct tree *range = tree_get(table, "relation");

        struct model_relation *relation =
            range != NULL ? reading_relation(in, range, MODEL_TABLE) : NULL;

        in->is_only = !tree_flag(range, "inh");
        if (relation != NULL && relation->kind == MODEL_PARTITIONED)
            effect_lock(in, relation, LOCK_SHARE_UPDATE_EXCLUSIVE);
        else if (relation != NULL)
            effect_lock_all(in, relation, LOCK_SHARE_UPDATE_EXCLUSIVE);
    }
}

void read_publication(struct reading *in)
{
    const char *name = tree_text(in->node, "pubname");

    if (tree_flag(in->node, "for_all_tables"))
        (void)effect_note(in, RULE_PUBLICATION_ALL, NULL, name, NULL);
    lock_published(in);
    effect_made(in, name, NULL);
    effect_reverse(in, effect_format(in, "DROP PUBLICATION %s;", name_text(in->effect, name)));
}

void read_alter_publication(struct reading *in)
{
    lock_published(in);
}

void read_extension(struct reading *in)
{
    const char *name = tree_text(in->node, "extname");

    effect_made(in, name, NULL);
    effect_reverse(in, effect_format(in, "DROP EXTENSION %s;", name_text(in->effect, name)));
}
