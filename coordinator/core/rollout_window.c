/* rollout_window.c: what may still be begun when the window has shut, and where a rollout may stop.
 *
 * It stops at a safe point: no game node is out of traffic by the plan, no pool is held back by it,
 * no shard is half switched, nothing is under way and nothing is to be tried again.  A maintenance
 * is one piece, from the first announcement until everybody plays.  What leads there from where it
 * is goes on; nothing else is begun.
 */
#include "coordinator/core/rollout.h"
#include "coordinator/core/step_scene.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/window.h"

#include <string.h>

static bool is_over(const struct step *step)
{
    return step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED;
}

/* Ordered at least once, going forward. */
static bool is_begun(const struct step *step)
{
    return step->direction == DIRECTION_DO && step->attempt > 0;
}

/* ---- pieces that are not left half done ---- */

static bool target_is_out(const struct work *work, const char *target)
{
    struct target_steps steps = work_steps_of_target(work, target);
    bool is_drained = false;
    bool is_admitted = true;

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(work, &steps, i);

        if (step->plan->stage == STAGE_DRAIN)
            is_drained |= is_begun(step) && step->state != STEP_SKIPPED;
        if (step->plan->stage == STAGE_ADMIT)
            is_admitted &= is_over(step);
    }
    return is_drained && !is_admitted;
}

/* Some of its edges give that much of the traffic to the other colour, and some do not. All of them
 * the same share is a state to stay in: each colour can take it. */
static bool is_half_switched(const struct work *work, const struct plan_step *plan)
{
    bool some_are = false;
    bool all_are = true;

    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage != STAGE_SWITCH || strcmp(step->plan->shard, plan->shard) != 0 ||
            step->plan->share_permille != plan->share_permille)
            continue;
        some_are |= is_begun(step);
        all_are &= is_over(step);
    }
    return some_are && !all_are;
}

/* Everybody is out, or told to be soon, and not everybody is back. */
static bool maintenance_is_begun(const struct work *work)
{
    bool is_announced = false;
    bool is_back = true;

    for (size_t i = 0; strategy_closes(work->plan->strategy) && i < work->count; i++) {
        const struct step *step = &work->steps[i];

        is_announced |= (step->plan->stage == STAGE_ANNOUNCE || step->plan->stage == STAGE_DRAIN ||
                         step->plan->stage == STAGE_PAUSE) &&
                        is_begun(step);
        if (step->plan->stage == STAGE_ADMIT || step->plan->stage == STAGE_RESUME)
            is_back &= is_over(step);
    }
    return is_announced && !is_back;
}

/* From the first pause of its pools until they point at the other database and let queries through:
 * players wait for it. */
static bool databases_are_half_switched(const struct work *work, const char *shard)
{
    bool is_paused = false;
    bool is_resumed = true;

    for (size_t i = 0; work->plan->strategy == STRATEGY_TWIN && i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (strcmp(step->plan->shard, shard) != 0)
            continue;
        is_paused |= step->plan->stage == STAGE_PAUSE && is_begun(step);
        is_resumed &= step->plan->stage != STAGE_RESUME || is_over(step);
    }
    return is_paused && !is_resumed;
}

/* A gate only looks: it is let finish.  The holding is where a rollout may stay as long as it
 * likes.
 */
static bool is_under_way(const struct step *step)
{
    if (step->state == STEP_DUE)
        return is_begun(step) || step_gate(step) != GATE_NONE;
    return step_is_open(step) && step_gate(step) != GATE_HOLD;
}

bool rollout_is_at_safe_point(const struct control *control)
{
    const struct work *work = &control->open->work;

    if (maintenance_is_begun(work))
        return false;
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (is_under_way(step))
            return false;
        if (step->plan->stage == STAGE_DRAIN && is_begun(step) &&
            target_is_out(work, step->plan->target))
            return false;
        if (step->plan->stage == STAGE_SWITCH && is_begun(step) &&
            is_half_switched(work, step->plan))
            return false;
        if (step->plan->stage == STAGE_PAUSE && is_begun(step) &&
            databases_are_half_switched(work, step->plan->shard))
            return false;
    }
    return true;
}

/* ---- the window ---- */

/* Going back is never stopped by a window. */
static bool is_bound(const struct rollout *open)
{
    return !strategy_leads_back(open->work.plan->strategy) &&
           open->work.plan->options.override_window[0] == '\0' && open->override_window[0] == '\0';
}

bool rollout_window_is_shut(const struct control *control)
{
    return is_bound(control->open) && !windows_are_open(control->windows, control->now_ms);
}

bool rollout_is_stopped_by_window(const struct control *control)
{
    return rollout_window_is_shut(control) && rollout_is_at_safe_point(control);
}

bool rollout_waits_for_window_alone(const struct control *control)
{
    return rollout_window_is_shut(control) &&
           windows_open_at_ms(control->windows, control->now_ms) != WINDOW_NEVER;
}

void rollout_say_window(const struct control *control, char ret[static SENTENCE_SIZE])
{
    windows_say(control->windows, control->now_ms, ret);
}

/* It leads to a safe point, or goes on with what was begun. */
static bool leads_to_safe_point(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    return is_begun(scene->step) || maintenance_is_begun(scene->work) ||
           (plan->target[0] != '\0' && target_is_out(scene->work, plan->target)) ||
           (plan->stage == STAGE_SWITCH && is_half_switched(scene->work, plan)) ||
           databases_are_half_switched(scene->work, plan->shard);
}

const char *step_window_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    char how[SENTENCE_SIZE];

    if (scene->work->repair != 0 || scene->step->direction != DIRECTION_DO ||
        scene->control->open->state == ROLLOUT_COMPLETING ||
        !rollout_window_is_shut(scene->control) || leads_to_safe_point(scene))
        return NULL;
    rollout_say_window(scene->control, how);
    (void)text_format(ret, SENTENCE_SIZE, "not begun now: %.900s", how);
    return ret;
}
