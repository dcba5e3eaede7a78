/* planner_colour.c: whether a shard can give its traffic to another colour, and which one. */
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/planner_internal.h"

#include <string.h>

/* Behind another colour than the one that it was accepted as, it would be switched with the wrong
 * ones. */
static enum error_code check_game_at(struct planner *p, const struct node *edge,
                                     const struct node *game)
{
    const struct server_traffic *server = edge_server(edge, game->identity.name);

    if (server == NULL || game->identity.colour[0] == '\0' || /* said of it by itself */
        strcmp(server->colour, game->identity.colour) == 0)
        return ERROR_OK;
    return error_set(p->err, ERROR_REFUSED,
                     "%s was accepted as %s, and %s has it among the %s ones: correct the edge, or "
                     "accept the node anew with its --colour",
                     game->identity.name, game->identity.colour, edge->identity.name,
                     server->colour[0] == '\0' ? "colourless" : server->colour);
}

static enum error_code check_edge(struct planner *p, const struct node *edge, const char *shard)
{
    const struct node *game;
    size_t cursor = 0;

    if (!node_is_known(edge) || edge->report->live[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "%s carries shard %s and knows no colours: name them in its agent's "
                         "configuration, or use the strategy rolling",
                         edge->identity.name, shard);
    if (edge->identity.shard[0] == '\0' && p->shard_count > 1)
        return error_set(
            p->err, ERROR_REFUSED,
            "%s carries the traffic of every shard, and would switch all of it at once: "
            "accept it anew with a --shard of its own",
            edge->identity.name);
    if (p->plan->options.share_count > 0 && !edge->report->can_split)
        return error_set(p->err, ERROR_REFUSED,
                         "%s cannot give a share of its traffic to another colour: add what "
                         "docs/strategies.md says of splitting to it, or go without --share",
                         edge->identity.name);
    if (edge->report->share_permille > 0)
        return error_set(p->err, ERROR_REFUSED,
                         "%s already gives %llu of 1000 requests to %s: give all of them to one "
                         "colour there first",
                         edge->identity.name, (unsigned long long)edge->report->share_permille,
                         edge->report->next);
    while ((game = fleet_next(p->control, KIND_GAME, shard, &cursor)) != NULL)
        if (check_game_at(p, edge, game) != ERROR_OK)
            return p->err->code;
    return ERROR_OK;
}

static enum error_code check_edges(struct planner *p, const char *shard)
{
    size_t count = 0;

    for (size_t i = 0; i < p->control->node_count; i++) {
        const struct node *edge = p->control->nodes[i];

        if (!edge_carries(edge, shard))
            continue;
        count++;
        if (check_edge(p, edge, shard) != ERROR_OK)
            return p->err->code;
    }
    if (count == 0)
        return error_set(p->err, ERROR_REFUSED,
                         "shard %s has no edge that could switch its traffic: use the strategy "
                         "rolling",
                         shard);
    if (colour_reported(p->control, shard)[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "the edges of shard %s do not agree which colour has its traffic: see "
                         "`hakem node list`",
                         shard);
    return ERROR_OK;
}

/* The one other colour among the shard's game nodes. */
static enum error_code find_other(struct planner *p, const struct compile_shard *shard,
                                  const char **ret)
{
    const struct node *game;
    size_t cursor = 0;

    *ret = "";
    while ((game = fleet_next(p->control, KIND_GAME, shard->name, &cursor)) != NULL) {
        const char *colour = game->identity.colour;

        if (colour[0] == '\0')
            return error_set(p->err, ERROR_REFUSED,
                             "%s has no colour: accept it anew with --colour, or use the strategy "
                             "rolling",
                             game->identity.name);
        if (strcmp(colour, shard->live) == 0 || strcmp(colour, *ret) == 0)
            continue;
        if ((*ret)[0] != '\0')
            return error_set(p->err, ERROR_REFUSED,
                             "shard %s has game nodes of more colours than two: %s, %s and %s",
                             shard->name, shard->live, *ret, colour);
        *ret = colour;
    }
    if ((*ret)[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "every game node of shard %s is %s: there is no other colour to switch to",
                         shard->name, shard->live);
    return ERROR_OK;
}

static enum error_code check_colour(struct planner *p, const struct compile_shard *shard)
{
    uint64_t least = p->plan->options.min_ready > 0 ? p->plan->options.min_ready : 1;
    uint64_t count = 0;

    char why[SENTENCE_SIZE];

    if (colour_stranger(p->control, shard->name, shard->colour, why) != NULL)
        return error_set(p->err, ERROR_REFUSED, "%s", why);
    for (size_t i = 0; i < shard->game_count; i++)
        count += strcmp(shard->games[i]->identity.colour, shard->colour) == 0;
    if (count >= least)
        return ERROR_OK;
    return error_set(
        p->err, ERROR_REFUSED,
        "shard %s has %llu %s game nodes that could take its traffic, and %llu must be "
        "ready: see `hakem node list`",
        shard->name, (unsigned long long)count, shard->colour, (unsigned long long)least);
}

enum error_code planner_choose_colour(struct planner *p, size_t at)
{
    struct compile_shard *shard = &p->shards[at];

    if (p->plan->release[0] == '\0')
        return error_set(
            p->err, ERROR_USAGE,
            "blue-green switches game servers: say which --release the other colour is "
            "to run");
    if (check_edges(p, shard->name) != ERROR_OK)
        return p->err->code;
    shard->live = colour_reported(p->control, shard->name);
    if (find_other(p, shard, &shard->colour) != ERROR_OK || check_colour(p, shard) != ERROR_OK)
        return p->err->code;
    shard->release = p->plan->release;
    (void)text_copy(p->plan->shards[at].live, NAME_SIZE, shard->live);
    (void)text_copy(p->plan->shards[at].colour, NAME_SIZE, shard->colour);
    return ERROR_OK;
}

enum error_code planner_choose_colour_back(struct planner *p, size_t at,
                                           const struct plan_shard *before)
{
    struct compile_shard *shard = &p->shards[at];
    struct plan_shard *now = &p->plan->shards[at];

    if (before->colour[0] == '\0' || strcmp(before->live, now->live) == 0)
        return ERROR_OK; /* nothing was switched, or it is back already */
    if (check_edges(p, shard->name) != ERROR_OK)
        return p->err->code;
    shard->live = now->live;
    shard->colour = before->live;
    (void)text_copy(now->colour, NAME_SIZE, shard->colour);
    return check_colour(p, shard);
}
