#include "agent/probe/probe.h"

#include "agent/hook.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/session.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void probe_fn(const struct agent_config *config, const struct probe_config *probe,
                      struct probe_result *ret);

static void conclude(struct probe_result *ret, bool could_measure, bool passes, const char *text)
{
    ret->could_measure = could_measure;
    ret->passes = passes;
    (void)text_copy(ret->text, sizeof(ret->text), text);
}

/* ---- http ---- */

struct body {
    char *bytes;
    size_t size, capacity;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct body *body = context;
    size_t more = size * count;
    size_t room = body->capacity - 1 - body->size;
    size_t kept = more < room ? more : room;

    memcpy(body->bytes + body->size, bytes, kept);
    body->size += kept;
    body->bytes[body->size] = '\0';
    return more; /* the rest is not of interest */
}

bool probe_get(const char *url, uint64_t timeout_ms, struct probe_answer *ret)
{
    struct body body = {ret->body, 0, sizeof(ret->body)};
    CURL *curl = curl_easy_init();
    CURLcode rc = CURLE_FAILED_INIT;

    *ret = (struct probe_answer){.status = 0};
    if (curl != NULL && curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK) {
        (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
        (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
        (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
        rc = curl_easy_perform(curl);
    }
    if (rc == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
    (void)text_copy(ret->why, sizeof(ret->why), curl_easy_strerror(rc));
    curl_easy_cleanup(curl);
    return rc == CURLE_OK;
}

static void probe_http(const struct agent_config *config, const struct probe_config *probe,
                       struct probe_result *ret)
{
    struct probe_answer answer;
    char text[128];
    bool passes;

    (void)config;
    if (!probe_get(probe->target, probe->timeout_ms, &answer)) {
        conclude(ret, true, false, answer.why); /* a server that does not answer is not healthy */
        return;
    }
    passes = probe->expect != 0 ? answer.status == (long)probe->expect
                                : answer.status >= 200 && answer.status < 400;
    (void)text_format(text, sizeof(text), "%ld %.110s", answer.status, answer.body);
    conclude(ret, true, passes, text);
}

/* ---- tcp ---- */

static bool connects(int fd, const struct addrinfo *address, uint64_t timeout_ms)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};
    socklen_t size = sizeof(int);
    int error = 0;

    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return true;
    return errno == EINPROGRESS && poll(&item, 1, (int)timeout_ms) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static void probe_tcp(const struct agent_config *config, const struct probe_config *probe,
                      struct probe_result *ret)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    char host[128];
    char *colon;
    bool passes = false;
    int fd;

    (void)config;
    (void)text_copy(host, sizeof(host), probe->target);
    colon = strrchr(host, ':');
    if (colon != NULL)
        *colon++ = '\0';
    if (colon == NULL || getaddrinfo(host, colon, &hints, &address) != 0) {
        conclude(ret, false, false, "its target is not HOST:PORT, or the host has no address");
        return;
    }
    fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        passes = connects(fd, address, probe->timeout_ms);
    if (fd >= 0)
        (void)close(fd);
    freeaddrinfo(address);
    conclude(ret, fd >= 0, passes, passes ? "connected" : "it does not accept connections");
}

/* ---- sql ---- */

static void probe_sql(const struct agent_config *config, const struct probe_config *probe,
                      struct probe_result *ret)
{
    struct session_options options = {.url = config->database.url,
                                      .application_name = "hakem:probe",
                                      .connect_timeout_ms = probe->timeout_ms,
                                      .statement_timeout_ms = probe->timeout_ms};
    struct session *session = NULL;
    struct error err;
    bool passes = false;

    if (session_open(NULL, &options, &session, &err) == ERROR_OK &&
        session_ask_bool(session, (struct sql_call){.text = probe->target}, &passes, &err) ==
            ERROR_OK)
        conclude(ret, true, passes, passes ? "true" : "false");
    else
        conclude(ret, err.code == ERROR_CONNECTION || err.code == ERROR_TIMEOUT, false, err.detail);
    session_close(session);
}

/* ---- exec ---- */

static void probe_exec(const struct agent_config *config, const struct probe_config *probe,
                       struct probe_result *ret)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "probe");
    struct hook hook = {.path = probe->target, .timeout_ms = probe->timeout_ms};
    char *output = NULL;
    struct error err;

    (void)config;
    if (hook_run(&hook, scratch, &output, &err) == ERROR_OK)
        conclude(ret, true, true, output);
    else
        conclude(ret, err.code == ERROR_HOOK || err.code == ERROR_TIMEOUT, false, err.detail);
    talloc_free(scratch);
}

static const struct {
    const char *kind;
    probe_fn *run;
} kinds[] = {{"http", probe_http}, {"tcp", probe_tcp}, {"sql", probe_sql}, {"exec", probe_exec}};

bool probe_kind_is_known(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return true;
    return false;
}

void probe_run(const struct agent_config *config, const struct probe_config *probe,
               struct probe_result *ret)
{
    uint64_t began = clock_monotonic_ms();

    *ret = (struct probe_result){.passes = false};
    (void)text_copy(ret->name, NAME_SIZE, probe->name);
    conclude(ret, false, false, "the kind of probe is none of http, tcp, sql, exec");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, probe->kind) == 0)
            kinds[i].run(config, probe, ret);
    ret->latency_ms = clock_monotonic_ms() - began;
}
