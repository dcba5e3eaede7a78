/* config.h: an agent's configuration file. */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include "common/base/error.h"
#include "common/migration/phase.h"
#include "proto/report.h"

#include <stdbool.h>

#define AGENT_PROBES_MAX       16
#define EDGE_COLOURS_MAX       8
#define AGENT_POOL_SERVERS_MAX 16
#define AGENT_COMMANDS_MAX     64

struct probe_config {
    const char *name;
    const char *kind;   /* http, tcp, sql, exec */
    const char *target; /* a URL, HOST:PORT, a query, an absolute path */
    uint64_t timeout_ms;
    uint64_t expect; /* http: status; 0: any below 400 */
};

/* A database on the other side of a blue-green pair. */
struct twin_config {
    const char *node;
    const char *url; /* for this node's server and its agent */
};

struct database_config {
    const char *url;
    const char *admin_url; /* as a superuser; NULL: none: no twins, and restores as url */
    struct twin_config *twins;
    size_t twin_count;
    const char **game_roles;
    size_t game_role_count;
    const char *data;       /* folder, for disk free */
    const char *scratch;    /* folder for shadows; NULL: none is made here */
    const char *programs;   /* PostgreSQL's own; NULL: found by its version */
    const char *backups;    /* folder; NULL: none are made here */
    const char *backup_key; /* file; NULL: they are not encrypted */
    uint64_t backups_kept;  /* of this database; 0: all */
    const char *workload;   /* executable that is run on a shadow; NULL: none */
    uint64_t workload_timeout_ms;
    const char *role; /* whom the statements of migrations run as; NULL: the URL's own */
    struct migration_command *commands; /* that backfills may ask for */
    size_t command_count;
    const char **environment; /* NAME=VALUE for the workload */
    size_t environment_count;
};

struct game_config {
    const char *release_url; /* answers JSON with a key "release" */
    const char *release_hook;
    const char *announce_hook; /* NULL: nobody is told */
    const char *drain_hook;    /* NULL: the server learns of a drain by nobody's coming */
    const char *agent_check;   /* HOST:PORT that edges ask; NULL: none does */
    const char **environment;  /* NAME=VALUE for hooks */
    size_t environment_count;
    const char **reads;
    size_t read_count;
    const char *data;
};

/* Where a pool may be pointed: a database node, as the poolers reach it. */
struct pool_server {
    const char *node;
    const char *host;
    uint64_t port;
    const char *database;
};

/* Servers that get all traffic or none. */
struct edge_colour {
    const char *name;
    const char *backend; /* haproxy */
};

struct edge_config {
    const char *driver;          /* haproxy, exec, pgbouncer */
    const char *socket;          /* haproxy: runtime socket */
    const char *backend;         /* haproxy, without colours */
    struct edge_colour *colours; /* none: one pool, of which single nodes are taken out */
    size_t colour_count;
    const char *map; /* haproxy: the file of the map that says which colour is live */
    const char *map_key, *map_next_key, *map_share_key;
    const char *state_file;
    const char *hook;      /* exec: called with HAKEM_ACTION=state|drain|admit|isolate */
    const char **consoles; /* pgbouncer: conninfo of each process's admin console */
    size_t console_count;
    const char *pool; /* the database, as PgBouncer calls it */
    const char *databases_file;
    struct pool_server *servers;
    size_t server_count;
    uint64_t pause_max_ms; /* a pause that is not had within is undone */
};

struct agent_config {
    const char *path; /* of the file itself: children read it anew */
    const char *coordinator;
    const char *coordinator_key;
    const char *key_file;
    const char *state; /* folder */
    const char *log_level;
    enum node_kind kind;
    const char *kind_name;
    struct database_config database;
    struct game_config game;
    struct edge_config edge;
    struct probe_config *probes;
    size_t probe_count;
};

/* ERROR_CONFIG names file, line and key. What it points to are talloc descendants of parent. */
enum error_code agent_config_read(const void *parent, const char *path, struct agent_config *ret,
                                  struct error *err);

#endif
