#include "agent/twin/pulse.h"

#include "agent/twin/twin_internal.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <poll.h>
#include <string.h>

#define ANSWER_MS 10000 /* longer, and the connection is another one */
#define RETRY_MS  3000

struct pulse {
    PGconn *connection; /* NULL: none */
    bool is_connected;
    bool is_asking;
    PostgresPollingStatusType wants; /* while it connects */
    uint64_t asked_at_ms;
    uint64_t retry_at_ms;
    char link[TWIN_OBJECT_SIZE];
    struct pulse_echo echo;
};

static int finish(struct pulse *pulse)
{
    PQfinish(pulse->connection);
    return 0;
}

struct pulse *pulse_new(const void *parent)
{
    struct pulse *pulse = memory_new(parent, struct pulse);

    talloc_set_destructor(pulse, finish);
    return pulse;
}

static void hang_up(struct pulse *pulse)
{
    PQfinish(pulse->connection);
    pulse->connection = NULL;
    pulse->is_connected = pulse->is_asking = false;
    pulse->retry_at_ms = clock_monotonic_ms() + RETRY_MS;
}

void pulse_rest(struct pulse *pulse)
{
    if (pulse->connection != NULL)
        hang_up(pulse);
    pulse->retry_at_ms = 0;
    pulse->link[0] = '\0';
    pulse->echo = (struct pulse_echo){.n = 0};
}

struct pulse_echo pulse_echo(const struct pulse *pulse)
{
    return pulse->echo;
}

static void connect_anew(struct pulse *pulse, const char *url)
{
    const char *const keys[] = {"dbname", "application_name", NULL};
    char *plain = session_plain_url(pulse, url);
    const char *const values[] = {plain, "hakem:pulse", NULL};

    if (clock_monotonic_ms() >= pulse->retry_at_ms) {
        pulse->connection = PQconnectStartParams(keys, values, 1);
        pulse->asked_at_ms = clock_monotonic_ms();
        pulse->wants = PGRES_POLLING_WRITING;
        if (pulse->connection == NULL || PQstatus(pulse->connection) == CONNECTION_BAD)
            hang_up(pulse);
    }
    talloc_free(plain);
}

/* As far as it goes without waiting. */
static void go_on_connecting(struct pulse *pulse)
{
    for (;;) {
        struct pollfd fd = {.fd = PQsocket(pulse->connection),
                            .events = pulse->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};

        if (poll(&fd, 1, 0) <= 0)
            return;
        pulse->wants = PQconnectPoll(pulse->connection);
        if (pulse->wants == PGRES_POLLING_FAILED) {
            hang_up(pulse);
            return;
        }
        if (pulse->wants == PGRES_POLLING_OK) {
            pulse->is_connected = PQsetnonblocking(pulse->connection, 1) == 0;
            return;
        }
    }
}

static void take_echo(struct pulse *pulse, const PGresult *result)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
        return;
    (void)text_to_number(PQgetvalue(result, 0, 0), UINT64_MAX, &pulse->echo.n);
    (void)text_to_number(PQgetvalue(result, 0, 1), UINT64_MAX, &pulse->echo.position);
    (void)text_copy(pulse->echo.slot, sizeof(pulse->echo.slot), PQgetvalue(result, 0, 2));
}

static void take_answer(struct pulse *pulse)
{
    if (PQflush(pulse->connection) < 0 || PQconsumeInput(pulse->connection) == 0) {
        hang_up(pulse);
        return;
    }
    while (pulse->is_asking && PQisBusy(pulse->connection) == 0) {
        PGresult *result = PQgetResult(pulse->connection);

        pulse->is_asking = result != NULL;
        take_echo(pulse, result);
        PQclear(result);
    }
}

static void ask(struct pulse *pulse, const char *at)
{
    const char *const values[] = {pulse->link, at};

    if (PQsendQueryParams(pulse->connection, embedded_twin_pulse, 2, NULL, values, NULL, NULL, 0) ==
            0 ||
        PQflush(pulse->connection) < 0) {
        hang_up(pulse);
        return;
    }
    pulse->is_asking = true;
    pulse->asked_at_ms = clock_monotonic_ms();
}

void pulse_beat(struct pulse *pulse, const char *url, const char *link, const char *at)
{
    if (strcmp(pulse->link, link) != 0)
        pulse_rest(pulse);
    (void)text_copy(pulse->link, sizeof(pulse->link), link);
    if (pulse->connection == NULL)
        connect_anew(pulse, url);
    if (pulse->connection != NULL && !pulse->is_connected)
        go_on_connecting(pulse);
    if (pulse->connection != NULL && pulse->is_asking)
        take_answer(pulse);
    if (pulse->connection != NULL && pulse->is_connected && !pulse->is_asking)
        ask(pulse, at);
    if (pulse->connection != NULL && clock_monotonic_ms() - pulse->asked_at_ms >= ANSWER_MS)
        hang_up(pulse);
}
