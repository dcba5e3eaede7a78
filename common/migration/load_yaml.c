#include "common/config/yaml.h"
#include "common/migration/load_internal.h"
#include "common/migration/phase.h"

#include <string.h>

static const struct yaml_key assertion_keys[] = {
    {.key = "before",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct migration_assertion, before),
     .doc = "expand, backfill, contract or revert: unless the query says yes, it is not begun"},
    {.key = "after",
     .kind = YAML_KIND_NAME,
     .offset = offsetof(struct migration_assertion, after),
     .doc = "likewise: unless the query says yes, it has failed"},
    {.key = "query",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_assertion, query),
     .min = 1,
     .is_required = true,
     .doc = "of one boolean"},
    {.key = "says",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_assertion, says),
     .otherwise = "",
     .doc = "what it means when the query says no"},
};

static bool assertion_fails(struct yaml_fault *ret, const char *key, const char *sentence)
{
    ret->key = key;
    (void)text_copy(ret->sentence, sizeof(ret->sentence), sentence);
    return true;
}

static bool is_faulty_assertion(const void *filled, struct yaml_fault *ret)
{
    const struct migration_assertion *assertion = filled;
    const char *phase = assertion->before != NULL ? assertion->before : assertion->after;
    enum migration_phase ignored;

    if ((assertion->before == NULL) == (assertion->after == NULL))
        return assertion_fails(ret, "query", "say before or after which phase, one of them");
    if (!migration_phase_from_name(phase, &ignored))
        return assertion_fails(ret, assertion->before != NULL ? "before" : "after",
                               "a phase is expand, backfill, contract or revert");
    if (!split_is_one_query(assertion->query))
        return assertion_fails(ret, "query", "an assertion is one SELECT of one boolean");
    return false;
}

static const struct yaml_table assertion_table =
    YAML_CHECKED_TABLE(struct migration_assertion, assertion_keys, is_faulty_assertion);

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
    {.key = "plain",
     .kind = YAML_KIND_BOOL,
     .offset = offsetof(struct migration_manifest, is_plain),
     .otherwise = "false",
     .doc = "expand.sql is the up of a tool without phases: it may break the release before"},
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
    {.key = "search_path",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_manifest, search_path),
     .doc = "of all its phases, as SET takes it; without the key the database's own"},
    {.key = "role",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct migration_manifest, role),
     .min = 1,
     .doc = "whom the statements of its scripts run as; without the key whoever runs it"},
    {.key = "assert",
     .kind = YAML_KIND_STRUCTS,
     .offset = offsetof(struct migration_manifest, assertions),
     .count_offset = offsetof(struct migration_manifest, assertion_count),
     .max = MIGRATION_ASSERTIONS_MAX,
     .nested = &assertion_table,
     .doc = "what must be true before a phase, or after it"},
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
    for (size_t i = 0; i < manifest.backfill_count; i++)
        backfill_compile(parent, &manifest.backfills[i]);
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
