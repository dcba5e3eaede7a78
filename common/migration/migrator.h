/* migrator.h: internal: one migration_apply() on its way: who asks, what the database said, the
 * transactions that it is made of and the ladder on which they get their locks.
 */
#ifndef COMMON_MIGRATION_MIGRATOR_H
#define COMMON_MIGRATION_MIGRATOR_H

#include "common/migration/phase.h"
#include "common/postgres/pipeline.h"
#include "common/postgres/quote.h"

#define MIGRATOR_NUMBER_SIZE   24
#define MIGRATOR_BLOCKERS_SIZE 512

/* What the database knows of the revision. */
struct phase_state {
    uint64_t generation;
    char checksum[HASH_HEX_SIZE];
    char meaning[HASH_HEX_SIZE]; /* "": applied before it was kept */
    bool is_expanded;            /* mark E */
    bool is_contracted;
    bool is_partial;
    bool expand_is_complete; /* its schema_version row is there */
    bool contract_is_complete;
    bool revert_has_begun;
};

struct migrator {
    struct session *session;
    const struct migration_set *set;
    const struct migration_revision *revision;
    size_t index; /* of the revision in the set */
    const struct migration_run *run;
    struct migration_result result;
    struct phase_state state;
    bool holds_lock;
    bool expands_to_revert;         /* completing an expand only to undo it: E stays down */
    const char *search_path_before; /* the session's; NULL: it was not changed */
    void *scratch;
    /* Who blocks us, as last seen by a second session. */
    struct session *observer;
    bool observer_failed;
    char blockers[MIGRATOR_BLOCKERS_SIZE];
    /* What the log rows say, as text. */
    char generation_text[MIGRATOR_NUMBER_SIZE];
    char step_text[MIGRATOR_NUMBER_SIZE];
    char attempt_text[MIGRATOR_NUMBER_SIZE];
    char term_text[MIGRATOR_NUMBER_SIZE];
};

/* The session's watch is the migrator's from here on. */
void migrator_begin(struct migrator *m, struct session *session, const struct migration_set *set,
                    const struct migration_run *run);
/* Finds the revision, takes the session's watch over, waits for the migrator's lock, reads the
 * state and checks order and checksum. */
enum error_code migrator_open(struct migrator *m, struct session *session,
                              const struct migration_order *order, const struct migration_run *run,
                              struct error *err);
/* Releases the lock and puts the watch back. */
void migrator_close(struct migrator *m, struct session_watch before);
struct session_watch migrator_watch(struct migrator *m);

bool migrator_is_cancelled(struct migrator *m);
void migrator_report(struct migrator *m, uint64_t done, uint64_t total, const char *text);
/* False if it was cancelled meanwhile. */
bool migrator_pause(struct migrator *m, uint64_t ms);
uint64_t migrator_statement_timeout(const struct migrator *m);
uint64_t migrator_lock_budget(const struct migrator *m);

/* ---- state.c ---- */

/* Waits for the migrator's lock, reads what phase needs to know, checks order and checksum.  Under
 * a hold it is known already. */
enum error_code state_read(struct migrator *m, enum migration_phase phase, struct error *err);
/* What the hold knows after a phase has ended so. */
void state_note(struct migrator *m, enum migration_phase phase, enum error_code code);
void state_unlock(struct session *session);
/* What the hold knows; false while it has to be read again. */
bool state_is_untouched(const struct migration_hold *hold, size_t index);
bool state_stands(const struct migration_hold *hold, size_t index);

/* ---- a transaction: calls that go out in one pipeline ---- */

struct transaction {
    void *owner; /* of every text in it */
    struct sql_call *calls;
    size_t count;
};

struct transaction *transaction_new(const void *parent);
/* params: texts that are copied; NULL is SQL NULL. */
void transaction_add(struct transaction *t, const char *where, const char *sql, size_t param_count,
                     const char *const *params);
void transaction_add_plain(struct transaction *t, const char *sql);
/* BEGIN, the timeouts, the fence.  Asks the hooks for the term. */
void transaction_begin(struct migrator *m, struct transaction *t, uint64_t lock_timeout_ms);
/* A log row; statement from 1; detail may be NULL. */
struct log_row {
    const char *phase;
    size_t statement;
    const char *outcome;
    const char *hash;
    const char *detail;
};
void transaction_log(struct migrator *m, struct transaction *t, const struct log_row *row);
/* For a row that is written later, with others: when its statement ended. */
void transaction_lap(struct transaction *t);
/* COMMIT, and, but under a hold, the position behind it as the last call's value; is_last: gives
 * the lock back too. */
void transaction_commit(struct migrator *m, struct transaction *t, bool is_last);
/* Runs it and keeps position and row counts in m->result. */
enum error_code transaction_run(struct migrator *m, const struct transaction *t, size_t *ret_failed,
                                struct error *err);

/* ---- the ladder ---- */

/* Short first: everybody queues behind a waiting ALTER TABLE for as long as it waits. */
#define LADDER_PATIENCE_MIN_MS 40

/* One try, with that much patience for locks. ERROR_LOCK and ERROR_CONFLICT lead to the next. */
typedef enum error_code ladder_attempt(void *context, uint64_t lock_timeout_ms, struct error *err);

/* Tries with growing patience and full jitter between, within the run's tries and budget; giving
 * up, the error names who blocks. */
enum error_code ladder_climb(struct migrator *m, ladder_attempt *attempt, void *context,
                             struct error *err);

/* ---- texts ---- */

const char *migrator_text(const char *text); /* "" for NULL */

#endif
