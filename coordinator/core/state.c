#include "coordinator/core/state.h"

#include "common/base/memory.h"
#include "proto/pack.h"

#include <string.h>

struct control *control_new(const void *parent)
{
    struct control *control = memory_new(parent, struct control);

    control->catalog = memory_new(control, struct catalog);
    control->windows = memory_new(control, struct windows);
    control->counted = memory_new(control, struct counted);
    return control;
}

/* Where a node of that kind and name is, or would be. */
size_t control_node_place(const struct control *control, enum node_kind kind, const char *name)
{
    size_t low = control->kind_begin[kind];
    size_t high = control->kind_begin[kind + 1];

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(control->nodes[middle]->identity.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t control_shard_place(const struct control *control, enum node_kind kind, const char *shard,
                           const char *name)
{
    size_t low = control->kind_begin[kind];
    size_t high = control->kind_begin[kind + 1];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fact_node *its = &control->by_shard[middle]->identity;
        int order = strcmp(its->shard, shard);

        if (order < 0 || (order == 0 && strcmp(its->name, name) < 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct node *control_node(const struct control *control, const char *name)
{
    for (unsigned kind = KIND_DATABASE; kind < KIND_COUNT; kind++) {
        size_t at = control_node_place(control, (enum node_kind)kind, name);

        if (at < control->kind_begin[kind + 1] &&
            strcmp(control->nodes[at]->identity.name, name) == 0)
            return control->nodes[at];
    }
    return NULL;
}

struct target_steps work_steps_of_target(const struct work *work, const char *target)
{
    struct target_steps steps = {.ids = NULL};
    size_t low = 0;
    size_t high = work->target_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(work->plan->steps[work->by_target[middle] - 1].target, target) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < work->target_count)
        steps.ids = &work->by_target[low];
    while (low < work->target_count &&
           strcmp(work->plan->steps[work->by_target[low] - 1].target, target) == 0) {
        steps.count++;
        low++;
    }
    return steps;
}

const struct step *work_target_step(const struct work *work, const struct target_steps *of,
                                    size_t i)
{
    return &work->steps[of->ids[i] - 1];
}

const struct step *work_release_step(const struct work *work, const char *game)
{
    struct target_steps steps = work_steps_of_target(work, game);

    for (size_t i = 0; i < steps.count; i++)
        if (work_target_step(work, &steps, i)->plan->stage == STAGE_RELEASE)
            return work_target_step(work, &steps, i);
    return NULL;
}

const char *control_live(const struct control *control, const char *shard, bool of_databases)
{
    for (size_t i = 0; i < control->live_count; i++)
        if (control->lives[i].of_databases == of_databases &&
            strcmp(control->lives[i].shard, shard) == 0)
            return control->lives[i].colour;
    return "";
}

bool control_hold_is_over(const struct control *control)
{
    const struct rollout *open = control->open;
    const struct rollout_options *options = &open->work.plan->options;

    return !options->hold || open->hold_is_released ||
           (options->hold_ms != 0 && control->now_ms - open->holding_at_ms >= options->hold_ms);
}

static int compare_goal(const struct goal *goal, const char *shard, const char *node)
{
    int order = strcmp(goal->shard, shard);

    return order != 0 ? order : strcmp(goal->node, node);
}

size_t control_goal_place(const struct control *control, const char *shard, const char *node)
{
    size_t low = 0;
    size_t high = control->goal_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_goal(&control->goals[middle], shard, node) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct goal *control_goal(const struct control *control, const char *shard, const char *node)
{
    size_t at = control_goal_place(control, shard, node);

    return at < control->goal_count && compare_goal(&control->goals[at], shard, node) == 0
               ? &control->goals[at]
               : NULL;
}

const struct catalog_release *catalog_release(const struct catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->release_count; i++)
        if (strcmp(catalog->releases[i].name, name) == 0)
            return &catalog->releases[i];
    return NULL;
}

size_t catalog_revision(const struct catalog *catalog, const char *name)
{
    size_t i = 0;

    while (i < catalog->revision_count && strcmp(catalog->revisions[i].name, name) != 0)
        i++;
    return i;
}

const struct plan_shard *plan_shard_named(const struct plan_shard *shards, size_t count,
                                          const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(shards[i].name, name) == 0)
            return &shards[i];
    return NULL;
}

const struct summary *control_summary(const struct control *control, uint64_t rollout)
{
    for (size_t i = 0; i < control->summary_count; i++)
        if (control->summaries[i]->rollout == rollout)
            return control->summaries[i];
    return NULL;
}

struct work *control_work(const struct control *control, uint64_t repair)
{
    if (repair == 0)
        return control->open == NULL ? NULL : &control->open->work;
    for (size_t i = 0; i < control->node_count; i++)
        if (control->nodes[i]->repair != NULL && control->nodes[i]->repair->repair == repair)
            return control->nodes[i]->repair;
    return NULL;
}

struct step *work_step(const struct work *work, uint64_t id)
{
    return id == 0 || id > work->count ? NULL : &work->steps[id - 1];
}

bool names_contain(const struct name_item *items, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].name, name) == 0)
            return true;
    return false;
}

bool catalog_is_same(const struct catalog *a, const struct catalog *b)
{
    struct text *left = text_new(NULL, SIZE_MAX);
    struct text *right = text_new(NULL, SIZE_MAX);
    bool is_same;

    pack_record(&catalog_record, a, left);
    pack_record(&catalog_record, b, right);
    is_same = left->size == right->size && memcmp(left->data, right->data, left->size) == 0;
    talloc_free(left);
    talloc_free(right);
    return is_same;
}

uint64_t control_term(const struct control *control)
{
    return control->term;
}

const char *control_journal(const struct control *control)
{
    return control->journal;
}
