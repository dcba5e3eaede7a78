/* pgbouncer.h: temporary PgBouncers before a temporary PostgreSQL, for a test: on free ports, as an
 * unprivileged user, ended by their process ids.  All of them include one file of [databases].
 */
#ifndef TESTS_SUPPORT_PGBOUNCER_H
#define TESTS_SUPPORT_PGBOUNCER_H

#include "support/postgres.h"

#define PGBOUNCER_POOL "game" /* as clients call the database */

struct pgbouncer {
    int port;
    pid_t pid;
    char config[192];
    char console[160]; /* conninfo, as an agent's configuration has it */
    char url[160];     /* conninfo of a client of the pool */
};

/* Writes the file of [databases] into the server's folder: the pool points at that database. */
enum error_code pgbouncer_point(const struct postgres *server, const char *database,
                                char ret_path[static POSTGRES_URL_SIZE], struct error *err);

/* With that file. number tells those of one server apart. */
enum error_code pgbouncer_start(struct pgbouncer *ret, const struct postgres *server, int number,
                                struct error *err);

/* At once; a zeroed struct is fine. */
void pgbouncer_stop(struct pgbouncer *bouncer);

#endif
