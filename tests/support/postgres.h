/* postgres.h: a temporary PostgreSQL server for a test: on a free port, in a folder of its own, as
 * an unprivileged user, ended by its process id.
 */
#ifndef TESTS_SUPPORT_POSTGRES_H
#define TESTS_SUPPORT_POSTGRES_H

#include "common/base/error.h"

#include <stddef.h>
#include <sys/types.h>

#define POSTGRES_URL_SIZE 256

struct postgres {
    char folder[128]; /* everything of it: data, socket, log */
    int port;
    pid_t pid;                   /* the postmaster's */
    char url[POSTGRES_URL_SIZE]; /* of the database postgres, as its superuser */
};

/* settings: lines for postgresql.conf, or NULL. */
enum error_code postgres_start(struct postgres *ret, const char *settings, struct error *err);

/* A hot standby of a running server, by streaming replication; its cluster_name is name. */
enum error_code postgres_start_standby(struct postgres *ret, const struct postgres *primary,
                                       const char *name, struct error *err);

/* A program as the user that servers run as; its words go to log. */
enum error_code postgres_spawn(const char *const *arguments, const char *log, pid_t *ret,
                               struct error *err);
int postgres_free_port(void);

/* Ends it at once and removes the folder. A zeroed struct is fine. */
void postgres_stop(struct postgres *server);

/* url of another database on it; makes the database. */
enum error_code postgres_make_database(const struct postgres *server, const char *name,
                                       char ret_url[static POSTGRES_URL_SIZE], struct error *err);

#endif
