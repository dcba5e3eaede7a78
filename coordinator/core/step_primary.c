/* step_primary.c: what another primary than the one that was ordered shows. */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/twin.h"

#include <string.h>

/* What it has is what the shard had before the rollout that is taken back. */
static bool is_as_before(const struct scene *scene, const struct database_report *database)
{
    const struct summary *undone = control_summary(scene->control, scene->work->plan->inverse_of);
    const struct plan_shard *before =
        undone == NULL
            ? NULL
            : plan_shard_named(undone->shards, undone->shard_count, scene->step->plan->shard);

    if (before == NULL || before->expanded_count != database->applied_count ||
        before->contracted_count != database->contracted_count)
        return false;
    for (size_t i = 0; i < before->expanded_count; i++)
        if (!names_contain(database->applied, database->applied_count, before->expanded[i].name))
            return false;
    for (size_t i = 0; i < before->contracted_count; i++)
        if (!names_contain(database->contracted, database->contracted_count,
                           before->contracted[i].name))
            return false;
    return true;
}

static bool primary_has(const struct scene *scene, const struct node *primary)
{
    const struct database_report *database = &primary->report->database;
    const char *revision = scene->step->plan->revision;

    switch (step_task(scene->step)) {
    case TASK_EXPAND:
        return names_contain(database->applied, database->applied_count, revision);
    case TASK_BACKFILL:
        return names_contain(database->expanded, database->expanded_count, revision);
    case TASK_REVERT:
        return !names_contain(database->applied, database->applied_count, revision);
    case TASK_CONTRACT:
        return names_contain(database->contracted, database->contracted_count, revision);
    case TASK_RESTORE:
        return is_as_before(scene, database);
    case TASK_NONE:
    case TASK_PREFLIGHT:
    case TASK_AWAIT_REPLAY:
    case TASK_VERIFY:
    case TASK_BACKUP:
    case TASK_CLONE:
    case TASK_REHEARSE:
    case TASK_DISCARD:
    case TASK_FOLLOW:
    case TASK_UNFOLLOW:
    case TASK_CLOSE_WRITES:
    case TASK_OPEN_WRITES:
    case TASK_DRAIN_WAL:
    case TASK_COMPARE:
    case TASK_SEQUENCES:
    case TASK_REVERSE:
    case TASK_UNREVERSE:
    case TASK_CLOSE:
    case TASK_END_SESSIONS:
    case TASK_ALLOW_SESSIONS:
    case TASK_RELEASE:
    case TASK_SMOKE:
    case TASK_DRAIN:
    case TASK_ADMIT:
    case TASK_ISOLATE:
    case TASK_SWITCH:
    case TASK_ANNOUNCE:
    case TASK_NOTIFY:
    case TASK_RECALL:
    case TASK_PAUSE_POOL:
    case TASK_RESUME_POOL:
    case TASK_POINT_POOL:
    case TASK_COUNT:
        break;
    }
    return false;
}

/* Another database than the one that was ordered: what is not there will not come by itself. */
static const struct node *successor(const struct scene *scene)
{
    const struct node *primary;

    if (!primary_has_changed(scene))
        return NULL;
    primary = step_primary(scene->control, scene->step);
    return node_measured_at_ms(primary) >= scene->step->changed_at_ms ? primary : NULL;
}

/* Steps of one database for itself; those of the primary go where the primary is. */
bool database_was_overtaken(const struct scene *scene)
{
    enum task task = step_task(scene->step);
    const struct node *node = control_node(scene->control, scene->step->plan->node);

    return goes_forward(scene) && task_row(task)->kind == KIND_DATABASE &&
           !task_row(task)->on_primary && node != NULL && node->quarantine == QUARANTINE_BEHIND;
}

bool primary_shows_it_done(const struct scene *scene)
{
    const struct node *primary = successor(scene);

    return primary != NULL && primary_has(scene, primary);
}

bool new_primary_lacks_it(const struct scene *scene)
{
    const struct node *primary = successor(scene);

    return primary != NULL && !primary_has(scene, primary) && goes_on(scene);
}

/* It was done, and a database that never received it has become the primary. */
bool step_was_forgotten(const struct control *control, const struct work *work,
                        const struct step *step)
{
    const struct scene scene = {.control = control, .work = work, .step = step};
    const struct plan_shard *shard = work_shard(work, step->plan->shard);
    const struct node *primary = step_primary(control, step);

    return step_is_task(step) && task_row(step_task(step))->on_primary &&
           (step->plan->revision[0] != '\0' || step->plan->task == TASK_RESTORE) &&
           step->state == STEP_SUCCEEDED && !step->is_kept && primary != NULL && shard != NULL &&
           primary->report->database.timeline > twin_timeline(shard, step->plan->side) &&
           node_measured_at_ms(primary) > step->changed_at_ms && !primary_has(&scene, primary);
}

bool primary_forgot_it(const struct scene *scene)
{
    return goes_forward(scene) && scene->work->repair == 0 &&
           step_was_forgotten(scene->control, scene->work, scene->step);
}

/* A promotion undid the undoing. */
bool primary_has_it_again(const struct scene *scene)
{
    return goes_back(scene) && step_was_forgotten(scene->control, scene->work, scene->step);
}
