/* Histories tested under a real pgbench: what it notices of locks, and of what it can no longer
 * ask. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/proof.h"
#include "support/engine.h"
#include "support/scratch.h"

#define BEFORE_MS 400

static struct proof_report *report;
static double limits[WORKLOAD_THRESHOLD_COUNT];

static void set_up(void)
{
    engine_set_up();
    scratch_set_up();
    ck_assert_int_eq(setenv("TMPDIR", scratch.folder, 1), 0);
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++)
        limits[i] = workload_thresholds[i].otherwise;
}

static void tear_down(void)
{
    scratch_tear_down();
    engine_tear_down();
}

static void limit(const char *flag, double value)
{
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++)
        if (strcmp(workload_thresholds[i].flag, flag) == 0)
            limits[i] = value;
}

/* Players, and a second revision that does that. */
static void given_next(const char *expand, const char *revert)
{
    given("0001_players/expand.sql", "CREATE TABLE players (id int PRIMARY KEY, name text);"
                                     "INSERT INTO players SELECT n, 'a'"
                                     " FROM generate_series(1, 100) n;");
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0002_next/expand.sql", expand);
    given("0002_next/revert.sql", revert);
    load();
}

static enum error_code prove(const char *script)
{
    struct proof_options options = {.set = engine.set,
                                    .target = engine.set->head,
                                    .url = engine.url,
                                    .load = {.script = write_file("load.sql", script),
                                             .clients = 2,
                                             .rate = 200,
                                             .before_ms = BEFORE_MS}};

    memcpy(options.limits, limits, sizeof(limits));
    return proof_run(engine.set, &options, &report, &failure);
}

static const char reads[] = "\\set id random(1, 100)\nSELECT name FROM players WHERE id = :id;\n";
/* The table is shut for half a second. */
static const char shut[] = "ALTER TABLE players ADD COLUMN motto text; SELECT pg_sleep(0.5);";

/* Nothing is left of a run: its folder is gone with its process. */
static void assert_nothing_left(void)
{
    char **names = NULL;
    size_t count = 0;

    assert_ok(file_list(scratch.memory, scratch.folder, &names, &count, &failure));
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(!text_starts_with(names[i], "hakem-load-"), "%s", names[i]);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_stat_activity"
                          " WHERE application_name = 'hakem:load'"),
                      0);
}

START_TEST(what_does_not_hurt_is_told_with_its_latency_before_and_during)
{
    const struct workload_figures *figures;

    given_next("ALTER TABLE players ADD COLUMN motto text; -- hakem:commit\nSELECT 1;",
               "ALTER TABLE players DROP COLUMN motto;");
    assert_ok(prove(reads));
    ck_assert_ptr_null(report->failed);
    ck_assert_ptr_null(report->revisions[0].load); /* there was no table yet */
    figures = report->revisions[1].load;
    ck_assert_ptr_nonnull(figures);
    ck_assert_uint_gt(figures->before.count, 10);
    ck_assert_double_gt(figures->before.mean_ms, 0);
    ck_assert_double_le(figures->before.mean_ms, figures->before.max_ms);
    ck_assert_double_le(figures->before.p95_ms, figures->before.p99_ms);
    ck_assert_uint_eq(figures->errors + figures->deadlocks, 0);
    ck_assert(report->revisions[1].results[PROOF_LOAD].outcome == PROOF_PASSED);
    assert_nothing_left();
}
END_TEST

START_TEST(who_waits_for_a_lock_is_met_and_shows_in_the_latency)
{
    const struct workload_figures *figures;

    given_next(shut, "ALTER TABLE players DROP COLUMN motto;");
    assert_ok(prove(reads));
    figures = report->revisions[1].load;
    ck_assert_ptr_nonnull(figures);
    ck_assert_uint_ge(figures->waits, 1);
    ck_assert_uint_ge(figures->longest_wait_ms, 200);
    ck_assert_double_ge(figures->during.max_ms, 300);
    ck_assert_double_lt(figures->before.max_ms, figures->during.max_ms);
}
END_TEST

START_TEST(a_threshold_that_is_passed_fails_the_revision)
{
    given_next(shut, "ALTER TABLE players DROP COLUMN motto;");
    limit("--max-wait", 100);
    assert_ok(prove(reads));
    ck_assert_ptr_eq(report->failed, &report->revisions[1]);
    ck_assert(report->failed_check == PROOF_LOAD);
    ck_assert_ptr_nonnull(strstr(report->failed->results[PROOF_LOAD].sentence, "--max-wait"));
    assert_nothing_left();
}
END_TEST

START_TEST(a_load_that_the_new_schema_no_longer_suits_fails_it_in_the_server_s_words)
{
    given_next("ALTER TABLE players RENAME COLUMN name TO title; -- hakem:commit\n"
               "SELECT pg_sleep(0.3);",
               "ALTER TABLE players RENAME COLUMN title TO name;");
    assert_ok(prove(reads));
    ck_assert_ptr_nonnull(report->failed);
    ck_assert_msg(report->failed_check == PROOF_LOAD, "%s",
                  report->failed->results[report->failed_check].sentence);
    ck_assert_ptr_nonnull(
        strstr(report->failed->results[PROOF_LOAD].sentence, "column \"name\" does not exist"));
    ck_assert_uint_eq(report->failed->load->errors, 2);
    assert_nothing_left();
}
END_TEST

/* Loop test: a script, and what is said of it. */
static const struct {
    const char *script, *says;
} useless[] = {
    {"SELECT nothing FROM players;\n", "load.sql gave up before anything happened: ERROR:  column"},
    {"\\nonsense\n", "invalid command"},
};

START_TEST(a_load_that_never_works_is_no_fault_of_the_revision_s)
{
    given_next("SELECT 1;", "SELECT 1;");
    assert_fails(ERROR_INVALID, prove(useless[_i].script));
    assert_says("before 0002_next: the load");
    assert_says(useless[_i].says);
    assert_nothing_left();
}
END_TEST

/* Each client holds the row that the other one wants. */
START_TEST(deadlocks_are_counted_by_the_database_and_fail_the_revision)
{
    static const char script[] = "\\set mine :client_id % 2 + 1\n\\set other 3 - :mine\nBEGIN;\n"
                                 "UPDATE players SET name = 'b' WHERE id = :mine;\n\\sleep 5 ms\n"
                                 "UPDATE players SET name = 'c' WHERE id = :other;\nCOMMIT;\n";
    const struct workload_figures *figures;

    sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 20',"
        " current_database()); END $$");
    given_next("SELECT pg_sleep(0.7);", "SELECT 1;");
    assert_ok(prove(script));
    ck_assert_ptr_nonnull(report->failed);
    ck_assert(report->failed_check == PROOF_LOAD);
    figures = report->failed->load;
    ck_assert_uint_ge(figures->deadlocks, 1);
    ck_assert_uint_ge(figures->during.failed, 1);
    ck_assert_uint_eq(figures->errors, 0); /* nobody gave up */
    ck_assert_ptr_nonnull(
        strstr(report->failed->results[PROOF_LOAD].sentence, "the number of deadlocks is"));
}
END_TEST

START_TEST(a_revision_that_fails_ends_its_load)
{
    given_next("SELECT no_such_thing;", "SELECT 1;");
    assert_ok(prove(reads));
    ck_assert(report->failed != NULL && report->failed_check == PROOF_UP);
    wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'hakem:load'");
    assert_nothing_left();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_does_not_hurt_is_told_with_its_latency_before_and_during);
    tcase_add_test(tcase, who_waits_for_a_lock_is_met_and_shows_in_the_latency);
    tcase_add_test(tcase, a_threshold_that_is_passed_fails_the_revision);
    tcase_add_test(tcase,
                   a_load_that_the_new_schema_no_longer_suits_fails_it_in_the_server_s_words);
    tcase_add_loop_test(tcase, a_load_that_never_works_is_no_fault_of_the_revision_s, 0,
                        (int)ARRAY_LEN(useless));
    tcase_add_test(tcase, deadlocks_are_counted_by_the_database_and_fail_the_revision);
    tcase_add_test(tcase, a_revision_that_fails_ends_its_load);
}

SUITE("proof: workload", {.add = add_all,
                          .set_up = set_up,
                          .tear_down = tear_down,
                          .set_up_once = engine_start,
                          .tear_down_once = engine_stop,
                          .timeout_s = 60})
