/* load.h: a migrations folder (or the same files from a bundle) as revisions in topological order,
 * and its releases.
 */
#ifndef COMMON_MIGRATION_LOAD_H
#define COMMON_MIGRATION_LOAD_H

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/migration/graph.h"
#include "common/migration/split.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIGRATION_RELEASES_FILE "releases.yaml"
#define MIGRATION_NAME_MAX      63
#define MIGRATION_FILES_MAX     20000
#define MIGRATION_BUNDLE_MAX    67108864
#define MIGRATION_TREES_MAX     16777216 /* bytes of a set's parse trees that are kept to be linted */
#define MIGRATION_BACKFILLS_MAX 16
#define MIGRATION_RELEASES_MAX  1000
#define MIGRATION_REPEATABLES   "repeatable" /* the folder */

/* The SQL files of a revision. */
enum migration_script {
    MIGRATION_SCRIPT_EXPAND,
    MIGRATION_SCRIPT_REVERT,
    MIGRATION_SCRIPT_LOSSLESS,
    MIGRATION_SCRIPT_CONTRACT,
    MIGRATION_SCRIPT_VERIFY,
    MIGRATION_SCRIPT_VERIFY_CONTRACT,
    MIGRATION_SCRIPT_COUNT
};

/* One row of migration.yaml's backfill. */
#define MIGRATION_BACKFILL_KEYS_MAX 8
#define MIGRATION_VALIDATIONS_MAX   16
#define MIGRATION_PARALLEL_MAX      8

/* Queries of one row with one boolean each. */
struct migration_validate {
    const char *const *before; /* it has begun */
    size_t before_count;
    const char *const *after; /* its last row is done */
    size_t after_count;
};

/* One step of a JSON column: exactly one of paths has keys. */
enum migration_json_verb {
    MIGRATION_JSON_MOVE,
    MIGRATION_JSON_RENAME,
    MIGRATION_JSON_MERGE,
    MIGRATION_JSON_DEFAULT,
    MIGRATION_JSON_RETYPE,
    MIGRATION_JSON_VERB_COUNT
};

#define MIGRATION_PATH_MAX       16
#define MIGRATION_JSON_STEPS_MAX 16

struct migration_path {
    const char *const *keys; /* of objects, from the outermost one */
    size_t count;
};

struct migration_json_step {
    struct migration_path paths[MIGRATION_JSON_VERB_COUNT];
    struct migration_path to;
    const char *as; /* of rename: the new key; of retype: the new type */
    const char *from;
    const char *value; /* JSON */
};

struct migration_json {
    const char *column;
    const struct migration_json_step *steps;
    size_t step_count; /* 0: the row has none */
};

/* Of rows that are alike in these columns all go but the first. */
struct migration_duplicates {
    const char *const *by;
    size_t by_count;  /* 0: the row has none */
    const char *keep; /* an ORDER BY: "created_at DESC" */
};

/* What SQL can't do: an executable that whoever runs the migration knows by this name. */
struct migration_filter {
    const char *name; /* NULL: the row has none */
    const char *const *reads;
    size_t read_count;
    const char *const *writes;
    size_t write_count;
    uint64_t timeout_ms; /* of a batch */
};

#define MIGRATION_FILTER_COLUMNS_MAX 64

/* What is done to a row. */
enum migration_change {
    MIGRATION_CHANGE_SET,
    MIGRATION_CHANGE_JSON,
    MIGRATION_CHANGE_ARCHIVE,
    MIGRATION_CHANGE_DELETE,
    MIGRATION_CHANGE_DEDUPLICATE,
    MIGRATION_CHANGE_COMMAND,
    MIGRATION_CHANGE_COUNT
};

/* What must be true of no row of the table. */
struct migration_check {
    const char *condition;
    const char *sentence; /* what such rows are, behind "3 rows of public.players" */
    bool is_before;       /* asked before it begins only; else also before it has ended */
};

struct migration_backfill {
    const char *table; /* schema.table */
    const char *key;   /* a column with a unique index; NULL: several, in keys */
    const char *const *keys;
    size_t key_count;
    struct migration_json json;
    const char *set;     /* "display_name = name"; what json comes to */
    const char *archive; /* the table that rows are moved to */
    bool is_deletion;
    struct migration_duplicates duplicates;
    struct migration_filter command;
    const char *from;  /* of UPDATE … FROM: "public.accounts AS a"; NULL: the table alone */
    const char *join;  /* with from: which of its rows goes with a row; at most one does */
    const char *where; /* "display_name IS NULL": true for a row that is still to be done */
    uint64_t batch;    /* rows */
    uint64_t parallel; /* ranges of the key at once, where nobody else is there */
    bool trigger;      /* keep rows right that are written while it runs */
    bool is_lossy;     /* the author knows that nothing takes it back */
    struct migration_validate validate;
    /* What follows from all these (backfill_compile.c). */
    enum migration_change change;
    const char *model; /* of a move: the table whose columns are moved; NULL: nothing is */
    const char *among; /* the rows that it is about at all, done or not */
    const struct migration_check *checks;
    size_t check_count;
    const struct migration_backfill *inverse; /* NULL: revert.sql alone takes it back, or nothing */
};

/* A query of one boolean that must say yes before a phase begins, or after it has ended. */
struct migration_assertion {
    const char *before, *after; /* a phase's name; the other one is NULL */
    const char *query;
    const char *says; /* what it means when it says no; "" */
};

#define MIGRATION_ASSERTIONS_MAX 32

struct migration_revision {
    const char *name;
    char checksum[HASH_HEX_SIZE]; /* over every file of the folder */
    char meaning[HASH_HEX_SIZE];  /* likewise, without what lays SQL out: comments, white space */
    size_t parent_count;
    size_t parents[GRAPH_PARENTS_MAX]; /* indices into the set */
    size_t contracted_parent_count;
    size_t contracted_parents[GRAPH_PARENTS_MAX];        /* requires_contracted, likewise */
    const struct split *scripts[MIGRATION_SCRIPT_COUNT]; /* NULL: no such file */
    const char *description;                             /* "" if none */
    size_t backfill_count;
    const struct migration_backfill *backfills;
    bool is_irreversible;
    bool is_plain;                 /* nobody says that the release before works after expand */
    uint64_t lock_timeout_ms;      /* total budget for one lock; 0: the run's own */
    uint64_t statement_timeout_ms; /* likewise */
    const char *search_path;       /* of all its phases; NULL: the database's own */
    const char *role;              /* whom its statements run as; NULL: the run's own */
    const struct migration_assertion *assertions;
    size_t assertion_count;
};

struct migration_release {
    const char *name;
    size_t needs; /* index into the set's revisions */
    size_t tolerate_count;
    const size_t *tolerates;
    const struct split *queries; /* what it asks of the database; NULL: nobody says */
};

/* Applied anew whenever it has changed: repeatable/NAME.sql. */
struct migration_repeatable {
    const char *name;
    const char *path; /* "repeatable/NAME.sql" */
    const char *text; /* the file's */
    char checksum[HASH_HEX_SIZE];
    const struct split *split; /* nothing in it runs outside of a transaction */
};

struct migration_file {
    const char *path;  /* "0007_rating/expand.sql", "releases.yaml" */
    const char *bytes; /* with a terminator that size does not count */
    size_t size;
    const char *origin; /* the file that it was made of, which errors name; NULL: itself */
    size_t origin_line; /* of that file, where bytes begin; see struct split_source */
};

struct migration_set {
    size_t revision_count;
    const struct migration_revision *revisions; /* topological order */
    size_t head;                                /* the last word of the history */
    const char *layout;                         /* of the folder; NULL: native */
    size_t release_count;
    const struct migration_release *releases;
    size_t repeatable_count;
    const struct migration_repeatable *repeatables; /* by name */
    size_t file_count;
    const struct migration_file *files; /* by path; what a bundle consists of */
};

/* ERROR_INVALID or ERROR_CONFIG in one sentence that names the file (and the line, where it has
 * one): a cycle, a missing parent, two heads, an unknown revision in releases.yaml, a file that is
 * not UTF-8, an .sql file with another name.  No such folder: ERROR_NOT_FOUND. */
enum error_code migration_load(const void *parent, const char *folder, struct migration_set **ret,
                               struct error *err);

/* The same of files in memory, in any order; they are copied. */
enum error_code migration_load_files(const void *parent, const struct migration_file *files,
                                     size_t count, struct migration_set **ret, struct error *err);

/* The names of a native folder's revisions that nobody requires, however many: a talloc child of
 * parent. */
enum error_code migration_heads(const void *parent, const char *folder, const char ***ret,
                                size_t *ret_count, struct error *err);

bool migration_find(const struct migration_set *set, const char *name, size_t *ret);
bool migration_find_release(const struct migration_set *set, const char *name, size_t *ret);
bool migration_is_ancestor(const struct migration_set *set, size_t ancestor, size_t of);

/* Indices, parents first, of revision and all its ancestors; ret has revision_count elements. */
size_t migration_history_of(const struct migration_set *set, size_t revision, size_t *ret);

/* All files as one deterministic byte string, and that string's digest. */
char *migration_bundle_pack(const void *parent, const struct migration_set *set, size_t *ret_size,
                            char ret_digest[static HASH_HEX_SIZE]);
/* ERROR_PROTOCOL if it is not what pack made. */
enum error_code migration_bundle_unpack(const void *parent, const char *bytes, size_t size,
                                        struct migration_set **ret, struct error *err);

const char *migration_script_file(enum migration_script script); /* "expand.sql" */

#endif
