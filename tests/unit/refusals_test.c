/* A peer that says the same wrong thing again and again does not fill the log. */
#include "coordinator/server/refusals.h"
#include "support/suite.h"

static struct refusals refusals;
static uint64_t times;

static void set_up(void)
{
    refusals = (struct refusals){.count = 0};
    times = 0;
}

static bool is_said(const char *user, enum error_code code, uint64_t now_ms)
{
    return refusals_note(&refusals, user, (int)code, now_ms, &times);
}

START_TEST(the_first_of_a_kind_is_said_and_the_next_ones_wait_for_a_minute)
{
    ck_assert(is_said("a:game-1", ERROR_PROTOCOL, 1000));
    ck_assert_uint_eq(times, 1);
    ck_assert(!is_said("a:game-1", ERROR_PROTOCOL, 1001));
    ck_assert(!is_said("a:game-1", ERROR_PROTOCOL, 999 + REFUSALS_REPEAT_MS));
    ck_assert(is_said("a:game-1", ERROR_PROTOCOL, 1000 + REFUSALS_REPEAT_MS));
    ck_assert_uint_eq(times, 3);
    ck_assert_uint_eq(refusals.total, 4);
}
END_TEST

START_TEST(another_peer_or_another_kind_is_said_at_once)
{
    ck_assert(is_said("a:game-1", ERROR_PROTOCOL, 1000));
    ck_assert(is_said("a:game-2", ERROR_PROTOCOL, 1000));
    ck_assert(is_said("a:game-1", ERROR_AUTHORITY, 1000));
}
END_TEST

START_TEST(of_more_kinds_than_are_kept_the_one_that_was_quiet_for_longest_makes_room)
{
    char user[NAME_SIZE];

    for (unsigned i = 0; i < REFUSALS_MAX; i++) {
        (void)text_format(user, sizeof(user), "a:%u", i);
        ck_assert(is_said(user, ERROR_PROTOCOL, 1000 + i));
    }
    ck_assert(!is_said("a:0", ERROR_PROTOCOL, 2000));
    ck_assert(is_said("a:new", ERROR_PROTOCOL, 2001));
    ck_assert(!is_said("a:0", ERROR_PROTOCOL, 2002));
    ck_assert(is_said("a:1", ERROR_PROTOCOL, 2003));
    ck_assert_uint_eq(refusals.count, REFUSALS_MAX);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_first_of_a_kind_is_said_and_the_next_ones_wait_for_a_minute);
    tcase_add_test(tcase, another_peer_or_another_kind_is_said_at_once);
    tcase_add_test(tcase,
                   of_more_kinds_than_are_kept_the_one_that_was_quiet_for_longest_makes_room);
}

SUITE("refusals", {.add = add_all, .set_up = set_up})
