/* pool_point.c: a pool pointed at another database: in the file, in every PgBouncer, and back again
 * if one of them does not follow.  File and memory agree, or a restart would undo it.
 */
#include "agent/task/task.h"

#include "agent/traffic/pool_file.h"
#include "agent/traffic/pooler.h"
#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define SLICE_MS  100
#define FOLLOW_MS 20000 /* until old connections are closed: their transactions end first */
#define READ_MS   5000

/* What is at hand while a pool is pointed. */
struct pointing {
    struct task_context *task;
    struct pooler *pooler;
    const struct pool_server *server;
    char *before; /* the file */
    mode_t mode;
};

static const struct pool_server *find_server(const struct edge_config *config, const char *node)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (strcmp(config->servers[i].node, node) == 0)
            return &config->servers[i];
    return NULL;
}

static enum error_code read_databases(const struct task_context *task, char **ret,
                                      struct error *err)
{
    const char *path = task->config->edge.databases_file;
    size_t size = 0;

    return file_read(task->memory, path, POOL_FILE_BYTES_MAX, ret, &size, err);
}

static enum error_code begin(struct task_context *task, struct pointing *ret, struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    const char *target = task->job->order.arguments.target;
    struct stat info;

    *ret = (struct pointing){.task = task};
    if (!traffic_driver(config)->is_pooler || config->databases_file == NULL)
        return error_set(err, ERROR_REFUSED,
                         "this edge has no pool that could be pointed elsewhere (databases_file)");
    ret->server = find_server(config, target);
    if (ret->server == NULL)
        return error_set(err, ERROR_NOT_FOUND,
                         "the pool cannot be pointed at %s: the configuration has no such server",
                         target);
    if (read_databases(task, &ret->before, err) != ERROR_OK)
        return err->code;
    if (stat(config->databases_file, &info) != 0)
        return error_set(err, ERROR_SYSTEM, "%s: %s", config->databases_file, strerror(errno));
    ret->mode = info.st_mode & 07777;
    ret->pooler = pooler_new(task->memory, config);
    return ERROR_OK;
}

/* ---- reading back ---- */

static bool all_point_at(const struct pool_report *pools, size_t count, const char *node)
{
    assert(node != NULL);
    for (size_t i = 0; i < count; i++)
        if (!pools[i].could_measure || strcmp(pools[i].server, node) != 0)
            return false;
    return count > 0;
}

static enum error_code await_follow(const struct pointing *it, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + READ_MS;
    struct pool_report *pools = NULL;
    size_t count = 0;

    assert(it->server != NULL);
    for (;;) {
        if (pooler_look(it->pooler, it->task->memory, &pools, &count, err) != ERROR_OK)
            return err->code;
        if (all_point_at(pools, count, it->server->node))
            return ERROR_OK;
        if (clock_monotonic_ms() >= until)
            break;
        clock_sleep_ms(SLICE_MS);
    }
    for (size_t i = 0; i < count; i++)
        if (strcmp(pools[i].server, it->server->node) != 0)
            return error_set(err, ERROR_EDGE,
                             "PgBouncer at %s still points at %s:%llu after RELOAD: does its "
                             "configuration include %s?",
                             pools[i].console, pools[i].host, (unsigned long long)pools[i].port,
                             it->task->config->edge.databases_file);
    return ERROR_OK;
}

/* Connections to where it pointed before are closed as their transactions end. */
static enum error_code await_closed(const struct pointing *it, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + FOLLOW_MS;
    const char *waiting = NULL;

    if (pooler_begin(it->pooler, "WAIT_CLOSE", err) != ERROR_OK)
        return err->code;
    for (;;) {
        if (pooler_await(it->pooler, &waiting, err) != ERROR_OK || waiting == NULL)
            return err->code;
        if (clock_monotonic_ms() >= until)
            return error_set(err, ERROR_TIMEOUT,
                             "at %s a transaction on the database before is still open after %d ms",
                             waiting, FOLLOW_MS);
        clock_sleep_ms(SLICE_MS);
    }
}

/* ---- there, and back if it fails ---- */

static enum error_code write_databases(const struct pointing *it, const char *text,
                                       struct error *err)
{
    return file_write_atomically(it->task->config->edge.databases_file, text, strlen(text),
                                 it->mode, err);
}

static enum error_code point(const struct pointing *it, struct error *err)
{
    const struct edge_config *config = &it->task->config->edge;
    struct text *after = text_new(it->task->memory, POOL_FILE_BYTES_MAX);

    assert(it->before != NULL);
    if (pool_file_point(it->before, config->databases_file, config->pool, it->server, after, err) !=
            ERROR_OK ||
        write_databases(it, after->data, err) != ERROR_OK ||
        pooler_reload(it->pooler, err) != ERROR_OK || await_follow(it, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    (void)await_closed(it, err);
    pooler_end(it->pooler);
    return err->code;
}

static enum error_code put_back(const struct pointing *it, struct error *err)
{
    struct error fault;

    assert(it->before != NULL);
    if (write_databases(it, it->before, &fault) == ERROR_OK &&
        pooler_reload(it->pooler, &fault) == ERROR_OK)
        return error_set(err, err->code, "%.900s; it points where it did before", err->detail);
    return error_set(err, err->code, "%.500s; and it could not be put back: %.400s", err->detail,
                     fault.detail);
}

enum error_code task_point_pool(struct task_context *task, struct task_outcome *ret,
                                struct error *err)
{
    struct pointing it;

    (void)ret;
    if (begin(task, &it, err) != ERROR_OK)
        return err->code;
    return point(&it, err) == ERROR_OK ? ERROR_OK : put_back(&it, err);
}

static enum error_code file_points_at(const struct pointing *it, bool *ret, struct error *err)
{
    const struct edge_config *config = &it->task->config->edge;
    struct pool_address address;

    if (pool_file_read(it->before, config->databases_file, config->pool, &address, err) != ERROR_OK)
        return err->code;
    *ret = pool_address_is(&address, it->server);
    return ERROR_OK;
}

enum error_code inspect_point_pool(struct task_context *task, enum finding *ret, struct error *err)
{
    struct pointing it;
    struct pool_report *pools = NULL;
    size_t count = 0;
    bool is_written = false;

    if (begin(task, &it, err) != ERROR_OK || file_points_at(&it, &is_written, err) != ERROR_OK ||
        pooler_look(it.pooler, task->memory, &pools, &count, err) != ERROR_OK)
        return err->code;
    assert(it.server != NULL);
    *ret =
        is_written && all_point_at(pools, count, it.server->node) ? FINDING_DID : FINDING_DID_NOT;
    return ERROR_OK;
}

/* ---- before anything begins ---- */

enum error_code task_check_pool_file(struct task_context *task, const struct pool_report *pools,
                                     size_t count, struct error *err)
{
    const struct edge_config *config = &task->config->edge;
    struct pool_address address;
    char *text = NULL;

    if (config->databases_file == NULL)
        return ERROR_OK;
    if (read_databases(task, &text, err) != ERROR_OK ||
        pool_file_read(text, config->databases_file, config->pool, &address, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (strcmp(pools[i].host, address.host) != 0 || pools[i].port != address.port ||
            strcmp(pools[i].database, address.database) != 0)
            return error_set(err, ERROR_REFUSED,
                             "PgBouncer at %s points at %s:%llu/%s, and %s says %s:%llu/%s: RELOAD "
                             "it, or mend the file",
                             pools[i].console, pools[i].host, (unsigned long long)pools[i].port,
                             pools[i].database, config->databases_file, address.host,
                             (unsigned long long)address.port, address.database);
    return ERROR_OK;
}
