/* agent.h: an agent's core in a test: adopted by a coordinator, told things, and what it does then.
 */
#ifndef TESTS_SUPPORT_AGENT_H
#define TESTS_SUPPORT_AGENT_H

#include "agent/core/session.h"

#define AGENT_ROLLOUT 2
#define AGENT_TERM    5

extern struct agent {
    struct agent_session *session;
    struct session_effects *effects; /* of the last event */
    uint64_t now_ms;
} agent;

extern const char agent_journal[]; /* the coordinator's */

/* The fixtures. */
void agent_set_up(enum node_kind kind);
void agent_tear_down(void);

/* At agent.now_ms. */
void agent_happens(struct session_event event);
void agent_hear(enum message_type type, void *body);
struct order_id agent_order_id(uint64_t step);
/* An order of the rollout; its arguments but for these are zero. */
void agent_order(uint64_t step, enum task task, const struct task_arguments *arguments);
/* How the child of that order ended: SESSION_CHILD_ENDED, SESSION_MENDED. */
void agent_end(enum session_event_type type, uint64_t step, enum outcome how);

/* Of the last event; NULL: no such effect. */
const struct session_effect *agent_effect(enum session_effect_type type);

#endif
