/* pool.c: a pool's queries held back, and let go on; it is so only once every console says so.
 *
 * PAUSE waits for transactions to end, without a limit of its own, and clients wait behind it: ours
 * is far below the time after which PgBouncer gives clients up, and what is not had within it is
 * undone at every console.
 */
#include "agent/task/task.h"

#include "agent/traffic/pooler.h"
#include "agent/traffic/traffic.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

#define SLICE_MS          100
#define OPEN_MS           3000 /* less than a cancelled child has left */
#define HOLDERS_BYTES_MAX 500

static enum error_code open_pooler(struct task_context *task, struct pooler **ret,
                                   struct error *err)
{
    if (!traffic_driver(&task->config->edge)->is_pooler)
        return error_set(err, ERROR_REFUSED, "this edge is no connection pooler: it has no pool");
    *ret = pooler_new(task->memory, &task->config->edge);
    return ERROR_OK;
}

struct pools {
    struct pool_report *items;
    size_t count;
};

static enum error_code look(struct task_context *task, struct pooler *pooler, struct pools *ret,
                            struct error *err)
{
    return pooler_look(pooler, task->memory, &ret->items, &ret->count, err);
}

/* ---- letting go on ---- */

static enum error_code open_all(struct task_context *task, struct pooler *pooler, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + OPEN_MS;
    struct pools pools;

    for (;;) {
        struct error refusal;

        /* Who is not paused refuses: what all say afterwards is what counts. */
        (void)pooler_tell(pooler, "RESUME", &refusal);
        if (look(task, pooler, &pools, err) == ERROR_OK && pools_are_open(pools.items, pools.count))
            return ERROR_OK;
        if (clock_monotonic_ms() >= until)
            break;
        clock_sleep_ms(SLICE_MS);
    }
    if (err->code != ERROR_OK)
        return err->code;
    return error_set(err, ERROR_EDGE, "the pool %s is still paused after %d ms of RESUME",
                     task->config->edge.pool, OPEN_MS);
}

enum error_code task_open_pool(struct task_context *task, struct error *err)
{
    struct pooler *pooler = NULL;

    if (open_pooler(task, &pooler, err) != ERROR_OK)
        return err->code;
    return open_all(task, pooler, err);
}

enum error_code task_resume_pool(struct task_context *task, struct task_outcome *ret,
                                 struct error *err)
{
    (void)ret;
    return task_open_pool(task, err);
}

/* ---- holding back ---- */

static enum error_code check_patience(struct task_context *task, const struct pools *pools,
                                      struct error *err)
{
    uint64_t had_ms = task->config->edge.pause_max_ms;
    uint64_t held_ms = task->job->order.arguments.pause_ms;
    const struct pool_report *pool =
        pools_that_give_up(pools->items, pools->count, had_ms + held_ms);

    if (pool == NULL)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "PgBouncer at %s gives waiting clients up after %llu s (query_wait_timeout), "
                     "and a pause may take %llu s to be had (pause_max) and %llu s until it ends "
                     "by itself: raise the one, or lower pause_max",
                     pool->console, (unsigned long long)pool->wait_limit_ms / 1000,
                     (unsigned long long)had_ms / 1000, (unsigned long long)held_ms / 1000);
}

static void say_waiting(struct task_context *task, struct pooler *pooler, const char *console)
{
    struct pools pools;
    struct error err;
    uint64_t active = 0;
    uint64_t waiting = 0;
    char text[128];

    if (look(task, pooler, &pools, &err) != ERROR_OK)
        return;
    for (size_t i = 0; i < pools.count; i++) {
        active += pools.items[i].servers_active;
        waiting += pools.items[i].clients_waiting;
    }
    (void)text_format(text, sizeof(text), "%llu transactions under way, %llu clients wait (%.40s)",
                      (unsigned long long)active, (unsigned long long)waiting, console);
    task_progress(task, 0, active, text);
}

static enum error_code say_late(struct task_context *task, struct pooler *pooler,
                                const char *console, struct error *err)
{
    struct text *holders = text_new(task->memory, HOLDERS_BYTES_MAX);

    pooler_say_holders(pooler, holders);
    return error_set(err, ERROR_TIMEOUT,
                     "the pool %s could not be paused within %llu ms: at %s a transaction is still "
                     "open%s%s; it is open to everybody again",
                     task->config->edge.pool, (unsigned long long)task->config->edge.pause_max_ms,
                     console, holders->size > 0 ? ", of " : "", holders->data);
}

/* Every console has answered PAUSE, and then says that nothing is under way. */
static enum error_code await_pause(struct task_context *task, struct pooler *pooler,
                                   struct error *err)
{
    uint64_t until = clock_monotonic_ms() + task->config->edge.pause_max_ms;
    struct pools pools;
    const char *waiting = NULL;

    for (;;) {
        if (pooler_await(pooler, &waiting, err) != ERROR_OK)
            return err->code;
        if (waiting == NULL) {
            if (look(task, pooler, &pools, err) != ERROR_OK)
                return err->code;
            if (pools_are_held(pools.items, pools.count))
                return ERROR_OK;
            waiting = pools.items[0].console;
        }
        if (clock_monotonic_ms() >= until)
            return say_late(task, pooler, waiting, err);
        task_listen(task);
        if (task->is_cancelled)
            return error_set(err, ERROR_CANCELLED, "cancelled while transactions had yet to end");
        say_waiting(task, pooler, waiting);
        clock_sleep_ms(SLICE_MS);
    }
}

/* Hung up first: a RESUME beside a PAUSE that still waits may leave that waiting for ever. */
static enum error_code undo_pause(struct task_context *task, struct pooler *pooler,
                                  struct error *err)
{
    struct error fault;

    pooler_end(pooler);
    if (open_all(task, pooler, &fault) != ERROR_OK)
        return error_set(err, err->code, "%.500s; and it could not be undone: %.400s", err->detail,
                         fault.detail);
    return err->code;
}

enum error_code task_pause_pool(struct task_context *task, struct task_outcome *ret,
                                struct error *err)
{
    struct pooler *pooler = NULL;
    struct pools pools;

    (void)ret;
    if (open_pooler(task, &pooler, err) != ERROR_OK || look(task, pooler, &pools, err) != ERROR_OK)
        return err->code;
    if (task->job->order.arguments.pause_ms == 0)
        return error_set(err, ERROR_INVALID, "the order does not say how long the pause may last");
    if (check_patience(task, &pools, err) != ERROR_OK)
        return err->code;
    if (pools_are_held(pools.items, pools.count))
        return ERROR_OK;
    if (pooler_begin(pooler, "PAUSE", err) != ERROR_OK ||
        await_pause(task, pooler, err) != ERROR_OK)
        return undo_pause(task, pooler, err);
    pooler_end(pooler);
    return ERROR_OK;
}

/* ---- inspections ---- */

static enum error_code inspect(struct task_context *task,
                               bool (*holds)(const struct pool_report *, size_t), enum finding *ret,
                               struct error *err)
{
    struct pooler *pooler = NULL;
    struct pools pools;

    if (open_pooler(task, &pooler, err) != ERROR_OK || look(task, pooler, &pools, err) != ERROR_OK)
        return err->code;
    *ret = holds(pools.items, pools.count) ? FINDING_DID : FINDING_DID_NOT;
    return ERROR_OK;
}

enum error_code inspect_pause_pool(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, pools_are_held, ret, err);
}

enum error_code inspect_resume_pool(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, pools_are_open, ret, err);
}

/* ---- before anything begins ---- */

enum error_code task_preflight_pool(struct task_context *task, struct error *err)
{
    struct pooler *pooler = NULL;
    struct pools pools;

    if (open_pooler(task, &pooler, err) != ERROR_OK || look(task, pooler, &pools, err) != ERROR_OK)
        return err->code;
    if (check_patience(task, &pools, err) != ERROR_OK)
        return err->code;
    return task_check_pool_file(task, pools.items, pools.count, err);
}
