#include "common/base/memory.h"
#include "common/config/yaml.h"
#include "common/migration/backfill.h"
#include "common/migration/load_internal.h"

/* ---- validate ---- */

static const struct yaml_key validate_keys[] = {
    {.key = "before",
     .kind = YAML_KIND_TEXTS,
     .offset = offsetof(struct migration_validate, before),
     .count_offset = offsetof(struct migration_validate, before_count),
     .max = MIGRATION_VALIDATIONS_MAX,
     .doc = "queries of one boolean: unless each says yes, nothing is begun"},
    {.key = "after",
     .kind = YAML_KIND_TEXTS,
     .offset = offsetof(struct migration_validate, after),
     .count_offset = offsetof(struct migration_validate, after_count),
     .max = MIGRATION_VALIDATIONS_MAX,
     .doc = "likewise, when no row is left: unless each says yes, it has failed"},
};

static bool is_faulty_list(const char *const *queries, size_t count, const char *key,
                           struct yaml_fault *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (split_is_one_query(queries[i]))
            continue;
        ret->key = key;
        ret->entry = i + 1;
        (void)text_format(ret->sentence, sizeof(ret->sentence),
                          "\"%.80s\" is not one query: a validation is a SELECT of one boolean",
                          queries[i]);
        return true;
    }
    return false;
}

static bool is_faulty_validate(const void *filled, struct yaml_fault *ret)
{
    const struct migration_validate *validate = filled;

    return is_faulty_list(validate->before, validate->before_count, "before", ret) ||
           is_faulty_list(validate->after, validate->after_count, "after", ret);
}

static const struct yaml_table validate_table =
    YAML_CHECKED_TABLE(struct migration_validate, validate_keys, is_faulty_validate);

/* ---- a row ---- */

static const struct yaml_key backfill_keys[] = {
    {.key = "table",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, table),
     .min = 1,
     .max = 130,
     .is_required = true,
     .doc = "schema and table whose rows are to be filled"},
    {.key = "key",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct migration_backfill, key),
     .doc = "column with a unique index, by whose order the rows are gone through"},
    {.key = "keys",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_backfill, keys),
     .count_offset = offsetof(struct migration_backfill, key_count),
     .min = 1,
     .max = MIGRATION_BACKFILL_KEYS_MAX,
     .doc = "instead of key: the columns of a unique index, in its order"},
    {.key = "set",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, set),
     .min = 1,
     .is_required = true,
     .doc = "what UPDATE sets: \"display_name = name\""},
    {.key = "where",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, where),
     .min = 1,
     .is_required = true,
     .doc = "true for a row that is still to be filled: \"display_name IS NULL\""},
    {.key = "batch",
     .kind = YAML_KIND_NUMBER,
     .offset = offsetof(struct migration_backfill, batch),
     .min = 1,
     .max = BACKFILL_BATCH_MAX,
     .otherwise = "5000",
     .doc = "rows a transaction, at most: fewer while others use the server"},
    {.key = "trigger",
     .kind = YAML_KIND_BOOL,
     .offset = offsetof(struct migration_backfill, trigger),
     .otherwise = "false",
     .doc = "fill rows by a trigger that are written while the backfill runs"},
    {.key = "validate",
     .kind = YAML_KIND_STRUCT,
     .offset = offsetof(struct migration_backfill, validate),
     .nested = &validate_table,
     .doc = "queries that are asked before and after it"},
};

/* The parts are pasted into SQL: they must stay the parts that they are called. */
static bool is_faulty_backfill(const void *filled, struct yaml_fault *ret)
{
    const struct migration_backfill *backfill = filled;
    bool is_sound = true;

    if ((backfill->key != NULL) == (backfill->key_count > 0)) {
        ret->key = "key";
        (void)text_format(ret->sentence, sizeof(ret->sentence),
                          "the backfill of %s has %s: give key, or keys", backfill->table,
                          backfill->key == NULL ? "neither key nor keys" : "both key and keys");
        return true;
    }
    for (size_t i = 0; i < (backfill->key != NULL ? 1 : backfill->key_count) && is_sound; i++) {
        const char *key = backfill->key != NULL ? backfill->key : backfill->keys[i];
        char *update = memory_format(NULL, "UPDATE %s SET %s WHERE (%s) AND %s > '1'",
                                     backfill->table, backfill->set, backfill->where, key);

        is_sound = split_is_one_update(update);
        talloc_free(update);
    }
    ret->key = "table";
    (void)text_format(ret->sentence, sizeof(ret->sentence),
                      "the backfill of %s: table, key, set and where do not make one UPDATE",
                      backfill->table);
    return !is_sound;
}

const struct yaml_table backfill_table =
    YAML_CHECKED_TABLE(struct migration_backfill, backfill_keys, is_faulty_backfill);
