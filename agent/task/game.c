/* game.c: a game server's release, switched through the node's own hook, and its probes. */
#include "agent/task/task.h"

#include "agent/hook.h"
#include "agent/probe/probe.h"
#include "agent/watch.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>
#include <unistd.h>

#define SMOKE_ROUNDS   3
#define SMOKE_PAUSE_MS 200
#define OWN_VARIABLES  10

/* What a hook is to do; it need not know the tasks' names. */
static const char *action_of(enum task task)
{
    if (task == TASK_NOTIFY)
        return "drain";
    return task == TASK_RECALL ? "undrain" : task_row(task)->name;
}

static const char *const *hook_environment(struct task_context *task)
{
    const struct game_config *game = &task->config->game;
    const struct order *order = &task->job->order;
    const char **list =
        memory_array(task->memory, const char *, OWN_VARIABLES + game->environment_count + 1);
    size_t count = 0;

    list[count++] = memory_format(task->memory, "HAKEM_NODE=%s", task->job->node);
    list[count++] = memory_format(task->memory, "HAKEM_RELEASE=%s", order->arguments.release);
    list[count++] = memory_format(task->memory, "HAKEM_SHARD=%s", order->arguments.shard);
    list[count++] =
        memory_format(task->memory, "HAKEM_ROLLOUT=%llu", (unsigned long long)order->id.rollout);
    list[count++] =
        memory_format(task->memory, "HAKEM_STEP=%llu", (unsigned long long)order->id.step);
    list[count++] = memory_format(task->memory, "HAKEM_ACTION=%s", action_of(order->task));
    list[count++] = memory_format(task->memory, "HAKEM_BUDGET_MS=%llu",
                                  (unsigned long long)order->arguments.budget_ms);
    list[count++] = memory_format(task->memory, "HAKEM_DRAIN_MS=%llu",
                                  (unsigned long long)order->arguments.drain_ms);
    list[count++] = memory_format(task->memory, "HAKEM_DRAIN_MAX_MS=%llu",
                                  (unsigned long long)order->arguments.drain_max_ms);
    list[count++] = memory_format(task->memory, "HAKEM_ON_DRAIN_LATE=%s",
                                  word_of(&drain_policy_names, order->arguments.on_drain_late));
    for (size_t i = 0; i < game->environment_count; i++)
        list[count++] = game->environment[i];
    return list;
}

static struct hook hook_of(struct task_context *task, const char *path)
{
    return (struct hook){.path = path,
                         .environment = hook_environment(task),
                         .timeout_ms = task->job->order.ttl_ms,
                         .own_session = true,
                         .is_cancelled = task_asks_cancel,
                         .context = task};
}

/* Whoever has no hook for it tells nobody: players learn of it at the edge. */
enum error_code task_announce(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    struct hook hook = hook_of(task, task->config->game.announce_hook);

    (void)ret;
    return hook.path == NULL ? ERROR_OK : hook_run(&hook, task->memory, NULL, err);
}

/* Without a hook, a server that is drained just gets nobody new. */
enum error_code task_notify(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct hook hook = hook_of(task, task->config->game.drain_hook);

    (void)ret;
    return hook.path == NULL ? ERROR_OK : hook_run(&hook, task->memory, NULL, err);
}

enum error_code task_release(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    const struct order *order = &task->job->order;
    struct hook hook = hook_of(task, task->config->game.release_hook);
    char running[NAME_SIZE];

    (void)ret;
    if (!text_is_name(order->arguments.release, NAME_MAX_LENGTH))
        return error_set(err, ERROR_INVALID, "\"%s\" is not the name of a release",
                         order->arguments.release);
    if (hook_run(&hook, task->memory, NULL, err) != ERROR_OK)
        return err->code;
    /* What the server says counts, not what the hook meant to do. */
    if (!watch_release(task->config, running) || strcmp(running, order->arguments.release) != 0)
        return error_set(err, ERROR_HOOK, "the hook succeeded, but the server says release \"%s\"",
                         running);
    return ERROR_OK;
}

enum error_code inspect_release(struct task_context *task, enum finding *ret, struct error *err)
{
    char running[NAME_SIZE];

    (void)err;
    *ret = watch_release(task->config, running) &&
                   strcmp(running, task->job->order.arguments.release) == 0
               ? FINDING_DID
               : FINDING_DID_NOT;
    return ERROR_OK;
}

enum error_code task_smoke(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    const struct agent_config *config = task->config;

    (void)ret;
    for (int round = 0; round < SMOKE_ROUNDS; round++) {
        for (size_t i = 0; i < config->probe_count; i++) {
            struct probe_result result;

            probe_run(config, &config->probes[i], &result);
            if (!result.could_measure || !result.passes)
                return error_set(err, ERROR_VERIFY, "probe %s, round %d: %s", result.name,
                                 round + 1, result.text);
        }
        if (task_asks_cancel(task))
            return error_set(err, ERROR_CANCELLED, "cancelled");
        clock_sleep_ms(SMOKE_PAUSE_MS);
    }
    return ERROR_OK;
}

static enum error_code preflight_game(struct task_context *task, struct error *err)
{
    const struct game_config *game = &task->config->game;
    const struct {
        const char *name, *path;
    } hooks[] = {{"release", game->release_hook},
                 {"announce", game->announce_hook},
                 {"drain", game->drain_hook}};

    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        if (hooks[i].path != NULL && access(hooks[i].path, X_OK) != 0)
            return error_set(err, ERROR_REFUSED, "the %s hook %s cannot be executed", hooks[i].name,
                             hooks[i].path);
    return ERROR_OK;
}

enum error_code task_preflight(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    switch (task->config->kind) {
    case KIND_DATABASE:
        return task_preflight_database(task, ret, err);
    case KIND_GAME:
        return preflight_game(task, err);
    case KIND_EDGE:
        return task_preflight_edge(task, err);
    case KIND_NONE:
    case KIND_COUNT:
        break;
    }
    return error_set(err, ERROR_CONFIG, "this agent's kind is not known");
}
