/* Are the rows the same? With writes going on, and without; and sequences, which are never
 * replicated. */
#define _DEFAULT_SOURCE /* fork, kill */
#include "common/base/clock.h"
#include "common/base/text.h"
#include "support/pair.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void follow_a_game(void)
{
    given_a_game();
    follow();
}

START_TEST(the_same_rows_are_the_same_in_whatever_columns_both_have)
{
    given_a_game();
    sql_on(BLUE, "CREATE TABLE kinds (id text PRIMARY KEY, a float8, b timestamptz, c interval,"
                 " d bytea, e jsonb, f numeric, g text[]);"
                 "INSERT INTO kinds SELECT 'k' || n, random(), now(), '3 days 2 hours', '\\x00ff',"
                 " '{\"a\": [1]}', n / 3.0, ARRAY['x', NULL, ''] FROM generate_series(1, 500) n");
    follow();
    sql_on(GREEN, "ALTER TABLE players ADD COLUMN motto text DEFAULT 'x'");
    assert_ok(run_on(GREEN, TASK_COMPARE));
    ck_assert_msg(strstr(pair.outcome.detail, "3 ranges of 3 tables, 5500 rows") != NULL, "%s",
                  pair.outcome.detail);
}
END_TEST

START_TEST(a_row_that_was_changed_by_hand_is_found_by_name)
{
    follow_a_game();
    sql_on(GREEN, "UPDATE players SET rank = 1 WHERE id = 2017");
    assert_fails(ERROR_VERIFY, run_on(GREEN, TASK_COMPARE));
    assert_says("table public.players differs where (id) is beyond '2016'::bigint up to "
                "'2017'::bigint: 1 rows here, 1 on db-1, with other values");
    pair.order.arguments.budget_ms = 5000;
    assert_fails(ERROR_VERIFY, run_on(GREEN, TASK_COMPARE));
    assert_says("'2017'::bigint");
}
END_TEST

START_TEST(a_row_too_many_and_a_row_too_few_are_found)
{
    follow_a_game();
    sql_on(GREEN, "DELETE FROM seats WHERE room = 300 AND seat = 'N'");
    assert_fails(ERROR_VERIFY, run_on(GREEN, TASK_COMPARE));
    assert_says("table public.seats differs where (room, seat) is beyond '300'::integer, "
                "'E'::text up to '300'::integer, 'N'::text: 0 rows here, 1 on db-1");
    sql_on(GREEN, "INSERT INTO seats VALUES (300, 'N', 300), (9999, 'N', 1)");
    assert_fails(ERROR_VERIFY, run_on(GREEN, TASK_COMPARE));
    assert_says("to the end: 1 rows here, 0 on db-1");
}
END_TEST

/* A player who is written all the time, by somebody else. */
static pid_t write_all_the_time(void)
{
    struct session_options options = {.url = pair.sides[BLUE].game_url};
    struct session *session = NULL;
    struct error err;
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    if (session_open(NULL, &options, &session, &err) != ERROR_OK)
        _exit(EXIT_FAILURE);
    for (;;)
        if (session_run(session,
                        "UPDATE players SET rank = rank + 1 WHERE id % 500 = 7;"
                        "INSERT INTO players (name) VALUES ('one more')",
                        &err) != ERROR_OK)
            _exit(EXIT_FAILURE);
}

START_TEST(what_is_written_meanwhile_is_no_difference_and_what_is_one_is_found_all_the_same)
{
    enum error_code quiet;
    enum error_code tampered;
    int status = 0;
    pid_t writer;

    follow_a_game();
    writer = write_all_the_time();
    wait_on(BLUE, "SELECT count(*) > 50 FROM players WHERE name = 'one more'");
    quiet = run_on(GREEN, TASK_COMPARE);
    ck_assert_msg(quiet == ERROR_OK, "%s", failure.detail);
    sql_on(GREEN, "UPDATE players SET name = 'impostor' WHERE id = 1001");
    tampered = run_on(GREEN, TASK_COMPARE);
    (void)kill(writer, SIGKILL);
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert_msg(WIFSIGNALED(status), "the writer had ended by itself");
    ck_assert_int_eq(tampered, ERROR_VERIFY);
    assert_says("'1001'::bigint");
}
END_TEST

START_TEST(within_a_budget_the_newest_rows_come_first_and_it_is_said_how_many)
{
    given_a_game();
    sql_on(BLUE, "INSERT INTO players (name) SELECT 'x' FROM generate_series(1, 60000); ANALYZE");
    follow();
    pair.order.arguments.budget_ms = 1;
    assert_ok(run_on(GREEN, TASK_COMPARE));
    ck_assert_msg(strstr(pair.outcome.detail, "1 of 34 ranges of 2 tables") != NULL, "%s",
                  pair.outcome.detail);
    sql_on(GREEN, "UPDATE players SET rank = 1 WHERE id = 62999");
    pair.order.arguments.budget_ms = 30000;
    assert_fails(ERROR_VERIFY, run_on(GREEN, TASK_COMPARE));
    assert_says("'62999'::bigint");
    sql_on(GREEN, "UPDATE players SET rank = 0 WHERE id = 62999");
    assert_ok(run_on(GREEN, TASK_COMPARE));
    ck_assert_msg(strstr(pair.outcome.detail, "65000 rows compared") != NULL, "%s",
                  pair.outcome.detail);
}
END_TEST

START_TEST(a_schema_that_was_changed_by_hand_is_refused_with_the_tables_nobody_follows)
{
    follow_a_game();
    sql_on(BLUE, "CREATE TABLE surprise (id integer PRIMARY KEY)");
    assert_fails(ERROR_CHANGED, run_on(GREEN, TASK_COMPARE));
    assert_says("the schema of db-1 was changed since it was copied");
    assert_says("public.surprise");
}
END_TEST

START_TEST(sequences_go_beyond_the_others_whichever_way_they_run_and_never_back)
{
    given_a_game();
    sql_on(BLUE, "CREATE SEQUENCE down INCREMENT -5 START -1 MAXVALUE -1; SELECT nextval('down');"
                 "CREATE SEQUENCE untouched;"
                 "CREATE SEQUENCE round MAXVALUE 10 CYCLE; SELECT nextval('round');"
                 "CREATE SEQUENCE far; SELECT setval('far', 10)");
    follow();
    sql_on(GREEN, "SELECT setval('far', 5000000)");
    assert_ok(run_on(GREEN, TASK_SEQUENCES));
    ck_assert(is_true_on(GREEN, "SELECT last_value = 4000 FROM players_id_seq"));
    ck_assert(is_true_on(GREEN, "SELECT last_value = -5001 FROM down"));
    ck_assert(is_true_on(GREEN, "SELECT NOT is_called FROM untouched"));
    ck_assert(is_true_on(GREEN, "SELECT last_value = 1 AND is_called FROM round"));
    ck_assert(is_true_on(GREEN, "SELECT last_value = 5000000 FROM far"));
    assert_ok(run_on(GREEN, TASK_SEQUENCES));
    ck_assert(is_true_on(GREEN, "SELECT last_value = 4000 FROM players_id_seq"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_same_rows_are_the_same_in_whatever_columns_both_have);
    tcase_add_test(tcase, a_row_that_was_changed_by_hand_is_found_by_name);
    tcase_add_test(tcase, a_row_too_many_and_a_row_too_few_are_found);
    tcase_add_test(
        tcase, what_is_written_meanwhile_is_no_difference_and_what_is_one_is_found_all_the_same);
    tcase_add_test(tcase, within_a_budget_the_newest_rows_come_first_and_it_is_said_how_many);
    tcase_add_test(tcase,
                   a_schema_that_was_changed_by_hand_is_refused_with_the_tables_nobody_follows);
    tcase_add_test(tcase, sequences_go_beyond_the_others_whichever_way_they_run_and_never_back);
}

PAIR_SUITE("twin: compare", add_all)
