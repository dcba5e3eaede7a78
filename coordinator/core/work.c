#include "coordinator/core/work.h"

#include "common/base/memory.h"
#include "coordinator/core/step.h"

#include <assert.h>
#include <stdlib.h>
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

static int compare_shards(const void *left, const void *right)
{
    return strcmp((*(const struct plan_shard *const *)left)->name,
                  (*(const struct plan_shard *const *)right)->name);
}

static void index_shards(struct work *work)
{
    const struct plan *plan = work->plan;

    work->shards_by_name = memory_array(work->steps, const struct plan_shard *, plan->shard_count);
    for (size_t i = 0; i < plan->shard_count; i++)
        work->shards_by_name[i] = &plan->shards[i];
    if (plan->shard_count > 1)
        qsort(work->shards_by_name, plan->shard_count, sizeof(work->shards_by_name[0]),
              compare_shards);
}

const struct plan_shard *work_shard(const struct work *work, const char *name)
{
    size_t low = 0;
    size_t high = work->plan->shard_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(work->shards_by_name[middle]->name, name);

        if (order == 0)
            return work->shards_by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct shard_progress *work_progress(const struct work *work, const char *shard)
{
    const struct plan_shard *found = work_shard(work, shard);

    return found == NULL ? NULL : &work->progress[found - work->plan->shards];
}

/* What a shard has arrived by: a colour that is switched on is admitted before that. */
static bool is_arrival(const struct work *work, const struct step *step)
{
    return step->plan->stage ==
           (work->plan->strategy == STRATEGY_BLUE_GREEN ? STAGE_SWITCH : STAGE_ADMIT);
}

static bool is_admitted(const struct step *step)
{
    return step->direction == DIRECTION_DO &&
           (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED);
}

/* The count that an admit, or a switch, belongs to; NULL: none. */
static uint64_t *admitted_of(const struct work *work, const struct step *step)
{
    struct shard_progress *progress =
        is_arrival(work, step) && is_admitted(step) ? work_progress(work, step->plan->shard) : NULL;

    return progress == NULL ? NULL : &progress->admitted;
}

/* ---- who sleeps ---- */

#define WORD_BITS 64

static size_t word_count(const struct work *work)
{
    return (work->count + WORD_BITS - 1) / WORD_BITS;
}

struct step *work_next_awake(const struct work *work, size_t *cursor)
{
    while (*cursor < work->count) {
        uint64_t word = work->vigil.awake[*cursor / WORD_BITS] >> *cursor % WORD_BITS;
        size_t at = *cursor;

        if (word == 0) {
            *cursor = (at / WORD_BITS + 1) * WORD_BITS;
            continue;
        }
        at += (size_t)__builtin_ctzll(word);
        *cursor = at + 1;
        return at < work->count ? &work->steps[at] : NULL;
    }
    return NULL;
}

static void wake(struct work *work, size_t index)
{
    work->vigil.awake[index / WORD_BITS] |= UINT64_C(1) << index % WORD_BITS;
}

void work_sleep(struct work *work, size_t index)
{
    work->vigil.awake[index / WORD_BITS] &= ~(UINT64_C(1) << index % WORD_BITS);
}

void work_wake_all(struct work *work)
{
    memset(work->vigil.awake, 0xff, word_count(work) * sizeof(work->vigil.awake[0]));
}

/* ---- counting ---- */

static bool is_cut(const struct step *step)
{
    return (step->plan->stage == STAGE_ISOLATE || step->plan->stage == STAGE_SEVER) &&
           step->direction == DIRECTION_UNDO && step->state == STEP_SUCCEEDED;
}

static void count_step(struct census *census, const struct step *step, size_t change)
{
    census->steps[step->direction][step->state] += change;
    census->left_out += step->is_left_out ? change : 0;
    census->kept += step->is_kept ? change : 0;
    census->cut += is_cut(step) ? change : 0;
}

#define ONE_LESS SIZE_MAX /* unsigned: it wraps around to one less */

void work_leave(struct work *work, const struct step *step)
{
    uint64_t *admitted = admitted_of(work, step);

    count_step(&work->census, step, ONE_LESS);
    if (admitted != NULL)
        (*admitted)--;
}

void work_enter(struct work *work, const struct step *step)
{
    uint64_t *admitted = admitted_of(work, step);

    count_step(&work->census, step, 1);
    if (admitted != NULL)
        (*admitted)++;
    wake(work, step->plan->id - 1);
    for (size_t i = 0; i < step->dependent_count; i++)
        wake(work, step->dependents[i] - 1);
}

struct census work_recount(const struct work *work)
{
    struct census census = {.left_out = 0};

    for (size_t i = 0; i < work->count; i++)
        count_step(&census, &work->steps[i], 1);
    return census;
}

size_t work_count(const struct work *work, uint32_t in)
{
    size_t count = 0;

    for (unsigned direction = 0; direction < 2; direction++)
        for (unsigned state = 0; state < STEP_COUNT_; state++)
            if ((in & STEP_IN(direction, state)) != 0)
                count += work->census.steps[direction][state];
    return count;
}

/* ---- building ---- */

void work_build(struct work *work, void *parent)
{
    work->count = work->plan->step_count;
    work->steps = memory_array(parent, struct step, work->count);
    work->progress = memory_array(work->steps, struct shard_progress, work->plan->shard_count);
    index_shards(work);
    for (size_t i = 0; i < work->count; i++) {
        struct step *step = &work->steps[i];

        step->plan = &work->plan->steps[i];
        if (step->plan->gate == GATE_HOLD)
            work->hold = step->plan->id;
        if (is_arrival(work, step) && work_progress(work, step->plan->shard) != NULL)
            work_progress(work, step->plan->shard)->admits++;
    }
    work->census = (struct census){.steps[DIRECTION_DO][STEP_PENDING] = work->count};
    work->vigil = (struct vigil){.awake = memory_array(work->steps, uint64_t, word_count(work))};
    work_wake_all(work);
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
