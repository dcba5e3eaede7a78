#include "tests/hokm/database.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Longer than any pool is held back: who gives up before turns players away all by himself. */
#define BORROW_WAIT_MS  8000
#define CONNECT_SECONDS "8"
#define SETTINGS_SQL                                                                               \
    "SET statement_timeout = 4000; SET idle_in_transaction_session_timeout = 5000;"                \
    " SET client_connection_check_interval = 500"

struct database {
    const char *conninfo;
    const char *application;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t given_back, stops;
    PGconn *free[DATABASE_CONNECTIONS]; /* NULL: never connected, or lost */
    size_t free_count;
    bool is_stopping; /* no more warming */
};

struct database *database_new(const void *parent, const char *conninfo, const char *application)
{
    struct database *database = memory_new(parent, struct database);

    database->conninfo = memory_text(database, conninfo);
    database->application = memory_text(database, application);
    database->free_count = DATABASE_CONNECTIONS;
    (void)pthread_mutex_init(&database->lock, NULL);
    (void)pthread_cond_init(&database->given_back, NULL);
    (void)pthread_cond_init(&database->stops, NULL);
    return database;
}

void database_free(struct database *database)
{
    if (database == NULL)
        return;
    assert(database->free_count == DATABASE_CONNECTIONS);
    for (size_t i = 0; i < DATABASE_CONNECTIONS; i++)
        PQfinish(database->free[i]);
    (void)pthread_cond_destroy(&database->given_back);
    (void)pthread_cond_destroy(&database->stops);
    (void)pthread_mutex_destroy(&database->lock);
    talloc_free(database);
}

static struct timespec time_in_ms(long ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    return until;
}

static bool take_free(struct database *database, PGconn **ret)
{
    struct timespec until = time_in_ms(BORROW_WAIT_MS);
    bool taken = false;

    (void)pthread_mutex_lock(&database->lock);
    while (database->free_count == 0)
        if (pthread_cond_timedwait(&database->given_back, &database->lock, &until) != 0)
            break;
    if (database->free_count > 0) {
        *ret = database->free[--database->free_count];
        taken = true;
    }
    (void)pthread_mutex_unlock(&database->lock);
    return taken;
}

static enum error_code connect_anew(struct database *database, PGconn **ret, struct error *err)
{
    const char *keys[] = {"dbname", "application_name", "connect_timeout", NULL};
    const char *values[] = {database->conninfo, database->application, CONNECT_SECONDS, NULL};
    PGconn *connection = PQconnectdbParams(keys, values, 1);
    enum error_code code;

    if (PQstatus(connection) != CONNECTION_OK) {
        code = error_set(err, ERROR_CONNECTION, "%s", PQerrorMessage(connection));
        PQfinish(connection);
        return code;
    }
    code = database_command(connection, SETTINGS_SQL, err);
    if (code != ERROR_OK) {
        PQfinish(connection);
        return code;
    }
    *ret = connection;
    return ERROR_OK;
}

enum error_code database_borrow(struct database *database, PGconn **ret, struct error *err)
{
    PGconn *connection;
    enum error_code code;

    if (!take_free(database, &connection))
        return error_set(err, ERROR_CONNECTION, "every database connection is busy");
    if (connection == NULL) {
        code = connect_anew(database, &connection, err);
        if (code != ERROR_OK) {
            database_give_back(database, NULL);
            return code;
        }
    }
    *ret = connection;
    return ERROR_OK;
}

static void drop_idle(struct database *database)
{
    for (size_t i = 0; i < database->free_count; i++) {
        PQfinish(database->free[i]);
        database->free[i] = NULL;
    }
}

/* What is lost, or still inside a transaction, is dropped rather than mended. */
void database_give_back(struct database *database, PGconn *connection)
{
    bool is_lost = connection != NULL && PQstatus(connection) != CONNECTION_OK;

    if (connection != NULL && PQtransactionStatus(connection) != PQTRANS_IDLE) {
        PQfinish(connection);
        connection = NULL;
    }
    (void)pthread_mutex_lock(&database->lock);
    if (is_lost)
        drop_idle(database);
    assert(database->free_count < DATABASE_CONNECTIONS);
    database->free[database->free_count++] = connection;
    (void)pthread_cond_signal(&database->given_back);
    (void)pthread_mutex_unlock(&database->lock);
}

/* ---- warming ---- */

/* False if it is to stop. */
static bool rest(struct database *database)
{
    struct timespec until = time_in_ms(DATABASE_WARM_EVERY_MS);
    bool goes_on;

    (void)pthread_mutex_lock(&database->lock);
    while (!database->is_stopping)
        if (pthread_cond_timedwait(&database->stops, &database->lock, &until) != 0)
            break;
    goes_on = !database->is_stopping;
    (void)pthread_mutex_unlock(&database->lock);
    return goes_on;
}

/* Takes a place without a connection out of the pool; false if there is none. */
static bool take_empty(struct database *database)
{
    bool taken = false;

    (void)pthread_mutex_lock(&database->lock);
    for (size_t i = 0; i < database->free_count && !taken; i++)
        if (database->free[i] == NULL) {
            database->free[i] = database->free[--database->free_count];
            taken = true;
        }
    (void)pthread_mutex_unlock(&database->lock);
    return taken;
}

void database_warm(struct database *database, database_trial *trial, const void *context)
{
    PGconn *connection;
    struct error ignored;

    while (rest(database) && take_empty(database)) {
        connection = NULL;
        if (connect_anew(database, &connection, &ignored) == ERROR_OK)
            (void)trial(context, connection, &ignored);
        database_give_back(database, connection);
        if (connection == NULL)
            return;
    }
}

void database_stop_warming(struct database *database)
{
    (void)pthread_mutex_lock(&database->lock);
    database->is_stopping = true;
    (void)pthread_cond_signal(&database->stops);
    (void)pthread_mutex_unlock(&database->lock);
}

/* ---- queries ---- */

/* 40: deadlock or serialization; 23505: another request with the same id was faster; 57P: the
 * server is shutting down; 25006: it has become a standby. */
static enum error_code code_of(const PGconn *connection, const char *state)
{
    static const struct {
        const char *prefix;
        enum error_code code;
    } rows[] = {{"40", ERROR_CONFLICT},
                {"23505", ERROR_CONFLICT},
                {"57P", ERROR_CONNECTION},
                {"25006", ERROR_CONNECTION},
                {"08", ERROR_CONNECTION}};

    if (PQstatus(connection) != CONNECTION_OK || state == NULL)
        return ERROR_CONNECTION;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (text_starts_with(state, rows[i].prefix))
            return rows[i].code;
    return ERROR_SQL;
}

static enum error_code check(PGconn *connection, PGresult *result, PGresult **ret,
                             struct error *err)
{
    ExecStatusType status = PQresultStatus(result);
    enum error_code code;

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        *ret = result;
        return ERROR_OK;
    }
    code = code_of(connection, PQresultErrorField(result, PG_DIAG_SQLSTATE));
    code = error_set(err, code, "%s", PQerrorMessage(connection));
    PQclear(result);
    return code;
}

enum error_code database_query(PGconn *connection, const char *sql, const char *const *parameters,
                               int count, PGresult **ret, struct error *err)
{
    return check(connection, PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0),
                 ret, err);
}

enum error_code database_command(PGconn *connection, const char *sql, struct error *err)
{
    PGresult *result = NULL;
    enum error_code code = check(connection, PQexec(connection, sql), &result, err);

    PQclear(result);
    return code;
}

enum error_code database_prepare(PGconn *connection, const char *sql, struct error *err)
{
    PGresult *result = NULL;
    enum error_code code = check(connection, PQprepare(connection, "", sql, 0, NULL), &result, err);

    PQclear(result);
    return code;
}

const char *database_number(int64_t number, char ret[static DATABASE_NUMBER_SIZE])
{
    (void)snprintf(ret, DATABASE_NUMBER_SIZE, "%" PRId64, number);
    return ret;
}
