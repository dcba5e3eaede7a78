/* step_twin.c: steps that are about two databases: whom an order names, and what stands in its way.
 */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/twin_internal.h"

#include <string.h>

/* ---- whom an order names ---- */

const char *twin_target(const struct control *control, const struct work *work,
                        const struct step *step)
{
    const struct plan_shard *shard = work_shard(work, step->plan->shard);
    enum task task = step_task(step);
    const struct node *primary;
    const char *side;

    if (shard == NULL || shard->side[0] == '\0')
        return "";
    if (task == TASK_POINT_POOL)
        side = step->direction == DIRECTION_DO ? shard->side : shard->side_before;
    else if (task_row(task)->names_twin)
        side = twin_other_side(shard, step->plan->side);
    else
        return "";
    primary = fleet_primary_of(control, shard->name, side);
    if (primary != NULL)
        return primary->identity.name;
    return strcmp(side, shard->side) == 0 ? shard->twin : shard->primary; /* as planned */
}

bool twin_is_migrated(const struct scene *scene)
{
    const struct plan_shard *shard = work_shard(scene->work, scene->step->plan->shard);
    enum task task = scene->step->plan->task;

    return shard != NULL && shard->side[0] != '\0' &&
           strcmp(scene->step->plan->side, shard->side) == 0 &&
           (task == TASK_FOLLOW || task == TASK_EXPAND || task == TASK_BACKFILL);
}

/* ---- what stands in the way ---- */

/* What players write must go where they read, and to no copy that is about to be made anew. */
static const char *follow_fault(const struct scene *scene, char *ret)
{
    const struct plan_step *plan = scene->step->plan;

    if (strcmp(twin_live(scene->control, plan->shard), plan->side) != 0)
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE,
                      "the pools of shard %s point at its %s databases: they have the traffic",
                      plan->shard, plan->side);
    return ret;
}

/* Before anybody is held back for the way back: nobody may be left who could write what the old
 * schema does not know. */
static const char *back_fault(const struct scene *scene, char *ret)
{
    return scene->step->direction == DIRECTION_UNDO ? clear_fault(scene, ret) : NULL;
}

/* Whether the task can do without the other side's server: what is given up may have lost it. */
static bool needs_both(const struct scene *scene)
{
    enum task task = step_task(scene->step);

    return task_row(task)->names_twin && task != TASK_UNFOLLOW && task != TASK_OPEN_WRITES &&
           task != TASK_CLOSE_WRITES &&
           (task != TASK_UNREVERSE || twin_has_writes(scene->work, scene->step));
}

const char *twin_step_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    const struct plan_shard *shard = work_shard(scene->work, scene->step->plan->shard);
    const char *other;

    if (shard == NULL || shard->side[0] == '\0')
        return NULL;
    other = twin_other_side(shard, scene->step->plan->side);
    if (needs_both(scene) && fleet_primary_of(scene->control, shard->name, other) == NULL) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "the %s side of shard %s has no single primary that "
                          "reports",
                          other, shard->name);
        return ret;
    }
    if (step_task(scene->step) == TASK_FOLLOW)
        return follow_fault(scene, ret);
    return step_task(scene->step) == TASK_DRAIN_WAL ? back_fault(scene, ret) : NULL;
}
