/* Many small expands in one round trip: as if each had been alone, whichever of them fails. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

static size_t first_of_all[] = {0, 1, 2, 3};

static void given_table(const char *folder, const char *statement)
{
    given(memory_format(engine.session, "%s/expand.sql", folder), statement);
    given(memory_format(engine.session, "%s/revert.sql", folder), "SELECT 1;");
}

static void given_four(const char *third)
{
    given_table("0001_a", "CREATE TABLE a (id int); CREATE TABLE a2 (id int);");
    given_table("0002_b", "CREATE TABLE b (id int);");
    given_table("0003_c", third);
    given_table("0004_d", "CREATE TABLE d (id int);");
    load();
}

static void hold(void)
{
    assert_ok(
        migration_hold_open(engine.session, engine.set, &engine.with, &engine.with.hold, &failure));
}

static void let_go(void)
{
    assert_ok(migration_hold_close(engine.with.hold, &failure));
    engine.with.hold = NULL;
}

static size_t expand_from(size_t first)
{
    return migration_expand_plain(engine.session, engine.set, &engine.with, first_of_all + first,
                                  ARRAY_LEN(first_of_all) - first);
}

START_TEST(each_has_its_transaction_its_log_and_its_marks)
{
    given_four("CREATE TABLE c (id int);");
    hold();
    ck_assert_uint_eq(expand_from(0), 4);
    ck_assert_uint_eq(expand_from(0), 0); /* they are there */
    let_go();
    ck_assert(is_expanded("0001_a") && is_expanded("0002_b") && is_expanded("0003_c") &&
              is_expanded("0004_d"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'done'"), 5);
    ck_assert_uint_eq(ask("SELECT count(DISTINCT xmin::text) FROM hakem.schema_version"), 4);
    assert_ok(expand("0004_d"));
    ck_assert(engine.result.already_done);
}
END_TEST

/* A few are written together at the end, many one by one. */
START_TEST(each_statement_of_few_or_many_has_its_own_time)
{
    struct text *many = text_new(engine.session, 2000);

    for (int i = 0; i < 20; i++)
        text_append_format(many, "%s", i == 1 ? "SELECT pg_sleep(0.1);" : "SELECT 1;");
    given_table("0001_few", "SELECT 1; SELECT pg_sleep(0.1); SELECT 1;");
    given_table("0002_many", many->data);
    load();
    assert_ok(expand("0001_few"));
    assert_ok(expand("0002_many"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'done'"), 23);
    ck_assert(is_true("SELECT bool_and((statement = 2) = (duration_us >= 100000)"
                      " AND duration_us >= 0) FROM hakem.migration_log WHERE outcome = 'done'"));
    ck_assert(is_true("SELECT bool_and(earlier IS NULL OR earlier < at) FROM (SELECT at, lag(at)"
                      " OVER (ORDER BY revision, statement) AS earlier FROM hakem.migration_log"
                      " WHERE outcome = 'done') AS l"));
    ck_assert(is_true("SELECT count(*) = 23 AND count(DISTINCT (revision, statement, hash)) = 23"
                      " FROM hakem.migration_log WHERE outcome = 'done' AND hash <> ''"
                      " AND operator_name = 'test'"));
}
END_TEST

START_TEST(what_fails_takes_back_itself_alone_and_is_said_when_it_is_tried_alone)
{
    given_four("CREATE TABLE c (id int); CREATE TABLE b (id int);");
    hold();
    ck_assert_uint_eq(expand_from(0), 0);
    assert_ok(expand("0001_a"));
    ck_assert(engine.result.already_done);
    assert_ok(expand("0002_b"));
    ck_assert(engine.result.already_done);
    assert_fails(ERROR_SQL, expand("0003_c"));
    assert_says("0003_c/expand.sql:1");
    let_go();
    ck_assert(is_true("SELECT to_regclass('c') IS NULL AND to_regclass('d') IS NULL"));
    ck_assert(!is_expanded("0003_c") && !is_expanded("0004_d"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log"
                          " WHERE revision = '0003_c' AND outcome = 'failed'"),
                      1);
}
END_TEST

START_TEST(a_batch_ends_before_what_is_more_than_one_transaction)
{
    given_four("CREATE TABLE c (id int); CREATE INDEX CONCURRENTLY c_id ON c (id);");
    hold();
    ck_assert_uint_eq(expand_from(0), 2);
    ck_assert_uint_eq(expand_from(2), 0);
    assert_ok(expand("0003_c"));
    ck_assert_uint_eq(expand_from(3), 0); /* one is no batch */
    assert_ok(expand("0004_d"));
    let_go();
    ck_assert(is_expanded("0004_d"));
}
END_TEST

/* A second session costs more than several small migrations, and would learn nothing. */
START_TEST(a_batch_that_takes_its_time_is_not_observed)
{
    given_four("SELECT pg_sleep(0.3);"
               " CREATE TABLE seen AS SELECT application_name FROM pg_stat_activity"
               " WHERE datname = current_database();");
    hold();
    ck_assert_uint_eq(expand_from(0), 4);
    let_go();
    ck_assert(is_true("SELECT count(*) > 0 FROM seen"));
    ck_assert(is_true("SELECT count(*) = 0 FROM seen WHERE application_name = 'hakem:observer'"));
}
END_TEST

START_TEST(nothing_is_expanded_without_its_parents)
{
    given_four("CREATE TABLE c (id int);");
    hold();
    ck_assert_uint_eq(expand_from(1), 0);
    assert_fails(ERROR_REFUSED, expand("0002_b"));
    assert_says("0001_a");
    let_go();
}
END_TEST

START_TEST(an_older_term_is_turned_away_in_a_batch_as_well)
{
    given_four("CREATE TABLE c (id int);");
    hold();
    sql("UPDATE hakem.term SET rollout = '7', term = 3");
    ck_assert_uint_eq(expand_from(0), 0);
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
    let_go();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, each_has_its_transaction_its_log_and_its_marks);
    tcase_add_test(tcase, each_statement_of_few_or_many_has_its_own_time);
    tcase_add_test(tcase, what_fails_takes_back_itself_alone_and_is_said_when_it_is_tried_alone);
    tcase_add_test(tcase, a_batch_ends_before_what_is_more_than_one_transaction);
    tcase_add_test(tcase, a_batch_that_takes_its_time_is_not_observed);
    tcase_add_test(tcase, nothing_is_expanded_without_its_parents);
    tcase_add_test(tcase, an_older_term_is_turned_away_in_a_batch_as_well);
}

ENGINE_SUITE("engine: batch", add_all)
