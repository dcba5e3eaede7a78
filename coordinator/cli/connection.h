/* connection.h: one operator's connection to the coordinator: a request, a reply, a deadline. */
#ifndef COORDINATOR_CLI_CONNECTION_H
#define COORDINATOR_CLI_CONNECTION_H

#include "coordinator/cli/cli.h"
#include "proto/message.h"

#define CONNECTION_MS 5000

/* What every verb that talks to the coordinator takes. */
#define CONNECTION_FLAGS                                                                           \
    {.name = "--config",                                                                           \
     .value = "FILE",                                                                              \
     .environment = "HAKEM_CONFIG",                                                                \
     .doc = "the operator's configuration: coordinator, coordinator_key, key_file"},               \
    {                                                                                              \
        .name = "--coordinator", .value = "ENDPOINT", .environment = "HAKEM_COORDINATOR",          \
        .doc = "instead of the configuration's coordinator: tcp://HOST:PORT"                       \
    }

struct connection;

enum error_code connection_open(const struct cli *cli, struct connection **ret, struct error *err);
void connection_close(struct connection *connection); /* NULL is fine */

/* Sends and waits. What the coordinator refuses comes back as its code and sentence; nobody there:
 * ERROR_UNREACHABLE. *ret_document (the caller json_decref()s it) is NULL if there is none; either
 * may be NULL. */
enum error_code connection_ask(struct connection *connection, const struct request *request,
                               struct reply *ret, json_t **ret_document, struct error *err);

/* For a verb that asks once: opens, asks, closes. */
enum error_code connection_ask_once(const struct cli *cli, const struct request *request,
                                    struct reply *ret, json_t **ret_document, struct error *err);

#endif
