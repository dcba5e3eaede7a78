/* work.h: a plan being carried out, built from the plan: steps, who depends on whom, whose they
 * are. */
#ifndef COORDINATOR_CORE_WORK_H
#define COORDINATOR_CORE_WORK_H

#include "coordinator/core/state.h"

/* Needs point backwards, so that the graph has no cycle; ids are positions. */
bool work_plan_is_sound(const struct plan *plan);

/* Fills everything but repair and plan; what it makes is a talloc child of parent. */
void work_build(struct work *work, void *parent);

/* Deadlines stood still for so long: by at most their own length. */
void work_move_deadlines(struct work *work, uint64_t by_ms);

/* Keeps a shard's count of admits: was_admitted is work_is_admitted() of before the change. */
bool work_is_admitted(const struct step *step);
void work_count_admit(struct work *work, const struct step *step, bool was_admitted);

#endif
