#include "agent/core/wish.h"

#include <assert.h>
#include <string.h>

enum edge_wish wish_of(enum task task)
{
    switch ((int)task) {
    case TASK_DRAIN:
        return WISH_DRAIN;
    case TASK_ADMIT:
        return WISH_ADMIT;
    case TASK_ISOLATE:
        return WISH_ISOLATE;
    case TASK_SWITCH:
        return WISH_SWITCH;
    default:
        return WISH_NONE;
    }
}

const char *wish_name(enum edge_wish wish)
{
    static const char *const names[] = {[WISH_NONE] = "none",
                                        [WISH_DRAIN] = "drain",
                                        [WISH_ADMIT] = "admit",
                                        [WISH_ISOLATE] = "isolate",
                                        [WISH_SWITCH] = "switch"};

    assert(wish < WISH_COUNT);
    return names[wish];
}

struct server_traffic wish_sight_of_colour(const struct report *report, const char *colour,
                                           uint64_t share_permille)
{
    bool has_it = report->share_permille == share_permille && report->live_is_kept &&
                  strcmp(share_permille == 0 ? report->live : report->next, colour) == 0;

    return (struct server_traffic){.state = has_it ? TRAFFIC_READY : TRAFFIC_IDLE,
                                   .check_passes = true};
}

static bool is_out(const struct server_traffic *server)
{
    return server->state == TRAFFIC_DRAIN || server->state == TRAFFIC_MAINTENANCE;
}

bool wish_is_fulfilled(enum edge_wish wish, const struct server_traffic *server)
{
    switch (wish) {
    case WISH_DRAIN:
        return is_out(server) && server->sessions == 0;
    case WISH_ADMIT:
        /* As far as it is up to this server: another colour may have the traffic. */
        return (server->state == TRAFFIC_READY || server->state == TRAFFIC_IDLE) &&
               server->check_passes;
    case WISH_SWITCH:
        return server->state == TRAFFIC_READY;
    case WISH_ISOLATE:
        return server->state == TRAFFIC_MAINTENANCE && server->sessions == 0;
    case WISH_NONE:
    case WISH_COUNT:
        break;
    }
    return false;
}

bool wish_is_contradicted(enum edge_wish wish, const struct server_traffic *server)
{
    bool is_in = server->state == TRAFFIC_READY || server->state == TRAFFIC_DOWN ||
                 server->state == TRAFFIC_IDLE;

    switch (wish) {
    case WISH_DRAIN:
        return is_in;
    case WISH_ADMIT:
        return is_out(server);
    case WISH_ISOLATE:
        return is_in || server->state == TRAFFIC_DRAIN;
    case WISH_SWITCH:
        return server->state == TRAFFIC_IDLE;
    case WISH_NONE:
    case WISH_COUNT:
        break;
    }
    return false;
}
