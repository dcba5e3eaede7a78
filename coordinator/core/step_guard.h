/* step_guard.h: what the rows of the step machine ask.  Read only, all of them. */
#ifndef COORDINATOR_CORE_STEP_GUARD_H
#define COORDINATOR_CORE_STEP_GUARD_H

#include "coordinator/core/step.h"

#define STEP_GUARDS(X)                                                                             \
    X(goes_forward_over_undo_only)                                                                 \
    X(step_was_ordered_by_predecessor)                                                             \
    X(gate_is_hold)                                                                                \
    X(goes_back_untouched)                                                                         \
    X(goes_forward_over_left_out)                                                                  \
    X(goes_forward_over_skipped)                                                                   \
    X(goes_forward_with_needs_met)                                                                 \
    X(goes_back)                                                                                   \
    X(goes_on)                                                                                     \
    X(may_open_gate)                                                                               \
    X(may_order)                                                                                   \
    X(waited_too_long)                                                                             \
    X(gate_goes_back)                                                                              \
    X(gate_passes)                                                                                 \
    X(gate_fails)                                                                                  \
    X(gate_is_late)                                                                                \
    X(gate_is_late_for_one_of_several)                                                             \
    X(goes_back_and_can_cancel)                                                                    \
    X(goes_back_over_harmless)                                                                     \
    X(primary_has_changed)                                                                         \
    X(deadline_has_passed)                                                                         \
    X(has_time_left)                                                                               \
    X(its_ledger_is_new)                                                                           \
    X(node_is_lost)                                                                                \
    X(is_time_to_resend)                                                                           \
    X(is_time_to_ask)                                                                              \
    X(may_try_again)                                                                               \
    X(database_was_overtaken)                                                                      \
    X(primary_shows_it_done)                                                                       \
    X(new_primary_lacks_it)                                                                        \
    X(primary_forgot_it)                                                                           \
    X(ground_is_gone)                                                                              \
    X(stands_on_lost_schema)                                                                       \
    X(schema_is_back)                                                                              \
    X(pool_was_resumed)                                                                            \
    X(was_taken_out_again)                                                                         \
    X(primary_has_it_again)                                                                        \
    X(target_is_isolated)                                                                          \
    X(isolation_is_not_needed)                                                                     \
    X(target_is_still_unhealthy)                                                                   \
    X(cannot_be_admitted_in_time)                                                                  \
    X(replica_may_be_left)                                                                         \
    X(copy_may_be_left)                                                                            \
    X(pause_may_be_left)                                                                           \
    X(server_cannot_be_told)                                                                       \
    X(goes_back_without_undo)                                                                      \
    X(goes_back_with_dependents_settled)                                                           \
    X(later_one_was_kept)                                                                          \
    X(rests_and_may_be_left)

#define X(name) bool name(const struct scene *scene);
STEP_GUARDS(X)
#undef X

/* The present primary of the databases that the step means; NULL: no single one reports. */
const struct node *step_primary(const struct control *control, const struct step *step);

/* Who is to be ordered now: the shard's present primary for a primary's task. "" if nobody is. */
const char *step_node(const struct control *control, const struct step *step);

/* On the wire: a repair's steps are numbered across repairs. */
uint64_t step_number(const struct work *work, const struct step *step);

uint64_t step_deadline_ms(const struct step *step);
/* How long it may stand in a state (due, or a gate's running) before it gives up. */
uint64_t step_patience_ms(const struct step *step, enum step_state state);

/* The WAL position that replicas must have replayed. */
uint64_t shard_position(const struct control *control, const struct work *work,
                        const struct step *step);

/* It was done, and a database that never received it has become the primary. */
bool step_was_forgotten(const struct control *control, const struct work *work,
                        const struct step *step);

/* A colour that was left is being retired, and a node of it cannot be: nobody misses it. */
bool step_may_be_left(const struct control *control, const struct work *work,
                      const struct step *step);

/* Some shard's new primary lacks what the plan expands. */
bool work_has_lost_ground(const struct control *control, const struct work *work);

/* Beyond its deadline it waits for a silent node, by policy: a person is called. */
bool step_waits_for_lost(const struct control *control, const struct work *work,
                         const struct step *step);

/* Its sessions have not ended by the drain's deadline, and the policy is to wait for them. */
bool step_waits_for_sessions(const struct control *control, const struct work *work,
                             const struct step *step);

/* NULL if it may be ordered now, else why not. */
const char *step_order_fault(const struct scene *scene, char ret[static SENTENCE_SIZE]);

#endif
