/* step_scene.h: what the files of the step machine's guards share. */
#ifndef COORDINATOR_CORE_STEP_SCENE_H
#define COORDINATOR_CORE_STEP_SCENE_H

#include "coordinator/core/step_guard.h"
#include "coordinator/core/work.h"

/* Its work moves forward, and it has not been turned back. */
bool goes_forward(const struct scene *scene);

/* The first step that it needs and that is neither done nor left out, or NULL. */
const struct step *step_that_is_needed(const struct scene *scene);

/* The open rollout goes back, even if a person must now help it on. */
bool work_is_turned_back(const struct scene *scene);

/* What a preflight of an edge has besides: the game nodes that the plan moves there. The order is a
 * talloc chunk. */
void step_order_games(const struct scene *scene, struct order *order);

/* There are steps of that stage for the game node, and all of them are in the undo direction, in
 * that state. */
bool work_steps_of_target_are(const struct work *work, const char *target, enum stage stage,
                              enum step_state state);

/* A drain that is due though its game node was admitted: a promotion took its schema away. */
bool step_is_second_drain(const struct scene *scene);

/* NULL, or that its window is shut, and how long: it would begin something new. */
const char *step_window_fault(const struct scene *scene, char ret[static SENTENCE_SIZE]);

/* NULL, or which pool the plan holds back while its phases run, and does not hold back now. */
const char *step_pool_fault(const struct scene *scene, char ret[static SENTENCE_SIZE]);

/* Cut off at every edge, and kept out of the database. */
bool work_has_isolated(const struct work *work, const char *game);

/* The game node can't be running what the revert would break: design, section 4. */
bool node_is_clear(const struct scene *scene, const struct node *game);

/* Players have somebody else than the step's game node. */
bool others_are_ready(const struct scene *scene);

/* What speaks against taking the new schema away: a game node of the step's shard that is not
 * clear.  The sentence, written to `ret`, or NULL. */
const char *clear_fault(const struct scene *scene, char ret[static SENTENCE_SIZE]);

#endif
