/* request.h: one HTTP request as the handlers see it, and the table that finds the handler.
 *
 * The dispatcher runs a handler inside one short transaction on one borrowed connection; if the
 * connection was lost, or the transaction lost a conflict, it runs it again (bounded): every write
 * is idempotent by its id, so that is safe.
 */
#ifndef TESTS_HOKM_REQUEST_H
#define TESTS_HOKM_REQUEST_H

#include "common/base/error.h"
#include "tests/hokm/database.h"
#include "tests/hokm/release.h"

#include <jansson.h>

#define REQUEST_BODY_MAX     4096
#define REQUEST_ARGUMENT_MAX 64
#define REQUEST_VALUE_MAX    200

struct server {
    const char *node;
    const struct release *release;
    struct database *database;
    uint64_t started_ms;        /* monotonic */
    _Atomic uint64_t burden_ms; /* so much longer takes every answer */
};

struct request {
    const struct server *server;
    const char *method;
    const char *path;
    const char *body;
    int64_t viewer;                      /* ?player=N, or 0 */
    char argument[REQUEST_ARGUMENT_MAX]; /* what stands in the path's gap */
    int64_t subject;                     /* argument as a number; 0 if it is none */
    json_t *json;                        /* of a write: its body */
    const char *id;                      /* of a write: the client's id */
};

/* One write, as it goes into its receipt. */
struct receipt {
    const char *kind;
    int64_t subject;
    char value[REQUEST_VALUE_MAX + 1];
};

typedef enum error_code (*request_handler)(const struct request *request, PGconn *connection,
                                           json_t **ret, struct error *err);
/* Changes the database and fills the receipt; the dispatcher stores it in the same transaction. */
typedef enum error_code (*write_handler)(const struct request *request, PGconn *connection,
                                         struct receipt *receipt, json_t **ret, struct error *err);

/* Answers any request: the HTTP status, and the JSON that the caller owns. */
unsigned request_answer(struct request *request, json_t **ret);

/* Runs the release's query; ERROR_REFUSED if this release knows no such thing. */
enum error_code request_query(const struct request *request, PGconn *connection, enum query query,
                              const char *const *parameters, PGresult **ret, struct error *err);

/* A member of the body: a text of 1 to max bytes, or a positive number. */
enum error_code request_text(const struct request *request, const char *key, size_t max,
                             const char **ret, struct error *err);
enum error_code request_number(const struct request *request, const char *key, int64_t *ret,
                               struct error *err);

/* ---- api_player.c ---- */
enum error_code player_get(const struct request *request, PGconn *connection, json_t **ret,
                           struct error *err);
enum error_code player_plays(const struct request *request, PGconn *connection, json_t **ret,
                             struct error *err);
enum error_code player_add(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err);
enum error_code player_set(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err);

/* ---- api_room.c ---- */
enum error_code room_get(const struct request *request, PGconn *connection, json_t **ret,
                         struct error *err);
enum error_code room_open(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err);
enum error_code room_join(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err);
enum error_code room_trump(const struct request *request, PGconn *connection,
                           struct receipt *receipt, json_t **ret, struct error *err);
enum error_code room_play(const struct request *request, PGconn *connection,
                          struct receipt *receipt, json_t **ret, struct error *err);

/* ---- api_status.c ---- */
enum error_code receipt_get(const struct request *request, PGconn *connection, json_t **ret,
                            struct error *err);
unsigned status_alive(const struct request *request, json_t **ret);
unsigned status_health(const struct request *request, json_t **ret);
/* Every query of a release (context: its struct server) on the schema as it stands. */
enum error_code status_try_schema(const void *context, PGconn *connection, struct error *err);

#endif
