/* restore.h: the backups from before a rollout, as the way back behind its contracts: whether they
 * are there, and what would be lost.
 */
#ifndef COORDINATOR_CORE_RESTORE_H
#define COORDINATOR_CORE_RESTORE_H

#include "coordinator/core/state.h"

/* It has backups, it cannot be taken back otherwise, and no rollout changed a schema since: their
 * changes would be lost with it, unasked. */
bool restore_is_possible(const struct control *control, const struct summary *summary);

/* The shard stands otherwise than before that rollout. */
bool restore_is_needed(const struct plan_shard *now, const struct plan_shard *before);

/* NULL, or why the backup of that shard could not be restored. */
const char *restore_fault(const struct control *control, const struct summary *summary,
                          const struct plan_shard *before, char ret[static SENTENCE_SIZE]);

/* What would be lost, shard by shard, and how it is done all the same. */
void restore_say_loss(const struct control *control, const struct summary *summary,
                      char ret[static SENTENCE_SIZE]);

#endif
