#include "agent/agent_check.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 16

struct pending {
    int fd; /* -1: none */
    uint64_t until_ms;
};

struct agent_check {
    int fd;
    struct pending pending[AGENT_CHECK_PENDING_MAX];
    bool was_seen;
    unsigned dead_looks; /* in a row */
};

/* A probe that waits for a held-back pool, or for a database that everybody has lost, must not take
 * every server out at once: only whether the server itself answers counts here. The rest is for
 * gates. */
void agent_check_answer(const char *asked, unsigned dead_looks, bool was_seen,
                        char ret[static AGENT_CHECK_ANSWER_SIZE])
{
    static const char *const words[] = {"ready", "drain", "maint"};
    const char *word = "";
    const char *health = dead_looks >= AGENT_CHECK_DEAD_LOOKS ? "down #its server does not answer"
                         : was_seen                           ? "up"
                                                              : "";

    for (size_t i = 0; asked != NULL && i < ARRAY_LEN(words); i++)
        if (strcmp(asked, words[i]) == 0)
            word = words[i];
    (void)text_format(ret, AGENT_CHECK_ANSWER_SIZE, "%s%s%s\n", word,
                      word[0] != '\0' && health[0] != '\0' ? " " : "", health);
}

void agent_check_see(struct agent_check *check, const struct report *report)
{
    if (check == NULL)
        return;
    check->was_seen = true;
    check->dead_looks = report->is_up ? 0 : check->dead_looks + 1;
}

/* ---- listening ---- */

static enum error_code find_address(const char *address, struct addrinfo **ret, struct error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char host[NAME_SIZE];
    const char *colon = strrchr(address, ':');

    if (colon == NULL ||
        !text_format(host, sizeof(host), "%.*s", (int)(colon - address), address) ||
        getaddrinfo(host, colon + 1, &hints, ret) != 0)
        return error_set(err, ERROR_CONFIG,
                         "agent_check: \"%s\" is no address of this machine as HOST:PORT", address);
    return ERROR_OK;
}

enum error_code agent_check_open(const char *address, const void *parent, struct agent_check **ret,
                                 struct error *err)
{
    struct agent_check *check = memory_new(parent, struct agent_check);
    struct addrinfo *found = NULL;
    int yes = 1;

    err->code = ERROR_OK;
    for (size_t i = 0; i < AGENT_CHECK_PENDING_MAX; i++)
        check->pending[i].fd = -1;
    if (find_address(address, &found, err) != ERROR_OK)
        return err->code;
    check->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (check->fd < 0 || setsockopt(check->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
        bind(check->fd, found->ai_addr, found->ai_addrlen) != 0 || listen(check->fd, BACKLOG) != 0)
        error_set(err, ERROR_SYSTEM, "agent_check: cannot listen on %s: %s", address,
                  strerror(errno));
    freeaddrinfo(found);
    if (err->code != ERROR_OK) {
        agent_check_close(check);
        return err->code;
    }
    *ret = check;
    return ERROR_OK;
}

void agent_check_close(struct agent_check *check)
{
    if (check == NULL)
        return;
    for (size_t i = 0; i < AGENT_CHECK_PENDING_MAX; i++)
        if (check->pending[i].fd >= 0)
            (void)close(check->pending[i].fd);
    if (check->fd >= 0)
        (void)close(check->fd);
    talloc_free(check);
}

size_t agent_check_descriptors(const struct agent_check *check, int *ret)
{
    size_t count = 0;

    if (check == NULL)
        return 0;
    ret[count++] = check->fd;
    for (size_t i = 0; i < AGENT_CHECK_PENDING_MAX; i++)
        if (check->pending[i].fd >= 0)
            ret[count++] = check->pending[i].fd;
    return count;
}

/* ---- answering ---- */

static void take_callers(struct agent_check *check, uint64_t now_ms)
{
    for (size_t i = 0; i < AGENT_CHECK_PENDING_MAX; i++) {
        struct pending *pending = &check->pending[i];

        if (pending->fd >= 0)
            continue;
        pending->fd = accept(check->fd, NULL, NULL);
        if (pending->fd < 0)
            return;
        (void)fcntl(pending->fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(pending->fd, F_SETFL, O_NONBLOCK);
        pending->until_ms = now_ms + AGENT_CHECK_ASK_MS;
    }
}

/* A line that does not fit into a socket's empty buffer is nobody's. */
static void answer(struct agent_check *check, struct pending *pending, char *asked)
{
    char line[AGENT_CHECK_ANSWER_SIZE];

    if (asked != NULL)
        asked[strcspn(asked, "\r\n")] = '\0';
    agent_check_answer(asked, check->dead_looks, check->was_seen, line);
    (void)send(pending->fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(pending->fd);
    pending->fd = -1;
}

void agent_check_serve(struct agent_check *check, uint64_t now_ms)
{
    if (check == NULL)
        return;
    take_callers(check, now_ms);
    for (size_t i = 0; i < AGENT_CHECK_PENDING_MAX; i++) {
        struct pending *pending = &check->pending[i];
        char asked[AGENT_CHECK_ASK_MAX + 1];
        ssize_t got;

        if (pending->fd < 0)
            continue;
        got = recv(pending->fd, asked, AGENT_CHECK_ASK_MAX, MSG_DONTWAIT);
        if (got > 0) {
            asked[got] = '\0';
            answer(check, pending, asked);
        } else if (got == 0 || now_ms >= pending->until_ms || (errno != EAGAIN && errno != EINTR)) {
            answer(check, pending, NULL);
        }
    }
}
