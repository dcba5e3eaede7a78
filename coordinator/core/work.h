/* work.h: a plan being carried out, built from the plan: steps, who depends on whom, whose they
 * are. */
#ifndef COORDINATOR_CORE_WORK_H
#define COORDINATOR_CORE_WORK_H

#include "coordinator/core/state.h"

/* Needs point backwards, so that the graph has no cycle; ids are positions. */
bool work_plan_is_sound(const struct plan *plan);

/* Fills everything but repair and plan; what it makes is a talloc child of parent. */
void work_build(struct work *work, void *parent);

/* How the shard stood when the plan was made; NULL if the plan has none of that name. */
const struct plan_shard *work_shard(const struct work *work, const char *name);
/* How far it is; NULL likewise. */
struct shard_progress *work_progress(const struct work *work, const char *shard);

struct node_in_plan work_node_in_plan(const struct work *work, const char *game);

/* Deadlines stood still for so long: by at most their own length. */
void work_move_deadlines(struct work *work, uint64_t by_ms);

/* Around every change of a step: keeps the counts, and wakes who may have waited for it. */
void work_leave(struct work *work, const struct step *step);
void work_enter(struct work *work, const struct step *step);

/* The census as the steps have it: what the kept one must be. */
struct census work_recount(const struct work *work);

/* How many steps stand in one of these (STEP_IN). */
size_t work_count(const struct work *work, uint32_t in);

/* The next step that is awake, in the plan's order, or NULL. Only steps that are pending, done or
 * skipped ever sleep. */
struct step *work_next_awake(const struct work *work, size_t *cursor);
void work_wake_all(struct work *work);
void work_sleep(struct work *work, size_t index);

#endif
