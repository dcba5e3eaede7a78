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
/* One event through the table. detail: order, order_ref, inquiry, task_outcome, finding_report or
 * sighting; NULL for RESTART and TICK. */
void agent_session_fire(struct agent_session *session, struct session_effects *effects,
                        const struct order_id *id, enum entry_event event, const void *detail);

/* ---- session_upkeep.c ---- */

/* The entry may be the newest about its target. */
void agent_session_note_wish(struct agent_session *session, const struct entry *entry);
/* The coordinator says whose pauses still stand; 0: nobody's. */
void agent_session_hear_pauses(struct agent_session *session, uint64_t rollout);
/* What a report shows that nobody ordered is put right. */
void agent_session_look_after(struct agent_session *session, const struct report *report,
                              struct session_effects *effects);
void agent_session_mend(struct agent_session *session, struct session_effects *effects,
                        struct entry *entry);
void agent_session_end_mending(struct agent_session *session, const struct order_id *id);
void agent_session_say_corrected(struct agent_session *session, struct session_effects *effects,
                                 struct entry *entry);

/* The entry as it is now goes into the ledger. */
void agent_session_save(struct agent_session *session, struct session_effects *effects,
                        struct entry *entry);

#endif
