#include "agent/traffic/console.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <poll.h>
#include <string.h>

#define NAME_BYTES     128
#define SENTENCE_BYTES 400

struct console {
    PGconn *connection;
    char name[NAME_BYTES];
};

/* The last words of libpq or of the server, in one line. */
static const char *words_of(const char *from, char ret[static SENTENCE_BYTES])
{
    size_t size;

    (void)text_copy(ret, SENTENCE_BYTES, from);
    size = strlen(ret);
    while (size > 0 && ret[size - 1] == '\n')
        ret[--size] = '\0';
    for (char *at = ret; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    return ret;
}

static enum error_code fail(const struct console *console, const char *what, struct error *err)
{
    char words[SENTENCE_BYTES];

    return error_set(err, ERROR_EDGE, "PgBouncer at %s %s: %s", console->name, what,
                     words_of(PQerrorMessage(console->connection), words));
}

static int finish(struct console *console)
{
    PQfinish(console->connection);
    return 0;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static void name_console(struct console *console)
{
    const char *host = PQhost(console->connection);
    const char *port = PQport(console->connection);

    (void)text_format(console->name, sizeof(console->name), "%.90s:%.20s",
                      host == NULL ? "?" : host, port == NULL ? "?" : port);
}

static enum error_code await_connection(struct console *console, struct error *err)
{
    uint64_t until = clock_monotonic_ms() + CONSOLE_CONNECT_MS;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status != PGRES_POLLING_OK) {
        uint64_t now = clock_monotonic_ms();
        struct pollfd item = {.fd = PQsocket(console->connection),
                              .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};

        if (status == PGRES_POLLING_FAILED || item.fd < 0)
            return fail(console, "does not let us in", err);
        if (now >= until || poll(&item, 1, (int)(until - now)) == 0)
            return error_set(err, ERROR_EDGE, "PgBouncer at %s did not answer within %d ms",
                             console->name, CONSOLE_CONNECT_MS);
        status = PQconnectPoll(console->connection);
    }
    return ERROR_OK;
}

/* libpq quotes what it does not understand, password and all: that is kept from the sentence. */
static bool is_conninfo(const char *conninfo)
{
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);

    PQfreemem(problem);
    PQconninfoFree(options);
    return options != NULL;
}

enum error_code console_open(const void *parent, const char *conninfo, struct console **ret,
                             struct error *err)
{
    /* The console is a database of that name; the conninfo's own words do not win over it. */
    const char *const keys[] = {"dbname", "dbname", "application_name", NULL};
    const char *const values[] = {conninfo, "pgbouncer", "hakem", NULL};
    struct console *console;

    if (!is_conninfo(conninfo))
        return error_set(err, ERROR_CONFIG,
                         "a conninfo in consoles is not understood: expected is "
                         "\"host=... port=... user=...\"");
    console = memory_new(parent, struct console);
    console->connection = PQconnectStartParams(keys, values, 1);
    talloc_set_destructor(console, finish);
    if (console->connection == NULL) {
        talloc_free(console);
        return error_set(err, ERROR_MEMORY, "no memory for a connection to PgBouncer");
    }
    name_console(console);
    (void)PQsetNoticeReceiver(console->connection, ignore_notice, NULL);
    if (await_connection(console, err) != ERROR_OK) {
        talloc_free(console);
        return err->code;
    }
    *ret = console;
    return ERROR_OK;
}

const char *console_name(const struct console *console)
{
    return console->name;
}

/* ---- commands ---- */

enum error_code console_send(struct console *console, const char *command, struct error *err)
{
    return PQsendQuery(console->connection, command) == 1
               ? ERROR_OK
               : fail(console, "could not be told anything", err);
}

/* False once the time is up. */
static bool await_answer(struct console *console, uint64_t until)
{
    while (PQisBusy(console->connection)) {
        uint64_t now = clock_monotonic_ms();
        struct pollfd item = {.fd = PQsocket(console->connection), .events = POLLIN};

        if (now >= until || poll(&item, 1, (int)(until - now)) == 0)
            return false;
        if (PQconsumeInput(console->connection) == 0)
            return true; /* PQgetResult() will say what became of it */
    }
    return true;
}

/* The end of an answer comes with it, or not at all. */
static void drop_rest(struct console *console)
{
    uint64_t until = clock_monotonic_ms() + CONSOLE_ANSWER_MS;

    while (await_answer(console, until)) {
        PGresult *next = PQgetResult(console->connection);

        if (next == NULL)
            return;
        PQclear(next);
    }
}

/* The first result; what comes after it is read and dropped. */
static enum error_code take_result(struct console *console, PGresult **ret, struct error *err)
{
    PGresult *result = PQgetResult(console->connection);
    ExecStatusType status = PQresultStatus(result);
    char words[SENTENCE_BYTES];

    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
        err->code = ERROR_OK;
    else
        error_set(err, ERROR_EDGE, "PgBouncer at %s refused: %s", console->name,
                  words_of(result != NULL ? PQresultErrorMessage(result)
                                          : PQerrorMessage(console->connection),
                           words));
    drop_rest(console);
    if (err->code == ERROR_OK && ret != NULL)
        *ret = result;
    else
        PQclear(result);
    return err->code;
}

enum error_code console_ask(struct console *console, const char *command, PGresult **ret,
                            struct error *err)
{
    if (console_send(console, command, err) != ERROR_OK)
        return err->code;
    if (!await_answer(console, clock_monotonic_ms() + CONSOLE_ANSWER_MS))
        return error_set(err, ERROR_EDGE, "PgBouncer at %s did not answer %s within %d ms",
                         console->name, command, CONSOLE_ANSWER_MS);
    return take_result(console, ret, err);
}

enum error_code console_look(struct console *console, bool *ret_is_done, struct error *err)
{
    *ret_is_done = false;
    if (PQconsumeInput(console->connection) == 0)
        return fail(console, "is gone", err);
    if (PQisBusy(console->connection))
        return ERROR_OK;
    if (take_result(console, NULL, err) != ERROR_OK)
        return err->code;
    *ret_is_done = true;
    return ERROR_OK;
}

const char *console_text(const PGresult *result, int row, const char *column)
{
    int at = PQfnumber(result, column);

    return at < 0 || PQgetisnull(result, row, at) ? "" : PQgetvalue(result, row, at);
}

uint64_t console_number(const PGresult *result, int row, const char *column)
{
    uint64_t number = 0;

    (void)text_to_number(console_text(result, row, column), INT64_MAX, &number);
    return number;
}
