#define _GNU_SOURCE /* struct ucred */
#include "support/relay.h"
#include "support/suite.h"

#include "common/base/text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKS_MAX    4
#define BUFFER_BYTES ((size_t)1 << 20)
#define HEAD_BYTES   5
#define TRIPS_MAX    250 /* an exit status */

/* One direction: what has been read and is not a whole message yet. */
struct stream {
    uint8_t bytes[BUFFER_BYTES];
    size_t size;
    bool has_begun; /* the client's first message has no type */
};

struct link {
    int client, server; /* -1: none */
    struct stream up, down;
};

static struct {
    struct link links[LINKS_MAX];
    size_t link_count;
    size_t trips, limit;
    enum relay_moment moment;
    bool is_due; /* at the next ReadyForQuery */
} run;

/* ---- in the relay's process ---- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !text_copy(address.sun_path, sizeof(address.sun_path), path) ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        _exit(TRIPS_MAX + 1);
    return fd;
}

static void send_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* its reader is gone: the other direction will say so */
        bytes += n;
        size -= (size_t)n;
    }
}

static pid_t peer_of(int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 1)
        _exit(TRIPS_MAX + 1);
    return peer.pid;
}

/* And whoever it left connected is left alone by us. */
static void kill_client(const struct link *link)
{
    (void)kill(peer_of(link->client), SIGKILL);
    for (size_t i = 0; i < run.link_count; i++) {
        (void)close(run.links[i].client);
        (void)close(run.links[i].server);
    }
    _exit((int)run.trips);
}

/* Of the message at the front, with its type; 0: it is not whole. */
static size_t message_size(const struct stream *stream, bool has_type)
{
    uint32_t length;
    size_t head = has_type ? 1 : 0;

    if (stream->size < HEAD_BYTES)
        return 0;
    memcpy(&length, stream->bytes + head, sizeof(length));
    return ntohl(length) + head <= stream->size ? ntohl(length) + head : 0;
}

static void drop(struct stream *stream, size_t size)
{
    memmove(stream->bytes, stream->bytes + size, stream->size - size);
    stream->size -= size;
}

/* A simple query, or the Sync behind a pipeline. */
static void count_trip(const struct link *link, uint8_t type)
{
    if ((type != 'Q' && type != 'S') || link != &run.links[0] || ++run.trips != run.limit)
        return;
    if (run.moment == RELAY_AT_WORK)
        kill_client(link);
    run.is_due = true;
}

static void pass_up(struct link *link)
{
    size_t size;

    while ((size = message_size(&link->up, link->up.has_begun)) > 0) {
        uint8_t type = link->up.has_begun ? link->up.bytes[0] : 0;

        send_all(link->server, link->up.bytes, size);
        drop(&link->up, size);
        link->up.has_begun = true;
        count_trip(link, type);
    }
}

static void pass_down(struct link *link)
{
    size_t size;

    while ((size = message_size(&link->down, true)) > 0) {
        if (link->down.bytes[0] == 'Z' && run.is_due && link == &run.links[0])
            kill_client(link);
        send_all(link->client, link->down.bytes, size);
        drop(&link->down, size);
    }
}

/* False: it is at its end. */
static bool read_more(int fd, struct stream *stream)
{
    ssize_t n = read(fd, stream->bytes + stream->size, BUFFER_BYTES - stream->size);

    if (n > 0)
        stream->size += (size_t)n;
    return n > 0;
}

static void end_link(struct link *link)
{
    (void)close(link->client);
    (void)close(link->server);
    link->client = link->server = -1;
    if (link == &run.links[0])
        _exit((int)run.trips); /* the client came to its end */
}

static void accept_link(int listener, const char *server)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0 || run.link_count == LINKS_MAX)
        _exit(TRIPS_MAX + 1);
    run.links[run.link_count].client = fd;
    run.links[run.link_count].server = connect_to(server);
    run.link_count++;
}

static void serve(int listener, const char *server)
{
    struct pollfd fds[1 + 2 * LINKS_MAX] = {{.fd = listener, .events = POLLIN}};

    for (size_t i = 0; i < run.link_count; i++) {
        fds[1 + 2 * i] = (struct pollfd){.fd = run.links[i].client, .events = POLLIN};
        fds[2 + 2 * i] = (struct pollfd){.fd = run.links[i].server, .events = POLLIN};
    }
    if (poll(fds, 1 + 2 * run.link_count, -1) < 0)
        _exit(TRIPS_MAX + 1);
    for (size_t i = 0; i < run.link_count; i++) {
        struct link *link = &run.links[i];

        if ((fds[1 + 2 * i].revents != 0 && !read_more(link->client, &link->up)) ||
            (fds[2 + 2 * i].revents != 0 && !read_more(link->server, &link->down)))
            end_link(link);
        pass_up(link);
        pass_down(link);
    }
    if (fds[0].revents != 0)
        accept_link(listener, server);
}

/* ---- in the test's ---- */

void relay_start(struct relay *relay, const char *server, size_t trips, enum relay_moment moment)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)text_copy(relay->folder, sizeof(relay->folder), "/tmp/hakem-relay.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(relay->folder));
    (void)text_format(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.%d", relay->folder,
                      RELAY_PORT);
    ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, LINKS_MAX), 0);
    relay->pid = fork();
    ck_assert_int_ge(relay->pid, 0);
    if (relay->pid > 0) {
        (void)close(listener);
        return;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    memset(&run, 0, sizeof(run));
    run.limit = trips;
    run.moment = moment;
    for (;;)
        serve(listener, server);
}

size_t relay_stop(struct relay *relay)
{
    char path[128];
    int status = 0;

    ck_assert_int_eq(waitpid(relay->pid, &status, 0), relay->pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= TRIPS_MAX);
    (void)text_format(path, sizeof(path), "%s/.s.PGSQL.%d", relay->folder, RELAY_PORT);
    (void)unlink(path);
    (void)rmdir(relay->folder);
    return (size_t)WEXITSTATUS(status);
}
