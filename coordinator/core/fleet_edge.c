/* fleet_edge.c: what the edges say of game nodes. */
#include "coordinator/core/fleet.h"

#include <stdlib.h>
#include <string.h>

bool edge_carries(const struct node *edge, const char *shard)
{
    return edge->identity.kind == KIND_EDGE && !edge->identity.is_pooler &&
           (edge->identity.shard[0] == '\0' || strcmp(edge->identity.shard, shard) == 0);
}

/* One that stands in two backends has its places by their colours. */
static int compare_servers(const void *one, const void *other)
{
    const struct server_traffic *a = one;
    const struct server_traffic *b = other;
    int by_node = strcmp(a->node, b->node);

    return by_node != 0 ? by_node : strcmp(a->colour, b->colour);
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
    uint64_t sessions = 0;
    bool is_idle_somewhere = false;

    for (size_t i = control->kind_begin[KIND_EDGE]; i < control->node_count; i++) {
        const struct node *edge = control->nodes[i];
        enum traffic_state state;

        if (!edge_carries(edge, game->identity.shard))
            continue;
        state = state_at(edge, game, &sessions);
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
    uint64_t sessions = 0;

    for (size_t i = control->kind_begin[KIND_EDGE]; i < control->node_count; i++)
        if (edge_carries(control->nodes[i], game->identity.shard) &&
            state_at(control->nodes[i], game, &sessions) == TRAFFIC_UNKNOWN)
            return false;
    return true;
}

bool fleet_some_edge_sends(const struct control *control, const struct node *game)
{
    uint64_t sessions = 0;

    for (size_t i = control->kind_begin[KIND_EDGE]; i < control->node_count; i++) {
        enum traffic_state state = edge_carries(control->nodes[i], game->identity.shard)
                                       ? state_at(control->nodes[i], game, &sessions)
                                       : TRAFFIC_UNKNOWN;

        if (state == TRAFFIC_READY || state == TRAFFIC_DOWN)
            return true;
    }
    return false;
}

bool fleet_some_edge_withholds(const struct control *control, const struct node *game)
{
    uint64_t sessions = 0;

    for (size_t i = control->kind_begin[KIND_EDGE]; i < control->node_count; i++) {
        const struct node *edge = control->nodes[i];
        enum traffic_state state;

        if (!edge_carries(edge, game->identity.shard) || !node_is_current(control, edge))
            continue;
        state = state_at(edge, game, &sessions);
        if (state == TRAFFIC_DRAIN || state == TRAFFIC_MAINTENANCE)
            return true;
    }
    return false;
}
