/* fleet_pool.c: what poolers say, and whose pauses they are to keep. */
#include "coordinator/core/fleet.h"

#include <string.h>

bool node_is_pooler(const struct node *node, const char *shard)
{
    return node->identity.kind == KIND_EDGE && node->identity.is_pooler &&
           strcmp(node->identity.shard, shard) == 0;
}

bool pooler_is_paused(const struct node *pooler)
{
    const struct report *report = pooler->report;

    for (size_t i = 0; report != NULL && i < report->pool_count; i++)
        if (!report->pools[i].could_measure || !report->pools[i].is_paused)
            return false;
    return report != NULL && report->pool_count > 0;
}

bool pooler_lets_through(const struct node *pooler)
{
    const struct report *report = pooler->report;

    for (size_t i = 0; report != NULL && i < report->pool_count; i++)
        if (report->pools[i].could_measure && !report->pools[i].is_paused)
            return true;
    return false;
}

uint64_t fleet_standing_pauses(const struct control *control)
{
    const struct rollout *open = control->open;
    bool goes_on =
        open != NULL && (open->state == ROLLOUT_ADVANCING || open->state == ROLLOUT_HOLDING ||
                         open->state == ROLLOUT_COMPLETING || open->state == ROLLOUT_REVERTING);

    return goes_on ? open->work.plan->rollout : 0;
}
