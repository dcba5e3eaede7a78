/* copy.h: rows of a table, or of a query, into a file, and from a file into a table: as CSV, JSON
 * lines or SQL, streaming, resumed behind what is on the disk, or committed.
 *
 * A file is written by ranges of a key, each synced before its place is noted beside the file; it
 * is read by portions, each committed with its place.
 */
#ifndef COMMON_COPY_COPY_H
#define COMMON_COPY_COPY_H

#include "common/postgres/session.h"

#define COPY_COLUMNS_MAX 1600
#define COPY_RANGE_ROWS  50000
/* Of a record: one that is longer is refused. */
#define COPY_RECORD_MAX 67108864

enum copy_format { COPY_CSV, COPY_JSONL, COPY_SQL, COPY_FORMAT_COUNT };

const char *copy_format_name(enum copy_format format); /* "csv" */
bool copy_format_from_name(const char *name, enum copy_format *ret);

struct copy_order {
    const char *table; /* schema.table; NULL: query */
    const char *query;
    enum copy_format format;
    const char *path;    /* NULL: standard output, or input */
    const char *key;     /* out: a column by whose ranges it goes; NULL: in one piece */
    uint64_t range_rows; /* rows a range, or a portion; 0: COPY_RANGE_ROWS */
    bool resumes;        /* goes on where an earlier call was stopped */
    /* May be NULL. */
    void *context;
    void (*progress)(void *context, uint64_t rows, uint64_t bytes);
};

struct copy_result {
    uint64_t rows, bytes; /* of all calls together */
    bool was_resumed;
};

/* Errors: REFUSED (no such key, a query in SQL, a file that is there already), SQL, SYSTEM,
 * CANCELLED, CORRUPT (the file is not what its note says). */
enum error_code copy_table_out(struct session *session, const struct copy_order *order,
                               struct copy_result *ret, struct error *err);

/* Appends.  INVALID: a record that is none, with its number; REFUSED: the file is another one than
 * the one that it goes on with. */
enum error_code copy_table_in(struct session *session, const struct copy_order *order,
                              struct copy_result *ret, struct error *err);

#endif
