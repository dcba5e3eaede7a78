/* What a server says about itself, and about the writes that it acknowledged. */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "tests/hokm/request.h"

#include <stdlib.h>

unsigned status_alive(const struct request *request, json_t **ret)
{
    *ret = json_pack("{s:b,s:s,s:s}", "alive", 1, "node", request->server->node, "release",
                     request->server->release->name);
    return 200;
}

/* Parsing proves every table and column that the query names; running it, that it may be used. */
static enum error_code try_query(PGconn *connection, const char *sql,
                                 const struct query_traits *traits, struct error *err)
{
    const char *parameters[QUERY_PARAMETERS_MAX];
    PGresult *result = NULL;
    enum error_code code;

    if (!traits->is_read)
        return database_prepare(connection, sql, err);
    for (size_t i = 0; i < QUERY_PARAMETERS_MAX; i++)
        parameters[i] = traits->sample != NULL ? traits->sample : "0";
    code = database_query(connection, sql, parameters, traits->parameters, &result, err);
    if (code == ERROR_OK && traits->must_find_row && PQntuples(result) == 0)
        code = error_set(err, ERROR_VERIFY, "%s: not so", traits->name);
    PQclear(result);
    return code;
}

enum error_code status_try_schema(const void *context, PGconn *connection, struct error *err)
{
    const struct server *server = context;
    enum error_code code = ERROR_OK;

    for (size_t i = 0; i < QUERY_COUNT && code == ERROR_OK; i++) {
        const char *sql = release_query(server->release, (enum query)i);

        if (sql != NULL)
            code = try_query(connection, sql, query_traits((enum query)i), err);
    }
    return code;
}

static enum error_code borrow_and_try(const struct server *server, struct error *err)
{
    PGconn *connection;
    enum error_code code = database_borrow(server->database, &connection, err);

    if (code != ERROR_OK)
        return code;
    code = status_try_schema(server, connection, err);
    database_give_back(server->database, connection);
    return code;
}

/* A connection that was idle when its database restarted fails once; the next one is made anew. */
static enum error_code check_schema(const struct server *server, struct error *err)
{
    enum error_code code = ERROR_CONNECTION;

    for (size_t i = 0; i <= DATABASE_CONNECTIONS && code == ERROR_CONNECTION; i++)
        code = borrow_and_try(server, err);
    return code;
}

unsigned status_health(const struct request *request, json_t **ret)
{
    const struct server *server = request->server;
    uint64_t up_ms = clock_monotonic_ms() - server->started_ms;
    struct error err = {.code = ERROR_OK};
    bool schema_ok = check_schema(server, &err) == ERROR_OK;
    bool feels_well = up_ms < server->release->health_fails_after_ms;

    *ret = json_pack("{s:b,s:s,s:s,s:b,s:I,s:s}", "healthy", schema_ok && feels_well, "node",
                     server->node, "release", server->release->name, "schema_ok", schema_ok,
                     "up_ms", (json_int_t)up_ms, "detail",
                     !schema_ok   ? err.detail
                     : feels_well ? "every query works"
                                  : "this release is unwell");
    return schema_ok && feels_well ? 200 : 503;
}

enum error_code receipt_get(const struct request *request, PGconn *connection, json_t **ret,
                            struct error *err)
{
    const char *id = request->argument;
    PGresult *result = NULL;
    enum error_code code = request_query(request, connection, QUERY_RECEIPT_GET, &id, &result, err);

    if (code != ERROR_OK)
        return code;
    if (PQntuples(result) == 0)
        code = error_set(err, ERROR_NOT_FOUND, "no such receipt");
    else
        *ret = json_pack("{s:{s:s,s:s,s:I,s:s}}", "receipt", "id", id, "kind",
                         PQgetvalue(result, 0, 0), "subject",
                         (json_int_t)strtoll(PQgetvalue(result, 0, 1), NULL, 10), "value",
                         PQgetvalue(result, 0, 2));
    PQclear(result);
    return code;
}
