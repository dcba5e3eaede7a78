/* planner_restore.c: the plan that brings back by backups, where contracts have left no other way.
 */
#include "coordinator/core/planner_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/restore.h"

#include <string.h>

/* Everybody is out at once: there is nobody whom one release could serve. */
static void choose_options(struct planner *p)
{
    struct rollout_options *options = &p->plan->options;

    options->min_ready = 0;
    options->max_unavailable = PLAN_GAMES_MAX;
    options->waves = memory_array(p->parent, uint32_t, 1);
    options->waves[0] = PLAN_SHARE + 100;
    options->wave_count = 1;
    options->hold = false;
    options->shadow = options->backup = false;
    options->accept_data_loss = true;
}

/* One row at least: a shard that was only contracted is restored as well. */
static void choose_revisions(struct planner *p, struct compile_shard *shard,
                             const struct summary *summary)
{
    struct plan_revision *revisions =
        memory_array(p->parent, struct plan_revision, summary->revision_count + 1);

    for (size_t i = 0; i < summary->revision_count; i++)
        revisions[i] = summary->revisions[i];
    shard->revisions = revisions;
    shard->revision_count = summary->revision_count > 0 ? summary->revision_count : 1;
}

/* It would be let in by its repair, after everybody else was taken out. */
static enum error_code check_repairs(struct planner *p, const char *shard)
{
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(p->control, KIND_GAME, shard, &cursor)) != NULL)
        if (game->repair != NULL ||
            (game->quarantine != QUARANTINE_NONE && !fleet_is_out(p->control, game)))
            return error_set(p->err, ERROR_REFUSED,
                             "%s is being repaired, and everybody has to be out for a restore: "
                             "wait until it is in traffic, or take it out with `hakem node drain "
                             "%s`",
                             game->identity.name, game->identity.name);
    return ERROR_OK;
}

static enum error_code choose_shard(struct planner *p, size_t at, const struct summary *summary)
{
    struct compile_shard *shard = &p->shards[at];
    const struct plan_shard *before =
        plan_shard_named(summary->shards, summary->shard_count, shard->name);
    char why[SENTENCE_SIZE];

    if (before == NULL)
        return ERROR_OK; /* it joined since: nothing of it to take back */
    if (check_repairs(p, shard->name) != ERROR_OK)
        return p->err->code;
    shard->own_releases = memory_array(p->parent, const char *, shard->game_count);
    for (size_t i = 0; i < shard->game_count; i++)
        shard->own_releases[i] = fleet_release_before(before, shard->games[i]->identity.name);
    shard->release = before->release;
    if (p->plan->release[0] == '\0')
        (void)text_copy(p->plan->release, NAME_SIZE, before->release);
    if (!restore_is_needed(&p->plan->shards[at], before))
        return ERROR_OK;
    if (restore_fault(p->control, summary, before, why) != NULL)
        return error_set(p->err, ERROR_REFUSED, "%s", why);
    choose_revisions(p, shard, summary);
    return ERROR_OK;
}

enum error_code planner_restore(const struct control *control, const struct summary *summary,
                                const struct request *request, const void *parent, struct plan *ret,
                                struct error *err)
{
    struct plan plan = {.strategy = STRATEGY_RESTORE, .inverse_of = summary->rollout};
    struct planner p = {.control = control, .parent = parent, .plan = &plan, .err = err};

    if (planner_begin(&p, request) != ERROR_OK)
        return err->code;
    choose_options(&p);
    for (size_t i = 0; i < p.shard_count; i++)
        if (choose_shard(&p, i, summary) != ERROR_OK)
            return err->code;
    if (planner_has_nothing_to_do(&p))
        return error_set(err, ERROR_REFUSED,
                         "nothing to do: every shard stands as before rollout %llu",
                         (unsigned long long)summary->rollout);
    planner_collect_revisions(&p);
    if (planner_finish(&p) != ERROR_OK)
        return err->code;
    *ret = plan;
    return ERROR_OK;
}
