#include "coordinator/core/work.h"

#include "common/base/memory.h"

#include <assert.h>
#include <string.h>

/* A rollout's or a repair's steps, from its plan, which becomes part of work. */
static void link_dependents(struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct plan_step *plan = work->steps[i].plan;

        for (size_t n = 0; n < plan->need_count; n++)
            work_step(work, plan->needs[n])->dependent_count++;
    }
    for (size_t i = 0; i < work->count; i++) {
        struct step *step = &work->steps[i];

        step->dependents = memory_array(work->steps, uint32_t, step->dependent_count);
        step->dependent_count = 0;
    }
    for (size_t i = 0; i < work->count; i++) {
        const struct plan_step *plan = work->steps[i].plan;

        for (size_t n = 0; n < plan->need_count; n++) {
            struct step *need = work_step(work, plan->needs[n]);

            need->dependents[need->dependent_count++] = (uint32_t)plan->id;
        }
    }
}

/* Merges two sorted halves; ids stay in order within a target. */
static void merge_targets(const struct work *work, uint32_t *ids, uint32_t *spare, size_t count)
{
    size_t half = count / 2;
    size_t left = 0;
    size_t right = half;

    for (size_t i = 0; i < count; i++) {
        bool takes_left = right == count ||
                          (left < half && strcmp(work->plan->steps[ids[left] - 1].target,
                                                 work->plan->steps[ids[right] - 1].target) <= 0);

        spare[i] = ids[takes_left ? left++ : right++];
    }
    memcpy(ids, spare, count * sizeof(ids[0]));
}

/* As deep as the logarithm of the number of steps.  NOLINTNEXTLINE(misc-no-recursion) */
static void sort_targets(const struct work *work, uint32_t *ids, uint32_t *spare, size_t count)
{
    if (count < 2)
        return;
    sort_targets(work, ids, spare, count / 2);
    sort_targets(work, ids + count / 2, spare, count - count / 2);
    merge_targets(work, ids, spare, count);
}

static void index_targets(struct work *work)
{
    uint32_t *spare = memory_array(work->steps, uint32_t, work->count);

    work->by_target = memory_array(work->steps, uint32_t, work->count);
    work->target_count = 0;
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->target[0] != '\0')
            work->by_target[work->target_count++] = (uint32_t)i + 1;
    sort_targets(work, work->by_target, spare, work->target_count);
    talloc_free(spare);
}

static struct shard_progress *progress_of(const struct work *work, const char *shard)
{
    for (size_t i = 0; i < work->plan->shard_count; i++)
        if (strcmp(work->plan->shards[i].name, shard) == 0)
            return &work->progress[i];
    return NULL;
}

/* What a shard has arrived by: a colour that is switched on is admitted before that. */
static bool is_arrival(const struct work *work, const struct step *step)
{
    return step->plan->stage ==
           (work->plan->strategy == STRATEGY_BLUE_GREEN ? STAGE_SWITCH : STAGE_ADMIT);
}

bool work_is_admitted(const struct step *step)
{
    return step->direction == DIRECTION_DO &&
           (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED);
}

void work_count_admit(struct work *work, const struct step *step, bool was_admitted)
{
    struct shard_progress *progress =
        is_arrival(work, step) ? progress_of(work, step->plan->shard) : NULL;

    if (progress == NULL)
        return;
    progress->admitted -= was_admitted;
    progress->admitted += work_is_admitted(step);
}

void work_build(struct work *work, void *parent)
{
    work->count = work->plan->step_count;
    work->steps = memory_array(parent, struct step, work->count);
    work->progress = memory_array(work->steps, struct shard_progress, work->plan->shard_count);
    for (size_t i = 0; i < work->count; i++) {
        struct step *step = &work->steps[i];

        step->plan = &work->plan->steps[i];
        if (step->plan->gate == GATE_HOLD)
            work->hold = step->plan->id;
        if (is_arrival(work, step) && progress_of(work, step->plan->shard) != NULL)
            progress_of(work, step->plan->shard)->admits++;
    }
    link_dependents(work);
    index_targets(work);
}

/* Needs point backwards, so that the graph has no cycle; ids are positions. */
bool work_plan_is_sound(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        if (plan->steps[i].id != i + 1)
            return false;
        for (size_t n = 0; n < plan->steps[i].need_count; n++)
            if (plan->steps[i].needs[n] == 0 || plan->steps[i].needs[n] > i)
                return false;
    }
    return true;
}

void work_move_deadlines(struct work *work, uint64_t by_ms)
{
    for (size_t i = 0; i < work->count; i++) {
        struct step *step = &work->steps[i];

        uint64_t left = step->plan->deadline_ms - step->moved_ms;
        uint64_t moves = by_ms < left ? by_ms : left;

        if (step->deadline_at_ms == 0)
            continue;
        step->deadline_at_ms += moves;
        step->moved_ms += moves;
        assert(step->moved_ms <= step->plan->deadline_ms);
    }
}
