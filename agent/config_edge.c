/* config_edge.c: an edge's part of an agent's configuration file. */
#include "agent/config_internal.h"

#include "common/base/text.h"

#include <string.h>

static const char *driver_fault(const char *value)
{
    return strcmp(value, "haproxy") == 0 || strcmp(value, "exec") == 0 ||
                   strcmp(value, "pgbouncer") == 0
               ? NULL
               : "not haproxy, exec or pgbouncer";
}

/* It is written into PgBouncer's file as it is. */
static const char *host_fault(const char *value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strspn(value, letters);

    while (value[length] != '\0' && strchr(".-_:/", value[length]) != NULL)
        length += 1 + strspn(value + length + 1, letters);
    return value[0] != '\0' && value[length] == '\0' && length < POOL_HOST_SIZE
               ? NULL
               : "not a host's name, an address, or the folder of a socket";
}

static const char *console_fault(const char *value)
{
    return value[0] != '\0' ? NULL : "no conninfo, such as \"host=/run/pgbouncer user=hakem\"";
}

static const struct yaml_key colour_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     AT(edge_colour, name),
     .is_required = true,
     .doc = "as `hakem node accept --colour` says it"},
    {.key = "backend",
     .kind = YAML_KIND_NAME,
     AT(edge_colour, backend),
     .doc = "haproxy: the backend of that colour's game nodes"},
};
static const struct yaml_table colour_table = YAML_TABLE(struct edge_colour, colour_rows);

static const struct yaml_key pool_server_rows[] = {
    {.key = "node",
     .kind = YAML_KIND_NAME,
     AT(pool_server, node),
     .is_required = true,
     .doc = "the database node"},
    {.key = "host",
     .kind = YAML_KIND_TEXT,
     AT(pool_server, host),
     .value_fault = host_fault,
     .is_required = true,
     .doc = "where the poolers reach it"},
    {.key = "port",
     .kind = YAML_KIND_NUMBER,
     AT(pool_server, port),
     .min = 1,
     .max = 65535,
     .otherwise = "5432",
     .doc = "where the poolers reach it"},
    {.key = "database",
     .kind = YAML_KIND_NAME,
     AT(pool_server, database),
     .is_required = true,
     .doc = "the database's name there"},
};
static const struct yaml_table pool_server_table = YAML_TABLE(struct pool_server, pool_server_rows);

static const struct yaml_key edge_rows[] = {
    {.key = "driver",
     .kind = YAML_KIND_NAME,
     AT(edge_config, driver),
     .value_fault = driver_fault,
     .is_required = true,
     .doc = "haproxy, exec or pgbouncer"},
    {.key = "socket",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, socket),
     .value_fault = config_path_fault,
     .doc = "haproxy: the runtime socket"},
    {.key = "backend",
     .kind = YAML_KIND_NAME,
     AT(edge_config, backend),
     .doc = "haproxy: the backend whose servers are called like the game nodes"},
    {.key = "colours",
     .kind = YAML_KIND_STRUCTS,
     LIST(edge_config, colours, colour_count),
     .min = 2,
     .max = EDGE_COLOURS_MAX,
     .nested = &colour_table,
     .doc = "instead of one backend: game nodes of which one colour gets all traffic"},
    {.key = "map",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, map),
     .value_fault = config_path_fault,
     .doc = "haproxy with colours: the file of the map that says which one"},
    {.key = "map_key",
     .kind = YAML_KIND_NAME,
     AT(edge_config, map_key),
     .otherwise = "live",
     .doc = "haproxy with colours: its entry there"},
    {.key = "map_next_key",
     .kind = YAML_KIND_NAME,
     AT(edge_config, map_next_key),
     .otherwise = "next",
     .doc = "haproxy that splits traffic: the map's entry for the backend that gets a share"},
    {.key = "map_share_key",
     .kind = YAML_KIND_NAME,
     AT(edge_config, map_share_key),
     .otherwise = "share",
     .doc = "haproxy that splits traffic: the map's entry for how much, in permille"},
    {.key = "state_file",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, state_file),
     .value_fault = config_path_fault,
     .doc = "haproxy: its server-state-file, so that a reload forgets nothing"},
    {.key = "hook",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, hook),
     .value_fault = config_path_fault,
     .doc = "exec: executable called with HAKEM_ACTION and HAKEM_TARGET"},
    {.key = "consoles",
     .kind = YAML_KIND_TEXTS,
     LIST(edge_config, consoles, console_count),
     .value_fault = console_fault,
     .max = REPORT_POOLS_MAX,
     .doc = "pgbouncer: conninfo of the admin console of each process, without dbname"},
    {.key = "pool",
     .kind = YAML_KIND_NAME,
     AT(edge_config, pool),
     .doc = "pgbouncer: the database that game servers connect to, as its configuration calls it"},
    {.key = "databases_file",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, databases_file),
     .value_fault = config_path_fault,
     .doc = "pgbouncer: the included file with the pool's line, rewritten to point it elsewhere"},
    {.key = "servers",
     .kind = YAML_KIND_STRUCTS,
     LIST(edge_config, servers, server_count),
     .max = AGENT_POOL_SERVERS_MAX,
     .nested = &pool_server_table,
     .doc = "pgbouncer: the database nodes that the pool may point at"},
    {.key = "pause_max",
     .kind = YAML_KIND_DURATION,
     AT(edge_config, pause_max_ms),
     .min = 100,
     .max = 30000,
     .otherwise = "20s",
     .doc = "pgbouncer: how long a pause may wait for transactions to end; clients wait meanwhile"},
};

static bool is_faulty_edge(const void *filled, struct yaml_fault *ret)
{
    const struct edge_config *edge = filled;

    bool is_haproxy = strcmp(edge->driver, "haproxy") == 0;

    for (size_t i = 0; i < edge->colour_count; i++) {
        if (is_haproxy && edge->colours[i].backend == NULL)
            return config_fault_at(ret, "colours", i + 1,
                                   "haproxy needs the backend of each colour");
        for (size_t j = 0; j < i; j++)
            if (strcmp(edge->colours[i].name, edge->colours[j].name) == 0)
                return config_fault_at(ret, "colours", i + 1, "a second colour of that name");
    }
    if (is_haproxy && (edge->socket == NULL || (edge->backend == NULL) == (edge->colours == NULL)))
        return config_fault_at(ret, "driver", 0,
                               "haproxy needs socket, and either backend or colours");
    if (is_haproxy && edge->colours != NULL && edge->map == NULL)
        return config_fault_at(ret, "colours", 0,
                               "haproxy needs a map that says which one is live");
    if (strcmp(edge->driver, "exec") == 0 && edge->hook == NULL)
        return config_fault_at(ret, "driver", 0, "exec needs a hook");
    if (strcmp(edge->driver, "pgbouncer") == 0 && (edge->console_count == 0 || edge->pool == NULL))
        return config_fault_at(ret, "driver", 0, "pgbouncer needs consoles and pool");
    if (edge->server_count > 0 && edge->databases_file == NULL)
        return config_fault_at(ret, "servers", 0,
                               "without a databases_file the pool can be pointed nowhere else");
    return false;
}
const struct yaml_table config_edge_table =
    YAML_CHECKED_TABLE(struct edge_config, edge_rows, is_faulty_edge);
