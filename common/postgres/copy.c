#include "common/postgres/copy.h"

#include "common/base/text.h"
#include "common/postgres/session_internal.h"

/* What is left of the results; the first failure counts. */
static enum error_code end(struct session *session, uint64_t *ret_rows, struct error *err)
{
    enum error_code code = ERROR_OK;
    struct error later;
    PGresult *result;

    while (session_wait(session, code == ERROR_OK ? err : &later) == ERROR_OK &&
           (result = PQgetResult(session->connection)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            code = code == ERROR_OK ? session_fail(session, result, NULL, err) : code;
        else if (ret_rows != NULL)
            (void)text_to_number(PQcmdTuples(result), UINT64_MAX, ret_rows);
        PQclear(result);
    }
    (void)PQsetnonblocking(session->connection, 0);
    if (code == ERROR_OK && session_is_lost(session))
        code = session_fail(session, NULL, NULL, err);
    return code;
}

/* The result that says whether the copy may begin. */
static enum error_code begin(struct session *session, const char *sql, ExecStatusType wanted,
                             struct error *err)
{
    enum error_code code = ERROR_OK;
    struct error ignored;
    PGresult *result;

    session->sqlstate[0] = '\0';
    session->cancel_sent = false;
    if (session_is_lost(session) || PQsetnonblocking(session->connection, 1) != 0 ||
        PQsendQuery(session->connection, sql) == 0)
        return session_fail(session, NULL, NULL, err);
    if (session_wait(session, err) != ERROR_OK)
        return err->code;
    result = PQgetResult(session->connection);
    if (result == NULL || PQresultStatus(result) != wanted)
        code = session_fail(session, result, NULL, err);
    PQclear(result);
    if (code != ERROR_OK)
        (void)end(session, NULL, &ignored);
    return code;
}

/* ---- out ---- */

/* A piece; *ret_size 0: the server has no more. */
static enum error_code receive(struct session *session, char **ret, int *ret_size,
                               struct error *err)
{
    for (;;) {
        *ret_size = PQgetCopyData(session->connection, ret, 1);
        if (*ret_size > 0)
            return ERROR_OK;
        if (*ret_size < 0) {
            *ret_size = 0; /* its end, or an error that end() finds */
            return ERROR_OK;
        }
        if (session_wait_for_copy(session, err) != ERROR_OK)
            return err->code;
    }
}

enum error_code copy_out(struct session *session, const char *sql, copy_taker *take, void *context,
                         uint64_t *ret_rows, struct error *err)
{
    enum error_code code = begin(session, sql, PGRES_COPY_OUT, err);
    struct error later;
    char *bytes = NULL;
    int size = 0;

    if (code != ERROR_OK)
        return code;
    while (receive(session, &bytes, &size, code == ERROR_OK ? err : &later) == ERROR_OK &&
           size > 0) {
        if (code == ERROR_OK)
            code = take(context, bytes, (size_t)size, err);
        PQfreemem(bytes);
    }
    if (code != ERROR_OK) {
        (void)end(session, NULL, &later);
        return code;
    }
    return end(session, ret_rows, err);
}

/* ---- in ---- */

enum error_code copy_in_begin(struct session *session, const char *sql, struct error *err)
{
    return begin(session, sql, PGRES_COPY_IN, err);
}

enum error_code copy_in_put(struct session *session, const char *bytes, size_t size,
                            struct error *err)
{
    int sent;

    while ((sent = PQputCopyData(session->connection, bytes, (int)size)) == 0)
        if (session_wait(session, err) != ERROR_OK)
            return err->code;
    if (sent < 0) /* the server has said why */
        return end(session, NULL, err) != ERROR_OK ? err->code
                                                   : session_fail(session, NULL, NULL, err);
    /* What is not sent yet must not grow. */
    return session_wait(session, err);
}

static enum error_code finish(struct session *session, const char *why, uint64_t *ret_rows,
                              struct error *err)
{
    int sent;

    while ((sent = PQputCopyEnd(session->connection, why)) == 0)
        if (session_wait(session, err) != ERROR_OK)
            return err->code;
    if (sent < 0)
        return end(session, NULL, err) != ERROR_OK ? err->code
                                                   : session_fail(session, NULL, NULL, err);
    return end(session, ret_rows, err);
}

enum error_code copy_in_end(struct session *session, uint64_t *ret_rows, struct error *err)
{
    return finish(session, NULL, ret_rows, err);
}

void copy_in_abandon(struct session *session)
{
    struct error ignored;

    (void)finish(session, "abandoned", NULL, &ignored);
}
