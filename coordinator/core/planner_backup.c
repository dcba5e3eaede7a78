/* planner_backup.c: whether a plan backs up what it changes, and whether it may go without. */
#include "coordinator/core/planner_internal.h"

#include "coordinator/core/fleet.h"

static enum error_code check_shard(const struct planner *p, const struct compile_shard *shard)
{
    const struct node *primary = fleet_primary(p->control, shard->name);

    if (shard->revision_count == 0 && shard->contract_count == 0)
        return ERROR_OK;
    if (primary != NULL && primary->report->database.can_back_up)
        return ERROR_OK;
    return error_set(p->err, ERROR_REFUSED,
                     "the primary of shard %s has no folder for backups: set database.backups in "
                     "its agent's configuration, or go without with --no-backup REASON",
                     shard->name);
}

enum error_code planner_choose_backups(struct planner *p, const struct request *request)
{
    struct rollout_options *options = &p->plan->options;

    if (request->in_production && options->no_backup[0] == '\0')
        options->backup = true;
    if (p->plan->strategy == STRATEGY_SHADOW || !planner_moves_schema(p))
        options->backup = false; /* nothing is changed that would have to come back */
    for (size_t i = 0; options->backup && i < p->shard_count; i++)
        if (check_shard(p, &p->shards[i]) != ERROR_OK)
            return p->err->code;
    return ERROR_OK;
}
