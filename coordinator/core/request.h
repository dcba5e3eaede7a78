/* request.h: what operators may wish, as a table: the verbs that change something.  What only looks
 * is answered by the server from the state.
 */
#ifndef COORDINATOR_CORE_REQUEST_H
#define COORDINATOR_CORE_REQUEST_H

#include "coordinator/core/rollout.h"
#include "coordinator/core/run.h"

struct wish {
    const char *operator_name;
    uint64_t id;
    const struct request *request;
};

struct request_row {
    const char *verb;
    void (*fulfil)(struct run *run, const struct wish *wish);
    const char *doc;
};

const struct request_row *request_rows(size_t *ret_count);

/* request_node.c: NULL, or why the node cannot be let in as the request says. */
const char *request_node_fault(const struct control *control, const struct request *request);

/* ---- request_window.c ---- */

/* Its window is open, or it is planned for the next one, or goes without. */
bool request_may_be_planned(const struct control *control, const struct request *request);
/* What is refused for the window's sake: how that stands, and why. */
void request_say_window(const struct control *control, const char *why,
                        char ret[static SENTENCE_SIZE]);
/* A reason that comes with a wish to go on, if the open rollout waits: a fact. */
void request_override_window(struct run *run, const struct wish *wish);
/* NULL, or why the planned rollout's soaks could never pass. */
const char *request_start_fault(const struct control *control, char ret[static SENTENCE_SIZE]);

/* ---- request_back.c ---- */

void request_rollback(struct run *run, const struct wish *wish);

/* ---- for the parts of request.c ---- */

void request_refuse(struct run *run, const struct wish *wish, enum error_code code,
                    const char *text);
void request_accept(struct run *run, const struct wish *wish, uint64_t rollout, const char *text);
/* False once it has been refused: another rollout is open. */
bool request_is_free(struct run *run, const struct wish *wish);
/* The plan becomes the planned rollout, in place of one that was never started. */
void request_record_plan(struct run *run, const struct wish *wish, struct plan *plan);
/* An event of the open rollout's machine. */
void request_steer(struct run *run, const struct wish *wish, enum rollout_event_type event);

/* Always leads to exactly one reply. */
void request_fulfil(struct run *run, const struct wish *wish);

#endif
