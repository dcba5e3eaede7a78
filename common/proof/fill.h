/* fill.h: rows that a table's catalog entry lets be made up: what is put into a column, and in what
 * order tables are filled.
 *
 * Deciding is pure.  A value that a CHECK constraint mentions is a candidate; whether a row fits
 * its constraints, PostgreSQL says: rows that do not are left out before they are inserted.
 */
#ifndef COMMON_PROOF_FILL_H
#define COMMON_PROOF_FILL_H

#include "common/base/text.h"
#include "common/postgres/session.h"

#define FILL_ROWS_MAX     100000000
#define FILL_TABLES_MAX   4096
#define FILL_KEYS_MAX     16384 /* columns of all foreign keys */
#define FILL_ROUNDS_MAX   25    /* of candidates, each of four times as many as are wanted */
#define FILL_SQL_MAX      262144
#define FILL_DISTINCT_MAX 1000 /* values of a column that need not be unique */

struct fill_column {
    const char *name;     /* as SQL, like every name here */
    const char *type;     /* with its modifier: "character varying(20)" */
    const char *base;     /* the catalog's name of it: "varchar" */
    const char *literals; /* candidates as the text of an array; "": none */
    const char *check;    /* of a domain; "true": none */
    char kind;            /* pg_type.typtype: 'b', 'e', 'r', ... */
    char category;        /* pg_type.typcategory: 'S', 'N', ... */
    uint64_t length;      /* characters at most; 0: any */
    uint64_t digits;      /* before the point, plus one; 0: any */
    bool is_not_null, has_default, is_unique;
    bool is_automatic; /* filled by PostgreSQL itself */
};

/* One column of a foreign key. */
struct fill_key {
    const char *table, *referenced; /* oids */
    const char *referenced_name;
    const char *key; /* the constraint's oid: its columns stand together, in order */
    const char *column, *referenced_column;
    bool is_not_null;
};

struct fill_table {
    const char *oid, *name;
    const char *check; /* a condition; "true": none */
    size_t column_count;
    const struct fill_column *columns;
    const char *constraints; /* names, for people */
};

struct fill_keys {
    size_t count;
    const struct fill_key *keys;
};

/* ---- pure ---- */

/* The expression of column's value in row hakem_n, which is different in each row if it is unique;
 * salt varies what columns of a row get.  False: no value of that type is known. */
bool fill_expression(const struct fill_column *column, size_t salt, struct text *out);

/* ret_order: count indices, referenced tables before those that refer to them; in a circle one
 * whose own keys may be NULL comes first. */
void fill_order(const struct fill_table *tables, size_t count, const struct fill_keys *keys,
                size_t *ret_order);

/* The statement that inserts at most $3 of the rows numbered $1 to $2, and returns how many it
 * did.  ERROR_REFUSED: a column must have a value and none can be made up. */
enum error_code fill_statement(const struct fill_table *table, const struct fill_keys *keys,
                               struct text *out, struct error *err);

/* ---- on a database ---- */

struct fill_result {
    size_t tables;
    uint64_t rows;
    const char *scant; /* "public.modes 3": tables that took fewer rows; "": none */
};

/* rows rows into each table that has none.  ERROR_REFUSED names the table that takes none, and the
 * way out.  The result's text is a child of parent. */
enum error_code fill_tables(struct session *session, const void *parent, uint64_t rows,
                            struct fill_result *ret, struct error *err);

#endif
