/* step_clear.c: whether a game node could still be running what a revert would break. */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"

#include "common/base/text.h"

#include <string.h>

bool work_steps_of_target_are(const struct work *work, const char *target, enum stage stage,
                              enum step_state state)
{
    struct target_steps steps = work_steps_of_target(work, target);
    bool has_one = false;

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(work, &steps, i);

        if (step->plan->stage != stage)
            continue;
        has_one = true;
        if (step->direction != DIRECTION_UNDO || step->state != state)
            return false;
    }
    return has_one;
}

bool work_has_isolated(const struct work *work, const char *game)
{
    return game[0] != '\0' && work->census.cut > 0 &&
           work_steps_of_target_are(work, game, STAGE_ISOLATE, STEP_SUCCEEDED) &&
           work_steps_of_target_are(work, game, STAGE_SEVER, STEP_SUCCEEDED);
}

/* Its release step leaves no doubt that it runs what the revert leaves ground for. Going back that
 * is a step that never had an effect, or was undone; in an inverse it is one that succeeded. */
static bool release_is_sure(const struct work *work, const char *game)
{
    const struct step *release = work_release_step(work, game);

    if (release == NULL)
        return true;
    if (work->plan->strategy == STRATEGY_INVERSE)
        return release->direction == DIRECTION_DO && release->state == STEP_SUCCEEDED;
    return !release->had_effect || step_is_settled(release);
}

/* The plan says what it runs: it switches it, or leaves it as it is on purpose. */
static bool plan_has_release(const struct work *work, const struct node *node)
{
    const char *game = node->identity.name;

    if (colour_is_left(work->plan, node) && work_steps_of_target(work, game).count > 0 &&
        !colour_is_beyond_the_plan(work, node))
        return true;
    return work_release_step(work, game) != NULL;
}

/* Its present release can use what the revert leaves. */
static bool release_suits_revert(const struct scene *scene, const struct node *game)
{
    const struct work *work = scene->work;
    const struct node *primary = fleet_primary(scene->control, game->identity.shard);
    struct name_item left[PLAN_REVISIONS_MAX * 2];
    const struct database_report *database;
    struct schema schema = {.expanded = left};
    char why[SENTENCE_SIZE];
    const struct catalog_release *release;

    if (primary == NULL || game->report == NULL)
        return false;
    release = catalog_release(scene->control->catalog, game->report->release);
    if (release == NULL)
        return false;
    /* Of E only `needs` matters: it must be there, and not among what is taken back. */
    database = &primary->report->database;
    for (size_t i = 0; i < work->plan->revision_count; i++)
        if (strcmp(work->plan->revisions[i].name, release->needs) == 0)
            return false;
    if (!names_contain(database->applied, database->applied_count, release->needs))
        return false;
    (void)text_copy(left[0].name, NAME_SIZE, release->needs);
    schema.expanded_count = 1;
    schema.contracted = database->contracted;
    schema.contracted_count = database->contracted_count;
    return compat_fault(scene->control->catalog, game->report->release, &schema, why) == NULL;
}

/* The game node can't be running what the revert would break: design, section 4. */
bool node_is_clear(const struct scene *scene, const struct node *game)
{
    const struct work *work = scene->work;
    const char *name = game->identity.name;

    if (work_has_isolated(work, name))
        return true;
    if (!release_is_sure(work, name))
        return false;
    /* Never ordered to change, or taken back for sure. */
    if (plan_has_release(work, game) && (game->link != LINK_ONLINE || node_runs_nothing(game)))
        return true;
    return game->report != NULL && release_suits_revert(scene, game);
}

static const struct node *node_that_is_not_clear(const struct scene *scene)
{
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(scene->control, KIND_GAME, scene->step->plan->shard, &cursor)) !=
           NULL)
        if (!node_is_clear(scene, game))
            return game;
    return NULL;
}

const char *clear_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    const struct node *game = node_that_is_not_clear(scene);

    if (game == NULL)
        return NULL;
    (void)text_format(
        ret, SENTENCE_SIZE,
        "%s could still run the new release: it must be taken back, or cut off, first",
        game->identity.name);
    return ret;
}
