/* step_pool.c: what a maintenance does to a schema it does while its poolers hold queries back,
 * from each pause to the resume that ends it.
 */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/fleet.h"

#include <string.h>

/* The resume that ends it: the next one at that pooler. */
static const struct step *end_of(const struct work *work, const struct step *pause)
{
    for (size_t i = pause->plan->id; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage == STAGE_RESUME && strcmp(step->plan->node, pause->plan->node) == 0)
            return step;
    }
    return NULL;
}

/* Its queries are to be held back until then. After a promotion phases may come again later: they
 * are not worth another pause. */
static bool stands(const struct work *work, const struct step *pause)
{
    const struct step *end = end_of(work, pause);

    return end != NULL && end->direction == DIRECTION_DO && end->state == STEP_PENDING;
}

/* Its agent may have opened it, for want of our word: what counts is what it says since. */
static bool is_held(const struct control *control, const struct step *pause)
{
    const struct node *pooler = control_node(control, pause->plan->node);

    return pooler != NULL && node_is_current(control, pooler) &&
           node_measured_at_ms(pooler) >= pause->changed_at_ms && pooler_is_paused(pooler);
}

const char *step_pool_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    const struct work *work = scene->work;

    for (size_t i = 0; work->plan->strategy == STRATEGY_MAINTENANCE && i < scene->step->plan->id;
         i++) {
        const struct step *pause = &work->steps[i];
        bool is_left_out = pause->state == STEP_SKIPPED;

        if (pause->plan->stage != STAGE_PAUSE || is_left_out ||
            strcmp(pause->plan->shard, scene->step->plan->shard) != 0 || !stands(work, pause) ||
            (pause->state == STEP_SUCCEEDED && is_held(scene->control, pause)))
            continue;
        (void)text_format(ret, SENTENCE_SIZE, "%s has yet to say that its pool is paused",
                          pause->plan->node);
        return ret;
    }
    return NULL;
}

bool pool_was_resumed(const struct scene *scene)
{
    const struct step *step = scene->step;
    const struct node *pooler;

    if (!goes_forward(scene) || step->plan->stage != STAGE_PAUSE || !stands(scene->work, step))
        return false;
    pooler = control_node(scene->control, step->plan->node);
    return pooler != NULL && node_measured_at_ms(pooler) > step->changed_at_ms &&
           pooler_lets_through(pooler);
}
