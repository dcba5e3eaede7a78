#define _DEFAULT_SOURCE /* mkdtemp, chown */
#include "support/postgres.h"

#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/process.h"
#include "common/base/text.h"
#include "common/postgres/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define POSTGRES_BIN "/usr/lib/postgresql/15/bin"
static const char initdb[] = POSTGRES_BIN "/initdb";
static const char basebackup[] = POSTGRES_BIN "/pg_basebackup";
#define POSTGRES_START_MS 30000
#define ARGUMENTS_MAX     24

extern char **environ;

/* As root everything runs as the packaged server's own user, because PostgreSQL refuses root. */
enum error_code postgres_spawn(const char *const *arguments, const char *log, pid_t *ret,
                               struct error *err)
{
    const char *argv[ARGUMENTS_MAX + 4];
    posix_spawn_file_actions_t actions;
    size_t count = 0;
    int rc;

    if (geteuid() == 0) {
        argv[count++] = "setpriv";
        argv[count++] = "--reuid=postgres";
        argv[count++] = "--regid=postgres";
        argv[count++] = "--clear-groups";
    }
    for (size_t i = 0; arguments[i] != NULL && count < ARGUMENTS_MAX + 3; i++)
        argv[count++] = arguments[i];
    argv[count] = NULL;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
                                           O_WRONLY | O_CREAT | O_APPEND, 0666);
    (void)posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    rc = posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return error_set(err, ERROR_SYSTEM, "cannot run %s: %s", argv[0], strerror(rc));
    return ERROR_OK;
}

static enum error_code run(const char *const *arguments, const char *log, struct error *err)
{
    int status;
    pid_t pid;

    if (postgres_spawn(arguments, log, &pid, err) != ERROR_OK)
        return err->code;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_set(err, ERROR_SYSTEM, "cannot wait for %s", arguments[0]);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_FAILED, "%s failed, see %s", arguments[0], log);
    return ERROR_OK;
}

int postgres_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = 0;

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    if (fd >= 0)
        (void)close(fd);
    return port;
}

static enum error_code make_folder(struct postgres *server, struct error *err)
{
    const struct passwd *user = getpwnam("postgres");

    (void)text_copy(server->folder, sizeof(server->folder), "/tmp/hakem-postgres-XXXXXX");
    if (mkdtemp(server->folder) == NULL)
        return error_set(err, ERROR_SYSTEM, "cannot make a folder: %s", strerror(errno));
    if (geteuid() == 0 && (user == NULL || chown(server->folder, user->pw_uid, user->pw_gid) != 0))
        return error_set(err, ERROR_SYSTEM, "there is no user postgres to run a server as");
    return ERROR_OK;
}

static enum error_code append(const char *path, const char *text, struct error *err)
{
    FILE *file = fopen(path, "a");

    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot write %s", path);
    return ERROR_OK;
}

static enum error_code configure(struct postgres *server, const char *settings, struct error *err)
{
    char path[256], text[1024];

    (void)text_format(path, sizeof(path), "%s/data/postgresql.conf", server->folder);
    (void)text_format(text, sizeof(text),
                      "\nport = %d\nlisten_addresses = '127.0.0.1'\n"
                      "unix_socket_directories = '%s'\nfsync = off\nmax_connections = 60\n"
                      "wal_level = replica\nhot_standby = on\nmax_wal_senders = 8\n"
                      "shared_buffers = 32MB\n",
                      server->port, server->folder);
    if (append(path, text, err) != ERROR_OK)
        return err->code;
    return settings == NULL ? ERROR_OK : append(path, settings, err);
}

static enum error_code wait_until_it_answers(const struct postgres *server, struct error *err)
{
    struct session_options options = {.url = server->url, .connect_timeout_ms = 1000};
    uint64_t end = clock_monotonic_ms() + POSTGRES_START_MS;
    struct session *session;

    while (session_open(NULL, &options, &session, err) != ERROR_OK) {
        int status;

        if (clock_monotonic_ms() >= end || waitpid(server->pid, &status, WNOHANG) != 0)
            return error_set(err, ERROR_FAILED, "the server in %s does not start: %s",
                             server->folder, err->detail);
        clock_sleep_ms(20);
    }
    session_close(session);
    return ERROR_OK;
}

static enum error_code run_server(struct postgres *server, const char *settings, struct error *err)
{
    char data[256], log[256];

    (void)text_format(data, sizeof(data), "%s/data", server->folder);
    (void)text_format(log, sizeof(log), "%s/log", server->folder);
    server->port = postgres_free_port();
    (void)text_format(server->url, sizeof(server->url),
                      "postgresql://postgres@127.0.0.1:%d/postgres", server->port);
    if (configure(server, settings, err) != ERROR_OK ||
        postgres_spawn((const char *const[]){POSTGRES_BIN "/postgres", "-D", data, NULL}, log,
                       &server->pid, err) != ERROR_OK)
        return err->code;
    return wait_until_it_answers(server, err);
}

enum error_code postgres_start(struct postgres *ret, const char *settings, struct error *err)
{
    char data[256], log[256];

    *ret = (struct postgres){.pid = 0};
    if (make_folder(ret, err) != ERROR_OK)
        return err->code;
    (void)text_format(data, sizeof(data), "%s/data", ret->folder);
    (void)text_format(log, sizeof(log), "%s/log", ret->folder);
    if (run((const char *const[]){initdb, "-D", data, "-U", "postgres", "--auth=trust", "--no-sync",
                                  "--locale=C", "--encoding=UTF8", NULL},
            log, err) != ERROR_OK)
        return err->code;
    return run_server(ret, settings, err);
}

enum error_code postgres_start_standby(struct postgres *ret, const struct postgres *primary,
                                       const char *name, struct error *err)
{
    char data[256], log[256], port[16], settings[128];

    *ret = (struct postgres){.pid = 0};
    if (make_folder(ret, err) != ERROR_OK)
        return err->code;
    (void)text_format(data, sizeof(data), "%s/data", ret->folder);
    (void)text_format(log, sizeof(log), "%s/log", ret->folder);
    (void)text_format(port, sizeof(port), "%d", primary->port);
    (void)text_format(settings, sizeof(settings), "cluster_name = '%s'\n", name);
    if (run((const char *const[]){basebackup, "-D", data, "-h", "127.0.0.1", "-p", port, "-U",
                                  "postgres", "-R", "--checkpoint=fast", "--no-sync", NULL},
            log, err) != ERROR_OK)
        return err->code;
    return run_server(ret, settings, err);
}

void postgres_stop(struct postgres *server)
{
    struct error ignored;
    pid_t pid = server->pid;

    if (pid > 0) {
        (void)kill(pid, SIGQUIT); /* immediate shutdown */
        (void)waitpid(pid, NULL, 0);
    }
    if (text_starts_with(server->folder, "/tmp/hakem-postgres-"))
        (void)run((const char *const[]){"rm", "-rf", server->folder, NULL}, "/dev/null", &ignored);
    *server = (struct postgres){.pid = 0};
}

enum error_code postgres_make_database(const struct postgres *server, const char *name,
                                       char ret_url[static POSTGRES_URL_SIZE], struct error *err)
{
    struct session_options options = {.url = server->url};
    struct session *session;
    char sql[128];
    enum error_code code;

    if (session_open(NULL, &options, &session, err) != ERROR_OK)
        return err->code;
    (void)text_format(sql, sizeof(sql), "CREATE DATABASE %s", name);
    code = session_run(session, sql, err);
    session_close(session);
    if (code == ERROR_OK)
        (void)text_format(ret_url, POSTGRES_URL_SIZE, "postgresql://postgres@127.0.0.1:%d/%s",
                          server->port, name);
    return code;
}
