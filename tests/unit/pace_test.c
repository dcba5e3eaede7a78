/* How fast a backfill goes: rows by time, rests beside others, waits for whoever lags. */
#include "common/base/text.h"
#include "common/migration/pace.h"
#include "support/suite.h"

#include <string.h>

#define QUIET  (PACE_OTHERS_MIN_PER_S - 1)
#define LOADED PACE_OTHERS_MIN_PER_S
#define TARGET ((uint64_t)PACE_BESIDE_OTHERS_MS)
#define ALONE  ((uint64_t)PACE_ALONE_MS)

static struct pace pace;

static void set_up(void)
{
    pace_begin(&pace, "public.t", 5000);
}

static void tear_down(void)
{
}

static void saw(uint64_t others_per_s, uint64_t lag_bytes)
{
    pace.view = (struct pace_view){
        .has_rate = true, .others_per_s = others_per_s, .behind = {[PACE_STANDBY] = lag_bytes}};
}

START_TEST(rows_and_rest_follow_from_what_a_batch_took)
{
    static const struct {
        uint64_t others_per_s, rows, took_ms, rows_then, rest_ms;
    } rows[] = {
        /* alone: bigger and bigger, up to what the history says, and no rest */
        {QUIET, 200, 2, 400, 0},
        {QUIET, 200, 0, 400, 0},
        {QUIET, 4000, 60, 5000, 0},
        {QUIET, 1000, 2 * ALONE, 500, 0},
        {QUIET, 1, 10 * ALONE, 1, 0},
        /* beside others: what fits into the target, and nine times as long nothing */
        {LOADED, 200, TARGET, 200, TARGET * PACE_REST_TIMES},
        {LOADED, 200, 2 * TARGET, 100, 2 * TARGET * PACE_REST_TIMES},
        {LOADED, 5000, 400, 2500, PACE_REST_MAX_MS},
        {LOADED, 200, 0, 400, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pace_rest rest;

        saw(rows[i].others_per_s, 0);
        pace.rows = rows[i].rows;
        rest = pace_decide(&pace, rows[i].took_ms);
        ck_assert_msg(pace.rows == rows[i].rows_then, "row %zu: %llu rows", i,
                      (unsigned long long)pace.rows);
        ck_assert_msg(rest.ms == rows[i].rest_ms, "row %zu: rests %llu ms", i,
                      (unsigned long long)rest.ms);
        ck_assert(!rest.until_caught_up);
    }
}
END_TEST

/* Small batches are many transactions: told late, they would be somebody else's, and make it small
 * again. */
START_TEST(its_own_transactions_are_nobodys_though_they_are_told_late)
{
    pace_take(&pace, 1000, 5000);
    ck_assert(!pace.view.has_rate);
    pace.own = 60;
    pace_take(&pace, 2000, 5000); /* none of them was told yet */
    ck_assert(pace.view.has_rate);
    ck_assert_uint_eq(pace.view.others_per_s, 0);
    pace.own = 4;
    pace_take(&pace, 3000, 5064); /* and now all */
    ck_assert_uint_eq(pace.view.others_per_s, 0);
    pace_take(&pace, 4000, 5064 + 400);
    ck_assert_uint_ge(pace.view.others_per_s, 390);
    pace_take(&pace, 5000, 0);
    ck_assert_uint_eq(pace.view.others_per_s, 0);
}
END_TEST

START_TEST(while_nobody_knows_it_yields)
{
    ck_assert_uint_eq(pace.rows, PACE_ROWS_FIRST);
    ck_assert_uint_gt(pace_decide(&pace, PACE_BESIDE_OTHERS_MS).ms, 0);
    pace_begin(&pace, "public.t", 10);
    ck_assert_uint_eq(pace.rows, 10);
}
END_TEST

START_TEST(it_waits_for_a_standby_that_lags_and_says_for_which)
{
    char why[100];

    saw(QUIET, PACE_LAG_MAX_BYTES);
    ck_assert(!pace_decide(&pace, 10).until_caught_up);
    saw(QUIET, PACE_LAG_MAX_BYTES + (1 << 20));
    ck_assert(pace_decide(&pace, 10).until_caught_up);
    (void)text_copy(pace.view.names[PACE_STANDBY], MIGRATION_NAME_MAX + 1, "db-2");
    pace_say(&pace, why, sizeof(why));
    ck_assert_str_eq(why, "waits for db-2, which is 65 MiB behind");
}
END_TEST

START_TEST(it_waits_for_everybody_who_is_behind_and_says_why)
{
    static const struct {
        uint64_t limit;
        const char *name, *why;
    } rows[] = {
        [PACE_STANDBY] = {PACE_LAG_MAX_BYTES, "", "waits for a standby, which is 80 MiB behind"},
        [PACE_ARCHIVER] = {PACE_ARCHIVE_MAX_BYTES, "",
                           "waits for the archiver, which is 272 MiB behind"},
        [PACE_SLOT] = {PACE_SLOT_MAX_BYTES, "slot old",
                       "waits for slot old, which nobody reads, and which is 1040 MiB behind"},
        [PACE_VACUUM] = {0, "", "waits for vacuum, which is at work on the table"},
        [PACE_PLAYERS] = {0, "",
                          "waits for players, who are answered after 16777216 ms, later than "
                          "before"},
    };

    ck_assert_uint_eq(ARRAY_LEN(rows), PACE_SIGNAL_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char why[120];

        saw(QUIET, 0);
        pace.view.behind[i] = rows[i].limit;
        ck_assert(!pace_decide(&pace, 10).until_caught_up);
        pace.view.behind[i] += 16 << 20;
        (void)text_copy(pace.view.names[i], MIGRATION_NAME_MAX + 1, rows[i].name);
        ck_assert(pace_decide(&pace, 10).until_caught_up);
        pace_say(&pace, why, sizeof(why));
        ck_assert_str_eq(why, rows[i].why);
    }
}
END_TEST

START_TEST(it_says_to_whom_it_yields_and_nothing_if_to_nobody)
{
    char why[100];

    pace_say(&pace, why, sizeof(why));
    ck_assert_str_eq(why, "");
    saw(QUIET, 0);
    pace_say(&pace, why, sizeof(why));
    ck_assert_str_eq(why, "");
    saw(412, 0);
    pace_say(&pace, why, sizeof(why));
    ck_assert_str_eq(why, "yields to 412 transactions a second");
}
END_TEST

START_TEST(an_operator_says_how_many_rows_and_how_long_a_rest)
{
    uint64_t none = 0;
    uint64_t twice = 2;
    char why[100];

    saw(412, 0);
    pace_steer(&pace, 100, &none);
    ck_assert_uint_eq(pace.rows, 100);
    ck_assert_uint_eq(pace_decide(&pace, PACE_BESIDE_OTHERS_MS).ms, 0);
    saw(QUIET, 0);
    pace_steer(&pace, 100, &twice);
    ck_assert_uint_eq(pace_decide(&pace, 10).ms, 20);
    ck_assert_uint_eq(pace.rows, 100);
    pace_say(&pace, why, sizeof(why));
    ck_assert_str_eq(why, "rests 2 times as long as it works, as it was told");
    pace_steer(&pace, 5000, NULL);
    ck_assert_uint_eq(pace_decide(&pace, 10).ms, 0);
    ck_assert_uint_eq(pace.rows, 200);
}
END_TEST

START_TEST(a_batch_that_timed_out_is_halved_down_to_one_row)
{
    pace.rows = 3;
    ck_assert(pace_halve(&pace));
    ck_assert_uint_eq(pace.rows, 1);
    ck_assert(!pace_halve(&pace));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, rows_and_rest_follow_from_what_a_batch_took);
    tcase_add_test(tcase, its_own_transactions_are_nobodys_though_they_are_told_late);
    tcase_add_test(tcase, while_nobody_knows_it_yields);
    tcase_add_test(tcase, it_waits_for_a_standby_that_lags_and_says_for_which);
    tcase_add_test(tcase, it_waits_for_everybody_who_is_behind_and_says_why);
    tcase_add_test(tcase, it_says_to_whom_it_yields_and_nothing_if_to_nobody);
    tcase_add_test(tcase, an_operator_says_how_many_rows_and_how_long_a_rest);
    tcase_add_test(tcase, a_batch_that_timed_out_is_halved_down_to_one_row);
}

SUITE("pace", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
