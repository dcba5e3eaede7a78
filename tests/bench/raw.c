#include "tests/bench/raw.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/key.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#define ENDPOINT_SIZE 64
#define ROUTE_MAX     256
#define RAW_MS_MAX    60000
#define QUEUE_MAX     100000

struct raw {
    size_t count;
    struct raw_sizes sizes;
    struct key_pair key;
    char *bytes;
};

static void *new_context(void)
{
    void *context = zmq_ctx_new();

    (void)zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 8192);
    (void)zmq_ctx_set(context, ZMQ_BLOCKY, 0);
    return context;
}

static void set_limits(void *socket)
{
    int none = 0;
    int queue = QUEUE_MAX;

    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof(none));
    (void)zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof(queue));
    (void)zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof(queue));
}

/* ---- the ROUTER's process ---- */

struct route {
    char bytes[ROUTE_MAX];
    size_t size;
};

static bool take(void *router, struct route *ret, size_t *ret_size)
{
    char body[4096];
    int route = zmq_recv(router, ret->bytes, sizeof(ret->bytes), 0);
    int size = route < 0 ? -1 : zmq_recv(router, body, sizeof(body), 0);

    ret->size = route < 0 ? 0 : (size_t)route;
    *ret_size = size < 0 ? 0 : (size_t)size;
    return size >= 0;
}

static void give(const struct raw *raw, void *router, const struct route *to, size_t size)
{
    (void)zmq_send(router, to->bytes, to->size, ZMQ_SNDMORE);
    (void)zmq_send(router, raw->bytes, size, 0);
}

/* Everybody says one byte; two bytes from anybody mean go. */
static void route_all(const struct raw *raw, void *router, int told)
{
    struct route *routes = memory_array(NULL, struct route, raw->count);
    struct route from;
    size_t known = 0;
    size_t size;

    while (take(router, &from, &size) && size != 2) {
        if (known < raw->count)
            routes[known++] = from;
        if (known == raw->count && write(told, "", 1) != 1)
            _exit(1);
    }
    for (size_t i = 0; i < known; i++)
        give(raw, router, &routes[i], raw->sizes.order);
    while (take(router, &from, &size))
        if (size == raw->sizes.outcome)
            give(raw, router, &from, raw->sizes.settled);
    talloc_free(routes);
}

static void be_router(const struct raw *raw, int told)
{
    void *context = new_context();
    void *router = zmq_socket(context, ZMQ_ROUTER);
    char endpoint[ENDPOINT_SIZE];
    size_t size = sizeof(endpoint);
    int yes = 1;

    set_limits(router);
    (void)zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof(yes));
    (void)zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, raw->key.secret_key, 41);
    if (zmq_bind(router, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(router, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0 ||
        write(told, endpoint, sizeof(endpoint)) != (ssize_t)sizeof(endpoint))
        _exit(1);
    route_all(raw, router, told);
    _exit(0);
}

/* ---- the DEALERs ---- */

static void *connect_dealer(const struct raw *raw, void *context, const char *endpoint)
{
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    struct key_pair own;

    assert(dealer != NULL);
    key_generate(&own);
    set_limits(dealer);
    (void)zmq_setsockopt(dealer, ZMQ_CURVE_SERVERKEY, raw->key.public_key, 41);
    (void)zmq_setsockopt(dealer, ZMQ_CURVE_PUBLICKEY, own.public_key, 41);
    (void)zmq_setsockopt(dealer, ZMQ_CURVE_SECRETKEY, own.secret_key, 41);
    (void)zmq_connect(dealer, endpoint);
    (void)zmq_send(dealer, raw->bytes, 1, 0);
    return dealer;
}

/* Answers orders, counts acknowledgements. */
static size_t turn_dealer(const struct raw *raw, void *dealer)
{
    char body[4096];
    size_t settled = 0;
    int size;

    while ((size = zmq_recv(dealer, body, sizeof(body), ZMQ_DONTWAIT)) >= 0) {
        if ((size_t)size == raw->sizes.order) {
            (void)zmq_send(dealer, raw->bytes, raw->sizes.accepted, 0);
            (void)zmq_send(dealer, raw->bytes, raw->sizes.outcome, 0);
        } else {
            settled++;
        }
    }
    return settled;
}

static double play(const struct raw *raw, void *context, const char *endpoint, int told)
{
    zmq_pollitem_t *items = memory_array(NULL, zmq_pollitem_t, raw->count);
    size_t settled = 0;
    uint64_t began, until;
    char is_there;

    for (size_t i = 0; i < raw->count; i++)
        items[i] = (zmq_pollitem_t){.socket = connect_dealer(raw, context, endpoint),
                                    .events = ZMQ_POLLIN};
    /* Not measured: all handshakes are over before anybody says go. */
    if (read(told, &is_there, 1) != 1)
        return -1;
    began = clock_monotonic_us();
    until = began + RAW_MS_MAX * UINT64_C(1000);
    (void)zmq_send(items[0].socket, raw->bytes, 2, 0);
    while (settled < raw->count && clock_monotonic_us() < until) {
        (void)zmq_poll(items, (int)raw->count, 100);
        for (size_t i = 0; i < raw->count; i++)
            if ((items[i].revents & ZMQ_POLLIN) != 0)
                settled += turn_dealer(raw, items[i].socket);
    }
    until = clock_monotonic_us();
    for (size_t i = 0; i < raw->count; i++)
        (void)zmq_close(items[i].socket);
    talloc_free(items);
    return settled < raw->count ? -1 : (double)(until - began) / 1e6;
}

double raw_round_trips(size_t count, const struct raw_sizes *sizes)
{
    struct raw raw = {.count = count, .sizes = *sizes};
    char endpoint[ENDPOINT_SIZE] = "";
    int told[2];
    double seconds = -1;
    pid_t router;

    key_generate(&raw.key);
    raw.bytes = memory_zeroed(NULL, 1, 4096, "bytes");
    if (pipe(told) != 0)
        return -1;
    router = fork();
    if (router == 0)
        be_router(&raw, told[1]);
    if (router > 0 && read(told[0], endpoint, sizeof(endpoint)) > 0) {
        void *context = new_context();

        seconds = play(&raw, context, endpoint, told[0]);
        (void)zmq_ctx_term(context);
    }
    if (router > 0) {
        (void)kill(router, SIGKILL);
        (void)waitpid(router, NULL, 0);
    }
    (void)close(told[0]);
    (void)close(told[1]);
    talloc_free(raw.bytes);
    return seconds;
}
