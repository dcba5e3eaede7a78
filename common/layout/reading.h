/* reading.h: internal: a foreign folder on its way: its files, the revisions that were found in
 * them, and what the readers of all layouts share.
 */
#ifndef COMMON_LAYOUT_READING_H
#define COMMON_LAYOUT_READING_H

#include "common/layout/layout.h"

#define LAYOUT_PATH_MAX    256
#define LAYOUT_VERSION_MAX 63
#define LAYOUT_NOTES_MAX   1000

struct layout_file {
    const char *path;  /* in the folder, "deploy/users.sql" */
    const char *bytes; /* without byte order mark, lines end with \n; NULL: of no layout's kind */
    size_t size;
};

enum layout_script_kind { LAYOUT_UP, LAYOUT_DOWN, LAYOUT_VERIFY, LAYOUT_SCRIPT_COUNT };

struct layout_script {
    const char *path; /* NULL: there is none */
    const char *text;
    size_t size;
    size_t line;  /* of the file, where text begins */
    bool is_each; /* each statement is a transaction of its own */
};

struct layout_revision {
    const char *version;
    const char *name; /* as native ones are called */
    const char *path;
    struct layout_script scripts[LAYOUT_SCRIPT_COUNT];
};

/* Becomes repeatable/NAME.sql. */
struct layout_repeatable {
    const char *name;
    const struct layout_file *file;
};

struct layout_reading {
    void *memory;                    /* of everything that the readers make */
    const struct layout_file *files; /* by path */
    size_t file_count;
    struct layout_revision *revisions;
    size_t revision_count;
    struct layout_repeatable *repeatables;
    size_t repeatable_count;
    const char **notes;
    size_t note_count;
    bool fails_as_whole; /* the error is about no file in particular */
};

/* A row of the table. */
struct layout_row {
    const char *name;
    bool (*recognises)(const struct layout_reading *in);
    enum error_code (*read)(struct layout_reading *in, struct error *err);
    bool is_strict; /* its tool does not apply what has arrived late */
    bool has_order; /* read() finds the revisions in their order; else it is that of versions */
};

/* ---- reading.c ---- */

/* ERROR_INVALID if there is one of that name. */
enum error_code reading_add_repeatable(struct layout_reading *in, const char *name,
                                       const struct layout_file *file, struct error *err);
/* version and name become the revision's name, which satisfies the rules of native ones. A talloc
 * array is grown: pointers to other revisions end. */
enum error_code reading_add(struct layout_reading *in, const char *version, const char *name,
                            struct layout_revision **ret, struct error *err);
struct layout_revision *reading_find_version(const struct layout_reading *in, const char *version);
const struct layout_file *reading_find_file(const struct layout_reading *in, const char *path);
/* The whole of file as that script; there is one already: ERROR_INVALID, naming both. */
enum error_code reading_take(struct layout_revision *revision, enum layout_script_kind kind,
                             const struct layout_file *file, struct error *err);
void reading_note(struct layout_reading *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A migration in another language than SQL: ERROR_INVALID, naming it. */
enum error_code reading_refuse_languages(const struct layout_reading *in, struct error *err);
/* By version, unless has_order; two of one version or name: ERROR_INVALID, naming both files. */
enum error_code reading_order(struct layout_reading *in, bool has_order, struct error *err);
/* "1.10" is behind "1.9", and "01" is "1". */
int reading_compare_versions(const char *a, const char *b);
bool reading_is_top(const char *path);

/* ---- script.c ---- */

/* In place: cuts a byte order mark and the \r of line ends.  Not UTF-8: ERROR_INVALID with the
 * line. */
enum error_code script_clean(const char *path, char *bytes, size_t *size, struct error *err);
/* Nothing but white space, comments and semicolons. */
bool script_is_blank(const char *text, size_t size);
/* Where the first word is that is no comment. */
size_t script_first_word(const char *text, size_t size);
/* BEGIN as the first statement and COMMIT (or ROLLBACK, of a verify script) as the last become
 * white space; true if they did.  Others are left for the loader to refuse. */
bool script_unwrap(char *text, size_t size, enum layout_script_kind kind);

/* ---- native.c ---- */

/* The revisions as native files; what has no way back is noted. */
enum error_code native_write(struct layout_reading *in, struct layout_content *ret,
                             struct error *err);

/* ---- the readers, each with its table row's name ---- */

bool golang_recognises(const struct layout_reading *in);
enum error_code golang_read(struct layout_reading *in, struct error *err);
bool diesel_recognises(const struct layout_reading *in);
enum error_code diesel_read(struct layout_reading *in, struct error *err);
bool goose_recognises(const struct layout_reading *in);
enum error_code goose_read(struct layout_reading *in, struct error *err);
bool dbmate_recognises(const struct layout_reading *in);
enum error_code dbmate_read(struct layout_reading *in, struct error *err);
bool sql_migrate_recognises(const struct layout_reading *in);
enum error_code sql_migrate_read(struct layout_reading *in, struct error *err);
bool flyway_recognises(const struct layout_reading *in);
enum error_code flyway_read(struct layout_reading *in, struct error *err);
bool sqitch_recognises(const struct layout_reading *in);
enum error_code sqitch_read(struct layout_reading *in, struct error *err);

#endif
