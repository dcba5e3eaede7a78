/* session.h: one blocking connection to PostgreSQL: opened with a deadline, cancellable at any
 * time, its errors in the words of enum error_code.
 *
 * Waiting never holds a cancel up: every wait polls the socket and asks the watch (below).
 */
#ifndef COMMON_POSTGRES_SESSION_H
#define COMMON_POSTGRES_SESSION_H

#include "common/base/error.h"

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SESSION_CONNECT_MS_DEFAULT 10000
#define SESSION_PARAMS_MAX         32
#define SESSION_PREPARED_MAX       16
#define SESSION_TICK_MS            50 /* how often a wait asks the watch */
#define SESSION_SQLSTATE_SIZE      6

struct session;

struct session_options {
    /* Conninfo, a postgresql:// URL or SQLAlchemy's postgresql+DRIVER:// form; NULL or "": what
     * libpq's environment says. */
    const char *url;
    const char *application_name;  /* NULL: "hakem" */
    const char *search_path;       /* NULL: the database's own */
    uint64_t connect_timeout_ms;   /* 0: SESSION_CONNECT_MS_DEFAULT */
    uint64_t statement_timeout_ms; /* 0: none */
    uint64_t lock_timeout_ms;      /* 0: none */
    bool ignores_signals; /* it tidies up: what session_cancel_on_signal() saw does not stop
                             it */
};

/* One statement with its text parameters; a NULL parameter is SQL NULL. */
struct sql_call {
    const char *text;
    const char *const *params;
    size_t param_count;
    const char *where; /* "0007_rating/expand.sql:12", put before an error; NULL: nothing */
    /* Planned once a session under this name, which stands for always the same text; NULL: each
     * time anew.  Of static life. */
    const char *prepared;
};

#define SQL(sql) ((struct sql_call){.text = (sql)})
/* The parameters live until the end of the enclosing block. */
#define SQL_WITH(sql, ...)                                                                         \
    ((struct sql_call){.text = (sql),                                                              \
                       .params = (const char *const[]){__VA_ARGS__},                               \
                       .param_count =                                                              \
                           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)})

/* Asked every SESSION_TICK_MS while the session waits.  is_cancelled: the running statement is
 * cancelled and ends as ERROR_CANCELLED.  on_tick may use other sessions, never this one. */
struct session_watch {
    void *context;
    bool (*is_cancelled)(void *context);                /* may be NULL */
    void (*on_tick)(void *context, uint64_t waited_ms); /* may be NULL */
};

/* A talloc child of parent; freeing it closes it.  Sets application_name, search_path, the
 * timeouts, client_connection_check_interval (PostgreSQL 14 and later), DateStyle and TimeZone.
 * ERROR_CONNECTION; ERROR_INVALID for a URL that is none.  Never shows a password. */
enum error_code session_open(const void *parent, const struct session_options *options,
                             struct session **ret, struct error *err);

/* Another connection with the same parameters, named "hakem:observer"; it does not watch. */
enum error_code session_open_beside(const struct session *session, struct session **ret,
                                    struct error *err);

void session_close(struct session *session); /* NULL is fine */

/* The one before, to be put back. */
struct session_watch session_set_watch(struct session *session, struct session_watch watch);

/* From now on that signal (SIGTERM, SIGINT) cancels whatever any session of this process runs, and
 * everything that it starts later. */
void session_cancel_on_signal(int signal);
bool session_was_signalled(void);

/* Rows of a result; freed with the session or by rows_free(). */
struct rows;
size_t rows_count(const struct rows *rows);
size_t rows_columns(const struct rows *rows);
bool rows_is_null(const struct rows *rows, size_t row, size_t column);
const char *rows_text(const struct rows *rows, size_t row, size_t column); /* "" for NULL */
uint64_t rows_number(const struct rows *rows, size_t row, size_t column);  /* 0 for NULL */
bool rows_bool(const struct rows *rows, size_t row, size_t column);        /* false for NULL */
void rows_free(struct rows *rows);                                         /* NULL is fine */

/* Statements without parameters, several allowed, as one implicit transaction; rows are dropped. */
enum error_code session_run(struct session *session, const char *sql, struct error *err);

/* One statement. ret_rows may be NULL. */
enum error_code session_query(struct session *session, struct sql_call call, struct rows **ret_rows,
                              struct error *err);

/* The one value of the one row; no row, or NULL, is ERROR_NOT_FOUND. */
enum error_code session_ask_text(struct session *session, struct sql_call call, const void *parent,
                                 char **ret, struct error *err);
enum error_code session_ask_number(struct session *session, struct sql_call call, uint64_t *ret,
                                   struct error *err);
enum error_code session_ask_bool(struct session *session, struct sql_call call, bool *ret,
                                 struct error *err);

int session_backend_pid(const struct session *session);
/* Of the last error, "" after success. */
const char *session_sqlstate(const struct session *session);
bool session_is_lost(const struct session *session);
bool session_is_in_transaction(const struct session *session);

/* ---- for common/postgres itself and its tests ---- */

PGconn *session_connection(struct session *session);
/* Prepares a call that wants it and is not yet. */
enum error_code session_prepare(struct session *session, const struct sql_call *call,
                                struct error *err);
/* libpq's sending of either kind; false if it failed. */
bool session_send(struct session *session, const struct sql_call *call);
/* Waits for the socket (and flushes what is to be sent), asking the watch. */
enum error_code session_wait(struct session *session, struct error *err);
/* Keeps the SQLSTATE and fills err from a failed result; where may be NULL. */
enum error_code session_fail(struct session *session, const PGresult *result, const char *where,
                             struct error *err);
enum error_code session_code_of_sqlstate(const char *sqlstate, const char *message);

/* The libpq form of a URL: "postgresql+asyncpg://..." becomes "postgresql://...".  A talloc child
 * of parent. */
char *session_plain_url(const void *parent, const char *url);

/* The same server by the same ways, and another database.  A talloc child of parent. ERROR_INVALID
 * for a URL that is none. */
enum error_code session_url_of_database(const void *parent, const char *url, const char *database,
                                        char **ret, struct error *err);

#endif
