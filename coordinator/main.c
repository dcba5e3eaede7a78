/* main.c: hakem-coordinator --config FILE */
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/process.h"
#include "coordinator/server/server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define DESCRIPTORS_WANTED 65536

static void on_stop(int signal_number)
{
    (void)signal_number;
    server_stop();
}

static void on_reload(int signal_number)
{
    (void)signal_number;
    server_reload();
}

static void handle_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    struct sigaction reload = {.sa_handler = on_reload};
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGHUP, &reload, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

/* Four for each agent; no core file, because the secret key is in memory. */
static void set_limits(void)
{
    struct rlimit files;
    struct rlimit none = {0, 0};

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < DESCRIPTORS_WANTED) {
        files.rlim_cur = files.rlim_max < DESCRIPTORS_WANTED ? files.rlim_max : DESCRIPTORS_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)setrlimit(RLIMIT_CORE, &none);
}

static int report(const struct error *err)
{
    log_event(LOG_ERROR, "stopped", LOG_TEXT("code", error_code_name(err->code)),
              LOG_TEXT("detail", err->detail));
    (void)fprintf(stderr, "hakem-coordinator: %s\n", err->detail);
    return error_code_exit_status(err->code);
}

/* With port 0 nobody else knows where we listen. */
static enum error_code write_endpoints(const struct server_config *config,
                                       const struct server *server, struct error *err)
{
    char *path = memory_format(NULL, "%s.endpoints", config->journal);
    char *text = memory_format(path, "agents %s\noperators %s\n", server_agents_endpoint(server),
                               server_operators_endpoint(server));
    enum error_code code = file_write_atomically(path, text, strlen(text), 0644, err);

    talloc_free(path);
    return code;
}

static int serve(const struct server_config *config)
{
    struct server *server = NULL;
    struct error err = {.code = ERROR_OK};
    int status = 0;

    if (server_open(config, &server, &err) != ERROR_OK ||
        write_endpoints(config, server, &err) != ERROR_OK) {
        server_close(server);
        return report(&err);
    }
    log_event(LOG_INFO, "serving", LOG_TEXT("agents", server_agents_endpoint(server)),
              LOG_TEXT("operators", server_operators_endpoint(server)));
    if (server_run(server, &err) != ERROR_OK)
        status = report(&err);
    server_close(server);
    return status;
}

int main(int argc, char *argv[])
{
    struct server_config config;
    struct error err = {.code = ERROR_OK};
    enum log_level level = LOG_INFO;
    void *memory;
    int status;

    if (argc != 3 || strcmp(argv[1], "--config") != 0) {
        (void)fprintf(stderr, "usage: hakem-coordinator --config FILE\n");
        return error_code_exit_status(ERROR_USAGE);
    }
    process_seal_descriptors();
    set_limits();
    handle_signals();
    memory = memory_zeroed(NULL, 1, 1, "config");
    log_open("hakem-coordinator", LOG_INFO);
    if (server_config_read(memory, argv[2], &config, &err) != ERROR_OK) {
        talloc_free(memory);
        return report(&err);
    }
    (void)log_level_from_name(config.log_level, &level);
    log_open("hakem-coordinator", level);
    status = serve(&config);
    talloc_free(memory);
    return status;
}
