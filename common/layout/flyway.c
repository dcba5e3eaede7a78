/* flyway.c: Flyway: V1.2__users.sql, U1.2__users.sql, and NAME.sql.conf beside them. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CONF_ENDING ".conf"

struct flyway_name {
    char kind;           /* V, U, R or B */
    const char *version; /* with dots; "" of R */
    const char *name;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* False if it is not called so. */
static bool read_name(const void *parent, const char *path, struct flyway_name *ret)
{
    const char *base = base_name(path);
    const char *behind = base[0] == '\0' ? base : base + 1;
    size_t length = strspn(behind, "0123456789._");
    const char *under = strstr(behind, "__");
    char *version;

    if (base[0] == '\0' || strchr("VURB", base[0]) == NULL || !text_ends_with(base, ".sql") ||
        under == NULL)
        return false;
    if (base[0] == 'R' ? under != behind : under == behind || (size_t)(under - behind) > length)
        return false;
    version = memory_copy(parent, behind, (size_t)(under - behind));
    for (char *c = version; *c != '\0'; c++)
        if (*c == '_')
            *c = '.';
    *ret = (struct flyway_name){.kind = base[0],
                                .version = version,
                                .name = memory_copy(parent, under + 2, strlen(under + 2) - 4)};
    return true;
}

bool flyway_recognises(const struct layout_reading *in)
{
    struct flyway_name name;

    for (size_t i = 0; i < in->file_count; i++)
        if (read_name(in->memory, in->files[i].path, &name))
            return true;
    return false;
}

/* ---- NAME.sql.conf ---- */

struct flyway_conf {
    bool runs_each;
    bool keeps_placeholders;
};

static enum error_code read_setting(struct layout_reading *in, const struct layout_file *file,
                                    const char *line, struct flyway_conf *ret, struct error *err)
{
    char key[80] = "", value[80] = "";

    if (sscanf(line, " %79[A-Za-z0-9.] = %79[^ \t\r]", key, value) != 2 || line[0] == '#')
        return ERROR_OK;
    if (strcmp(key, "executeInTransaction") == 0)
        ret->runs_each = strcasecmp(value, "false") == 0;
    else if (strcmp(key, "placeholderReplacement") == 0)
        ret->keeps_placeholders = strcasecmp(value, "false") == 0;
    else if (strcmp(key, "encoding") == 0 && strcasecmp(value, "UTF-8") != 0)
        return error_set(err, ERROR_INVALID, "%s: the encoding %s is not read: make it UTF-8",
                         file->path, value);
    else if (strcmp(key, "encoding") != 0)
        reading_note(in, "%s: %s is left out", file->path, key);
    return ERROR_OK;
}

static enum error_code read_conf(struct layout_reading *in, const struct layout_file *sql,
                                 struct flyway_conf *ret, struct error *err)
{
    const struct layout_file *file =
        reading_find_file(in, memory_format(in->memory, "%s" CONF_ENDING, sql->path));
    char line[200];

    for (size_t at = 0, length; file != NULL && at < file->size; at += length + 1) {
        length = strcspn(file->bytes + at, "\n");
        (void)text_format(line, sizeof(line), "%.*s", (int)length, file->bytes + at);
        if (read_setting(in, file, line, ret, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

static enum error_code check_placeholders(const struct layout_file *file, struct error *err)
{
    const char *found = strstr(file->bytes, "${");
    size_t line = 1;

    if (found == NULL)
        return ERROR_OK;
    for (const char *c = file->bytes; c < found; c++)
        line += *c == '\n';
    return error_set(err, ERROR_INVALID,
                     "%s:%zu: %.*s is a placeholder of Flyway's: write the value (or "
                     "placeholderReplacement=false in %s" CONF_ENDING ", if it is none)",
                     file->path, line, (int)strcspn(found, "}\n") + 1, found, file->path);
}

/* ---- files ---- */

static enum error_code take_versioned(struct layout_reading *in, const struct layout_file *file,
                                      const struct flyway_name *name, struct error *err)
{
    enum layout_script_kind way = name->kind == 'U' ? LAYOUT_DOWN : LAYOUT_UP;
    struct layout_revision *revision = reading_find_version(in, name->version);
    struct flyway_conf conf = {.runs_each = false};

    if (read_conf(in, file, &conf, err) != ERROR_OK ||
        (!conf.keeps_placeholders && check_placeholders(file, err) != ERROR_OK))
        return err->code;
    if (revision == NULL && reading_add(in, name->version, name->name, &revision, err) != ERROR_OK)
        return err->code;
    if (reading_take(revision, way, file, err) != ERROR_OK)
        return err->code;
    revision->scripts[way].is_each = conf.runs_each;
    return ERROR_OK;
}

static enum error_code take_repeatable(struct layout_reading *in, const struct layout_file *file,
                                       const struct flyway_name *name, struct error *err)
{
    struct flyway_conf conf = {.runs_each = false};

    if (read_conf(in, file, &conf, err) != ERROR_OK ||
        (!conf.keeps_placeholders && check_placeholders(file, err) != ERROR_OK))
        return err->code;
    if (conf.runs_each)
        return error_set(err, ERROR_INVALID,
                         "%s" CONF_ENDING ": a repeatable migration is one transaction here: make "
                         "what cannot be in one a versioned migration",
                         file->path);
    return reading_add_repeatable(in, name->name, file, err);
}

static enum error_code take(struct layout_reading *in, const struct layout_file *file,
                            struct error *err)
{
    struct flyway_name name;

    if (!text_ends_with(file->path, ".sql"))
        return ERROR_OK;
    if (!read_name(in->memory, file->path, &name)) {
        reading_note(in,
                     "%s is left out: it is neither V, U nor R (a callback is nothing that is "
                     "run here)",
                     file->path);
        return ERROR_OK;
    }
    if (name.kind == 'R')
        return take_repeatable(in, file, &name, err);
    if (name.kind == 'B') {
        reading_note(in, "%s is left out: a new database is made by all the migrations",
                     file->path);
        return ERROR_OK;
    }
    return take_versioned(in, file, &name, err);
}

/* V first: a revision is called as its up is. */
enum error_code flyway_read(struct layout_reading *in, struct error *err)
{
    for (int undo = 0; undo < 2; undo++)
        for (size_t i = 0; i < in->file_count; i++)
            if ((base_name(in->files[i].path)[0] == 'U') == undo &&
                take(in, &in->files[i], err) != ERROR_OK)
                return err->code;
    return ERROR_OK;
}
