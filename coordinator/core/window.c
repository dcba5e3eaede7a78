#include "coordinator/core/window.h"

#include "common/base/text.h"

#include <string.h>

#define MINUTE_MS     60000u
#define HOUR_MS       3600000u
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday; Monday is 0 */
#define WEEK          7
#define MOMENT_SIZE   32

bool windows_are_none(const struct windows *windows)
{
    return windows->window_count == 0 && windows->freeze_count == 0;
}

/* ---- is it open? ---- */

static bool begins_on(const struct window *window, uint64_t day)
{
    return (window->days >> (day + EPOCH_WEEKDAY) % WEEK & 1) != 0;
}

static uint64_t window_end_ms(const struct window *window, uint64_t day)
{
    bool is_of_next_day = window->to_ms <= window->from_ms;

    return (day + is_of_next_day) * WINDOW_DAY_MS + window->to_ms;
}

/* The window that began on that day, at that moment. */
static bool holds_since(const struct window *window, uint64_t day, uint64_t at_ms)
{
    return begins_on(window, day) && at_ms >= day * WINDOW_DAY_MS + window->from_ms &&
           at_ms < window_end_ms(window, day);
}

static bool window_holds(const struct window *window, uint64_t at_ms)
{
    uint64_t day = at_ms / WINDOW_DAY_MS;

    return holds_since(window, day, at_ms) || (day > 0 && holds_since(window, day - 1, at_ms));
}

static const struct freeze *freeze_at(const struct windows *windows, uint64_t at_ms)
{
    for (size_t i = 0; i < windows->freeze_count; i++)
        if (at_ms >= windows->freezes[i].from_ms && at_ms < windows->freezes[i].to_ms)
            return &windows->freezes[i];
    return NULL;
}

bool windows_are_open(const struct windows *windows, uint64_t at_ms)
{
    if (freeze_at(windows, at_ms) != NULL)
        return false;
    for (size_t i = 0; i < windows->window_count; i++)
        if (window_holds(&windows->windows[i], at_ms))
            return true;
    return windows->window_count == 0;
}

/* ---- what comes next ---- */

/* Whatever changes, changes at the edge of a window or of a freeze: the earliest edge after a
 * moment, of those within eight days and of every freeze. */
static void consider(uint64_t edge_ms, uint64_t after_ms, uint64_t *best)
{
    if (edge_ms > after_ms && edge_ms < *best)
        *best = edge_ms;
}

static uint64_t next_edge_ms(const struct windows *windows, uint64_t after_ms)
{
    uint64_t today = after_ms / WINDOW_DAY_MS;
    uint64_t best = WINDOW_NEVER;

    for (size_t i = 0; i < windows->freeze_count; i++) {
        consider(windows->freezes[i].from_ms, after_ms, &best);
        consider(windows->freezes[i].to_ms, after_ms, &best);
    }
    for (size_t i = 0; i < windows->window_count; i++) {
        for (uint64_t day = today > 0 ? today - 1 : 0; day <= today + WEEK; day++) {
            if (!begins_on(&windows->windows[i], day))
                continue;
            consider(day * WINDOW_DAY_MS + windows->windows[i].from_ms, after_ms, &best);
            consider(window_end_ms(&windows->windows[i], day), after_ms, &best);
        }
    }
    return best;
}

/* Within the longest freeze there may be so many edges of windows; beyond a thousand nobody asks.
 */
#define EDGES_MAX 1024

static uint64_t next_ms(const struct windows *windows, uint64_t at_ms, bool is_open)
{
    for (int i = 0; i < EDGES_MAX && at_ms != WINDOW_NEVER; i++) {
        const struct freeze *freeze = freeze_at(windows, at_ms);

        if (windows_are_open(windows, at_ms) == is_open)
            return at_ms;
        at_ms = freeze != NULL && is_open ? freeze->to_ms : next_edge_ms(windows, at_ms);
    }
    return WINDOW_NEVER;
}

uint64_t windows_open_at_ms(const struct windows *windows, uint64_t at_ms)
{
    return next_ms(windows, at_ms, true);
}

uint64_t windows_shut_at_ms(const struct windows *windows, uint64_t at_ms)
{
    return next_ms(windows, at_ms, false);
}

/* ---- in words ---- */

struct date {
    uint64_t year;
    unsigned month, day;
};

/* Of the Gregorian calendar, by eras of 400 years that begin in March. */
static struct date date_of(uint64_t days_since_1970)
{
    uint64_t days = days_since_1970 + 719468;
    uint64_t era = days / 146097;
    uint64_t of_era = days % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    struct date date = {.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
                        .month = (unsigned)(month < 10 ? month + 3 : month - 9)};

    date.year = year + era * 400 + (date.month <= 2);
    return date;
}

static void say_moment(uint64_t at_ms, char ret[static MOMENT_SIZE])
{
    static const char *const names[WEEK] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    uint64_t day = at_ms / WINDOW_DAY_MS;
    struct date date = date_of(day);

    (void)text_format(ret, MOMENT_SIZE, "%s %04u-%02u-%02u %02u:%02u UTC",
                      names[(day + EPOCH_WEEKDAY) % WEEK], (unsigned)date.year % 10000, date.month,
                      date.day, (unsigned)(at_ms % WINDOW_DAY_MS / HOUR_MS),
                      (unsigned)(at_ms % HOUR_MS / MINUTE_MS));
}

static void say_open(const struct windows *windows, uint64_t at_ms, char *ret)
{
    uint64_t until_ms = windows_shut_at_ms(windows, at_ms);
    char moment[MOMENT_SIZE];

    if (until_ms == WINDOW_NEVER) {
        (void)text_copy(ret, SENTENCE_SIZE, "no freeze is to come");
        return;
    }
    say_moment(until_ms, moment);
    (void)text_format(ret, SENTENCE_SIZE, "within a window that is open until %s", moment);
}

void windows_say(const struct windows *windows, uint64_t at_ms, char ret[static SENTENCE_SIZE])
{
    const struct freeze *freeze = freeze_at(windows, at_ms);
    uint64_t opens_ms = windows_open_at_ms(windows, at_ms);
    char moment[MOMENT_SIZE] = "";
    char until[MOMENT_SIZE] = "";

    if (opens_ms == at_ms) {
        say_open(windows, at_ms, ret);
        return;
    }
    if (opens_ms != WINDOW_NEVER)
        say_moment(opens_ms, moment);
    if (freeze != NULL)
        say_moment(freeze->to_ms, until);
    (void)text_format(
        ret, SENTENCE_SIZE, "%s%s%s%.127s%s; %s%s",
        freeze != NULL ? "frozen until " : "outside of every window", until,
        freeze != NULL ? " (" : "", freeze != NULL ? freeze->why : "", freeze != NULL ? ")" : "",
        opens_ms != WINDOW_NEVER ? "the next window opens " : "no window is to come", moment);
}

/* ---- comparing ---- */

static bool same_window(const struct window *a, const struct window *b)
{
    return a->days == b->days && a->from_ms == b->from_ms && a->to_ms == b->to_ms;
}

static bool same_freeze(const struct freeze *a, const struct freeze *b)
{
    return a->from_ms == b->from_ms && a->to_ms == b->to_ms && strcmp(a->why, b->why) == 0;
}

bool windows_are_same(const struct windows *a, const struct windows *b)
{
    if (a->window_count != b->window_count || a->freeze_count != b->freeze_count)
        return false;
    for (size_t i = 0; i < a->window_count; i++)
        if (!same_window(&a->windows[i], &b->windows[i]))
            return false;
    for (size_t i = 0; i < a->freeze_count; i++)
        if (!same_freeze(&a->freezes[i], &b->freezes[i]))
            return false;
    return true;
}
