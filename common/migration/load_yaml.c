#include "common/base/memory.h"
#include "common/config/yaml.h"
#include "common/migration/backfill.h"
#include "common/migration/load_internal.h"

#include <string.h>

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
static const struct yaml_table backfill_table =
    YAML_CHECKED_TABLE(struct migration_backfill, backfill_keys, is_faulty_backfill);

static const struct yaml_key manifest_keys[] = {
    {.key = "description",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_manifest, description),
     .otherwise = "",
     .doc = "what the revision is for"},
    {.key = "requires",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_manifest, requires),
     .count_offset = offsetof(struct migration_manifest, require_count),
     .max = GRAPH_PARENTS_MAX,
     .doc = "parents; without the key the previous folder in name order, [] for none"},
    {.key = "requires_contracted",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct migration_manifest, contracted),
     .count_offset = offsetof(struct migration_manifest, contracted_count),
     .max = GRAPH_PARENTS_MAX,
     .doc = "revisions that must be contracted before this one is expanded"},
    {.key = "backfill",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct migration_manifest, backfills),
     .count_offset = offsetof(struct migration_manifest, backfill_count),
     .max = MIGRATION_BACKFILLS_MAX,
     .nested = &backfill_table,
     .doc = "what fills old rows, after expand.sql"},
    {.key = "irreversible",
     .kind = YAML_KIND_BOOL,
     .offset = offsetof(struct migration_manifest, is_irreversible),
     .otherwise = "false",
     .doc = "there is no revert.sql, and there cannot be one"},
    {.key = "lock_timeout",
     .kind = YAML_KIND_DURATION,
     .offset = offsetof(struct migration_manifest, lock_timeout_ms),
     .max = 3600000,
     .doc = "budget of all tries to get the locks of one transaction"},
    {.key = "statement_timeout",
     .kind = YAML_KIND_DURATION,
     .offset = offsetof(struct migration_manifest, statement_timeout_ms),
     .max = 604800000,
     .doc = "of each statement"},
};
static const struct yaml_table manifest_table =
    YAML_TABLE(struct migration_manifest, manifest_keys);

#define RELEASE_QUERIES_BYTES_MAX 65536

static const struct yaml_key release_keys[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct release_manifest, name),
     .is_required = true,
     .doc = "the release's version"},
    {.key = "needs",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct release_manifest, needs),
     .is_required = true,
     .doc = "the revision that it was built against"},
    {.key = "tolerates",
     .kind = YAML_KIND_NAMES,
     .offset = offsetof(struct release_manifest, tolerates),
     .count_offset = offsetof(struct release_manifest, tolerate_count),
     .doc = "later revisions whose contract it does not mind"},
    {.key = "queries",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct release_manifest, queries),
     .min = 1,
     .max = RELEASE_QUERIES_BYTES_MAX,
     .doc = "SQL that it asks of the database, for hakem migration test: run and rolled back"},
};
static const struct yaml_table release_table = YAML_TABLE(struct release_manifest, release_keys);

static const struct yaml_key releases_keys[] = {
    {.key = "releases",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct releases_manifest, releases),
     .count_offset = offsetof(struct releases_manifest, release_count),
     .max = MIGRATION_RELEASES_MAX,
     .nested = &release_table,
     .is_required = true,
     .doc = "every release of the game server that may be in use"},
};

static bool is_there_before(const struct releases_manifest *manifest, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(manifest->releases[i].name, manifest->releases[at].name) == 0)
            return true;
    return false;
}

static bool has_release_twice(const void *filled, struct yaml_fault *ret)
{
    const struct releases_manifest *manifest = filled;

    for (size_t i = 0; i < manifest->release_count; i++) {
        if (!is_there_before(manifest, i))
            continue;
        ret->key = "releases";
        ret->entry = i + 1;
        (void)text_format(ret->sentence, sizeof(ret->sentence), "release %s is there twice",
                          manifest->releases[i].name);
        return true;
    }
    return false;
}
static const struct yaml_table releases_table =
    YAML_CHECKED_TABLE(struct releases_manifest, releases_keys, has_release_twice);

static struct yaml_text text_of(const struct migration_file *file)
{
    return (struct yaml_text){.name = file->path, .bytes = file->bytes, .size = file->size};
}

enum error_code manifest_read(const void *parent, const struct migration_file *file,
                              struct migration_manifest *ret, struct error *err)
{
    struct migration_manifest manifest = {.description = ""};
    struct yaml_text text;

    if (file == NULL) {
        *ret = manifest;
        return ERROR_OK;
    }
    text = text_of(file);
    if (yaml_read(parent, &text, &manifest_table, &manifest, err) != ERROR_OK)
        return err->code;
    *ret = manifest;
    return ERROR_OK;
}

enum error_code releases_read(const void *parent, const struct migration_file *file,
                              struct releases_manifest *ret, struct error *err)
{
    struct releases_manifest manifest = {.release_count = 0};
    struct yaml_text text;

    if (file != NULL) {
        text = text_of(file);
        if (yaml_read(parent, &text, &releases_table, &manifest, err) != ERROR_OK)
            return err->code;
    }
    *ret = manifest;
    return ERROR_OK;
}
