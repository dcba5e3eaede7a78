#include "support/listener.h"

#include "common/base/text.h"
#include "support/suite.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void listen_on(struct listener *listener, const struct sockaddr *address, socklen_t size)
{
    ck_assert_int_eq(bind(listener->fd, address, size), 0);
    ck_assert_int_eq(listen(listener->fd, 8), 0);
}

static void *serve(void *context)
{
    struct listener *listener = context;
    int fd;

    while ((fd = accept(listener->fd, NULL, NULL)) >= 0) {
        size_t room = sizeof(listener->heard) - 1 - listener->heard_size;
        ssize_t got = read(fd, listener->heard + listener->heard_size, room);

        if (got > 0)
            listener->heard_size += (size_t)got;
        /* Without an answer, until the other side gives up. */
        if ((listener->answer == NULL ? read(fd, (char[1]){0}, 1)
                                      : write(fd, listener->answer, strlen(listener->answer))) < 0)
            perror("listener");
        (void)close(fd);
        if (listener->then != NULL)
            listener->answer = listener->then;
    }
    return NULL;
}

void listener_start_tcp(struct listener *listener, const char *answer)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);

    *listener = (struct listener){.answer = answer};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listen_on(listener, (const struct sockaddr *)(const void *)&address, size);
    ck_assert_int_eq(getsockname(listener->fd, (struct sockaddr *)(void *)&address, &size), 0);
    listener->port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&listener->thread, NULL, serve, listener), 0);
}

void listener_stop(struct listener *listener)
{
    (void)shutdown(listener->fd, SHUT_RDWR);
    ck_assert_int_eq(pthread_join(listener->thread, NULL), 0);
    (void)close(listener->fd);
}

void listener_start_unix(struct listener *listener, const char *path, const char *answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    ck_assert(text_copy(address.sun_path, sizeof(address.sun_path), path));
    (void)unlink(path);
    *listener = (struct listener){.answer = answer};
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listen_on(listener, (const struct sockaddr *)(const void *)&address, sizeof(address));
    ck_assert_int_eq(pthread_create(&listener->thread, NULL, serve, listener), 0);
}
