/* door.h: who was at a port and did not get in, or left.
 *
 * libzmq tells that a handshake failed, but not whose, and then which descriptor was closed; it
 * never tells that a connection was cut because of too large a frame.  What is known of a
 * connection is kept by its descriptor: the address when it is accepted, unless it is gone by then
 * (""), and the user once something was heard.
 */
#ifndef COMMON_WIRE_DOOR_H
#define COMMON_WIRE_DOOR_H

#include "common/base/error.h"
#include "proto/words.h"

#define DOOR_ADDRESS_SIZE 46    /* INET6_ADDRSTRLEN */
#define DOOR_FDS_MAX      65536 /* connections with higher descriptors are not followed */
#define DOOR_READ_MAX     256   /* events in a turn */

enum incident {
    INCIDENT_NONE,
    INCIDENT_FOREIGN_KEY, /* the handshake is meant for another server's key */
    INCIDENT_NO_CURVE,
    INCIDENT_MALFORMED,  /* something else is wrong with the handshake */
    INCIDENT_REVOKED,    /* a key that is let in no longer: the gate keeper knows it */
    INCIDENT_UNFINISHED, /* left, or said nothing, before the handshake was done */
    INCIDENT_UNHEARD,    /* ended before anything was taken from it */
    INCIDENT_ENDED,      /* a user's connection ended */
    INCIDENT_COUNT
};

struct visit {
    enum incident incident;
    char address[DOOR_ADDRESS_SIZE]; /* without the port; "": not known */
    char user[NAME_SIZE + 2];        /* of INCIDENT_ENDED */
};

struct door;

enum error_code door_open(void *zmq_context, void *socket, struct door **ret, struct error *err);
/* Before the socket is closed. NULL is fine. */
void door_close(struct door *door);

void *door_socket(const struct door *door); /* for zmq_poll */

/* Reads what the door's monitor has, once a turn, and before messages are taken: a descriptor's
 * next owner may have said something. */
void door_look(struct door *door);
/* The next incident of what was read; false: no other one. */
bool door_next(struct door *door, struct visit *ret);

/* Something was taken from that user over that descriptor. */
void door_note_user(struct door *door, int fd, const char *user);

#endif
