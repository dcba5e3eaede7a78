/* Windows and freezes: when they are open, when next, and in which words.  Everything is UTC. */
#include "common/base/text.h"
#include "coordinator/core/window.h"
#include "support/suite.h"

#define MINUTE   UINT64_C(60000)
#define HOUR     UINT64_C(3600000)
#define DAY      ((uint64_t)WINDOW_DAY_MS)
#define MON      1u
#define TUE      2u
#define SUN      64u
#define A_MONDAY (DAY * 4) /* 1970-01-05 */

static struct window windows[WINDOWS_MAX];
static struct freeze freezes[2];
static struct windows table;

static void set_up(void)
{
    table = (struct windows){.windows = windows, .freezes = freezes};
}

static void tear_down(void)
{
}

static void add_window(uint64_t days, uint64_t from_ms, uint64_t to_ms)
{
    windows[table.window_count++] =
        (struct window){.days = days, .from_ms = from_ms, .to_ms = to_ms};
}

static void add_freeze(uint64_t from_ms, uint64_t to_ms)
{
    struct freeze *freeze = &freezes[table.freeze_count++];

    *freeze = (struct freeze){.from_ms = from_ms, .to_ms = to_ms};
    (void)text_copy(freeze->why, WINDOW_WHY_SIZE, "holidays");
}

static bool is_open(uint64_t at_ms)
{
    return windows_are_open(&table, at_ms);
}

START_TEST(without_windows_it_is_always_open_but_for_freezes)
{
    ck_assert(is_open(0));
    ck_assert(windows_are_none(&table));
    add_freeze(1000, 2000);
    ck_assert(is_open(999));
    ck_assert(!is_open(1000));
    ck_assert(!is_open(1999));
    ck_assert(is_open(2000));
    ck_assert(!windows_are_none(&table));
}
END_TEST

START_TEST(a_window_is_open_on_its_days_from_its_first_minute_to_the_one_before_its_last)
{
    add_window(MON | TUE, 2 * HOUR, 5 * HOUR);
    ck_assert(!is_open(A_MONDAY + 2 * HOUR - 1));
    ck_assert(is_open(A_MONDAY + 2 * HOUR));
    ck_assert(is_open(A_MONDAY + 5 * HOUR - 1));
    ck_assert(!is_open(A_MONDAY + 5 * HOUR));
    ck_assert(is_open(A_MONDAY + DAY + 3 * HOUR));
    ck_assert(!is_open(A_MONDAY + 2 * DAY + 3 * HOUR));
    ck_assert(!is_open(A_MONDAY - DAY + 3 * HOUR));
}
END_TEST

START_TEST(a_window_over_midnight_belongs_to_the_day_on_which_it_begins)
{
    add_window(SUN, 22 * HOUR, 2 * HOUR);
    ck_assert(is_open(A_MONDAY - HOUR));
    ck_assert(is_open(A_MONDAY + 2 * HOUR - 1));
    ck_assert(!is_open(A_MONDAY + 2 * HOUR));
    ck_assert(!is_open(A_MONDAY + 23 * HOUR));
}
END_TEST

START_TEST(the_next_one_is_found_over_the_week_and_past_a_freeze)
{
    add_window(MON, 2 * HOUR, 5 * HOUR);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY), A_MONDAY + 2 * HOUR);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY + 3 * HOUR), A_MONDAY + 3 * HOUR);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY + 5 * HOUR),
                      A_MONDAY + 7 * DAY + 2 * HOUR);
    add_freeze(A_MONDAY, A_MONDAY + 100 * DAY);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY + 3 * HOUR),
                      A_MONDAY + 105 * DAY + 2 * HOUR);
}
END_TEST

START_TEST(a_freeze_that_ends_within_a_window_opens_it)
{
    add_window(MON, 2 * HOUR, 5 * HOUR);
    add_freeze(A_MONDAY, A_MONDAY + 3 * HOUR);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY), A_MONDAY + 3 * HOUR);
}
END_TEST

START_TEST(it_is_said_until_when_it_is_open)
{
    add_window(MON, 2 * HOUR, 5 * HOUR);
    ck_assert_uint_eq(windows_shut_at_ms(&table, A_MONDAY + 3 * HOUR), A_MONDAY + 5 * HOUR);
    add_freeze(A_MONDAY + 4 * HOUR, A_MONDAY + 5 * HOUR);
    ck_assert_uint_eq(windows_shut_at_ms(&table, A_MONDAY + 3 * HOUR), A_MONDAY + 4 * HOUR);
}
END_TEST

START_TEST(a_moment_is_said_with_its_date_in_utc)
{
    char how[SENTENCE_SIZE];

    add_window(WINDOW_ALL_DAYS, 2 * HOUR, 5 * HOUR + 30 * MINUTE);
    /* 2024-02-29T06:00Z, a Thursday, is 1709186400 s. */
    windows_say(&table, UINT64_C(1709186400000), how);
    ck_assert_str_eq(how,
                     "outside of every window; the next window opens Fri 2024-03-01 02:00 UTC");
    windows_say(&table, UINT64_C(1709186400000) - 3 * HOUR, how);
    ck_assert_str_eq(how, "within a window that is open until Thu 2024-02-29 05:30 UTC");
    add_freeze(UINT64_C(1709186400000), UINT64_C(1735689600000)); /* until 2025-01-01 */
    windows_say(&table, UINT64_C(1709186400000), how);
    ck_assert_str_eq(how, "frozen until Wed 2025-01-01 00:00 UTC (holidays); the next window opens "
                          "Wed 2025-01-01 02:00 UTC");
}
END_TEST

START_TEST(what_never_opens_again_is_said_to)
{
    char how[SENTENCE_SIZE];

    add_window(0, 2 * HOUR, 5 * HOUR);
    ck_assert_uint_eq(windows_open_at_ms(&table, A_MONDAY), WINDOW_NEVER);
    windows_say(&table, A_MONDAY, how);
    ck_assert_str_eq(how, "outside of every window; no window is to come");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, without_windows_it_is_always_open_but_for_freezes);
    tcase_add_test(tcase,
                   a_window_is_open_on_its_days_from_its_first_minute_to_the_one_before_its_last);
    tcase_add_test(tcase, a_window_over_midnight_belongs_to_the_day_on_which_it_begins);
    tcase_add_test(tcase, the_next_one_is_found_over_the_week_and_past_a_freeze);
    tcase_add_test(tcase, a_freeze_that_ends_within_a_window_opens_it);
    tcase_add_test(tcase, it_is_said_until_when_it_is_open);
    tcase_add_test(tcase, a_moment_is_said_with_its_date_in_utc);
    tcase_add_test(tcase, what_never_opens_again_is_said_to);
}

SUITE("window", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
