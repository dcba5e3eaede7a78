#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/migrator.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Players wait behind us for as long as we wait: longer than this a health check would notice. */
#define LADDER_PATIENCE_MAX_MS 600
#define LADDER_PAUSE_MIN_MS    100
#define LADDER_PAUSE_MAX_MS    4000
#define PAUSE_SLICE_MS         50
#define OBSERVE_EVERY_MS       300 /* once a statement runs longer than that, it waits less likely */

bool migrator_is_cancelled(struct migrator *m)
{
    const struct migration_hooks *hooks = m->run->hooks;

    return session_was_signalled() ||
           (hooks != NULL && hooks->is_cancelled != NULL && hooks->is_cancelled(hooks->context));
}

bool migrator_pause(struct migrator *m, uint64_t ms)
{
    uint64_t end = clock_monotonic_ms() + ms;
    uint64_t now;

    while ((now = clock_monotonic_ms()) < end) {
        if (migrator_is_cancelled(m))
            return false;
        clock_sleep_ms(end - now < PAUSE_SLICE_MS ? end - now : PAUSE_SLICE_MS);
    }
    return !migrator_is_cancelled(m);
}

/* ---- who blocks ---- */

static void append_blocker(struct text *out, const struct rows *rows, size_t i)
{
    uint64_t age_ms = rows_number(rows, i, 3);

    text_append_format(out,
                       "%spid %s (user %s, application %s, transaction open for %" PRIu64
                       ".%01" PRIu64 " s, %s): %s",
                       i > 0 ? "; " : "", rows_text(rows, i, 0), rows_text(rows, i, 1),
                       rows_text(rows, i, 2), age_ms / 1000, age_ms % 1000 / 100,
                       rows_text(rows, i, 4), rows_text(rows, i, 5));
}

static void note_blockers(struct migrator *m, const struct rows *rows)
{
    struct text *out;

    if (rows_count(rows) == 0)
        return;
    out = text_new(NULL, sizeof(m->blockers) - 1);
    for (size_t i = 0; i < rows_count(rows); i++)
        append_blocker(out, rows, i);
    (void)text_copy(m->blockers, sizeof(m->blockers), out->data);
    talloc_free(out);
}

/* Only a second session can see what the first one waits for. */
static void observe(struct migrator *m)
{
    char pid[MIGRATOR_NUMBER_SIZE];
    struct error ignored;
    struct rows *rows;

    if (m->observer_failed)
        return;
    if (m->observer == NULL &&
        session_open_beside(m->session, &m->observer, &ignored) != ERROR_OK) {
        m->observer_failed = true;
        return;
    }
    (void)text_format(pid, sizeof(pid), "%d", session_backend_pid(m->session));
    if (session_query(m->observer, SQL_WITH(embedded_blockers, pid), &rows, &ignored) != ERROR_OK) {
        m->observer_failed = true;
        return;
    }
    note_blockers(m, rows);
    rows_free(rows);
}

static void on_tick(void *context, uint64_t waited_ms)
{
    if (waited_ms < OBSERVE_EVERY_MS || waited_ms % OBSERVE_EVERY_MS < SESSION_TICK_MS)
        observe(context);
}

static bool is_cancelled(void *context)
{
    return migrator_is_cancelled(context);
}

struct session_watch migrator_watch(struct migrator *m)
{
    return (struct session_watch){.context = m, .is_cancelled = is_cancelled, .on_tick = on_tick};
}

/* ---- climbing ---- */

/* Anything in [0, max]; jitter needs no better source. */
static uint64_t jitter(uint64_t max)
{
    static uint64_t state;

    if (state == 0)
        state = clock_monotonic_us() ^ (uint64_t)getpid() << 32;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % (max + 1);
}

static uint64_t grown(uint64_t from, uint64_t max, unsigned step)
{
    uint64_t value = from;

    for (unsigned i = 0; i < step && value < max; i++)
        value += value * 2 / 5;
    return value < max ? value : max;
}

static enum error_code give_up(struct migrator *m, unsigned tries, uint64_t waited_ms,
                               struct error *err)
{
    char cause[ERROR_DETAIL_MAX / 3];

    (void)text_copy(cause, sizeof(cause), err->detail);
    if (err->code != ERROR_LOCK)
        return error_set(err, err->code, "%s; given up after %u tries", cause, tries);
    return error_set(err, ERROR_LOCK,
                     "%s; given up after %u tries in %" PRIu64 " ms, so that nobody queues behind "
                     "us; blocked by %s",
                     cause, tries, waited_ms,
                     m->blockers[0] != '\0' ? m->blockers : "somebody who is gone by now");
}

enum error_code ladder_climb(struct migrator *m, ladder_attempt *attempt, void *context,
                             struct error *err)
{
    unsigned tries_max = m->run->lock_tries;
    uint64_t started = clock_monotonic_ms();
    uint64_t budget = migrator_lock_budget(m);

    if (tries_max == 0 || tries_max > MIGRATION_LOCK_TRIES_MAX)
        tries_max = MIGRATION_LOCK_TRIES_MAX;
    m->blockers[0] = '\0';
    for (unsigned i = 0;; i++) {
        uint64_t patience = grown(LADDER_PATIENCE_MIN_MS, LADDER_PATIENCE_MAX_MS, i);
        uint64_t waited;

        if (attempt(context, patience, err) == ERROR_OK)
            return ERROR_OK;
        if (err->code != ERROR_LOCK && err->code != ERROR_CONFLICT)
            return err->code;
        waited = clock_monotonic_ms() - started;
        if (i + 1 >= tries_max || waited >= budget)
            return give_up(m, i + 1, waited, err);
        migrator_report(m, 0, 0, m->blockers[0] != '\0' ? m->blockers : "waiting for a lock");
        if (!migrator_pause(m, jitter(grown(LADDER_PAUSE_MIN_MS, LADDER_PAUSE_MAX_MS, i))))
            return error_set(err, ERROR_CANCELLED, "cancelled while waiting for a lock");
    }
}
