/* table.c: which function a task is, and the life of the child that runs it. */
#include "agent/task/task.h"

#include "agent/watch.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "common/base/text.h"

#include <assert.h>
#include <curl/curl.h>
#include <stdlib.h>

#define JOB_MS 10000
/* The coordinator says it with every beat: what is older says nothing of now. */
#define PLAYERS_FRESH_MS 5000

static const struct task_functions rows[] = {
    [TASK_NONE] = {NULL, NULL, false},
    [TASK_PREFLIGHT] = {task_preflight, NULL, true},
    [TASK_EXPAND] = {task_expand, inspect_schema, false},
    [TASK_BACKFILL] = {task_backfill, inspect_schema, true},
    [TASK_CONTRACT] = {task_contract, inspect_schema, false},
    [TASK_REVERT] = {task_revert, inspect_schema, false},
    [TASK_AWAIT_REPLAY] = {task_await_replay, NULL, true},
    [TASK_VERIFY] = {task_verify, NULL, true},
    [TASK_BACKUP] = {task_backup, inspect_backup, true},
    [TASK_RESTORE] = {task_restore, inspect_restore, false},
    [TASK_CLONE] = {task_clone, inspect_clone, true},
    [TASK_REHEARSE] = {task_rehearse, NULL, true},
    [TASK_DISCARD] = {task_discard, inspect_discard, true},
    [TASK_FOLLOW] = {task_follow, inspect_follow, true},
    [TASK_UNFOLLOW] = {task_unfollow, inspect_unfollow, false},
    [TASK_CLOSE_WRITES] = {task_close_writes, inspect_close_writes, false},
    [TASK_OPEN_WRITES] = {task_open_writes, inspect_open_writes, false},
    [TASK_DRAIN_WAL] = {task_drain_wal, NULL, false},
    [TASK_COMPARE] = {task_compare, NULL, false},
    [TASK_SEQUENCES] = {task_sequences, NULL, false},
    [TASK_REVERSE] = {task_reverse, inspect_reverse, false},
    [TASK_UNREVERSE] = {task_unreverse, inspect_unreverse, false},
    [TASK_CLOSE] = {task_close, inspect_close, false},
    [TASK_END_SESSIONS] = {task_end_sessions, NULL, false},
    [TASK_ALLOW_SESSIONS] = {task_allow_sessions, NULL, false},
    [TASK_RELEASE] = {task_release, inspect_release, false},
    [TASK_SMOKE] = {task_smoke, NULL, true},
    [TASK_DRAIN] = {task_drain, inspect_drain, false},
    [TASK_ADMIT] = {task_admit, inspect_admit, false},
    [TASK_ISOLATE] = {task_isolate, inspect_isolate, false},
    [TASK_SWITCH] = {task_switch, inspect_switch, false},
    [TASK_ANNOUNCE] = {task_announce, NULL, false},
    [TASK_NOTIFY] = {task_notify, NULL, false},
    [TASK_RECALL] = {task_notify, NULL, false},
    [TASK_PAUSE_POOL] = {task_pause_pool, inspect_pause_pool, false},
    [TASK_RESUME_POOL] = {task_resume_pool, inspect_resume_pool, false},
    [TASK_POINT_POOL] = {task_point_pool, inspect_point_pool, false},
};
static_assert(ARRAY_LEN(rows) == TASK_COUNT, "a task has no function");

const struct task_functions *task_functions(enum task task)
{
    assert(task < TASK_COUNT);
    return &rows[task];
}

static void take_players(struct task_context *task, const struct watch *watch)
{
    task->players_ms = watch->players_ms;
    task->players_limit_ms = watch->players_limit_ms;
    task->players_told_ms = clock_monotonic_ms();
}

void task_listen(struct task_context *task)
{
    enum frame_type type;
    void *body;

    while (channel_receive(task->channel, task->memory, &type, &body)) {
        if (type == FRAME_CANCEL)
            task->is_cancelled = true;
        else if (type == FRAME_TERM)
            task->term = ((const struct job *)body)->term;
        else if (type == FRAME_PLAYERS)
            take_players(task, body);
        talloc_free(body);
    }
}

void task_progress(struct task_context *task, uint64_t done, uint64_t total, const char *text)
{
    struct progress progress = {.id = task->job->order.id, .done = done, .total = total};

    (void)text_copy(progress.text, sizeof(progress.text), text);
    (void)channel_send(task->channel->fd, FRAME_PROGRESS, &progress);
}

bool task_asks_cancel(void *context)
{
    struct task_context *task = context;

    task_listen(task);
    return task->is_cancelled;
}

uint64_t task_asks_term(void *context)
{
    struct task_context *task = context;

    task_listen(task);
    return task->term;
}

void task_asks_players(void *context, uint64_t *ret_ms, uint64_t *ret_limit_ms)
{
    struct task_context *task = context;

    task_listen(task);
    *ret_ms = *ret_limit_ms = 0;
    if (task->players_told_ms == 0 ||
        clock_monotonic_ms() - task->players_told_ms > PLAYERS_FRESH_MS)
        return;
    *ret_ms = task->players_ms;
    *ret_limit_ms = task->players_limit_ms;
}

void task_passes_progress(void *context, uint64_t done, uint64_t total, const char *text)
{
    task_progress(context, done, total, text);
}

static enum outcome outcome_of(enum error_code code)
{
    if (code == ERROR_OK)
        return OUTCOME_SUCCEEDED;
    if (code == ERROR_CANCELLED)
        return OUTCOME_CANCELLED;
    return code == ERROR_SUPERSEDED ? OUTCOME_SUPERSEDED : OUTCOME_FAILED;
}

static void run_task(struct task_context *task)
{
    const struct order *order = &task->job->order;
    struct task_outcome outcome = {.id = order->id};
    uint64_t began = clock_monotonic_ms();
    struct error err = {.code = ERROR_OK};
    enum error_code code = rows[order->task].run(task, &outcome, &err);

    outcome.outcome = outcome_of(code);
    outcome.is_retryable = error_code_is_retryable(code);
    outcome.duration_ms = clock_monotonic_ms() - began;
    (void)text_copy(outcome.code, sizeof(outcome.code), error_code_name(code));
    if (code != ERROR_OK)
        (void)text_copy(outcome.detail, sizeof(outcome.detail), err.detail);
    (void)channel_send(task->channel->fd, FRAME_OUTCOME, &outcome);
}

typedef enum error_code upkeep_fn(struct task_context *task, struct error *err);

static void run_upkeep(struct task_context *task, upkeep_fn *run)
{
    struct task_outcome outcome = {.id = task->job->order.id};
    struct error err = {.code = ERROR_OK};
    enum error_code code = run(task, &err);

    outcome.outcome = outcome_of(code);
    (void)text_copy(outcome.code, sizeof(outcome.code), error_code_name(code));
    if (code != ERROR_OK)
        (void)text_copy(outcome.detail, sizeof(outcome.detail), err.detail);
    (void)channel_send(task->channel->fd, FRAME_OUTCOME, &outcome);
}

static void run_inspection(struct task_context *task)
{
    const struct order *order = &task->job->order;
    struct finding_report report = {.id = order->id, .of_replica = task->job->of_replica};
    struct error err = {.code = ERROR_OK};
    enum finding finding = FINDING_DID_NOT;
    inspect_fn *inspect = rows[order->task].inspect;

    bool can_tell = !task->job->of_replica || inspect == inspect_schema;

    if (!can_tell || (inspect != NULL && inspect(task, &finding, &err) != ERROR_OK))
        finding = FINDING_NOTHING;
    report.finding = finding;
    (void)text_copy(report.detail, sizeof(report.detail),
                    err.code != ERROR_OK ? err.detail : "the node was inspected");
    (void)channel_send(task->channel->fd, FRAME_FINDING, &report);
}

static void run_job(struct task_context *task)
{
    enum task what = task->job->order.task;

    if (task->job->kind == JOB_WATCH)
        watch_run(task->config, task->channel, task->job->node);
    else if (task->job->kind == JOB_CLEAR_ROLLOUT)
        run_upkeep(task, task_clear_rollout);
    else if (task->job->kind == JOB_DISCARD_SHADOWS)
        run_upkeep(task, task_discard_shadows);
    else if (task->job->kind == JOB_REOPEN)
        run_upkeep(task, task_reopen);
    else if (task->job->kind == JOB_DROP_SLOTS)
        run_upkeep(task, task_drop_slots);
    else if (task->job->kind == JOB_END_FOLLOWING)
        run_upkeep(task, task_end_following);
    else if (what == TASK_NONE)
        log_event(LOG_ERROR, "job_without_task", LOG_TEXT("node", task->job->node));
    else if (task->job->kind == JOB_INSPECT)
        run_inspection(task);
    else if (task->job->kind == JOB_MEND_EDGE)
        run_upkeep(task, task_mend_edge);
    else
        run_task(task);
}

int task_child(const struct agent_config *config)
{
    void *memory = memory_zeroed(NULL, 1, 1, "child");
    struct channel channel;
    struct task_context task = {.config = config, .channel = &channel, .memory = memory};
    enum frame_type type = FRAME_NONE;
    void *body = NULL;

    channel_open(&channel, PROCESS_CHANNEL_FD, memory);
    if (!channel_await(&channel, JOB_MS, memory, &type, &body) || type != FRAME_JOB)
        return EXIT_FAILURE;
    task.job = body;
    task.term = task.job->term;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    run_job(&task);
    curl_global_cleanup();
    talloc_free(memory);
    return EXIT_SUCCESS;
}
