#include "common/wire/port.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/frame.h"
#include "common/wire/gate_keeper.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

/* A draft constant that Debian's libzmq 4.3.4 accepts: refuse when no handler answers for the
 * domain. */
#define ZAP_ENFORCE_DOMAIN 93
#define SELF_TEST_MS       3000
#define POLL_SLICE_MS      20
#define ENDPOINT_SIZE      128

struct route {
    char user[NAME_SIZE + 2];
    uint8_t id[PORT_ROUTE_MAX];
    size_t id_size;
};

struct port {
    void *socket;
    struct door *door; /* NULL: nobody looks */
    char endpoint[ENDPOINT_SIZE];
    struct route *routes; /* sorted by user */
    size_t route_count, route_capacity;
    zmq_msg_t body;
    bool has_body;
    uint64_t dropped;
};

struct int_option {
    int option;
    int value;
};

static bool set_ints(void *socket, const struct int_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (zmq_setsockopt(socket, options[i].option, &options[i].value, sizeof(int)) != 0)
            return false;
    return true;
}

static bool set_up(void *socket, const struct key_pair *key)
{
    static const struct int_option options[] = {
        {ZMQ_CURVE_SERVER, 1},         {ZMQ_ROUTER_MANDATORY, 1},
        {ZMQ_ROUTER_HANDOVER, 0},      {ZMQ_SNDHWM, PORT_HIGH_WATER},
        {ZMQ_RCVHWM, PORT_HIGH_WATER}, {ZMQ_HANDSHAKE_IVL, PORT_HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, 2000},     {ZMQ_HEARTBEAT_TIMEOUT, 6000},
        {ZMQ_HEARTBEAT_TTL, 8000},     {ZMQ_LINGER, 0},
        {ZMQ_BACKLOG, PORT_BACKLOG},   {ZAP_ENFORCE_DOMAIN, 1},
    };
    int64_t size_max = WIRE_FRAME_MAX;

    return set_ints(socket, options, ARRAY_LEN(options)) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) == 0 &&
           zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, GATE_KEEPER_DOMAIN, strlen(GATE_KEEPER_DOMAIN)) ==
               0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, key->secret_key, KEY_TEXT_SIZE) == 0;
}

enum error_code port_open(void *zmq_context, const char *endpoint, const struct key_pair *key,
                          struct port **ret, struct error *err)
{
    struct port *port = memory_new(NULL, struct port);
    size_t size = sizeof(port->endpoint);

    (void)zmq_msg_init(&port->body);
    port->socket = zmq_socket(zmq_context, ZMQ_ROUTER);
    if (port->socket == NULL || !set_up(port->socket, key)) {
        error_set(err, ERROR_SYSTEM, "cannot set up a socket: %s", zmq_strerror(errno));
        port_close(port);
        return err->code;
    }
    if (zmq_bind(port->socket, endpoint) != 0 ||
        zmq_getsockopt(port->socket, ZMQ_LAST_ENDPOINT, port->endpoint, &size) != 0) {
        error_set(err, ERROR_CONFIG, "cannot listen on %s: %s", endpoint, zmq_strerror(errno));
        port_close(port);
        return err->code;
    }
    *ret = port;
    return ERROR_OK;
}

void port_close(struct port *port)
{
    if (port == NULL)
        return;
    (void)zmq_msg_close(&port->body);
    door_close(port->door);
    if (port->socket != NULL)
        (void)zmq_close(port->socket);
    talloc_free(port);
}

void *port_socket(const struct port *port)
{
    return port->socket;
}

const char *port_endpoint(const struct port *port)
{
    return port->endpoint;
}

enum error_code port_watch(void *zmq_context, struct port *port, struct error *err)
{
    return door_open(zmq_context, port->socket, &port->door, err);
}

struct door *port_door(const struct port *port)
{
    return port->door;
}

uint64_t port_dropped_count(const struct port *port)
{
    return port->dropped;
}

/* Where the user stands in the sorted list, or would. */
static size_t lower_bound(const struct port *port, const char *user)
{
    size_t low = 0;
    size_t high = port->route_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (strcmp(port->routes[middle].user, user) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct route *find_route(const struct port *port, const char *user)
{
    size_t at = lower_bound(port, user);

    return at < port->route_count && strcmp(port->routes[at].user, user) == 0 ? &port->routes[at]
                                                                              : NULL;
}

static struct route *make_route(struct port *port, const char *user)
{
    size_t at = lower_bound(port, user);

    if (port->route_count == PORT_USERS_MAX)
        return NULL;
    if (port->route_count == port->route_capacity) {
        size_t capacity = port->route_capacity == 0 ? 16 : port->route_capacity * 2;

        port->routes = memory_grow(port, port->routes, port->route_capacity, capacity);
        port->route_capacity = capacity;
    }
    memmove(&port->routes[at + 1], &port->routes[at],
            (port->route_count - at) * sizeof(port->routes[0]));
    port->route_count++;
    (void)text_copy(port->routes[at].user, sizeof(port->routes[at].user), user);
    return &port->routes[at];
}

/* The newest connection is the present one: an agent that reconnects is not two agents. */
static void note_route(struct port *port, const struct parcel *parcel)
{
    struct route *route = find_route(port, parcel->user);

    if (route == NULL)
        route = make_route(port, parcel->user);
    if (route == NULL)
        return;
    memcpy(route->id, parcel->route, parcel->route_size);
    route->id_size = parcel->route_size;
}

static void drop_rest(struct port *port)
{
    int more = 1;
    size_t size = sizeof(more);

    port->dropped++;
    while (zmq_getsockopt(port->socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0)
        if (zmq_recv(port->socket, NULL, 0, ZMQ_DONTWAIT) < 0)
            return;
}

static bool receive_body(struct port *port, struct parcel *parcel)
{
    const char *user;

    (void)zmq_msg_close(&port->body);
    (void)zmq_msg_init(&port->body);
    if (zmq_msg_recv(&port->body, port->socket, ZMQ_DONTWAIT) < 0 || zmq_msg_more(&port->body))
        return false;
    /* On the body frame: a ROUTER's id frame has no metadata after a poll. */
    user = zmq_msg_gets(&port->body, "User-Id");
    if (user == NULL || user[0] == '\0' || !text_copy(parcel->user, sizeof(parcel->user), user))
        return false;
    parcel->bytes = zmq_msg_data(&port->body);
    parcel->size = zmq_msg_size(&port->body);
    return true;
}

bool port_receive(struct port *port, struct parcel *ret)
{
    struct parcel parcel = {.size = 0};
    int more = 0;
    size_t size = sizeof(more);
    int got;

    for (;;) {
        got = zmq_recv(port->socket, parcel.route, sizeof(parcel.route), ZMQ_DONTWAIT);
        if (got < 0)
            return false;
        parcel.route_size = (size_t)got;
        if ((size_t)got <= sizeof(parcel.route) &&
            zmq_getsockopt(port->socket, ZMQ_RCVMORE, &more, &size) == 0 && more != 0 &&
            receive_body(port, &parcel)) {
            note_route(port, &parcel);
            if (port->door != NULL)
                door_note_user(port->door, zmq_msg_get(&port->body, ZMQ_SRCFD), parcel.user);
            *ret = parcel;
            return true;
        }
        drop_rest(port);
    }
}

static bool send_to(struct port *port, const uint8_t *route, size_t route_size, const void *bytes,
                    size_t size)
{
    /* MANDATORY: an absent peer or a full queue is an error on the id frame. */
    return zmq_send(port->socket, route, route_size, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
           zmq_send(port->socket, bytes, size, ZMQ_DONTWAIT) >= 0;
}

bool port_send(struct port *port, const char *user, const void *bytes, size_t size)
{
    const struct route *route = find_route(port, user);

    return route != NULL && send_to(port, route->id, route->id_size, bytes, size);
}

bool port_answer(struct port *port, const struct parcel *to, const void *bytes, size_t size)
{
    return send_to(port, to->route, to->route_size, bytes, size);
}

void port_forget(struct port *port, const char *user)
{
    struct route *route = find_route(port, user);
    size_t at;

    if (route == NULL)
        return;
    at = (size_t)(route - port->routes);
    port->route_count--;
    memmove(&port->routes[at], &port->routes[at + 1],
            (port->route_count - at) * sizeof(port->routes[0]));
}

/* ---- self-test ---- */

static void *open_stranger(void *zmq_context, const char *endpoint, const struct key_pair *server,
                           const struct key_pair *stranger, const char *monitor)
{
    void *socket = zmq_socket(zmq_context, ZMQ_DEALER);
    int linger = 0;

    if (socket == NULL || zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger)) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server->public_key, KEY_TEXT_SIZE) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, stranger->public_key, KEY_TEXT_SIZE) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, stranger->secret_key, KEY_TEXT_SIZE) != 0 ||
        zmq_socket_monitor(socket, monitor,
                           ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0 ||
        zmq_connect(socket, endpoint) != 0) {
        if (socket != NULL)
            (void)zmq_close(socket);
        return NULL;
    }
    return socket;
}

/* The first monitor event, or 0 when the time is over. */
static unsigned await_event(void *monitor, struct gate_keeper *keeper)
{
    uint64_t until = clock_monotonic_ms() + SELF_TEST_MS;

    while (clock_monotonic_ms() < until) {
        zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
        uint8_t frame[6];

        gate_keeper_serve(keeper, clock_wall_ms());
        if (zmq_poll(&item, 1, POLL_SLICE_MS) > 0 &&
            zmq_recv(monitor, frame, sizeof(frame), ZMQ_DONTWAIT) == (int)sizeof(frame))
            return (unsigned)frame[0] | (unsigned)frame[1] << 8;
    }
    return 0;
}

enum error_code port_self_test(void *zmq_context, const struct port *port,
                               const struct key_pair *key, struct gate_keeper *keeper,
                               struct error *err)
{
    char address[64];
    struct key_pair pair;
    void *stranger;
    void *monitor = zmq_socket(zmq_context, ZMQ_PAIR);
    int linger = 0;
    unsigned event = 0;

    /* An unknown key is left waiting in silence; a revoked one is told, so that the test can see
     * it. */
    key_generate(&pair);
    gate_keeper_revoke(keeper, pair.public_key);
    /* A name of its own: the one before may still be closing. */
    (void)text_format(address, sizeof(address), "inproc://%s", pair.public_key);
    stranger = open_stranger(zmq_context, port->endpoint, key, &pair, address);
    if (monitor != NULL)
        (void)zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof(linger));
    if (stranger != NULL && monitor != NULL && zmq_connect(monitor, address) == 0)
        event = await_event(monitor, keeper);
    if (stranger != NULL) {
        (void)zmq_socket_monitor(stranger, NULL, 0); /* before the reader is closed */
        (void)zmq_close(stranger);
    }
    if (monitor != NULL)
        (void)zmq_close(monitor);
    gate_keeper_forget(keeper, pair.public_key);
    if (event != ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        return error_set(err, ERROR_AUTHORITY,
                         "the self-test's throw-away key was not turned away at %s (event %u): "
                         "refusing to serve",
                         port->endpoint, event);
    return ERROR_OK;
}
