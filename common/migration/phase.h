/* phase.h: the heart: brings one phase of one revision about in a database, resumable after any
 * crash without a repair command.
 *
 * A phase is a list of segments in file order; each is a transaction that passes the fence, or one
 * statement outside of any between an intent row and a done row.
 */
#ifndef COMMON_MIGRATION_PHASE_H
#define COMMON_MIGRATION_PHASE_H

#include "common/migration/load.h"
#include "common/postgres/session.h"

#define MIGRATION_REASON_MAX   512
#define MIGRATION_POSITION_MAX 31

#define MIGRATION_LOCK_TRIES_MAX              30
#define MIGRATION_LOCK_BUDGET_MS_DEFAULT      60000
#define MIGRATION_LOSSLESS_TIMEOUT_MS_DEFAULT 1000

enum migration_phase {
    MIGRATION_EXPAND,
    MIGRATION_BACKFILL, /* by migration_backfill_run(); migration_apply() hands it on */
    MIGRATION_CONTRACT,
    MIGRATION_REVERT,
    MIGRATION_PHASE_COUNT
};

struct migration_hooks {
    void *context;
    /* Asked before each transaction: 0 means no term (stand-alone).  NULL: stand-alone. */
    uint64_t (*term)(void *context);
    /* Asked all the time; NULL: only signals cancel (session_cancel_on_signal). */
    bool (*is_cancelled)(void *context);
    /* How long players wait for an answer just now, and from when on that is too long; 0 and 0:
     * nobody knows. NULL: nobody to ask. */
    void (*players)(void *context, uint64_t *ret_ms, uint64_t *ret_limit_ms);
    /* done of total statements or rows, and what is done now, or why it waits.  May be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total, const char *text);
};

/* SQL around every statement, in its transaction where it has one: for who measures. before has no
 * parameters; after has revision, phase, statement (from 1), for a statement outside of
 * transactions MIGRATION_PROBE_OUTSIDE, else NULL, and an array of the relations that it names. */
struct migration_probe {
    const char *before, *after;
};
#define MIGRATION_PROBE_OUTSIDE                                                                    \
    "4" /* SHARE UPDATE EXCLUSIVE: whatever can run outside takes that */

/* The migrator's lock over many phases of one set, and what was read under it, so that each costs
 * one round trip.  Only its end waits for the disk: WAL is written in order, so that a server that
 * crashes before forgets the last phases together with their log, and the next run does them.  A
 * talloc child of the session. */
struct migration_hold;

/* An executable that backfills may ask for by name. */
struct migration_command {
    const char *name;
    const char *path; /* absolute */
};

/* Who asks, and within what limits.  Texts may be NULL. */
struct migration_run {
    const char *journal;
    const char *rollout;
    uint64_t step;
    uint64_t attempt;
    const char *operator_name;
    const struct migration_hooks *hooks; /* may be NULL */
    unsigned lock_tries;                 /* 0: MIGRATION_LOCK_TRIES_MAX, never more */
    uint64_t lock_budget_ms;       /* for the migrator's lock and for each segment's; 0: default */
    uint64_t statement_timeout_ms; /* ceiling of each statement; 0: none */
    uint64_t lossless_timeout_ms;  /* 0: default */
    bool accept_data_loss;
    const char
        *role; /* whom statements run as, unless the revision says; NULL: the session's own */
    const struct migration_command *commands;
    size_t command_count;
    struct migration_hold
        *hold; /* NULL: each phase takes the lock for itself, and tells the position */
    const struct migration_probe *probe; /* NULL: nobody measures */
};

struct migration_result {
    bool already_done;
    bool is_kept; /* a revert that was not done: it would lose values, or nobody knows */
    char kept_reason[MIGRATION_REASON_MAX]; /* a sentence: which query or statement, why */
    uint64_t kept_count;                    /* values that would be lost, as far as known */
    uint64_t statements_run;                /* statements, or batches of a backfill */
    uint64_t rows_changed;
    uint64_t generation;
    char position[MIGRATION_POSITION_MAX + 1]; /* pg_current_wal_insert_lsn() after the commit */
};

/* What to bring about. */
struct migration_order {
    const struct migration_set *set;
    const char *revision;
    enum migration_phase phase;
};

/* Errors: LOCK (with who blocks), CHANGED, REFUSED (order, standby, an open rollout), SUPERSEDED,
 * IRREVERSIBLE, CANCELLED, TIMEOUT, CONNECTION (outcome unknown: apply again), SQL, NOT_FOUND. */
enum error_code migration_apply(struct session *session, const struct migration_order *order,
                                const struct migration_run *run, struct migration_result *ret,
                                struct error *err);

/* Waits for the lock like a phase.  ERROR_LOCK, ERROR_REFUSED, ERROR_CONNECTION as above. */
enum error_code migration_hold_open(struct session *session, const struct migration_set *set,
                                    const struct migration_run *run, struct migration_hold **ret,
                                    struct error *err);
/* Under run->hold: expands as many of the first of these revisions (indexes in the set, in its
 * order) as were never touched and are a single transaction each, in one round trip; returns how
 * many.  0: the first one is for migration_apply, which says what is wrong where something is. */
size_t migration_expand_plain(struct session *session, const struct migration_set *set,
                              const struct migration_run *run, const size_t *indexes, size_t count);

/* The phase is done, and what must be true after it has not been asked yet: apply it again. */
enum error_code assertions_are_open(struct session *session,
                                    const struct migration_revision *revision,
                                    enum migration_phase phase, bool *ret, struct error *err);

/* All of it is on the server's disk when this returns ERROR_OK.  NULL: nothing to do. */
enum error_code migration_hold_close(struct migration_hold *hold, struct error *err);

const char *migration_phase_name(enum migration_phase phase); /* "expand" */
bool migration_phase_from_name(const char *name, enum migration_phase *ret);

#endif
