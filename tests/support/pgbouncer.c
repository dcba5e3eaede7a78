#include "support/pgbouncer.h"

#include "agent/traffic/console.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define START_MS 10000
#define PROGRAM  "/usr/sbin/pgbouncer"

/* Debian's servers' user reads it; the test may be somebody else. */
static enum error_code write_file(const char *path, const char *text, struct error *err)
{
    return file_write_atomically(path, text, strlen(text), 0644, err);
}

enum error_code pgbouncer_point(const struct postgres *server, const char *database,
                                char ret_path[static POSTGRES_URL_SIZE], struct error *err)
{
    char text[512];

    (void)text_format(ret_path, POSTGRES_URL_SIZE, "%s/databases.ini", server->folder);
    (void)text_format(text, sizeof(text),
                      "; of a test\n[databases]\n" PGBOUNCER_POOL
                      " = host=127.0.0.1 port=%d dbname=%s pool_size=5\n",
                      server->port, database);
    return write_file(ret_path, text, err);
}

static enum error_code configure(struct pgbouncer *bouncer, const struct postgres *server,
                                 int number, struct error *err)
{
    char text[1024], users[192];

    (void)text_format(users, sizeof(users), "%s/users", server->folder);
    (void)text_format(bouncer->config, sizeof(bouncer->config), "%s/pgbouncer-%d.ini",
                      server->folder, number);
    (void)text_format(text, sizeof(text),
                      "%%include %s/databases.ini\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
                      "listen_port = %d\nunix_socket_dir =\nauth_type = trust\nauth_file = %s\n"
                      "admin_users = hakem\npool_mode = transaction\nmax_client_conn = 50\n",
                      server->folder, bouncer->port, users);
    if (write_file(users, "\"hakem\" \"\"\n\"postgres\" \"\"\n", err) != ERROR_OK)
        return err->code;
    return write_file(bouncer->config, text, err);
}

static enum error_code wait_until_it_answers(const struct pgbouncer *bouncer, struct error *err)
{
    uint64_t end = clock_monotonic_ms() + START_MS;
    struct console *console = NULL;

    while (console_open(NULL, bouncer->console, &console, err) != ERROR_OK) {
        int status;

        if (clock_monotonic_ms() >= end || waitpid(bouncer->pid, &status, WNOHANG) != 0)
            return error_set(err, ERROR_FAILED, "PgBouncer does not start: %.600s", err->detail);
        clock_sleep_ms(20);
    }
    talloc_free(console);
    return ERROR_OK;
}

enum error_code pgbouncer_start(struct pgbouncer *ret, const struct postgres *server, int number,
                                struct error *err)
{
    char log[192];

    *ret = (struct pgbouncer){.port = postgres_free_port()};
    (void)text_format(log, sizeof(log), "%s/pgbouncer-%d.log", server->folder, number);
    (void)text_format(ret->console, sizeof(ret->console), "host=127.0.0.1 port=%d user=hakem",
                      ret->port);
    (void)text_format(ret->url, sizeof(ret->url),
                      "host=127.0.0.1 port=%d user=postgres dbname=" PGBOUNCER_POOL, ret->port);
    if (configure(ret, server, number, err) != ERROR_OK ||
        postgres_spawn((const char *const[]){PROGRAM, "-q", ret->config, NULL}, log, &ret->pid,
                       err) != ERROR_OK)
        return err->code;
    return wait_until_it_answers(ret, err);
}

void pgbouncer_stop(struct pgbouncer *bouncer)
{
    if (bouncer->pid > 0) {
        (void)kill(bouncer->pid, SIGKILL);
        (void)waitpid(bouncer->pid, NULL, 0);
    }
    bouncer->pid = 0; /* its name stays: others go on asking for it */
}
