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
    uint64_t left;       /* by the last count */
    const char *bounds;  /* of lanes that are to be made, an array; NULL: none is */
    struct lanes *lanes; /* NULL: it has none */
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

/* Which range of the key; NULL where it is all of it. */
struct batch_range {
    const char *lane; /* its number, as text */
    bool has_cursor;
    bool has_end;
};

/* The next pace.rows rows of a range, as a call. */
void batch_add(struct filling *f, struct transaction *t, const struct batch_range *range);
/* What that call gave back. */
bool batch_take_counts(const char *value, uint64_t *ret_changed, uint64_t *ret_seen);
/* The next pace.rows rows behind the cursor, as an attempt of the ladder: sets rows_changed and
 * rows_seen. */
enum error_code batch_try(void *context, uint64_t lock_timeout_ms, struct error *err);

/* ---- backfill_change.c: texts are children of parent ---- */

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

/* ---- backfill_lane.c: ranges of the key that are gone through at once ---- */

/* Before it begins: sets bounds, if it wants lanes and has the rows for them. */
enum error_code lanes_plan(struct filling *f, struct error *err);
/* Makes them, in the transaction that begins it. */
void lanes_add(struct filling *f, struct transaction *t);
/* Those that were made, wherever they are by now, with a session each. */
enum error_code lanes_open(struct filling *f, struct error *err);
void lanes_close(struct filling *f);
/* A batch of each, or of one while others are there; as an attempt of the ladder: done again, those
 * that are done are left out. */
void lanes_begin_round(struct filling *f);
enum error_code lanes_try_round(void *context, uint64_t lock_timeout_ms, struct error *err);
/* Sets rows_seen as if one batch had seen it all; what was changed is counted already. */
void lanes_end_round(struct filling *f);
/* Brings hakem.backfill's count up to theirs: in the transaction that ends it, or for show. */
void lanes_add_count(struct filling *f, struct transaction *t);
enum error_code lanes_note_count(struct filling *f, struct error *err);
/* Back to where they begin. */
void lanes_add_next_pass(struct filling *f, struct transaction *t);

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
