/* planner_back.c: plans that bring back: a closed rollout's inverse, and a node's repair. */
#include "coordinator/core/planner_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"

#include <assert.h>
#include <string.h>

/* ---- the way back ---- */

/* What the rollout expanded, and the shard still has. */
static void choose_reverts(struct planner *p, struct compile_shard *shard,
                           const struct plan_shard *now, const struct plan_shard *before,
                           const struct summary *summary)
{
    struct plan_revision *reverts =
        memory_array(p->parent, struct plan_revision, summary->revision_count);

    assert(now != NULL);
    for (size_t i = 0; i < summary->revision_count; i++)
        if (names_contain(now->expanded, now->expanded_count, summary->revisions[i].name) &&
            !names_contain(before->expanded, before->expanded_count, summary->revisions[i].name))
            reverts[shard->revision_count++] = summary->revisions[i];
    shard->revisions = reverts;
}

static enum error_code walk_back(struct planner *p, const struct compile_shard *shard,
                                 const struct plan_shard *now, size_t at)
{
    const struct node *game = shard->games[at];
    struct name_item *left = memory_array(p->parent, struct name_item, now->expanded_count);
    struct schema schema = {now->expanded, now->expanded_count, now->contracted,
                            now->contracted_count};
    const char *old =
        shard->own_releases[at][0] != '\0' ? shard->own_releases[at] : game->report->release;

    if (planner_walk_step(p, game, old, &schema, "after it goes back") != ERROR_OK)
        return p->err->code;
    schema.expanded = left;
    schema.expanded_count = 0;
    for (size_t i = 0; i < now->expanded_count; i++) {
        bool is_reverted = false;

        for (size_t r = 0; r < shard->revision_count; r++)
            is_reverted |= strcmp(shard->revisions[r].name, now->expanded[i].name) == 0;
        if (!is_reverted)
            left[schema.expanded_count++] = now->expanded[i];
    }
    return planner_walk_step(p, game, old, &schema, "after the schema is reverted");
}

/* It goes back to where it broke nobody, whatever it ran. */
static bool rested_before(const struct plan_shard *before, const struct node *game)
{
    return before->colour[0] != '\0' && strcmp(game->identity.colour, before->live) != 0;
}

static enum error_code choose_way_back(struct planner *p, size_t at, const struct summary *summary)
{
    struct compile_shard *shard = &p->shards[at];
    const struct plan_shard *now = &p->plan->shards[at];
    const struct plan_shard *before =
        plan_shard_named(summary->shards, summary->shard_count, shard->name);
    bool differs = false;

    if (before == NULL)
        return ERROR_OK; /* it joined since: nothing of it to take back */
    shard->own_releases = memory_array(p->parent, const char *, shard->game_count);
    for (size_t i = 0; i < shard->game_count; i++) {
        shard->own_releases[i] = fleet_release_before(before, shard->games[i]->identity.name);
        differs |= shard->own_releases[i][0] != '\0' &&
                   strcmp(shard->games[i]->report->release, shard->own_releases[i]) != 0;
    }
    shard->release = differs ? before->release : "";
    if (p->plan->release[0] == '\0')
        (void)text_copy(p->plan->release, NAME_SIZE, before->release);
    if (planner_choose_colour_back(p, at, before) != ERROR_OK)
        return p->err->code;
    choose_reverts(p, shard, now, before, summary);
    for (size_t g = 0; g < shard->game_count; g++)
        if (!rested_before(before, shard->games[g]) && walk_back(p, shard, now, g) != ERROR_OK)
            return p->err->code;
    return ERROR_OK;
}

enum error_code planner_inverse(const struct control *control, const struct summary *summary,
                                const struct request *request, const void *parent, struct plan *ret,
                                struct error *err)
{
    struct plan plan = {.strategy = STRATEGY_INVERSE, .inverse_of = summary->rollout};
    struct planner p = {.control = control, .parent = parent, .plan = &plan, .err = err};

    if (planner_begin(&p, request) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < p.shard_count; i++)
        if (choose_way_back(&p, i, summary) != ERROR_OK)
            return err->code;
    if (planner_has_nothing_to_do(&p))
        return error_set(err, ERROR_REFUSED,
                         "nothing to do: rollout %llu left nothing to take back",
                         (unsigned long long)summary->rollout);
    planner_collect_revisions(&p);
    if (planner_finish(&p) != ERROR_OK)
        return err->code;
    *ret = plan;
    return ERROR_OK;
}

/* ---- repair ---- */

static void cut_down(struct plan *plan, enum repair_extent extent, bool is_told)
{
    size_t count = 0;

    for (size_t i = 0; i < plan->step_count; i++) {
        enum stage stage = plan->steps[i].stage;

        if ((extent == REPAIR_OUT && stage != STAGE_DRAIN) ||
            (extent == REPAIR_IN && stage != STAGE_ADMIT && !(is_told && stage == STAGE_RECALL)))
            continue;
        if (extent == REPAIR_IN)
            plan->steps[i].need_count = 0;
        plan->steps[count] = plan->steps[i];
        plan->steps[count].id = count + 1;
        count++;
    }
    plan->step_count = count;
}

void planner_repair(const struct control *control, const struct node *game,
                    enum repair_extent extent, const void *parent, struct plan *ret)
{
    struct plan plan = {.strategy = STRATEGY_REPAIR};
    struct compile_shard shard = {.name = game->identity.shard,
                                  .games = &game,
                                  .game_count = 1,
                                  .release = fleet_goal(control, game)};
    struct plan_shard *before = memory_new(parent, struct plan_shard);
    struct error err;

    if (shard.release[0] == '\0' && game->report != NULL)
        shard.release = game->report->release; /* nothing better is known: what it runs */
    if (shard.release[0] == '\0')
        shard.release = "unknown";
    planner_defaults(&plan.options);
    (void)text_copy(before->name, NAME_SIZE, game->identity.shard);
    plan.shards = before;
    plan.shard_count = 1;
    (void)text_copy(plan.release, NAME_SIZE, shard.release);
    plan.options.waves = memory_array(parent, uint32_t, 1);
    plan.options.waves[0] = 1;
    plan.options.wave_count = 1;
    if (compile_steps(control, &shard, 1, parent, &plan, &err) != ERROR_OK)
        plan.step_count = 0; /* one node's steps cannot reach the limit */
    cut_down(&plan, extent, game->is_told);
    *ret = plan;
}
