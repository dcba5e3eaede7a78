/* twin_internal.h: how far a switch of databases is, for those who judge it. */
#ifndef COORDINATOR_CORE_TWIN_INTERNAL_H
#define COORDINATOR_CORE_TWIN_INTERNAL_H

#include "coordinator/core/step_scene.h"
#include "coordinator/core/twin.h"

/* The next shard of the plan whose databases are switched, from *cursor on, or NULL. */
const struct plan_shard *twin_next_switched(const struct work *work, size_t *cursor);

/* The shard's step of that stage on that side, or at any pooler (side ""): the first one, or NULL.
 */
const struct step *twin_find_step(const struct work *work, const char *shard, enum stage stage,
                                  const char *side);

/* Going forward, it may have had an effect. */
bool twin_step_was_ordered(const struct step *step);
bool twin_step_is_done(const struct step *step);

#endif
