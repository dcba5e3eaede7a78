/* reason.c: why something waits, in a sentence.  Every waiting state has one. */
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_guard.h"

#include <string.h>

static void say_needs(const struct work *work, const struct step *step, char *ret)
{
    for (size_t i = 0; i < step->plan->need_count; i++) {
        const struct step *need = work_step(work, step->plan->needs[i]);

        if (need->state == STEP_SUCCEEDED || need->state == STEP_SKIPPED)
            continue;
        (void)text_format(ret, SENTENCE_SIZE, "waits for step %llu, %s %s",
                          (unsigned long long)need->plan->id,
                          word_of(&stage_names, need->plan->stage),
                          need->plan->target[0] != '\0' ? need->plan->target : need->plan->node);
        return;
    }
    (void)text_copy(ret, SENTENCE_SIZE, "waits for the rollout to go on");
}

static void say_dependents(const struct work *work, const struct step *step, char *ret)
{
    for (size_t i = 0; i < step->dependent_count; i++) {
        const struct step *dependent = work_step(work, step->dependents[i]);

        if (step_is_settled(dependent))
            continue;
        (void)text_format(
            ret, SENTENCE_SIZE, "waits until step %llu, %s %s, is taken back",
            (unsigned long long)dependent->plan->id, word_of(&stage_names, dependent->plan->stage),
            dependent->plan->target[0] != '\0' ? dependent->plan->target : dependent->plan->node);
        return;
    }
    (void)text_copy(ret, SENTENCE_SIZE, "to be taken back");
}

static void say_order(const struct control *control, const struct work *work,
                      const struct step *step, char *ret)
{
    static const struct step_event tick = {.type = STEP_TICK};
    struct scene scene = {.control = control, .work = work, .step = step, .event = &tick};
    char why[SENTENCE_SIZE];
    const char *fault = step_is_task(step) ? step_order_fault(&scene, why) : NULL;

    (void)text_copy(ret, SENTENCE_SIZE, fault != NULL ? fault : "can be ordered");
}

/* Until when, and what then: it never hangs without a word. */
static void say_sessions(const struct control *control, const struct work *work,
                         const struct step *step, char *ret)
{
    const struct rollout_options *options = &work->plan->options;
    uint64_t late_ms = control->now_ms - step->started_at_ms - options->drain_ms;
    uint64_t left_ms = late_ms < options->drain_max_ms ? options->drain_max_ms - late_ms : 0;

    (void)text_format(ret, SENTENCE_SIZE,
                      "%.127s: the drain's deadline passed %llu s ago, and games in progress are "
                      "waited for (--on-drain-late wait) for another %llu s; then the step fails "
                      "and %s",
                      step->progress[0] != '\0' ? step->progress : "sessions have not ended",
                      (unsigned long long)late_ms / 1000, (unsigned long long)left_ms / 1000,
                      options->on_failure == ON_FAILURE_HALT ? "the rollout halts"
                                                             : "everything goes back");
}

void step_reason(const struct control *control, const struct work *work, const struct step *step,
                 char ret[static SENTENCE_SIZE])
{
    bool is_gate = step->state == STEP_RUNNING && step_gate(step) != GATE_NONE;

    if (is_gate)
        (void)text_copy(ret, SENTENCE_SIZE,
                        step_gate(step) == GATE_HOLD         ? "holding before the first contract"
                        : step->gate_record.why.copy != NULL ? text_kept(&step->gate_record.why)
                                                             : "waits for the first report");
    else if (step->state == STEP_PENDING && step->direction == DIRECTION_DO)
        say_needs(work, step, ret);
    else if (step->state == STEP_PENDING)
        say_dependents(work, step, ret);
    else if (step->state == STEP_DUE)
        say_order(control, work, step, ret);
    else if (step->state == STEP_RUNNING && step_waits_for_sessions(control, work, step))
        say_sessions(control, work, step, ret);
    else if (step->state == STEP_UNKNOWN)
        (void)text_format(ret, SENTENCE_SIZE, "%s does not say what became of it: it is asked on",
                          step->node);
    else if (step->state == STEP_ORDERED)
        (void)text_format(ret, SENTENCE_SIZE, "%s has not answered yet", step->node);
    else if (step->state == STEP_RUNNING)
        (void)text_copy(ret, SENTENCE_SIZE, step->progress[0] != '\0' ? step->progress : "at work");
    else
        (void)text_copy(ret, SENTENCE_SIZE, text_kept(&step->detail));
}

static const struct step *first_waiting(const struct control *control, const struct work *work)
{
    const struct step *best = NULL;

    for (size_t i = 0; i < work->count; i++)
        if (step_waits_for_sessions(control, work, &work->steps[i]))
            return &work->steps[i]; /* what a person is called for */
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step_is_open(step))
            return step;
        if (best == NULL && step->state == STEP_DUE)
            best = step;
    }
    return best;
}

static void say_first_step(const struct control *control, char *ret)
{
    const struct work *work = &control->open->work;
    const struct step *step = first_waiting(control, work);
    char why[SENTENCE_SIZE];

    if (step == NULL) {
        (void)text_copy(ret, SENTENCE_SIZE, control->open->why);
        return;
    }
    step_reason(control, work, step, why);
    (void)text_format(ret, SENTENCE_SIZE, "step %llu, %s %s: %.800s",
                      (unsigned long long)step->plan->id, word_of(&stage_names, step->plan->stage),
                      step->plan->target[0] != '\0' ? step->plan->target : step->plan->node, why);
}

static void say_holding(const struct control *control, char *ret)
{
    const struct rollout *open = control->open;
    const struct rollout_options *options = &open->work.plan->options;
    char why[SENTENCE_SIZE];

    if (options->hold && !open->hold_is_released && options->hold_ms == 0)
        (void)text_copy(ret, SENTENCE_SIZE,
                        "holding before the first contract: `hakem rollout complete` goes on, "
                        "`hakem rollback` goes back");
    else if (options->hold && !open->hold_is_released &&
             control->now_ms - open->holding_at_ms < options->hold_ms)
        (void)text_format(
            ret, SENTENCE_SIZE, "holding for another %llu s",
            (unsigned long long)(options->hold_ms - (control->now_ms - open->holding_at_ms)) /
                1000);
    else if (rollout_primaries_fault(control, why) != NULL)
        (void)text_format(ret, SENTENCE_SIZE, "not done yet: %.900s", why);
    else if (rollout_contract_fault(control, why) != NULL)
        (void)text_format(ret, SENTENCE_SIZE, "no contract yet: %.900s", why);
    else if (rollout_is_stopped_by_window(control)) {
        rollout_say_window(control, why);
        (void)text_format(ret, SENTENCE_SIZE, "no contract is begun now: %.900s", why);
    } else
        (void)text_copy(ret, SENTENCE_SIZE, "about to contract");
}

void rollout_reason(const struct control *control, char ret[static SENTENCE_SIZE])
{
    char why[SENTENCE_SIZE];

    if (rollout_way_back_fault(control, why) != NULL) {
        (void)text_format(
            ret, SENTENCE_SIZE,
            "there is no way back without losing writes: %.800s; mend it, or let the "
            "rollout complete%s",
            why, control->open->state == ROLLOUT_HOLDING ? " (`hakem rollout complete`)" : "");
        return;
    }
    switch (control->open->state) {
    case ROLLOUT_ADVANCING:
    case ROLLOUT_COMPLETING:
    case ROLLOUT_REVERTING:
        say_first_step(control, ret);
        return;
    case ROLLOUT_HOLDING:
        say_holding(control, ret);
        return;
    case ROLLOUT_PLANNED:
        (void)text_copy(ret, SENTENCE_SIZE, "planned: `hakem rollout start` begins it");
        return;
    case ROLLOUT_PAUSED:
    case ROLLOUT_HALTED:
    case ROLLOUT_STUCK:
    case ROLLOUT_COMPLETED:
    case ROLLOUT_REVERTED:
    case ROLLOUT_ABANDONED:
    case ROLLOUT_CANCELLED:
    case ROLLOUT_COUNT_:
        break;
    }
    (void)text_copy(ret, SENTENCE_SIZE, control->open->why);
}
