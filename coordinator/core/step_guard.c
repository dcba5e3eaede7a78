/* step_guard.c: when a step goes forward, is ordered, tried again, and taken back. */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/twin.h"
#include "coordinator/core/work.h"

#include <string.h>

/* ---- movement ---- */

bool goes_forward(const struct scene *scene)
{
    return scene->step->direction == DIRECTION_DO &&
           work_movement(scene->control, scene->work) == MOVES_FORWARD;
}

bool goes_back(const struct scene *scene)
{
    return work_movement(scene->control, scene->work) == MOVES_BACK;
}

/* An earlier attempt may have done something, even if the next one was never ordered. */
bool goes_back_untouched(const struct scene *scene)
{
    return goes_back(scene) && !scene->step->had_effect;
}

bool goes_on(const struct scene *scene)
{
    return !(work_is_turned_back(scene) && scene->step->direction == DIRECTION_DO);
}

/* Whether leaving `need` out leaves `step` without ground: a game node's chain carries only itself.
 */
static bool skip_spreads(const struct step *need, const struct step *step)
{
    return need->state == STEP_SKIPPED && need->is_left_out && need->plan->target[0] != '\0' &&
           strcmp(need->plan->target, step->plan->target) == 0 &&
           (need->plan->stage == STAGE_RELEASE || need->plan->stage == STAGE_HEALTHY ||
            need->plan->stage == STAGE_ADMIT);
}

const struct step *step_that_is_needed(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    for (size_t i = 0; i < plan->need_count; i++) {
        const struct step *need = work_step(scene->work, plan->needs[i]);

        if (need->direction != DIRECTION_DO ||
            (need->state != STEP_SUCCEEDED && need->state != STEP_SKIPPED))
            return need;
    }
    return NULL;
}

static bool needs_are_over(const struct scene *scene)
{
    return step_that_is_needed(scene) == NULL;
}

/* Some schema of its shard was left out, by a person or because of another: what comes after it
 * there has no ground, however far apart they are in the plan. */
static bool shard_left_out_schema(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    if (scene->work->census.left_out == 0)
        return false;
    for (size_t i = 0; plan->shard[0] != '\0' && i + 1 < plan->id; i++) {
        const struct step *before = &scene->work->steps[i];

        if ((before->plan->stage == STAGE_EXPAND || before->plan->stage == STAGE_BACKFILL) &&
            before->state == STEP_SKIPPED && before->is_left_out &&
            strcmp(before->plan->shard, plan->shard) == 0)
            return true;
    }
    return false;
}

static bool has_lost_ground(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    for (size_t i = 0; i < plan->need_count; i++)
        if (skip_spreads(work_step(scene->work, plan->needs[i]), scene->step))
            return true;
    return shard_left_out_schema(scene);
}

bool goes_forward_over_undo_only(const struct scene *scene)
{
    return goes_forward(scene) && scene->step->plan->undo_only && needs_are_over(scene);
}

bool goes_forward_over_left_out(const struct scene *scene)
{
    return goes_forward(scene) && scene->step->is_left_out && needs_are_over(scene);
}

bool goes_forward_over_skipped(const struct scene *scene)
{
    return goes_forward(scene) && needs_are_over(scene) && has_lost_ground(scene);
}

bool goes_forward_with_needs_met(const struct scene *scene)
{
    return goes_forward(scene) && needs_are_over(scene) && !ground_is_gone(scene);
}

bool may_open_gate(const struct scene *scene)
{
    if (step_gate(scene->step) == GATE_NONE)
        return false;
    return scene->step->direction == DIRECTION_DO ? goes_forward(scene) : goes_back(scene);
}

/* ---- waiting ---- */

bool may_order(const struct scene *scene)
{
    char why[SENTENCE_SIZE];
    bool moves = scene->step->direction == DIRECTION_DO ? goes_forward(scene) : goes_back(scene);

    return moves && step_is_task(scene->step) && step_order_fault(scene, why) == NULL;
}

#define OPEN(direction)                                                                            \
    (STEP_IN(direction, STEP_ORDERED) | STEP_IN(direction, STEP_RUNNING) |                         \
     STEP_IN(direction, STEP_UNKNOWN))

static bool work_has_open_step(const struct work *work)
{
    return work_count(work, OPEN(DIRECTION_DO) | OPEN(DIRECTION_UNDO)) > 0;
}

bool step_waits_for_lost(const struct control *control, const struct work *work,
                         const struct step *step)
{
    const char *name = step_is_open(step) ? step->node : step_node(control, step);
    const struct node *node = control_node(control, name);

    return step->direction == DIRECTION_DO && work->repair == 0 && step_is_task(step) &&
           (step->state == STEP_DUE || step->state == STEP_UNKNOWN) &&
           work->plan->options.on_lost == ON_LOST_WAIT && control->now_ms >= step->deadline_at_ms &&
           (node == NULL || node->link != LINK_ONLINE);
}

bool step_waits_for_sessions(const struct control *control, const struct work *work,
                             const struct step *step)
{
    const struct rollout_options *options = &work->plan->options;

    return step->plan->task == TASK_DRAIN && step->direction == DIRECTION_DO && work->repair == 0 &&
           step_is_open(step) && !fleet_is_going_back(control) &&
           options->on_drain_late == ON_DRAIN_LATE_WAIT &&
           control->now_ms - step->started_at_ms >= options->drain_ms;
}

/* Waiting for others is fine as long as something goes on. */
bool waited_too_long(const struct scene *scene)
{
    const struct step *step = scene->step;
    bool moves = step->direction == DIRECTION_DO ? goes_forward(scene) : goes_back(scene);
    char why[SENTENCE_SIZE];

    return moves && scene->control->now_ms >= step->deadline_at_ms &&
           step_window_fault(scene, why) == NULL &&
           !step_waits_for_lost(scene->control, scene->work, step) &&
           !work_has_open_step(scene->work);
}

/* ---- orders under way ---- */

bool goes_back_and_can_cancel(const struct scene *scene)
{
    return goes_back(scene) && step_is_task(scene->step) && !scene->step->is_cancelling &&
           task_row(step_task(scene->step))->can_be_cancelled;
}

/* A copy that nobody uses is given up whatever became of what was done on it; its agent does one
 * after the other, or, if it is lost, gives it up once it is back. */
static bool is_of_a_copy(const struct scene *scene)
{
    enum task task = scene->step->plan->task;

    return task == TASK_REHEARSE || task == TASK_DISCARD || task == TASK_COMPARE ||
           (node_is_lost(scene) && (task == TASK_CLONE || twin_is_migrated(scene)));
}

bool goes_back_over_harmless(const struct scene *scene)
{
    enum task task = scene->step->plan->task;

    return goes_back(scene) &&
           (task == TASK_PREFLIGHT || task == TASK_VERIFY || task == TASK_AWAIT_REPLAY ||
            task == TASK_SMOKE || task == TASK_DRAIN_WAL || task == TASK_SEQUENCES ||
            is_of_a_copy(scene) || (task == TASK_NOTIFY && node_is_lost(scene)));
}

/* It may believe that it is being drained: its repair starts it anew.  Nobody else waits for it. */
bool server_cannot_be_told(const struct scene *scene)
{
    const struct step *step = scene->step;
    const struct node *game = control_node(scene->control, step->plan->node);

    if (!goes_back(scene) || step->direction != DIRECTION_UNDO || step->plan->undo != TASK_RECALL)
        return false;
    if (step->state != STEP_DUE && step->state != STEP_UNKNOWN)
        return true;
    return game == NULL || game->link == LINK_LOST ||
           (step->state == STEP_DUE && waited_too_long(scene));
}

/* Nobody is held up by a copy whose agent is gone: it is given up by that agent itself. */
bool copy_may_be_left(const struct scene *scene)
{
    const struct step *step = scene->step;
    const char *primary = step_node(scene->control, step);
    const char *name = step_is_open(step)   ? step->node
                       : primary[0] != '\0' ? primary
                                            : step->plan->node;
    const struct node *node = control_node(scene->control, name);

    return goes_back(scene) && step->direction == DIRECTION_UNDO &&
           (step->plan->undo == TASK_DISCARD || step->plan->undo == TASK_UNFOLLOW) &&
           (node == NULL || node->link == LINK_LOST);
}

/* Whoever holds a transaction open is cut off with the others when writes are closed. */
bool pause_may_be_left(const struct scene *scene)
{
    return goes_back(scene) && scene->step->direction == DIRECTION_UNDO &&
           scene->step->plan->undo == TASK_PAUSE_POOL;
}

bool primary_has_changed(const struct scene *scene)
{
    const struct node *primary;

    if (!step_is_task(scene->step) || !task_row(step_task(scene->step))->on_primary)
        return false;
    primary = step_primary(scene->control, scene->step);
    return primary != NULL && strcmp(primary->identity.name, scene->step->node) != 0;
}

bool deadline_has_passed(const struct scene *scene)
{
    return step_is_task(scene->step) && scene->control->now_ms >= scene->step->deadline_at_ms;
}

bool has_time_left(const struct scene *scene)
{
    return !scene->step->is_cancelling && scene->control->now_ms < scene->step->deadline_at_ms &&
           goes_on(scene);
}

bool node_is_lost(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->node);

    return step_is_task(scene->step) && (node == NULL || node->link == LINK_LOST);
}

/* Some tasks have a day: who would wait that long for an agent that has forgotten them? */
bool its_ledger_is_new(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->node);

    return step_is_task(scene->step) && node != NULL &&
           node->ledger_changed_at_ms > scene->step->changed_at_ms;
}

bool is_time_to_resend(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->node);

    return step_is_task(scene->step) && node != NULL && node->link == LINK_ONLINE &&
           node->is_adopted && scene->control->now_ms - scene->step->sent_at_ms >= RESEND_MS;
}

bool is_time_to_ask(const struct scene *scene)
{
    return step_is_task(scene->step) &&
           scene->control->now_ms - scene->step->asked_at_ms >= INQUIRE_MS;
}

/* This process has not sent the order: another term did. */
bool step_was_ordered_by_predecessor(const struct scene *scene)
{
    return scene->step->sent_at_ms == 0 && goes_on(scene);
}

bool may_try_again(const struct scene *scene)
{
    const struct step_event *event = scene->event;
    bool may_help = event->is_retryable || event->type == STEP_WAS_INTERRUPTED ||
                    event->type == STEP_WAS_SUPERSEDED;

    return may_help && goes_on(scene) && !scene->step->is_cancelling &&
           scene->step->tries < scene->work->plan->options.retries;
}

/* ---- the way back ---- */

bool target_is_isolated(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    return goes_back(scene) && plan->stage != STAGE_ISOLATE && plan->stage != STAGE_SEVER &&
           work_has_isolated(scene->work, plan->target);
}

bool isolation_is_not_needed(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;
    const struct node *game;

    if (!goes_back(scene) || (plan->stage != STAGE_ISOLATE && plan->stage != STAGE_SEVER))
        return false;
    if (plan->stage == STAGE_SEVER &&
        work_steps_of_target_are(scene->work, plan->target, STAGE_ISOLATE, STEP_SUCCEEDED))
        return false; /* begun is gone through with */
    game = control_node(scene->control, plan->target);
    return game == NULL || node_is_clear(scene, game);
}

/* The gate before it gave the node up: letting it in all the same would be no repair. */
bool target_is_still_unhealthy(const struct scene *scene)
{
    const struct node *game;
    char why[SENTENCE_SIZE];

    if (!goes_back(scene) || scene->step->plan->stage != STAGE_DRAIN)
        return false;
    game = control_node(scene->control, scene->step->plan->target);
    return game != NULL && game->quarantine == QUARANTINE_HEALTH && game->link == LINK_ONLINE &&
           node_probes(game, why) != VERDICT_PASS &&
           work_steps_of_target_are(scene->work, scene->step->plan->target, STAGE_OUT,
                                    STEP_SKIPPED);
}

bool cannot_be_admitted_in_time(const struct scene *scene)
{
    return scene->step->plan->stage == STAGE_DRAIN && waited_too_long(scene) &&
           others_are_ready(scene);
}

bool replica_may_be_left(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->plan->node);

    if (!goes_back(scene) || scene->step->direction != DIRECTION_UNDO ||
        scene->step->plan->undo != TASK_AWAIT_REPLAY)
        return false;
    if (scene->step->state == STEP_DUE)
        return node == NULL || node->link == LINK_LOST;
    return true;
}

static bool has_nothing_to_undo(const struct step *step)
{
    if (step->plan->undo == TASK_NONE)
        return step->plan->undo_gate == GATE_NONE;
    return !step->had_effect && !step->plan->undo_only;
}

/* Game nodes go back side by side: only going forward do waves wait for each other. */
static bool is_of_another_game(const struct step *step, const struct step *dependent)
{
    return step->plan->target[0] != '\0' && dependent->plan->target[0] != '\0' &&
           strcmp(step->plan->target, dependent->plan->target) != 0;
}

static bool dependents_are_settled(const struct scene *scene)
{
    for (size_t i = 0; i < scene->step->dependent_count; i++) {
        const struct step *dependent = work_step(scene->work, scene->step->dependents[i]);
        bool is_last_resort =
            scene->step->plan->stage == STAGE_DRAIN && dependent->plan->stage == STAGE_OUT &&
            dependent->direction == DIRECTION_UNDO && dependent->state == STEP_FAILED;

        /* The last node is admitted even if it is unhealthy: better than nobody. */
        if (!step_is_settled(dependent) && !is_last_resort &&
            !is_of_another_game(scene->step, dependent))
            return false;
    }
    return true;
}

/* Not before what depends on it: what has nothing to take back still stands between others. */
bool goes_back_without_undo(const struct scene *scene)
{
    return goes_back(scene) && has_nothing_to_undo(scene->step) && dependents_are_settled(scene);
}

bool goes_back_with_dependents_settled(const struct scene *scene)
{
    return goes_back(scene) && !has_nothing_to_undo(scene->step) && dependents_are_settled(scene);
}

bool step_may_be_left(const struct control *control, const struct work *work,
                      const struct step *step)
{
    const struct node *game = control_node(control, step->plan->target);
    bool has_failed =
        step->state == STEP_FAILED || step->state == STEP_REFUSED || step->state == STEP_CANCELLED;

    return work->repair == 0 && work->hold != 0 && step->plan->id > work->hold && game != NULL &&
           step->direction == DIRECTION_DO && has_failed && step->plan->stage != STAGE_DRAIN &&
           step->plan->stage != STAGE_OUT && fleet_is_out(control, game);
}

bool rests_and_may_be_left(const struct scene *scene)
{
    return step_may_be_left(scene->control, scene->work, scene->step);
}

bool later_one_was_kept(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    if (plan->task != TASK_EXPAND || scene->work->census.kept == 0 || !goes_back(scene))
        return false;
    for (size_t i = plan->id; i < scene->work->count; i++) {
        const struct step *later = &scene->work->steps[i];

        if (later->plan->task == TASK_EXPAND && later->is_kept &&
            strcmp(later->plan->shard, plan->shard) == 0)
            return true;
    }
    return false;
}
