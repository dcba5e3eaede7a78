/* load_repeatable.c: the files that are no part of a revision. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load_internal.h"

#include <string.h>

struct split_source source_of_file(const struct migration_file *file)
{
    return (struct split_source){.path = file->origin != NULL ? file->origin : file->path,
                                 .line = file->origin != NULL ? file->origin_line : 1,
                                 .text = file->bytes,
                                 .size = file->size};
}

bool file_is_repeatable(const struct migration_file *file)
{
    return text_starts_with(file->path, MIGRATION_REPEATABLES "/");
}

static enum error_code take_repeatable(struct migration_set *set, const struct migration_file *file,
                                       struct migration_repeatable *ret, struct error *err)
{
    const struct split_source source = source_of_file(file);
    const char *name = strrchr(file->path, '/') + 1;
    struct split *split = NULL;

    if (!text_ends_with(name, ".sql"))
        return error_set(err, ERROR_INVALID, "%s: a repeatable is an SQL file", file->path);
    ret->path = file->path;
    ret->text = file->bytes;
    ret->name = memory_copy(set, name, strlen(name) - strlen(".sql"));
    hash_bytes_hex(file->bytes, file->size, ret->checksum);
    if (!text_is_name(ret->name, MIGRATION_NAME_MAX))
        return error_set(err, ERROR_INVALID,
                         "%s: a repeatable's name is 1 to %d letters, digits, '_', '-' or '.'",
                         file->path, MIGRATION_NAME_MAX);
    if (split_part(set, &source, &split, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < split->count; i++)
        if (split->statements[i].class == SPLIT_OUTSIDE)
            return error_set(err, ERROR_INVALID,
                             "%s:%zu: a repeatable is one transaction, and this cannot be in one: "
                             "it belongs into a revision",
                             split->path, split->statements[i].line);
    ret->split = split;
    return ERROR_OK;
}

/* Paths are in order, and with one folder so are names. */
enum error_code repeatables_take(struct migration_set *set, struct error *err)
{
    struct migration_repeatable *list =
        memory_array(set, struct migration_repeatable, set->file_count);

    set->repeatables = list;
    for (size_t i = 0; i < set->file_count; i++)
        if (file_is_repeatable(&set->files[i]) &&
            take_repeatable(set, &set->files[i], &list[set->repeatable_count++], err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}
