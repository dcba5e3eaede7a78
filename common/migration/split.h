/* split.h: SQL files as statements, by PostgreSQL's own parser: text, line, and what each one
 * needs.
 */
#ifndef COMMON_MIGRATION_SPLIT_H
#define COMMON_MIGRATION_SPLIT_H

#include "common/base/error.h"
#include "common/base/hash.h"

#include <stdbool.h>
#include <stddef.h>

struct tree;

#define SPLIT_BYTES_MAX      2097152
#define SPLIT_STATEMENTS_MAX 10000
#define SPLIT_TABLES_MAX     256
#define SPLIT_TREE_DEPTH_MAX 400
#define SPLIT_ALLOWS_MAX     64 /* before one statement */

/* How a statement stands to transactions. */
enum split_class {
    SPLIT_TOGETHER, /* in one with its neighbours */
    SPLIT_ALONE,    /* in one of its own: VALIDATE CONSTRAINT, ALTER TYPE ADD VALUE */
    SPLIT_OUTSIDE,  /* in none: CREATE INDEX CONCURRENTLY, VACUUM, ... */
    SPLIT_CLASS_COUNT
};

/* What it leaves when it dies in the middle, and so what a resume looks at. */
enum split_remains {
    SPLIT_REMAINS_NOTHING,       /* run it again */
    SPLIT_REMAINS_INDEX,         /* CREATE INDEX CONCURRENTLY: an invalid index */
    SPLIT_REMAINS_INDEX_TO_DROP, /* DROP INDEX CONCURRENTLY */
    SPLIT_REMAINS_REINDEX,       /* REINDEX ... CONCURRENTLY: NAME_ccnew */
    SPLIT_REMAINS_DETACH,        /* DETACH PARTITION CONCURRENTLY: pending */
    SPLIT_REMAINS_COUNT
};

struct split_table {
    const char *schema; /* NULL: found by search_path */
    const char *name;
};

/* -- hakem:allow RULE reason, before a statement. */
struct split_allow {
    const char *rule;
    const char *reason; /* "": none is given */
    size_t line;
    bool is_for_file; /* before the first statement, and an empty line behind it */
};

/* What the parser made of a statement, for who looks again. */
struct split_tree {
    const char *json; /* of tree_parse_statement(); NULL: not kept */
    size_t size;
    size_t offset; /* of the text, in what the tree's locations count from */
};

struct split_statement {
    const char *text; /* without the semicolon and what stands before it */
    size_t line;      /* of its first word, from 1 */
    enum split_class class;
    enum split_remains remains;
    struct split_table subject;   /* of remains: the index; for DETACH the parent */
    struct split_table partition; /* DETACH only */
    const char *hash;             /* of text, hexadecimal */
    const char *kind;             /* the parse node: "CreateStmt" */
    bool is_dml;                  /* INSERT, UPDATE, DELETE */
    bool is_query;                /* SELECT (or VALUES, TABLE) */
    bool is_harmless;             /* as part of a revert it cannot lose a stored value */
    bool cuts;                    /* -- hakem:commit stands before it, or commit each before all */
    size_t allow_count;
    const struct split_allow *allows;
    size_t undoes; /* -- hakem:undoes N: statement N of expand.sql, from 1; 0: none */
    size_t table_count;
    const struct split_table *tables; /* every relation that it names, new ones and CTEs too */
    struct split_tree tree;
};

struct split {
    const char *path; /* as given */
    size_t count;
    const struct split_statement *statements;
    bool has_undoes;   /* then every statement has */
    bool must_run;     /* -- hakem:must-run: what it returns does not matter */
    const char *trees; /* the JSON of all statements' trees; NULL: not kept */
    size_t trees_size;
};

/* What is split. */
struct split_source {
    const char *path; /* that errors name */
    size_t line;      /* of that file, which text begins with: from 1, 0 if ours is put before it */
    const char *text; /* ends with a terminator at text[size] */
    size_t size;
    size_t keeps; /* bytes of trees that may be kept at most; 0: none are */
};

/* A talloc child of parent.  text ends with a terminator at text[size].  ERROR_INVALID, in one
 * sentence with path and line: not UTF-8, a byte order mark, a syntax error, BEGIN or COMMIT, COPY
 * FROM STDIN, a psql line, an unnamed concurrent index, statements before the first undoes mark. */
enum error_code split_sql(const void *parent, const char *path, const char *text, size_t size,
                          struct split **ret, struct error *err);
/* The same of a part of a file. */
enum error_code split_part(const void *parent, const struct split_source *source,
                           struct split **ret, struct error *err);

/* The statement's tree, {"SelectStmt": {...}}, from what was kept, or parsed anew; it lives in
 * memory. */
enum error_code split_tree_of(void *memory, const struct split_statement *statement,
                              const struct tree **ret, struct error *err);

/* text without comments, and of white space only what keeps words apart.  A talloc child of
 * parent. */
char *split_meaning(const void *parent, const char *text);
/* Adds what the file does, however it is laid out. */
void split_add_meaning(struct hash *hash, const struct split *split);

/* Is text one UPDATE statement and nothing else? */
bool split_is_one_update(const char *text);
/* Likewise a SELECT (or VALUES, TABLE). */
bool split_is_one_query(const char *text);

/* expression with "NEW." before each of its bare columns, for a trigger's WHEN; NULL if it has a
 * subquery or cannot be parsed.  A talloc child of parent. */
char *split_expression_of_new(const void *parent, const char *expression);

/* Does expression speak of a column of that name (quoted, if it needs to be)? Also true if nobody
 * can say. */
bool split_expression_mentions(const char *expression, const char *column);

#endif
