/* relay.h: between one client and a PostgreSQL server: counts round trips, and kills the client at
 * one of them.
 */
#ifndef TESTS_SUPPORT_RELAY_H
#define TESTS_SUPPORT_RELAY_H

#include <stddef.h>
#include <sys/types.h>

enum relay_moment {
    RELAY_AT_WORK,  /* the server has got what was sent, and the client does not wait for it */
    RELAY_ANSWERED, /* the server has done it, and the client never hears of that */
    RELAY_MOMENT_COUNT
};

struct relay {
    pid_t pid;
    char folder[64]; /* of its socket: host=… port=RELAY_PORT */
};

#define RELAY_PORT 5432

/* A process of its own, before the client's.  server: path of the server's socket.  trips: the
 * client that connected first is killed at this one, from 1; no client afterwards is let through.
 */
void relay_start(struct relay *relay, const char *server, size_t trips, enum relay_moment moment);

/* How many round trips there were. */
size_t relay_stop(struct relay *relay);

#endif
