/* inspect.h: what became of an order whose outcome nobody heard: asked of the database. */
#ifndef COMMON_MIGRATION_INSPECT_H
#define COMMON_MIGRATION_INSPECT_H

#include "common/migration/phase.h"

#define INSPECT_APPLICATION_SIZE 24

enum inspect_answer { INSPECT_DID_NOT, INSPECT_PARTLY, INSPECT_DID, INSPECT_ANSWER_COUNT };

struct inspect_question {
    const char *revision;
    enum migration_phase phase;
    /* Which cycle; INSPECT_GENERATION_CURRENT: the one the database is in, and for a revert also
     * the one that it has just left. */
    uint64_t generation;
    const char *rollout; /* NULL: whoever did it; else an answer found under it comes first */
    uint64_t step;
};

#define INSPECT_GENERATION_CURRENT UINT64_MAX

/* Works on a standby, so that a replica's agent can answer for a primary whose agent is gone. */
enum error_code inspect_phase(struct session *session, const struct inspect_question *question,
                              enum inspect_answer *ret, struct error *err);

const char *inspect_answer_name(enum inspect_answer answer); /* "did_not" */

/* "hakem:" and 12 hexadecimal digits: the application_name of the session that works on this. */
void inspect_application_name(const char *rollout, uint64_t step, uint64_t attempt,
                              char ret[static INSPECT_APPLICATION_SIZE]);

/* Ends every other backend of that name (cancel, then terminate) and returns when none is left;
 * ERROR_TIMEOUT after timeout_ms, naming the pid.  ret_ended may be NULL. */
enum error_code inspect_end_backends(struct session *session, const char *application_name,
                                     uint64_t timeout_ms, size_t *ret_ended, struct error *err);

#endif
