/* planner_shadow.c: where a plan is rehearsed, and whether it may go without. */
#include "coordinator/core/planner_internal.h"

#include "coordinator/core/fleet.h"

#include <string.h>

/* A replica by preference: the copy is made at its expense, not at the players'. */
static const struct node *node_to_copy(const struct planner *p, const char *shard)
{
    const struct node *primary = fleet_primary(p->control, shard);
    const struct node *node;
    size_t cursor = 0;

    while ((node = fleet_next(p->control, KIND_DATABASE, shard, &cursor)) != NULL)
        if (node != primary && node->quarantine == QUARANTINE_NONE && node_is_known(node) &&
            node->report->database.can_shadow && fleet_is_of_side(p->control, node, ""))
            return node;
    return primary != NULL && primary->report->database.can_shadow ? primary : NULL;
}

bool planner_moves_schema(const struct planner *p)
{
    for (size_t i = 0; i < p->shard_count; i++)
        if (p->shards[i].revision_count > 0 || p->shards[i].contract_count > 0)
            return true;
    return false;
}

enum error_code planner_choose_shadows(struct planner *p)
{
    bool is_wanted = p->plan->options.shadow || p->plan->strategy == STRATEGY_SHADOW;

    for (size_t i = 0; is_wanted && i < p->shard_count; i++) {
        struct compile_shard *shard = &p->shards[i];
        const struct node *node = node_to_copy(p, shard->name);

        if (shard->revision_count == 0 && shard->contract_count == 0)
            continue; /* nothing of its schema moves */
        if (node == NULL)
            return error_set(p->err, ERROR_REFUSED,
                             "no database of shard %s has a scratch folder for a shadow: set "
                             "database.scratch in the configuration of an agent there, a "
                             "replica's by preference",
                             shard->name);
        shard->shadow_node = node->identity.name;
    }
    if (!planner_moves_schema(p))
        p->plan->options.shadow = false; /* there would be nothing to rehearse */
    return ERROR_OK;
}

static bool is_same_target(const struct plan *plan, const struct summary *summary)
{
    return summary->is_rehearsed && strcmp(summary->bundle, plan->bundle) == 0 &&
           strcmp(summary->revision, plan->revision) == 0 &&
           strcmp(summary->contracts_for, plan->contracts_for) == 0;
}

/* The newest. */
static uint64_t rehearsal_of(const struct planner *p)
{
    for (size_t i = p->control->summary_count; i > 0; i--)
        if (is_same_target(p->plan, p->control->summaries[i - 1]))
            return p->control->summaries[i - 1]->rollout;
    return 0;
}

enum error_code planner_check_rehearsal(struct planner *p, const struct request *request)
{
    const struct rollout_options *options = &p->plan->options;

    if (p->plan->strategy == STRATEGY_SHADOW || !planner_moves_schema(p))
        return ERROR_OK;
    p->plan->rehearsed_by = rehearsal_of(p);
    if (!request->in_production || options->shadow || options->no_rehearsal[0] != '\0' ||
        p->plan->rehearsed_by != 0)
        return ERROR_OK;
    return error_set(p->err, ERROR_REFUSED,
                     "in production a plan is rehearsed first, and no shadow has completed with "
                     "these files to %s%s%s: `--strategy shadow` does it by itself, `--shadow` in "
                     "front of this rollout, `--no-rehearsal REASON` goes without",
                     p->plan->revision, p->plan->contracts_for[0] != '\0' ? " and release " : "",
                     p->plan->contracts_for);
}
