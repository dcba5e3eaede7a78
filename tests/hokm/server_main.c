/* hokm-server: one game server of one release.  Options, signals, start and end. */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/hokm/http.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 5000
#define BURDEN_MS   100
#define NODE_MAX    64
#define PORT_MAX    65535

struct options {
    uint64_t port;
    const char *database, *node, *pid_file;
    const struct release *release;
};

static int usage(void)
{
    (void)fputs("usage: hokm-server --listen PORT --database CONNINFO --node NAME --release R"
                " [--pid-file FILE]\nreleases:",
                stderr);
    for (size_t i = 0; release_at(i) != NULL; i++)
        (void)fprintf(stderr, " %s", release_at(i)->name);
    (void)fputc('\n', stderr);
    return error_code_exit_status(ERROR_USAGE);
}

static bool parse_options(int argc, char *argv[], struct options *ret)
{
    static const struct option names[] = {
        {"listen", required_argument, NULL, 'l'},   {"database", required_argument, NULL, 'd'},
        {"node", required_argument, NULL, 'n'},     {"release", required_argument, NULL, 'r'},
        {"pid-file", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'l' && !text_to_number(optarg, PORT_MAX, &ret->port))
            return false;
        if (option == 'd')
            ret->database = optarg;
        if (option == 'n')
            ret->node = optarg;
        if (option == 'r')
            ret->release = release_find(optarg);
        if (option == 'p')
            ret->pid_file = optarg;
        if (option == '?')
            return false;
    }
    return optind == argc && ret->port > 0 && ret->database != NULL && ret->node != NULL &&
           text_is_name(ret->node, NODE_MAX) && ret->release != NULL;
}

/* Blocked in every thread from here on, and fetched by sigwait. */
static void block_signals(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
    (void)sigaddset(ret, SIGUSR1);
    (void)sigaddset(ret, SIGUSR2);
    (void)pthread_sigmask(SIG_BLOCK, ret, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static enum error_code write_pid(const char *path, struct error *err)
{
    char text[DATABASE_NUMBER_SIZE + 1];

    if (path == NULL)
        return ERROR_OK;
    (void)snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    return file_write_atomically(path, text, strlen(text), 0644, err);
}

static void *warm(void *context)
{
    const struct server *server = context;

    database_warm(server->database, status_try_schema, server);
    return NULL;
}

/* SIGUSR1: from here on every answer takes so much longer; SIGUSR2: no longer. */
static void serve_until_told(struct server *server, const sigset_t *signals)
{
    int received = 0;

    do {
        (void)sigwait(signals, &received);
        if (received == SIGUSR1)
            atomic_store(&server->burden_ms, BURDEN_MS);
        if (received == SIGUSR2)
            atomic_store(&server->burden_ms, 0);
    } while (received != SIGTERM && received != SIGINT);
}

static enum error_code serve(struct server *server, const struct options *options,
                             struct error *err)
{
    sigset_t signals;
    struct http *http = NULL;
    pthread_t warmer;
    enum error_code code;

    block_signals(&signals);
    code = http_open(NULL, server, (unsigned)options->port, &http, err);
    if (code != ERROR_OK)
        return code;
    code = write_pid(options->pid_file, err);
    if (code == ERROR_OK && pthread_create(&warmer, NULL, warm, server) != 0)
        code = error_set(err, ERROR_SYSTEM, "cannot start a thread");
    if (code == ERROR_OK) {
        log_event(LOG_INFO, "serving", LOG_TEXT("node", server->node),
                  LOG_TEXT("release", server->release->name), LOG_NUMBER("port", options->port));
        serve_until_told(server, &signals);
        log_event(LOG_INFO, "ending", LOG_TEXT("node", server->node));
        database_stop_warming(server->database);
        (void)pthread_join(warmer, NULL);
    }
    http_close(http, PATIENCE_MS);
    return code;
}

int main(int argc, char *argv[])
{
    struct options options = {.port = 0};
    struct error err = {.code = ERROR_OK};
    struct server server = {.started_ms = clock_monotonic_ms()};
    char application[NODE_MAX + sizeof("hokm:")];
    enum error_code code;

    log_open("hokm-server", LOG_INFO);
    if (!parse_options(argc, argv, &options))
        return usage();
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    (void)snprintf(application, sizeof(application), "hokm:%s", options.node);
    server.node = options.node;
    server.release = options.release;
    server.database = database_new(NULL, options.database, application);

    code = serve(&server, &options, &err);
    database_free(server.database);
    if (code == ERROR_OK)
        return EXIT_SUCCESS;
    log_event(LOG_ERROR, "cannot_serve", LOG_TEXT("detail", err.detail));
    return error_code_exit_status(code);
}
