/* Probes by query, on a real server: what passes, what fails, and what measures nothing. */
#include "agent/probe/probe.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "support/engine.h"

static struct probe_result probed_at(const char *url, const char *query)
{
    const struct agent_config config = {.kind = KIND_DATABASE, .database.url = url};
    const struct probe_config probe = {
        .name = "p", .kind = "sql", .target = query, .timeout_ms = 500};
    uint64_t began = clock_monotonic_ms();
    struct probe_result result;

    probe_run(&config, &probe, &result);
    ck_assert_str_eq(result.name, "p");
    ck_assert_uint_lt(clock_monotonic_ms() - began, 5000);
    return result;
}

/* Loop test: a query, and its verdict. */
START_TEST(a_query_passes_with_one_true_and_measures_nothing_without_one_value)
{
    static const struct {
        const char *query;
        bool could_measure, passes;
        const char *says;
    } rows[] = {
        {"SELECT true", true, true, "true"},
        {"SELECT count(*) = 0 FROM pg_class WHERE false", true, true, "true"},
        {"SELECT false", true, false, "false"},
        {"SELECT NULL::boolean", false, false, "no value"},
        {"SELECT true WHERE false", false, false, "no value"},
        {"SELECT true FROM generate_series(1, 2)", false, false, "no value"},
        {"SELECT true, true", false, false, "no value"},
        {"SELECT 1", false, false, "neither true nor false"},
        {"SELECT 'true'::text", false, false, "neither true nor false"},
        {"SELECT 1/0 = 1", false, false, "division by zero"},
        {"SELECT true FROM nobody", false, false, "nobody"},
        {"nonsense", false, false, "syntax error"},
        {"COPY pg_class TO STDOUT", false, false, "COPY"},
        {"", false, false, "no value"},
    };
    struct probe_result result = probed_at(engine.url, rows[_i].query);

    ck_assert_msg(result.could_measure == rows[_i].could_measure &&
                      result.passes == rows[_i].passes,
                  "%s: %s", rows[_i].query, result.text);
    ck_assert_msg(strstr(result.text, rows[_i].says) != NULL, "%s: %s", rows[_i].query,
                  result.text);
}
END_TEST

START_TEST(a_query_that_takes_too_long_is_measured_and_not_healthy)
{
    struct probe_result result = probed_at(engine.url, "SELECT pg_sleep(60) IS NULL");

    ck_assert(result.could_measure && !result.passes);
    ck_assert_uint_ge(result.latency_ms, 400);
}
END_TEST

START_TEST(a_query_that_waits_for_a_lock_is_ended_in_time_and_leaves_nothing_behind)
{
    sql("CREATE TABLE held (id int)");
    sql("BEGIN; LOCK TABLE held");
    ck_assert(!probed_at(engine.url, "SELECT count(*) = 0 FROM held").passes);
    sql("ROLLBACK");
    ck_assert(probed_at(engine.url, "SELECT count(*) = 0 FROM held").passes);
    wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity"
             " WHERE application_name = 'hakem:probe')");
}
END_TEST

START_TEST(a_server_that_cannot_be_reached_is_measured_and_not_healthy)
{
    struct probe_result result =
        probed_at("postgresql://me:secret@127.0.0.1:1/postgres", "SELECT true");

    ck_assert(result.could_measure && !result.passes);
    ck_assert_ptr_null(strstr(result.text, "secret"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_query_passes_with_one_true_and_measures_nothing_without_one_value,
                        0, 14);
    tcase_add_test(tcase, a_query_that_takes_too_long_is_measured_and_not_healthy);
    tcase_add_test(tcase, a_query_that_waits_for_a_lock_is_ended_in_time_and_leaves_nothing_behind);
    tcase_add_test(tcase, a_server_that_cannot_be_reached_is_measured_and_not_healthy);
}

ENGINE_SUITE("agent: probe by query", add_all)
