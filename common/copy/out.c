#define _DEFAULT_SOURCE /* ftruncate, fsync */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/copy/internal.h"
#include "common/postgres/copy.h"
#include "common/postgres/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NOTE_MAX 65536
/* A row of PostgreSQL's is 1 GiB at most, and each of its bytes six of JSON. */
#define JSON_LINE_MAX ((size_t)7 << 30)

/* One call on its way. */
struct writing {
    struct session *session;
    const struct copy_order *order;
    void *memory;
    struct copy_columns columns;
    FILE *file;
    const char *note;   /* path of what stands beside the file; NULL: nothing does */
    const char *cursor; /* of the last range that is on the disk; NULL: none is */
    struct text *line;  /* the last one of JSON */
    struct copy_result result;
};

static enum error_code fail_file(const struct writing *w, const char *what, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "cannot %s %s: %s", what,
                     w->order->path != NULL ? w->order->path : "the output", strerror(errno));
}

/* ---- the note ---- */

static enum error_code write_note(const struct writing *w, struct error *err)
{
    json_t *note =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "table", w->order->table, "format",
                  copy_format_name(w->order->format), "key", w->order->key, "cursor", w->cursor,
                  "bytes", (json_int_t)w->result.bytes, "rows", (json_int_t)w->result.rows);
    char *text = json_dumps(note, JSON_INDENT(2));
    enum error_code code = file_write_atomically(w->note, text, strlen(text), 0600, err);

    free(text);
    json_decref(note);
    return code;
}

static bool says(json_t *note, const char *key, const char *value)
{
    const char *said = json_string_value(json_object_get(note, key));

    return said != NULL && value != NULL && strcmp(said, value) == 0;
}

static enum error_code take_note(struct writing *w, json_t *note, struct error *err)
{
    const struct copy_order *order = w->order;
    json_int_t bytes = json_integer_value(json_object_get(note, "bytes"));
    json_int_t rows = json_integer_value(json_object_get(note, "rows"));
    const char *cursor = json_string_value(json_object_get(note, "cursor"));

    if (!says(note, "table", order->table) || !says(note, "key", order->key) ||
        !says(note, "format", copy_format_name(order->format)))
        return error_set(err, ERROR_REFUSED,
                         "%s is of another copy: give the same table, key and format", w->note);
    if (cursor == NULL || bytes < 0 || rows < 0)
        return error_set(err, ERROR_CORRUPT,
                         "%s is damaged: remove it and the file, and begin anew", w->note);
    w->cursor = memory_text(w->memory, cursor);
    w->result =
        (struct copy_result){.bytes = (uint64_t)bytes, .rows = (uint64_t)rows, .was_resumed = true};
    return ERROR_OK;
}

static enum error_code read_note(struct writing *w, struct error *err)
{
    enum error_code code;
    char *text = NULL;
    size_t size = 0;
    json_t *note;

    if (!file_exists(w->note))
        return error_set(
            err, ERROR_REFUSED,
            "there is nothing to go on with: %s is complete, or was never begun with a "
            "key",
            w->order->path);
    if (file_read(w->memory, w->note, NOTE_MAX, &text, &size, err) != ERROR_OK)
        return err->code;
    note = json_loads(text, 0, NULL);
    code = take_note(w, note, err);
    json_decref(note);
    return code;
}

/* ---- the file ---- */

/* What stands behind the last range that was noted was half a range. */
static enum error_code reopen(struct writing *w, struct error *err)
{
    if (read_note(w, err) != ERROR_OK)
        return err->code;
    w->file = fopen(w->order->path, "r+e");
    if (w->file == NULL || fseeko(w->file, 0, SEEK_END) != 0)
        return fail_file(w, "open", err);
    if ((uint64_t)ftello(w->file) < w->result.bytes)
        return error_set(err, ERROR_CORRUPT, "%s has %" PRIu64 " bytes, and %s says %" PRIu64,
                         w->order->path, (uint64_t)ftello(w->file), w->note, w->result.bytes);
    if (ftruncate(fileno(w->file), (off_t)w->result.bytes) != 0 ||
        fseeko(w->file, 0, SEEK_END) != 0)
        return fail_file(w, "shorten", err);
    return ERROR_OK;
}

static enum error_code open_file(struct writing *w, struct error *err)
{
    int fd;

    if (w->order->path == NULL) {
        w->file = stdout;
        return ERROR_OK;
    }
    if (w->order->key != NULL)
        w->note = memory_format(w->memory, "%s.progress", w->order->path);
    if (w->order->resumes)
        return reopen(w, err);
    fd = open(w->order->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return error_set(err, ERROR_REFUSED, "%s is there already: remove it, or resume it",
                         w->order->path);
    if (fd < 0)
        return fail_file(w, "create", err);
    w->file = fdopen(fd, "w");
    return w->file != NULL ? ERROR_OK : fail_file(w, "open", err);
}

static enum error_code take(void *context, const char *bytes, size_t size, struct error *err)
{
    struct writing *w = context;

    if (fwrite(bytes, 1, size, w->file) != size)
        return fail_file(w, "write", err);
    w->result.bytes += size;
    return ERROR_OK;
}

static enum error_code take_row(void *context, const char *bytes, size_t size, struct error *err)
{
    struct writing *w = context;

    w->line->size = 0;
    if (json_line_append(bytes, size, &w->columns.lines, w->line, err) != ERROR_OK)
        return err->code;
    return take(w, w->line->data, w->line->size, err);
}

static bool makes_lines(const struct writing *w)
{
    return w->order->format == COPY_JSONL && w->order->table != NULL;
}

static enum error_code flush(const struct writing *w, struct error *err)
{
    if (fflush(w->file) != 0 || (w->order->path != NULL && fsync(fileno(w->file)) != 0))
        return fail_file(w, "write", err);
    return ERROR_OK;
}

/* ---- ranges ---- */

static enum error_code copy_source(struct writing *w, const char *source, struct error *err)
{
    const char *sql =
        copy_out_sql(w->order->format, &w->columns, source, w->result.bytes == 0, w->memory);
    uint64_t rows = 0;

    if (copy_out(w->session, sql, makes_lines(w) ? take_row : take, w, &rows, err) != ERROR_OK ||
        flush(w, err) != ERROR_OK)
        return err->code;
    w->result.rows += rows;
    return ERROR_OK;
}

static void say_progress(const struct writing *w)
{
    if (w->order->progress != NULL)
        w->order->progress(w->order->context, w->result.rows, w->result.bytes);
}

/* " WHERE "k" > 'cursor'", or "" before the first range. */
static const char *behind(const struct writing *w)
{
    if (w->cursor == NULL)
        return " WHERE true";
    return memory_format(w->memory, " WHERE %s > %s::%s", w->columns.key,
                         sql_literal(w->memory, w->cursor), w->columns.key_type);
}

/* The last key of the next range; NULL: it has all that is left. */
static enum error_code find_end(struct writing *w, const char **ret, struct error *err)
{
    uint64_t rows = w->order->range_rows != 0 ? w->order->range_rows : COPY_RANGE_ROWS;
    struct sql_call call = {
        .text =
            memory_format(w->memory,
                          "SELECT k::text FROM (SELECT %s AS k FROM %s%s ORDER BY %s"
                          " OFFSET %" PRIu64 " LIMIT 1) AS r",
                          w->columns.key, w->order->table, behind(w), w->columns.key, rows - 1)};
    struct rows *found;

    if (session_query(w->session, call, &found, err) != ERROR_OK)
        return err->code;
    *ret = rows_count(found) == 1 ? memory_text(w->memory, rows_text(found, 0, 0)) : NULL;
    rows_free(found);
    return ERROR_OK;
}

static const char *list_of(const struct writing *w)
{
    return makes_lines(w) ? w->columns.line_list : w->columns.list;
}

static enum error_code copy_range(struct writing *w, const char *end, struct error *err)
{
    const char *until = end == NULL
                            ? ""
                            : memory_format(w->memory, " AND %s <= %s::%s", w->columns.key,
                                            sql_literal(w->memory, end), w->columns.key_type);

    return copy_source(w,
                       memory_format(w->memory, "SELECT %s FROM %s%s%s ORDER BY %s", list_of(w),
                                     w->order->table, behind(w), until, w->columns.key),
                       err);
}

/* What a range needs goes with it, but for its end. */
static enum error_code copy_next(struct writing *w, const char **ret_end, struct error *err)
{
    void *all = w->memory;
    const char *end = NULL;
    enum error_code code;

    w->memory = talloc_new(all);
    code = find_end(w, &end, err);
    if (code == ERROR_OK)
        code = copy_range(w, end, err);
    *ret_end = end != NULL ? memory_text(all, end) : NULL;
    talloc_free(w->memory);
    w->memory = all;
    return code;
}

static enum error_code copy_ranges(struct writing *w, struct error *err)
{
    const char *end = NULL;

    do {
        if (copy_next(w, &end, err) != ERROR_OK)
            return err->code;
        if (end == NULL)
            return ERROR_OK;
        w->cursor = end;
        if (w->note != NULL && write_note(w, err) != ERROR_OK)
            return err->code;
        say_progress(w);
    } while (true);
}

static enum error_code copy_all(struct writing *w, struct error *err)
{
    if (w->order->key != NULL)
        return copy_ranges(w, err);
    if (w->order->table == NULL)
        return copy_source(w, w->order->query, err);
    return copy_source(
        w, memory_format(w->memory, "SELECT %s FROM %s", list_of(w), w->order->table), err);
}

/* ---- the whole ---- */

static enum error_code check_order(const struct copy_order *order, struct error *err)
{
    if (order->table == NULL && (order->format == COPY_SQL || order->key != NULL))
        return error_set(err, ERROR_REFUSED,
                         "a query has no table for SQL to insert into, and no key: name a table");
    if (order->resumes && (order->path == NULL || order->key == NULL))
        return error_set(err, ERROR_REFUSED, "what can be resumed has a file, and a key");
    return ERROR_OK;
}

/* One snapshot for all ranges of this call. */
static enum error_code run(struct writing *w, struct error *err)
{
    struct error ignored;
    enum error_code code;

    if (w->order->table != NULL &&
        copy_columns_read(w->session, w->memory, w->order, &w->columns, err) != ERROR_OK)
        return err->code;
    if (open_file(w, err) != ERROR_OK)
        return err->code;
    code = session_run(w->session, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
    if (code == ERROR_OK)
        code = copy_all(w, err);
    if (session_is_in_transaction(w->session))
        (void)session_run(w->session, "ROLLBACK", &ignored);
    return code;
}

enum error_code copy_table_out(struct session *session, const struct copy_order *order,
                               struct copy_result *ret, struct error *err)
{
    struct writing w = {.session = session, .order = order};
    enum error_code code = check_order(order, err);

    if (code != ERROR_OK)
        return code;
    w.memory = talloc_new(NULL);
    w.line = text_new(w.memory, JSON_LINE_MAX);
    code = run(&w, err);
    if (w.file != NULL && w.file != stdout && fclose(w.file) != 0 && code == ERROR_OK)
        code = fail_file(&w, "close", err);
    if (code == ERROR_OK && w.note != NULL)
        (void)unlink(w.note);
    if (code != ERROR_OK && w.file != NULL && order->path != NULL && w.cursor == NULL)
        (void)unlink(order->path); /* nobody could go on with it */
    talloc_free(w.memory);
    if (code == ERROR_OK)
        *ret = w.result;
    return code;
}
