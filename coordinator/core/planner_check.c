/* planner_check.c: who must be there, and be left, for a plan. */
#include "coordinator/core/fleet.h"
#include "coordinator/core/planner_internal.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/twin.h"

#include <string.h>

bool planner_knows_shard(const struct planner *p, const char *name)
{
    for (size_t i = 0; i < p->shard_count; i++)
        if (strcmp(p->shards[i].name, name) == 0)
            return true;
    return false;
}

/* It would take no order. */
static enum error_code check_obedience(struct planner *p, const struct node *node)
{
    const char *refusal = text_kept(&node->refusal);

    if (node->is_adopted)
        return ERROR_OK;
    if (refusal[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "%s has not adopted this coordinator's term yet: try again",
                         node->identity.name);
    return error_set(p->err, ERROR_REFUSED, "%s takes no orders from this coordinator: %.800s",
                     node->identity.name, refusal);
}

/* Whether it carries players or database connections an operator has said; its agent drives one. */
static enum error_code check_edge(struct planner *p, const struct node *node)
{
    bool has_pools = node->report->pool_count > 0;

    if (node->identity.kind != KIND_EDGE || has_pools == node->identity.is_pooler)
        return ERROR_OK;
    if (has_pools)
        return error_set(p->err, ERROR_REFUSED,
                         "%s drives a connection pooler and was let in as a load balancer: accept "
                         "its key again with --pooler",
                         node->identity.name);
    return error_set(p->err, ERROR_REFUSED,
                     "%s was let in as a connection pooler, and its agent drives none: accept its "
                     "key again without --pooler, or mend its configuration",
                     node->identity.name);
}

/* Everybody who takes part must be there before anything begins. */
enum error_code planner_check_presence(struct planner *p)
{
    for (size_t i = 0; i < p->control->node_count; i++) {
        const struct node *node = p->control->nodes[i];

        if (node->quarantine != QUARANTINE_NONE || fleet_leaves_out(p->plan, node->identity.name) ||
            !twin_takes_part(p->control, p->plan, node))
            continue;
        if (!node_is_known(node))
            return error_set(p->err, ERROR_REFUSED,
                             "%s is %s%s: bring it back, or leave it out (`hakem node remove %s`)",
                             node->identity.name, word_of(&link_state_names, node->link),
                             node->report != NULL && !node->report->could_measure
                                 ? " but cannot measure its node"
                                 : "",
                             node->identity.name);
        if (check_obedience(p, node) != ERROR_OK || check_edge(p, node) != ERROR_OK)
            return p->err->code;
        if (node_runs_nothing(node))
            return error_set(p->err, ERROR_REFUSED,
                             "%s answers, but its game server does not: start that, or leave it "
                             "out (--except %s)",
                             node->identity.name, node->identity.name);
    }
    for (size_t i = 0; i < p->plan->options.except_count; i++)
        if (control_node(p->control, p->plan->options.except[i].name) == NULL)
            return error_set(p->err, ERROR_NOT_FOUND, "no node is called %s",
                             p->plan->options.except[i].name);
    if (p->plan->options.canary[0] != '\0' && !planner_knows_shard(p, p->plan->options.canary) &&
        control_node(p->control, p->plan->options.canary) == NULL)
        return error_set(p->err, ERROR_NOT_FOUND, "no node or shard is called %s",
                         p->plan->options.canary);
    return ERROR_OK;
}

enum error_code planner_check_capacity(struct planner *p)
{
    for (size_t i = 0; i < p->shard_count; i++) {
        const struct compile_shard *shard = &p->shards[i];

        if (p->plan->release[0] != '\0' && shard->game_count == 0 &&
            fleet_count(p->control, shard->name).games > p->plan->options.except_count)
            return error_set(p->err, ERROR_REFUSED,
                             "every game node of shard %s is quarantined: see `hakem node list`",
                             shard->name);
        /* In a maintenance all are taken out: how many are ready before does not matter. */
        if (strategy_closes(p->plan->strategy))
            continue;
        if (shard->release[0] == '\0' || shard->game_count == 0 ||
            (shard->colour != NULL && shard->colour[0] != '\0'))
            continue; /* who is made ready takes no traffic */
        if (fleet_count(p->control, shard->name).ready <= p->plan->options.min_ready)
            return error_set(p->err, ERROR_REFUSED,
                             "shard %s has %llu ready game nodes and %llu must stay ready: none "
                             "could be taken out",
                             shard->name,
                             (unsigned long long)fleet_count(p->control, shard->name).ready,
                             (unsigned long long)p->plan->options.min_ready);
    }
    return ERROR_OK;
}
