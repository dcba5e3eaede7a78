/* ALTER TABLE, ALTER INDEX, ALTER VIEW ...: one row a subcommand. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

typedef void command_reader(struct reading *in, const struct tree *command,
                            struct model_relation *relation);

/* ---- partitions ---- */

struct model_relation *partition_default(const struct model_relation *parent)
{
    for (size_t i = 0; i < parent->part_count; i++)
        if (!parent->parts[i]->is_gone && parent->parts[i]->is_default_partition)
            return parent->parts[i];
    return NULL;
}

/* What is now in the default partition must not belong to the new one. */
static void check_default(struct reading *in, struct model_relation *parent,
                          const struct model_relation *child)
{
    struct model_relation *rest = partition_default(parent);

    if (rest == NULL || rest == child)
        return;
    effect_lock_all(in, rest, LOCK_ACCESS_EXCLUSIVE);
    effect_scan_all(in, rest);
    effect_note(in, RULE_DEFAULT_PARTITION, parent, rest->name, effect_table(in, rest))->is_size =
        true;
}

void partition_attach(struct reading *in, struct model_relation *parent,
                      struct model_relation *child, const struct tree *bound)
{
    check_default(in, parent, child);
    if (model_is_frozen(in->model) || child->is_partition)
        return;
    child->parent = parent;
    child->is_partition = true;
    child->is_default_partition = tree_flag(bound, "is_default");
    model_add_part(in->model, parent, child);
    for (size_t i = 0; i < parent->part_count; i++)
        if (!parent->parts[i]->is_gone && parent->parts[i]->kind == MODEL_INDEX)
            index_follow(in, parent->parts[i], child);
}

/* What the parent refers to is locked; on the way in its rows are looked at, too. */
static void follow_foreign_keys(struct reading *in, const struct model_relation *parent,
                                bool is_checked)
{
    for (size_t i = 0; i < parent->constraint_count; i++) {
        const struct model_constraint *key = &parent->constraints[i];

        if (key->kind != MODEL_FOREIGN_KEY)
            continue;
        effect_lock_all(in, key->references, LOCK_SHARE_ROW_EXCLUSIVE);
        if (is_checked) {
            effect_read(in, key->references);
            effect_scan_all(in, key->references);
        }
    }
}

static void attach(struct reading *in, const struct tree *command, struct model_relation *parent)
{
    const struct tree *partition = tree_at(command, "def", "PartitionCmd");
    const struct tree *bound = tree_get(partition, "bound");
    struct model_relation *child = reading_relation(in, tree_get(partition, "name"), MODEL_TABLE);

    if (parent->kind == MODEL_INDEX || child->kind == MODEL_INDEX) { /* ALTER INDEX */
        effect_lock(in, parent, LOCK_SHARE_UPDATE_EXCLUSIVE);
        child->kind = MODEL_INDEX;
        effect_lock(in, child, LOCK_ACCESS_EXCLUSIVE);
        if (parent->table != NULL)
            effect_lock(in, parent->table, LOCK_ACCESS_SHARE);
        if (child->table != NULL)
            effect_lock(in, child->table, LOCK_ACCESS_SHARE);
        return;
    }
    effect_lock(in, parent, LOCK_SHARE_UPDATE_EXCLUSIVE);
    effect_lock_all(in, child, LOCK_ACCESS_EXCLUSIVE);
    effect_scan_all(in, child);
    follow_foreign_keys(in, parent, true);
    effect_lock_indexes(in, parent, LOCK_SHARE_UPDATE_EXCLUSIVE);
    effect_note(in, RULE_ATTACH_SCANS, child, child->name, effect_table(in, parent))->is_size =
        true;
    partition_attach(in, parent, child, bound);
    effect_reverse(in, effect_format(in, "ALTER TABLE %s DETACH PARTITION %s;",
                                     effect_table(in, parent), effect_table(in, child)));
}

static void leave(struct model_relation *child)
{
    child->parent = NULL;
    child->is_partition = false;
    child->is_default_partition = false;
}

/* A gone part is passed over; the relation itself lives on under nobody. */
static void part_from(struct reading *in, struct model_relation *parent,
                      struct model_relation *child)
{
    if (model_is_frozen(in->model))
        return;
    for (size_t i = 0; i < parent->part_count; i++) {
        if (parent->parts[i] != child)
            continue;
        parent->part_count--;
        memmove(&parent->parts[i], &parent->parts[i + 1],
                (parent->part_count - i) * sizeof(parent->parts[0]));
        break;
    }
    leave(child);
}

static void detach(struct reading *in, const struct tree *command, struct model_relation *parent)
{
    const struct tree *partition = tree_at(command, "def", "PartitionCmd");
    struct model_relation *child = reading_relation(in, tree_get(partition, "name"), MODEL_TABLE);
    struct model_relation *rest = partition_default(parent);
    bool is_concurrent = tree_flag(partition, "concurrent");

    effect_lock(in, parent, is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE);
    effect_lock_all(in, child, LOCK_ACCESS_EXCLUSIVE);
    if (rest != NULL && rest != child)
        effect_lock(in, rest, LOCK_ACCESS_EXCLUSIVE);
    follow_foreign_keys(in, parent, false);
    for (size_t i = 0; i < child->part_count; i++)
        if (child->parts[i]->kind == MODEL_INDEX && child->parts[i]->parent != NULL)
            effect_lock(in, child->parts[i], LOCK_ACCESS_EXCLUSIVE);
    if (!is_concurrent)
        (void)effect_note(in, RULE_DETACH_BLOCKS, parent, child->name, effect_table(in, child));
    part_from(in, parent, child);
}

static void inherit(struct reading *in, const struct tree *command, struct model_relation *relation)
{
    const struct tree *range = tree_at(command, "def", "RangeVar");
    struct model_relation *parent = reading_relation(in, range, MODEL_TABLE);

    effect_lock(in, parent, LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (!model_is_frozen(in->model))
        relation->parent = parent;
    model_add_part(in->model, parent, relation);
    effect_reverse(in, effect_format(in, "ALTER TABLE %s NO INHERIT %s;",
                                     effect_table(in, relation), effect_table(in, parent)));
}

static void disinherit(struct reading *in, const struct tree *command,
                       struct model_relation *relation)
{
    const struct tree *range = tree_at(command, "def", "RangeVar");
    struct model_relation *parent = reading_relation(in, range, MODEL_TABLE);

    effect_lock(in, parent, LOCK_ACCESS_SHARE);
    part_from(in, parent, relation);
}

/* ---- the rest ---- */

static void add_column(struct reading *in, const struct tree *command,
                       struct model_relation *relation)
{
    column_add(in, tree_at(command, "def", "ColumnDef"), relation, false);
}

static void add_constraint(struct reading *in, const struct tree *command,
                           struct model_relation *relation)
{
    struct constraint_place place = {.relation = relation};

    constraint_add(in, tree_at(command, "def", "Constraint"), &place);
}

static void drop_constraint(struct reading *in, const struct tree *command,
                            struct model_relation *relation)
{
    constraint_drop(in, relation, tree_text(command, "name"),
                    strcmp(tree_text(command, "behavior"), "DROP_CASCADE") == 0);
}

static void validate(struct reading *in, const struct tree *command,
                     struct model_relation *relation)
{
    constraint_validate(in, relation, tree_text(command, "name"));
}

static void set_logged(struct reading *in, const struct tree *command,
                       struct model_relation *relation)
{
    bool is_to_log = strcmp(tree_text(command, "subtype"), "AT_SetLogged") == 0;

    if (is_to_log != relation->is_unlogged && !relation->is_unknown)
        return;
    effect_rewrite(in, relation);
    effect_scan_all(in, relation);
    effect_note(in, RULE_TABLE_REWRITES, relation, NULL, "this")->is_size = true;
    if (!model_is_frozen(in->model))
        relation->is_unlogged = !is_to_log;
}

static void set_options(struct reading *in, const struct tree *command,
                        struct model_relation *relation)
{
    const struct tree *options = tree_get(tree_at(command, "def", "List"), "items");

    if (relation->kind == MODEL_VIEW || tree_option(options, "user_catalog_table") != NULL)
        effect_lock(in, relation, LOCK_ACCESS_EXCLUSIVE);
}

static void switch_trigger(struct reading *in, const struct tree *command,
                           struct model_relation *relation)
{
    (void)command;
    if (relation->kind == MODEL_PARTITIONED)
        effect_unknown(in, "partitions that have a copy of the trigger are locked, too");
}

static void rewrite(struct reading *in, const struct tree *command, struct model_relation *relation)
{
    (void)command;
    effect_rewrite(in, relation);
    effect_scan_all(in, relation);
    effect_note(in, RULE_TABLE_REWRITES, relation, NULL, "this")->is_size = true;
}

static void enable_security(struct reading *in, const struct tree *command,
                            struct model_relation *relation)
{
    (void)command;
    (void)effect_note(in, RULE_ROW_SECURITY, relation, NULL, NULL);
    effect_reverse(in, effect_format(in, "ALTER TABLE %s DISABLE ROW LEVEL SECURITY;",
                                     effect_table(in, relation)));
}

static void cluster_on(struct reading *in, const struct tree *command,
                       struct model_relation *relation)
{
    effect_lock(in,
                model_need(in->model, relation->schema, tree_text(command, "name"), MODEL_INDEX),
                LOCK_SHARE_UPDATE_EXCLUSIVE);
}

static void identify(struct reading *in, const struct tree *command,
                     struct model_relation *relation)
{
    const char *name = tree_text(tree_at(command, "def", "ReplicaIdentityStmt"), "name");

    if (name[0] != '\0')
        effect_lock(in, model_need(in->model, relation->schema, name, MODEL_INDEX), LOCK_SHARE);
}

/* is_deep: partitions and heirs are locked, too. */
static const struct command {
    const char *subtype;
    enum lock_mode mode;
    bool is_deep;
    command_reader *read;
} commands[] = {
    {"AT_AddColumn", LOCK_ACCESS_EXCLUSIVE, true, add_column},
    {"AT_AddColumnToView", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_ColumnDefault", LOCK_ACCESS_EXCLUSIVE, true, column_default},
    {"AT_DropNotNull", LOCK_ACCESS_EXCLUSIVE, true, column_drop_not_null},
    {"AT_SetNotNull", LOCK_ACCESS_EXCLUSIVE, true, column_set_not_null},
    {"AT_DropExpression", LOCK_ACCESS_EXCLUSIVE, true, NULL},
    {"AT_SetStatistics", LOCK_SHARE_UPDATE_EXCLUSIVE, true, NULL},
    {"AT_SetOptions", LOCK_SHARE_UPDATE_EXCLUSIVE, false, NULL},
    {"AT_ResetOptions", LOCK_SHARE_UPDATE_EXCLUSIVE, false, NULL},
    {"AT_SetStorage", LOCK_ACCESS_EXCLUSIVE, true, NULL},
    {"AT_SetCompression", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_DropColumn", LOCK_ACCESS_EXCLUSIVE, true, column_drop},
    {"AT_AddConstraint", LOCK_NONE, false, add_constraint},
    {"AT_AddIndexConstraint", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_AlterConstraint", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_ValidateConstraint", LOCK_NONE, false, validate},
    {"AT_DropConstraint", LOCK_ACCESS_EXCLUSIVE, true, drop_constraint},
    {"AT_AlterColumnType", LOCK_ACCESS_EXCLUSIVE, true, column_type},
    {"AT_ChangeOwner", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_ClusterOn", LOCK_SHARE_UPDATE_EXCLUSIVE, false, cluster_on},
    {"AT_DropCluster", LOCK_SHARE_UPDATE_EXCLUSIVE, false, NULL},
    {"AT_SetLogged", LOCK_ACCESS_EXCLUSIVE, false, set_logged},
    {"AT_SetUnLogged", LOCK_ACCESS_EXCLUSIVE, false, set_logged},
    {"AT_SetAccessMethod", LOCK_ACCESS_EXCLUSIVE, false, rewrite},
    {"AT_SetTableSpace", LOCK_ACCESS_EXCLUSIVE, false, rewrite},
    {"AT_DropOids", LOCK_ACCESS_EXCLUSIVE, true, NULL},
    {"AT_SetRelOptions", LOCK_SHARE_UPDATE_EXCLUSIVE, false, set_options},
    {"AT_ResetRelOptions", LOCK_SHARE_UPDATE_EXCLUSIVE, false, set_options},
    {"AT_ReplaceRelOptions", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_EnableTrig", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_EnableAlwaysTrig", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_EnableReplicaTrig", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_EnableTrigAll", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_EnableTrigUser", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_DisableTrig", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_DisableTrigAll", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_DisableTrigUser", LOCK_SHARE_ROW_EXCLUSIVE, false, switch_trigger},
    {"AT_EnableRule", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_EnableAlwaysRule", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_EnableReplicaRule", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_DisableRule", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_AddInherit", LOCK_ACCESS_EXCLUSIVE, false, inherit},
    {"AT_DropInherit", LOCK_ACCESS_EXCLUSIVE, false, disinherit},
    {"AT_AddOf", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_DropOf", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_ReplicaIdentity", LOCK_ACCESS_EXCLUSIVE, false, identify},
    {"AT_EnableRowSecurity", LOCK_ACCESS_EXCLUSIVE, false, enable_security},
    {"AT_DisableRowSecurity", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_ForceRowSecurity", LOCK_ACCESS_EXCLUSIVE, false, enable_security},
    {"AT_NoForceRowSecurity", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_GenericOptions", LOCK_ACCESS_EXCLUSIVE, false, NULL},
    {"AT_AttachPartition", LOCK_NONE, false, attach},
    {"AT_DetachPartition", LOCK_NONE, false, detach},
    {"AT_DetachPartitionFinalize", LOCK_SHARE_UPDATE_EXCLUSIVE, false, NULL},
    {"AT_AddIdentity", LOCK_ACCESS_EXCLUSIVE, false, column_identity},
    {"AT_SetIdentity", LOCK_ACCESS_EXCLUSIVE, false, column_identity},
    {"AT_DropIdentity", LOCK_ACCESS_EXCLUSIVE, false, column_identity},
};

static const struct command *find_command(const char *subtype)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].subtype, subtype) == 0)
            return &commands[i];
    return NULL;
}

/* ---- partitions and heirs follow ---- */

static void follow_columns(struct reading *in, const struct model_relation *from,
                           struct model_relation *to, bool may_be_null)
{
    for (size_t i = 0; i < from->column_count; i++) {
        const struct model_column like = from->column_list[i];
        struct model_column *own = model_add_column(in->model, to, like.name);

        own->type = like.type;
        own->has_default |= like.has_default;
        own->is_not_null = like.is_not_null || (own->is_not_null && !may_be_null);
    }
}

static void follow_checks(struct reading *in, const struct model_relation *from,
                          struct model_relation *to)
{
    for (size_t i = 0; i < from->constraint_count; i++) {
        const struct model_constraint like = from->constraints[i];

        if (like.kind == MODEL_CHECK && model_constraint(to, like.name) == NULL)
            *model_add_constraint(in->model, to, like.name, MODEL_CHECK) = like;
    }
}

static void follow(struct reading *in, const struct tree *node, struct model_relation *relation)
{
    const char *subtype = tree_text(node, "subtype"), *name = tree_text(node, "name");
    struct model_relation **family;
    size_t count = model_family(in->model, relation, false, &family);

    if (in->is_only || model_is_frozen(in->model) || relation->kind == MODEL_INDEX)
        return;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(subtype, "AT_DropColumn") == 0)
            model_drop_column(in->model, family[i], name);
        if (strcmp(subtype, "AT_DropConstraint") == 0)
            model_drop_constraint(in->model, family[i], name);
        follow_columns(in, relation, family[i], strcmp(subtype, "AT_DropNotNull") == 0);
        follow_checks(in, relation, family[i]);
    }
}

static void read_command(struct reading *in, const struct tree *node,
                         struct model_relation *relation)
{
    const struct command *command = find_command(tree_text(node, "subtype"));
    size_t reverses = in->reverse_count;

    if (command == NULL) {
        effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
        effect_unknown(in, "this form of ALTER TABLE is not known here");
        return;
    }
    if (command->is_deep)
        effect_lock_all(in, relation, command->mode);
    else if (command->mode != LOCK_NONE)
        effect_lock(in, relation, command->mode);
    if (command->read != NULL)
        command->read(in, node, relation);
    if (in->reverse_count == reverses)
        effect_reverse(in, NULL);
    follow(in, node, relation);
}

/* NOT VALID spares nothing if the same statement then validates. */
static void note_validation_at_once(struct reading *in, const struct tree *list,
                                    struct model_relation *relation)
{
    for (size_t i = 1; i < tree_count(list); i++) {
        const struct tree *command = tree_item(list, i, "AlterTableCmd");

        if (strcmp(tree_text(command, "subtype"), "AT_ValidateConstraint") == 0)
            effect_note(in, RULE_VALIDATE_AT_ONCE, relation, tree_text(command, "name"), NULL)
                ->is_size = true;
    }
}

static enum model_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum model_kind kind;
    } types[] = {{"OBJECT_INDEX", MODEL_INDEX},     {"OBJECT_VIEW", MODEL_VIEW},
                 {"OBJECT_MATVIEW", MODEL_MATVIEW}, {"OBJECT_SEQUENCE", MODEL_SEQUENCE},
                 {"OBJECT_TYPE", MODEL_COMPOSITE},  {"OBJECT_FOREIGN_TABLE", MODEL_FOREIGN_TABLE}};

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].kind;
    return MODEL_TABLE;
}

static const char *shape_of(struct reading *in, const struct tree *list)
{
    struct text *shape = text_new(in->effect, SPLIT_BYTES_MAX);

    text_append(shape, in->statement->kind);
    for (size_t i = 0; i < tree_count(list); i++) {
        text_append(shape, " ");
        text_append(shape, tree_text(tree_item(list, i, "AlterTableCmd"), "subtype"));
    }
    return shape->data;
}

void read_alter_table(struct reading *in)
{
    const struct tree *list = tree_get(in->node, "cmds");
    struct model_relation *relation = reading_relation(in, tree_get(in->node, "relation"),
                                                       kind_of(tree_text(in->node, "objtype")));

    in->is_only = !tree_flag(tree_get(in->node, "relation"), "inh");
    in->effect->shape = shape_of(in, list);
    for (size_t i = 0; i < tree_count(list); i++)
        read_command(in, tree_item(list, i, "AlterTableCmd"), relation);
    note_validation_at_once(in, list, relation);
}
