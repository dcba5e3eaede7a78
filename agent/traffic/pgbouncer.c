/* pgbouncer.c: PgBouncer through its admin console: SHOW DATABASES, POOLS and CONFIG say where the
 * pool stands, by the names of their columns.
 */
#include "agent/traffic/pooler.h"

#include "agent/traffic/console.h"
#include "agent/traffic/traffic.h"
#include "common/base/memory.h"

#include <string.h>

#define COMMAND_BYTES   160
#define HOLDERS_MAX     3 /* named; the rest is counted */
#define SECOND_MS       1000
#define MICROSECONDS_MS 1000

struct pooler {
    const struct edge_config *config;
    struct console *consoles[REPORT_POOLS_MAX]; /* NULL: not connected */
    struct console *waiting[REPORT_POOLS_MAX];  /* on these, what was begun is under way */
    bool is_done[REPORT_POOLS_MAX];
};

struct pooler *pooler_new(const void *parent, const struct edge_config *config)
{
    struct pooler *pooler = memory_new(parent, struct pooler);

    pooler->config = config;
    return pooler;
}

static void hang_up(struct pooler *pooler, size_t at)
{
    talloc_free(pooler->consoles[at]);
    pooler->consoles[at] = NULL;
}

static enum error_code connect_to(struct pooler *pooler, size_t at, struct error *err)
{
    if (pooler->consoles[at] != NULL)
        return ERROR_OK;
    return console_open(pooler, pooler->config->consoles[at], &pooler->consoles[at], err);
}

/* On the connection that stays; one that fails is not used again. */
static enum error_code ask(struct pooler *pooler, size_t at, const char *command, PGresult **ret,
                           struct error *err)
{
    if (connect_to(pooler, at, err) != ERROR_OK)
        return err->code;
    if (console_ask(pooler->consoles[at], command, ret, err) != ERROR_OK)
        hang_up(pooler, at);
    return err->code;
}

/* ---- looking ---- */

static const char *server_at(const struct edge_config *config, const struct pool_report *pool)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (strcmp(config->servers[i].host, pool->host) == 0 &&
            config->servers[i].port == pool->port &&
            strcmp(config->servers[i].database, pool->database) == 0)
            return config->servers[i].node;
    return "";
}

static enum error_code look_at_database(struct pooler *pooler, size_t at, struct pool_report *ret,
                                        struct error *err)
{
    const char *name = pooler->config->pool;
    PGresult *result = NULL;
    bool is_there = false;

    if (ask(pooler, at, "SHOW DATABASES", &result, err) != ERROR_OK)
        return err->code;
    for (int row = 0; row < PQntuples(result) && !is_there; row++) {
        is_there = strcmp(console_text(result, row, "name"), name) == 0;
        if (!is_there)
            continue;
        (void)text_copy(ret->host, sizeof(ret->host), console_text(result, row, "host"));
        ret->port = console_number(result, row, "port");
        (void)text_copy(ret->database, NAME_SIZE, console_text(result, row, "database"));
        ret->is_paused = console_number(result, row, "paused") != 0;
    }
    PQclear(result);
    if (!is_there)
        return error_set(err, ERROR_EDGE, "PgBouncer at %s has no database called %s",
                         console_name(pooler->consoles[at]), name);
    (void)text_copy(ret->server, NAME_SIZE, server_at(pooler->config, ret));
    return ERROR_OK;
}

/* One row for each user of the pool. */
static enum error_code look_at_pools(struct pooler *pooler, size_t at, struct pool_report *ret,
                                     struct error *err)
{
    PGresult *result = NULL;

    if (ask(pooler, at, "SHOW POOLS", &result, err) != ERROR_OK)
        return err->code;
    for (int row = 0; row < PQntuples(result); row++) {
        uint64_t waited_ms = console_number(result, row, "maxwait") * SECOND_MS +
                             console_number(result, row, "maxwait_us") / MICROSECONDS_MS;

        if (strcmp(console_text(result, row, "database"), pooler->config->pool) != 0)
            continue;
        ret->clients_active += console_number(result, row, "cl_active");
        ret->clients_waiting += console_number(result, row, "cl_waiting");
        ret->servers_active += console_number(result, row, "sv_active") +
                               console_number(result, row, "sv_tested") +
                               console_number(result, row, "sv_login");
        ret->servers_idle +=
            console_number(result, row, "sv_idle") + console_number(result, row, "sv_used");
        if (waited_ms > ret->longest_wait_ms)
            ret->longest_wait_ms = waited_ms;
    }
    PQclear(result);
    return ERROR_OK;
}

static enum error_code look_at_config(struct pooler *pooler, size_t at, struct pool_report *ret,
                                      struct error *err)
{
    PGresult *result = NULL;

    if (ask(pooler, at, "SHOW CONFIG", &result, err) != ERROR_OK)
        return err->code;
    for (int row = 0; row < PQntuples(result); row++)
        if (strcmp(console_text(result, row, "key"), "query_wait_timeout") == 0)
            ret->wait_limit_ms = console_number(result, row, "value") * SECOND_MS;
    PQclear(result);
    return ERROR_OK;
}

/* A console's conninfo has no name that tells it apart for sure: its place among them comes first.
 */
static void look_at_console(struct pooler *pooler, size_t at, struct pool_report *ret,
                            struct error *err)
{
    (void)text_format(ret->console, sizeof(ret->console), "%zu", at + 1);
    if (connect_to(pooler, at, err) != ERROR_OK)
        return;
    (void)text_format(ret->console, sizeof(ret->console), "%.60s",
                      console_name(pooler->consoles[at]));
    ret->could_measure = look_at_database(pooler, at, ret, err) == ERROR_OK &&
                         look_at_pools(pooler, at, ret, err) == ERROR_OK &&
                         look_at_config(pooler, at, ret, err) == ERROR_OK;
}

enum error_code pooler_look(struct pooler *pooler, const void *parent, struct pool_report **ret,
                            size_t *ret_count, struct error *err)
{
    size_t count = pooler->config->console_count;
    struct pool_report *pools = memory_array(parent, struct pool_report, count);

    err->code = ERROR_OK;
    for (size_t i = 0; i < count; i++) {
        struct error fault;

        look_at_console(pooler, i, &pools[i], &fault);
        if (!pools[i].could_measure && err->code == ERROR_OK)
            *err = fault;
    }
    *ret = pools;
    *ret_count = count;
    return err->code;
}

/* ---- telling ---- */

static void quote(const struct pooler *pooler, const char *command, char ret[static COMMAND_BYTES])
{
    /* The pool's name has no quote in it: the configuration takes only names. */
    (void)text_format(ret, COMMAND_BYTES, "%.60s \"%.63s\"", command, pooler->config->pool);
}

static enum error_code tell_all(struct pooler *pooler, const char *command, struct error *err)
{
    err->code = ERROR_OK;
    for (size_t i = 0; i < pooler->config->console_count; i++) {
        struct error fault;

        if (ask(pooler, i, command, NULL, &fault) != ERROR_OK && err->code == ERROR_OK)
            *err = fault;
    }
    return err->code;
}

enum error_code pooler_tell(struct pooler *pooler, const char *command, struct error *err)
{
    char text[COMMAND_BYTES];

    quote(pooler, command, text);
    return tell_all(pooler, text, err);
}

enum error_code pooler_reload(struct pooler *pooler, struct error *err)
{
    return tell_all(pooler, "RELOAD", err);
}

enum error_code pooler_begin(struct pooler *pooler, const char *command, struct error *err)
{
    char text[COMMAND_BYTES];

    quote(pooler, command, text);
    for (size_t i = 0; i < pooler->config->console_count; i++) {
        pooler->is_done[i] = false;
        if (console_open(pooler, pooler->config->consoles[i], &pooler->waiting[i], err) !=
                ERROR_OK ||
            console_send(pooler->waiting[i], text, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code pooler_await(struct pooler *pooler, const char **ret_waiting, struct error *err)
{
    *ret_waiting = NULL;
    for (size_t i = 0; i < pooler->config->console_count; i++) {
        if (!pooler->is_done[i] &&
            console_look(pooler->waiting[i], &pooler->is_done[i], err) != ERROR_OK)
            return err->code;
        if (!pooler->is_done[i] && *ret_waiting == NULL)
            *ret_waiting = console_name(pooler->waiting[i]);
    }
    return ERROR_OK;
}

void pooler_end(struct pooler *pooler)
{
    for (size_t i = 0; i < pooler->config->console_count; i++) {
        talloc_free(pooler->waiting[i]);
        pooler->waiting[i] = NULL;
    }
}

/* ---- who is in the way ---- */

/* A client that has a server is in a transaction: in transaction mode it gives it back after. */
static bool holds(const struct pooler *pooler, const PGresult *result, int row)
{
    return strcmp(console_text(result, row, "database"), pooler->config->pool) == 0 &&
           console_text(result, row, "link")[0] != '\0';
}

static void say_holder(const PGresult *result, int row, struct text *ret)
{
    text_append_format(ret, "%s%.63s at %.63s:%.10s", ret->size > 0 ? ", " : "",
                       console_text(result, row, "user"), console_text(result, row, "addr"),
                       console_text(result, row, "port"));
    if (console_text(result, row, "application_name")[0] != '\0')
        text_append_format(ret, " (%.63s)", console_text(result, row, "application_name"));
    text_append_format(ret, " since %.19s", console_text(result, row, "request_time"));
}

void pooler_say_holders(struct pooler *pooler, struct text *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < pooler->config->console_count; i++) {
        PGresult *result = NULL;
        struct error err;

        if (ask(pooler, i, "SHOW CLIENTS", &result, &err) != ERROR_OK)
            continue;
        for (int row = 0; row < PQntuples(result); row++)
            if (holds(pooler, result, row) && ++count <= HOLDERS_MAX)
                say_holder(result, row, ret);
        PQclear(result);
    }
    if (count > HOLDERS_MAX)
        text_append_format(ret, " and %zu more", count - HOLDERS_MAX);
}

/* ---- of what consoles say ---- */

bool pool_is_held(const struct pool_report *pool)
{
    return pool->could_measure && pool->is_paused && pool->servers_active == 0;
}

bool pools_are_held(const struct pool_report *pools, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!pool_is_held(&pools[i]))
            return false;
    return count > 0;
}

bool pools_are_open(const struct pool_report *pools, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!pools[i].could_measure || pools[i].is_paused)
            return false;
    return count > 0;
}

const struct pool_report *pools_that_give_up(const struct pool_report *pools, size_t count,
                                             uint64_t pause_ms)
{
    for (size_t i = 0; i < count; i++)
        if (pools[i].wait_limit_ms != 0 &&
            pools[i].wait_limit_ms < pause_ms + POOLER_WAIT_MARGIN_MS)
            return &pools[i];
    return NULL;
}

const struct traffic_driver traffic_pgbouncer = {.name = "pgbouncer", .is_pooler = true};
