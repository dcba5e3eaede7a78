#include "common/backup/manifest.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define SEAL_KEY     "seal"
#define ENCRYPTED    "encrypted"
#define VERSION      "hakem_backup"
#define HOW_TO_WRITE (JSON_COMPACT | JSON_SORT_KEYS)

/* ---- the table ---- */

enum kind { TEXT, NUMBER, BOOLEAN, TEXTS, FILES, TABLES };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;
    size_t count_offset; /* of lists */
    size_t max;          /* bytes of a text, entries of a list */
};

#define AT(member)          .offset = offsetof(struct backup_manifest, member)
#define LIST(member, count) AT(member), .count_offset = offsetof(struct backup_manifest, count)

static const struct key keys[] = {
    {"name", TEXT, AT(name), .max = MANIFEST_NAME_MAX},
    {"database", TEXT, AT(database), .max = MANIFEST_TEXT_MAX},
    {"system_identifier", TEXT, AT(system_id), .max = MANIFEST_TEXT_MAX},
    {"server_version", NUMBER, AT(server_version)},
    {"created_at", TEXT, AT(created_at), .max = MANIFEST_TEXT_MAX},
    {"created_by", TEXT, AT(created_by), .max = MANIFEST_TEXT_MAX},
    {"rollout", TEXT, AT(rollout), .max = MANIFEST_TEXT_MAX},
    {"revision", TEXT, AT(revision), .max = MANIFEST_TEXT_MAX},
    {"expanded", TEXTS, LIST(expanded, expanded_count), .max = MANIFEST_REVISIONS_MAX},
    {"contracted", TEXTS, LIST(contracted, contracted_count), .max = MANIFEST_REVISIONS_MAX},
    {"fingerprint", TEXT, AT(fingerprint), .max = HASH_HEX_SIZE},
    {"wal_position", TEXT, AT(position), .max = MANIFEST_TEXT_MAX},
    {"statistics_since", TEXT, AT(statistics), .max = MANIFEST_TEXT_MAX},
    {"format", TEXT, AT(format), .max = MANIFEST_TEXT_MAX},
    {ENCRYPTED, BOOLEAN, AT(is_encrypted)},
    {"plain_size", NUMBER, AT(plain_size)},
    {"only", TEXTS, LIST(only, only_count), .max = MANIFEST_TABLES_MAX},
    {"roles", TEXTS, LIST(roles, role_count), .max = MANIFEST_ROLES_MAX},
    {"files", FILES, LIST(files, file_count), .max = MANIFEST_FILES_MAX},
    {"tables", TABLES, LIST(tables, table_count), .max = MANIFEST_TABLES_MAX},
};

/* memcpy, because a member's address as another type's is nobody's to assume. */
#define MEMBER_GET(manifest, row, into)                                                            \
    memcpy(&(into), (const char *)(manifest) + (row)->offset, sizeof(into))
#define MEMBER_SET(manifest, row, from)                                                            \
    memcpy((char *)(manifest) + (row)->offset, &(from), sizeof(from))

static size_t count_of(const struct backup_manifest *manifest, const struct key *row)
{
    size_t count;

    memcpy(&count, (const char *)manifest + row->count_offset, sizeof(count));
    return count;
}

/* ---- writing ---- */

/* Of a value that JSON cannot have: NULL, which its key is then not given. */
static json_t *drop(json_t *array)
{
    json_decref(array);
    return NULL;
}

static json_t *texts_to_json(const struct backup_manifest *manifest, const struct key *row)
{
    const char *const *texts;
    json_t *array = json_array();

    MEMBER_GET(manifest, row, texts);
    for (size_t i = 0; i < count_of(manifest, row); i++)
        if (json_array_append_new(array, json_string(texts[i])) != 0)
            return drop(array);
    return array;
}

static json_t *files_to_json(const struct backup_manifest *manifest)
{
    json_t *array = json_array();

    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct backup_file *file = &manifest->files[i];

        if (json_array_append_new(array, json_pack("{s:s, s:I, s:s}", "path", file->path, "size",
                                                   (json_int_t)file->size, "hash", file->hash)) !=
            0)
            return drop(array);
    }
    return array;
}

static json_t *tables_to_json(const struct backup_manifest *manifest)
{
    json_t *array = json_array();

    for (size_t i = 0; i < manifest->table_count; i++) {
        const struct backup_table *table = &manifest->tables[i];

        if (json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "name", table->name, "rows",
                                                   (json_int_t)table->rows, "changes",
                                                   (json_int_t)table->changes)) != 0)
            return drop(array);
    }
    return array;
}

static json_t *value_to_json(const struct backup_manifest *manifest, const struct key *row)
{
    const char *text;
    uint64_t number;
    bool is;

    switch (row->kind) {
    case TEXT:
        MEMBER_GET(manifest, row, text);
        return json_string(text);
    case NUMBER:
        MEMBER_GET(manifest, row, number);
        return json_integer((json_int_t)number);
    case BOOLEAN:
        MEMBER_GET(manifest, row, is);
        return json_boolean(is);
    case TEXTS:
        return texts_to_json(manifest, row);
    case FILES:
        return files_to_json(manifest);
    case TABLES:
        return tables_to_json(manifest);
    }
    return NULL;
}

static void seal(json_t *object, const uint8_t *key, char ret[static HASH_HEX_SIZE])
{
    char *text = json_dumps(object, HOW_TO_WRITE);
    uint8_t hash[HASH_BYTES];

    (void)crypto_generichash(hash, sizeof(hash), (const uint8_t *)text, strlen(text), key,
                             key == NULL ? 0 : STREAM_KEY_BYTES);
    text_to_hex(ret, hash, sizeof(hash));
    free(text);
}

enum error_code backup_manifest_write(const struct backup_manifest *manifest, const char *folder,
                                      const uint8_t *key, struct error *err)
{
    char path[FILE_PATH_MAX], sealed[HASH_HEX_SIZE];
    json_t *object = json_pack("{s:i}", VERSION, MANIFEST_VERSION);
    char *text;

    assert(manifest->is_encrypted == (key != NULL));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_object_set_new(object, keys[i].name, value_to_json(manifest, &keys[i])) != 0) {
            json_decref(object);
            return error_set(err, ERROR_INVALID,
                             "%s of the backup is not UTF-8, and could not be read again",
                             keys[i].name);
        }
    seal(object, key, sealed);
    (void)json_object_set_new(object, SEAL_KEY, json_string(sealed));
    text = json_dumps(object, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(object);
    if (text_format(path, sizeof(path), "%s/" MANIFEST_FILE, folder))
        err->code = file_write_atomically(path, text, strlen(text), 0600, err);
    else
        (void)error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    free(text);
    return err->code;
}

/* ---- reading ---- */

/* What has been said of one file. */
struct reading {
    const char *name;
    json_t *object;
    struct backup_manifest *manifest;
};

static enum error_code say_wrong(const struct reading *reading, const char *key, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "%s: \"%s\" is missing, or not what Hakem writes there",
                     reading->name, key);
}

static const char *text_of(const json_t *value, size_t max)
{
    const char *text = json_string_value(value);

    return text != NULL && strlen(text) <= max ? text : NULL;
}

static bool number_of(const json_t *value, uint64_t *ret)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

static bool take_text(struct backup_manifest *manifest, const struct key *row, const json_t *value)
{
    const char *text = text_of(value, row->max);

    if (text == NULL)
        return false;
    text = memory_text(manifest, text);
    MEMBER_SET(manifest, row, text);
    return true;
}

static bool take_texts(struct backup_manifest *manifest, const struct key *row, const json_t *value)
{
    const char **texts = memory_array(manifest, const char *, json_array_size(value) + 1);

    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *text = text_of(json_array_get(value, i), MANIFEST_TEXT_MAX);

        if (text == NULL)
            return false;
        texts[i] = memory_text(texts, text);
    }
    MEMBER_SET(manifest, row, texts);
    return true;
}

static bool take_files(struct backup_manifest *manifest, const json_t *value)
{
    struct backup_file *files =
        memory_array(manifest, struct backup_file, json_array_size(value) + 1);

    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        const char *path = text_of(json_object_get(item, "path"), MANIFEST_NAME_MAX);
        const char *hash = text_of(json_object_get(item, "hash"), HASH_HEX_SIZE - 1);

        if (path == NULL || hash == NULL || !text_is_name(path, MANIFEST_NAME_MAX) ||
            !number_of(json_object_get(item, "size"), &files[i].size))
            return false;
        files[i].path = memory_text(files, path);
        files[i].hash = memory_text(files, hash);
    }
    manifest->files = files;
    return true;
}

static bool take_tables(struct backup_manifest *manifest, const json_t *value)
{
    struct backup_table *tables =
        memory_array(manifest, struct backup_table, json_array_size(value) + 1);

    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        const char *name = text_of(json_object_get(item, "name"), MANIFEST_TEXT_MAX);

        if (name == NULL || !number_of(json_object_get(item, "rows"), &tables[i].rows) ||
            !number_of(json_object_get(item, "changes"), &tables[i].changes))
            return false;
        tables[i].name = memory_text(tables, name);
    }
    manifest->tables = tables;
    return true;
}

static bool take_list(struct backup_manifest *manifest, const struct key *row, const json_t *value)
{
    size_t count = json_array_size(value);
    bool is_taken;

    if (!json_is_array(value) || count > row->max)
        return false;
    if (row->kind == FILES)
        is_taken = take_files(manifest, value);
    else if (row->kind == TABLES)
        is_taken = take_tables(manifest, value);
    else
        is_taken = take_texts(manifest, row, value);
    if (is_taken)
        memcpy((char *)manifest + row->count_offset, &count, sizeof(count));
    return is_taken;
}

static bool take_value(struct backup_manifest *manifest, const struct key *row, const json_t *value)
{
    uint64_t number;
    bool is;

    switch (row->kind) {
    case TEXT:
        return take_text(manifest, row, value);
    case NUMBER:
        if (!number_of(value, &number))
            return false;
        MEMBER_SET(manifest, row, number);
        return true;
    case BOOLEAN:
        is = json_is_true(value);
        MEMBER_SET(manifest, row, is);
        return json_is_boolean(value);
    case TEXTS:
    case FILES:
    case TABLES:
        return take_list(manifest, row, value);
    }
    return false;
}

static enum error_code check_version(const struct reading *reading, struct error *err)
{
    uint64_t version = 0;

    if (!number_of(json_object_get(reading->object, VERSION), &version))
        return say_wrong(reading, VERSION, err);
    if (version != MANIFEST_VERSION)
        return error_set(err, ERROR_REFUSED,
                         "%s is of version %llu, and this program knows version %d: use the one "
                         "that made it",
                         reading->name, (unsigned long long)version, MANIFEST_VERSION);
    return ERROR_OK;
}

/* Takes it out of the object, which is then what was sealed. */
static bool is_sealed_with(json_t *object, const uint8_t *key)
{
    char expected[HASH_HEX_SIZE], said[HASH_HEX_SIZE];
    const char *text = text_of(json_object_get(object, SEAL_KEY), HASH_HEX_SIZE - 1);

    if (!text_copy(said, sizeof(said), text == NULL ? "" : text))
        return false;
    (void)json_object_del(object, SEAL_KEY);
    seal(object, key, expected);
    return strlen(said) == strlen(expected) && sodium_memcmp(said, expected, strlen(said)) == 0;
}

static enum error_code check_seal(const struct reading *reading, const uint8_t *key,
                                  bool *ret_is_proven, struct error *err)
{
    bool is_encrypted = json_is_true(json_object_get(reading->object, ENCRYPTED));

    *ret_is_proven = !is_encrypted || key != NULL;
    if (!*ret_is_proven || is_sealed_with(reading->object, is_encrypted ? key : NULL))
        return ERROR_OK;
    return error_set(err, ERROR_CORRUPT, "%s was altered%s: its seal does not fit", reading->name,
                     is_encrypted ? ", or the backup was made with another key" : "");
}

static enum error_code take_values(const struct reading *reading, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (!take_value(reading->manifest, &keys[i],
                        json_object_get(reading->object, keys[i].name)))
            return say_wrong(reading, keys[i].name, err);
    return ERROR_OK;
}

enum error_code backup_manifest_parse(const void *parent,
                                      const struct backup_manifest_source *source,
                                      struct backup_manifest **ret, bool *ret_is_proven,
                                      struct error *err)
{
    json_error_t fault;
    struct reading reading = {
        .name = source->name,
        .object = json_loadb(source->bytes, source->size, JSON_REJECT_DUPLICATES, &fault)};

    if (!json_is_object(reading.object)) {
        json_decref(reading.object);
        return error_set(err, ERROR_CORRUPT, "%s:%d: %.200s: it was altered, or is no manifest",
                         source->name, fault.line, fault.text);
    }
    err->code = ERROR_OK;
    reading.manifest = memory_new(parent, struct backup_manifest);
    if (check_version(&reading, err) != ERROR_OK ||
        check_seal(&reading, source->key, ret_is_proven, err) != ERROR_OK ||
        take_values(&reading, err) != ERROR_OK)
        talloc_free(reading.manifest);
    else
        *ret = reading.manifest;
    json_decref(reading.object);
    return err->code;
}

enum error_code backup_manifest_read(const void *parent, const char *folder, const uint8_t *key,
                                     struct backup_manifest **ret, struct error *err)
{
    struct backup_manifest_source source = {.key = key};
    char path[FILE_PATH_MAX];
    bool is_proven = false;
    char *bytes = NULL;

    if (!text_format(path, sizeof(path), "%s/" MANIFEST_FILE, folder))
        return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    if (file_read(NULL, path, MANIFEST_BYTES_MAX, &bytes, &source.size, err) != ERROR_OK)
        return err->code;
    source.bytes = bytes;
    source.name = path;
    err->code = backup_manifest_parse(parent, &source, ret, &is_proven, err);
    talloc_free(bytes);
    if (err->code == ERROR_OK && !is_proven)
        return error_set(err, ERROR_REFUSED,
                         "the backup %s is encrypted: give its key with --key FILE", folder);
    return err->code;
}
