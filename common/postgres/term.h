/* term.h: the fence in the database: one row that says which journal rules it, by which term, and
 * whether a rollout is open.
 *
 * The row is made with the schema hakem (common/migration/schema.h).  A transaction passes the
 * fence by hakem.enter(journal, term), which raises TERM_SQLSTATE (ERROR_SUPERSEDED) if the row's
 * journal is another or its term higher.
 */
#ifndef COMMON_POSTGRES_TERM_H
#define COMMON_POSTGRES_TERM_H

#include "common/postgres/session.h"

#define TERM_SQLSTATE    "HK001"
#define TERM_JOURNAL_MAX 64
#define TERM_ROLLOUT_MAX 64

struct term_row {
    char journal[TERM_JOURNAL_MAX + 1]; /* "": none yet */
    uint64_t term;                      /* 0: none yet */
    char rollout[TERM_ROLLOUT_MAX + 1]; /* the open one; "": none */
};

/* All empty where there is no schema hakem.  Works on a standby. */
enum error_code term_read(struct session *session, struct term_row *ret, struct error *err);

/* Waits for transactions that passed the fence, at most wait_ms (ERROR_LOCK).  row.rollout "" says
 * that none is open any more.  Another journal, or a higher term there: ERROR_SUPERSEDED. */
enum error_code term_raise(struct session *session, const struct term_row *row, uint64_t wait_ms,
                           struct error *err);

/* row.rollout is over: "none is open", unless the row names another by now, obeys another journal,
 * or a higher term. */
enum error_code term_clear_rollout(struct session *session, const struct term_row *row,
                                   struct error *err);

/* An operator's word: another journal rules from now on, from its next term_raise() on. */
enum error_code term_adopt(struct session *session, const char *journal, struct error *err);

/* An operator's word, without a coordinator: closes the open rollout's row and raises the term by
 * one, so that the coordinator's running orders are refused.  Logged with the reason. */
enum error_code term_take_over(struct session *session, const char *operator_name,
                               const char *reason, struct error *err);

#endif
