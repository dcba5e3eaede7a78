#include "agent/child.h"

#include "agent/task/task.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct child *free_slot(struct children *children)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (!children->items[i].is_used)
            return &children->items[i];
    return NULL;
}

static enum error_code spawn(const struct agent_config *config, struct process *ret,
                             struct error *err)
{
    char parent[24];
    char self[] = "hakem-agent";
    char task[] = "task";
    char flag[] = "--config";
    char *path = memory_text(NULL, config->path);
    char *argv[] = {self, task, flag, path, parent, NULL};
    struct process_command command = {
        .path = "/proc/self/exe", .argv = argv, .environment = environ, .with_channel = true};
    enum error_code code;

    (void)text_format(parent, sizeof(parent), "%ld", (long)getpid());
    code = process_spawn(&command, ret, err);
    talloc_free(path);
    return code;
}

/* Players come first: a quarter of a processor for which a game server or a database competes. What
 * a hook starts would inherit it for good, and could not go back: such tasks have the agent's own.
 */
#define YIELD_NICE 6

static void yield(const struct job *job, const struct process *process)
{
    if (job->kind == JOB_TASK && task_functions(job->order.task)->yields)
        (void)setpriority(PRIO_PROCESS, (id_t)process->pid, YIELD_NICE);
}

enum error_code children_start(struct children *children, const struct job *job, struct child **ret,
                               struct error *err)
{
    struct child *child = free_slot(children);

    if (child == NULL)
        return error_set(err, ERROR_LIMIT, "%d children are at work already", CHILDREN_MAX);
    *child = (struct child){.job = *job};
    if (spawn(children->config, &child->process, err) != ERROR_OK)
        return err->code;
    yield(job, &child->process);
    child->is_used = true;
    channel_open(&child->channel, child->process.channel, NULL);
    /* A child that died at once is reaped like any other. */
    (void)channel_send(child->process.channel, FRAME_JOB, job);
    *ret = child;
    return ERROR_OK;
}

struct child *children_find(struct children *children, enum job_kind kind,
                            const struct order_id *id)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children->items[i];

        if (child->is_used && child->job.kind == kind && order_id_equals(&child->job.order.id, id))
            return child;
    }
    return NULL;
}

void children_tell_term(struct children *children, uint64_t term)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children->items[i];

        if (!child->is_used || child->job.kind != JOB_TASK)
            continue;
        child->job.term = term;
        (void)channel_send(child->process.channel, FRAME_TERM, &child->job);
    }
}

void children_tell_players(struct children *children, uint64_t now_ms, uint64_t limit_ms)
{
    const struct watch word = {.players_ms = now_ms, .players_limit_ms = limit_ms};

    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *child = &children->items[i];

        if (child->is_used && child->job.kind == JOB_TASK && child->job.order.task == TASK_BACKFILL)
            (void)channel_send(child->process.channel, FRAME_PLAYERS, &word);
    }
}

void child_cancel(struct child *child, uint64_t now_ms)
{
    (void)channel_send(child->process.channel, FRAME_CANCEL, NULL);
    if (child->kill_at_ms == 0)
        child->kill_at_ms = now_ms + CANCEL_GRACE_MS;
}

void children_enforce(struct children *children, uint64_t now_ms)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children->items[i];

        if (child->is_used && child->kill_at_ms != 0 && now_ms >= child->kill_at_ms)
            (void)kill(child->process.pid, SIGKILL);
    }
}

bool child_reap(struct child *child)
{
    int status;

    if (!process_has_ended(&child->process, &status))
        return false;
    process_close(&child->process);
    talloc_free(child->channel.bytes);
    child->is_used = false;
    return true;
}

void children_end(struct children *children)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &children->items[i];
        int status;

        if (!child->is_used)
            continue;
        (void)kill(child->process.pid, SIGKILL);
        (void)waitpid(child->process.pid, &status, 0);
        process_close(&child->process);
        talloc_free(child->channel.bytes);
        child->is_used = false;
    }
}
