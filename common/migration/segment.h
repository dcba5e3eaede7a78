/* segment.h: internal: a script as segments, and one segment brought about.
 */
#ifndef COMMON_MIGRATION_SEGMENT_H
#define COMMON_MIGRATION_SEGMENT_H

#include "common/migration/migrator.h"

/* A script on its way through a phase. */
struct script_run {
    struct migrator *m;
    const struct split *split;
    enum migration_phase phase;
    bool *is_done;      /* per statement: by the log */
    bool *has_intent;   /* likewise */
    bool *is_selected;  /* per statement: part of this run (half-applied expand: not all of
                           revert.sql) */
    size_t done_before; /* selected statements that are done */
    size_t selected;
    struct transaction
        *with_first; /* calls for the first transaction, before its statements; or NULL */
};

/* Statements first to end-1; class as of split.h: OUTSIDE and ALONE have one. */
struct segment {
    size_t first;
    size_t end;
    bool is_outside;
    bool is_last;
};

/* Reads the log unless the state says that nothing has begun. */
enum error_code script_run_open(struct script_run *s, struct migrator *m, const struct split *split,
                                enum migration_phase phase, struct error *err);

/* The next segment with selected statements that are not done, from *at on; false at the end. */
bool segment_next(const struct script_run *s, size_t *at, struct segment *ret);

/* Does it, logs it, moves the marks; finishes the phase with the last. */
enum error_code segment_run(struct script_run *s, const struct segment *segment, struct error *err);

/* Runs everything that is left; between: called before each transactional segment with the open
 * question whether it may run (revert), NULL for none. */
enum error_code script_run_all(struct script_run *s, struct error *err);

/* Writes what the marks are during, and after, a phase into a transaction. */
void segment_add_marks(struct migrator *m, struct transaction *t, enum migration_phase phase,
                       bool is_last);

/* The statements (with log rows) and marks of a transactional segment, and its commit. */
void segment_add_body(struct script_run *s, struct transaction *t, const struct segment *segment);

/* ---- remains.c: what a statement outside of transactions left behind ---- */

/* Looks whether an earlier try did it; cleans up what a half-done one left. */
enum error_code remains_inspect(struct migrator *m, const struct split_statement *statement,
                                const char *where, bool *ret_did, struct error *err);
/* After success: is what it made really there?  An invalid index is ERROR_FAILED. */
enum error_code remains_confirm(struct migrator *m, const struct split_statement *statement,
                                const char *where, struct error *err);

/* ---- revert.c ---- */

enum error_code revert_run(struct migrator *m, struct error *err);

/* ---- backfill.c ---- */

enum error_code backfill_run(struct migrator *m, struct error *err);
/* Drops the sync triggers of backfills that are not finished, in t. */
void backfill_add_cleanup(struct migrator *m, struct transaction *t);

/* ---- inverse.c ---- */

/* Takes back what the backfills that have begun made of rows, where they have a way back. */
enum error_code inverse_run(struct migrator *m, struct error *err);

/* ---- surroundings.c ---- */

/* The revision's search_path, and the one before again. */
enum error_code surroundings_enter(struct migrator *m, struct error *err);
void surroundings_leave(struct migrator *m);
/* Whom the statements of the revision's scripts run as; NULL: the session's own role. */
const char *surroundings_role(const struct migrator *m);
/* SET ROLE; a child of m->scratch. */
const char *surroundings_role_sql(const struct migrator *m, const char *role);
/* A statement by that role (NULL: the session's own), and by that one only. */
void surroundings_add_by(struct migrator *m, struct transaction *t, const char *role,
                         const char *where, const char *sql);
/* Between these two the session is the role's, where there is one: nothing of Hakem's is written.
 */
enum error_code surroundings_begin_role(struct migrator *m, struct error *err);
void surroundings_end_role(struct migrator *m);

/* ---- assertion.c ---- */

/* A transaction for questions: with a deadline, and with all the patience there is, since a query
 * queues in nobody's way. */
enum error_code question_begin(struct migrator *m, struct error *err);
void question_end(struct migrator *m);
/* Those of the revision before that phase, or after it.  ERROR_VERIFY: one says no. */
enum error_code assertions_ask(struct migrator *m, enum migration_phase phase, bool is_before,
                               struct error *err);
/* Those after it, once in a generation: a note in the log says that they held. */
enum error_code assertions_ask_after(struct migrator *m, enum migration_phase phase,
                                     struct error *err);

/* ---- repeatable.c, repeatable_proof.c, repeatable_back.c ---- */

struct repeatable_change {
    const struct migration_repeatable *repeatable;
    const char *sql_before; /* NULL: it was not there, or nobody knows */
    bool is_new;            /* it was not there */
};

/* A script's statements, as the role. */
void repeatable_add_script(struct migrator *m, struct transaction *t, const struct split *split);
/* One as it is now; the setting hakem.made has how to drop what it made. */
void repeatable_add_new(struct migrator *m, struct transaction *t,
                        const struct repeatable_change *change);
/* As its authors know it. */
const char *repeatable_path(const struct migrator *m, const char *name);
/* All changes and their way back, in a transaction that is rolled back.  ERROR_IRREVERSIBLE: there
 * is none, or it leads to another schema. */
enum error_code repeatables_prove(struct migrator *m, const struct repeatable_change *changes,
                                  size_t count, struct error *err);
/* For the first transaction of the revert of m's revision: those that were applied behind it are
 * what they were before. */
enum error_code repeatables_add_back(struct migrator *m, struct transaction *t, struct error *err);

/* "0007_rating/expand.sql:12", a child of m->scratch. */
const char *segment_where(const struct script_run *s, size_t statement);
const char *statement_where(struct migrator *m, const struct split *split, size_t statement);

#endif
