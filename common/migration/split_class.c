#include "common/base/text.h"
#include "common/migration/split_internal.h"

#include <string.h>

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* The word i of a qualified name: {"List": {"items": [{"String": {"sval": ...}}, ...]}}. */
static const char *word_of(const struct tree *items, size_t i)
{
    return tree_text(tree_get(tree_element(items, i), "String"), "sval");
}

/* Texts are the tree's. */
static struct split_table table_in(const struct tree *range)
{
    const char *schema = tree_text(range, "schemaname");

    return (struct split_table){.schema = schema[0] != '\0' ? schema : NULL,
                                .name = tree_text(range, "relname")};
}

static struct split_table table_copy(struct arena *memory, struct split_table table)
{
    return (struct split_table){.schema =
                                    table.schema != NULL ? arena_text(memory, table.schema) : NULL,
                                .name = arena_text(memory, table.name)};
}

static struct split_table table_of(struct arena *memory, const struct tree *range)
{
    return table_copy(memory, table_in(range));
}

/* The last word of items that is before skip trailing ones, with its schema if it has one; texts
 * are the tree's. */
static bool table_in_words(const struct tree *items, size_t skip, struct split_table *ret)
{
    size_t count = tree_count(items);

    if (count <= skip)
        return false;
    count -= skip;
    ret->name = word_of(items, count - 1);
    ret->schema = count > 1 ? word_of(items, count - 2) : NULL;
    return true;
}

/* ---- relations ---- */

struct tables {
    struct split_table list[SPLIT_TABLES_MAX]; /* texts are the tree's */
    size_t count;
};

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static enum error_code add_table(struct tables *tables, struct split_table table, struct error *err)
{
    for (size_t i = 0; i < tables->count; i++)
        if (is_same_text(tables->list[i].schema, table.schema) &&
            is_same_text(tables->list[i].name, table.name))
            return ERROR_OK;
    if (tables->count == SPLIT_TABLES_MAX)
        return error_set(err, ERROR_INVALID, "one statement names more than %d relations",
                         SPLIT_TABLES_MAX);
    tables->list[tables->count++] = table;
    return ERROR_OK;
}

static enum error_code collect(struct tables *tables, const struct tree *node, unsigned depth,
                               struct error *err)
{
    if (depth > SPLIT_TREE_DEPTH_MAX)
        return error_set(err, ERROR_INVALID, "nested too deeply");
    for (const struct tree *part = tree_first(node); part != NULL; part = tree_next(part)) {
        bool is_leaf = !tree_is_object(part) && !tree_is_array(part);

        if (tree_is_text(part) && strcmp(tree_key(part), "relname") == 0
                ? add_table(tables, table_in(node), err) != ERROR_OK
                : !is_leaf && collect(tables, part, depth + 1, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* DROP names its objects by words; skip: how many of them are not the relation's. */
static const struct {
    const char *type;
    size_t skip;
} dropped_types[] = {{"OBJECT_TABLE", 0},   {"OBJECT_VIEW", 0}, {"OBJECT_MATVIEW", 0},
                     {"OBJECT_TRIGGER", 1}, {"OBJECT_RULE", 1}, {"OBJECT_POLICY", 1}};

static enum error_code collect_dropped(struct tables *tables, const struct tree *drop, size_t skip,
                                       struct error *err)
{
    const struct tree *objects = tree_get(drop, "objects");

    for (size_t i = 0; i < tree_count(objects); i++) {
        const struct tree *list = tree_get(tree_element(objects, i), "List");
        struct split_table table;

        if (table_in_words(tree_get(list, "items"), skip, &table) &&
            add_table(tables, table, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code collect_tables(struct arena *memory, const struct tree *node,
                                      struct split_statement *statement, struct error *err)
{
    struct tables tables;
    struct split_table *copies;

    tables.count = 0;

    if (collect(&tables, node, 0, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < ARRAY_LEN(dropped_types); i++)
        if (strcmp(statement->kind, "DropStmt") == 0 &&
            strcmp(tree_text(node, "removeType"), dropped_types[i].type) == 0 &&
            collect_dropped(&tables, node, dropped_types[i].skip, err) != ERROR_OK)
            return err->code;
    copies = arena_cut(memory, tables.count * sizeof(copies[0]));
    for (size_t i = 0; i < tables.count; i++)
        copies[i] = table_copy(memory, tables.list[i]);
    statement->tables = copies;
    statement->table_count = tables.count;
    return ERROR_OK;
}

/* ---- one function per kind of statement that is special ---- */

static enum error_code refuse_transaction(struct arena *memory, const struct tree *node,
                                          struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)node;
    (void)s;
    return error_set(err, ERROR_INVALID,
                     "BEGIN, COMMIT and the like have no place here: the engine makes the "
                     "transactions; -- hakem:commit cuts one");
}

static enum error_code refuse_cluster_wide(struct arena *memory, const struct tree *node,
                                           struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)node;
    return error_set(err, ERROR_INVALID,
                     "%s changes more than this database, so that no revert could be honest",
                     s->kind);
}

static enum error_code refuse_copy(struct arena *memory, const struct tree *node,
                                   struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)s;
    if (tree_text(node, "filename")[0] != '\0')
        return ERROR_OK;
    return error_set(err, ERROR_INVALID,
                     "COPY FROM STDIN and TO STDOUT have no place here: write INSERT");
}

static enum error_code refuse_set(struct arena *memory, const struct tree *node,
                                  struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)s;
    if (tree_flag(node, "is_local"))
        return ERROR_OK;
    return error_set(err, ERROR_INVALID,
                     "SET would outlast its transaction: write SET LOCAL, or name the schema");
}

static enum error_code refuse_session(struct arena *memory, const struct tree *node,
                                      struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)node;
    return error_set(err, ERROR_INVALID, "%s is about the session, which is the engine's", s->kind);
}

static enum error_code see_index(struct arena *memory, const struct tree *node,
                                 struct split_statement *s, struct error *err)
{
    struct split_table table;

    if (!tree_flag(node, "concurrent"))
        return ERROR_OK;
    table = table_of(memory, tree_get(node, "relation"));
    if (tree_text(node, "idxname")[0] == '\0')
        return error_set(err, ERROR_INVALID,
                         "a concurrent index needs a name, so that a half-built one can be found");
    s->class = SPLIT_OUTSIDE;
    s->remains = SPLIT_REMAINS_INDEX;
    /* An index lives in its table's schema. */
    s->subject = (struct split_table){.schema = table.schema,
                                      .name = arena_text(memory, tree_text(node, "idxname"))};
    s->partition = table;
    return ERROR_OK;
}

static enum error_code see_drop(struct arena *memory, const struct tree *node,
                                struct split_statement *s, struct error *err)
{
    const struct tree *first = tree_element(tree_get(node, "objects"), 0);
    const struct tree *items = tree_get(tree_get(first, "List"), "items");

    if (!tree_flag(node, "concurrent"))
        return ERROR_OK;
    if (!table_in_words(items, 0, &s->subject))
        return error_set(err, ERROR_INVALID, "the index to drop has no name");
    s->subject = table_copy(memory, s->subject);
    s->class = SPLIT_OUTSIDE;
    s->remains = SPLIT_REMAINS_INDEX_TO_DROP;
    return ERROR_OK;
}

static bool is_concurrent_reindex(const struct tree *node)
{
    const struct tree *params = tree_get(node, "params");

    for (size_t i = 0; i < tree_count(params); i++)
        if (strcmp(tree_text(tree_get(tree_element(params, i), "DefElem"), "defname"),
                   "concurrently") == 0)
            return true;
    return false;
}

static enum error_code see_reindex(struct arena *memory, const struct tree *node,
                                   struct split_statement *s, struct error *err)
{
    (void)err;
    if (is_concurrent_reindex(node)) {
        s->class = SPLIT_OUTSIDE;
        s->remains = SPLIT_REMAINS_REINDEX;
        s->subject = table_of(memory, tree_get(node, "relation"));
    } else if (tree_get(node, "relation") == NULL) { /* SCHEMA, DATABASE, SYSTEM */
        s->class = SPLIT_OUTSIDE;
    }
    return ERROR_OK;
}

static enum error_code see_vacuum(struct arena *memory, const struct tree *node,
                                  struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)err;
    if (tree_flag(node, "is_vacuumcmd"))
        s->class = SPLIT_OUTSIDE;
    return ERROR_OK;
}

static enum error_code see_cluster(struct arena *memory, const struct tree *node,
                                   struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)err;
    if (tree_get(node, "relation") == NULL)
        s->class = SPLIT_OUTSIDE;
    return ERROR_OK;
}

static enum error_code see_outside(struct arena *memory, const struct tree *node,
                                   struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)node;
    (void)err;
    s->class = SPLIT_OUTSIDE;
    return ERROR_OK;
}

/* A new value cannot be used in the transaction that added it. */
static enum error_code see_enum(struct arena *memory, const struct tree *node,
                                struct split_statement *s, struct error *err)
{
    (void)memory;
    (void)err;
    if (tree_text(node, "newVal")[0] != '\0' && tree_text(node, "oldVal")[0] == '\0')
        s->class = SPLIT_ALONE;
    return ERROR_OK;
}

static const char *const harmless_commands[] = {
    "AT_DropConstraint", "AT_AddConstraint",   "AT_ValidateConstraint", "AT_SetNotNull",
    "AT_DropNotNull",    "AT_ColumnDefault",   "AT_SetStatistics",      "AT_SetOptions",
    "AT_ResetOptions",   "AT_SetRelOptions",   "AT_ResetRelOptions",    "AT_EnableTrig",
    "AT_DisableTrig",    "AT_ReplicaIdentity", "AT_AlterConstraint",
};

static void see_alter_command(struct arena *memory, const struct tree *command,
                              struct split_statement *s)
{
    const char *subtype = tree_text(command, "subtype");
    const struct tree *def = tree_get(tree_get(command, "def"), "PartitionCmd");

    if (!is_one_of(subtype, harmless_commands, ARRAY_LEN(harmless_commands)))
        s->is_harmless = false;
    if (strcmp(subtype, "AT_ValidateConstraint") == 0 && s->class == SPLIT_TOGETHER)
        s->class = SPLIT_ALONE;
    if (strcmp(subtype, "AT_DetachPartition") == 0 && tree_flag(def, "concurrent")) {
        s->class = SPLIT_OUTSIDE;
        s->remains = SPLIT_REMAINS_DETACH;
        s->partition = table_of(memory, tree_get(def, "name"));
    }
}

static enum error_code see_alter_table(struct arena *memory, const struct tree *node,
                                       struct split_statement *s, struct error *err)
{
    const struct tree *commands = tree_get(node, "cmds");

    (void)err;
    s->is_harmless = true;
    s->subject = table_of(memory, tree_get(node, "relation"));
    for (size_t i = 0; i < tree_count(commands); i++)
        see_alter_command(memory, tree_get(tree_element(commands, i), "AlterTableCmd"), s);
    return ERROR_OK;
}

/* ---- the table ---- */

static const struct kind {
    const char *node;
    enum error_code (*see)(struct arena *, const struct tree *, struct split_statement *,
                           struct error *);
    bool is_dml;
    bool is_query;
    bool is_harmless;
} kinds[] = {
    {.node = "TransactionStmt", .see = refuse_transaction},
    {.node = "CopyStmt", .see = refuse_copy},
    {.node = "VariableSetStmt", .see = refuse_set, .is_harmless = true},
    {.node = "DiscardStmt", .see = refuse_session},
    {.node = "DeallocateStmt", .see = refuse_session},
    {.node = "CreatedbStmt", .see = refuse_cluster_wide},
    {.node = "DropdbStmt", .see = refuse_cluster_wide},
    {.node = "CreateTableSpaceStmt", .see = refuse_cluster_wide},
    {.node = "DropTableSpaceStmt", .see = refuse_cluster_wide},
    {.node = "AlterSystemStmt", .see = refuse_cluster_wide},
    {.node = "IndexStmt", .see = see_index, .is_harmless = true},
    {.node = "DropStmt", .see = see_drop},
    {.node = "ReindexStmt", .see = see_reindex, .is_harmless = true},
    {.node = "VacuumStmt", .see = see_vacuum, .is_harmless = true},
    {.node = "ClusterStmt", .see = see_cluster, .is_harmless = true},
    {.node = "CreateSubscriptionStmt", .see = see_outside},
    {.node = "AlterSubscriptionStmt", .see = see_outside},
    {.node = "DropSubscriptionStmt", .see = see_outside},
    {.node = "AlterEnumStmt", .see = see_enum},
    {.node = "AlterTableStmt", .see = see_alter_table},
    {.node = "CreateFunctionStmt", .is_harmless = true},
    {.node = "CreateTrigStmt", .is_harmless = true},
    {.node = "ViewStmt", .is_harmless = true},
    {.node = "RuleStmt", .is_harmless = true},
    {.node = "CommentStmt", .is_harmless = true},
    {.node = "GrantStmt", .is_harmless = true},
    {.node = "CreateStmt", .is_harmless = true},
    {.node = "CreatePolicyStmt", .is_harmless = true},
    {.node = "InsertStmt", .is_dml = true},
    {.node = "UpdateStmt", .is_dml = true},
    {.node = "DeleteStmt", .is_dml = true},
    {.node = "MergeStmt", .is_dml = true},
    {.node = "SelectStmt", .is_query = true},
};

static const struct kind *find_kind(const char *node)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].node, node) == 0)
            return &kinds[i];
    return NULL;
}

/* What can be dropped without losing a value that somebody stored. */
static bool drops_no_value(const struct tree *drop)
{
    static const char *const types[] = {"OBJECT_INDEX",     "OBJECT_TRIGGER",   "OBJECT_FUNCTION",
                                        "OBJECT_PROCEDURE", "OBJECT_ROUTINE",   "OBJECT_VIEW",
                                        "OBJECT_RULE",      "OBJECT_AGGREGATE", "OBJECT_POLICY"};

    return strcmp(tree_text(drop, "behavior"), "DROP_CASCADE") != 0 &&
           is_one_of(tree_text(drop, "removeType"), types, ARRAY_LEN(types));
}

enum error_code split_classify(struct arena *memory, const struct tree *tree,
                               struct split_statement *statement, struct error *err)
{
    const struct kind *kind;
    const struct tree *node;
    const char *name = tree_kind(tree, &node);

    if (node == NULL)
        return error_set(err, ERROR_INVALID, "the parser gives no tree for this statement");
    kind = find_kind(name);
    statement->kind = kind != NULL ? kind->node : arena_text(memory, name);
    if (kind != NULL) {
        statement->is_dml = kind->is_dml;
        statement->is_query = kind->is_query;
        statement->is_harmless = kind->is_harmless;
        if (kind->see != NULL && kind->see(memory, node, statement, err) != ERROR_OK)
            return err->code;
    }
    if (strcmp(statement->kind, "DropStmt") == 0)
        statement->is_harmless = drops_no_value(node);
    return collect_tables(memory, node, statement, err);
}
