/* run.h: one pass of deciding: the state as it is, and what has been decided so far.
 *
 * A decision is applied as soon as it is emitted, so that the next one sees it: two drains decided
 * in one pass know of each other.
 */
#ifndef COORDINATOR_CORE_RUN_H
#define COORDINATOR_CORE_RUN_H

#include "coordinator/core/state.h"

struct run {
    struct control *control; /* decisions change it through run_emit() only */
    struct decisions *decisions;
    bool has_changed; /* something was emitted since this was cleared */
};

/* A zeroed body for a fact or a message; lives as long as the decisions. */
void *run_body(struct run *run, const struct record *record);

void *run_body_array(struct run *run, size_t size, size_t count);

void run_emit(struct run *run, enum fact_type type, void *body);
void run_send(struct run *run, const char *node, enum message_type type, void *body);
void run_reply(struct run *run, uint64_t request_id, enum error_code code, uint64_t rollout,
               const char *text);
void run_ring(struct run *run, const char *what, const char *text);
void run_fired(struct run *run, uint64_t rule);

#endif
