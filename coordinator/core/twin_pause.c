/* twin_pause.c: how long players are held back while databases are switched. */
#include "coordinator/core/twin_internal.h"

#include <string.h>

static bool is_of(const struct step *step, enum stage stage, const struct plan_shard *shard)
{
    return step->plan->stage == stage && strcmp(step->plan->shard, shard->name) == 0;
}

/* The earliest pause that was ordered, going forward; 0: none was. */
static uint64_t pause_began_at_ms(const struct work *work, const struct plan_shard *shard)
{
    uint64_t began = 0;

    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (is_of(step, STAGE_PAUSE, shard) && step->direction == DIRECTION_DO &&
            step->started_at_ms != 0 && (began == 0 || step->started_at_ms < began))
            began = step->started_at_ms;
    }
    return began;
}

/* The last resume that succeeded, once all have; 0: some pool is still held back. */
static uint64_t pause_ended_at_ms(const struct work *work, const struct plan_shard *shard)
{
    uint64_t ended = 0;

    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (!is_of(step, STAGE_RESUME, shard))
            continue;
        if (!twin_step_is_done(step))
            return 0;
        if (step->changed_at_ms > ended)
            ended = step->changed_at_ms;
    }
    return ended;
}

static uint64_t pause_ms(const struct control *control, const struct plan_shard *shard)
{
    uint64_t began = pause_began_at_ms(&control->open->work, shard);
    uint64_t ended = pause_ended_at_ms(&control->open->work, shard);

    if (began == 0)
        return 0;
    return (ended != 0 ? ended : control->now_ms) - began;
}

uint64_t twin_pause_ms(const struct control *control)
{
    const struct plan_shard *shard;
    uint64_t longest = 0;
    size_t cursor = 0;

    while ((shard = twin_next_switched(&control->open->work, &cursor)) != NULL)
        if (pause_ms(control, shard) > longest)
            longest = pause_ms(control, shard);
    return longest;
}

typedef bool shard_predicate(const struct control *control, const struct plan_shard *shard);

static bool some_switched_shard(const struct control *control, shard_predicate *is_so)
{
    const struct plan_shard *shard;
    size_t cursor = 0;

    while ((shard = twin_next_switched(&control->open->work, &cursor)) != NULL)
        if (is_so(control, shard))
            return true;
    return false;
}

static bool is_closing(const struct control *control, const struct plan_shard *shard)
{
    const struct work *work = &control->open->work;

    return pause_began_at_ms(work, shard) != 0 && pause_ended_at_ms(work, shard) == 0 &&
           !twin_step_was_ordered(
               twin_find_step(work, shard->name, STAGE_OPEN_WRITES, shard->side));
}

bool twin_is_closing(const struct control *control)
{
    return some_switched_shard(control, is_closing);
}

static bool holds_back(const struct control *control, const struct plan_shard *shard)
{
    uint64_t ended = pause_ended_at_ms(&control->open->work, shard);

    return pause_began_at_ms(&control->open->work, shard) != 0 &&
           (ended == 0 || control->now_ms - ended < SUSPECT_MS);
}

bool twin_holds_back(const struct control *control)
{
    return some_switched_shard(control, holds_back);
}

/* Opening the old side again takes a while, too: a third of the longest pause is kept for it. */
static bool is_closed_for_too_long(const struct control *control, const struct plan_shard *shard)
{
    uint64_t most_ms = control->open->work.plan->options.max_pause_ms;

    return is_closing(control, shard) && pause_ms(control, shard) >= most_ms - most_ms / 3;
}

bool twin_pause_is_too_long(const struct control *control)
{
    return some_switched_shard(control, is_closed_for_too_long);
}
