/* internal.h: what the files of copy/ share: the columns of a table, statements by format, and the
 * records of a stream.
 */
#ifndef COMMON_COPY_INTERNAL_H
#define COMMON_COPY_INTERNAL_H

#include "common/base/text.h"
#include "common/copy/copy.h"
#include "common/copy/json_line.h"
#include "common/copy/json_row.h"

struct copy_columns {
    const void *memory; /* of what this points to */
    const char *table;
    size_t count;
    const char **names; /* as they are */
    bool *are_json;     /* likewise: of type json or jsonb */
    bool has_nested;    /* whose JSON is another text than its own: only the server reads it */
    const char *list;   /* "a", "b" */
    struct json_line_columns lines;
    const char *line_list; /* of values whose text is of these kinds */
    const char *key;       /* "k"; NULL: none */
    const char *key_type;  /* of key */
};

/* Of the order's table; children of parent.  REFUSED: there is none, or key is none by which rows
 * can be gone through. */
enum error_code copy_columns_read(struct session *session, const void *parent,
                                  const struct copy_order *order, struct copy_columns *ret,
                                  struct error *err);

/* COPY … TO STDOUT of the rows of source, a query. */
const char *copy_out_sql(enum copy_format format, const struct copy_columns *columns,
                         const char *source, bool has_header, const void *parent);
/* COPY … FROM STDIN for a portion, and what makes rows of it then (NULL: it has); columns: a list.
 * Of SQL records are statements. */
const char *copy_in_sql(enum copy_format format, const char *table, const char *columns,
                        const void *parent);
/* For rows of json_row_append(). */
const char *copy_in_json_sql(const char *table, const char *columns, const void *parent);
const char *copy_in_rows_sql(enum copy_format format, const char *table, const char *columns,
                             const void *parent);

/* ---- record.c ---- */

/* Cuts a stream into records: lines, and of CSV lines outside of quotes. */
struct record_scan {
    bool is_csv;
    bool is_quoted; /* within quotes */
};
/* How many of the size bytes are whole records, max at most; *ret_count of them. */
size_t record_scan_take(struct record_scan *scan, const char *bytes, size_t size, uint64_t max,
                        uint64_t *ret_count);

struct record {
    const char *bytes;
    size_t size;
};
/* The columns of a file. */
struct record_columns {
    const char *list; /* of identifiers */
    struct json_row_keys keys;
};
/* By its first record; children of columns->memory.  INVALID: it names one that the table lacks, or
 * is no such record. */
enum error_code record_columns_read(enum copy_format format, struct record record,
                                    const struct copy_columns *columns, struct record_columns *ret,
                                    struct error *err);

#endif
