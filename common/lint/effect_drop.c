/* What takes away: DROP of anything, TRUNCATE. */
#include "common/base/text.h"
#include "common/lint/effect_internal.h"

#include <string.h>

struct dropping {
    struct reading *in;
    bool cascades;
};

static void drop_relation(const struct dropping *drop, struct model_relation *relation);

/* ---- what goes with a table ---- */

static void drop_foreign_keys(const struct dropping *drop, struct model_relation *table)
{
    for (size_t i = 0; i < table->constraint_count; i++) {
        const struct model_constraint *key = &table->constraints[i];

        if (key->kind != MODEL_FOREIGN_KEY || key->references == table)
            continue;
        effect_lock_all(drop->in, key->references, LOCK_ACCESS_EXCLUSIVE);
        effect_note(drop->in, RULE_FOREIGN_KEY_DROP, table, key->name,
                    effect_table(drop->in, key->references))
            ->relation = key->references;
    }
}

static void drop_pointing_keys(const struct dropping *drop, struct model_relation *other,
                               const struct model_relation *table)
{
    for (size_t c = other->constraint_count; c-- > 0;) {
        const struct model_constraint *key = &other->constraints[c];

        if (key->kind != MODEL_FOREIGN_KEY || key->references != table)
            continue;
        effect_lock_all(drop->in, other, LOCK_ACCESS_EXCLUSIVE);
        model_drop_constraint(drop->in->model, other, key->name);
    }
}

/* CASCADE: views that use it, foreign keys that point to it. */
static void drop_dependents(const struct dropping *drop, struct model_relation *relation)
{
    for (size_t i = 0; i < relation->user_count && drop->cascades; i++)
        if (!relation->users[i]->is_gone)
            drop_relation(drop, relation->users[i]);
    for (size_t i = 0; i < relation->pointing_count && drop->cascades; i++)
        if (!relation->pointing[i]->is_gone && relation->pointing[i] != relation)
            drop_pointing_keys(drop, relation->pointing[i], relation);
}

static void drop_sequences(const struct dropping *drop, const struct model_relation *table)
{
    for (struct model_relation *own = table->sequences; own != NULL; own = own->next_owned) {
        if (own->is_gone || own->kind != MODEL_SEQUENCE)
            continue;
        effect_lock(drop->in, own, LOCK_ACCESS_EXCLUSIVE);
        model_drop(drop->in->model, own);
    }
}

static void drop_partition(const struct dropping *drop, const struct model_relation *child)
{
    const struct model_relation *rest = partition_default(child->parent);

    effect_lock(drop->in, child->parent, LOCK_ACCESS_EXCLUSIVE);
    if (rest != NULL && rest != child)
        effect_lock(drop->in, rest, LOCK_ACCESS_EXCLUSIVE);
}

static void drop_parts(const struct dropping *drop, struct model_relation *relation)
{
    for (size_t i = 0; i < relation->part_count; i++) {
        struct model_relation *part = relation->parts[i];

        if (part->is_gone)
            continue;
        if (part->kind == MODEL_INDEX)
            effect_lock(drop->in, part, LOCK_ACCESS_EXCLUSIVE);
        else
            drop_relation(drop, part);
    }
}

static void drop_relation(const struct dropping *drop, struct model_relation *relation)
{
    if (effect_is_dropped(drop->in, relation))
        return;
    effect_lock(drop->in, relation, LOCK_ACCESS_EXCLUSIVE);
    if (relation->is_partition && relation->parent != NULL)
        drop_partition(drop, relation);
    drop_foreign_keys(drop, relation);
    drop_parts(drop, relation);
    model_drop(drop->in->model, relation);
    drop_sequences(drop, relation);
    drop_dependents(drop, relation);
}

/* ---- by kind of object ---- */

static void drop_table(const struct dropping *drop, const struct tree *words, enum model_kind kind,
                       const char *what)
{
    struct model_relation *relation =
        model_find(drop->in->model, tree_word_from_end(words, 1), tree_word_from_end(words, 0));

    if (relation == NULL && tree_flag(drop->in->node, "missing_ok") && kind != MODEL_TABLE)
        return;
    relation = reading_words(drop->in, words, 0, kind);
    (void)effect_note(drop->in, RULE_DROP_BREAKS, relation, relation->name, what);
    if (drop->cascades)
        (void)effect_note(drop->in, RULE_DROP_CASCADE, relation, relation->name, NULL);
    if (relation->is_unknown && kind == MODEL_TABLE)
        effect_unknown(drop->in, "the table is not in this history: tables that its foreign keys "
                                 "refer to are locked, too");
    if (kind == MODEL_SEQUENCE && drop->cascades && relation->table != NULL)
        effect_lock(drop->in, relation->table, LOCK_ACCESS_EXCLUSIVE);
    drop_relation(drop, relation);
}

static void drop_index(const struct dropping *drop, const struct tree *words)
{
    struct model_relation *index = reading_words(drop->in, words, 0, MODEL_INDEX);
    bool is_concurrent = tree_flag(drop->in->node, "concurrent");
    enum lock_mode mode = is_concurrent ? LOCK_SHARE_UPDATE_EXCLUSIVE : LOCK_ACCESS_EXCLUSIVE;

    effect_lock_all(drop->in, index, mode);
    if (index->table != NULL)
        effect_lock_all(drop->in, index->table,
                        index->table->kind == MODEL_PARTITIONED || !is_concurrent ? mode
                                                                                  : LOCK_NONE);
    if (index->table != NULL)
        effect_lock(drop->in, index->table, mode);
    else
        effect_unknown(drop->in, "the index is not in this history: its table is locked, too");
    if (!is_concurrent)
        (void)effect_note(drop->in, RULE_INDEX_DROP_BLOCKS,
                          index->table != NULL ? index->table : index, index->name,
                          effect_table(drop->in, index));
    model_drop(drop->in->model, index);
}

static void drop_of_table(const struct dropping *drop, const struct tree *words)
{
    struct model_relation *table = reading_words(drop->in, words, 1, MODEL_TABLE);

    effect_lock(drop->in, table, LOCK_ACCESS_EXCLUSIVE);
    if (strcmp(tree_text(drop->in->node, "removeType"), "OBJECT_TRIGGER") == 0 &&
        table->kind == MODEL_PARTITIONED)
        effect_lock_all(drop->in, table, LOCK_ACCESS_EXCLUSIVE);
}

static void drop_statistics(const struct dropping *drop, const struct tree *words)
{
    struct model_named_type *found =
        model_find_type(drop->in->model, tree_word_from_end(words, 1),
                        name_of_statistics(drop->in, tree_word_from_end(words, 0)));

    if (found == NULL || found->table == NULL) {
        effect_unknown(drop->in, "the statistics are not in this history: their table is locked "
                                 "(share update exclusive), too");
        return;
    }
    effect_lock(drop->in, found->table, LOCK_SHARE_UPDATE_EXCLUSIVE);
    if (!model_is_frozen(drop->in->model))
        found->is_gone = true;
}

static void drop_all_in_schema(const struct dropping *drop, const char *schema)
{
    for (size_t i = 0; i < model_count(drop->in->model) && drop->cascades; i++) {
        struct model_relation *relation = model_relation(drop->in->model, i);

        if (!relation->is_gone && strcmp(relation->schema, schema) == 0)
            drop_relation(drop, relation);
    }
}

static void drop_type(const struct dropping *drop, const struct tree *words)
{
    struct model_named_type *type = model_find_type(drop->in->model, tree_word_from_end(words, 1),
                                                    tree_word_from_end(words, 0));

    if (type != NULL && !model_is_frozen(drop->in->model))
        type->is_gone = true;
    if (drop->cascades)
        effect_unknown(drop->in, "CASCADE drops every column of that type, under an access "
                                 "exclusive lock on its table");
}

static void drop_object(const struct dropping *drop, const char *type, const struct tree *object)
{
    static const struct {
        const char *type;
        enum model_kind kind;
        const char *what;
    } relations[] = {{"OBJECT_TABLE", MODEL_TABLE, "table"},
                     {"OBJECT_FOREIGN_TABLE", MODEL_FOREIGN_TABLE, "foreign table"},
                     {"OBJECT_VIEW", MODEL_VIEW, "view"},
                     {"OBJECT_MATVIEW", MODEL_MATVIEW, "materialized view"},
                     {"OBJECT_SEQUENCE", MODEL_SEQUENCE, "sequence"}};
    static const char *const of_tables[] = {"OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"};
    const struct tree *words = tree_words(object);

    for (size_t i = 0; i < ARRAY_LEN(relations); i++)
        if (strcmp(relations[i].type, type) == 0)
            drop_table(drop, words, relations[i].kind, relations[i].what);
    if (strcmp(type, "OBJECT_INDEX") == 0)
        drop_index(drop, words);
    else if (model_has_key(of_tables, ARRAY_LEN(of_tables), type))
        drop_of_table(drop, words);
    else if (strcmp(type, "OBJECT_TYPE") == 0 || strcmp(type, "OBJECT_DOMAIN") == 0)
        drop_type(drop, words);
    else if (strcmp(type, "OBJECT_STATISTIC_EXT") == 0)
        drop_statistics(drop, words);
    else if (strcmp(type, "OBJECT_SCHEMA") == 0)
        drop_all_in_schema(drop, tree_text(tree_get(object, "String"), "sval"));
    else if (drop->cascades)
        effect_unknown(drop->in, "CASCADE drops what depends on it, too");
}

void read_drop(struct reading *in)
{
    const struct tree *objects = tree_get(in->node, "objects");
    const char *type = tree_text(in->node, "removeType");
    struct dropping drop = {
        .in = in, .cascades = strcmp(tree_text(in->node, "behavior"), "DROP_CASCADE") == 0};

    for (size_t i = 0; i < tree_count(objects); i++)
        drop_object(&drop, type, tree_element(objects, i));
    if (drop.cascades && in->effect->note_count == 0)
        (void)effect_note(in, RULE_DROP_CASCADE, NULL, NULL, NULL);
}

/* ---- TRUNCATE ---- */

static void truncate(struct reading *in, struct model_relation *table)
{
    effect_rewrite(in, table);
    (void)effect_note(in, RULE_TRUNCATE, table, NULL, NULL);
}

/* What of them uses the column is not looked into: all are taken for it. */
void drop_views_of(struct reading *in, const struct model_relation *table)
{
    struct dropping drop = {.in = in, .cascades = true};

    for (size_t i = 0; i < table->user_count; i++) {
        struct model_relation *view = table->users[i];

        if (view->is_gone)
            continue;
        effect_unknown(in, "CASCADE drops the views that use the column: all views of the table "
                           "are taken for such");
        drop_relation(&drop, view);
    }
}

static bool is_truncated(const struct reading *in, const struct model_relation *table)
{
    for (size_t i = 0; i < in->effect->note_count; i++)
        if (in->effect->notes[i].rule == RULE_TRUNCATE && in->effect->notes[i].relation == table)
            return true;
    return false;
}

static void truncate_pointing(struct reading *in, const struct model_relation *table)
{
    for (size_t i = 0; i < table->pointing_count; i++) {
        struct model_relation *other = table->pointing[i];

        for (size_t c = 0; c < other->constraint_count && !other->is_gone; c++)
            if (other->constraints[c].references == table && !is_truncated(in, other)) {
                truncate(in, other);
                truncate_pointing(in, other);
                break;
            }
    }
}

static void restart_sequences(struct reading *in, const struct model_relation *table)
{
    for (const struct model_relation *own = table->sequences; own != NULL; own = own->next_owned)
        if (own->kind == MODEL_SEQUENCE && !own->is_gone)
            effect_lock(in, own, LOCK_ACCESS_EXCLUSIVE);
}

void read_truncate(struct reading *in)
{
    const struct tree *ranges = tree_get(in->node, "relations");
    bool cascades = strcmp(tree_text(in->node, "behavior"), "DROP_CASCADE") == 0;

    for (size_t i = 0; i < tree_count(ranges); i++) {
        struct model_relation *table =
            reading_relation(in, tree_item(ranges, i, "RangeVar"), MODEL_TABLE);

        in->is_only = !tree_flag(tree_item(ranges, i, "RangeVar"), "inh");
        truncate(in, table);
        if (cascades)
            truncate_pointing(in, table);
        if (tree_flag(in->node, "restart_seqs"))
            restart_sequences(in, table);
    }
}
