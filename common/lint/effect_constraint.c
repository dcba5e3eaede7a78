/* Constraints: added, dropped, validated. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

static const struct constraint_kind {
    const char *node;
    enum model_constraint_kind kind;
    const char *suffix; /* of a name that PostgreSQL makes up */
    const char *sql;
} constraint_kinds[] = {
    {"CONSTR_CHECK", MODEL_CHECK, "check", "CHECK"},
    {"CONSTR_FOREIGN", MODEL_FOREIGN_KEY, "fkey", "FOREIGN KEY"},
    {"CONSTR_PRIMARY", MODEL_PRIMARY_KEY, "pkey", "PRIMARY KEY"},
    {"CONSTR_UNIQUE", MODEL_UNIQUE, "key", "UNIQUE"},
    {"CONSTR_EXCLUSION", MODEL_EXCLUDE, "excl", "EXCLUDE"},
};

static const struct constraint_kind *kind_of(const struct tree *constraint)
{
    const char *type = tree_text(constraint, "contype");

    for (size_t i = 0; i < ARRAY_LEN(constraint_kinds); i++)
        if (strcmp(constraint_kinds[i].node, type) == 0)
            return &constraint_kinds[i];
    return NULL;
}

/* ---- texts ---- */

/* E'...' knows backslashes. */
static size_t skip_quoted(const char *text, size_t at)
{
    char quote = text[at];
    bool escapes = quote == '\'' && at > 0 && (text[at - 1] | 0x20) == 'e' &&
                   (at == 1 || !name_has_letter(text[at - 2]));

    at++;
    while (text[at] != '\0' && (text[at] != quote || text[at + 1] == quote)) {
        bool is_two = text[at] == quote || (escapes && text[at] == '\\' && text[at + 1] != '\0');

        at += is_two ? 2 : 1;
    }
    return text[at] == '\0' ? at : at + 1;
}

const char *reading_parenthesis(struct reading *in, size_t location)
{
    const char *text = in->statement->text;
    size_t before = in->statement->tree.offset; /* of what is counted from */
    size_t offset = location > before ? location - before : 0;
    size_t depth = 0, from = 0, at = offset < strlen(text) ? offset : strlen(text);

    while (text[at] != '\0') {
        if (text[at] == '\'' || text[at] == '"') {
            at = skip_quoted(text, at);
            continue;
        }
        if (text[at] == '(' && depth++ == 0)
            from = at;
        if (text[at] == ')' && depth > 0 && --depth == 0)
            return memory_copy(in->effect, text + from, at + 1 - from);
        at++;
    }
    return "";
}

static void see_column(const struct tree *node, void *context)
{
    struct model_constraint *into = context;
    const char *name = tree_word_from_end(tree_get(node, "fields"), 0);

    if (into->column_count < MODEL_KEY_MAX &&
        !model_has_key(into->columns, into->column_count, name))
        into->columns[into->column_count++] = name;
}

/* As PostgreSQL would name it, but for its way out of a clash. */
static const char *made_up_name(struct reading *in, const struct constraint_place *place,
                                const struct constraint_kind *kind,
                                const struct model_constraint *speaks_of)
{
    const char *name = place->relation->name;

    if (kind->kind == MODEL_PRIMARY_KEY)
        return effect_format(in, "%s_pkey", name);
    if (kind->kind == MODEL_CHECK && place->column == NULL && speaks_of->column_count > 1)
        return effect_format(in, "%s_check", name);
    for (size_t i = 0; i < speaks_of->column_count; i++)
        name = effect_format(in, "%s_%s", name, speaks_of->columns[i]);
    return effect_format(in, "%s_%s", name, kind->suffix);
}

static const char *action_text(const struct tree *constraint, const char *key, const char *words)
{
    static const struct {
        const char *letter, *words[2];
    } actions[] = {{"r", {" ON DELETE RESTRICT", " ON UPDATE RESTRICT"}},
                   {"c", {" ON DELETE CASCADE", " ON UPDATE CASCADE"}},
                   {"n", {" ON DELETE SET NULL", " ON UPDATE SET NULL"}},
                   {"d", {" ON DELETE SET DEFAULT", " ON UPDATE SET DEFAULT"}}};

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (strcmp(tree_text(constraint, key), actions[i].letter) == 0)
            return actions[i].words[words[0] == 'u'];
    return "";
}

static const char *foreign_key_text(struct reading *in, const struct tree *constraint,
                                    const char *columns, const struct model_relation *references)
{
    const char *keys = reading_names(in, tree_get(constraint, "pk_attrs"));

    return effect_format(in, "FOREIGN KEY (%s) REFERENCES %s%s%s%s%s%s", columns,
                         effect_table(in, references), keys[0] != '\0' ? " (" : "", keys,
                         keys[0] != '\0' ? ")" : "",
                         action_text(constraint, "fk_del_action", "delete"),
                         action_text(constraint, "fk_upd_action", "update"));
}

/* ---- added ---- */

/* The terms of a conjunction that say "column IS NOT NULL". */
static void collect_proven(struct reading *in, const struct tree *expression,
                           struct model_constraint *into)
{
    const struct tree *test = tree_get(expression, "NullTest");
    const struct tree *both = tree_get(expression, "BoolExpr");
    const struct tree *fields = tree_get(tree_at(test, "arg", "ColumnRef"), "fields");

    if (strcmp(tree_text(both, "boolop"), "AND_EXPR") == 0)
        for (size_t i = 0; i < tree_count(tree_get(both, "args")); i++)
            collect_proven(in, tree_element(tree_get(both, "args"), i), into);
    if (strcmp(tree_text(test, "nulltesttype"), "IS_NOT_NULL") == 0 && tree_count(fields) == 1 &&
        into->proven_count < MODEL_KEY_MAX)
        into->proven[into->proven_count++] = model_keep(in->model, tree_word_from_end(fields, 0));
}

static bool is_live_column(const struct constraint_place *place, struct reading *in)
{
    const struct model_column *column =
        place->column != NULL ? model_column(place->relation, place->column) : NULL;

    return !place->is_create && !place->is_new_column &&
           (column == NULL || column->since != model_revision(in->model));
}

static void add_check(struct reading *in, const struct tree *constraint,
                      const struct constraint_place *place, struct model_constraint *made)
{
    bool is_valid = !tree_flag(constraint, "skip_validation");
    const char *condition = reading_parenthesis(in, tree_number(constraint, "location"));

    collect_proven(in, tree_get(constraint, "raw_expr"), made);
    made->is_valid = is_valid || place->is_create;
    if (place->is_create)
        return;
    effect_lock_all(in, place->relation, LOCK_ACCESS_EXCLUSIVE);
    if (is_valid) {
        effect_scan_all(in, place->relation);
        effect_note(in, RULE_CHECK_SCANS, place->relation, made->name,
                    effect_format(in, "CHECK %s", condition))
            ->is_size = true;
    }
}

static struct model_constraint *key_of(const struct model_relation *relation)
{
    for (size_t i = 0; i < relation->constraint_count; i++)
        if (relation->constraints[i].kind == MODEL_PRIMARY_KEY)
            return &relation->constraints[i];
    return NULL;
}

/* The unique index that a foreign key points to. */
static struct model_relation *index_of_key(const struct model_relation *relation,
                                           const struct tree *columns)
{
    const struct model_constraint *key = key_of(relation);
    size_t count = tree_count(columns);

    if (count == 0)
        return key != NULL ? key->index : NULL;
    for (size_t i = 0; i < relation->part_count; i++) {
        struct model_relation *index = relation->parts[i];
        bool fits = !index->is_gone && index->kind == MODEL_INDEX && index->is_unique &&
                    index->key_count == count;

        for (size_t c = 0; c < count && fits; c++)
            fits = model_has_key(index->columns, index->key_count,
                                 tree_text(tree_item(columns, c, "String"), "sval"));
        if (fits)
            return index;
    }
    return NULL;
}

static void scan_both(struct reading *in, struct model_relation *one, struct model_relation *other)
{
    effect_read(in, one);
    effect_read(in, other);
    effect_scan_all(in, one);
    effect_scan_all(in, other);
}

static void add_foreign_key(struct reading *in, const struct tree *constraint,
                            const struct constraint_place *place, struct model_constraint *made)
{
    struct model_relation *references =
        reading_relation(in, tree_get(constraint, "pktable"), MODEL_TABLE);
    bool is_checked = !tree_flag(constraint, "skip_validation") && !place->is_create &&
                      (!place->is_new_column || place->has_default);
    const char *columns = place->column != NULL
                              ? name_text(in->effect, place->column)
                              : reading_names(in, tree_get(constraint, "fk_attrs"));

    made->references = references;
    model_point(in->model, place->relation, references);
    made->index = index_of_key(references, tree_get(constraint, "pk_attrs"));
    made->is_valid = !tree_flag(constraint, "skip_validation") || place->is_create;
    effect_lock_all(in, references, LOCK_SHARE_ROW_EXCLUSIVE);
    if (place->is_create)
        return;
    effect_lock_all(in, place->relation, LOCK_SHARE_ROW_EXCLUSIVE);
    if (!is_checked)
        return;
    scan_both(in, place->relation, references);
    effect_note(in, RULE_FOREIGN_KEY_SCANS, place->relation, made->name,
                foreign_key_text(in, constraint, columns, references))
        ->is_size = true;
}

static const char *key_columns(struct reading *in, const struct model_constraint *made)
{
    const char *text = "";

    for (size_t i = 0; i < made->column_count; i++)
        text = effect_format(in, "%s%s%s", text, i == 0 ? "" : ", ",
                             name_text(in->effect, made->columns[i]));
    return text;
}

static const char *index_first(struct reading *in, const struct model_relation *table,
                               const struct constraint_kind *kind,
                               const struct model_constraint *made)
{
    const char *name = name_text(in->effect, made->name), *on = effect_table(in, table);

    return effect_format(in,
                         "CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s);\n"
                         "ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s;",
                         name, on, key_columns(in, made), on, name, kind->sql, name);
}

static void use_index(struct reading *in, const struct constraint_place *place,
                      struct model_constraint *made, const char *index_name)
{
    struct model_relation *index =
        model_need(in->model, place->relation->schema, index_name, MODEL_INDEX);

    effect_lock(in, index,
                strcmp(index_name, made->name) == 0 ? LOCK_ACCESS_SHARE
                                                    : LOCK_SHARE_UPDATE_EXCLUSIVE);
    memcpy(made->columns, index->columns, sizeof(made->columns));
    made->column_count = index->key_count;
    model_rename(in->model, index, index->schema, made->name);
    made->index = index;
}

/* A primary key's columns become NOT NULL: a scan, unless they are. */
static void require_columns(struct reading *in, const struct constraint_place *place,
                            const struct model_constraint *made)
{
    for (size_t i = 0; i < made->column_count; i++) {
        struct model_column *column = reading_column(in, place->relation, made->columns[i]);

        if (column == NULL || column->is_not_null)
            continue;
        if (!place->is_create)
            effect_lock_all(in, place->relation, LOCK_ACCESS_EXCLUSIVE);
        if (!place->is_create && !constraint_proves_not_null(place->relation, column->name))
            effect_scan_all(in, place->relation);
        column->is_not_null = true;
    }
}

static void add_key(struct reading *in, const struct tree *constraint,
                    const struct constraint_place *place, const struct constraint_kind *kind,
                    struct model_constraint *made)
{
    const char *index_name = tree_text(constraint, "indexname");

    made->is_valid = true;
    if (!place->is_create && place->relation->kind == MODEL_PARTITIONED)
        effect_lock_all(in, place->relation, LOCK_SHARE); /* the partitions get theirs */
    if (!place->is_create)
        effect_lock(in, place->relation, LOCK_ACCESS_EXCLUSIVE);
    if (index_name[0] != '\0') {
        use_index(in, place, made, index_name);
    } else {
        made->index = index_make(in, place->relation, made->name,
                                 &(struct model_relation){.is_unique = kind->kind != MODEL_EXCLUDE,
                                                          .suffix = kind->suffix,
                                                          .key_count = made->column_count},
                                 made->columns);
        if (!place->is_create) {
            effect_scan_all(in, place->relation);
            effect_note(in, kind->kind == MODEL_EXCLUDE ? RULE_EXCLUDE_BUILDS : RULE_UNIQUE_BUILDS,
                        place->relation, made->name, index_first(in, place->relation, kind, made))
                ->is_size = true;
        }
    }
    if (kind->kind == MODEL_PRIMARY_KEY)
        require_columns(in, place, made);
}

static void keep_columns(struct reading *in, const struct tree *constraint,
                         const struct constraint_place *place, struct model_constraint *ret)
{
    const struct tree *keys = tree_get(constraint, "keys");
    const struct tree *excluded = tree_get(constraint, "exclusions");

    if (tree_count(keys) == 0)
        keys = tree_get(constraint, "fk_attrs");
    if (place->column != NULL)
        ret->columns[ret->column_count++] = model_keep(in->model, place->column);
    for (size_t i = 0; i < tree_count(keys) && ret->column_count < MODEL_KEY_MAX; i++)
        ret->columns[ret->column_count++] =
            model_keep(in->model, tree_text(tree_item(keys, i, "String"), "sval"));
    for (size_t i = 0; i < tree_count(excluded) && ret->column_count < MODEL_KEY_MAX; i++)
        ret->columns[ret->column_count++] = model_keep(
            in->model,
            tree_text(tree_item(tree_words(tree_element(excluded, i)), 0, "IndexElem"), "name"));
    if (ret->column_count == 0)
        tree_find(tree_get(constraint, "raw_expr"), "ColumnRef", see_column, ret);
}

/* Old releases go on writing, and what they write may not fit any more. */
static void note_refused_writes(struct reading *in, const struct constraint_place *place,
                                const struct constraint_kind *kind,
                                const struct model_constraint *made)
{
    if (is_live_column(place, in))
        (void)effect_note(in, RULE_WRITES_REFUSED, place->relation, made->name,
                          effect_format(in, "the %s", kind->sql));
}

void constraint_add(struct reading *in, const struct tree *constraint,
                    const struct constraint_place *place)
{
    const struct constraint_kind *kind = kind_of(constraint);
    const char *name = tree_text(constraint, "conname");
    struct model_constraint speaks_of = {.column_count = 0}, *made;

    if (kind == NULL)
        return;
    keep_columns(in, constraint, place, &speaks_of);
    if (name[0] == '\0')
        name = tree_text(constraint, "indexname");
    if (name[0] == '\0')
        name = made_up_name(in, place, kind, &speaks_of);
    else if (!place->is_create)
        effect_made(in, name, place->relation);
    made = model_add_constraint(in->model, place->relation, name, kind->kind);
    for (size_t i = 0; i < speaks_of.column_count; i++)
        made->columns[i] = model_keep(in->model, speaks_of.columns[i]);
    made->column_count = speaks_of.column_count;
    if (!place->is_create && place->column == NULL)
        effect_reverse(in, effect_format(in, "ALTER TABLE %s DROP CONSTRAINT %s;",
                                         effect_table(in, place->relation),
                                         name_text(in->effect, name)));
    if (kind->kind == MODEL_CHECK)
        add_check(in, constraint, place, made);
    else if (kind->kind == MODEL_FOREIGN_KEY)
        add_foreign_key(in, constraint, place, made);
    else
        add_key(in, constraint, place, kind, made);
    if (tree_text(constraint, "indexname")[0] == '\0')
        note_refused_writes(in, place, kind, made);
}

/* ---- dropped, validated ---- */

bool constraint_proves_not_null(const struct model_relation *relation, const char *column)
{
    for (size_t i = 0; i < relation->constraint_count; i++) {
        const struct model_constraint *check = &relation->constraints[i];

        if (check->kind == MODEL_CHECK && check->is_valid &&
            model_has_key(check->proven, check->proven_count, column))
            return true;
    }
    return false;
}

/* Foreign keys that point to this index of the relation go with it. */
static void drop_pointing(struct reading *in, const struct model_relation *relation,
                          const struct model_relation *index)
{
    for (size_t i = 0; i < relation->pointing_count; i++) {
        struct model_relation *other = relation->pointing[i];

        for (size_t c = other->constraint_count; c-- > 0 && !other->is_gone;) {
            const struct model_constraint *key = &other->constraints[c];

            if (key->kind != MODEL_FOREIGN_KEY || key->index != index)
                continue;
            effect_lock_all(in, other, LOCK_ACCESS_EXCLUSIVE);
            model_drop_constraint(in->model, other, key->name);
        }
    }
}

void constraint_drop(struct reading *in, struct model_relation *relation, const char *name,
                     bool cascades)
{
    const struct model_constraint *gone = model_constraint(relation, name);

    effect_lock_all(in, relation, LOCK_ACCESS_EXCLUSIVE);
    if (gone == NULL) {
        if (relation->is_unknown)
            effect_unknown(in, "the constraint is not in this history: if it is a foreign key, "
                               "the table that it refers to is locked, too");
        return;
    }
    if (gone->kind == MODEL_FOREIGN_KEY) {
        effect_lock_all(in, gone->references, LOCK_ACCESS_EXCLUSIVE);
        effect_note(in, RULE_FOREIGN_KEY_DROP, relation, name, effect_table(in, gone->references))
            ->relation = gone->references;
    } else if (gone->index != NULL) {
        effect_lock_all(in, gone->index, LOCK_ACCESS_EXCLUSIVE);
        if (cascades)
            drop_pointing(in, relation, gone->index);
    }
    model_drop_constraint(in->model, relation, name);
}

void constraint_validate(struct reading *in, struct model_relation *relation, const char *name)
{
    struct model_constraint *found = reading_constraint(in, relation, name);

    if (found != NULL && found->is_valid) {
        effect_lock(in, relation, LOCK_SHARE_UPDATE_EXCLUSIVE);
        return;
    }
    effect_lock_all(in, relation, LOCK_SHARE_UPDATE_EXCLUSIVE);
    effect_scan_all(in, relation);
    if (found == NULL) {
        effect_unknown(in, "the constraint is not in this history: if it is a foreign key, the "
                           "table that it refers to is read, too");
        return;
    }
    if (found->kind == MODEL_FOREIGN_KEY) {
        effect_lock_all(in, found->references, LOCK_ROW_SHARE);
        scan_both(in, relation, found->references);
    }
    found->is_valid = true;
}
