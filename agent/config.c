#include "agent/config_internal.h"

#include "agent/probe/probe.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/wire/endpoint.h"
#include "common/wire/key.h"

#include <string.h>

const char *config_path_fault(const char *value)
{
    return value[0] == '/' ? NULL : "not an absolute path";
}

bool config_fault_at(struct yaml_fault *ret, const char *key, size_t entry, const char *sentence)
{
    ret->key = key;
    ret->entry = entry;
    (void)text_copy(ret->sentence, sizeof(ret->sentence), sentence);
    return true;
}

/* ---- values that can be meant ---- */

/* It goes into PostgreSQL's own settings and command lines, where nothing is quoted then. */
static const char *plain_path_fault(const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "/._-+";

    if (config_path_fault(value) != NULL)
        return config_path_fault(value);
    return value[strspn(value, allowed)] == '\0' ? NULL
                                                 : "not made of letters, digits and /._-+ alone";
}

static const char *url_fault(const char *value)
{
    return text_starts_with(value, "http://") || text_starts_with(value, "https://")
               ? NULL
               : "not an http:// or https:// URL";
}

static const char *query_fault(const char *value)
{
    return value[0] != '\0' ? NULL : "no query";
}

static const char *assignment_fault(const char *value)
{
    const char *equals = strchr(value, '=');

    return equals != NULL && equals != value ? NULL : "not NAME=VALUE";
}

static const char *node_kind_fault(const char *value)
{
    unsigned kind = KIND_NONE;

    return field_value_of(&node_kind_names, value, strlen(value), &kind) && kind != KIND_NONE
               ? NULL
               : "not database, game or edge";
}

static const char *probe_kind_fault(const char *value)
{
    return probe_kind_is_known(value) ? NULL : "not http, tcp, sql or exec";
}

static const char *listen_fault(const char *value)
{
    const char *colon = strrchr(value, ':');
    uint64_t port;

    return colon != NULL && colon != value && text_to_number(colon + 1, 65535, &port) && port > 0
               ? NULL
               : "not HOST:PORT, such as 10.0.0.21:9000";
}

/* ---- the parts ---- */

static const struct yaml_key probe_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     AT(probe_config, name),
     .is_required = true,
     .doc = "what reports call it"},
    {.key = "kind",
     .kind = YAML_KIND_NAME,
     AT(probe_config, kind),
     .value_fault = probe_kind_fault,
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
     .min = 1,
     .otherwise = "1s",
     .max = 10000,
     .doc = "longer is a failure"},
    {.key = "expect",
     .kind = YAML_KIND_NUMBER,
     AT(probe_config, expect),
     .max = 599,
     .doc = "the HTTP status; 0: any below 400"},
};

static bool is_faulty_probe(const void *filled, struct yaml_fault *ret)
{
    static const struct {
        const char *kind;
        const char *(*target_fault)(const char *);
    } kinds[] = {{"http", url_fault},
                 {"tcp", endpoint_address_fault},
                 {"sql", query_fault},
                 {"exec", config_path_fault}};
    const struct probe_config *probe = filled;
    const char *fault = NULL;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, probe->kind) == 0)
            fault = kinds[i].target_fault(probe->target);
    if (fault == NULL)
        return false;
    (void)text_format(ret->sentence, sizeof(ret->sentence), "\"%.64s\" is %s", probe->target,
                      fault);
    ret->key = "target";
    return true;
}
static const struct yaml_table probe_table =
    YAML_CHECKED_TABLE(struct probe_config, probe_rows, is_faulty_probe);

static const struct yaml_key command_rows[] = {
    {.key = "name",
     .kind = YAML_KIND_NAME,
     AT(migration_command, name),
     .is_required = true,
     .doc = "as migration.yaml asks for it"},
    {.key = "path",
     .kind = YAML_KIND_TEXT,
     AT(migration_command, path),
     .value_fault = config_path_fault,
     .is_required = true,
     .doc = "executable that reads JSON lines, and writes one for each"},
};
static const struct yaml_table command_table = YAML_TABLE(struct migration_command, command_rows);

static const struct yaml_key database_rows[] = {
    {.key = "url",
     .kind = YAML_KIND_TEXT,
     AT(database_config, url),
     .is_required = true,
     .doc = "the node's own database, directly, not through a pooler"},
    {.key = "admin_url",
     .kind = YAML_KIND_TEXT,
     AT(database_config, admin_url),
     .doc = "the same database as a superuser; for twins, and to restore backups"},
    {.key = "twins",
     .kind = YAML_KIND_STRUCTS,
     LIST(database_config, twins, twin_count),
     .max = REPORT_TWINS_MAX,
     .nested = &config_twin_table,
     .doc = "databases that this one may follow, be switched with, and be followed by"},
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
    {.key = "scratch",
     .kind = YAML_KIND_TEXT,
     AT(database_config, scratch),
     .value_fault = plain_path_fault,
     .doc = "folder for shadows, of this agent alone; none: no shadow is made here"},
    {.key = "programs",
     .kind = YAML_KIND_TEXT,
     AT(database_config, programs),
     .value_fault = plain_path_fault,
     .doc = "folder of pg_basebackup and pg_ctl; none: found by the server's version"},
    {.key = "backups",
     .kind = YAML_KIND_TEXT,
     AT(database_config, backups),
     .value_fault = config_path_fault,
     .doc = "folder for backups before rollouts; none: none are made here"},
    {.key = "backup_key",
     .kind = YAML_KIND_TEXT,
     AT(database_config, backup_key),
     .value_fault = config_path_fault,
     .doc = "file of `hakem key backup`; none: backups are not encrypted"},
    {.key = "backups_kept",
     .kind = YAML_KIND_NUMBER,
     AT(database_config, backups_kept),
     .otherwise = "5",
     .max = 1000,
     .doc = "so many of the database, the oldest go; 0: all"},
    {.key = "workload",
     .kind = YAML_KIND_TEXT,
     AT(database_config, workload),
     .value_fault = config_path_fault,
     .doc = "executable that is run on a shadow once its schema is the target's"},
    {.key = "workload_timeout",
     .kind = YAML_KIND_DURATION,
     AT(database_config, workload_timeout_ms),
     .min = 1,
     .otherwise = "5m",
     .max = 3600000,
     .doc = "longer is a failure"},
    {.key = "role",
     .kind = YAML_KIND_TEXT,
     .offset = offsetof(struct database_config, role),
     .min = 1,
     .doc = "whom migrations' statements run as, unless a revision says; default: the URL's own"},
    {.key = "commands",
     .kind = YAML_KIND_STRUCTS,
     LIST(database_config, commands, command_count),
     .max = AGENT_COMMANDS_MAX,
     .nested = &command_table,
     .doc = "executables that backfills may ask for"},
    {.key = "environment",
     .kind = YAML_KIND_TEXTS,
     LIST(database_config, environment, environment_count),
     .value_fault = assignment_fault,
     .max = 64,
     .doc = "NAME=VALUE given to the workload"},
};
static bool is_faulty_database(const void *filled, struct yaml_fault *ret)
{
    const struct database_config *database = filled;

    for (size_t i = 0; i < database->command_count; i++)
        for (size_t before = 0; before < i; before++)
            if (strcmp(database->commands[before].name, database->commands[i].name) == 0)
                return config_fault_at(ret, "commands", i + 1, "a second command of that name");
    return config_is_faulty_database(filled, ret);
}
static const struct yaml_table database_table =
    YAML_CHECKED_TABLE(struct database_config, database_rows, is_faulty_database);

static const struct yaml_key game_rows[] = {
    {.key = "release_url",
     .kind = YAML_KIND_TEXT,
     AT(game_config, release_url),
     .value_fault = url_fault,
     .is_required = true,
     .doc = "answers JSON with the running \"release\""},
    {.key = "release_hook",
     .kind = YAML_KIND_TEXT,
     AT(game_config, release_hook),
     .value_fault = config_path_fault,
     .is_required = true,
     .doc = "executable that switches the release"},
    {.key = "announce_hook",
     .kind = YAML_KIND_TEXT,
     AT(game_config, announce_hook),
     .value_fault = config_path_fault,
     .doc = "executable that tells players of a maintenance; without it nobody is told"},
    {.key = "drain_hook",
     .kind = YAML_KIND_TEXT,
     AT(game_config, drain_hook),
     .value_fault = config_path_fault,
     .doc = "executable that tells the game server that it is being drained, or no longer"},
    {.key = "agent_check",
     .kind = YAML_KIND_TEXT,
     AT(game_config, agent_check),
     .value_fault = listen_fault,
     .doc = "HOST:PORT where HAProxy's agent-check is answered"},
    {.key = "environment",
     .kind = YAML_KIND_TEXTS,
     LIST(game_config, environment, environment_count),
     .value_fault = assignment_fault,
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

static const struct yaml_key rows[] = {
    {.key = "coordinator",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, coordinator),
     .value_fault = endpoint_fault,
     .is_required = true,
     .doc = "endpoint, tcp://HOST:PORT"},
    {.key = "coordinator_key",
     .kind = YAML_KIND_TEXT,
     AT(agent_config, coordinator_key),
     .value_fault = key_fault,
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
     .value_fault = log_level_fault,
     .otherwise = "info",
     .doc = "debug, info, warning, error or alert"},
    {.key = "kind",
     .kind = YAML_KIND_NAME,
     AT(agent_config, kind_name),
     .value_fault = node_kind_fault,
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
     .nested = &config_edge_table,
     .doc = "of an edge"},
    {.key = "probes",
     .kind = YAML_KIND_STRUCTS,
     LIST(agent_config, probes, probe_count),
     .min = 1, /* an empty list would look as if something held */
     .max = AGENT_PROBES_MAX,
     .nested = &probe_table,
     .doc = "what must hold for the node"},
};

/* ---- what goes together ---- */

static enum node_kind kind_of(const struct agent_config *config)
{
    unsigned kind = KIND_NONE;

    (void)field_value_of(&node_kind_names, config->kind_name, strlen(config->kind_name), &kind);
    return (enum node_kind)kind;
}

static bool is_second_of_its_name(const struct agent_config *config, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(config->probes[i].name, config->probes[at].name) == 0)
            return true;
    return false;
}

/* Reports tell probes apart by name; a query needs the node's own database. */
static bool has_faulty_probe(const struct agent_config *config, struct yaml_fault *ret)
{
    for (size_t i = 0; i < config->probe_count; i++) {
        const struct probe_config *probe = &config->probes[i];

        if (is_second_of_its_name(config, i)) {
            (void)config_fault_at(ret, "probes", i + 1, "");
            (void)text_format(ret->sentence, sizeof(ret->sentence), "a second probe is called %s",
                              probe->name);
            return true;
        }
        if (strcmp(probe->kind, "sql") == 0 && config->database.url == NULL)
            return config_fault_at(
                ret, "probes", i + 1,
                "a probe of kind sql asks the node's own database, and there is none");
    }
    return false;
}

/* The part that the kind needs is there. */
static bool is_faulty(const void *filled, struct yaml_fault *ret)
{
    const struct agent_config *config = filled;
    const struct {
        enum node_kind kind;
        const void *part;
        const char *says;
    } needs[] = {
        {KIND_DATABASE, config->database.url, "a database node needs the part \"database\""},
        {KIND_GAME, config->game.release_url, "a game node needs the part \"game\""},
        {KIND_EDGE, config->edge.driver, "an edge needs the part \"edge\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (kind_of(config) == needs[i].kind && needs[i].part == NULL)
            return config_fault_at(ret, "kind", 0, needs[i].says);
    return has_faulty_probe(config, ret);
}
static const struct yaml_table table = YAML_CHECKED_TABLE(struct agent_config, rows, is_faulty);

enum error_code agent_config_read(const void *parent, const char *path, struct agent_config *ret,
                                  struct error *err)
{
    struct agent_config config = {.path = NULL};

    if (yaml_read_file(parent, path, &table, &config, err) != ERROR_OK)
        return err->code;
    config.kind = kind_of(&config);
    config.path = memory_text(parent, path);
    *ret = config;
    return ERROR_OK;
}
