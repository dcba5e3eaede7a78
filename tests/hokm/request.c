#include "tests/hokm/request.h"

#include "common/base/log.h"
#include "common/base/text.h"

#include <string.h>

#define TRIES_MAX 4
#define UUID_SIZE 36

struct route {
    const char *method;
    const char *before; /* the path up to the gap, or the whole path if behind is NULL */
    const char *behind;
    unsigned (*status)(const struct request *request, json_t **ret); /* needs no transaction */
    request_handler read;
    write_handler write;
};

static const struct route routes[] = {
    {.method = "GET", .before = "/alive", .status = status_alive},
    {.method = "GET", .before = "/health", .status = status_health},
    {.method = "GET", .before = "/receipt/", .behind = "", .read = receipt_get},
    {.method = "GET", .before = "/player/", .behind = "", .read = player_get},
    {.method = "GET", .before = "/player/", .behind = "/plays", .read = player_plays},
    {.method = "GET", .before = "/room/", .behind = "", .read = room_get},
    {.method = "POST", .before = "/players", .write = player_add},
    {.method = "PUT", .before = "/player/", .behind = "", .write = player_set},
    {.method = "POST", .before = "/rooms", .write = room_open},
    {.method = "POST", .before = "/room/", .behind = "/join", .write = room_join},
    {.method = "POST", .before = "/room/", .behind = "/trump", .write = room_trump},
    {.method = "POST", .before = "/room/", .behind = "/play", .write = room_play},
};

static unsigned http_status(enum error_code code)
{
    static const struct {
        enum error_code code;
        unsigned status;
    } rows[] = {{ERROR_INVALID, 400},
                {ERROR_NOT_FOUND, 404},
                {ERROR_REFUSED, 409},
                {ERROR_CONNECTION, 503},
                {ERROR_CONFLICT, 503}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].code == code)
            return rows[i].status;
    return 500;
}

static bool path_fits(const struct route *route, struct request *request)
{
    size_t length = strlen(request->path);
    size_t before = strlen(route->before);
    size_t behind;

    if (route->behind == NULL)
        return strcmp(request->path, route->before) == 0;
    behind = strlen(route->behind);
    if (length <= before + behind || length - before - behind >= REQUEST_ARGUMENT_MAX ||
        !text_starts_with(request->path, route->before) ||
        !text_ends_with(request->path, route->behind))
        return false;
    memcpy(request->argument, request->path + before, length - before - behind);
    request->argument[length - before - behind] = '\0';
    return strchr(request->argument, '/') == NULL;
}

static const struct route *find_route(struct request *request)
{
    uint64_t number;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (strcmp(routes[i].method, request->method) != 0 || !path_fits(&routes[i], request))
            continue;
        if (text_to_number(request->argument, INT64_MAX, &number))
            request->subject = (int64_t)number;
        return &routes[i];
    }
    return NULL;
}

enum error_code request_text(const struct request *request, const char *key, size_t max,
                             const char **ret, struct error *err)
{
    const json_t *member = json_object_get(request->json, key);
    size_t length = json_string_length(member);

    if (!json_is_string(member) || length == 0 || length > max)
        return error_set(err, ERROR_INVALID, "\"%s\" must be a text of 1 to %zu bytes", key, max);
    *ret = json_string_value(member);
    return ERROR_OK;
}

enum error_code request_number(const struct request *request, const char *key, int64_t *ret,
                               struct error *err)
{
    const json_t *member = json_object_get(request->json, key);

    if (!json_is_integer(member) || json_integer_value(member) <= 0)
        return error_set(err, ERROR_INVALID, "\"%s\" must be a positive number", key);
    *ret = json_integer_value(member);
    return ERROR_OK;
}

enum error_code request_query(const struct request *request, PGconn *connection, enum query query,
                              const char *const *parameters, PGresult **ret, struct error *err)
{
    const char *sql = release_query(request->server->release, query);
    const struct query_traits *traits = query_traits(query);

    if (sql == NULL)
        return error_set(err, ERROR_REFUSED, "release %s knows no %s",
                         request->server->release->name, traits->name);
    return database_query(connection, sql, parameters, traits->parameters, ret, err);
}

/* The body must be an object with a uuid for an id. */
static enum error_code parse_write(struct request *request, struct error *err)
{
    enum error_code code;

    request->json = json_loads(request->body, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request->json))
        return error_set(err, ERROR_INVALID, "the body must be a JSON object");
    code = request_text(request, "id", UUID_SIZE, &request->id, err);
    if (code == ERROR_OK && (strlen(request->id) != UUID_SIZE ||
                             strspn(request->id, "0123456789abcdefABCDEF-") != UUID_SIZE))
        code = error_set(err, ERROR_INVALID, "\"id\" must be a uuid");
    return code;
}

static enum error_code store_receipt(const struct request *request, PGconn *connection,
                                     const struct receipt *receipt, json_t *answer,
                                     struct error *err)
{
    char subject[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {request->id, receipt->kind,
                                database_number(receipt->subject, subject), receipt->value};
    PGresult *result = NULL;
    enum error_code code =
        request_query(request, connection, QUERY_RECEIPT_ADD, parameters, &result, err);

    PQclear(result);
    if (code == ERROR_OK)
        (void)json_object_set_new(answer, "receipt",
                                  json_pack("{s:s,s:s,s:I,s:s}", "id", request->id, "kind",
                                            receipt->kind, "subject", (json_int_t)receipt->subject,
                                            "value", receipt->value));
    return code;
}

/* A write that was done before is answered as done. */
static enum error_code run_write(const struct request *request, PGconn *connection,
                                 write_handler write, json_t **ret, struct error *err)
{
    struct request again = *request;
    struct receipt receipt = {.kind = NULL};
    json_t *answer = NULL;
    enum error_code code;

    (void)text_copy(again.argument, sizeof(again.argument), request->id);
    code = receipt_get(&again, connection, ret, err);
    if (code != ERROR_NOT_FOUND)
        return code;
    code = write(request, connection, &receipt, &answer, err);
    if (code == ERROR_OK)
        code = store_receipt(request, connection, &receipt, answer, err);
    if (code != ERROR_OK) {
        json_decref(answer);
        return code;
    }
    *ret = answer;
    return ERROR_OK;
}

static enum error_code run_transaction(const struct request *request, const struct route *route,
                                       PGconn *connection, json_t **ret, struct error *err)
{
    struct error ignored;
    json_t *answer = NULL;
    enum error_code code = database_command(connection, "BEGIN", err);

    if (code != ERROR_OK)
        return code;
    code = route->write != NULL ? run_write(request, connection, route->write, &answer, err)
                                : route->read(request, connection, &answer, err);
    if (code == ERROR_OK)
        code = database_command(connection, "COMMIT", err);
    else
        (void)database_command(connection, "ROLLBACK", &ignored);
    if (code != ERROR_OK) {
        json_decref(answer);
        return code;
    }
    *ret = answer;
    return ERROR_OK;
}

static enum error_code run(const struct request *request, const struct route *route, json_t **ret,
                           struct error *err)
{
    enum error_code code = ERROR_OK;

    for (int try = 0; try < TRIES_MAX; try++) {
        PGconn *connection;

        code = database_borrow(request->server->database, &connection, err);
        if (code != ERROR_OK)
            return code;
        code = run_transaction(request, route, connection, ret, err);
        database_give_back(request->server->database, connection);
        if (code != ERROR_CONNECTION && code != ERROR_CONFLICT)
            return code;
    }
    return code;
}

unsigned request_answer(struct request *request, json_t **ret)
{
    const struct route *route = find_route(request);
    struct error err = {.code = ERROR_OK};
    enum error_code code = ERROR_OK;

    if (route != NULL && route->status != NULL)
        return route->status(request, ret);
    if (route == NULL)
        code = error_set(&err, ERROR_NOT_FOUND, "no such path");
    else if (route->write != NULL)
        code = parse_write(request, &err);
    if (code == ERROR_OK)
        code = run(request, route, ret, &err);
    json_decref(request->json);
    request->json = NULL;
    if (code == ERROR_OK)
        return 200;
    if (http_status(code) >= 500)
        log_event(LOG_WARNING, "request_failed", LOG_TEXT("node", request->server->node),
                  LOG_TEXT("path", request->path), LOG_TEXT("detail", err.detail));
    *ret = json_pack("{s:s}", "error", err.detail);
    return http_status(code);
}
