#include "common/postgres/pipeline.h"

#include "common/base/text.h"
#include "common/postgres/session_internal.h"

/* Leaves pipeline mode and non-blocking mode behind, whatever happened. */
static void leave(struct session *session)
{
    PGconn *connection = session->connection;

    (void)PQexitPipelineMode(connection);
    (void)PQsetnonblocking(connection, 0);
}

static enum error_code send_all(struct session *session, const struct sql_call *calls, size_t count,
                                struct error *err)
{
    PGconn *connection = session->connection;

    for (size_t i = 0; i < count; i++)
        if (!session_send(session, &calls[i]))
            return session_fail(session, NULL, calls[i].where, err);
    if (PQpipelineSync(connection) == 0)
        return session_fail(session, NULL, NULL, err);
    return ERROR_OK;
}

static void note_outcome(PGresult *result, struct pipeline_outcome *ret)
{
    const char *affected = PQcmdTuples(result);

    (void)text_to_number(affected, UINT64_MAX, &ret->rows);
    if (PQntuples(result) > 0 && PQnfields(result) > 0 && !PQgetisnull(result, 0, 0)) {
        ret->has_value = true;
        (void)text_copy(ret->value, sizeof(ret->value), PQgetvalue(result, 0, 0));
    }
}

/* Reads one call's results up to the NULL that ends its slot. */
static enum error_code read_slot(struct session *session, const struct sql_call *call,
                                 struct pipeline_outcome *ret, struct error *err)
{
    enum error_code code = ERROR_OK;
    PGresult *result;

    for (;;) {
        ExecStatusType status;

        if (session_wait(session, err) != ERROR_OK)
            return err->code;
        result = PQgetResult(session->connection);
        if (result == NULL)
            break;
        status = PQresultStatus(result);
        if (status == PGRES_PIPELINE_ABORTED)
            code = ERROR_FAILED; /* the call that caused it has filled err */
        else if (status == PGRES_FATAL_ERROR)
            code = session_fail(session, result, call->where, err);
        else if (ret != NULL)
            note_outcome(result, ret);
        PQclear(result);
    }
    if (code == ERROR_OK && session_is_lost(session))
        code = session_fail(session, NULL, call->where, err);
    return code;
}

static enum error_code read_sync(struct session *session, struct error *err)
{
    PGresult *result;

    if (session_wait(session, err) != ERROR_OK)
        return err->code;
    result = PQgetResult(session->connection);
    if (result == NULL || PQresultStatus(result) != PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return session_fail(session, NULL, NULL, err);
    }
    PQclear(result);
    return ERROR_OK;
}

static enum error_code read_all(struct session *session, const struct sql_call *calls, size_t count,
                                struct pipeline_outcome *outcomes, size_t *ret_failed,
                                struct error *err)
{
    enum error_code first = ERROR_OK;
    struct error later = {.code = ERROR_OK};

    for (size_t i = 0; i < count; i++) {
        struct error *where_to = first == ERROR_OK ? err : &later;
        enum error_code code =
            read_slot(session, &calls[i], outcomes == NULL ? NULL : &outcomes[i], where_to);

        if (first == ERROR_OK && code != ERROR_OK) {
            first = code;
            if (ret_failed != NULL)
                *ret_failed = i;
        }
        if (session_is_lost(session))
            return first;
    }
    if (read_sync(session, first == ERROR_OK ? err : &later) != ERROR_OK && first == ERROR_OK)
        first = err->code;
    return first;
}

/* The session is in a failed transaction; a ROLLBACK in the same pipeline would have been skipped.
 */
static void roll_back(struct session *session)
{
    static const struct sql_call rollback = {.text = "ROLLBACK"};
    struct error ignored;

    if (session_is_lost(session) || !session_is_in_transaction(session))
        return;
    if (send_all(session, &rollback, 1, &ignored) == ERROR_OK)
        (void)read_all(session, &rollback, 1, NULL, NULL, &ignored);
}

static enum error_code prepare_all(struct session *session, const struct sql_call *calls,
                                   size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (session_prepare(session, &calls[i], err) != ERROR_OK)
            return err->code;
    session->sqlstate[0] = '\0';
    session->cancel_sent = false;
    if (session_wants_cancel(session))
        return error_set(err, ERROR_CANCELLED, "cancelled on request before the next transaction");
    return ERROR_OK;
}

/* After an error: its SQLSTATE stays the session's, and no transaction is left open. */
static enum error_code end(struct session *session, enum error_code code)
{
    char state[SESSION_SQLSTATE_SIZE];

    if (code != ERROR_OK) {
        (void)text_copy(state, sizeof(state), session->sqlstate);
        roll_back(session);
        (void)text_copy(session->sqlstate, sizeof(session->sqlstate), state);
    }
    leave(session);
    return code;
}

enum error_code pipeline_send(struct session *session, const struct sql_call *calls, size_t count,
                              struct error *err)
{
    enum error_code code = prepare_all(session, calls, count, err);

    if (session_is_lost(session) || PQsetnonblocking(session->connection, 1) != 0 ||
        PQenterPipelineMode(session->connection) != 1)
        return code != ERROR_OK ? code : session_fail(session, NULL, NULL, err);
    if (code == ERROR_OK)
        code = send_all(session, calls, count, err);
    return code == ERROR_OK ? ERROR_OK : end(session, code);
}

enum error_code pipeline_receive(struct session *session, const struct sql_call *calls,
                                 size_t count, struct pipeline_outcome *ret_outcomes,
                                 size_t *ret_failed, struct error *err)
{
    return end(session, read_all(session, calls, count, ret_outcomes, ret_failed, err));
}

enum error_code pipeline_run(struct session *session, const struct sql_call *calls, size_t count,
                             struct pipeline_outcome *ret_outcomes, size_t *ret_failed,
                             struct error *err)
{
    if (pipeline_send(session, calls, count, err) != ERROR_OK)
        return err->code;
    return pipeline_receive(session, calls, count, ret_outcomes, ret_failed, err);
}
