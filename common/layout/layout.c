#include "common/layout/layout.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/folder.h"

#include <assert.h>
#include <string.h>

static const struct layout_row rows[] = {
    {.name = "golang-migrate",
     .recognises = golang_recognises,
     .read = golang_read,
     .is_strict = true},
    {.name = "goose", .recognises = goose_recognises, .read = goose_read},
    {.name = "dbmate", .recognises = dbmate_recognises, .read = dbmate_read},
    {.name = "sql-migrate", .recognises = sql_migrate_recognises, .read = sql_migrate_read},
    {.name = "flyway", .recognises = flyway_recognises, .read = flyway_read},
    {.name = "diesel", .recognises = diesel_recognises, .read = diesel_read},
    {.name = "sqitch", .recognises = sqitch_recognises, .read = sqitch_read, .has_order = true},
};

const char *layout_name(size_t i)
{
    return i < ARRAY_LEN(rows) ? rows[i].name : NULL;
}

bool layout_allows_late(const char *layout)
{
    for (size_t i = 0; layout != NULL && i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, layout) == 0)
            return !rows[i].is_strict;
    return true;
}

/* ---- which one ---- */

static enum error_code find_by_name(const char *name, const struct layout_row **ret,
                                    struct error *err)
{
    char known[200] = "";
    size_t used = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret = &rows[i];
            return ERROR_OK;
        }
        if (text_format(known + used, sizeof(known) - used, "%s, ", rows[i].name))
            used = strlen(known);
    }
    return error_set(err, ERROR_USAGE, "there is no layout %s; there are %s" LAYOUT_NATIVE, name,
                     known);
}

static enum error_code fail_two(struct layout_reading *in, const char *one, const char *other,
                                struct error *err)
{
    in->fails_as_whole = true;
    return error_set(err, ERROR_INVALID,
                     "the folder looks like %s and like %s: keep the files of one, or say which "
                     "(--layout NAME; layout: NAME in coordinator.yaml)",
                     one, other);
}

/* Untouched if it looks like none. */
static enum error_code recognise(struct layout_reading *in, const struct layout_row **ret,
                                 struct error *err)
{
    const struct layout_row *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!rows[i].recognises(in))
            continue;
        if (found != NULL)
            return fail_two(in, found->name, rows[i].name, err);
        found = &rows[i];
    }
    if (found != NULL)
        *ret = found;
    return ERROR_OK;
}

/* ---- reading ---- */

/* What is found are children of the content, which in->memory is. */
static enum error_code read_as(struct layout_reading *in, const struct layout_row *row,
                               struct layout_content *ret, struct error *err)
{
    ret->layout = row->name;
    if (reading_refuse_languages(in, err) != ERROR_OK || row->read(in, err) != ERROR_OK)
        return err->code;
    if (in->revision_count == 0) {
        in->fails_as_whole = true;
        return error_set(err, ERROR_INVALID, "there is no migration of %s here", row->name);
    }
    if (reading_order(in, row->has_order, err) != ERROR_OK)
        return err->code;
    return native_write(in, ret, err);
}

/* row NULL: the one that it looks like. */
static enum error_code read_files(struct layout_reading *in, const struct layout_row *row,
                                  bool has_native, struct layout_content *ret, struct error *err)
{
    if (row == NULL) {
        if (recognise(in, &row, err) != ERROR_OK)
            return err->code;
        if (row != NULL && has_native)
            return fail_two(in, LAYOUT_NATIVE, row->name, err);
    }
    return row == NULL ? ERROR_OK : read_as(in, row, ret, err);
}

static enum error_code read_folder(const char *folder, const struct layout_row *row,
                                   struct layout_content *ret, struct error *err)
{
    struct layout_reading in = {.memory = ret};
    struct folder_look look = {.has_native = false};
    struct layout_file *files = NULL;

    if (folder_look(folder, &look, err) != ERROR_OK)
        return err->code;
    if (row == NULL && !look.has_foreign)
        return ERROR_OK;
    if (folder_read(ret, folder, &files, &in.file_count, err) == ERROR_OK) {
        in.files = files;
        if (read_files(&in, row, look.has_native, ret, err) == ERROR_OK)
            return ERROR_OK;
    }
    return error_set(err, err->code, in.fails_as_whole ? "%s: %s" : "%s/%s", folder, err->detail);
}

static enum error_code read_memory(const struct migration_file *files, size_t count,
                                   const struct layout_row *row, struct layout_content *ret,
                                   struct error *err)
{
    struct layout_reading in = {.memory = ret, .file_count = count};
    struct layout_file *adopted = NULL;

    if (folder_adopt(ret, files, count, &adopted, err) != ERROR_OK)
        return err->code;
    in.files = adopted;
    return read_files(&in, row, false, ret, err);
}

/* NULL, and not native: whatever it looks like. */
static enum error_code choose(const char *layout, const struct layout_row **ret,
                              bool *ret_is_native, struct error *err)
{
    *ret = NULL;
    *ret_is_native = layout != NULL && strcmp(layout, LAYOUT_NATIVE) == 0;
    if (layout == NULL || *ret_is_native)
        return ERROR_OK;
    return find_by_name(layout, ret, err);
}

static struct layout_content *new_content(const void *parent)
{
    struct layout_content *content = memory_new(parent, struct layout_content);

    content->layout = LAYOUT_NATIVE;
    return content;
}

static enum error_code give(struct layout_content *content, enum error_code code,
                            struct layout_content **ret)
{
    if (code == ERROR_OK)
        *ret = content;
    else
        talloc_free(content);
    return code;
}

enum error_code layout_read(const void *parent, const char *folder, const char *layout,
                            struct layout_content **ret, struct error *err)
{
    struct layout_content *content;
    const struct layout_row *row = NULL;
    bool is_native = false;

    if (choose(layout, &row, &is_native, err) != ERROR_OK)
        return err->code;
    content = new_content(parent);
    return give(content, is_native ? ERROR_OK : read_folder(folder, row, content, err), ret);
}

enum error_code layout_read_files(const void *parent, const struct migration_file *files,
                                  size_t count, const char *layout, struct layout_content **ret,
                                  struct error *err)
{
    struct layout_content *content;
    const struct layout_row *row = NULL;
    bool is_native = false;

    if (choose(layout, &row, &is_native, err) != ERROR_OK)
        return err->code;
    content = new_content(parent);
    return give(content, is_native ? ERROR_OK : read_memory(files, count, row, content, err), ret);
}

/* ---- loading ---- */

enum error_code layout_load(const void *parent, const char *folder, const char *layout,
                            struct migration_set **ret, struct error *err)
{
    struct layout_content *content = NULL;
    enum error_code code = layout_read(NULL, folder, layout, &content, err);

    if (code != ERROR_OK)
        return code;
    assert(content != NULL);
    if (strcmp(content->layout, LAYOUT_NATIVE) == 0) {
        code = migration_load(parent, folder, ret, err);
    } else {
        code = migration_load_files(parent, content->files, content->file_count, ret, err);
        if (code == ERROR_OK)
            (*ret)->layout = content->layout; /* of the table */
        else
            (void)error_set(err, code, "%s/%s", folder, err->detail);
    }
    talloc_free(content);
    return code;
}
