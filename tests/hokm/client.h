/* client.h: many HTTP requests at once over libcurl's multi interface; a slot has at most one. */
#ifndef TESTS_HOKM_CLIENT_H
#define TESTS_HOKM_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#define CLIENT_SLOTS_MAX   1000
#define CLIENT_PATH_MAX    128
#define CLIENT_BODY_MAX    512
#define CLIENT_ANSWER_MAX  16384
#define CLIENT_PATIENCE_MS 10000 /* then a request counts as broken */

struct call {
    const char *method;
    char path[CLIENT_PATH_MAX];
    char body[CLIENT_BODY_MAX]; /* empty: none */
};

/* status 0: no answer, and answer says why. */
typedef void (*client_done)(void *context, size_t slot, long status, const char *answer);

struct client;

/* target: host:port. */
struct client *client_new(const void *parent, const char *target, size_t slots);
void client_free(struct client *client);

/* The slot must be free. */
void client_start(struct client *client, size_t slot, const struct call *call);

/* Waits until something happens, at most that long, and tells done of every request that ended;
 * done may start the slot's next one. */
void client_wait(struct client *client, uint64_t timeout_ms, client_done done, void *context);

size_t client_in_flight(const struct client *client);

#endif
