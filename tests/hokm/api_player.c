/* Players: their profile, through the columns that the migrations change. */
#include "common/base/text.h"
#include "tests/hokm/request.h"

#include <stdlib.h>
#include <string.h>

#define RATING_MAX 1000000

static const struct {
    const char *name;
    enum query set;
    bool is_number;
} fields[] = {
    {.name = "name", .set = QUERY_SET_NAME},
    {.name = "bio", .set = QUERY_SET_BIO},
    {.name = "rating", .set = QUERY_SET_RATING, .is_number = true},
    {.name = "motto", .set = QUERY_SET_MOTTO},
};

/* Columns that the release does not know come as NULL, and are left out. */
static json_t *profile(int64_t id, const PGresult *result)
{
    static const struct {
        const char *name;
        bool is_number;
    } columns[] = {{"name", false},     {"bio", false},   {"games_played", true},
                   {"games_won", true}, {"rating", true}, {"motto", false}};
    json_t *answer = json_pack("{s:I}", "player", (json_int_t)id);

    for (int i = 0; i < (int)ARRAY_LEN(columns); i++) {
        const char *value = PQgetvalue(result, 0, i);

        if (!PQgetisnull(result, 0, i))
            (void)json_object_set_new(answer, columns[i].name,
                                      columns[i].is_number ? json_integer(strtoll(value, NULL, 10))
                                                           : json_string(value));
    }
    return answer;
}

enum error_code player_get(const struct request *request, PGconn *connection, json_t **ret,
                           struct error *err)
{
    char id[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(request->subject, id)};
    PGresult *result = NULL;
    enum error_code code =
        request_query(request, connection, QUERY_PLAYER_GET, parameters, &result, err);

    if (code != ERROR_OK)
        return code;
    if (PQntuples(result) == 0)
        code = error_set(err, ERROR_NOT_FOUND, "no such player");
    else
        *ret = profile(request->subject, result);
    PQclear(result);
    return code;
}

enum error_code player_plays(const struct request *request, PGconn *connection, json_t **ret,
                             struct error *err)
{
    char id[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(request->subject, id)};
    PGresult *result = NULL;
    json_t *plays;
    enum error_code code =
        request_query(request, connection, QUERY_PLAYER_PLAYS, parameters, &result, err);

    if (code != ERROR_OK)
        return code;
    plays = json_array();
    for (int i = 0; i < PQntuples(result); i++)
        (void)json_array_append_new(
            plays, json_pack("{s:s,s:s,s:s}", "room", PQgetvalue(result, i, 0), "trick",
                             PQgetvalue(result, i, 1), "card", PQgetvalue(result, i, 2)));
    *ret = json_pack("{s:I,s:o}", "player", (json_int_t)request->subject, "plays", plays);
    PQclear(result);
    return ERROR_OK;
}

enum error_code player_add(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err)
{
    const char *name = NULL;
    PGresult *result = NULL;
    enum error_code code = request_text(request, "name", REQUEST_VALUE_MAX, &name, err);

    if (code == ERROR_OK)
        code = request_query(request, connection, QUERY_PLAYER_ADD, &name, &result, err);
    if (code != ERROR_OK)
        return code;
    receipt->kind = "player";
    receipt->subject = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    (void)text_copy(receipt->value, sizeof(receipt->value), name);
    *ret = json_pack("{s:I}", "player", (json_int_t)receipt->subject);
    PQclear(result);
    return ERROR_OK;
}

static enum error_code find_field(const struct request *request, const char *value, size_t *ret,
                                  struct error *err)
{
    const char *name = json_string_value(json_object_get(request->json, "field"));
    uint64_t number;

    for (size_t i = 0; name != NULL && i < ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (fields[i].is_number && !text_to_number(value, RATING_MAX, &number))
            return error_set(err, ERROR_INVALID, "\"%s\" must be a number", name);
        *ret = i;
        return ERROR_OK;
    }
    return error_set(err, ERROR_INVALID, "\"field\" must be name, bio, rating or motto");
}

enum error_code player_set(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err)
{
    char id[DATABASE_NUMBER_SIZE];
    const char *parameters[] = {database_number(request->subject, id), NULL};
    PGresult *result = NULL;
    size_t field = 0;
    enum error_code code = request_text(request, "value", REQUEST_VALUE_MAX, &parameters[1], err);

    if (code == ERROR_OK)
        code = find_field(request, parameters[1], &field, err);
    if (code == ERROR_OK)
        code = request_query(request, connection, fields[field].set, parameters, &result, err);
    if (code != ERROR_OK)
        return code;
    if (PQntuples(result) == 0)
        code = error_set(err, ERROR_NOT_FOUND, "no such player");
    PQclear(result);
    if (code != ERROR_OK)
        return code;
    receipt->kind = fields[field].name;
    receipt->subject = request->subject;
    (void)text_copy(receipt->value, sizeof(receipt->value), parameters[1]);
    *ret = json_pack("{s:I}", "player", (json_int_t)request->subject);
    return ERROR_OK;
}
