/* step_gate.c: when a gate has seen enough. */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/gate.h"

#include <string.h>

#define GATE_SAMPLES_MIN 2

static bool is_gate(const struct scene *scene)
{
    return step_gate(scene->step) != GATE_NONE;
}

bool gate_is_hold(const struct scene *scene)
{
    return scene->step->plan->gate == GATE_HOLD;
}

bool gate_goes_back(const struct scene *scene)
{
    return is_gate(scene) && goes_back(scene);
}

bool gate_passes(const struct scene *scene)
{
    const struct gate_record *gate = &scene->step->gate_record;
    const struct step *step = scene->step;

    if (step_gate(step) == GATE_NONE)
        return false;
    if (step_gate(step) == GATE_HOLD)
        return scene->control->open->state == ROLLOUT_COMPLETING;
    if (gate->verdict != VERDICT_PASS || !gate_holds(scene->control, step) ||
        (step->direction == DIRECTION_DO ? !goes_forward(scene) : !goes_back(scene)))
        return false;
    if (step->direction == DIRECTION_UNDO || step_gate(step) == GATE_OUT)
        return true; /* one healthy sample; being out needs no steadiness */
    return gate->passing_count >= GATE_SAMPLES_MIN &&
           scene->control->now_ms - gate->passing_since_ms >= step->plan->steady_ms;
}

static bool is_late(const struct scene *scene)
{
    bool moves = scene->step->direction == DIRECTION_DO ? goes_forward(scene) : goes_back(scene);

    return is_gate(scene) && step_gate(scene->step) != GATE_HOLD && moves &&
           scene->control->now_ms >= scene->step->deadline_at_ms;
}

/* A pause orders nothing new; what it sees going wrong counts all the same. */
static bool is_judged(const struct scene *scene)
{
    const struct rollout *open = scene->control->open;

    return goes_forward(scene) ||
           (scene->work->repair == 0 && open != NULL && open->state == ROLLOUT_PAUSED &&
            scene->step->direction == DIRECTION_DO);
}

bool gate_fails(const struct scene *scene)
{
    const struct gate_record *gate = &scene->step->gate_record;

    /* What is not out yet is waited for: only time fails it. */
    if (step_gate(scene->step) != GATE_HOLD && is_gate(scene) && is_judged(scene) &&
        step_gate(scene->step) != GATE_OUT && step_gate(scene->step) != GATE_AGREE &&
        gate->failing_count > scene->work->plan->options.failures_max)
        return true;
    return is_late(scene) && gate->verdict == VERDICT_FAIL;
}

bool gate_is_late(const struct scene *scene)
{
    return is_late(scene);
}

bool others_are_ready(const struct scene *scene)
{
    uint64_t min_ready = scene->work->plan->options.min_ready;

    return scene->step->plan->target[0] != '\0' &&
           fleet_count(scene->control, scene->step->plan->shard).ready >=
               (min_ready > 0 ? min_ready : 1);
}

bool gate_is_late_for_one_of_several(const struct scene *scene)
{
    return is_late(scene) && others_are_ready(scene);
}
