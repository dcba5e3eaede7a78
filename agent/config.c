#include "agent/config.h"

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/config/yaml.h"
#include "common/wire/key.h"

#include <string.h>

#define AT(type, member) .offset = offsetof(struct type, member)
#define LIST(type, member, count)                                                                  \
    .offset = offsetof(struct type, member), .count_offset = offsetof(struct type, count)

static const struct yaml_key probe_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     AT(probe_config, name),
     .is_required = true,
     .doc = "what reports call it"},
    {.key = "kind",
     .kind = YAML_KIND_NAME,
     AT(probe_config, kind),
     .is_required = true,
     .doc = "http, tcp, sql or exec"},
    {.key = "target",
     .kind = YAML_KIND_TEXT,
     AT(probe_config, target),
     .is_required = true,
     .doc = "a URL, HOST:PORT, a query with one boolean, or an absolute path"},
    {.key = "timeout",
     .kind = YAML_KIND_DURATION,
     AT(probe_config, timeout_ms),
     .otherwise = "1s",
     .max = 10000,
     .doc = "longer is a failure"},
    {.key = "expect",
     .kind = YAML_KIND_NUMBER,
     AT(probe_config, expect),
     .max = 599,
     .doc = "the HTTP status; 0: any below 400"},
};
static const struct yaml_table probe_table = YAML_TABLE(struct probe_config, probe_rows);

static const struct yaml_key database_rows[] = {
    {.key = "url",
     .kind = YAML_KIND_TEXT,
     AT(database_config, url),
     .is_required = true,
     .doc = "the node's own database, directly, not through a pooler"},
    {.key = "game_roles",
     .kind = YAML_KIND_NAMES,
     LIST(database_config, game_roles, game_role_count),
     .max = 64,
     .doc = "database roles that game servers use"},
    {.key = "data",
     .kind = YAML_KIND_TEXT,
     AT(database_config, data),
     .otherwise = "/",
     .doc = "folder whose free space is reported"},
};
static const struct yaml_table database_table = YAML_TABLE(struct database_config, database_rows);

static const struct yaml_key game_rows[] = {
    {.key = "release_url",
     .kind = YAML_KIND_TEXT,
     AT(game_config, release_url),
     .is_required = true,
     .doc = "answers JSON with the running \"release\""},
    {.key = "release_hook",
     .kind = YAML_KIND_TEXT,
     AT(game_config, release_hook),
     .is_required = true,
     .doc = "executable that switches the release"},
    {.key = "environment",
     .kind = YAML_KIND_TEXTS,
     LIST(game_config, environment, environment_count),
     .max = 64,
     .doc = "NAME=VALUE given to hooks"},
    {.key = "reads",
     .kind = YAML_KIND_NAMES,
     LIST(game_config, reads, read_count),
     .max = REPORT_DATABASES_MAX,
     .doc = "database nodes that the server uses"},
    {.key = "data",
     .kind = YAML_KIND_TEXT,
     AT(game_config, data),
     .otherwise = "/",
     .doc = "folder whose free space is reported"},
};
static const struct yaml_table game_table = YAML_TABLE(struct game_config, game_rows);

static const struct yaml_key edge_rows[] = {
    {.key = "driver",
     .kind = YAML_KIND_NAME,
     AT(edge_config, driver),
     .is_required = true,
     .doc = "haproxy or exec"},
    {.key = "socket",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, socket),
     .doc = "haproxy: the runtime socket"},
    {.key = "backend",
     .kind = YAML_KIND_NAME,
     AT(edge_config, backend),
     .doc = "haproxy: the backend whose servers are called like the game nodes"},
    {.key = "state_file",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, state_file),
     .doc = "haproxy: its server-state-file, so that a reload forgets nothing"},
    {.key = "hook",
     .kind = YAML_KIND_TEXT,
     AT(edge_config, hook),
     .doc = "exec: executable called with HAKEM_ACTION and HAKEM_TARGET"},
};
static const struct yaml_table edge_table = YAML_TABLE(struct edge_config, edge_rows);

static const struct yaml_key rows[] = {
    {.key = "coordinator",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, coordinator),
     .is_required = true,
     .doc = "endpoint, tcp://HOST:PORT"},
    {.key = "coordinator_key",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, coordinator_key),
     .is_required = true,
     .doc = "the coordinator's public key"},
    {.key = "key_file",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, key_file),
     .is_required = true,
     .doc = "the agent's own key pair"},
    {.key = "state",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, state),
     .is_required = true,
     .doc = "folder for the ledger and bundles, on a local disk"},
    {.key = "log_level",
     .kind = YAML_KIND_NAME,
     AT(agent_config, log_level),
     .otherwise = "info",
     .doc = "debug, info, warning, error or alert"},
    {.key = "kind",
     .kind = YAML_KIND_NAME,
     AT(agent_config, kind_name),
     .is_required = true,
     .doc = "database, game or edge"},
    {.key = "database",
     .kind = YAML_KIND_STRUCT,
     AT(agent_config, database),
     .nested = &database_table,
     .doc = "of a database node"},
    {.key = "game",
     .kind = YAML_KIND_STRUCT,
     AT(agent_config, game),
     .nested = &game_table,
     .doc = "of a game node"},
    {.key = "edge",
     .kind = YAML_KIND_STRUCT,
     AT(agent_config, edge),
     .nested = &edge_table,
     .doc = "of an edge"},
    {.key = "probes",
     .kind = YAML_KIND_STRUCTS,
     LIST(agent_config, probes, probe_count),
     .max = AGENT_PROBES_MAX,
     .nested = &probe_table,
     .doc = "what must hold for the node"},
};
static const struct yaml_table table = YAML_TABLE(struct agent_config, rows);

/* The part that the kind needs is there. */
static const char *kind_fault(const struct agent_config *config)
{
    const struct edge_config *edge = &config->edge;

    if (config->kind == KIND_DATABASE && config->database.url == NULL)
        return "database: a database node needs this part";
    if (config->kind == KIND_GAME && config->game.release_url == NULL)
        return "game: a game node needs this part";
    if (config->kind != KIND_EDGE)
        return NULL;
    if (edge->driver == NULL)
        return "edge: an edge needs this part";
    if (strcmp(edge->driver, "haproxy") == 0)
        return edge->socket == NULL || edge->backend == NULL
                   ? "edge: the haproxy driver needs socket and backend"
                   : NULL;
    if (strcmp(edge->driver, "exec") == 0)
        return edge->hook == NULL ? "edge: the exec driver needs a hook" : NULL;
    return "edge: driver is haproxy or exec";
}

enum error_code agent_config_read(const void *parent, const char *path, struct agent_config *ret,
                                  struct error *err)
{
    struct agent_config config = {.path = NULL};
    enum log_level level;
    unsigned kind = KIND_NONE;
    const char *fault;

    if (yaml_read_file(parent, path, &table, &config, err) != ERROR_OK)
        return err->code;
    if (!field_value_of(&node_kind_names, config.kind_name, strlen(config.kind_name), &kind) ||
        kind == KIND_NONE)
        return error_set(err, ERROR_CONFIG, "%s: kind: \"%s\" is not database, game or edge", path,
                         config.kind_name);
    config.kind = (enum node_kind)kind;
    fault = kind_fault(&config);
    if (fault != NULL)
        return error_set(err, ERROR_CONFIG, "%s: %s", path, fault);
    if (!key_is_valid(config.coordinator_key))
        return error_set(err, ERROR_CONFIG,
                         "%s: coordinator_key is not 40 characters of Z85: see `hakem key show`",
                         path);
    if (!log_level_from_name(config.log_level, &level))
        return error_set(err, ERROR_CONFIG, "%s: log_level: \"%s\" is none of the levels", path,
                         config.log_level);
    config.path = memory_text(parent, path);
    *ret = config;
    return ERROR_OK;
}
