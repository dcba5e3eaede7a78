/* database.c: a session to the node's own database, checked to be the one that the order means. */
#include "agent/task/task.h"

#include "agent/task/preflight.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/inspect.h"
#include "common/postgres/session.h"
#include "embedded_hakem_agent_shell.h"

#include <signal.h>
#include <string.h>

/* What a successor finds exactly: the hash of (rollout, step and direction, attempt). */
static void name_session(const struct order_id *id, char ret[static INSPECT_APPLICATION_SIZE])
{
    char rollout[32];

    (void)text_format(rollout, sizeof(rollout), "%llu", (unsigned long long)id->rollout);
    inspect_application_name(rollout, id->step * 2 + (id->direction == DIRECTION_UNDO), id->attempt,
                             ret);
}

/* A promotion since the order was made: what it says of the schema may no longer hold here. */
static enum error_code check_timeline(const struct task_context *task, uint64_t timeline,
                                      struct error *err)
{
    const struct order *order = &task->job->order;

    if (task->job->kind == JOB_INSPECT || !task_row(order->task)->on_primary ||
        order->arguments.timeline == 0 || order->arguments.timeline == timeline)
        return ERROR_OK;
    return error_set(err, ERROR_CONFLICT,
                     "this database is on timeline %llu, and the order is for timeline %llu",
                     (unsigned long long)timeline, (unsigned long long)order->arguments.timeline);
}

static enum error_code check_database(struct task_context *task, struct session *session,
                                      struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    struct rows *rows = NULL;

    if (arguments->system_id[0] == '\0')
        return ERROR_OK;
    if (session_query(session, SQL(embedded_task_identity), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_bool(rows, 0, 2))
        error_set(err, ERROR_REFUSED,
                  "this database is a shadow (it has a table hakem.shadow), not the real thing: "
                  "mend database.url");
    else if (strcmp(rows_text(rows, 0, 0), arguments->system_id) != 0)
        error_set(err, ERROR_REFUSED, "this is database system %s, and the order is for %s",
                  rows_text(rows, 0, 0), arguments->system_id);
    else
        err->code = check_timeline(task, rows_number(rows, 0, 1), err);
    rows_free(rows);
    return err->code;
}

static enum error_code open_session(struct task_context *task, const char *url, const char *name,
                                    struct session **ret, struct error *err)
{
    struct session_options options = {
        .url = url, .application_name = name, .connect_timeout_ms = 5000};
    struct session_watch watch = {.context = task, .is_cancelled = task_asks_cancel};
    struct session *session = NULL;

    session_cancel_on_signal(SIGTERM);
    if (session_open(task->memory, &options, &session, err) != ERROR_OK)
        return err->code;
    (void)session_set_watch(session, watch);
    if (check_database(task, session, err) != ERROR_OK) {
        session_close(session);
        return err->code;
    }
    *ret = session;
    return ERROR_OK;
}

enum error_code task_open_session(struct task_context *task, struct session **ret,
                                  struct error *err)
{
    char name[INSPECT_APPLICATION_SIZE];

    if (task->job->kind == JOB_INSPECT)
        (void)text_copy(name, sizeof(name), "hakem:inspect");
    else
        name_session(&task->job->order.id, name);
    return open_session(task, task->config->database.url, name, ret, err);
}

enum error_code task_open_admin_session(struct task_context *task, const char *name,
                                        struct session **ret, struct error *err)
{
    if (task->config->database.admin_url == NULL)
        return error_set(err, ERROR_CONFIG, "this needs database.admin_url: add it");
    return open_session(task, task->config->database.admin_url, name, ret, err);
}

/* ---- sessions of a game node ---- */

#define SESSIONS_CLEAR_MS 1000
#define SESSIONS_POLL_MS  100
#define SESSIONS_MAX_MS   25000

/* Of the node's own role, or with its application name; "" matches nobody. */
#define SESSIONS_OF_THE_NODE                                                                       \
    " FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()"                   \
    " AND ((application_name = $1::text AND $1 <> '') OR (usename = $2::text AND $2 <> ''))"

/* NOLOGIN keeps new sessions out; those that are there stay. */
static enum error_code let_role_login(struct task_context *task, struct session *session, bool may,
                                      struct error *err)
{
    const char *role = task->job->order.arguments.role;
    char *statement = NULL;

    if (role[0] == '\0')
        return ERROR_OK;
    if (session_ask_text(
            session,
            may ? SQL_WITH("SELECT pg_catalog.format('ALTER ROLE %I LOGIN', $1::text)", role)
                : SQL_WITH("SELECT pg_catalog.format('ALTER ROLE %I NOLOGIN', $1::text)"
                           " WHERE $1 <> current_user::text",
                           role),
            task->memory, &statement, err) != ERROR_OK)
        return err->code;
    if (statement == NULL)
        return error_set(err, ERROR_REFUSED, "the game node's role %s is the migrator's own", role);
    return session_run(session, statement, err);
}

static enum error_code end_once(struct session *session, const struct task_arguments *arguments,
                                uint64_t *ret_left, struct error *err)
{
    if (session_query(session,
                      SQL_WITH("SELECT pg_catalog.pg_terminate_backend(pid)" SESSIONS_OF_THE_NODE,
                               arguments->application, arguments->role),
                      NULL, err) != ERROR_OK)
        return err->code;
    return session_ask_number(
        session,
        SQL_WITH("SELECT count(*)" SESSIONS_OF_THE_NODE, arguments->application, arguments->role),
        ret_left, err);
}

/* None for a whole beat: a server that still runs would have come back. */
static enum error_code end_until_none(struct task_context *task, struct session *session,
                                      struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    uint64_t clear_ms = 0;
    uint64_t left = 0;

    for (uint64_t waited = 0; clear_ms < SESSIONS_CLEAR_MS; waited += SESSIONS_POLL_MS) {
        if (end_once(session, arguments, &left, err) != ERROR_OK)
            return err->code;
        clear_ms = left == 0 ? clear_ms + SESSIONS_POLL_MS : 0;
        if (waited >= SESSIONS_MAX_MS)
            return error_set(err, ERROR_TIMEOUT, "%llu sessions of %s come back again and again",
                             (unsigned long long)left, arguments->target);
        task_listen(task);
        if (task->is_cancelled)
            return error_set(err, ERROR_CANCELLED, "cancelled");
        (void)channel_await(task->channel, SESSIONS_POLL_MS, task->memory, &(enum frame_type){0},
                            &(void *){NULL});
    }
    return ERROR_OK;
}

enum error_code task_end_sessions(struct task_context *task, struct task_outcome *ret,
                                  struct error *err)
{
    const struct task_arguments *arguments = &task->job->order.arguments;
    struct session *session = NULL;

    (void)ret;
    if (arguments->application[0] == '\0' && arguments->role[0] == '\0')
        return error_set(err, ERROR_REFUSED,
                         "the game node was enrolled without --db-role or --application-name, so "
                         "its sessions cannot be told from others");
    if (task_open_session(task, &session, err) != ERROR_OK ||
        let_role_login(task, session, false, err) != ERROR_OK)
        return err->code;
    return end_until_none(task, session, err);
}

enum error_code task_allow_sessions(struct task_context *task, struct task_outcome *ret,
                                    struct error *err)
{
    struct session *session = NULL;

    (void)ret;
    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    return let_role_login(task, session, true, err);
}

/* ---- looking at a database ---- */

enum error_code task_preflight_database(struct task_context *task, struct task_outcome *ret,
                                        struct error *err)
{
    struct preflight_subject subject = {.config = task->config,
                                        .expected = task->job->order.arguments.part,
                                        .is_restored = task->job->order.arguments.backup_of != 0};

    if (task_open_session(task, &subject.session, err) != ERROR_OK)
        return err->code;
    return preflight_database(&subject, ret->detail, sizeof(ret->detail), err);
}
