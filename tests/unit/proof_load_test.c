/* What a log of pgbench's says of latency, and which figures are too much. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/workload.h"
#include "support/suite.h"

#define EVERYTHING ((struct latency_window){.until_us = UINT64_MAX})

static double limits[WORKLOAD_THRESHOLD_COUNT];

static void set_up(void)
{
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++)
        limits[i] = workload_thresholds[i].otherwise;
}

START_TEST(a_line_of_the_log_is_a_transaction_s_time)
{
    struct latency_window window = EVERYTHING;
    struct latency latency;

    ck_assert(latency_take(&window, "0 199 2241 0 1175850568 995598\n"));
    ck_assert(latency_take(&window, "1 200 759 0 1175850569 100 12\n")); /* with --rate: a lag */
    ck_assert(!latency_take(&window, "pgbench: error\n"));
    ck_assert(!latency_take(&window, ""));
    latency = latency_of(&window);
    ck_assert_uint_eq(latency.count, 2);
    ck_assert_double_eq_tol(latency.mean_ms, 1.5, 1e-9);
    ck_assert_double_eq_tol(latency.max_ms, 2.241, 1e-9);
    talloc_free(window.samples_us);
}
END_TEST

START_TEST(a_transaction_counts_in_the_window_in_which_it_ended)
{
    struct latency_window before = {.from_us = 10000000, .until_us = 20000000};
    struct latency_window during = {.from_us = 20000000, .until_us = UINT64_MAX};
    static const char *const lines[] = {"0 1 5 0 9 999999", "0 2 5 0 10 0", "0 3 5 0 19 999999",
                                        "0 4 15000000 0 20 0", "0 5 5 0 99 0"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        ck_assert(latency_take(&before, lines[i]) && latency_take(&during, lines[i]));
    ck_assert_uint_eq(latency_of(&before).count, 2);
    ck_assert_uint_eq(latency_of(&during).count, 2);
    ck_assert_double_eq_tol(latency_of(&during).max_ms, 15000, 1e-9);
    talloc_free(before.samples_us);
    talloc_free(during.samples_us);
}
END_TEST

START_TEST(failures_are_counted_and_no_latency)
{
    struct latency_window window = EVERYTHING;

    ck_assert(latency_take(&window, "0 1 failed 0 9 0"));
    ck_assert(latency_take(&window, "0 1 deadlock 0 9 0"));
    ck_assert_uint_eq(latency_of(&window).failed, 2);
    ck_assert_uint_eq(latency_of(&window).count, 0);
    ck_assert_double_eq(latency_of(&window).p99_ms, 0);
}
END_TEST

START_TEST(percentiles_are_by_nearest_rank)
{
    struct latency_window window = EVERYTHING;
    struct latency latency;
    char line[64];

    for (int i = 5000; i >= 1; i--) { /* more than there is room for at first */
        (void)text_format(line, sizeof(line), "0 1 %d 0 9 0", i * 1000);
        ck_assert(latency_take(&window, line));
    }
    latency = latency_of(&window);
    ck_assert_double_eq_tol(latency.mean_ms, 2500.5, 1e-6);
    ck_assert_double_eq_tol(latency.p95_ms, 4750, 1e-9);
    ck_assert_double_eq_tol(latency.p99_ms, 4950, 1e-9);
    ck_assert_double_eq_tol(latency.max_ms, 5000, 1e-9);
    talloc_free(window.samples_us);
}
END_TEST

/* ---- thresholds ---- */

static struct workload_figures figures(void)
{
    return (struct workload_figures){
        .before = {.count = 10, .mean_ms = 1, .p95_ms = 2, .p99_ms = 4},
        .during = {.count = 10, .mean_ms = 3, .p95_ms = 8, .p99_ms = 20},
        .waits = 1,
        .longest_wait_ms = 70,
    };
}

START_TEST(unless_somebody_says_so_only_errors_and_deadlocks_are_too_much)
{
    struct workload_figures seen = figures();

    assert_ok(workload_judge(&seen, limits, &failure));
    seen.deadlocks = 1;
    assert_fails(ERROR_VERIFY, workload_judge(&seen, limits, &failure));
    assert_says("the number of deadlocks is 1.00; --max-deadlocks allows 0.00");
    seen.deadlocks = 0;
    seen.errors = 2;
    (void)text_copy(seen.error, sizeof(seen.error), "ERROR: no column");
    assert_fails(ERROR_VERIFY, workload_judge(&seen, limits, &failure));
    assert_says("--max-errors allows 0.00: ERROR: no column");
    seen.errors = 0;
    seen.during.failed = 1;
    assert_fails(ERROR_VERIFY, workload_judge(&seen, limits, &failure));
}
END_TEST

/* Loop test: every threshold is kept at its figure, and not a little below. */
static const double seen_figures[WORKLOAD_THRESHOLD_COUNT] = {3, 4, 5, 70, 6, 7};

START_TEST(each_threshold_is_kept_at_its_figure_and_not_below)
{
    struct workload_figures seen = figures();

    seen.deadlocks = 6;
    seen.errors = 7;
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++)
        limits[i] = WORKLOAD_THRESHOLD_NONE;
    limits[_i] = seen_figures[_i];
    assert_ok(workload_judge(&seen, limits, &failure));
    limits[_i] -= 0.5;
    assert_fails(ERROR_VERIFY, workload_judge(&seen, limits, &failure));
    assert_says(workload_thresholds[_i].flag);
    assert_says(workload_thresholds[_i].name);
}
END_TEST

START_TEST(without_a_transaction_in_both_windows_no_ratio_is_judged)
{
    struct workload_figures seen = figures();

    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++)
        limits[i] = 1;
    seen.longest_wait_ms = 0;
    seen.before.count = 0;
    assert_ok(workload_judge(&seen, limits, &failure));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_line_of_the_log_is_a_transaction_s_time);
    tcase_add_test(tcase, a_transaction_counts_in_the_window_in_which_it_ended);
    tcase_add_test(tcase, failures_are_counted_and_no_latency);
    tcase_add_test(tcase, percentiles_are_by_nearest_rank);
    tcase_add_test(tcase, unless_somebody_says_so_only_errors_and_deadlocks_are_too_much);
    tcase_add_loop_test(tcase, each_threshold_is_kept_at_its_figure_and_not_below, 0,
                        WORKLOAD_THRESHOLD_COUNT);
    tcase_add_test(tcase, without_a_transaction_in_both_windows_no_ratio_is_judged);
}

SUITE("proof: load", {.add = add_all, .set_up = set_up})
