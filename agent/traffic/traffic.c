#include "agent/traffic/traffic.h"

#include "common/base/text.h"

#include <assert.h>
#include <string.h>

static const struct traffic_driver *const drivers[] = {&traffic_haproxy, &traffic_exec};

const struct traffic_driver *traffic_driver(const struct edge_config *config)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strcmp(drivers[i]->name, config->driver) == 0)
            return drivers[i];
    assert(false); /* the configuration was checked */
    return NULL;
}

const char *traffic_wish_name(enum traffic_wish wish)
{
    static const char *const names[] = {
        [WISH_DRAIN] = "drain", [WISH_ADMIT] = "admit", [WISH_ISOLATE] = "isolate"};

    assert(wish < WISH_COUNT);
    return names[wish];
}

bool traffic_is_fulfilled(const struct server_traffic *server, enum traffic_wish wish)
{
    switch (wish) {
    case WISH_DRAIN:
        return (server->state == TRAFFIC_DRAIN || server->state == TRAFFIC_MAINTENANCE) &&
               server->sessions == 0;
    case WISH_ADMIT:
        return server->state == TRAFFIC_READY && server->check_passes;
    case WISH_ISOLATE:
        return server->state == TRAFFIC_MAINTENANCE && server->sessions == 0;
    case WISH_COUNT:
        break;
    }
    return false;
}

bool traffic_contradicts(const struct server_traffic *server, enum traffic_wish wish)
{
    bool is_out = server->state == TRAFFIC_DRAIN || server->state == TRAFFIC_MAINTENANCE;
    bool is_in = server->state == TRAFFIC_READY || server->state == TRAFFIC_DOWN;

    if (wish == WISH_ISOLATE)
        return is_in || server->state == TRAFFIC_DRAIN;
    return wish == WISH_DRAIN ? is_in : is_out;
}
