/* listener.h: somebody who answers every connection with the same words, for suites. */
#ifndef TESTS_SUPPORT_LISTENER_H
#define TESTS_SUPPORT_LISTENER_H

#include <pthread.h>
#include <stddef.h>

struct listener {
    int fd;
    int port;
    const char *answer; /* NULL: says nothing, and keeps the connection open */
    const char *then;   /* NULL, or the answer from the second connection on */
    char heard[1024];   /* of all connections */
    size_t heard_size;
    pthread_t thread;
};

/* On a free port of loopback; or on a socket of the file system, made anew. */
void listener_start_tcp(struct listener *listener, const char *answer);
void listener_start_unix(struct listener *listener, const char *path, const char *answer);
void listener_stop(struct listener *listener);

#endif
