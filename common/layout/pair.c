/* pair.c: layouts with a file for each way: golang-migrate and Diesel. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <stdio.h>
#include <string.h>

#define METADATA_FILE "metadata.toml"

static const char *const ways[] = {[LAYOUT_UP] = ".up.sql", [LAYOUT_DOWN] = ".down.sql"};

/* ---- golang-migrate: 000001_users.up.sql, 000001_users.down.sql ---- */

/* False if it is not called so. */
static bool read_golang_name(const char *path, enum layout_script_kind *ret_way, size_t *ret_digits)
{
    size_t digits = strspn(path, "0123456789");

    if (!reading_is_top(path) || digits == 0 || path[digits] != '_')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (!text_ends_with(path, ways[i]))
            continue;
        *ret_way = (enum layout_script_kind)i;
        *ret_digits = digits;
        return true;
    }
    return false;
}

bool golang_recognises(const struct layout_reading *in)
{
    enum layout_script_kind way;
    size_t digits;

    for (size_t i = 0; i < in->file_count; i++)
        if (read_golang_name(in->files[i].path, &way, &digits))
            return true;
    return false;
}

static enum error_code take_golang(struct layout_reading *in, const struct layout_file *file,
                                   struct error *err)
{
    enum layout_script_kind way = LAYOUT_UP;
    size_t digits = 0;
    struct layout_revision *revision;
    const char *version, *name;

    if (!read_golang_name(file->path, &way, &digits)) {
        if (text_ends_with(file->path, ".sql"))
            reading_note(in, "%s is left out: it is not called N_NAME.up.sql or N_NAME.down.sql",
                         file->path);
        return ERROR_OK;
    }
    version = memory_copy(in->memory, file->path, digits);
    name = memory_copy(in->memory, file->path + digits + 1,
                       strlen(file->path) - digits - 1 - strlen(ways[way]));
    revision = reading_find_version(in, version);
    if (revision == NULL && reading_add(in, version, name, &revision, err) != ERROR_OK)
        return err->code;
    return reading_take(revision, way, file, err);
}

enum error_code golang_read(struct layout_reading *in, struct error *err)
{
    for (size_t i = 0; i < in->file_count; i++)
        if (take_golang(in, &in->files[i], err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

/* ---- Diesel: 2024-01-31-120000_users/up.sql, down.sql, metadata.toml ---- */

static bool is_diesel_up(const char *path)
{
    const char *slash = strchr(path, '/');

    return slash != NULL && strcmp(slash, "/up.sql") == 0;
}

bool diesel_recognises(const struct layout_reading *in)
{
    for (size_t i = 0; i < in->file_count; i++)
        if (is_diesel_up(in->files[i].path))
            return true;
    return false;
}

/* Of the folder's name what stands before the first '_', without dashes: as Diesel stores it. */
static char *diesel_version(const void *parent, const char *folder)
{
    size_t length = strcspn(folder, "_");
    char *version = memory_copy(parent, folder, length);
    size_t kept = 0;

    for (size_t i = 0; i < length; i++)
        if (version[i] != '-')
            version[kept++] = version[i];
    version[kept] = '\0';
    return version;
}

static enum error_code read_toml_line(const struct layout_file *file, size_t line, const char *text,
                                      bool *ret_runs_in, struct error *err)
{
    char key[40] = "", value[40] = "";

    if (text[0] == '\0' || text[0] == '#')
        return ERROR_OK;
    if (sscanf(text, " %39[a-z_] = %39[a-z]", key, value) != 2 ||
        strcmp(key, "run_in_transaction") != 0 ||
        (strcmp(value, "true") != 0 && strcmp(value, "false") != 0))
        return error_set(err, ERROR_INVALID,
                         "%s:%zu: the only key known here is run_in_transaction, true or false",
                         file->path, line);
    *ret_runs_in = strcmp(value, "true") == 0;
    return ERROR_OK;
}

static enum error_code read_metadata(const struct layout_file *file, bool *ret_runs_in,
                                     struct error *err)
{
    char text[200];
    size_t line = 1;

    for (size_t at = 0, length; at < file->size; at += length + 1, line++) {
        length = strcspn(file->bytes + at, "\n");
        (void)text_format(text, sizeof(text), "%.*s", (int)length, file->bytes + at);
        if (read_toml_line(file, line, text, ret_runs_in, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* A file of the folder that up stands in; NULL if there is none. */
static const struct layout_file *beside(const struct layout_reading *in,
                                        const struct layout_file *up, const char *name)
{
    return reading_find_file(
        in, memory_format(in->memory, "%.*s/%s", (int)strcspn(up->path, "/"), up->path, name));
}

static enum error_code take_diesel(struct layout_reading *in, const struct layout_file *up,
                                   struct error *err)
{
    const char *folder = memory_copy(in->memory, up->path, strcspn(up->path, "/"));
    const struct layout_file *down = beside(in, up, "down.sql");
    const struct layout_file *metadata = beside(in, up, METADATA_FILE);
    struct layout_revision *revision;
    bool runs_in_transaction = true;

    if (metadata != NULL && read_metadata(metadata, &runs_in_transaction, err) != ERROR_OK)
        return err->code;
    if (reading_add(in, "", folder, &revision, err) != ERROR_OK ||
        reading_take(revision, LAYOUT_UP, up, err) != ERROR_OK ||
        (down != NULL && reading_take(revision, LAYOUT_DOWN, down, err) != ERROR_OK))
        return err->code;
    revision->version = diesel_version(in->memory, folder);
    revision->scripts[LAYOUT_UP].is_each = !runs_in_transaction;
    revision->scripts[LAYOUT_DOWN].is_each = !runs_in_transaction;
    return ERROR_OK;
}

static bool is_diesel_file(const struct layout_reading *in, const struct layout_file *file)
{
    const char *slash = strchr(file->path, '/');

    return slash != NULL && beside(in, file, "up.sql") != NULL &&
           (strcmp(slash, "/up.sql") == 0 || strcmp(slash, "/down.sql") == 0);
}

enum error_code diesel_read(struct layout_reading *in, struct error *err)
{
    for (size_t i = 0; i < in->file_count; i++) {
        const struct layout_file *file = &in->files[i];

        if (is_diesel_up(file->path) && take_diesel(in, file, err) != ERROR_OK)
            return err->code;
        if (text_ends_with(file->path, ".sql") && !is_diesel_file(in, file))
            reading_note(in, "%s is left out: it is no up.sql or down.sql of a folder with up.sql",
                         file->path);
    }
    return ERROR_OK;
}
