#include "common/migration/pace.h"

#include "common/base/clock.h"
#include "common/base/text.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define LAG_SLICE_MS      200
#define FORCE_FLUSH_SINCE 150000 /* server_version_num */

/* Waited for beyond so much; what is said then: whose name, what, the amount in which unit. */
static const struct {
    uint64_t limit;
    const char *nobody;
    const char *does;
    unsigned shift;   /* the amount is counted in so many bits less */
    const char *unit; /* NULL: it has no amount */
} signals[] = {
    [PACE_STANDBY] = {PACE_LAG_MAX_BYTES, "a standby", "which is", 20, "MiB behind"},
    [PACE_ARCHIVER] = {PACE_ARCHIVE_MAX_BYTES, "the archiver", "which is", 20, "MiB behind"},
    [PACE_SLOT] = {PACE_SLOT_MAX_BYTES, "a slot", "which nobody reads, and which is", 20,
                   "MiB behind"},
    [PACE_VACUUM] = {0, "vacuum", "which is at work on the table", 0, NULL},
    [PACE_PLAYERS] = {0, "players", "who are answered after", 0, "ms, later than before"},
};
static_assert(ARRAY_LEN(signals) == PACE_SIGNAL_COUNT, "a signal has no limit");

void pace_begin(struct pace *pace, const char *table, uint64_t rows_max)
{
    *pace = (struct pace){.table = table, .rows_max = rows_max, .rows = rows_max};
    if (pace->rows > PACE_ROWS_FIRST)
        pace->rows = PACE_ROWS_FIRST;
}

void pace_steer(struct pace *pace, uint64_t rows_max, const uint64_t *rest_times)
{
    pace->rows_max = rows_max;
    if (pace->rows > rows_max)
        pace->rows = rows_max;
    pace->has_rest = rest_times != NULL;
    pace->rest_times = rest_times != NULL ? *rest_times : 0;
}

/* ---- deciding ---- */

/* Until a rate is known somebody may be there. */
static bool has_others(const struct pace_view *view)
{
    return !view->has_rate || view->others_per_s >= PACE_OTHERS_MIN_PER_S;
}

/* PACE_SIGNAL_COUNT: nobody is. */
static enum pace_signal who_is_behind(const struct pace_view *view)
{
    unsigned signal = 0;

    while (signal < PACE_SIGNAL_COUNT && view->behind[signal] <= signals[signal].limit)
        signal++;
    return (enum pace_signal)signal;
}

static bool is_lagging(const struct pace_view *view)
{
    return who_is_behind(view) != PACE_SIGNAL_COUNT;
}

/* A single batch may have had bad luck: never more than half or twice as many. */
static uint64_t fitting_rows(const struct pace *pace, uint64_t took_ms, uint64_t target_ms)
{
    uint64_t rows = pace->rows * target_ms / (took_ms > 0 ? took_ms : 1);

    if (rows > pace->rows * 2)
        rows = pace->rows * 2;
    if (rows < pace->rows / 2)
        rows = pace->rows / 2;
    if (rows > pace->rows_max)
        rows = pace->rows_max;
    return rows > 0 ? rows : 1;
}

struct pace_rest pace_decide(struct pace *pace, uint64_t took_ms)
{
    const struct pace_view *view = &pace->view;
    struct pace_rest rest = {.ms = 0};

    pace->rows =
        fitting_rows(pace, took_ms, has_others(view) ? PACE_BESIDE_OTHERS_MS : PACE_ALONE_MS);
    if (pace->has_rest)
        rest.ms = took_ms * pace->rest_times;
    else if (has_others(view))
        rest.ms = took_ms * PACE_REST_TIMES;
    if (rest.ms > PACE_REST_MAX_MS)
        rest.ms = PACE_REST_MAX_MS;
    rest.until_caught_up = is_lagging(view);
    return rest;
}

bool pace_has_room(const struct pace *pace)
{
    return !has_others(&pace->view) && !is_lagging(&pace->view);
}

bool pace_halve(struct pace *pace)
{
    if (pace->rows == 1)
        return false;
    pace->rows /= 2;
    return true;
}

static void say_wait(const struct pace_view *view, enum pace_signal signal, char *ret, size_t size)
{
    const char *name =
        view->names[signal][0] != '\0' ? view->names[signal] : signals[signal].nobody;

    if (signals[signal].unit == NULL)
        (void)text_format(ret, size, "waits for %s, %s", name, signals[signal].does);
    else
        (void)text_format(ret, size, "waits for %s, %s %" PRIu64 " %s", name, signals[signal].does,
                          view->behind[signal] >> signals[signal].shift, signals[signal].unit);
}

void pace_say(const struct pace *pace, char *ret, size_t size)
{
    const struct pace_view *view = &pace->view;
    enum pace_signal behind = who_is_behind(view);

    if (behind != PACE_SIGNAL_COUNT)
        say_wait(view, behind, ret, size);
    else if (pace->has_rest)
        (void)text_format(ret, size, "rests %" PRIu64 " times as long as it works, as it was told",
                          pace->rest_times);
    else if (view->has_rate && has_others(view))
        (void)text_format(ret, size, "yields to %" PRIu64 " transactions a second",
                          view->others_per_s);
    else
        (void)text_copy(ret, size, "");
}

/* ---- looking ---- */

void pace_take(struct pace *pace, uint64_t now_ms, uint64_t transactions)
{
    uint64_t own = pace->own + pace->own_before;

    if (pace->looked_ms != 0 && now_ms > pace->looked_ms) {
        /* Statistics that were reset start again from nothing. */
        uint64_t others =
            transactions > pace->transactions + own ? transactions - pace->transactions - own : 0;

        pace->view.others_per_s = others * 1000 / (now_ms - pace->looked_ms);
        pace->view.has_rate = true;
    }
    pace->looked_ms = now_ms;
    pace->transactions = transactions;
    pace->own_before = pace->own;
    pace->own = PACE_OWN_PER_LOOK;
}

/* Those who may say nothing of it are not waited for. */
static void ask_for_players(struct pace *pace, const struct migrator *m)
{
    const struct migration_hooks *hooks = m->run->hooks;
    uint64_t now_ms = 0, limit_ms = 0;

    if (hooks != NULL && hooks->players != NULL)
        hooks->players(hooks->context, &now_ms, &limit_ms);
    pace->view.behind[PACE_PLAYERS] = now_ms > limit_ms ? now_ms : 0;
}

/* What this session did before would be taken for others' work, once the server knows of it. */
static enum error_code tell_own_work(struct pace *pace, struct migrator *m, struct error *err)
{
    if (PQserverVersion(session_connection(m->session)) < FORCE_FLUSH_SINCE)
        return ERROR_OK;
    pace->own++;
    return session_run(m->session, "SELECT pg_catalog.pg_stat_force_next_flush()", err);
}

static enum error_code look(struct pace *pace, struct migrator *m, struct error *err)
{
    struct rows *rows;

    if (pace->looked_ms == 0 && tell_own_work(pace, m, err) != ERROR_OK)
        return err->code;
    if (session_query(m->session, SQL_WITH(embedded_pace_look, pace->table), &rows, err) !=
        ERROR_OK)
        return err->code;
    for (size_t i = 0; i < PACE_PLAYERS; i++) {
        pace->view.behind[i] = rows_number(rows, 0, 1 + 2 * i);
        (void)text_copy(pace->view.names[i], sizeof(pace->view.names[i]),
                        rows_text(rows, 0, 2 + 2 * i));
    }
    ask_for_players(pace, m);
    pace_take(pace, clock_monotonic_ms(), rows_number(rows, 0, 0));
    rows_free(rows);
    return ERROR_OK;
}

static bool is_time_to_look(const struct pace *pace)
{
    return pace->looked_ms == 0 || clock_monotonic_ms() - pace->looked_ms >= PACE_LOOK_EVERY_MS;
}

static enum error_code cancelled(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "cancelled between two batches");
}

static enum error_code wait_until_caught_up(struct pace *pace, struct migrator *m,
                                            struct error *err)
{
    uint64_t end = clock_monotonic_ms() + PACE_LAG_WAIT_MAX_MS;

    if (pace->on_wait != NULL && pace->on_wait(pace->context, err) != ERROR_OK)
        return err->code;
    while (is_lagging(&pace->view) && clock_monotonic_ms() < end) {
        if (!migrator_pause(m, LAG_SLICE_MS))
            return cancelled(err);
        if (look(pace, m, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code pace_keep(struct pace *pace, struct migrator *m, uint64_t took_ms,
                          bool *ret_has_looked, struct error *err)
{
    struct pace_rest rest;

    pace->own++;
    *ret_has_looked = is_time_to_look(pace);
    if (*ret_has_looked && look(pace, m, err) != ERROR_OK)
        return err->code;
    rest = pace_decide(pace, took_ms);
    if (rest.ms > 0 && !migrator_pause(m, rest.ms))
        return cancelled(err);
    return rest.until_caught_up ? wait_until_caught_up(pace, m, err) : ERROR_OK;
}
