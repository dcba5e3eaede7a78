/* Who may write, and when: closing, opening, and a database that was left closed. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/pair.h"

static struct job reopen_job(enum pair_side side)
{
    struct job job = {.kind = JOB_REOPEN, .order = pair.order};

    job.order.task = TASK_CLOSE_WRITES;
    (void)text_copy(job.node, NAME_SIZE, pair.sides[side].node);
    (void)text_copy(job.order.arguments.target, NAME_SIZE, pair.sides[side].other.node);
    return job;
}

/* What the agent does when the lease is over. */
static enum error_code reopen(enum pair_side side)
{
    struct job job = reopen_job(side);
    struct task_context task = {
        .config = &pair.sides[side].config, .job = &job, .memory = talloc_new(NULL)};
    struct channel channel = {.fd = -1, .is_closed = true};
    enum error_code code;

    task.channel = &channel;
    failure = (struct error){.code = ERROR_OK};
    code = task_reopen(&task, &failure);
    talloc_free(task.memory);
    return code;
}

/* ---- closing ---- */

START_TEST(a_writer_s_session_is_ended_and_nobody_is_let_in_until_it_is_opened)
{
    struct session_options options = {.url = pair.sides[BLUE].game_url};
    struct session *writer = NULL;

    given_a_game();
    follow();
    assert_ok(session_open(NULL, &options, &writer, &failure));
    assert_ok(session_run(writer, "BEGIN; INSERT INTO seats VALUES (9999, 'N', 1)", &failure));
    ck_assert_int_eq(inspect_on(BLUE, TASK_CLOSE_WRITES), FINDING_DID_NOT);
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
    ck_assert_int_ne(session_run(writer, "COMMIT", &failure), ERROR_OK);
    session_close(writer);
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert_int_eq(inspect_on(BLUE, TASK_CLOSE_WRITES), FINDING_DID);
    ck_assert_int_eq(inspect_on(BLUE, TASK_OPEN_WRITES), FINDING_DID_NOT);
    ck_assert_uint_eq(report_on(BLUE)->closed_by, PAIR_ROLLOUT);
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES)); /* once more */
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(play_on(BLUE, "SELECT 1"));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM seats WHERE room = 9999"), 0);
    ck_assert_int_eq(inspect_on(BLUE, TASK_OPEN_WRITES), FINDING_DID);
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
}
END_TEST

START_TEST(who_could_not_log_in_before_cannot_afterwards)
{
    static const char *roles[] = {"game", "other_game"};

    given_a_game();
    pair.sides[BLUE].config.database.game_roles = roles;
    pair.sides[BLUE].config.database.game_role_count = 2;
    sql_on(BLUE, "ALTER ROLE other_game NOLOGIN");
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES)); /* forgets nobody */
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(is_true_on(BLUE, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'game'"));
    ck_assert(
        is_true_on(BLUE, "SELECT NOT rolcanlogin FROM pg_roles WHERE rolname = 'other_game'"));
}
END_TEST

START_TEST(prepared_transactions_and_superusers_cannot_be_kept_out)
{
    static const char *roles[] = {"game", "postgres"};

    given_a_game();
    ck_assert(play_on(BLUE, "BEGIN"));
    sql_on(BLUE, "SET SESSION AUTHORIZATION game");
    assert_ok(session_run(pair.sides[BLUE].session, "BEGIN", &failure));
    sql_on(BLUE, "INSERT INTO seats VALUES (777, 'N', 1)");
    sql_on(BLUE, "PREPARE TRANSACTION 'tournament'");
    sql_on(BLUE, "RESET SESSION AUTHORIZATION");
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_CLOSE_WRITES));
    assert_says("prepared transactions of game roles are open: tournament");
    ck_assert(play_on(BLUE, "SELECT 1")); /* nothing was closed */
    sql_on(BLUE, "ROLLBACK PREPARED 'tournament'");
    pair.sides[BLUE].config.database.game_roles = roles;
    pair.sides[BLUE].config.database.game_role_count = 2;
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_CLOSE_WRITES));
    assert_says("postgres is a superuser");
    ck_assert(play_on(BLUE, "SELECT 1"));
}
END_TEST

/* ---- the order of things ---- */

START_TEST(green_is_not_opened_before_blue_follows_it)
{
    given_a_game();
    follow();
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_OPEN_WRITES));
    assert_says("reverse comes first");
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_REVERSE));
    assert_says("its writes are open");
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_CLOSE));
    assert_says("it was not switched from");
    reverse();
    ck_assert_int_eq(inspect_on(BLUE, TASK_REVERSE), FINDING_DID);
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_CLOSE));
    assert_says("nobody would be left");
    assert_ok(run_on(BLUE, TASK_REVERSE)); /* once more */
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
    assert_ok(run_on(BLUE, TASK_REVERSE)); /* a late one only looks whether rows come */
    ck_assert(play_on(GREEN, "SELECT 1"));
}
END_TEST

START_TEST(taking_over_from_a_green_that_is_gone_needs_a_person_s_word)
{
    const char *url = pair.sides[BLUE].other.url;

    given_a_game();
    follow();
    switch_to_green();
    pair.sides[BLUE].other.url = "host=127.0.0.1 port=1 dbname=x";
    pair.order.arguments.has_writes = true; /* as the coordinator says from the opening on */
    assert_fails(ERROR_CONNECTION, run_on(BLUE, TASK_UNREVERSE));
    assert_fails(ERROR_CONNECTION, run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    pair.order.arguments.accept_data_loss = true;
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(play_on(BLUE, "SELECT 1"));
    pair.sides[BLUE].other.url = url;
}
END_TEST

/* ---- left closed ---- */

START_TEST(a_green_that_is_gone_and_was_never_opened_holds_nobody_up)
{
    const char *url = pair.sides[BLUE].other.url;

    given_a_game();
    follow();
    reverse();
    pair.sides[BLUE].other.url = "host=127.0.0.1 port=1 dbname=x";
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(play_on(BLUE, "SELECT 1"));
    pair.sides[BLUE].other.url = url;
}
END_TEST

START_TEST(blue_that_was_left_closed_is_opened_again_and_green_never_is)
{
    given_a_game();
    follow();
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
    assert_ok(reopen(BLUE));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('meanwhile')"));
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_REVERSE));
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_FOLLOWING); /* a follower still */
    reverse();
    assert_ok(reopen(BLUE));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('on blue again')"));
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_OPEN_WRITES));
    assert_says("must not be opened in rollout 12");
    ck_assert(!play_on(GREEN, "SELECT 1"));
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_REVERSE));
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert(play_on(BLUE, "SELECT 1"));
}
END_TEST

START_TEST(blue_stays_closed_once_green_is_open)
{
    given_a_game();
    follow();
    switch_to_green();
    ck_assert(!report_on(BLUE)->has_yielded);
    assert_ok(reopen(BLUE));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert(report_on(BLUE)->has_yielded);
    ck_assert(play_on(GREEN, "SELECT 1"));
}
END_TEST

START_TEST(blue_stays_closed_while_nobody_knows_whether_green_is_open)
{
    const char *url = pair.sides[BLUE].other.url;

    given_a_game();
    follow();
    reverse();
    pair.sides[BLUE].other.url = "host=127.0.0.1 port=1 dbname=x";
    assert_fails(ERROR_CONNECTION, reopen(BLUE));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert(!report_on(BLUE)->has_yielded);
    ck_assert_msg(strstr(report_on(BLUE)->fault, "it stays closed: db-2 is not reached") != NULL,
                  "%s", report_on(BLUE)->fault);
    pair.sides[BLUE].other.url = url;
    assert_ok(reopen(BLUE));
    ck_assert(play_on(BLUE, "SELECT 1"));
}
END_TEST

START_TEST(green_that_was_left_closed_on_the_way_back_is_opened_unless_blue_took_over)
{
    given_a_game();
    follow();
    assert_ok(reopen(GREEN));
    ck_assert(!play_on(GREEN, "SELECT 1")); /* a follower is closed because it follows */
    switch_to_green();
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    assert_ok(reopen(GREEN));
    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('on green')"));
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_UNREVERSE));
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    assert_ok(reopen(GREEN));
    ck_assert(!play_on(GREEN, "SELECT 1"));
    assert_ok(reopen(BLUE)); /* nobody said that it should be opened, but it is right */
    ck_assert(play_on(BLUE, "SELECT 1"));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM players WHERE name = 'on green'"), 1);
}
END_TEST

START_TEST(what_was_left_stays_closed)
{
    given_a_game();
    follow();
    switch_to_green();
    assert_ok(run_on(BLUE, TASK_CLOSE));
    assert_ok(reopen(BLUE));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_OPEN_WRITES));
    assert_says("was left");
    assert_fails(ERROR_IRREVERSIBLE, run_on(BLUE, TASK_UNREVERSE));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_writer_s_session_is_ended_and_nobody_is_let_in_until_it_is_opened);
    tcase_add_test(tcase, who_could_not_log_in_before_cannot_afterwards);
    tcase_add_test(tcase, prepared_transactions_and_superusers_cannot_be_kept_out);
    tcase_add_test(tcase, green_is_not_opened_before_blue_follows_it);
    tcase_add_test(tcase, taking_over_from_a_green_that_is_gone_needs_a_person_s_word);
    tcase_add_test(tcase, a_green_that_is_gone_and_was_never_opened_holds_nobody_up);
    tcase_add_test(tcase, blue_that_was_left_closed_is_opened_again_and_green_never_is);
    tcase_add_test(tcase, blue_stays_closed_once_green_is_open);
    tcase_add_test(tcase, blue_stays_closed_while_nobody_knows_whether_green_is_open);
    tcase_add_test(tcase,
                   green_that_was_left_closed_on_the_way_back_is_opened_unless_blue_took_over);
    tcase_add_test(tcase, what_was_left_stays_closed);
}

PAIR_SUITE("twin: switch", add_all)
