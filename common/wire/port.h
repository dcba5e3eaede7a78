/* port.h: the coordinator's ends: a ROUTER with CURVE on which authenticated peers are known by
 * user id.
 *
 * Sends never block and never queue beyond the high-water mark: what cannot be sent is lost, and
 * asked for or repeated by those above.
 */
#ifndef COMMON_WIRE_PORT_H
#define COMMON_WIRE_PORT_H

#include "common/base/error.h"
#include "common/wire/door.h"
#include "common/wire/key.h"
#include "proto/message.h"

#define PORT_HIGH_WATER 64
/* After an outage everybody comes at once: whoever is cut short comes again, and it never ends. A
 * key that is not let in yet comes again after it, too. */
#define PORT_HANDSHAKE_MS 6000
#define PORT_FRAMES_MAX   2
#define PORT_BACKLOG      1024
#define PORT_ROUTE_MAX    16
#define PORT_USERS_MAX    20000

struct port;

/* What one receive brought. bytes are valid until the next one. */
struct parcel {
    char user[NAME_SIZE + 2]; /* as ZAP said, never as the message claims */
    const void *bytes;
    size_t size;
    uint8_t route[PORT_ROUTE_MAX]; /* this connection */
    size_t route_size;
};

/* endpoint: tcp://HOST:PORT; port 0 (or *) takes a free one, see port_endpoint(). */
enum error_code port_open(void *zmq_context, const char *endpoint, const struct key_pair *key,
                          struct port **ret, struct error *err);
void port_close(struct port *port); /* NULL is fine */

void *port_socket(const struct port *port); /* for zmq_poll */
const char *port_endpoint(const struct port *port);

/* False if nothing waits. Messages without a user, or with too many or too large frames, are
 * dropped and counted. */
bool port_receive(struct port *port, struct parcel *ret);
uint64_t port_dropped_count(const struct port *port);

/* Begins to watch who does not get in, or leaves: after the self-test, which is such a one. */
enum error_code port_watch(void *zmq_context, struct port *port, struct error *err);
struct door *port_door(const struct port *port); /* NULL: not watched */

/* To the user's present connection. False: not connected, or its queue is full. */
bool port_send(struct port *port, const char *user, const void *bytes, size_t size);
/* To exactly the connection that a parcel came from: a reply. */
bool port_answer(struct port *port, const struct parcel *to, const void *bytes, size_t size);

/* Forgets the user's connection: a revoked key is not talked to any more. */
void port_forget(struct port *port, const char *user);

/* Connects with a throw-away key that the keeper does not let in; ERROR_AUTHORITY unless it is
 * turned away: then nobody asks the keeper, and everybody would be let in. */
struct gate_keeper;
enum error_code port_self_test(void *zmq_context, const struct port *port,
                               const struct key_pair *key, struct gate_keeper *keeper,
                               struct error *err);

#endif
