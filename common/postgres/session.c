#include "common/postgres/session.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/session_internal.h"
#include "common/postgres/term.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- cancel ---- */

static volatile sig_atomic_t signalled;

static void note_signal(int signal)
{
    (void)signal;
    signalled = 1;
}

void session_cancel_on_signal(int signal)
{
    struct sigaction action = {.sa_handler = note_signal};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(signal, &action, NULL); /* without SA_RESTART: poll() returns at once */
}

bool session_was_signalled(void)
{
    return signalled != 0;
}

struct session_watch session_set_watch(struct session *session, struct session_watch watch)
{
    struct session_watch before = session->watch;

    session->watch = watch;
    return before;
}

bool session_wants_cancel(const struct session *session)
{
    return (signalled != 0 && !session->ignores_signals) ||
           (session->watch.is_cancelled != NULL &&
            session->watch.is_cancelled(session->watch.context));
}

/* Asks once; the statement then ends with 57014, and who waits for it sees that. */
static void send_cancel(struct session *session)
{
    char ignored[256];
    PGcancel *cancel = PQgetCancel(session->connection);

    if (cancel != NULL)
        (void)PQcancel(cancel, ignored, sizeof(ignored));
    PQfreeCancel(cancel);
    session->cancel_sent = true;
}

static void tick(struct session *session, uint64_t waited_ms)
{
    if (!session->cancel_sent && session_wants_cancel(session))
        send_cancel(session);
    if (session->watch.on_tick != NULL)
        session->watch.on_tick(session->watch.context, waited_ms);
}

/* ---- errors ---- */

/* First match wins; state is a prefix of the SQLSTATE, message a part of the server's text. */
static const struct {
    const char *state;
    const char *message;
    enum error_code code;
} sqlstates[] = {
    {.state = TERM_SQLSTATE, .code = ERROR_SUPERSEDED},
    {.state = "55P03", .code = ERROR_LOCK},
    {.state = "57014", .message = "user request", .code = ERROR_CANCELLED},
    {.state = "57014", .message = "lock timeout", .code = ERROR_LOCK},
    {.state = "57014", .message = "conflict with recovery", .code = ERROR_CONFLICT},
    {.state = "57014", .code = ERROR_TIMEOUT},
    {.state = "40001", .code = ERROR_CONFLICT},
    {.state = "40P01", .code = ERROR_CONFLICT},
    {.state = "57P01", .message = "conflict with recovery", .code = ERROR_CONFLICT},
    {.state = "57P0", .code = ERROR_CONNECTION}, /* shutdown, crash, cannot connect now */
    {.state = "53300", .code = ERROR_CONNECTION},
    {.state = "08", .code = ERROR_CONNECTION},
    {.state = "25006", .code = ERROR_REFUSED}, /* read-only: a standby, or a fenced primary */
    {.state = "", .code = ERROR_SQL},
};

enum error_code session_code_of_sqlstate(const char *sqlstate, const char *message)
{
    for (size_t i = 0; i < ARRAY_LEN(sqlstates); i++)
        if (text_starts_with(sqlstate, sqlstates[i].state) &&
            (sqlstates[i].message == NULL || strstr(message, sqlstates[i].message) != NULL))
            return sqlstates[i].code;
    return ERROR_SQL;
}

static void append_field(struct text *text, const char *label, const char *value)
{
    if (value != NULL && value[0] != '\0')
        text_append_format(text, "%s%s", label, value);
}

static enum error_code fail_lost(struct session *session, const char *where, struct error *err)
{
    char message[ERROR_DETAIL_MAX / 2];

    (void)text_copy(message, sizeof(message), PQerrorMessage(session->connection));
    message[strcspn(message, "\n")] = '\0';
    (void)text_copy(session->sqlstate, sizeof(session->sqlstate), "08006");
    return error_set(err, ERROR_CONNECTION, "%s%sthe connection to the database was lost: %s",
                     where != NULL ? where : "", where != NULL ? ": " : "", message);
}

enum error_code session_fail(struct session *session, const PGresult *result, const char *where,
                             struct error *err)
{
    const char *state = result == NULL ? NULL : PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message;
    enum error_code code;
    struct text *text;

    if (state == NULL)
        return fail_lost(session, where, err);
    message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (message == NULL)
        message = "the server gives no reason";
    code = session_code_of_sqlstate(state, message);
    if (session->cancel_sent && strcmp(state, "57014") == 0)
        code = ERROR_CANCELLED;
    if (session_is_lost(session) && code == ERROR_SQL)
        code = ERROR_CONNECTION;
    (void)text_copy(session->sqlstate, sizeof(session->sqlstate), state);
    text = text_new(NULL, ERROR_DETAIL_MAX - 1);
    append_field(text, "", where);
    text_append_format(text, "%s%s (SQLSTATE %s)", text->size > 0 ? ": " : "", message, state);
    append_field(text, "; ", PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
    append_field(text, "; hint: ", PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
    (void)error_set(err, code, "%s", text->data);
    talloc_free(text);
    return code;
}

/* ---- running ---- */

static enum error_code wait_once(struct session *session, bool wants_write, struct error *err)
{
    struct pollfd fd = {.fd = PQsocket(session->connection), .events = POLLIN};
    int ready;

    if (fd.fd < 0)
        return fail_lost(session, NULL, err);
    if (wants_write)
        fd.events |= POLLOUT;
    ready = poll(&fd, 1, SESSION_TICK_MS);
    if (ready < 0 && errno != EINTR)
        return error_set(err, ERROR_SYSTEM, "cannot wait for the database: %s", strerror(errno));
    if (ready > 0 && (fd.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
        PQconsumeInput(session->connection) == 0)
        return fail_lost(session, NULL, err);
    return ERROR_OK;
}

enum error_code session_wait(struct session *session, struct error *err)
{
    uint64_t started = clock_monotonic_ms();
    uint64_t ticked = 0;

    for (;;) {
        int unsent = PQflush(session->connection);
        uint64_t waited;

        if (unsent < 0)
            return fail_lost(session, NULL, err);
        if (unsent == 0 && PQisBusy(session->connection) == 0)
            return ERROR_OK;
        waited = clock_monotonic_ms() - started;
        if (waited >= ticked + SESSION_TICK_MS || session_was_signalled()) {
            tick(session, waited);
            ticked = waited;
        }
        if (wait_once(session, unsent == 1, err) != ERROR_OK)
            return err->code;
    }
}

enum error_code session_wait_for_copy(struct session *session, struct error *err)
{
    int unsent = PQflush(session->connection);

    if (unsent < 0)
        return fail_lost(session, NULL, err);
    tick(session, 0);
    return wait_once(session, unsent == 1, err);
}

static enum error_code begin_statement(struct session *session, struct error *err)
{
    session->sqlstate[0] = '\0';
    session->cancel_sent = false;
    if (session_is_lost(session))
        return fail_lost(session, NULL, err);
    if (session_wants_cancel(session))
        return error_set(err, ERROR_CANCELLED, "cancelled on request before the next statement");
    return ERROR_OK;
}

static bool is_success(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* Reads what a COPY TO STDOUT sends, to its end; the cancel brings it near. */
static enum error_code drain_copy(struct session *session, struct error *err)
{
    char *bytes = NULL;
    int size;

    send_cancel(session);
    while ((size = PQgetCopyData(session->connection, &bytes, 1)) >= 0) {
        if (size > 0)
            PQfreemem(bytes);
        else if (wait_once(session, false, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* Nobody here would speak the protocol's other half; the session goes on. */
static enum error_code refuse_copy(struct session *session, ExecStatusType status,
                                   const char *where, struct error *err)
{
    if (status == PGRES_COPY_IN)
        (void)PQputCopyEnd(session->connection, "COPY FROM STDIN has no place here");
    else if (drain_copy(session, err) != ERROR_OK)
        return err->code;
    return error_set(err, ERROR_SQL, "%s%sCOPY from or to the client has no place here",
                     where != NULL ? where : "", where != NULL ? ": " : "");
}

static enum error_code judge(struct session *session, const PGresult *result, const char *where,
                             struct error *err)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT)
        return refuse_copy(session, status, where, err);
    return is_success(result) ? ERROR_OK : session_fail(session, result, where, err);
}

/* The last result of what was sent; the first failure wins, the rest is read and dropped. */
static enum error_code collect(struct session *session, const char *where, PGresult **ret,
                               struct error *err)
{
    enum error_code code = ERROR_OK, judged;
    struct error later;
    PGresult *kept = NULL;

    for (;;) {
        PGresult *next;

        if (session_wait(session, err) != ERROR_OK) {
            PQclear(kept);
            return err->code;
        }
        next = PQgetResult(session->connection);
        if (next == NULL)
            break;
        judged = judge(session, next, where, code == ERROR_OK ? err : &later);
        if (code == ERROR_OK)
            code = judged;
        PQclear(kept);
        kept = next;
    }
    if (code == ERROR_OK && kept == NULL)
        code = fail_lost(session, where, err);
    if (code != ERROR_OK) {
        PQclear(kept);
        return code;
    }
    *ret = kept;
    return ERROR_OK;
}

enum error_code session_run(struct session *session, const char *sql, struct error *err)
{
    PGresult *result = NULL;

    if (begin_statement(session, err) != ERROR_OK)
        return err->code;
    if (PQsendQuery(session->connection, sql) == 0)
        return fail_lost(session, NULL, err);
    if (collect(session, NULL, &result, err) != ERROR_OK)
        return err->code;
    PQclear(result);
    return ERROR_OK;
}

static bool is_prepared(const struct session *session, const char *name)
{
    for (size_t i = 0; i < session->prepared_count; i++)
        if (strcmp(session->prepared[i], name) == 0)
            return true;
    return false;
}

enum error_code session_prepare(struct session *session, const struct sql_call *call,
                                struct error *err)
{
    PGresult *result = NULL;

    if (call->prepared == NULL || is_prepared(session, call->prepared))
        return ERROR_OK;
    assert(session->prepared_count < SESSION_PREPARED_MAX);
    if (begin_statement(session, err) != ERROR_OK)
        return err->code;
    if (PQsendPrepare(session->connection, call->prepared, call->text, 0, NULL) == 0)
        return fail_lost(session, call->where, err);
    if (collect(session, call->where, &result, err) != ERROR_OK)
        return err->code;
    PQclear(result);
    session->prepared[session->prepared_count++] = call->prepared;
    return ERROR_OK;
}

bool session_send(struct session *session, const struct sql_call *call)
{
    int count = (int)call->param_count;

    assert(call->param_count <= SESSION_PARAMS_MAX);
    if (call->prepared != NULL)
        return PQsendQueryPrepared(session->connection, call->prepared, count, call->params, NULL,
                                   NULL, 0) == 1;
    return PQsendQueryParams(session->connection, call->text, count, NULL, call->params, NULL, NULL,
                             0) == 1;
}

enum error_code session_query(struct session *session, struct sql_call call, struct rows **ret_rows,
                              struct error *err)
{
    PGresult *result = NULL;

    if (session_prepare(session, &call, err) != ERROR_OK ||
        begin_statement(session, err) != ERROR_OK)
        return err->code;
    if (!session_send(session, &call))
        return fail_lost(session, call.where, err);
    if (collect(session, call.where, &result, err) != ERROR_OK)
        return err->code;
    if (ret_rows != NULL)
        *ret_rows = rows_new(session, result);
    else
        PQclear(result);
    return ERROR_OK;
}

/* ---- one value ---- */

static enum error_code ask(struct session *session, struct sql_call call, struct rows **ret,
                           struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, call, &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) != 1 || rows_columns(rows) != 1 || rows_is_null(rows, 0, 0)) {
        error_set(err, ERROR_NOT_FOUND, "%s%sthe database gives no value for: %.200s",
                  call.where != NULL ? call.where : "", call.where != NULL ? ": " : "", call.text);
        rows_free(rows);
        return err->code;
    }
    *ret = rows;
    return ERROR_OK;
}

enum error_code session_ask_text(struct session *session, struct sql_call call, const void *parent,
                                 char **ret, struct error *err)
{
    struct rows *rows = NULL;

    if (ask(session, call, &rows, err) != ERROR_OK)
        return err->code;
    *ret = memory_text(parent, rows_text(rows, 0, 0));
    rows_free(rows);
    return ERROR_OK;
}

enum error_code session_ask_number(struct session *session, struct sql_call call, uint64_t *ret,
                                   struct error *err)
{
    struct rows *rows = NULL;
    enum error_code code = ERROR_OK;

    if (ask(session, call, &rows, err) != ERROR_OK)
        return err->code;
    if (!text_to_number(rows_text(rows, 0, 0), UINT64_MAX, ret))
        code = error_set(err, ERROR_SQL, "expected a number from: %.200s", call.text);
    rows_free(rows);
    return code;
}

enum error_code session_ask_bool(struct session *session, struct sql_call call, bool *ret,
                                 struct error *err)
{
    struct rows *rows = NULL;
    enum error_code code = ERROR_OK;
    const char *text;

    if (ask(session, call, &rows, err) != ERROR_OK)
        return err->code;
    text = rows_text(rows, 0, 0);
    if (strcmp(text, "t") == 0 || strcmp(text, "f") == 0)
        *ret = text[0] == 't';
    else
        code =
            error_set(err, ERROR_SQL, "%.40s is neither true nor false: %.200s", text, call.text);
    rows_free(rows);
    return code;
}

/* ---- what it is ---- */

int session_backend_pid(const struct session *session)
{
    return PQbackendPID(session->connection);
}

const char *session_sqlstate(const struct session *session)
{
    return session->sqlstate;
}

bool session_is_lost(const struct session *session)
{
    return PQstatus(session->connection) != CONNECTION_OK;
}

bool session_is_in_transaction(const struct session *session)
{
    PGTransactionStatusType status = PQtransactionStatus(session->connection);

    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

PGconn *session_connection(struct session *session)
{
    return session->connection;
}
