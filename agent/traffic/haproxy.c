/* haproxy.c: HAProxy 2.6 through its runtime socket.  Success prints an empty line, errors are
 * text: everything is read back.
 */
#include "agent/traffic/haproxy.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX (4 << 20)
#define ANSWER_MS        2000

static enum error_code connect_to(const struct edge_config *config, int *ret, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (!text_copy(address.sun_path, sizeof(address.sun_path), config->socket))
        return error_set(err, ERROR_CONFIG, "the path of HAProxy's socket %s is too long",
                         config->socket);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)(const void *)&address, sizeof(address)) != 0) {
        error_set(err, ERROR_EDGE, "HAProxy's socket %s does not answer: %s", config->socket,
                  strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return err->code;
    }
    *ret = fd;
    return ERROR_OK;
}

static enum error_code read_answer(const struct edge_config *config, int fd, struct text *ret,
                                   struct error *err)
{
    for (;;) {
        struct pollfd item = {.fd = fd, .events = POLLIN};
        char bytes[16384];
        ssize_t n;

        if (poll(&item, 1, ANSWER_MS) <= 0)
            return error_set(err, ERROR_EDGE, "HAProxy's socket %s did not answer within %d ms",
                             config->socket, ANSWER_MS);
        n = read(fd, bytes, sizeof(bytes));
        if (n == 0)
            return ret->is_cut ? error_set(err, ERROR_EDGE, "HAProxy's answer is too long")
                               : ERROR_OK;
        if (n < 0 && errno != EINTR)
            return error_set(err, ERROR_EDGE, "HAProxy's socket %s: %s", config->socket,
                             strerror(errno));
        if (n > 0)
            text_append_bytes(ret, bytes, (size_t)n);
    }
}

enum error_code haproxy_ask(const struct edge_config *config, const char *command,
                            const void *parent, struct text **ret, struct error *err)
{
    struct text *answer = text_new(parent, ANSWER_BYTES_MAX);
    char line[256];
    int fd = -1;

    if (!text_format(line, sizeof(line), "%s\n", command))
        return error_set(err, ERROR_INVALID, "a command for HAProxy is too long");
    if (connect_to(config, &fd, err) != ERROR_OK)
        return err->code;
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
        error_set(err, ERROR_EDGE, "HAProxy's socket %s: %s", config->socket, strerror(errno));
    else
        err->code = ERROR_OK;
    if (err->code == ERROR_OK)
        (void)read_answer(config, fd, answer, err);
    (void)close(fd);
    *ret = answer;
    return err->code;
}

enum error_code haproxy_command(const struct edge_config *config, const char *line,
                                struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct text *answer = NULL;

    err->code = ERROR_OK;
    if (haproxy_ask(config, line, scratch, &answer, err) == ERROR_OK && answer != NULL &&
        strspn(answer->data, "\r\n ") != answer->size)
        error_set(err, ERROR_EDGE, "HAProxy refused \"%s\": %.200s", line, answer->data);
    talloc_free(scratch);
    return err->code;
}

/* ---- its backends: one, or one for each colour ---- */

static size_t backend_count(const struct edge_config *config)
{
    return config->colour_count > 0 ? config->colour_count : 1;
}

static const char *backend_at(const struct edge_config *config, size_t i)
{
    return config->colour_count > 0 ? config->colours[i].backend : config->backend;
}

static const char *colour_at(const struct edge_config *config, size_t i)
{
    return config->colour_count > 0 ? config->colours[i].name : "";
}

static bool some_are_down(const struct server_traffic *servers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (servers[i].state == TRAFFIC_DOWN)
            return true;
    return false;
}

struct backend_sight {
    struct server_traffic *servers;
    size_t count;
};

/* The statistics say DOWN of a server whose check fails whether or not it is drained as well. */
static enum error_code read_backend(const struct edge_config *config, const char *stat,
                                    const char *backend, const void *parent,
                                    struct backend_sight *ret, struct error *err)
{
    struct text *answer = NULL;
    char command[128];

    if (haproxy_parse_stat(stat, backend, parent, &ret->servers, &ret->count, err) != ERROR_OK)
        return err->code;
    if (!some_are_down(ret->servers, ret->count))
        return ERROR_OK;
    (void)text_format(command, sizeof(command), "show servers state %s", backend);
    if (haproxy_ask(config, command, parent, &answer, err) != ERROR_OK || answer == NULL)
        return err->code;
    return haproxy_parse_state(answer->data, parent, ret->servers, ret->count, err);
}

/* What would get traffic if its colour were the one. */
static void rest_servers(const struct backend_sight *sight)
{
    for (size_t i = 0; i < sight->count; i++)
        if (sight->servers[i].state == TRAFFIC_READY || sight->servers[i].state == TRAFFIC_DOWN)
            sight->servers[i].state = TRAFFIC_IDLE;
}

static bool gets_traffic(const struct report *colours, const char *colour)
{
    return strcmp(colour, colours->live) == 0 ||
           (colours->share_permille > 0 && strcmp(colour, colours->next) == 0);
}

static enum error_code read_servers(const struct edge_config *config, const void *parent,
                                    struct server_traffic **ret, size_t *ret_count,
                                    struct error *err)
{
    struct text *stat = NULL;
    struct report colours = {.kind = KIND_EDGE};

    if (haproxy_ask(config, "show stat", parent, &stat, err) != ERROR_OK || stat == NULL ||
        (config->colour_count > 0 && haproxy_live(config, &colours, err) != ERROR_OK))
        return err->code;
    *ret = memory_array(parent, struct server_traffic, REPORT_SERVERS_MAX);
    *ret_count = 0;
    for (size_t i = 0; i < backend_count(config); i++) {
        struct backend_sight sight = {.count = 0};

        if (read_backend(config, stat->data, backend_at(config, i), parent, &sight, err) !=
            ERROR_OK)
            return err->code;
        if (!gets_traffic(&colours, colour_at(config, i)))
            rest_servers(&sight);
        for (size_t s = 0; s < sight.count && *ret_count < REPORT_SERVERS_MAX; s++) {
            (*ret)[*ret_count] = sight.servers[s];
            (void)text_copy((*ret)[(*ret_count)++].colour, NAME_SIZE, colour_at(config, i));
        }
    }
    return ERROR_OK;
}

/* The backend that has the server, and whether its agent is asked; nobody's is the first's, which
 * then says that it has none. */
static enum error_code find_server(const struct edge_config *config, const char *node,
                                   const char **ret, bool *ret_asks_agent, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct text *stat = NULL;

    *ret = backend_at(config, 0);
    *ret_asks_agent = false;
    err->code = ERROR_OK;
    (void)haproxy_ask(config, "show stat", scratch, &stat, err);
    for (size_t i = 0; stat != NULL && err->code == ERROR_OK && i < backend_count(config); i++) {
        struct server_traffic *servers = NULL;
        size_t count = 0;

        (void)haproxy_parse_stat(stat->data, backend_at(config, i), scratch, &servers, &count, err);
        for (size_t s = 0; err->code == ERROR_OK && s < count; s++) {
            if (strcmp(servers[s].node, node) != 0)
                continue;
            *ret = backend_at(config, i);
            *ret_asks_agent = servers[s].asks_agent;
        }
    }
    talloc_free(scratch);
    return err->code;
}

/* ---- wishes ---- */

/* Where the node's agent is asked it has the last word: so it is asked for the same from now on,
 * first, or it would say at its next turn what it was asked for before. The state is set besides:
 * at once, and for as long as that agent is silent. */
static enum error_code wish(const struct edge_config *config, const char *node,
                            enum edge_wish wanted, struct error *err)
{
    static const char *const states[] = {
        [WISH_DRAIN] = "drain", [WISH_ADMIT] = "ready", [WISH_ISOLATE] = "maint"};
    static const char *const settings[] = {"agent-send", "state"};
    const char *backend;
    bool asks_agent;
    char line[200];

    if (find_server(config, node, &backend, &asks_agent, err) != ERROR_OK)
        return err->code;
    for (size_t i = asks_agent ? 0 : 1; i < ARRAY_LEN(settings); i++) {
        (void)text_format(line, sizeof(line), "set server %s/%s %s %s", backend, node, settings[i],
                          states[wanted]);
        if (haproxy_command(config, line, err) != ERROR_OK)
            return err->code;
    }
    if (wanted != WISH_ISOLATE)
        return ERROR_OK;
    (void)text_format(line, sizeof(line), "shutdown sessions server %s/%s", backend, node);
    return haproxy_command(config, line, err);
}

/* Without it a reload forgets drain and maintenance, and goes back to the colour in the file. */
static enum error_code keep(const struct edge_config *config, struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "haproxy");
    struct text *answer = NULL;

    err->code = ERROR_OK;
    if (config->state_file != NULL &&
        haproxy_ask(config, "show servers state", scratch, &answer, err) == ERROR_OK &&
        answer != NULL)
        (void)file_write_atomically(config->state_file, answer->data, answer->size, 0644, err);
    talloc_free(scratch);
    if (err->code == ERROR_OK && config->colour_count > 0)
        (void)haproxy_keep_map(config, err);
    return err->code;
}

const struct traffic_driver traffic_haproxy = {.name = "haproxy",
                                               .read = read_servers,
                                               .wish = wish,
                                               .keep = keep,
                                               .live = haproxy_live,
                                               .point = haproxy_point};
