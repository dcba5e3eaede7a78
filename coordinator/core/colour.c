#include "coordinator/core/colour.h"

#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"

#include <string.h>

const char *colour_live(const struct control *control, const char *shard)
{
    return control_live(control, shard, false);
}

const char *colour_reported(const struct control *control, const char *shard)
{
    struct edge_cursor cursor = {.own = 0};
    const char *common = NULL;
    const struct node *edge;

    while ((edge = edge_next(control, shard, &cursor)) != NULL) {
        if (!node_is_known(edge) || (common != NULL && strcmp(common, edge->report->live) != 0))
            return "";
        common = edge->report->live;
    }
    return common == NULL ? "" : common;
}

bool colour_has_share(const struct control *control, const char *shard, const char *colour,
                      uint64_t share_permille)
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;

    while ((edge = edge_next(control, shard, &cursor)) != NULL)
        if (!node_is_known(edge) || edge->report->share_permille != share_permille ||
            strcmp(share_permille == 0 ? edge->report->live : edge->report->next, colour) != 0)
            return false;
    return true;
}

bool colour_rests(const struct control *control, const struct node *game)
{
    const char *live = colour_live(control, game->identity.shard);

    return game->identity.colour[0] != '\0' && live[0] != '\0' &&
           strcmp(game->identity.colour, live) != 0 && !fleet_some_edge_sends(control, game);
}

bool colour_is_warm(const struct control *control, const struct node *game)
{
    char why[SENTENCE_SIZE];

    return colour_rests(control, game) && game->link == LINK_ONLINE &&
           node_probes(game, why) == VERDICT_PASS &&
           fleet_traffic(control, game, NULL) == TRAFFIC_IDLE;
}

/* What would get traffic must be able to use the schema, healthy or not: the edges' own checks know
 * nothing of that. */
static bool would_break(const struct control *control, const struct node *game, const char *wanted,
                        char *ret)
{
    char why[SENTENCE_SIZE];

    if (fleet_traffic(control, game, NULL) == TRAFFIC_DRAIN)
        return false; /* held out by the edges */
    if (!node_is_known(game)) {
        (void)text_format(ret, SENTENCE_SIZE, "%s does not report", game->identity.name);
        return true;
    }
    if (node_runs_nothing(game))
        return false; /* the edges see that, too */
    if (wanted != NULL && game->quarantine == QUARANTINE_NONE &&
        strcmp(game->report->release, wanted) != 0) {
        (void)text_format(ret, SENTENCE_SIZE, "%s runs release \"%s\", not %s", game->identity.name,
                          game->report->release, wanted);
        return true;
    }
    if (compat_node_fault(control, game, game->report->release, why) == NULL)
        return false;
    (void)text_format(ret, SENTENCE_SIZE, "%s: %.800s", game->identity.name, why);
    return true;
}

static bool is_stranger(const struct control *control, const struct server_traffic *server,
                        const char *shard, const char *colour)
{
    const struct node *game = control_node(control, server->node);

    return strcmp(server->colour, colour) == 0 && server->state != TRAFFIC_DRAIN &&
           server->state != TRAFFIC_MAINTENANCE &&
           (game == NULL || game->identity.kind != KIND_GAME ||
            strcmp(game->identity.shard, shard) != 0);
}

const char *colour_stranger(const struct control *control, const char *shard, const char *colour,
                            char ret[static SENTENCE_SIZE])
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;

    while ((edge = edge_next(control, shard, &cursor)) != NULL) {
        for (size_t s = 0; edge->report != NULL && s < edge->report->server_count; s++) {
            if (!is_stranger(control, &edge->report->servers[s], shard, colour))
                continue;
            (void)text_format(
                ret, SENTENCE_SIZE,
                "%s has %s among its %s ones, which is no enrolled game node of shard "
                "%s: accept it, or take it out there",
                edge->identity.name, edge->report->servers[s].node, colour, shard);
            return ret;
        }
    }
    return NULL;
}

const char *colour_fault(const struct control *control, const char *shard, const char *colour,
                         const char *wanted, uint64_t min_ready, char ret[static SENTENCE_SIZE])
{
    const struct node *game;
    char why[SENTENCE_SIZE];
    uint64_t healthy = 0;
    size_t cursor = 0;

    if (colour_stranger(control, shard, colour, ret) != NULL)
        return ret;
    while ((game = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL) {
        if (strcmp(game->identity.colour, colour) != 0)
            continue;
        if (would_break(control, game, wanted, ret))
            return ret;
        /* Whom a repair has begun to take out may not be reported so yet. */
        healthy += game->link == LINK_ONLINE && node_probes(game, why) == VERDICT_PASS &&
                   game->repair == NULL && fleet_traffic(control, game, NULL) != TRAFFIC_DRAIN;
    }
    if (healthy >= min_ready && healthy > 0)
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "%llu of the %s game nodes are healthy, and %llu must be",
                      (unsigned long long)healthy, colour,
                      (unsigned long long)(min_ready > 0 ? min_ready : 1));
    return ret;
}

void colour_heard(struct run *run, const struct node *edge)
{
    const struct control *control = run->control;
    const struct node *const *games = (const struct node *const *)control->nodes;

    if (edge->report->live[0] == '\0')
        return;
    for (size_t i = control->kind_begin[KIND_GAME]; i < control->kind_begin[KIND_EDGE]; i++) {
        const char *shard = games[i]->identity.shard;
        const char *colour = edge_carries(edge, shard) ? colour_reported(control, shard) : "";
        struct fact_live *fact;

        if (games[i]->identity.colour[0] == '\0' || colour[0] == '\0' ||
            strcmp(colour, colour_live(control, shard)) == 0)
            continue;
        fact = run_body(run, fact_row(FACT_LIVE)->record);
        (void)text_copy(fact->shard, NAME_SIZE, shard);
        (void)text_copy(fact->colour, NAME_SIZE, colour);
        run_emit(run, FACT_LIVE, fact);
    }
}

bool colour_is_left(const struct plan *plan, const struct node *game)
{
    const struct plan_shard *shard =
        plan->strategy != STRATEGY_BLUE_GREEN
            ? NULL
            : plan_shard_named(plan->shards, plan->shard_count, game->identity.shard);

    return shard != NULL && shard->colour[0] != '\0' &&
           strcmp(game->identity.colour, shard->live) == 0;
}

bool colour_is_retired(const struct work *work, const struct node *game)
{
    const struct step *release = work_release_step(work, game->identity.name);

    return release != NULL && colour_is_left(work->plan, game) &&
           release->direction == DIRECTION_DO &&
           (release->state == STEP_SUCCEEDED || release->state == STEP_SKIPPED);
}

static bool contracts(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].stage == STAGE_CONTRACT)
            return true;
    return false;
}

bool colour_is_beyond_the_plan(const struct work *work, const struct node *game)
{
    return colour_is_left(work->plan, game) &&
           work_release_step(work, game->identity.name) == NULL && contracts(work->plan);
}

bool colour_will_be_retired(const struct work *work, const struct node *game)
{
    const struct step *release = work_release_step(work, game->identity.name);

    return release != NULL && colour_is_left(work->plan, game) && !release->is_left_out;
}
