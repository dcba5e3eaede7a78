/* Sessions on a real server: values, errors in our words, time-outs, cancels, lost connections. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

static struct rows *query(struct sql_call call)
{
    struct rows *rows = NULL;

    assert_ok(session_query(engine.session, call, &rows, &failure));
    return rows;
}

static void assert_usable(void)
{
    ck_assert(!session_is_lost(engine.session));
    ck_assert(!session_is_in_transaction(engine.session));
    ck_assert_uint_eq(ask("SELECT 42"), 42);
    ck_assert_str_eq(session_sqlstate(engine.session), "");
}

/* ---- rows ---- */

START_TEST(values_arrive_and_null_is_empty_zero_and_false)
{
    struct rows *rows = query(SQL("SELECT 7, 'a', true, NULL::int, NULL::bool, false"
                                  " UNION ALL SELECT 8, '', false, 1, true, NULL ORDER BY 1"));

    ck_assert_uint_eq(rows_count(rows), 2);
    ck_assert_uint_eq(rows_columns(rows), 6);
    ck_assert_uint_eq(rows_number(rows, 0, 0), 7);
    ck_assert_str_eq(rows_text(rows, 0, 1), "a");
    ck_assert(rows_bool(rows, 0, 2) && !rows_bool(rows, 0, 4) && !rows_bool(rows, 0, 5));
    ck_assert(rows_is_null(rows, 0, 3) && rows_is_null(rows, 0, 4) && !rows_is_null(rows, 0, 5));
    ck_assert_uint_eq(rows_number(rows, 0, 3), 0);
    ck_assert_str_eq(rows_text(rows, 0, 3), "");
    ck_assert(!rows_is_null(rows, 1, 1)); /* '' is a value */
    ck_assert_str_eq(rows_text(rows, 1, 1), "");
    ck_assert(rows_is_null(rows, 1, 5));
    rows_free(rows);
}
END_TEST

START_TEST(no_rows_are_no_error)
{
    struct rows *rows = query(SQL("SELECT 1 WHERE false"));

    ck_assert_uint_eq(rows_count(rows), 0);
    ck_assert_uint_eq(rows_columns(rows), 1);
    rows_free(rows);
    rows_free(NULL);
}
END_TEST

START_TEST(parameters_are_values_whatever_is_in_them_and_may_be_null)
{
    struct rows *rows = query(SQL_WITH("SELECT $1::text, $2::text IS NULL, $3::int + 1",
                                       "'; DROP TABLE x; --", NULL, "41"));

    ck_assert_str_eq(rows_text(rows, 0, 0), "'; DROP TABLE x; --");
    ck_assert(rows_bool(rows, 0, 1));
    ck_assert_uint_eq(rows_number(rows, 0, 2), 42);
    rows_free(rows);
}
END_TEST

/* ---- one value ---- */

START_TEST(a_number_is_whole_and_fits_or_is_an_error)
{
    static const char *const wrong[] = {"SELECT -1", "SELECT 1.5", "SELECT 'x'",
                                        "SELECT 18446744073709551616", "SELECT ''"};
    uint64_t number = 99;

    ck_assert_uint_eq(ask("SELECT 18446744073709551615"), UINT64_MAX);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_fails(ERROR_SQL,
                     session_ask_number(engine.session, SQL(wrong[i]), &number, &failure));
        assert_says(wrong[i]);
    }
    ck_assert_uint_eq(number, 99);
    assert_usable();
}
END_TEST

START_TEST(a_boolean_is_true_or_false_or_an_error)
{
    static const char *const wrong[] = {"SELECT 1", "SELECT 'yes'", "SELECT ''"};
    bool is = true;

    ck_assert(is_true("SELECT true") && !is_true("SELECT false"));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_fails(ERROR_SQL, session_ask_bool(engine.session, SQL(wrong[i]), &is, &failure));
        assert_says("neither true nor false");
    }
    ck_assert(is);
}
END_TEST

START_TEST(exactly_one_value_is_asked_for)
{
    static const char *const wrong[] = {"SELECT 1 WHERE false", "SELECT NULL::int",
                                        "SELECT generate_series(1, 2)", "SELECT 1, 2"};
    char *text = NULL;
    uint64_t number = 99;
    bool is = true;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct sql_call call = {.text = wrong[i], .where = "x.sql:3"};

        assert_fails(ERROR_NOT_FOUND, session_ask_number(engine.session, call, &number, &failure));
        assert_says("x.sql:3: ");
        assert_fails(ERROR_NOT_FOUND, session_ask_bool(engine.session, call, &is, &failure));
        assert_fails(ERROR_NOT_FOUND,
                     session_ask_text(engine.session, call, NULL, &text, &failure));
    }
    ck_assert(number == 99 && is && text == NULL);
    assert_ok(session_ask_text(engine.session, SQL("SELECT 'long ' || repeat('x', 5000)"), NULL,
                               &text, &failure));
    ck_assert_uint_eq(strlen(text), 5005);
    talloc_free(text);
}
END_TEST

/* ---- errors ---- */

START_TEST(an_error_has_its_place_its_reason_and_its_state_until_the_next_statement)
{
    struct sql_call call = {.text = "SELECT * FROM nobody", .where = "0001_a/expand.sql:4"};

    assert_fails(ERROR_SQL, session_query(engine.session, call, NULL, &failure));
    assert_says("0001_a/expand.sql:4: relation \"nobody\" does not exist (SQLSTATE 42P01)");
    ck_assert_str_eq(session_sqlstate(engine.session), "42P01");
    assert_usable();
}
END_TEST

START_TEST(several_statements_are_one_transaction)
{
    assert_fails(ERROR_SQL,
                 session_run(engine.session, "CREATE TABLE a (id int); SELECT 1/0", &failure));
    assert_says("division by zero");
    assert_usable();
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
    sql("CREATE TABLE a (id int); INSERT INTO a VALUES (1)");
    ck_assert_uint_eq(ask("SELECT count(*) FROM a"), 1);
}
END_TEST

/* What the server says, in the words of enum error_code. */
START_TEST(a_state_has_its_meaning)
{
    static const struct {
        const char *state, *message;
        enum error_code code;
    } rows[] = {
        {"HK001", "", ERROR_SUPERSEDED},
        {"55P03", "canceling statement due to lock timeout", ERROR_LOCK},
        {"57014", "canceling statement due to user request", ERROR_CANCELLED},
        {"57014", "canceling statement due to statement timeout", ERROR_TIMEOUT},
        {"57014", "canceling statement due to conflict with recovery", ERROR_CONFLICT},
        {"40001", "could not serialize access", ERROR_CONFLICT},
        {"40P01", "deadlock detected", ERROR_CONFLICT},
        {"57P01", "terminating connection due to conflict with recovery", ERROR_CONFLICT},
        {"57P01", "terminating connection due to administrator command", ERROR_CONNECTION},
        {"57P03", "the database system is starting up", ERROR_CONNECTION},
        {"53300", "too many connections", ERROR_CONNECTION},
        {"08006", "", ERROR_CONNECTION},
        {"25006", "cannot execute in a read-only transaction", ERROR_REFUSED},
        {"42601", "syntax error", ERROR_SQL},
        {"", "", ERROR_SQL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(session_code_of_sqlstate(rows[i].state, rows[i].message) == rows[i].code,
                      "%s %s", rows[i].state, rows[i].message);
}
END_TEST

START_TEST(a_copy_has_no_place_and_does_not_hang)
{
    sql("CREATE TABLE a (id int); INSERT INTO a SELECT generate_series(1, 100000)");
    assert_fails(ERROR_SQL, session_run(engine.session, "COPY a FROM STDIN", &failure));
    assert_says("COPY");
    ck_assert(!session_is_lost(engine.session));
    assert_usable();
    assert_fails(ERROR_SQL, session_run(engine.session, "COPY a TO STDOUT", &failure));
    assert_says("COPY");
    assert_usable();
    sql("CREATE TABLE b (id int)"); /* over before a cancel can come */
    assert_fails(ERROR_SQL,
                 session_run(engine.session, "COPY b TO STDOUT; COPY b TO STDOUT", &failure));
    assert_usable();
    ck_assert_uint_eq(ask("SELECT count(*) FROM a"), 100000);
}
END_TEST

/* ---- time-outs, and cancels ---- */

static struct session *open_with(struct session_options options)
{
    struct session *session = NULL;

    options.url = engine.url;
    assert_ok(session_open(NULL, &options, &session, &failure));
    return session;
}

START_TEST(a_session_s_settings_are_as_asked)
{
    struct session *own = open_with((struct session_options){.application_name = "hakem:x",
                                                             .search_path = "pg_catalog",
                                                             .statement_timeout_ms = 4000,
                                                             .lock_timeout_ms = 500});
    bool are = false;

    assert_ok(
        session_ask_bool(own,
                         SQL("SELECT current_setting('application_name') = 'hakem:x'"
                             " AND current_setting('search_path') = 'pg_catalog'"
                             " AND current_setting('statement_timeout') = '4s'"
                             " AND current_setting('lock_timeout') = '500ms'"
                             " AND current_setting('client_connection_check_interval') = '500ms'"
                             " AND current_setting('TimeZone') = 'UTC'"),
                         &are, &failure));
    ck_assert(are);
    session_close(own);
}
END_TEST

/* "$user" of a role called hakem, and who asks for it by name. */
START_TEST(nothing_lands_in_our_own_schema_for_want_of_a_name)
{
    static const char *const paths[] = {"\"$user\", public", "public,hakem",
                                        "hakem, \"$user\",public"};
    struct session *own;
    char *path = NULL;

    sql("CREATE ROLE hakem SUPERUSER LOGIN");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct session_options options = {.connect_timeout_ms = 0};

        sql(memory_format(engine.session, "ALTER ROLE hakem SET search_path = %s", paths[i]));
        options.url =
            memory_format(engine.session, "postgresql://hakem%s", strchr(engine.url, '@'));
        assert_ok(session_open(NULL, &options, &own, &failure));
        assert_ok(session_ask_text(own, SQL("SHOW search_path"), own, &path, &failure));
        ck_assert_str_eq(path, "public");
        session_close(own);
    }
    sql("DROP ROLE hakem");
    own = open_with((struct session_options){.connect_timeout_ms = 0});
    assert_ok(session_ask_text(own, SQL("SHOW search_path"), own, &path, &failure));
    ck_assert_str_eq(path, "\"$user\", public");
    session_close(own);
}
END_TEST

START_TEST(a_slow_statement_and_a_lock_that_is_held_end_in_time_by_their_own_names)
{
    struct session *own =
        open_with((struct session_options){.statement_timeout_ms = 300, .lock_timeout_ms = 100});

    sql("CREATE TABLE a (id int)");
    sql("BEGIN; LOCK TABLE a");
    assert_fails(ERROR_TIMEOUT, session_run(own, "SELECT pg_sleep(60)", &failure));
    assert_fails(ERROR_LOCK, session_run(own, "SELECT count(*) FROM a", &failure));
    ck_assert_str_eq(session_sqlstate(own), "55P03");
    sql("ROLLBACK");
    assert_ok(session_run(own, "SELECT count(*) FROM a", &failure));
    session_close(own);
}
END_TEST

struct watcher {
    unsigned asked, ticks, cancel_at;
    uint64_t waited_ms;
};

static bool is_cancelled(void *context)
{
    struct watcher *watcher = context;

    return ++watcher->asked >= watcher->cancel_at;
}

static void on_tick(void *context, uint64_t waited_ms)
{
    struct watcher *watcher = context;

    watcher->ticks++;
    watcher->waited_ms = waited_ms;
}

START_TEST(a_cancel_ends_what_runs_and_the_session_goes_on)
{
    struct watcher watcher = {.cancel_at = 4};
    struct session_watch watch = {
        .context = &watcher, .is_cancelled = is_cancelled, .on_tick = on_tick};
    struct session_watch before = session_set_watch(engine.session, watch);
    uint64_t began = clock_monotonic_ms();

    assert_fails(ERROR_CANCELLED, session_run(engine.session, "SELECT pg_sleep(60)", &failure));
    ck_assert_uint_lt(clock_monotonic_ms() - began, 10000);
    ck_assert_uint_ge(watcher.ticks, 1);
    ck_assert_uint_gt(watcher.waited_ms, 0);
    assert_fails(ERROR_CANCELLED, session_run(engine.session, "SELECT 1", &failure));
    assert_says("before the next statement");
    (void)session_set_watch(engine.session, before);
    assert_usable();
}
END_TEST

START_TEST(a_cancel_in_a_transaction_leaves_it_to_be_rolled_back)
{
    struct watcher watcher = {.cancel_at = 4};
    struct session_watch watch = {.context = &watcher, .is_cancelled = is_cancelled};
    struct session_watch before;

    sql("BEGIN; CREATE TABLE a (id int)");
    before = session_set_watch(engine.session, watch);
    assert_fails(ERROR_CANCELLED, session_run(engine.session, "SELECT pg_sleep(60)", &failure));
    (void)session_set_watch(engine.session, before);
    ck_assert(session_is_in_transaction(engine.session));
    sql("ROLLBACK");
    assert_usable();
    ck_assert(is_true("SELECT to_regclass('a') IS NULL"));
}
END_TEST

/* ---- connections ---- */

static void end_backend_of(const struct session *session)
{
    char text[80];

    (void)text_format(text, sizeof(text), "SELECT pg_terminate_backend(%d, 10000)",
                      session_backend_pid(session));
    ck_assert(is_true(text));
}

START_TEST(a_lost_connection_is_said_and_stays_lost)
{
    struct session *own = open_session("hakem:lost");

    end_backend_of(own);
    assert_fails(ERROR_CONNECTION, session_run(own, "SELECT 1", &failure));
    ck_assert(session_is_lost(own));
    assert_fails(ERROR_CONNECTION,
                 session_query(own, (struct sql_call){.text = "SELECT 1", .where = "a.sql:1"}, NULL,
                               &failure));
    assert_says("the connection to the database was lost");
    ck_assert_str_eq(session_sqlstate(own), "08006");
    session_close(own);
}
END_TEST

/* The server's last word was an error of some other kind. */
START_TEST(a_session_that_the_server_ended_for_idling_is_lost_too)
{
    struct session *own = open_session("hakem:idle");

    assert_ok(session_run(own, "SET idle_in_transaction_session_timeout = 100", &failure));
    assert_ok(session_run(own, "BEGIN", &failure));
    wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity"
             " WHERE application_name = 'hakem:idle')");
    assert_fails(ERROR_CONNECTION, session_run(own, "SELECT 1", &failure));
    ck_assert(session_is_lost(own));
    session_close(own);
}
END_TEST

START_TEST(a_session_beside_has_the_same_server_and_its_own_name)
{
    struct session *beside = NULL;
    bool is = false;

    assert_ok(session_open_beside(engine.session, &beside, &failure));
    ck_assert_int_ne(session_backend_pid(beside), session_backend_pid(engine.session));
    assert_ok(session_ask_bool(beside,
                               SQL("SELECT current_setting('application_name') = 'hakem:observer'"),
                               &is, &failure));
    ck_assert(is);
    session_close(beside);
}
END_TEST

START_TEST(a_url_that_is_none_is_refused_without_showing_it)
{
    struct session_options options = {.url = "postgresql://me:secret@[::1/x"};
    struct session *session = NULL;

    assert_fails(ERROR_INVALID, session_open(NULL, &options, &session, &failure));
    ck_assert_ptr_null(strstr(failure.detail, "secret"));
    options.url = "nonsense";
    assert_fails(ERROR_INVALID, session_open(NULL, &options, &session, &failure));
    ck_assert_ptr_null(session);
}
END_TEST

START_TEST(a_server_that_is_not_there_or_has_no_such_database_is_a_lost_connection)
{
    char url[POSTGRES_URL_SIZE];
    struct session_options options = {.url = url, .connect_timeout_ms = 5000};
    struct session *session = NULL;

    (void)text_format(url, sizeof(url), "postgresql://postgres:secret@127.0.0.1:%d/no_such",
                      engine.server.port);
    assert_fails(ERROR_CONNECTION, session_open(NULL, &options, &session, &failure));
    assert_says("no_such");
    ck_assert_ptr_null(strstr(failure.detail, "secret"));
    ck_assert_ptr_null(strchr(failure.detail, '\n'));
    (void)text_copy(url, sizeof(url), "postgresql://postgres@127.0.0.1:1/postgres");
    assert_fails(ERROR_CONNECTION, session_open(NULL, &options, &session, &failure));
    ck_assert_ptr_null(session);
}
END_TEST

START_TEST(the_form_that_sqlalchemy_uses_is_understood)
{
    static const char *const rows[][2] = {
        {"postgresql+asyncpg://u@h/d", "postgresql://u@h/d"},
        {"postgres+psycopg://u@h/d", "postgresql://u@h/d"},
        {"postgresql://u@h/a+b", "postgresql://u@h/a+b"},
        {"host=h dbname=d", "host=h dbname=d"},
        {"", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *plain = session_plain_url(NULL, rows[i][0]);

        ck_assert_str_eq(plain, rows[i][1]);
        talloc_free(plain);
    }
}
END_TEST

START_TEST(another_database_is_reached_by_the_same_ways)
{
    static const char *const urls[] = {
        "postgresql://me:it%27s%20%5Cme@h:7/one?sslmode=disable&application_name=a",
        "postgresql+asyncpg://me:it%27s%20%5Cme@h:7/one?sslmode=disable&application_name=a",
        ("host=h port=7 user=me password='it\\'s \\\\me' dbname=one sslmode=disable "
         "application_name=a"),
    };
    char *url = NULL;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        assert_ok(session_url_of_database(engine.session, urls[i], "two", &url, &failure));
        ck_assert_ptr_nonnull(strstr(url, "password='it\\'s \\\\me'"));
        ck_assert_ptr_nonnull(strstr(url, "host='h'"));
        ck_assert_ptr_nonnull(strstr(url, "port='7'"));
        ck_assert_ptr_nonnull(strstr(url, "dbname='two'"));
        ck_assert_ptr_null(strstr(url, "one"));
    }
    assert_ok(session_url_of_database(engine.session, "", "two", &url, &failure));
    ck_assert_str_eq(url, "dbname='two'");
    assert_fails(ERROR_INVALID, session_url_of_database(engine.session, "postgresql://u:secret@[h",
                                                        "two", &url, &failure));
    ck_assert_ptr_null(strstr(failure.detail, "secret"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, another_database_is_reached_by_the_same_ways);
    tcase_add_test(tcase, values_arrive_and_null_is_empty_zero_and_false);
    tcase_add_test(tcase, no_rows_are_no_error);
    tcase_add_test(tcase, parameters_are_values_whatever_is_in_them_and_may_be_null);
    tcase_add_test(tcase, a_number_is_whole_and_fits_or_is_an_error);
    tcase_add_test(tcase, a_boolean_is_true_or_false_or_an_error);
    tcase_add_test(tcase, exactly_one_value_is_asked_for);
    tcase_add_test(tcase, an_error_has_its_place_its_reason_and_its_state_until_the_next_statement);
    tcase_add_test(tcase, several_statements_are_one_transaction);
    tcase_add_test(tcase, a_state_has_its_meaning);
    tcase_add_test(tcase, a_copy_has_no_place_and_does_not_hang);
    tcase_add_test(tcase, a_session_s_settings_are_as_asked);
    tcase_add_test(tcase, nothing_lands_in_our_own_schema_for_want_of_a_name);
    tcase_add_test(tcase, a_slow_statement_and_a_lock_that_is_held_end_in_time_by_their_own_names);
    tcase_add_test(tcase, a_cancel_ends_what_runs_and_the_session_goes_on);
    tcase_add_test(tcase, a_cancel_in_a_transaction_leaves_it_to_be_rolled_back);
    tcase_add_test(tcase, a_lost_connection_is_said_and_stays_lost);
    tcase_add_test(tcase, a_session_that_the_server_ended_for_idling_is_lost_too);
    tcase_add_test(tcase, a_session_beside_has_the_same_server_and_its_own_name);
    tcase_add_test(tcase, a_url_that_is_none_is_refused_without_showing_it);
    tcase_add_test(tcase, a_server_that_is_not_there_or_has_no_such_database_is_a_lost_connection);
    tcase_add_test(tcase, the_form_that_sqlalchemy_uses_is_understood);
}

ENGINE_SUITE("postgres: session", add_all)
