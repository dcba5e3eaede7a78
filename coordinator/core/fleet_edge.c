/* fleet_edge.c: what the edges say of game nodes. */
#include "coordinator/core/fleet.h"

#include <stdlib.h>
#include <string.h>

bool edge_carries(const struct node *edge, const char *shard)
{
    return edge->identity.kind == KIND_EDGE && !edge->identity.is_pooler &&
           (edge->identity.shard[0] == '\0' || strcmp(edge->identity.shard, shard) == 0);
}

static const struct node *edge_of(const struct control *control, const char *shard, size_t *cursor)
{
    const struct node *edge;

    while ((edge = fleet_next(control, KIND_EDGE, shard, cursor)) != NULL)
        if (!edge->identity.is_pooler)
            return edge;
    return NULL;
}

const struct node *edge_next(const struct control *control, const char *shard,
                             struct edge_cursor *cursor)
{
    const struct node *edge = NULL;

    if (!cursor->is_beyond_common)
        edge = edge_of(control, "", &cursor->common);
    if (edge != NULL)
        return edge;
    cursor->is_beyond_common = true;
    return shard[0] == '\0' ? NULL : edge_of(control, shard, &cursor->own);
}

/* One that stands in two backends has its places by their colours. A total order, as far as anybody
 * could tell two of them apart. */
static int compare_servers(const void *one, const void *other)
{
    const struct server_traffic *a = one;
    const struct server_traffic *b = other;
    int order = strcmp(a->node, b->node);

    if (order == 0)
        order = strcmp(a->colour, b->colour);
    if (order == 0)
        order = (int)a->state - (int)b->state;
    return order != 0 ? order : (a->sessions > b->sessions) - (a->sessions < b->sessions);
}

void edge_sort_servers(struct report *report)
{
    if (report->server_count > 1)
        qsort(report->servers, report->server_count, sizeof(report->servers[0]), compare_servers);
}

const struct server_traffic *edge_server(const struct node *edge, const char *game)
{
    size_t low = 0;
    size_t high = edge->report == NULL ? 0 : edge->report->server_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(edge->report->servers[middle].node, game) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return edge->report != NULL && low < edge->report->server_count &&
                   strcmp(edge->report->servers[low].node, game) == 0
               ? &edge->report->servers[low]
               : NULL;
}

static enum traffic_state state_at(const struct node *edge, const struct node *game,
                                   uint64_t *ret_sessions)
{
    const struct server_traffic *server =
        node_is_known(edge) ? edge_server(edge, game->identity.name) : NULL;

    if (server == NULL || node_measured_at_ms(edge) < game->traffic_changed_at_ms)
        return TRAFFIC_UNKNOWN;
    *ret_sessions += server->sessions;
    if (server->state == TRAFFIC_READY && !server->check_passes)
        return TRAFFIC_DOWN;
    return server->state;
}

enum traffic_state fleet_traffic(const struct control *control, const struct node *game,
                                 uint64_t *ret_sessions)
{
    enum traffic_state common = TRAFFIC_COUNT_;
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;
    uint64_t sessions = 0;
    bool is_idle_somewhere = false;

    while ((edge = edge_next(control, game->identity.shard, &cursor)) != NULL) {
        enum traffic_state state = state_at(edge, game, &sessions);

        if (state == TRAFFIC_MAINTENANCE)
            state = TRAFFIC_DRAIN; /* either is out */
        if (state == TRAFFIC_IDLE) {
            is_idle_somewhere = true; /* half-way through a switch, another edge decides */
            continue;
        }
        if (common == TRAFFIC_COUNT_)
            common = state;
        else if (common != state)
            common = TRAFFIC_UNKNOWN;
    }
    if (ret_sessions != NULL)
        *ret_sessions = sessions;
    if (common != TRAFFIC_COUNT_)
        return common;
    return is_idle_somewhere ? TRAFFIC_IDLE : TRAFFIC_READY;
}

bool fleet_traffic_is_known(const struct control *control, const struct node *game)
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;
    uint64_t sessions = 0;

    while ((edge = edge_next(control, game->identity.shard, &cursor)) != NULL)
        if (state_at(edge, game, &sessions) == TRAFFIC_UNKNOWN)
            return false;
    return true;
}

bool fleet_some_edge_sends(const struct control *control, const struct node *game)
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;
    uint64_t sessions = 0;

    while ((edge = edge_next(control, game->identity.shard, &cursor)) != NULL) {
        enum traffic_state state = state_at(edge, game, &sessions);

        if (state == TRAFFIC_READY || state == TRAFFIC_DOWN)
            return true;
    }
    return false;
}

bool fleet_some_edge_withholds(const struct control *control, const struct node *game)
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;
    uint64_t sessions = 0;

    while ((edge = edge_next(control, game->identity.shard, &cursor)) != NULL) {
        enum traffic_state state =
            node_is_current(control, edge) ? state_at(edge, game, &sessions) : TRAFFIC_UNKNOWN;

        if (state == TRAFFIC_DRAIN || state == TRAFFIC_MAINTENANCE)
            return true;
    }
    return false;
}
