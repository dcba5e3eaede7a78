/* database.h: a small pool of libpq connections; every thread borrows one for one transaction.
 *
 * A connection that was lost is made anew when it is borrowed next, and those that lie idle beside
 * it are dropped: they are lost, too, and nobody knows it yet.  Errors: ERROR_CONNECTION (not
 * there), ERROR_CONFLICT (the same transaction may succeed if run again), ERROR_SQL.
 */
#ifndef TESTS_HOKM_DATABASE_H
#define TESTS_HOKM_DATABASE_H

#include "common/base/error.h"

#include <libpq-fe.h>
#include <stdint.h>

#define DATABASE_CONNECTIONS 8
#define DATABASE_NUMBER_SIZE 24
/* All are there before a gate's two seconds are over. */
#define DATABASE_WARM_EVERY_MS 150

struct database;

/* Connects when first used.  application names the sessions. */
struct database *database_new(const void *parent, const char *conninfo, const char *application);
void database_free(struct database *database);

/* Tries a new connection out, so that the first request on it finds everything in the caches. */
typedef enum error_code database_trial(const void *context, PGconn *connection, struct error *err);

/* Makes the connections that are not there, one every DATABASE_WARM_EVERY_MS: who only makes them
 * when they are needed makes many at once, at the worst moment.  Ends at the first that cannot be
 * had (whoever borrows it will say so), or when database_stop_warming() was called. */
void database_warm(struct database *database, database_trial *trial, const void *context);
void database_stop_warming(struct database *database);

/* Waits at most BORROW_WAIT_MS for a free connection. */
enum error_code database_borrow(struct database *database, PGconn **ret, struct error *err);
void database_give_back(struct database *database, PGconn *connection);

/* Parameters are texts, NULL is SQL's.  The caller owns *ret (PQclear). */
enum error_code database_query(PGconn *connection, const char *sql, const char *const *parameters,
                               int count, PGresult **ret, struct error *err);
enum error_code database_command(PGconn *connection, const char *sql, struct error *err);

/* Parses sql against the schema as it stands, without running it. */
enum error_code database_prepare(PGconn *connection, const char *sql, struct error *err);

/* The decimal text of number in ret, for use as a parameter. */
const char *database_number(int64_t number, char ret[static DATABASE_NUMBER_SIZE]);

#endif
