#define _DEFAULT_SOURCE /* realpath */
#include "common/base/memory.h"
#include "common/copy/internal.h"
#include "common/migration/schema.h"
#include "common/postgres/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE      ((size_t)4 << 20)
#define NUMBER_MAX 24
#define ROWS_PIECE ((size_t)64 << 10)
#define ROW_MAX    ((size_t)2 * COPY_RECORD_MAX) /* escaped */

/* One call on its way. */
struct reading {
    struct session *session;
    const struct copy_order *order;
    void *memory;
    struct copy_columns columns;
    struct record_columns has; /* the file */
    FILE *file;
    const char *source; /* as hakem.copied knows it; NULL: it does not */
    uint64_t size;      /* of the file */
    char *bytes;        /* read, and not yet copied */
    size_t held, capacity;
    bool has_ended;
    struct record_scan scan;
    struct copy_result result;
};

static enum error_code fail_record(const struct reading *r, enum error_code code, struct error *err)
{
    char cause[ERROR_DETAIL_MAX / 2];

    (void)text_copy(cause, sizeof(cause), err->detail);
    return error_set(err, code, "%s: behind row %" PRIu64 ": %s",
                     r->order->path != NULL ? r->order->path : "the input", r->result.rows, cause);
}

/* ---- bytes ---- */

/* More of the file behind what is held; a last line without an end is given one. */
static enum error_code read_more(struct reading *r, struct error *err)
{
    size_t n;

    if (r->held > COPY_RECORD_MAX)
        return error_set(err, ERROR_LIMIT, "a record of more than %d bytes", COPY_RECORD_MAX);
    if (r->capacity < r->held + PIECE + 1) {
        r->bytes = memory_resized(r->memory, r->bytes, r->capacity, r->held + 2 * PIECE, 1);
        r->capacity = r->held + 2 * PIECE;
    }
    n = fread(r->bytes + r->held, 1, PIECE, r->file);
    if (n == 0 && ferror(r->file) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot read it: %s", strerror(errno));
    r->has_ended = n == 0;
    r->held += n;
    if (r->has_ended && r->held > 0 && r->bytes[r->held - 1] != '\n')
        r->bytes[r->held++] = '\n';
    return ERROR_OK;
}

/* Whole records at the front, max at most: none only at the end. */
static enum error_code hold_records(struct reading *r, uint64_t max, size_t *ret_size,
                                    uint64_t *ret_count, struct error *err)
{
    for (;;) {
        *ret_size = record_scan_take(&r->scan, r->bytes, r->held, max, ret_count);
        if (*ret_size > 0)
            return ERROR_OK;
        if (r->has_ended && r->held > 0)
            return error_set(err, ERROR_INVALID, "the last record is cut off within its quotes");
        if (r->has_ended)
            return ERROR_OK;
        if (read_more(r, err) != ERROR_OK)
            return err->code;
    }
}

static void drop(struct reading *r, size_t size)
{
    memmove(r->bytes, r->bytes + size, r->held - size);
    r->held -= size;
    r->result.bytes += size;
}

/* ---- its place ---- */

static enum error_code say_place(struct reading *r, const char *sql, struct error *err)
{
    char size[NUMBER_MAX], bytes[NUMBER_MAX], rows[NUMBER_MAX];

    if (r->source == NULL)
        return ERROR_OK;
    (void)text_format(size, sizeof(size), "%" PRIu64, r->size);
    (void)text_format(bytes, sizeof(bytes), "%" PRIu64, r->result.bytes);
    (void)text_format(rows, sizeof(rows), "%" PRIu64, r->result.rows);
    return session_query(r->session, SQL_WITH(sql, r->order->table, r->source, size, bytes, rows),
                         NULL, err);
}

static enum error_code seek(struct reading *r, struct error *err)
{
    r->held = 0;
    r->has_ended = false;
    if (fseeko(r->file, (off_t)r->result.bytes, SEEK_SET) == 0)
        return ERROR_OK;
    return error_set(err, ERROR_SYSTEM, "cannot go on in %s: %s", r->order->path, strerror(errno));
}

static enum error_code take_place(struct reading *r, const struct rows *rows, struct error *err)
{
    bool is_known = rows_count(rows) == 1;

    if (!is_known && r->order->resumes)
        return error_set(err, ERROR_REFUSED,
                         "there is nothing to go on with: %s is in %s, or was never begun",
                         r->order->path, r->order->table);
    if (!is_known)
        return ERROR_OK;
    if (!r->order->resumes)
        return error_set(err, ERROR_REFUSED,
                         "an earlier copy of %s was stopped behind row %s, and what came before is "
                         "committed: resume it",
                         r->order->path, rows_text(rows, 0, 2));
    if (rows_number(rows, 0, 0) != r->size)
        return error_set(err, ERROR_REFUSED,
                         "%s has %" PRIu64 " bytes, and had %s when it was begun: it is another "
                         "file",
                         r->order->path, r->size, rows_text(rows, 0, 0));
    r->result = (struct copy_result){
        .bytes = rows_number(rows, 0, 1), .rows = rows_number(rows, 0, 2), .was_resumed = true};
    return ERROR_OK;
}

static enum error_code find_place(struct reading *r, struct error *err)
{
    enum error_code code;
    struct rows *rows;

    if (r->source == NULL)
        return ERROR_OK;
    if (schema_ensure(r->session, err) != ERROR_OK ||
        session_query(r->session,
                      SQL_WITH("SELECT size, bytes, rows FROM hakem.copied WHERE target = $1"
                               " AND source = $2",
                               r->order->table, r->source),
                      &rows, err) != ERROR_OK)
        return err->code;
    code = take_place(r, rows, err);
    rows_free(rows);
    if (code != ERROR_OK || r->result.was_resumed)
        return code == ERROR_OK ? seek(r, err) : code;
    return say_place(r,
                     "INSERT INTO hakem.copied (target, source, size, bytes, rows) VALUES ($1, $2,"
                     " $3::bigint, $4::bigint, $5::bigint)",
                     err);
}

/* ---- portions ---- */

static enum error_code put_lines(struct reading *r, size_t size, const void *portion,
                                 struct error *err)
{
    const char *table = r->order->table;
    const char *rows_sql = copy_in_rows_sql(r->order->format, table, r->has.list, portion);

    if (copy_in_begin(r->session, copy_in_sql(r->order->format, table, r->has.list, portion),
                      err) != ERROR_OK ||
        copy_in_put(r->session, r->bytes, size, err) != ERROR_OK ||
        copy_in_end(r->session, NULL, err) != ERROR_OK)
        return err->code;
    return rows_sql != NULL ? session_run(r->session, rows_sql, err) : ERROR_OK;
}

/* Most are read here, while the server takes those before: reading is half of the work. */
static bool reads_json(const struct reading *r)
{
    return r->order->format == COPY_JSONL && !r->columns.has_nested;
}

static enum error_code put_rows(struct reading *r, size_t size, struct text *rows,
                                struct error *err)
{
    const char *line = r->bytes, *end = r->bytes + size;

    while (line < end) {
        const char *line_end = memchr(line, '\n', (size_t)(end - line));

        if (json_row_append(line, (size_t)(line_end - line), &r->has.keys, rows, err) != ERROR_OK) {
            copy_in_abandon(r->session);
            return err->code;
        }
        line = line_end + 1;
        if (rows->size < ROWS_PIECE && line < end)
            continue;
        if (copy_in_put(r->session, rows->data, rows->size, err) != ERROR_OK)
            return err->code;
        rows->size = 0;
    }
    return ERROR_OK;
}

static enum error_code put_json(struct reading *r, size_t size, const void *portion,
                                struct error *err)
{
    if (copy_in_begin(r->session, copy_in_json_sql(r->order->table, r->has.list, portion), err) !=
            ERROR_OK ||
        put_rows(r, size, text_new(portion, ROWS_PIECE + ROW_MAX), err) != ERROR_OK)
        return err->code;
    return copy_in_end(r->session, NULL, err);
}

/* As they were written by copy_table_out: a statement a line. */
static enum error_code run_lines(struct reading *r, size_t size, const void *portion,
                                 struct error *err)
{
    char *lines = memory_copy(portion, r->bytes, size);

    for (const char *line = lines; *line != '\0'; line = strchr(line, '\n') + 1)
        if (!text_starts_with(line, "INSERT INTO "))
            return error_set(err, ERROR_INVALID, "a line that is no INSERT: %.40s", line);
    return session_run(r->session, lines, err);
}

static enum error_code write_portion(struct reading *r, size_t size, struct error *err)
{
    void *portion = talloc_new(r->memory);
    enum error_code code;

    if (reads_json(r))
        code = put_json(r, size, portion, err);
    else
        code = (r->order->format == COPY_SQL ? run_lines : put_lines)(r, size, portion, err);

    talloc_free(portion);
    return code;
}

static enum error_code commit_portion(struct reading *r, size_t size, uint64_t count,
                                      struct error *err)
{
    if (session_run(r->session, "BEGIN", err) != ERROR_OK ||
        write_portion(r, size, err) != ERROR_OK)
        return err->code;
    drop(r, size);
    r->result.rows += count;
    if (say_place(r,
                  "UPDATE hakem.copied SET size = $3::bigint, bytes = $4::bigint,"
                  " rows = $5::bigint WHERE target = $1 AND source = $2",
                  err) != ERROR_OK)
        return err->code;
    return session_run(r->session, "COMMIT", err);
}

static enum error_code copy_portions(struct reading *r, struct error *err)
{
    uint64_t max = r->order->range_rows != 0 ? r->order->range_rows : COPY_RANGE_ROWS;
    uint64_t count = 0;
    size_t size = 0;

    for (;;) {
        if (hold_records(r, max, &size, &count, err) != ERROR_OK)
            return fail_record(r, err->code, err);
        if (size == 0)
            return say_place(r,
                             "DELETE FROM hakem.copied WHERE target = $1 AND source = $2 AND size ="
                             " $3::bigint AND bytes <= $4::bigint AND rows <= $5::bigint",
                             err);
        if (commit_portion(r, size, count, err) != ERROR_OK)
            return fail_record(r, err->code, err);
        if (r->order->progress != NULL)
            r->order->progress(r->order->context, r->result.rows, r->result.bytes);
    }
}

/* ---- the whole ---- */

static enum error_code open_file(struct reading *r, struct error *err)
{
    char source[PATH_MAX];

    r->file = r->order->path != NULL ? fopen(r->order->path, "re") : stdin;
    if (r->file == NULL)
        return error_set(err, ERROR_NOT_FOUND, "cannot open %s: %s", r->order->path,
                         strerror(errno));
    if (r->order->path == NULL)
        return ERROR_OK;
    if (realpath(r->order->path, source) == NULL || fseeko(r->file, 0, SEEK_END) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot look at %s: %s", r->order->path,
                         strerror(errno));
    r->source = memory_text(r->memory, source);
    r->size = (uint64_t)ftello(r->file);
    rewind(r->file);
    return ERROR_OK;
}

/* The first record says which columns there are, whichever is the next to be copied. */
static enum error_code begin(struct reading *r, struct error *err)
{
    uint64_t count = 0;
    size_t size = 0;

    r->scan.is_csv = r->order->format == COPY_CSV;
    if (hold_records(r, 1, &size, &count, err) != ERROR_OK ||
        (size > 0 &&
         record_columns_read(r->order->format, (struct record){.bytes = r->bytes, .size = size},
                             &r->columns, &r->has, err) != ERROR_OK))
        return fail_record(r, err->code, err);
    if (size > 0 && r->order->format == COPY_CSV)
        drop(r, size);
    if (r->order->format == COPY_JSONL && !reads_json(r) &&
        session_run(r->session,
                    "CREATE TEMPORARY TABLE hakem_lines (line text NOT NULL)"
                    " ON COMMIT DELETE ROWS",
                    err) != ERROR_OK)
        return err->code;
    return find_place(r, err);
}

enum error_code copy_table_in(struct session *session, const struct copy_order *order,
                              struct copy_result *ret, struct error *err)
{
    struct reading r = {.session = session, .order = order, .memory = talloc_new(NULL)};
    struct error ignored;
    enum error_code code = ERROR_OK;

    if (order->resumes && order->path == NULL)
        code = error_set(err, ERROR_REFUSED, "what can be resumed has a file");
    if (code == ERROR_OK)
        code = copy_columns_read(session, r.memory, order, &r.columns, err);
    if (code == ERROR_OK)
        code = open_file(&r, err);
    if (code == ERROR_OK)
        code = begin(&r, err);
    if (code == ERROR_OK)
        code = copy_portions(&r, err);
    if (session_is_in_transaction(session))
        (void)session_run(session, "ROLLBACK", &ignored);
    if (!session_is_lost(session))
        (void)session_run(session, "DROP TABLE IF EXISTS pg_temp.hakem_lines", &ignored);
    if (r.file != NULL && r.file != stdin)
        (void)fclose(r.file);
    talloc_free(r.memory);
    if (code == ERROR_OK)
        *ret = r.result;
    return code;
}
