/* bundle.c: a set's files as one string of bytes, and back. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"

#include <assert.h>
#include <string.h>

#define BUNDLE_MAGIC      "hakem-bundle-1\n"
#define BUNDLE_MAGIC_SIZE (sizeof(BUNDLE_MAGIC) - 1)
#define BUNDLE_HEAD_SIZE  (BUNDLE_MAGIC_SIZE + 4) /* and how many files there are */
#define BUNDLE_PATH_MAX   256
#define BUNDLE_ENTRY_SIZE 8 /* two big-endian lengths: of the path, and of the file */
/* Of another tool's folder; two more numbers in each entry, before the path, the origin and the
 * file: the origin's length, and its line. */
#define BUNDLE_ORIGINS_MAGIC "hakem-bundle-2\n"
#define BUNDLE_ORIGINS_SIZE  8
static_assert(sizeof(BUNDLE_ORIGINS_MAGIC) == sizeof(BUNDLE_MAGIC), "heads have one size");

static void put_number(char *at, size_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(number >> (24 - 8 * i));
}

static size_t get_number(const char *at)
{
    size_t number = 0;

    for (int i = 0; i < 4; i++)
        number = number << 8 | (unsigned char)at[i];
    return number;
}

static bool has_origins(const struct migration_set *set)
{
    for (size_t i = 0; i < set->file_count; i++)
        if (set->files[i].origin != NULL)
            return true;
    return false;
}

static size_t entry_size(const struct migration_file *file, bool with_origins)
{
    size_t size = BUNDLE_ENTRY_SIZE + strlen(file->path) + file->size;

    if (with_origins)
        size += BUNDLE_ORIGINS_SIZE + (file->origin != NULL ? strlen(file->origin) : 0);
    return size;
}

static char *put_bytes(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* Returns what is behind it. */
static char *put_entry(char *at, const struct migration_file *file, bool with_origins)
{
    const char *origin = file->origin != NULL ? file->origin : "";

    put_number(at, strlen(file->path));
    put_number(at + 4, file->size);
    at += BUNDLE_ENTRY_SIZE;
    if (with_origins) {
        put_number(at, strlen(origin));
        put_number(at + 4, file->origin_line);
        at += BUNDLE_ORIGINS_SIZE;
    }
    at = put_bytes(at, file->path, strlen(file->path));
    if (with_origins)
        at = put_bytes(at, origin, strlen(origin));
    return put_bytes(at, file->bytes, file->size);
}

char *migration_bundle_pack(const void *parent, const struct migration_set *set, size_t *ret_size,
                            char ret_digest[static HASH_HEX_SIZE])
{
    bool with_origins = has_origins(set);
    size_t size = BUNDLE_HEAD_SIZE;
    char *bundle, *at;

    for (size_t i = 0; i < set->file_count; i++)
        size += entry_size(&set->files[i], with_origins);
    bundle = memory_array(parent, char, size + 1);
    at = put_bytes(bundle, with_origins ? BUNDLE_ORIGINS_MAGIC : BUNDLE_MAGIC, BUNDLE_MAGIC_SIZE);
    put_number(at, set->file_count);
    at += BUNDLE_HEAD_SIZE - BUNDLE_MAGIC_SIZE;
    for (size_t i = 0; i < set->file_count; i++)
        at = put_entry(at, &set->files[i], with_origins);
    hash_bytes_hex(bundle, size, ret_digest);
    *ret_size = size;
    return bundle;
}

/* "releases.yaml" or "REVISION/FILE"; nothing that could leave a folder. */
static bool is_sound_path(const char *path)
{
    const char *slash = strchr(path, '/');
    char revision[MIGRATION_NAME_MAX + 1];

    if (slash == NULL)
        return strcmp(path, "releases.yaml") == 0;
    if ((size_t)(slash - path) > MIGRATION_NAME_MAX)
        return false;
    memcpy(revision, path, (size_t)(slash - path));
    revision[slash - path] = '\0';
    return text_is_name(revision, MIGRATION_NAME_MAX) && strchr(slash + 1, '/') == NULL &&
           slash[1] != '\0' && slash[1] != '.';
}

/* What is left of a bundle. */
struct unpacking {
    const void *parent;
    const char *at;
    size_t left;
    bool has_origins;
};

/* The next bytes, with a terminator. */
static const char *take_bytes(struct unpacking *in, size_t size)
{
    const char *bytes = memory_copy(in->parent, in->at, size);

    in->at += size;
    in->left -= size;
    return bytes;
}

static bool is_text(const char *bytes, size_t size)
{
    return strlen(bytes) == size && text_is_utf8(bytes, size);
}

/* Reads the next entry and moves behind it. */
static enum error_code unpack_one(struct unpacking *in, struct migration_file *ret,
                                  struct error *err)
{
    size_t head = BUNDLE_ENTRY_SIZE + (in->has_origins ? BUNDLE_ORIGINS_SIZE : 0);
    size_t length, size, origin_length, origin_line;

    if (in->left < head)
        return error_set(err, ERROR_PROTOCOL, "the bundle ends in the middle of an entry");
    length = get_number(in->at);
    size = get_number(in->at + 4);
    origin_length = in->has_origins ? get_number(in->at + BUNDLE_ENTRY_SIZE) : 0;
    origin_line = in->has_origins ? get_number(in->at + BUNDLE_ENTRY_SIZE + 4) : 0;
    in->at += head;
    in->left -= head;
    if (length == 0 || length > BUNDLE_PATH_MAX || origin_length > BUNDLE_PATH_MAX ||
        length + origin_length > in->left || size > in->left - length - origin_length)
        return error_set(err, ERROR_PROTOCOL, "the bundle ends in the middle of a file");
    *ret = (struct migration_file){.path = take_bytes(in, length)};
    if (origin_length > 0)
        ret->origin = take_bytes(in, origin_length);
    ret->origin_line = origin_line;
    if (!is_text(ret->path, length) || !is_sound_path(ret->path) ||
        (ret->origin != NULL && !is_text(ret->origin, origin_length)))
        return error_set(err, ERROR_PROTOCOL, "the bundle has a file of a forbidden name");
    ret->bytes = take_bytes(in, size);
    ret->size = size;
    return ERROR_OK;
}

static enum error_code unpack_all(struct unpacking *in, struct migration_file **ret,
                                  size_t *ret_count, struct error *err)
{
    struct migration_file *files = NULL;
    size_t count = 0;

    while (in->left > 0) {
        if (count == MIGRATION_FILES_MAX)
            return error_set(err, ERROR_LIMIT, "the bundle has more than %d files",
                             MIGRATION_FILES_MAX);
        files = memory_grow(in->parent, files, count, count + 1);
        if (unpack_one(in, &files[count], err) != ERROR_OK)
            return err->code;
        if (count > 0 && strcmp(files[count - 1].path, files[count].path) >= 0)
            return error_set(err, ERROR_PROTOCOL, "the bundle's files are out of order");
        count++;
    }
    *ret = files;
    *ret_count = count;
    return ERROR_OK;
}

static bool begins_with(const char *bytes, size_t size, const char *magic)
{
    return size >= BUNDLE_HEAD_SIZE && memcmp(bytes, magic, BUNDLE_MAGIC_SIZE) == 0;
}

enum error_code migration_bundle_unpack(const void *parent, const char *bytes, size_t size,
                                        struct migration_set **ret, struct error *err)
{
    struct unpacking in = {.has_origins = begins_with(bytes, size, BUNDLE_ORIGINS_MAGIC)};
    struct migration_file *files = NULL;
    size_t count = 0;
    void *scratch;
    enum error_code code;

    if (size > MIGRATION_BUNDLE_MAX || (!in.has_origins && !begins_with(bytes, size, BUNDLE_MAGIC)))
        return error_set(err, ERROR_PROTOCOL, "this is no bundle of migrations");
    scratch = talloc_new(NULL);
    in.parent = scratch;
    in.at = bytes + BUNDLE_HEAD_SIZE;
    in.left = size - BUNDLE_HEAD_SIZE;
    code = unpack_all(&in, &files, &count, err);
    if (code == ERROR_OK && count != get_number(bytes + BUNDLE_MAGIC_SIZE))
        code = error_set(err, ERROR_PROTOCOL, "the bundle has %zu files, and says that it has %zu",
                         count, get_number(bytes + BUNDLE_MAGIC_SIZE));
    if (code == ERROR_OK)
        code = migration_load_files(parent, files, count, ret, err);
    talloc_free(scratch);
    return code;
}
