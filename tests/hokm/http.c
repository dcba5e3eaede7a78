#include "tests/hokm/http.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_SECONDS 60

struct http {
    struct MHD_Daemon *daemon;
    const struct server *server;
    pthread_mutex_t lock; /* of in_flight */
    pthread_cond_t less;
    unsigned in_flight;
};

/* One request while its body arrives; plain calloc: talloc trees must not be shared by threads. */
struct arrival {
    size_t size;
    bool is_too_large;
    char body[REQUEST_BODY_MAX + 1];
};

static void count(struct http *http, int change)
{
    (void)pthread_mutex_lock(&http->lock);
    http->in_flight += (unsigned)change;
    if (change < 0)
        (void)pthread_cond_broadcast(&http->less);
    (void)pthread_mutex_unlock(&http->lock);
}

static struct arrival *begin(struct http *http)
{
    struct arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival != NULL)
        count(http, 1);
    return arrival;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)connection;
    (void)how;
    if (*state == NULL)
        return;
    free(*state);
    *state = NULL;
    count(context, -1);
}

static void collect(struct arrival *arrival, const char *data, size_t size)
{
    if (size > REQUEST_BODY_MAX - arrival->size) {
        arrival->is_too_large = true;
        return;
    }
    memcpy(arrival->body + arrival->size, data, size);
    arrival->size += size;
}

static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    struct MHD_Response *response;
    enum MHD_Result sent;

    json_decref(json);
    if (text == NULL)
        return MHD_NO;
    response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    sent = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return sent;
}

/* libmicrohttpd gives the signature. */
/* NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    struct http *http = context;
    struct request request = {.server = http->server, .method = method, .path = url};
    struct arrival *arrival = *state;
    const char *viewer;
    uint64_t number, slower_ms;
    json_t *answer = NULL;
    unsigned status;

    (void)version;
    if (arrival == NULL) {
        *state = begin(http);
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        collect(arrival, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (arrival->is_too_large)
        return send_json(connection, 413, json_pack("{s:s}", "error", "the body is too large"));
    request.body = arrival->body;
    viewer = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "player");
    if (viewer != NULL && text_to_number(viewer, INT64_MAX, &number))
        request.viewer = (int64_t)number;
    slower_ms = http->server->release->slower_ms + atomic_load(&http->server->burden_ms);
    if (slower_ms > 0)
        clock_sleep_ms(slower_ms);
    status = request_answer(&request, &answer);
    return send_json(connection, status, answer);
}

enum error_code http_open(const void *parent, const struct server *server, unsigned port,
                          struct http **ret, struct error *err)
{
    struct http *http = memory_new(parent, struct http);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    http->server = server;
    (void)pthread_mutex_init(&http->lock, NULL);
    (void)pthread_cond_init(&http->less, NULL);
    http->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC,
        (uint16_t)port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    if (http->daemon == NULL) {
        int reason = errno;

        talloc_free(http);
        return error_set(err, ERROR_SYSTEM, "cannot listen on 127.0.0.1:%u: %s", port,
                         strerror(reason));
    }
    *ret = http;
    return ERROR_OK;
}

static void await_requests(struct http *http, uint64_t patience_ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(patience_ms / 1000);
    (void)pthread_mutex_lock(&http->lock);
    while (http->in_flight > 0)
        if (pthread_cond_timedwait(&http->less, &http->lock, &until) != 0)
            break;
    (void)pthread_mutex_unlock(&http->lock);
}

void http_close(struct http *http, uint64_t patience_ms)
{
    MHD_socket listener = MHD_quiesce_daemon(http->daemon);

    if (listener != MHD_INVALID_SOCKET)
        (void)close(listener);
    await_requests(http, patience_ms);
    MHD_stop_daemon(http->daemon);
    (void)pthread_cond_destroy(&http->less);
    (void)pthread_mutex_destroy(&http->lock);
    talloc_free(http);
}
