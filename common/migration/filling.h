/* filling.h: internal: one row of migration.yaml's backfill on its way, between what goes through
 * its table (backfill.c), what one batch is (backfill_batch.c) and what keeps rows right meanwhile
 * (backfill_sync.c).
 */
#ifndef COMMON_MIGRATION_FILLING_H
#define COMMON_MIGRATION_FILLING_H

#include "common/migration/backfill.h"
#include "common/migration/backfill_key.h"
#include "common/migration/pace.h"

#define SYNC_NAME_SIZE 32

struct filling {
    struct migrator *m;
    const struct migration_backfill *spec;
    enum migration_phase phase; /* MIGRATION_BACKFILL; MIGRATION_REVERT: spec is an inverse */
    bool is_last;               /* its end is the phase's */
    size_t position;            /* in hakem.backfill */
    const char *position_text;
    char sync[SYNC_NAME_SIZE]; /* trigger, and function in schema hakem */
    struct backfill_key key;
    const char *columns; /* of a move: a, b */
    const char *moved;   /* t.a, t.b */
    const char *title;   /* "backfill of public.players" */
    const char *where;   /* for errors */
    bool has_row;
    bool is_finished;
    bool has_cursor;
    uint64_t pass;
    struct pace pace;
    uint64_t done;
    uint64_t total;
    uint64_t left; /* by the last count */
    /* of the next batch of a command */
    void *memory;        /* of what follows */
    const char *answers; /* a JSON array */
    const char *cursor;  /* behind it; NULL: it has no row */
    /* of the last batch */
    uint64_t rows_wanted;
    uint64_t took_ms;
    uint64_t rows_changed;
    uint64_t rows_seen;
};

/* The way back of row i of migration.yaml stands that far behind it. */
#define INVERSE_POSITION_FROM MIGRATION_BACKFILLS_MAX

/* Row i of the revision's, or its way back. */
void filling_begin(struct filling *f, struct migrator *m, enum migration_phase phase, size_t i);
/* From wherever it is to its end. */
enum error_code filling_run(struct filling *f, struct error *err);

/* A call with three parameters: which row of hakem.backfill. */
void filling_add_call(struct filling *f, struct transaction *t, const char *sql);

/* ---- backfill_batch.c ---- */

/* The next pace.rows rows behind the cursor, as an attempt of the ladder: sets rows_changed and
 * rows_seen. */
enum error_code batch_try(void *context, uint64_t lock_timeout_ms, struct error *err);

/* ---- backfill_change.c: texts are children of parent ---- */

const char *change_name(enum migration_change change); /* "archive" */
/* What is done to the rows between the row `first` and the row `last`, as common table expressions,
 * the last one `changed` with a row for each. */
const char *change_sql(const struct filling *f, const void *parent);
/* How many that were, behind them. */
const char *change_counted(const struct filling *f, const void *parent);
/* How many rows are still to be done. */
const char *change_count_sql(const struct filling *f, const void *parent);
/* How many rows have several partners in spec.from. */
const char *change_ambiguous_sql(const struct filling *f, const void *parent);

/* ---- backfill_command.c ---- */

/* Is its executable known?  Nothing to do for what needs none, here and below. */
enum error_code command_prepare(struct filling *f, struct error *err);
/* Reads the next rows and lets the command answer, outside of any transaction: nobody waits for it.
 * Sets answers, cursor, rows_wanted and rows_seen. */
enum error_code command_ask(struct filling *f, struct error *err);
/* Its answers, for rows that are still as they were read: the others come again. */
void command_add(struct filling *f, struct transaction *t);

/* ---- backfill_move.c ---- */

/* Can rows be taken out of the table, and put into its archive?  Sets columns and moved.  Nothing
 * to do for what only changes rows. */
enum error_code move_prepare(struct filling *f, struct error *err);
/* Before it begins: is the archive empty; is all that was moved still there? */
enum error_code move_check_before(struct filling *f, struct error *err);
/* Before it has ended: has the archive what was moved, and no more? */
enum error_code move_check_after(struct filling *f, struct error *err);

/* ---- backfill_check.c ---- */

/* The checks and the queries of validate, in a transaction of their own that writes nothing. */
enum error_code check_before(struct filling *f, struct error *err);
/* In the open transaction that would end it. */
enum error_code check_after(struct filling *f, struct error *err);

/* ---- backfill_sync.c ---- */

void sync_name(const struct migrator *m, size_t position, char ret[static SYNC_NAME_SIZE]);
void sync_add(struct filling *f, struct transaction *t);
void sync_add_drop(struct transaction *t, const char *sync, const char *table);

#endif
