#include "common/base/memory.h"
#include "common/config/yaml.h"
#include "common/migration/backfill.h"
#include "common/migration/json_steps.h"
#include "common/migration/load_internal.h"

#include <stdarg.h>
#include <stdio.h>

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

/* ---- duplicates ---- */

static const struct yaml_key duplicates_keys[] = {
    {.key = "by",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_duplicates, by),
     .count_offset = offsetof(struct migration_duplicates, by_count),
     .min = 1,
     .max = MIGRATION_BACKFILL_KEYS_MAX,
     .is_required = true,
     .doc = "the columns in which rows are alike; an index begins with them"},
    {.key = "keep",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_duplicates, keep),
     .min = 1,
     .is_required = true,
     .doc = "an ORDER BY: the first one stays; \"created_at DESC\""},
};
static const struct yaml_table duplicates_table =
    YAML_TABLE(struct migration_duplicates, duplicates_keys);

/* ---- command ---- */

static const struct yaml_key command_keys[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct migration_filter, name),
     .is_required = true,
     .doc = "of an executable in the agent's configuration"},
    {.key = "reads",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_filter, reads),
     .count_offset = offsetof(struct migration_filter, read_count),
     .max = MIGRATION_FILTER_COLUMNS_MAX,
     .doc = "columns that it is given, beside the key"},
    {.key = "writes",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_filter, writes),
     .count_offset = offsetof(struct migration_filter, write_count),
     .min = 1,
     .max = MIGRATION_FILTER_COLUMNS_MAX,
     .is_required = true,
     .doc = "columns whose new values it answers with"},
    {.key = "timeout",
     .kind = YAML_KIND_DURATION,
     .offset = offsetof(struct migration_filter, timeout_ms),
     .min = 1,
     .max = 3600000,
     .otherwise = "1m",
     .doc = "of each batch; longer is a failure"},
};
static const struct yaml_table command_table = YAML_TABLE(struct migration_filter, command_keys);

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
     .doc = "what UPDATE sets: \"display_name = name\""},
    {.key = "json",
     .kind = YAML_KIND_STRUCT,
     .offset = offsetof(struct migration_backfill, json),
     .nested = &json_table,
     .doc = "instead of set: what becomes of the documents of a column"},
    {.key = "archive",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, archive),
     .min = 1,
     .max = 130,
     .doc = "instead of set: the table that rows are moved to, where `where` is true"},
    {.key = "delete",
     .kind = YAML_KIND_BOOL,
     .offset = offsetof(struct migration_backfill, is_deletion),
     .otherwise = "false",
     .doc = "instead of set: rows are deleted where `where` is true"},
    {.key = "deduplicate",
     .kind = YAML_KIND_STRUCT,
     .offset = offsetof(struct migration_backfill, duplicates),
     .nested = &duplicates_table,
     .doc =
         "instead of set: of rows that are alike all but one are deleted, or moved to `archive`"},
    {.key = "command",
     .kind = YAML_KIND_STRUCT,
     .offset = offsetof(struct migration_backfill, command),
     .nested = &command_table,
     .doc = "instead of set: an executable that reads rows and writes their new values"},
    {.key = "from",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, from),
     .min = 1,
     .doc = "other tables that set speaks of: \"public.accounts AS a\""},
    {.key = "join",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, join),
     .min = 1,
     .doc = "with from: which row of it goes with a row; rows with which none goes are not done"},
    {.key = "where",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_backfill, where),
     .min = 1,
     .doc = "true for a row that is still to be filled: \"display_name IS NULL\"; with json: which "
            "rows it is about, and not a word about the column"},
    {.key = "lossy",
     .kind = YAML_KIND_BOOL,
     .offset = offsetof(struct migration_backfill, is_lossy),
     .otherwise = "false",
     .doc = "it is known that a revert does not bring back what was: lossless.sql counts it"},
    {.key = "batch",
     .kind = YAML_KIND_NUMBER,
     .offset = offsetof(struct migration_backfill, batch),
     .min = 1,
     .max = BACKFILL_BATCH_MAX,
     .otherwise = "5000",
     .doc = "rows a transaction, at most: fewer while others use the server"},
    {.key = "parallel",
     .kind = YAML_KIND_NUMBER,
     .offset = offsetof(struct migration_backfill, parallel),
     .min = 1,
     .max = MIGRATION_PARALLEL_MAX,
     .otherwise = "1",
     .doc = "ranges of the key that are gone through at once while nobody else uses the server"},
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

/* ---- does it go together? ---- */

static bool fault_at(struct yaml_fault *ret, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fault_at(struct yaml_fault *ret, const char *key, const char *format, ...)
{
    va_list args;

    ret->key = key;
    va_start(args, format);
    (void)vsnprintf(ret->sentence, sizeof(ret->sentence), format, args);
    va_end(args);
    return true;
}

static bool has_no_key(const struct migration_backfill *backfill, struct yaml_fault *ret)
{
    if ((backfill->key != NULL) != (backfill->key_count > 0))
        return false;
    return fault_at(ret, "key", "the backfill of %s has %s: give key, or keys", backfill->table,
                    backfill->key == NULL ? "neither key nor keys" : "both key and keys");
}

static bool has_faulty_json(const struct migration_backfill *backfill, struct yaml_fault *ret)
{
    if (backfill->where != NULL &&
        split_expression_mentions(backfill->where, backfill->json.column))
        return fault_at(ret, "where",
                        "the backfill of %s: where may say nothing of %s, which changes: leave it "
                        "to the steps which documents they are about",
                        backfill->table, backfill->json.column);
    if (!backfill->is_lossy && !json_steps_have_way_back(&backfill->json))
        return fault_at(ret, "json",
                        "the backfill of %s: merge and default cannot be taken back: say lossy: "
                        "true, and let lossless.sql count what a revert leaves lost",
                        backfill->table);
    return false;
}

/* Rows that go. */
static bool has_faulty_removal(const struct migration_backfill *backfill, struct yaml_fault *ret)
{
    if (backfill->trigger)
        return fault_at(ret, "trigger",
                        "the backfill of %s: a trigger would take rows away while players write "
                        "them",
                        backfill->table);
    if (!backfill->is_lossy && backfill->archive == NULL)
        return fault_at(ret, "lossy",
                        "the backfill of %s: what is deleted does not come back: name an archive, "
                        "or say lossy: true, and let lossless.sql count what a revert leaves lost",
                        backfill->table);
    return false;
}

/* archive alone, or where duplicates go. */
static size_t count_changes(const struct migration_backfill *backfill)
{
    bool has_duplicates = backfill->duplicates.by_count > 0;

    return (size_t)(backfill->set != NULL) + (backfill->json.step_count > 0) +
           (backfill->command.name != NULL) + backfill->is_deletion + has_duplicates +
           (backfill->archive != NULL && !has_duplicates);
}

/* What is done to a row, and to which rows. */
static bool has_faulty_change(const struct migration_backfill *backfill, struct yaml_fault *ret)
{
    if (count_changes(backfill) != 1)
        return fault_at(ret, "table",
                        "the backfill of %s: give one of set, json, command, archive, delete and "
                        "deduplicate (which may have an archive)",
                        backfill->table);
    if ((backfill->from != NULL) != (backfill->join != NULL) ||
        (backfill->from != NULL && backfill->set == NULL))
        return fault_at(ret, "table",
                        "the backfill of %s: from needs join, join needs from, and both need set",
                        backfill->table);
    if (backfill->parallel > 1 &&
        (backfill->command.name != NULL || backfill->duplicates.by_count > 0))
        return fault_at(ret, "parallel",
                        "the backfill of %s: a command, and rows that are alike, go one after the "
                        "other",
                        backfill->table);
    if (backfill->json.step_count > 0)
        return has_faulty_json(backfill, ret);
    if (backfill->where == NULL && backfill->duplicates.by_count == 0)
        return fault_at(ret, "table",
                        "the backfill of %s has no where, which is true for a row that is still to "
                        "be done",
                        backfill->table);
    if (backfill->command.name != NULL)
        return backfill->trigger &&
               fault_at(ret, "trigger", "the backfill of %s: a trigger runs no command",
                        backfill->table);
    return backfill->set == NULL && has_faulty_removal(backfill, ret);
}

/* The one of the UPDATE that shows whether the parts are what they are called. */
static char *assignment(const struct migration_backfill *backfill)
{
    const char *column = backfill->json.column;

    if (backfill->set != NULL)
        return memory_text(NULL, backfill->set);
    if (column != NULL)
        return memory_format(NULL, "%s = (%s)::jsonb", column, column);
    if (backfill->duplicates.keep != NULL)
        return memory_format(NULL, "a = (SELECT 1 FROM t ORDER BY %s)", backfill->duplicates.keep);
    return memory_format(NULL, "a = (SELECT 1 FROM %s)",
                         backfill->archive != NULL ? backfill->archive : "t");
}

/* The parts are pasted into SQL: they must stay the parts that they are called. */
static bool is_no_update(const struct migration_backfill *backfill, struct yaml_fault *ret)
{
    const char *where = backfill->where != NULL ? backfill->where : "true";
    bool is_sound = true;
    char *set = assignment(backfill);

    for (size_t i = 0; i < (backfill->key != NULL ? 1 : backfill->key_count) && is_sound; i++) {
        const char *key = backfill->key != NULL ? backfill->key : backfill->keys[i];
        char *update = memory_format(
            set, "UPDATE %s SET %s%s%s WHERE (%s) AND (%s) AND %s > '1' AND %s.%s > '1'",
            backfill->table, set, backfill->from != NULL ? " FROM " : "",
            backfill->from != NULL ? backfill->from : "",
            backfill->join != NULL ? backfill->join : "true", where, key, backfill->table, key);

        is_sound = split_is_one_update(update);
    }
    talloc_free(set);
    return !is_sound &&
           fault_at(ret, "table",
                    "the backfill of %s: table, key, set (or the column), from, join and "
                    "where do not make one UPDATE",
                    backfill->table);
}

static bool is_faulty_backfill(const void *filled, struct yaml_fault *ret)
{
    const struct migration_backfill *backfill = filled;

    return has_no_key(backfill, ret) || has_faulty_change(backfill, ret) ||
           is_no_update(backfill, ret);
}

const struct yaml_table backfill_table =
    YAML_CHECKED_TABLE(struct migration_backfill, backfill_keys, is_faulty_backfill);
