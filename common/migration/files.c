/* files.c: the files of a folder, and those of a set. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"

#include <stdlib.h>
#include <string.h>

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
