/* Several statements in one round trip: what arrives, and what a failure in the middle leaves. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/pipeline.h"
#include "support/engine.h"

static struct pipeline_outcome outcomes[8];
static size_t failed;

static enum error_code run(const struct sql_call *calls, size_t count)
{
    memset(outcomes, 0, sizeof(outcomes));
    failed = 99;
    return pipeline_run(engine.session, calls, count, outcomes, &failed, &failure);
}

static void assert_usable(void)
{
    const struct sql_call one = {.text = "SELECT 42"};

    ck_assert(!session_is_lost(engine.session));
    ck_assert(!session_is_in_transaction(engine.session));
    ck_assert_uint_eq(ask("SELECT 42"), 42);
    assert_ok(run(&one, 1));
    ck_assert_str_eq(outcomes[0].value, "42");
}

START_TEST(every_call_says_how_many_rows_and_its_first_value)
{
    const struct sql_call calls[] = {
        {.text = "CREATE TABLE a (id int)"},
        {.text = "INSERT INTO a SELECT generate_series(1, 5)"},
        {.text = "SELECT id FROM a ORDER BY id DESC"},
        {.text = "SELECT NULL::int"},
        {.text = "SELECT 1 WHERE false"},
        {.text = "SELECT repeat('x', 200)"},
    };

    assert_ok(run(calls, ARRAY_LEN(calls)));
    ck_assert(!outcomes[0].has_value && outcomes[0].rows == 0);
    ck_assert(!outcomes[1].has_value && outcomes[1].rows == 5);
    ck_assert(outcomes[2].has_value && outcomes[2].rows == 5);
    ck_assert_str_eq(outcomes[2].value, "5");
    ck_assert(!outcomes[3].has_value && outcomes[3].rows == 1);
    ck_assert(!outcomes[4].has_value && outcomes[4].rows == 0);
    ck_assert_uint_eq(strlen(outcomes[5].value), PIPELINE_VALUE_SIZE - 1);
    ck_assert_uint_eq(failed, 99);
    assert_usable();
}
END_TEST

START_TEST(without_a_begin_all_calls_are_one_transaction)
{
    const struct sql_call calls[] = {{.text = "CREATE TABLE a (id int)"},
                                     {.text = "SELECT 1/0", .where = "a.sql:2"},
                                     {.text = "CREATE TABLE b (id int)"}};

    assert_fails(ERROR_SQL, run(calls, ARRAY_LEN(calls)));
    assert_says("a.sql:2: division by zero");
    ck_assert_uint_eq(failed, 1);
    ck_assert_str_eq(session_sqlstate(engine.session), "22012");
    ck_assert(is_true("SELECT to_regclass('a') IS NULL AND to_regclass('b') IS NULL"));
    assert_usable();
}
END_TEST

START_TEST(a_failure_in_the_middle_skips_the_commit_and_names_the_first_place)
{
    const struct sql_call calls[] = {{.text = "BEGIN"},
                                     {.text = "CREATE TABLE a (id int)", .where = "a.sql:1"},
                                     {.text = "ALTER TABLE nobody ADD x int", .where = "a.sql:2"},
                                     {.text = "SELECT 1/0", .where = "a.sql:3"},
                                     {.text = "COMMIT"}};

    assert_fails(ERROR_SQL, run(calls, ARRAY_LEN(calls)));
    assert_says("a.sql:2: relation \"nobody\" does not exist");
    ck_assert_uint_eq(failed, 2);
    ck_assert_str_eq(session_sqlstate(engine.session), "42P01");
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
    assert_usable();
}
END_TEST

START_TEST(what_fails_at_the_commit_is_undone_and_named)
{
    const struct sql_call calls[] = {{.text = "BEGIN"},
                                     {.text = "INSERT INTO child VALUES (7)"},
                                     {.text = "COMMIT", .where = "the commit"}};

    sql("CREATE TABLE parent (id int PRIMARY KEY);"
        "CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
    assert_fails(ERROR_SQL, run(calls, ARRAY_LEN(calls)));
    assert_says("the commit: ");
    ck_assert_uint_eq(failed, 2);
    ck_assert_uint_eq(ask("SELECT count(*) FROM child"), 0);
    assert_usable();
}
END_TEST

START_TEST(a_call_that_does_not_parse_leaves_nothing_open)
{
    const struct sql_call calls[] = {{.text = "BEGIN"}, {.text = "SELEC 1", .where = "a.sql:1"}};
    const struct sql_call two = {.text = "SELECT 1; SELECT 2"};

    assert_fails(ERROR_SQL, run(calls, 2));
    assert_says("a.sql:1: syntax error");
    ck_assert_uint_eq(failed, 1);
    assert_usable();
    assert_fails(ERROR_SQL, run(&two, 1));
    assert_usable();
}
END_TEST

START_TEST(a_prepared_call_is_planned_once_and_used_again)
{
    const struct sql_call call = {.text = "SELECT $1::int + 1",
                                  .params = (const char *const[]){"41"},
                                  .param_count = 1,
                                  .prepared = "plus_one"};

    for (int i = 0; i < 3; i++) {
        assert_ok(run(&call, 1));
        ck_assert_str_eq(outcomes[0].value, "42");
    }
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_prepared_statements WHERE name = 'plus_one'"),
                      1);
}
END_TEST

/* "After an error no transaction is left open": the error was found before anything was sent. */
START_TEST(a_call_that_cannot_be_prepared_ends_the_transaction_too)
{
    const struct sql_call call = {.text = "SELECT * FROM nobody", .prepared = "nobody"};

    sql("BEGIN; CREATE TABLE a (id int)");
    assert_fails(ERROR_SQL, run(&call, 1));
    assert_says("nobody");
    ck_assert_str_eq(session_sqlstate(engine.session), "42P01");
    assert_usable();
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
}
END_TEST

static unsigned asked, cancel_at;

static bool is_cancelled(void *context)
{
    (void)context;
    return ++asked >= cancel_at;
}

/* Loop test: before the first statement, and in the middle of one. */
START_TEST(a_cancel_undoes_everything_and_the_session_goes_on)
{
    const struct sql_call calls[] = {{.text = "BEGIN"},
                                     {.text = "CREATE TABLE a (id int)"},
                                     {.text = _i == 0 ? "SELECT 1" : "SELECT pg_sleep(60)"},
                                     {.text = "COMMIT"}};
    struct session_watch watch = {.is_cancelled = is_cancelled};
    struct session_watch before = session_set_watch(engine.session, watch);

    asked = 0;
    cancel_at = _i == 0 ? 1 : 4;
    assert_fails(ERROR_CANCELLED, run(calls, ARRAY_LEN(calls)));
    (void)session_set_watch(engine.session, before);
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
    assert_usable();
}
END_TEST

START_TEST(a_cancelled_request_ends_the_transaction_that_was_open_before)
{
    const struct sql_call calls[] = {{.text = "SELECT 1", .prepared = "never_prepared"}};
    struct session_watch watch = {.is_cancelled = is_cancelled};
    struct session_watch before;

    sql("BEGIN; CREATE TABLE a (id int)");
    before = session_set_watch(engine.session, watch);
    asked = 0;
    cancel_at = 1;
    assert_fails(ERROR_CANCELLED, run(calls, 1));
    (void)session_set_watch(engine.session, before);
    ck_assert(!session_is_in_transaction(engine.session));
    assert_usable();
}
END_TEST

START_TEST(a_connection_lost_in_the_middle_is_said_so)
{
    struct session *own = open_session("hakem:victim");
    struct session *engine_session = engine.session;
    char end[80];
    const struct sql_call calls[] = {{.text = "BEGIN"},
                                     {.text = "CREATE TABLE a (id int)"},
                                     {.text = end, .where = "the end"},
                                     {.text = "COMMIT"}};

    (void)text_format(end, sizeof(end), "SELECT pg_terminate_backend(%d)",
                      session_backend_pid(own));
    engine.session = own;
    assert_fails(ERROR_CONNECTION, run(calls, ARRAY_LEN(calls)));
    ck_assert(session_is_lost(own));
    assert_fails(ERROR_CONNECTION, run(calls, ARRAY_LEN(calls)));
    engine.session = engine_session;
    session_close(own);
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
}
END_TEST

START_TEST(more_than_the_sockets_hold_in_both_directions_does_not_lock_up)
{
    enum { COUNT = 200 };
    struct sql_call calls[COUNT];
    char *large = memory_array(NULL, char, 100001);
    const char *const params[] = {large};

    memset(large, 'x', 100000);
    for (size_t i = 0; i < COUNT; i++)
        calls[i] =
            (struct sql_call){.text = "SELECT $1::text || $1", .params = params, .param_count = 1};
    assert_ok(pipeline_run(engine.session, calls, COUNT, NULL, NULL, &failure));
    talloc_free(large);
    assert_usable();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_call_says_how_many_rows_and_its_first_value);
    tcase_add_test(tcase, without_a_begin_all_calls_are_one_transaction);
    tcase_add_test(tcase, a_failure_in_the_middle_skips_the_commit_and_names_the_first_place);
    tcase_add_test(tcase, what_fails_at_the_commit_is_undone_and_named);
    tcase_add_test(tcase, a_call_that_does_not_parse_leaves_nothing_open);
    tcase_add_test(tcase, a_prepared_call_is_planned_once_and_used_again);
    tcase_add_test(tcase, a_call_that_cannot_be_prepared_ends_the_transaction_too);
    tcase_add_loop_test(tcase, a_cancel_undoes_everything_and_the_session_goes_on, 0, 2);
    tcase_add_test(tcase, a_cancelled_request_ends_the_transaction_that_was_open_before);
    tcase_add_test(tcase, a_connection_lost_in_the_middle_is_said_so);
    tcase_add_test(tcase, more_than_the_sockets_hold_in_both_directions_does_not_lock_up);
}

ENGINE_SUITE("postgres: pipeline", add_all)
