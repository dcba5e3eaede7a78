/* rollout_guard.h: what the rows of the rollout machine ask.  Read only, all of them. */
#ifndef COORDINATOR_CORE_ROLLOUT_GUARD_H
#define COORDINATOR_CORE_ROLLOUT_GUARD_H

#include "coordinator/core/rollout.h"

#define ROLLOUT_GUARDS(X)                                                                          \
    X(test)                                                                                        \
    X(is_expired)                                                                                  \
    X(fails_without_a_way_back)                                                                    \
    X(fails_with_a_way_back)                                                                       \
    X(way_back_would_lose)                                                                         \
    X(players_wait_too_long)                                                                       \
    X(fails_and_halts)                                                                             \
    X(has_failed)                                                                                  \
    X(is_inconclusive)                                                                             \
    X(has_reached_holding)                                                                         \
    X(has_lost_schema)                                                                             \
    X(is_released_without_contracts)                                                               \
    X(may_contract)                                                                                \
    X(budget_is_nearly_used)                                                                       \
    X(has_failed_before_contract)                                                                  \
    X(contract_has_failed)                                                                         \
    X(has_unknown_too_long)                                                                        \
    X(all_is_done)                                                                                 \
    X(all_is_settled)                                                                              \
    X(undo_has_failed)                                                                             \
    X(is_unstuck)                                                                                  \
    X(has_unresolved_step)                                                                         \
    X(window_has_shut)                                                                             \
    X(window_opens_again)                                                                          \
    X(window_stops_it)                                                                             \
    X(waits_for_its_window)                                                                        \
    X(came_from_reverting)                                                                         \
    X(may_return)

#define X(name) bool name(const struct control *control);
ROLLOUT_GUARDS(X)
#undef X

/* A gate that could not decide, with the policy to ask a person about it. */
bool step_is_undecided(const struct control *control, const struct step *step);
/* It could not be taken back. */
bool step_failed_back(const struct control *control, const struct step *step);

/* The step, or the shard, for which has_failed and its like are true. */
void rollout_explain_failure(const struct control *control, char ret[static SENTENCE_SIZE]);

#endif
