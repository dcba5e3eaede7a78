#include "agent/traffic/traffic.h"

#include "common/base/text.h"

#include <assert.h>
#include <string.h>

static const struct traffic_driver *const drivers[] = {&traffic_haproxy, &traffic_exec,
                                                       &traffic_pgbouncer};

const struct traffic_driver *traffic_driver(const struct edge_config *config)
{
    for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
        if (strcmp(drivers[i]->name, config->driver) == 0)
            return drivers[i];
    assert(false); /* the configuration was checked */
    return NULL;
}
