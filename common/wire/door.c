#include "common/wire/door.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/wire/monitor.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <zmq.h>

/* Failures whose connection is not closed yet: the closing follows at once, in the same I/O
 * thread, so there are as many as threads. */
#define FAILURES_MAX 8

struct connection {
    bool is_open;
    char address[DOOR_ADDRESS_SIZE];
    char user[NAME_SIZE + 2];
};

struct happening {
    struct monitor_event event;
    char address[DOOR_ADDRESS_SIZE]; /* of ZMQ_EVENT_ACCEPTED */
};

struct door {
    struct monitor *monitor;
    struct happening read[DOOR_READ_MAX]; /* of this turn */
    size_t read_count, taken_count;
    struct connection *connections; /* by descriptor */
    size_t capacity;
    enum incident failures[FAILURES_MAX];
    size_t failure_count;
};

/* First match wins; value 0 is any. Which ones come when is measured, with libzmq 4.3.4. */
static const struct {
    unsigned what;
    uint32_t value;
    enum incident incident;
} failures[] = {
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC,
     INCIDENT_FOREIGN_KEY},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
     INCIDENT_NO_CURVE},
    {ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, 0, INCIDENT_MALFORMED},
    {ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 0, INCIDENT_UNFINISHED},
};

/* A key that the gate keeper turns away is the gate keeper's to tell: it knows which. */
#define EVENTS                                                                                     \
    (ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |           \
     ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)

enum error_code door_open(void *zmq_context, void *socket, struct door **ret, struct error *err)
{
    struct door *door = memory_new(NULL, struct door);

    if (monitor_open(zmq_context, socket, EVENTS, &door->monitor, err) != ERROR_OK) {
        door_close(door);
        return err->code;
    }
    *ret = door;
    return ERROR_OK;
}

void door_close(struct door *door)
{
    if (door == NULL)
        return;
    monitor_close(door->monitor);
    talloc_free(door);
}

void *door_socket(const struct door *door)
{
    return monitor_socket(door->monitor);
}

static struct connection *connection_of(struct door *door, uint32_t fd)
{
    size_t capacity = door->capacity == 0 ? 64 : door->capacity;

    if (fd >= DOOR_FDS_MAX)
        return NULL;
    while (capacity <= fd)
        capacity *= 2;
    if (capacity > door->capacity) {
        door->connections = memory_grow(door, door->connections, door->capacity, capacity);
        door->capacity = capacity;
    }
    return &door->connections[fd];
}

/* The descriptor is libzmq's: it may be closed by now, and then nobody knows who that was. */
static void find_address(int fd, char ret[static DOOR_ADDRESS_SIZE])
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(peer);
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    ret[0] = '\0';
    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return;
    if (peer.ss_family == AF_INET) {
        memcpy(&v4, &peer, sizeof(v4));
        (void)inet_ntop(AF_INET, &v4.sin_addr, ret, DOOR_ADDRESS_SIZE);
    } else if (peer.ss_family == AF_INET6) {
        memcpy(&v6, &peer, sizeof(v6));
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, ret, DOOR_ADDRESS_SIZE);
    }
}

static void forget_former_owner(struct door *door, uint32_t fd)
{
    for (size_t i = 0; i < door->read_count; i++)
        if (door->read[i].event.what == ZMQ_EVENT_ACCEPTED && door->read[i].event.value == fd)
            door->read[i].address[0] = '\0';
}

/* All of a turn at once: who has come again by the end of it shows whose address was found. */
void door_look(struct door *door)
{
    struct happening happening = {.address = ""};

    assert(door->taken_count == door->read_count);
    door->taken_count = 0;
    door->read_count = 0;
    while (door->read_count < DOOR_READ_MAX && monitor_next(door->monitor, &happening.event)) {
        if (happening.event.what == ZMQ_EVENT_ACCEPTED) {
            forget_former_owner(door, happening.event.value);
            find_address((int)happening.event.value, happening.address);
        }
        door->read[door->read_count++] = happening;
    }
}

static void take_accepted(struct door *door, const struct happening *happening)
{
    struct connection *connection = connection_of(door, happening->event.value);

    if (connection == NULL)
        return;
    *connection = (struct connection){.is_open = true};
    memcpy(connection->address, happening->address, sizeof(connection->address));
}

static void take_failure(struct door *door, const struct monitor_event *event)
{
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        if (failures[i].what != event->what ||
            (failures[i].value != 0 && failures[i].value != event->value))
            continue;
        if (door->failure_count < FAILURES_MAX)
            door->failures[door->failure_count++] = failures[i].incident;
        return;
    }
}

static enum incident take_next_failure(struct door *door)
{
    enum incident incident = door->failures[0];

    if (door->failure_count == 0)
        return INCIDENT_NONE;
    door->failure_count--;
    memmove(&door->failures[0], &door->failures[1],
            door->failure_count * sizeof(door->failures[0]));
    return incident;
}

/* One who was heard is never taken for one who did not get in, should two end at once. */
static struct visit take_closed(struct door *door, uint32_t fd)
{
    struct connection *connection = connection_of(door, fd);
    struct visit visit = {.incident = take_next_failure(door)};

    if (connection == NULL || !connection->is_open)
        return visit; /* from before the door was there: nothing is known of it */
    if (connection->user[0] != '\0')
        visit.incident = INCIDENT_ENDED;
    else if (visit.incident == INCIDENT_NONE)
        visit.incident = INCIDENT_UNHEARD;
    memcpy(visit.address, connection->address, sizeof(visit.address));
    memcpy(visit.user, connection->user, sizeof(visit.user));
    *connection = (struct connection){.is_open = false};
    return visit;
}

bool door_next(struct door *door, struct visit *ret)
{
    while (door->taken_count < door->read_count) {
        const struct happening *happening = &door->read[door->taken_count++];
        struct visit visit = {.incident = INCIDENT_NONE};

        if (happening->event.what == ZMQ_EVENT_ACCEPTED)
            take_accepted(door, happening);
        else if (happening->event.what == ZMQ_EVENT_DISCONNECTED)
            visit = take_closed(door, happening->event.value);
        else
            take_failure(door, &happening->event);
        if (visit.incident != INCIDENT_NONE) {
            *ret = visit;
            return true;
        }
    }
    return false;
}

void door_note_user(struct door *door, int fd, const char *user)
{
    struct connection *connection = fd < 0 ? NULL : connection_of(door, (uint32_t)fd);

    if (connection != NULL && connection->is_open && strcmp(connection->user, user) != 0)
        (void)text_copy(connection->user, sizeof(connection->user), user);
}
