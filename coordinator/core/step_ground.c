/* step_ground.c: what becomes of game nodes when a promotion, or a backup, takes the schema away
 * that the new release stands on: nobody is admitted or switched, who is in traffic on the new
 * release is taken out down to min_ready, and all of it is done again once the schema is expanded
 * there (design, section 4, "Failover in the middle").
 */
#include "coordinator/core/step_scene.h"

#include "common/base/text.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"

#include <string.h>

/* Only such a plan has steps that could bring back what is lost. */
static bool expands(const struct plan *plan)
{
    return (plan->strategy == STRATEGY_ROLLING || plan->strategy == STRATEGY_BLUE_GREEN ||
            plan->strategy == STRATEGY_MAINTENANCE) &&
           plan->revision_count > 0;
}

/* The shard's new primary does not have all that the plan expands: it is ordered again there, in
 * the plan's order, and comes or fails. */
static bool shard_lost_ground(const struct control *control, const struct plan *plan,
                              const struct plan_shard *shard)
{
    const struct node *primary = fleet_primary(control, shard->name);
    const struct database_report *database;

    if (primary == NULL || primary->report->database.timeline <= shard->timeline)
        return false;
    database = &primary->report->database;
    for (size_t i = 0; i < plan->revision_count; i++)
        if (!names_contain(database->expanded, database->expanded_count, plan->revisions[i].name))
            return true;
    return false;
}

bool work_has_lost_ground(const struct control *control, const struct work *work)
{
    for (size_t i = 0; expands(work->plan) && i < work->plan->shard_count; i++)
        if (shard_lost_ground(control, work->plan, &work->plan->shards[i]))
            return true;
    return false;
}

static bool ground_is_lost(const struct scene *scene)
{
    const struct plan_shard *shard = work_shard(scene->work, scene->step->plan->shard);

    return shard != NULL && expands(scene->work->plan) &&
           shard_lost_ground(scene->control, scene->work->plan, shard);
}

static bool stands_on_the_schema(const struct scene *scene)
{
    const struct step *step = scene->step;
    static const enum stage stages[] = {STAGE_DRAIN, STAGE_RELEASE, STAGE_HEALTHY,
                                        STAGE_SMOKE, STAGE_ADMIT,   STAGE_SOAK};

    /* A maintenance closes the shard before it has the schema. */
    if (step->plan->stage == STAGE_DRAIN && scene->work->plan->strategy == STRATEGY_MAINTENANCE)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (step->plan->stage == stages[i])
            return step->plan->target[0] != '\0';
    return false;
}

/* The step of that stage for the same game node, on the same edge if it is an edge's. */
static const struct step *sibling(const struct scene *scene, enum stage stage)
{
    const struct plan_step *own = scene->step->plan;
    struct target_steps steps = work_steps_of_target(scene->work, own->target);

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(scene->work, &steps, i);

        if (step->plan->stage == stage && strcmp(step->plan->node, own->node) == 0)
            return step;
    }
    return NULL;
}

static bool is_forward(const struct step *step, enum step_state state)
{
    return step != NULL && step->direction == DIRECTION_DO && step->state == state;
}

bool step_is_second_drain(const struct scene *scene)
{
    return scene->work->repair == 0 && scene->step->plan->stage == STAGE_DRAIN &&
           is_forward(scene->step, STEP_DUE) &&
           is_forward(sibling(scene, STAGE_ADMIT), STEP_SUCCEEDED);
}

bool ground_is_gone(const struct scene *scene)
{
    const struct step *step = scene->step;

    return scene->work->repair == 0 && stands_on_the_schema(scene) && goes_forward(scene) &&
           !(step->state == STEP_RUNNING && step_is_task(step)) && !step_is_second_drain(scene) &&
           (ground_is_lost(scene) ||
            (step->state == STEP_RUNNING && step_that_is_needed(scene) != NULL));
}

/* Who rests breaks nobody, and is not switched to before the schema is there; a switch that is
 * under way ends first. */
static bool takes_traffic(const struct scene *scene)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);

    for (size_t i = 0; i < scene->work->count; i++) {
        const struct step *step = &scene->work->steps[i];

        if (step->plan->stage == STAGE_SWITCH && step->state != STEP_SUCCEEDED &&
            strcmp(step->plan->shard, scene->step->plan->shard) == 0)
            return false;
    }
    return game == NULL || !colour_rests(scene->control, game);
}

bool stands_on_lost_schema(const struct scene *scene)
{
    return scene->work->repair == 0 && scene->step->plan->stage == STAGE_DRAIN &&
           goes_forward(scene) && is_forward(sibling(scene, STAGE_ADMIT), STEP_SUCCEEDED) &&
           ground_is_lost(scene) && takes_traffic(scene);
}

bool schema_is_back(const struct scene *scene)
{
    return goes_forward(scene) && step_is_second_drain(scene) && !ground_is_lost(scene);
}

bool was_taken_out_again(const struct scene *scene)
{
    const struct step *drain =
        scene->work->repair == 0 && scene->step->plan->stage == STAGE_ADMIT && goes_forward(scene)
            ? sibling(scene, STAGE_DRAIN)
            : NULL;

    return drain != NULL && drain->direction == DIRECTION_DO && step_is_open(drain);
}
