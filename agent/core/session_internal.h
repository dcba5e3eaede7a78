/* session_internal.h: what the rules of a session do things with. */
#ifndef AGENT_CORE_SESSION_INTERNAL_H
#define AGENT_CORE_SESSION_INTERNAL_H

#include "agent/core/session.h"

struct session_effect *session_effects_add(struct session_effects *effects,
                                           enum session_effect_type type);
void session_effects_note(struct session_effects *effects, uint16_t id); /* a rule that fired */
/* A zeroed body of that message, to be filled: it leaves when the effects are performed. */
void *session_effects_send(struct session_effects *effects, enum message_type type);

/* NULL: never heard of, or forgotten. */
struct entry *agent_session_find(const struct agent_session *session, const struct order_id *id);
/* NULL if there is none that may make room. */
struct entry *agent_session_oldest_settled(const struct agent_session *session);
/* NULL if the ledger is full of orders that nobody has settled. */
struct entry *agent_session_make_entry(struct agent_session *session);
/* The entry as it is now goes into the ledger. */
void agent_session_save(struct agent_session *session, struct session_effects *effects,
                        struct entry *entry);

#endif
