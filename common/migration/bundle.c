#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"

#include <stdlib.h>
#include <string.h>

#define BUNDLE_MAGIC      "hakem-bundle-1\n"
#define BUNDLE_MAGIC_SIZE (sizeof(BUNDLE_MAGIC) - 1)
#define BUNDLE_HEAD_SIZE  (BUNDLE_MAGIC_SIZE + 4) /* and how many files there are */
#define BUNDLE_PATH_MAX   256
#define BUNDLE_ENTRY_SIZE 8 /* two big-endian lengths */

/* ---- from a folder ---- */

struct gathering {
    const void *parent;
    const char *folder;
    struct migration_file *files;
    size_t count;
    size_t bytes;
};

static enum error_code gather(struct gathering *all, const char *path, struct error *err)
{
    char *full = memory_format(NULL, "%s/%s", all->folder, path);
    struct migration_file *file;
    char *bytes;
    size_t size;
    enum error_code code;

    if (all->count == MIGRATION_FILES_MAX) {
        talloc_free(full);
        return error_set(err, ERROR_LIMIT, "%s has more than %d files", all->folder,
                         MIGRATION_FILES_MAX);
    }
    code = file_read(all->parent, full, SPLIT_BYTES_MAX, &bytes, &size, err);
    talloc_free(full);
    if (code != ERROR_OK)
        return code;
    all->bytes += size;
    if (all->bytes > MIGRATION_BUNDLE_MAX)
        return error_set(err, ERROR_LIMIT, "%s has more than %d bytes in all", all->folder,
                         MIGRATION_BUNDLE_MAX);
    all->files = memory_grow(all->parent, all->files, all->count, all->count + 1);
    file = &all->files[all->count++];
    *file = (struct migration_file){
        .path = memory_text(all->parent, path), .bytes = bytes, .size = size};
    return ERROR_OK;
}

static enum error_code gather_revision(struct gathering *all, const char *name, struct error *err)
{
    char path[FILE_PATH_MAX], inner[FILE_PATH_MAX];
    char **names;
    size_t count;
    enum error_code code = ERROR_OK;

    if (!text_is_name(name, MIGRATION_NAME_MAX))
        return error_set(err, ERROR_INVALID,
                         "%s/%s: a revision's name is 1 to %d letters, digits, '_', '-' or '.'",
                         all->folder, name, MIGRATION_NAME_MAX);
    if (!text_format(path, sizeof(path), "%s/%s", all->folder, name))
        return error_set(err, ERROR_INVALID, "the path %s is too long", all->folder);
    if (file_list(NULL, path, &names, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count && code == ERROR_OK; i++) {
        if (text_format(inner, sizeof(inner), "%s/%s", name, names[i]))
            code = gather(all, inner, err);
        else
            code = error_set(err, ERROR_INVALID, "the path %s is too long", names[i]);
    }
    talloc_free(names);
    return code;
}

enum error_code files_read_folder(const void *parent, const char *folder,
                                  struct migration_file **ret, size_t *ret_count, struct error *err)
{
    struct gathering all = {.parent = parent, .folder = folder};
    char path[FILE_PATH_MAX];
    char **names;
    size_t count;
    enum error_code code = ERROR_OK;

    if (file_list(NULL, folder, &names, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count && code == ERROR_OK; i++) {
        if (!text_format(path, sizeof(path), "%s/%s", folder, names[i]))
            code = error_set(err, ERROR_INVALID, "the path %s is too long", folder);
        else if (file_is_folder(path))
            code = gather_revision(&all, names[i], err);
        else if (strcmp(names[i], "releases.yaml") == 0)
            code = gather(&all, names[i], err);
        else if (text_ends_with(names[i], ".sql"))
            code = error_set(err, ERROR_INVALID,
                             "%s: SQL belongs into a revision's folder, as expand.sql and so on",
                             path);
    }
    talloc_free(names);
    if (code != ERROR_OK)
        return code;
    *ret = all.files;
    *ret_count = all.count;
    return ERROR_OK;
}

/* ---- into a set ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct migration_file *)a)->path,
                  ((const struct migration_file *)b)->path);
}

enum error_code files_adopt(struct migration_set *set, const struct migration_file *files,
                            size_t count, struct error *err)
{
    struct migration_file *copies = memory_array(set, struct migration_file, count);

    if (count > MIGRATION_FILES_MAX)
        return error_set(err, ERROR_LIMIT, "%zu files; at most %d are read", count,
                         MIGRATION_FILES_MAX);
    for (size_t i = 0; i < count; i++)
        copies[i] = (struct migration_file){
            .path = memory_text(set, files[i].path),
            .bytes = memory_copy(set, files[i].bytes, files[i].size),
            .size = files[i].size,
            .origin = files[i].origin == NULL ? NULL : memory_text(set, files[i].origin),
            .origin_line = files[i].origin_line,
        };
    if (count > 1)
        qsort(copies, count, sizeof(copies[0]), by_path);
    for (size_t i = 1; i < count; i++)
        if (by_path(&copies[i - 1], &copies[i]) == 0)
            return error_set(err, ERROR_INVALID, "the file %s is there twice", copies[i].path);
    set->files = copies;
    set->file_count = count;
    return ERROR_OK;
}

/* ---- bundles ---- */

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

char *migration_bundle_pack(const void *parent, const struct migration_set *set, size_t *ret_size,
                            char ret_digest[static HASH_HEX_SIZE])
{
    size_t size = BUNDLE_HEAD_SIZE;
    char *bundle, *at;

    for (size_t i = 0; i < set->file_count; i++)
        size += BUNDLE_ENTRY_SIZE + strlen(set->files[i].path) + set->files[i].size;
    bundle = memory_array(parent, char, size + 1);
    memcpy(bundle, BUNDLE_MAGIC, BUNDLE_MAGIC_SIZE);
    put_number(bundle + BUNDLE_MAGIC_SIZE, set->file_count);
    at = bundle + BUNDLE_HEAD_SIZE;
    for (size_t i = 0; i < set->file_count; i++) {
        const struct migration_file *file = &set->files[i];
        size_t length = strlen(file->path);

        put_number(at, length);
        put_number(at + 4, file->size);
        memcpy(at + BUNDLE_ENTRY_SIZE, file->path, length);
        memcpy(at + BUNDLE_ENTRY_SIZE + length, file->bytes, file->size);
        at += BUNDLE_ENTRY_SIZE + length + file->size;
    }
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

/* Reads the entry at *bytes and moves behind it. */
static enum error_code unpack_one(const void *parent, const char **bytes, size_t *left,
                                  struct migration_file *ret, struct error *err)
{
    size_t length, size;
    char *path;

    if (*left < BUNDLE_ENTRY_SIZE)
        return error_set(err, ERROR_PROTOCOL, "the bundle ends in the middle of an entry");
    length = get_number(*bytes);
    size = get_number(*bytes + 4);
    *bytes += BUNDLE_ENTRY_SIZE;
    *left -= BUNDLE_ENTRY_SIZE;
    if (length == 0 || length > BUNDLE_PATH_MAX || length > *left || size > *left - length)
        return error_set(err, ERROR_PROTOCOL, "the bundle ends in the middle of a file");
    path = memory_copy(parent, *bytes, length);
    if (strlen(path) != length || !text_is_utf8(path, length) || !is_sound_path(path))
        return error_set(err, ERROR_PROTOCOL, "the bundle has a file of a forbidden name");
    *ret = (struct migration_file){
        .path = path, .bytes = memory_copy(parent, *bytes + length, size), .size = size};
    *bytes += length + size;
    *left -= length + size;
    return ERROR_OK;
}

static enum error_code unpack_all(const void *parent, const char *bytes, size_t left,
                                  struct migration_file **ret, size_t *ret_count, struct error *err)
{
    struct migration_file *files = NULL;
    size_t count = 0;

    while (left > 0) {
        if (count == MIGRATION_FILES_MAX)
            return error_set(err, ERROR_LIMIT, "the bundle has more than %d files",
                             MIGRATION_FILES_MAX);
        files = memory_grow(parent, files, count, count + 1);
        if (unpack_one(parent, &bytes, &left, &files[count], err) != ERROR_OK)
            return err->code;
        if (count > 0 && by_path(&files[count - 1], &files[count]) >= 0)
            return error_set(err, ERROR_PROTOCOL, "the bundle's files are out of order");
        count++;
    }
    *ret = files;
    *ret_count = count;
    return ERROR_OK;
}

enum error_code migration_bundle_unpack(const void *parent, const char *bytes, size_t size,
                                        struct migration_set **ret, struct error *err)
{
    struct migration_file *files = NULL;
    void *scratch;
    size_t count = 0;
    enum error_code code;

    if (size > MIGRATION_BUNDLE_MAX || size < BUNDLE_HEAD_SIZE ||
        memcmp(bytes, BUNDLE_MAGIC, BUNDLE_MAGIC_SIZE) != 0)
        return error_set(err, ERROR_PROTOCOL, "this is no bundle of migrations");
    scratch = talloc_new(NULL);
    code =
        unpack_all(scratch, bytes + BUNDLE_HEAD_SIZE, size - BUNDLE_HEAD_SIZE, &files, &count, err);
    if (code == ERROR_OK && count != get_number(bytes + BUNDLE_MAGIC_SIZE))
        code = error_set(err, ERROR_PROTOCOL, "the bundle has %zu files, and says that it has %zu",
                         count, get_number(bytes + BUNDLE_MAGIC_SIZE));
    if (code == ERROR_OK)
        code = migration_load_files(parent, files, count, ret, err);
    talloc_free(scratch);
    return code;
}
