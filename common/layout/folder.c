#include "common/layout/folder.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 4

struct gathering {
    const void *parent;
    const char *folder;
    struct layout_file *files;
    size_t count;
    size_t capacity;
    size_t bytes;
};

static bool is_read(const char *path)
{
    static const char *const endings[] = {".sql", ".sql.conf", "/metadata.toml", ".plan",
                                          MIGRATION_RELEASES_FILE};

    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (text_ends_with(path, endings[i]))
            return true;
    return false;
}

/* ---- by their names ---- */

static enum error_code look_into(const char *folder, const char *name, struct folder_look *ret,
                                 struct error *err)
{
    char path[FILE_PATH_MAX], expand[FILE_PATH_MAX];
    bool is_native;

    if (!text_format(path, sizeof(path), "%s/%s", folder, name))
        return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    if (!text_format(expand, sizeof(expand), "%s/expand.sql", path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    is_native = file_exists(expand); /* mostly, and one look is enough */
    if (!is_native && !file_is_folder(path)) {
        ret->has_foreign |= is_read(name);
        return ERROR_OK;
    }
    if (is_native || strcmp(name, MIGRATION_REPEATABLES) == 0)
        ret->has_native = true;
    else
        ret->has_foreign = true;
    return ERROR_OK;
}

enum error_code folder_look(const char *folder, struct folder_look *ret, struct error *err)
{
    struct folder_look look = {.has_native = false};
    enum error_code code = ERROR_OK;
    char **names;
    size_t count;

    if (file_list(NULL, folder, &names, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count && code == ERROR_OK; i++)
        code = look_into(folder, names[i], &look, err);
    talloc_free(names);
    if (code == ERROR_OK)
        *ret = look;
    return code;
}

/* ---- their bytes ---- */

static enum error_code add_file(struct gathering *all, const char *path, struct error *err)
{
    struct layout_file *file;
    char full[FILE_PATH_MAX];
    char *bytes = NULL;
    size_t size = 0;

    if (all->count == MIGRATION_FILES_MAX)
        return error_set(err, ERROR_LIMIT, "there are more than %d files", MIGRATION_FILES_MAX);
    if (strlen(path) > LAYOUT_PATH_MAX ||
        !text_format(full, sizeof(full), "%s/%s", all->folder, path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", path);
    if (is_read(path) &&
        (file_read(all->parent, full, SPLIT_BYTES_MAX, &bytes, &size, err) != ERROR_OK ||
         script_clean(path, bytes, &size, err) != ERROR_OK))
        return err->code;
    all->bytes += size;
    if (all->bytes > MIGRATION_BUNDLE_MAX)
        return error_set(err, ERROR_LIMIT, "there are more than %d bytes", MIGRATION_BUNDLE_MAX);
    if (all->count == all->capacity) {
        size_t more = 2 * all->capacity + 16;

        all->files = memory_grow(all->parent, all->files, all->capacity, more);
        all->capacity = more;
    }
    file = &all->files[all->count++];
    *file =
        (struct layout_file){.path = memory_text(all->parent, path), .bytes = bytes, .size = size};
    return ERROR_OK;
}

static enum error_code add_folder(struct gathering *all, const char *within, unsigned depth,
                                  struct error *err);

static enum error_code add_entry(struct gathering *all, const char *within, const char *name,
                                 unsigned depth, struct error *err)
{
    char path[FILE_PATH_MAX], full[FILE_PATH_MAX];

    if (!text_format(path, sizeof(path), "%s%s%s", within, within[0] == '\0' ? "" : "/", name) ||
        !text_format(full, sizeof(full), "%s/%s", all->folder, path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", name);
    if (!file_is_folder(full))
        return add_file(all, path, err);
    return depth == DEPTH_MAX ? ERROR_OK : add_folder(all, path, depth + 1, err);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX */
static enum error_code add_folder(struct gathering *all, const char *within, unsigned depth,
                                  struct error *err)
{
    char path[FILE_PATH_MAX];
    enum error_code code = ERROR_OK;
    char **names;
    size_t count;

    if (!text_format(path, sizeof(path), "%s/%s", all->folder, within))
        return error_set(err, ERROR_INVALID, "the path %s is too long", within);
    if (file_list(NULL, path, &names, &count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count && code == ERROR_OK; i++)
        code = add_entry(all, within, names[i], depth, err);
    talloc_free(names);
    return code;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct layout_file *)a)->path, ((const struct layout_file *)b)->path);
}

enum error_code folder_read(const void *parent, const char *folder, struct layout_file **ret,
                            size_t *ret_count, struct error *err)
{
    struct gathering all = {.parent = parent, .folder = folder};

    if (add_folder(&all, "", 1, err) != ERROR_OK)
        return err->code;
    if (all.count > 1)
        qsort(all.files, all.count, sizeof(all.files[0]), by_path);
    *ret = all.files;
    *ret_count = all.count;
    return ERROR_OK;
}

enum error_code folder_adopt(const void *parent, const struct migration_file *files, size_t count,
                             struct layout_file **ret, struct error *err)
{
    struct layout_file *adopted = memory_array(parent, struct layout_file, count);

    if (count > MIGRATION_FILES_MAX)
        return error_set(err, ERROR_LIMIT, "there are more than %d files", MIGRATION_FILES_MAX);
    for (size_t i = 0; i < count; i++) {
        char *bytes = NULL;
        size_t size = files[i].size;

        if (strlen(files[i].path) > LAYOUT_PATH_MAX)
            return error_set(err, ERROR_INVALID, "the path %.80s is too long", files[i].path);
        if (is_read(files[i].path))
            bytes = memory_copy(parent, files[i].bytes, size);
        if (bytes != NULL && script_clean(files[i].path, bytes, &size, err) != ERROR_OK)
            return err->code;
        adopted[i] = (struct layout_file){.path = memory_text(parent, files[i].path),
                                          .bytes = bytes,
                                          .size = bytes == NULL ? 0 : size};
    }
    if (count > 1)
        qsort(adopted, count, sizeof(adopted[0]), by_path);
    *ret = adopted;
    return ERROR_OK;
}
