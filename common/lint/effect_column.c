/* Columns: added, dropped, changed. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

/* ---- defaults: is every row given the same value? ---- */

enum volatility { VOLATILITY_FIXED, VOLATILITY_VOLATILE, VOLATILITY_UNKNOWN };

static const struct {
    const char *name;
    enum volatility volatility;
} functions[] = {
    {"now", VOLATILITY_FIXED},
    {"statement_timestamp", VOLATILITY_FIXED},
    {"transaction_timestamp", VOLATILITY_FIXED},
    {"timezone", VOLATILITY_FIXED},
    {"date_trunc", VOLATILITY_FIXED},
    {"date_part", VOLATILITY_FIXED},
    {"extract", VOLATILITY_FIXED},
    {"to_char", VOLATILITY_FIXED},
    {"to_timestamp", VOLATILITY_FIXED},
    {"current_setting", VOLATILITY_FIXED},
    {"lower", VOLATILITY_FIXED},
    {"upper", VOLATILITY_FIXED},
    {"md5", VOLATILITY_FIXED},
    {"encode", VOLATILITY_FIXED},
    {"decode", VOLATILITY_FIXED},
    {"concat", VOLATILITY_FIXED},
    {"format", VOLATILITY_FIXED},
    {"array_fill", VOLATILITY_FIXED},
    {"jsonb_build_object", VOLATILITY_FIXED},
    {"jsonb_build_array", VOLATILITY_FIXED},
    {"make_interval", VOLATILITY_FIXED},
    {"make_date", VOLATILITY_FIXED},
    {"floor", VOLATILITY_FIXED},
    {"ceil", VOLATILITY_FIXED},
    {"round", VOLATILITY_FIXED},
    {"abs", VOLATILITY_FIXED},
    {"random", VOLATILITY_VOLATILE},
    {"gen_random_uuid", VOLATILITY_VOLATILE},
    {"gen_random_bytes", VOLATILITY_VOLATILE},
    {"uuid_generate_v1", VOLATILITY_VOLATILE},
    {"uuid_generate_v1mc", VOLATILITY_VOLATILE},
    {"uuid_generate_v4", VOLATILITY_VOLATILE},
    {"clock_timestamp", VOLATILITY_VOLATILE},
    {"timeofday", VOLATILITY_VOLATILE},
    {"nextval", VOLATILITY_VOLATILE},
    {"setval", VOLATILITY_VOLATILE},
    {"currval", VOLATILITY_VOLATILE},
    {"lastval", VOLATILITY_VOLATILE},
};

static enum volatility volatility_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++)
        if (strcmp(functions[i].name, name) == 0)
            return functions[i].volatility;
    return VOLATILITY_UNKNOWN;
}

/* Volatile wins over unknown: one such call decides. */
static void see_function(const struct tree *node, void *context)
{
    enum volatility *worst = context;
    enum volatility found = volatility_of(tree_word_from_end(tree_get(node, "funcname"), 0));

    if (found == VOLATILITY_VOLATILE || *worst == VOLATILITY_FIXED)
        *worst = found;
}

/* ---- a definition ---- */

/* What its own constraints say that is no constraint. */
struct definition {
    const struct tree *constraints;
    const struct tree *default_expression; /* NULL: none */
    bool is_not_null, is_key, is_identity, is_generated, is_serial;
};

static bool is_null_constant(const struct tree *expression)
{
    return tree_flag(tree_get(expression, "A_Const"), "isnull");
}

static void read_constraint(struct definition *definition, const struct tree *constraint)
{
    const char *type = tree_text(constraint, "contype");
    const struct tree *expression = tree_get(constraint, "raw_expr");

    if (strcmp(type, "CONSTR_NOTNULL") == 0)
        definition->is_not_null = true;
    else if (strcmp(type, "CONSTR_PRIMARY") == 0)
        definition->is_key = true;
    else if (strcmp(type, "CONSTR_IDENTITY") == 0)
        definition->is_identity = true;
    else if (strcmp(type, "CONSTR_GENERATED") == 0)
        definition->is_generated = true;
    else if (strcmp(type, "CONSTR_DEFAULT") == 0 && !is_null_constant(expression))
        definition->default_expression = expression;
}

static struct definition read_definition(const struct tree *node, const struct model_type *type)
{
    struct definition definition = {.constraints = tree_get(node, "constraints"),
                                    .is_serial = type_of_serial(type->name) != NULL};

    for (size_t i = 0; i < tree_count(definition.constraints); i++)
        read_constraint(&definition, tree_item(definition.constraints, i, "Constraint"));
    return definition;
}

/* PostgreSQL makes one for serial and identity. */
static void make_sequence(struct reading *in, struct model_relation *relation, const char *column)
{
    struct model_relation *sequence =
        model_make(in->model, relation->schema,
                   effect_format(in, "%s_%s_seq", relation->name, column), MODEL_SEQUENCE);

    model_own(in->model, sequence, relation, column);
}

static const struct model_named_type *named_type(struct reading *in, const struct tree *node)
{
    const struct tree *names = tree_get(tree_get(node, "typeName"), "names");

    return model_find_type(in->model, tree_word_from_end(names, 1), tree_word_from_end(names, 0));
}

/* Does adding it to a table that has rows write them all anew? */
static void judge_addition(struct reading *in, const struct tree *node, const char *name,
                           const struct definition *definition, struct model_relation *relation)
{
    const struct model_named_type *own = named_type(in, node);
    enum volatility volatility = VOLATILITY_FIXED;

    tree_find(definition->default_expression, "FuncCall", see_function, &volatility);
    if (definition->is_identity || definition->is_generated || definition->is_serial ||
        volatility == VOLATILITY_VOLATILE || (own != NULL && own->is_constrained)) {
        effect_rewrite(in, relation);
        effect_scan_all(in, relation);
        effect_note(in, RULE_COLUMN_REWRITES, relation, name, NULL)->is_size = true;
    } else if (volatility == VOLATILITY_UNKNOWN) {
        effect_unknown(in, "the default calls a function that is not known here: if it is "
                           "volatile, the table is rewritten");
        effect_note(in, RULE_COLUMN_UNCLEAR, relation, name, NULL)->is_size = true;
    }
    if ((definition->is_not_null || definition->is_key) && !definition->is_identity &&
        !definition->is_generated && !definition->is_serial &&
        definition->default_expression == NULL)
        (void)effect_note(in, RULE_COLUMN_REQUIRED, relation, name, NULL);
}

static void judge_type(struct reading *in, struct model_relation *relation, const char *name,
                       const struct model_type *type, const struct definition *definition)
{
    if (strcmp(type->name, "json") == 0)
        (void)effect_note(in, RULE_COLUMN_JSON, relation, name, "jsonb");
    if (definition->is_key && (strcmp(type->name, "int4") == 0 || strcmp(type->name, "int2") == 0))
        (void)effect_note(in, RULE_KEY_SMALL, relation, name, type->name);
}

static void fill_column(struct reading *in, struct model_relation *relation, const char *name,
                        struct model_type type, const struct definition *definition)
{
    struct model_column *column = model_add_column(in->model, relation, name);

    if (definition->is_serial)
        type.name = type_of_serial(type.name);
    column->type = type;
    column->is_not_null = definition->is_not_null || definition->is_key ||
                          definition->is_identity || definition->is_serial;
    column->has_default =
        definition->default_expression != NULL || definition->is_serial || definition->is_identity;
    column->is_generated = definition->is_generated;
    column->since = model_revision(in->model);
    if (definition->is_serial || definition->is_identity)
        make_sequence(in, relation, name);
    judge_type(in, relation, name, &type, definition);
}

void column_add(struct reading *in, const struct tree *node, struct model_relation *relation,
                bool is_create)
{
    const char *name = tree_text(node, "colname");
    struct model_type type = type_read(in->model, tree_get(node, "typeName"));
    struct definition definition = read_definition(node, &type);
    struct constraint_place place = {.relation = relation,
                                     .column = name,
                                     .is_create = is_create,
                                     .is_new_column = true,
                                     .has_default = definition.default_expression != NULL};

    if (!is_create && model_column(relation, name) != NULL)
        return; /* IF NOT EXISTS */
    if (!is_create) {
        judge_addition(in, node, name, &definition, relation);
        effect_made(in, name, relation);
        effect_reverse(in, effect_format(in, "ALTER TABLE %s DROP COLUMN %s;",
                                         effect_table(in, relation), name_text(in->effect, name)));
    } else {
        effect_check_name(in, name);
    }
    fill_column(in, relation, name, type, &definition);
    for (size_t i = 0; i < tree_count(definition.constraints); i++)
        constraint_add(in, tree_item(definition.constraints, i, "Constraint"), &place);
}

/* ---- the commands ---- */

static bool speaks_of(const struct model_constraint *constraint, const char *column)
{
    return constraint->kind != MODEL_CHECK &&
           model_has_key(constraint->columns, constraint->column_count, column);
}

/* Sequences of a dropped column go with it. */
static void drop_sequences(struct reading *in, const struct model_relation *relation,
                           const char *column)
{
    for (struct model_relation *own = relation->sequences; own != NULL; own = own->next_owned) {
        if (own->is_gone || own->kind != MODEL_SEQUENCE || strcmp(own->column, column) != 0)
            continue;
        effect_lock(in, own, LOCK_ACCESS_EXCLUSIVE);
        model_drop(in->model, own);
    }
}

void column_drop(struct reading *in, const struct tree *command, struct model_relation *relation)
{
    const char *name = tree_text(command, "name");
    bool cascades = strcmp(tree_text(command, "behavior"), "DROP_CASCADE") == 0;

    (void)effect_note(in, RULE_DROP_BREAKS, relation, name, "column");
    if (cascades) {
        (void)effect_note(in, RULE_DROP_CASCADE, relation, name, NULL);
        drop_views_of(in, relation);
    }
    for (size_t i = relation->constraint_count; i-- > 0;)
        if (speaks_of(&relation->constraints[i], name))
            constraint_drop(in, relation, relation->constraints[i].name, cascades);
    for (size_t i = 0; i < relation->part_count; i++)
        if (!relation->parts[i]->is_gone && relation->parts[i]->kind == MODEL_INDEX &&
            model_has_key(relation->parts[i]->columns, relation->parts[i]->key_count, name))
            effect_lock_all(in, relation->parts[i], LOCK_ACCESS_EXCLUSIVE);
    drop_sequences(in, relation, name);
    model_drop_column(in->model, relation, name);
}

void column_default(struct reading *in, const struct tree *command, struct model_relation *relation)
{
    const char *name = tree_text(command, "name");
    struct model_column *column = reading_column(in, relation, name);
    bool is_dropped = tree_get(command, "def") == NULL;

    if (is_dropped &&
        (column == NULL || (column->is_not_null && column->since != model_revision(in->model))))
        (void)effect_note(in, RULE_DEFAULT_GOES, relation, name, NULL);
    effect_reverse(
        in, is_dropped ? NULL
                       : effect_format(in, "ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT;",
                                       effect_table(in, relation), name_text(in->effect, name)));
    if (column != NULL)
        column->has_default = !is_dropped;
}

void column_set_not_null(struct reading *in, const struct tree *command,
                         struct model_relation *relation)
{
    const char *name = tree_text(command, "name");
    struct model_column *column = reading_column(in, relation, name);

    effect_reverse(in, effect_format(in, "ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL;",
                                     effect_table(in, relation), name_text(in->effect, name)));
    if (column != NULL && column->is_not_null)
        return;
    if (column == NULL || column->since != model_revision(in->model))
        (void)effect_note(in, RULE_WRITES_REFUSED, relation, name, "NOT NULL");
    if (!constraint_proves_not_null(relation, name)) {
        effect_scan_all(in, relation);
        effect_note(in, RULE_NOT_NULL_SCANS, relation, name, NULL)->is_size = true;
    }
    if (column != NULL)
        column->is_not_null = true;
}

void column_drop_not_null(struct reading *in, const struct tree *command,
                          struct model_relation *relation)
{
    const char *name = tree_text(command, "name");
    struct model_column *column = reading_column(in, relation, name);

    effect_reverse(in, effect_format(in, "ALTER TABLE %s ALTER COLUMN %s SET NOT NULL;",
                                     effect_table(in, relation), name_text(in->effect, name)));
    if (column == NULL || column->is_not_null)
        (void)effect_note(in, RULE_NULL_APPEARS, relation, name, NULL);
    if (column != NULL)
        column->is_not_null = false;
}

static void touch_key(struct reading *in, struct model_relation *relation,
                      const struct model_constraint *key, bool is_checked)
{
    effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
    effect_lock_all(in, key->references, LOCK_ACCESS_EXCLUSIVE);
    if (!is_checked || !key->is_valid)
        return;
    effect_read(in, relation);
    effect_read(in, key->references);
    effect_scan_all(in, relation);
    effect_scan_all(in, key->references);
}

static void touch_pointing(struct reading *in, const struct model_relation *relation,
                           const char *name, bool is_checked)
{
    for (size_t i = 0; i < relation->pointing_count; i++) {
        struct model_relation *other = relation->pointing[i];

        for (size_t c = 0; c < other->constraint_count && !other->is_gone; c++) {
            const struct model_constraint *key = &other->constraints[c];

            if (key->kind == MODEL_FOREIGN_KEY && key->references == relation &&
                key->index != NULL &&
                model_has_key(key->index->columns, key->index->key_count, name))
                touch_key(in, other, key, is_checked);
        }
    }
}

/* Indexes on it are taken over or built anew; either way the old ones are dropped.  So is a foreign
 * key, whose other table is locked for it; its rows are tried again if the type is another one. */
static void touch_dependents(struct reading *in, struct model_relation *relation, const char *name,
                             bool is_changed)
{
    for (size_t i = 0; i < relation->part_count; i++)
        if (!relation->parts[i]->is_gone && relation->parts[i]->kind == MODEL_INDEX &&
            model_has_key(relation->parts[i]->columns, relation->parts[i]->key_count, name))
            effect_lock_all(in, relation->parts[i], LOCK_ACCESS_EXCLUSIVE);
    for (size_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].kind == MODEL_FOREIGN_KEY &&
            speaks_of(&relation->constraints[i], name))
            touch_key(in, relation, &relation->constraints[i], is_changed);
    for (size_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].kind == MODEL_CHECK && relation->constraints[i].is_valid &&
            model_has_key(relation->constraints[i].columns, relation->constraints[i].column_count,
                          name))
            effect_scan_all(in, relation); /* it is made anew, and tried */
    touch_pointing(in, relation, name, is_changed);
}

static enum type_change change_of(struct reading *in, const struct tree *definition,
                                  const struct model_column *column, const struct model_type *to)
{
    if (tree_get(definition, "raw_default") != NULL &&
        tree_at(definition, "raw_default", "TypeCast") == NULL &&
        tree_at(definition, "raw_default", "ColumnRef") == NULL)
        return TYPE_CHANGE_REWRITE;
    if (column == NULL)
        return TYPE_CHANGE_UNKNOWN;
    return type_change_of(&column->type, to, in->place->is_utc);
}

void column_type(struct reading *in, const struct tree *command, struct model_relation *relation)
{
    const char *name = tree_text(command, "name");
    const struct tree *definition = tree_at(command, "def", "ColumnDef");
    struct model_type to = type_read(in->model, tree_get(definition, "typeName"));
    struct model_column *column = reading_column(in, relation, name);
    enum type_change change = change_of(in, definition, column, &to);
    const char *text = type_text(in->effect, &to);

    touch_dependents(in, relation, name, change != TYPE_CHANGE_FREE);
    if (change == TYPE_CHANGE_REWRITE) {
        effect_rewrite(in, relation);
        effect_scan_all(in, relation);
        effect_note(in, RULE_TYPE_REWRITES, relation, name, text)->is_size = true;
    } else if (change == TYPE_CHANGE_UNKNOWN) {
        effect_unknown(in, "the column's type before is not known here: if the new one is no "
                           "wider form of it, the table is rewritten");
        effect_note(in, RULE_TYPE_REWRITES, relation, name, text)->is_size = true;
    }
    if (change != TYPE_CHANGE_FREE)
        (void)effect_note(in, RULE_TYPE_CHANGES, relation, name, text);
    if (column == NULL)
        return;
    effect_reverse(in, effect_format(in, "ALTER TABLE %s ALTER COLUMN %s TYPE %s;",
                                     effect_table(in, relation), name_text(in->effect, name),
                                     type_text(in->effect, &column->type)));
    column->type = to;
}

void column_identity(struct reading *in, const struct tree *command,
                     struct model_relation *relation)
{
    const char *subtype = tree_text(command, "subtype");

    if (strcmp(subtype, "AT_AddIdentity") == 0)
        make_sequence(in, relation, tree_text(command, "name"));
    else if (strcmp(subtype, "AT_DropIdentity") == 0)
        drop_sequences(in, relation, tree_text(command, "name"));
}
