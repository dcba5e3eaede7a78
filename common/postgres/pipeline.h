/* pipeline.h: several statements in one round trip: sent together, one synchronisation at the end.
 *
 * The first that fails skips all behind it, a COMMIT too.
 */
#ifndef COMMON_POSTGRES_PIPELINE_H
#define COMMON_POSTGRES_PIPELINE_H

#include "common/postgres/session.h"

#define PIPELINE_VALUE_SIZE 64

/* What became of one call. */
struct pipeline_outcome {
    uint64_t rows;                   /* affected or returned */
    bool has_value;                  /* it returned a row whose first column is not NULL */
    char value[PIPELINE_VALUE_SIZE]; /* that column, cut */
};

/* Runs count calls.  ret_outcomes (count of them) may be NULL; so may ret_failed, the index of the
 * call that failed.  After an error no transaction is left open. */
enum error_code pipeline_run(struct session *session, const struct sql_call *calls, size_t count,
                             struct pipeline_outcome *ret_outcomes, size_t *ret_failed,
                             struct error *err);

/* The same in two halves, so that several sessions are at work at once.  A send that has succeeded
 * is followed by a receive of the same calls, and by nothing else of that session. */
enum error_code pipeline_send(struct session *session, const struct sql_call *calls, size_t count,
                              struct error *err);
enum error_code pipeline_receive(struct session *session, const struct sql_call *calls,
                                 size_t count, struct pipeline_outcome *ret_outcomes,
                                 size_t *ret_failed, struct error *err);

#endif
