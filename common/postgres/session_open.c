#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/session_internal.h"
#include "embedded_hakem_postgres.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define OPEN_PARAMS_MAX 16

char *session_plain_url(const void *parent, const char *url)
{
    static const char *const schemes[] = {"postgresql+", "postgres+"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const char *rest = strstr(url, "://");

        if (rest != NULL && text_starts_with(url, schemes[i]))
            return memory_format(parent, "postgresql%s", rest);
    }
    return memory_text(parent, url);
}

/* libpq says what is wrong with a conninfo by quoting it, password and all: keep that to ourselves.
 */
static enum error_code check_url(const char *url, struct error *err)
{
    PQconninfoOption *options;
    char *problem = NULL;

    options = PQconninfoParse(url, &problem);
    PQfreemem(problem);
    if (options == NULL)
        return error_set(err, ERROR_INVALID,
                         "the database URL is not understood; expected is "
                         "postgresql://user@host:port/database or \"host=... dbname=...\"");
    PQconninfoFree(options);
    return ERROR_OK;
}

#define URL_BYTES_MAX 16384

static void append_option(struct text *text, const char *keyword, const char *value)
{
    text_append_format(text, "%s%s='", text->size > 0 ? " " : "", keyword);
    for (; *value != '\0'; value++)
        text_append_format(text, *value == '\'' || *value == '\\' ? "\\%c" : "%c", *value);
    text_append(text, "'");
}

enum error_code session_url_of_database(const void *parent, const char *url, const char *database,
                                        char **ret, struct error *err)
{
    char *plain = session_plain_url(NULL, url);
    PQconninfoOption *options;
    struct text *text;

    if (check_url(plain, err) != ERROR_OK) {
        talloc_free(plain);
        return err->code;
    }
    options = PQconninfoParse(plain, NULL);
    text = text_new(NULL, URL_BYTES_MAX);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->val != NULL && strcmp(option->keyword, "dbname") != 0)
            append_option(text, option->keyword, option->val);
    append_option(text, "dbname", database);
    PQconninfoFree(options);
    talloc_free(plain);
    *ret = memory_text(parent, text->data);
    talloc_free(text);
    return ERROR_OK;
}

static PGconn *start(const char *url, const char *application_name)
{
    /* The URL's own words win over these, but for the last. */
    const char *const keys[] = {
        "connect_timeout",  "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "dbname",          "application_name",    NULL};
    const char *const values[] = {"10", "10", "5", "3", "30000", url, application_name, NULL};

    return PQconnectStartParams(keys, values, 1);
}

static const char *server_sentence(PGconn *connection, char *ret, size_t size)
{
    (void)text_copy(ret, size, PQerrorMessage(connection));
    for (size_t i = strlen(ret); i > 0 && ret[i - 1] == '\n'; i--)
        ret[i - 1] = '\0';
    for (char *p = ret; *p != '\0'; p++)
        if (*p == '\n')
            *p = ' ';
    return ret;
}

static enum error_code poll_connection(struct session *session, uint64_t deadline_ms,
                                       struct error *err)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    char sentence[ERROR_DETAIL_MAX / 2];

    while (status != PGRES_POLLING_OK) {
        struct pollfd fd = {.fd = PQsocket(session->connection),
                            .events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT};

        if (status == PGRES_POLLING_FAILED || fd.fd < 0)
            return error_set(err, ERROR_CONNECTION, "cannot connect to the database: %s",
                             server_sentence(session->connection, sentence, sizeof(sentence)));
        if (session_wants_cancel(session))
            return error_set(err, ERROR_CANCELLED, "cancelled while connecting to the database");
        if (clock_monotonic_ms() >= deadline_ms)
            return error_set(err, ERROR_CONNECTION,
                             "cannot connect to the database: no answer in time");
        if (poll(&fd, 1, SESSION_TICK_MS) > 0)
            status = PQconnectPoll(session->connection);
    }
    return ERROR_OK;
}

/* One round trip. */
static enum error_code apply_settings(struct session *session,
                                      const struct session_options *options, struct error *err)
{
    char statement_timeout[24], lock_timeout[24];

    (void)text_format(statement_timeout, sizeof(statement_timeout), "%" PRIu64,
                      options->statement_timeout_ms);
    (void)text_format(lock_timeout, sizeof(lock_timeout), "%" PRIu64, options->lock_timeout_ms);
    return session_query(
        session,
        SQL_WITH(embedded_session_settings, statement_timeout, lock_timeout, options->search_path),
        NULL, err);
}

static int finish(struct session *session)
{
    PQfinish(session->connection);
    return 0;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

enum error_code session_open(const void *parent, const struct session_options *options,
                             struct session **ret, struct error *err)
{
    uint64_t timeout_ms =
        options->connect_timeout_ms != 0 ? options->connect_timeout_ms : SESSION_CONNECT_MS_DEFAULT;
    const char *name = options->application_name != NULL ? options->application_name : "hakem";
    struct session *session = memory_new(parent, struct session);

    session->connect_timeout_ms = timeout_ms;
    session->ignores_signals = options->ignores_signals;
    session->url = session_plain_url(session, options->url != NULL ? options->url : "");
    if (check_url(session->url, err) != ERROR_OK)
        goto fail;
    session->connection = start(session->url, name);
    talloc_set_destructor(session, finish);
    if (session->connection == NULL) {
        error_set(err, ERROR_MEMORY, "no memory for a connection to the database");
        goto fail;
    }
    (void)PQsetNoticeReceiver(session->connection, ignore_notice, NULL);
    if (poll_connection(session, clock_monotonic_ms() + timeout_ms, err) != ERROR_OK ||
        apply_settings(session, options, err) != ERROR_OK)
        goto fail;
    *ret = session;
    return ERROR_OK;

fail:
    session_close(session);
    return err->code;
}

enum error_code session_open_beside(const struct session *session, struct session **ret,
                                    struct error *err)
{
    struct session_options options = {.url = session->url,
                                      .application_name = "hakem:observer",
                                      .connect_timeout_ms = session->connect_timeout_ms,
                                      .statement_timeout_ms = session->connect_timeout_ms};

    return session_open(session, &options, ret, err);
}

void session_close(struct session *session)
{
    talloc_free(session);
}
