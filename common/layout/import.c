/* import.c: a foreign folder rewritten as native ones: all of it or nothing. */
#define _GNU_SOURCE /* syncfs: one wait for the disk, not one per file */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A folder that is there may be empty, and nothing else. */
static enum error_code check_place(const char *into, struct error *err)
{
    char **names;
    size_t count;

    if (!file_exists(into))
        return ERROR_OK;
    if (file_list(NULL, into, &names, &count, err) != ERROR_OK)
        return err->code;
    talloc_free(names);
    if (count > 0)
        return error_set(err, ERROR_REFUSED,
                         "%s is not empty: an import makes a folder of its own; give another with "
                         "--into",
                         into);
    return ERROR_OK;
}

static enum error_code write_bytes(const char *path, const char *bytes, size_t size,
                                   struct error *err)
{
    FILE *file = fopen(path, "wex");
    bool is_written = file != NULL && fwrite(bytes, 1, size, file) == size;

    if (file != NULL && fclose(file) == 0 && is_written)
        return ERROR_OK;
    return error_set(err, ERROR_SYSTEM, "cannot write %s: %s", path, strerror(errno));
}

static enum error_code write_one(const char *folder, const struct migration_file *file,
                                 struct error *err)
{
    char path[FILE_PATH_MAX];
    char *slash;

    if (!text_format(path, sizeof(path), "%s/%s", folder, file->path))
        return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    slash = strrchr(path, '/');
    *slash = '\0';
    if (file_make_folder(path, 0755, err) != ERROR_OK)
        return err->code;
    *slash = '/';
    return write_bytes(path, file->bytes, file->size, err);
}

static enum error_code write_all(const char *folder, const struct layout_content *content,
                                 struct error *err)
{
    int descriptor;
    bool is_synced;

    for (size_t i = 0; i < content->file_count; i++)
        if (write_one(folder, &content->files[i], err) != ERROR_OK)
            return err->code;
    descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    is_synced = descriptor >= 0 && syncfs(descriptor) == 0;
    if (descriptor >= 0)
        (void)close(descriptor);
    if (!is_synced)
        return error_set(err, ERROR_SYSTEM, "cannot bring %s to the disk: %s", folder,
                         strerror(errno));
    return ERROR_OK;
}

/* Beside it, then at once in its place. */
static enum error_code write_beside(const char *into, const struct layout_content *content,
                                    struct error *err)
{
    char beside[FILE_PATH_MAX];
    struct error ignored;
    size_t length = strlen(into);

    while (length > 1 && into[length - 1] == '/')
        length--;
    if (!text_format(beside, sizeof(beside), "%.*s.import-%ld", (int)length, into, (long)getpid()))
        return error_set(err, ERROR_INVALID, "the path %s is too long", into);
    if (write_all(beside, content, err) == ERROR_OK) {
        if (rename(beside, into) == 0)
            return ERROR_OK;
        (void)error_set(err, ERROR_SYSTEM, "cannot make %s of %s: %s", into, beside,
                        strerror(errno));
    }
    (void)file_remove_tree(beside, &ignored);
    return err->code;
}

static enum error_code check_history(const char *folder, const struct layout_content *content,
                                     struct error *err)
{
    struct migration_set *set = NULL;

    if (strcmp(content->layout, LAYOUT_NATIVE) == 0)
        return error_set(err, ERROR_REFUSED,
                         "%s has no layout of another tool: there is nothing to import", folder);
    if (migration_load_files(NULL, content->files, content->file_count, &set, err) != ERROR_OK)
        return error_set(err, err->code, "%s/%s", folder, err->detail);
    talloc_free(set);
    return ERROR_OK;
}

enum error_code layout_import(const void *parent, const struct layout_import *order,
                              struct layout_content **ret, struct error *err)
{
    struct layout_content *content = NULL;

    if (check_place(order->into, err) != ERROR_OK ||
        layout_read(parent, order->folder, order->layout, &content, err) != ERROR_OK)
        return err->code;
    if (check_history(order->folder, content, err) != ERROR_OK ||
        write_beside(order->into, content, err) != ERROR_OK) {
        talloc_free(content);
        return err->code;
    }
    *ret = content;
    return ERROR_OK;
}
