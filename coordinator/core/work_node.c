/* work_node.c: what a plan's steps make of one game node. */
#include "coordinator/core/step.h"
#include "coordinator/core/work.h"

static bool was_ordered(const struct step *step)
{
    return step->state != STEP_PENDING && step->state != STEP_DUE && step->state != STEP_SKIPPED;
}

/* A drain takes it out from its first order on; undone, it is back. */
static bool drain_holds(const struct step *step)
{
    if (step->direction == DIRECTION_DO)
        return was_ordered(step);
    return step->state != STEP_SUCCEEDED && step->state != STEP_SKIPPED;
}

/* Going back, what has not been taken back yet still holds. */
static bool admit_holds(const struct step *step)
{
    if (step->direction == DIRECTION_DO)
        return step->state == STEP_SUCCEEDED;
    return step->state == STEP_PENDING || step->state == STEP_DUE;
}

static bool is_unfinished(const struct step *step)
{
    return step->direction == DIRECTION_UNDO
               ? !step_is_settled(step)
               : step->state != STEP_SUCCEEDED && step->state != STEP_SKIPPED;
}

static bool is_begun(const struct step *step)
{
    return step->direction == DIRECTION_UNDO
               ? !step_is_settled(step)
               : step->state != STEP_PENDING && step->state != STEP_DUE;
}

struct node_in_plan work_node_in_plan(const struct work *work, const char *game)
{
    struct target_steps steps = work_steps_of_target(work, game);
    struct node_in_plan in = {.is_out = false};
    bool is_drained = false;
    bool is_admitted = true;
    bool has_admit = false;

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(work, &steps, i);

        if (step->plan->stage == STAGE_DRAIN)
            is_drained = is_drained || drain_holds(step);
        if (step->plan->stage == STAGE_ADMIT) {
            has_admit = true;
            is_admitted = is_admitted && admit_holds(step);
        }
        if (step->plan->undo_only)
            continue;
        in.was_touched |= is_begun(step);
        in.is_unfinished |= is_unfinished(step);
    }
    in.is_unfinished &= in.was_touched;
    in.is_out = is_drained && !(has_admit && is_admitted);
    return in;
}
