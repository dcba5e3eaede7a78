/* twin.c: a database that follows another one, is switched to, and is left: thin calls into
 * agent/twin. */
#include "agent/task/task.h"

#include "agent/twin/twin.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/inspect.h"
#include "common/migration/schema.h"

#include <string.h>
#include <unistd.h>

#define UPKEEP_S      15 /* it is tried again; one that hangs must not stay */
#define UPKEEP_MS     12000
#define INSPECTION_MS 20000

/* A task on a pair, and until when. */
struct twin_task {
    struct task_context *task;
    struct twin twin;
    uint64_t until_ms;
};

static bool is_over(void *context)
{
    struct twin_task *w = context;

    return task_asks_cancel(w->task) || clock_monotonic_ms() >= w->until_ms;
}

static void pass_progress(void *context, uint64_t done, uint64_t total, const char *text)
{
    const struct twin_task *w = context;

    task_progress(w->task, done, total, text);
}

/* ---- both sides ---- */

/* The term is the agent's own role's to raise: what it makes in the schema hakem must be its own.
 */
static enum error_code pass_fence(struct task_context *task, struct session *admin,
                                  struct error *err)
{
    struct session *session = NULL;
    char *ours = NULL;
    char *admins = NULL;

    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    if (schema_ensure(session, err) == ERROR_OK &&
        task_raise_term(task, session, err) == ERROR_OK &&
        session_ask_text(session, SQL("SELECT pg_catalog.current_database()"), task->memory, &ours,
                         err) == ERROR_OK &&
        session_ask_text(admin, SQL("SELECT pg_catalog.current_database()"), task->memory, &admins,
                         err) == ERROR_OK) {
        err->code = ERROR_OK;
        if (strcmp(ours, admins) != 0)
            error_set(err, ERROR_CONFIG, "database.admin_url is of %s, and database.url of %s",
                      admins, ours);
    }
    session_close(session);
    return err->code;
}

/* One for all that an agent does with its pair in a rollout, one after the other: a session of that
 * name is of a child that died, and what it was at must not go on beside this. */
static const char *name_sessions(const struct task_context *task)
{
    const char *what =
        memory_format(task->memory, "%llu at %s", (unsigned long long)task->job->order.id.rollout,
                      task->job->node);
    char name[INSPECT_APPLICATION_SIZE];

    if (task->job->kind == JOB_REOPEN)
        return "hakem:reopen";
    inspect_application_name(what, 0, 0, name);
    return memory_text(task->memory, name);
}

static enum error_code open_pair(struct twin_task *w, struct task_context *task, struct error *err)
{
    const struct order *order = &task->job->order;
    uint64_t ttl_ms = order->ttl_ms != 0 ? order->ttl_ms : task_row(order->task)->deadline_ms;

    if (task->job->kind != JOB_TASK)
        ttl_ms = task->job->kind == JOB_INSPECT ? INSPECTION_MS : UPKEEP_MS;
    *w = (struct twin_task){.task = task,
                            .until_ms = clock_monotonic_ms() + ttl_ms,
                            .twin = {.config = task->config,
                                     .node = task->job->node,
                                     .session_name = name_sessions(task),
                                     .rollout = order->id.rollout,
                                     .memory = task->memory}};
    w->twin.until_ms = w->until_ms - ttl_ms / 10; /* who waits has time to say for what */
    w->twin.hooks =
        (struct twin_hooks){.context = w, .is_cancelled = is_over, .progress = pass_progress};
    err->code = ERROR_OK;
    if (twin_find(task->config, order->arguments.target, &w->twin.other, err) != ERROR_OK ||
        task_open_admin_session(task, w->twin.session_name, &w->twin.own, err) != ERROR_OK)
        return err->code;
    (void)session_set_watch(w->twin.own,
                            (struct session_watch){.context = w, .is_cancelled = is_over});
    if (inspect_end_backends(w->twin.own, w->twin.session_name, TWIN_PREDECESSOR_MS, NULL, err) !=
        ERROR_OK)
        return err->code;
    return task->job->kind == JOB_TASK ? pass_fence(task, w->twin.own, err) : ERROR_OK;
}

/* What the deadline cancelled was not cancelled by anybody. */
static enum error_code end(struct twin_task *w, enum error_code code, struct error *err)
{
    char detail[ERROR_DETAIL_MAX / 2];

    session_close(w->twin.peer);
    session_close(w->twin.own);
    if (code != ERROR_CANCELLED || w->task->is_cancelled || session_was_signalled())
        return code;
    (void)text_copy(detail, sizeof(detail), err->detail);
    return error_set(err, ERROR_TIMEOUT, "not finished within its deadline: %s", detail);
}

/* ---- tasks ---- */

enum error_code task_follow(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    uint64_t began_ms = clock_monotonic_ms();
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    if (code == ERROR_OK)
        code = twin_follow(&w.twin, err);
    if (code == ERROR_OK)
        (void)text_format(ret->detail, sizeof(ret->detail), "%s is followed after %.1f s",
                          w.twin.other->node, (double)(clock_monotonic_ms() - began_ms) / 1000.0);
    return end(&w, code, err);
}

enum error_code task_unfollow(struct task_context *task, struct task_outcome *ret,
                              struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    if (code == ERROR_OK)
        code = twin_unfollow(&w.twin, ret->detail, sizeof(ret->detail), err);
    return end(&w, code, err);
}

enum error_code task_close_writes(struct task_context *task, struct task_outcome *ret,
                                  struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK && task->job->order.arguments.pause_ms == 0)
        code =
            error_set(err, ERROR_INVALID, "the order does not say how long writes may stay closed");
    if (code == ERROR_OK)
        code = twin_close_writes(&w.twin, err);
    return end(&w, code, err);
}

enum error_code task_open_writes(struct task_context *task, struct task_outcome *ret,
                                 struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK)
        code = twin_open_writes(&w.twin, task->job->order.arguments.accept_data_loss, err);
    return end(&w, code, err);
}

enum error_code task_drain_wal(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK)
        code = twin_drain(&w.twin, err);
    return end(&w, code, err);
}

enum error_code task_compare(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    if (code == ERROR_OK)
        code = twin_compare(&w.twin, task->job->order.arguments.budget_ms, ret->detail,
                            sizeof(ret->detail), err);
    return end(&w, code, err);
}

enum error_code task_sequences(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    if (code == ERROR_OK)
        code = twin_sequences(&w.twin, ret->detail, sizeof(ret->detail), err);
    return end(&w, code, err);
}

enum error_code task_reverse(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK)
        code = twin_reverse(&w.twin, err);
    return end(&w, code, err);
}

enum error_code task_unreverse(struct task_context *task, struct task_outcome *ret,
                               struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK)
        code = twin_unreverse(&w.twin, arguments->accept_data_loss || !arguments->has_writes, err);
    return end(&w, code, err);
}

enum error_code task_close(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);

    (void)ret;
    if (code == ERROR_OK)
        code = twin_close(&w.twin, err);
    return end(&w, code, err);
}

/* ---- between orders ---- */

enum error_code task_reopen(struct task_context *task, struct error *err)
{
    struct twin_task w;
    enum error_code code;

    (void)alarm(UPKEEP_S);
    code = open_pair(&w, task, err);
    if (code == ERROR_OK)
        code = twin_reopen(&w.twin, err);
    return end(&w, code, err);
}

enum error_code task_drop_slots(struct task_context *task, struct error *err)
{
    struct twin twin = {.config = task->config,
                        .node = task->job->node,
                        .rollout = task->job->order.id.rollout,
                        .memory = task->memory};
    enum error_code code;

    (void)alarm(UPKEEP_S);
    code = task_open_admin_session(task, "hakem:slots", &twin.own, err);
    if (code == ERROR_OK)
        code = twin_drop_slots(&twin, err);
    session_close(twin.own);
    return code;
}

enum error_code task_end_following(struct task_context *task, struct error *err)
{
    uint64_t until_ms = clock_monotonic_ms() + UPKEEP_MS;
    struct twin_task w = {.task = task,
                          .until_ms = until_ms,
                          .twin = {.config = task->config,
                                   .node = task->job->node,
                                   .session_name = "hakem:following",
                                   .rollout = task->job->order.id.rollout,
                                   .until_ms = until_ms,
                                   .memory = task->memory}};
    enum error_code code;

    w.twin.hooks = (struct twin_hooks){.context = &w, .is_cancelled = is_over};
    (void)alarm(UPKEEP_S);
    code = task_open_admin_session(task, w.twin.session_name, &w.twin.own, err);
    if (code == ERROR_OK)
        code = twin_end_following(&w.twin, err);
    return end(&w, code, err);
}

/* ---- inspections ---- */

/* Whether what was ordered shows. */
typedef enum error_code twin_shows(struct twin *t, bool *ret, struct error *err);

static enum error_code inspect(struct task_context *task, twin_shows *shows, enum finding *ret,
                               struct error *err)
{
    struct twin_task w;
    enum error_code code = open_pair(&w, task, err);
    bool did = false;

    if (code == ERROR_OK)
        code = shows(&w.twin, &did, err);
    if (code == ERROR_OK)
        *ret = did ? FINDING_DID : FINDING_DID_NOT;
    return end(&w, code, err);
}

enum error_code inspect_follow(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_followed, ret, err);
}

enum error_code inspect_unfollow(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_unfollowed, ret, err);
}

enum error_code inspect_close_writes(struct task_context *task, enum finding *ret,
                                     struct error *err)
{
    return inspect(task, twin_has_closed_writes, ret, err);
}

enum error_code inspect_open_writes(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_opened_writes, ret, err);
}

enum error_code inspect_reverse(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_reversed, ret, err);
}

enum error_code inspect_unreverse(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_unreversed, ret, err);
}

enum error_code inspect_close(struct task_context *task, enum finding *ret, struct error *err)
{
    return inspect(task, twin_has_closed, ret, err);
}
