/* The fence's row: who rules a database, by which term, and whether a rollout is open. */
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "common/postgres/term.h"
#include "support/engine.h"

#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 300

static void set_up(void)
{
    engine_set_up();
    assert_ok(schema_ensure(engine.session, &failure));
}

static enum error_code raise_to(const char *journal, uint64_t term, const char *rollout)
{
    struct term_row row = {.term = term};

    (void)text_copy(row.journal, sizeof(row.journal), journal);
    (void)text_copy(row.rollout, sizeof(row.rollout), rollout);
    return term_raise(engine.session, &row, WAIT_MS, &failure);
}

static enum error_code clear(const char *journal, uint64_t term, const char *rollout)
{
    struct term_row row = {.term = term};

    (void)text_copy(row.journal, sizeof(row.journal), journal);
    (void)text_copy(row.rollout, sizeof(row.rollout), rollout);
    return term_clear_rollout(engine.session, &row, &failure);
}

static void assert_row(const char *journal, uint64_t term, const char *rollout)
{
    struct term_row row;

    assert_ok(term_read(engine.session, &row, &failure));
    ck_assert_str_eq(row.journal, journal);
    ck_assert_uint_eq(row.term, term);
    ck_assert_str_eq(row.rollout, rollout);
}

static enum error_code enter(const char *journal, const char *term)
{
    return session_query(engine.session,
                         SQL_WITH("SELECT hakem.enter($1, $2::bigint)", journal, term), NULL,
                         &failure);
}

START_TEST(where_there_is_no_schema_or_no_term_yet_all_is_empty)
{
    assert_row("", 0, "");
    sql("DROP SCHEMA hakem CASCADE");
    assert_row("", 0, "");
}
END_TEST

START_TEST(a_term_rises_with_its_rollout_and_may_be_said_again)
{
    assert_ok(raise_to("j", 3, "7"));
    assert_row("j", 3, "7");
    assert_ok(raise_to("j", 3, "7"));
    assert_ok(raise_to("j", 3, "8"));
    assert_row("j", 3, "8");
    assert_ok(raise_to("j", 9, ""));
    assert_row("j", 9, "");
}
END_TEST

START_TEST(what_says_nothing_new_writes_nothing)
{
    char *before = NULL, *after = NULL;

    assert_ok(raise_to("j", 3, "7"));
    assert_ok(session_ask_text(engine.session, SQL("SELECT xmin::text || since FROM hakem.term"),
                               engine.session, &before, &failure));
    assert_ok(raise_to("j", 3, "7"));
    assert_ok(session_ask_text(engine.session, SQL("SELECT xmin::text || since FROM hakem.term"),
                               engine.session, &after, &failure));
    ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(an_older_term_and_another_journal_are_superseded_and_change_nothing)
{
    assert_ok(raise_to("j", 3, "7"));
    assert_fails(ERROR_SUPERSEDED, raise_to("j", 2, "6"));
    assert_says("term 3 has taken over from term 2");
    assert_fails(ERROR_SUPERSEDED, raise_to("other", 50, "6"));
    assert_says("obeys the journal j, not other");
    ck_assert_str_eq(session_sqlstate(engine.session), TERM_SQLSTATE);
    assert_row("j", 3, "7");
}
END_TEST

START_TEST(the_fence_lets_through_who_rules_and_nobody_older_or_foreign)
{
    assert_ok(enter("anybody", "1")); /* nobody rules yet */
    assert_ok(raise_to("j", 3, "7"));
    assert_ok(enter("j", "3"));
    assert_ok(enter("j", "4"));
    assert_fails(ERROR_SUPERSEDED, enter("j", "2"));
    assert_fails(ERROR_SUPERSEDED, enter("other", "9"));
    assert_fails(ERROR_SUPERSEDED, enter("", "0"));
    assert_says("rollout 7 open");
    assert_ok(raise_to("j", 3, ""));
    assert_ok(enter("", "0")); /* without a coordinator, and none is open */
}
END_TEST

START_TEST(a_new_term_waits_for_who_passed_the_fence_but_not_for_ever)
{
    struct session *inside = open_session("hakem:inside");

    assert_ok(raise_to("j", 3, "7"));
    assert_ok(session_run(inside, "BEGIN; SELECT hakem.enter('j', 3)", &failure));
    assert_ok(enter("j", "3")); /* side by side */
    assert_fails(ERROR_LOCK, raise_to("j", 4, "7"));
    assert_row("j", 3, "7");
    assert_ok(session_run(inside, "COMMIT", &failure));
    assert_ok(raise_to("j", 4, "7"));
    assert_fails(ERROR_SUPERSEDED, session_run(inside, "SELECT hakem.enter('j', 3)", &failure));
    session_close(inside);
    ck_assert(is_true("SELECT current_setting('lock_timeout') = '0'")); /* as it was */
}
END_TEST

START_TEST(only_its_own_rollout_is_cleared)
{
    assert_ok(raise_to("j", 3, "7"));
    assert_ok(clear("j", 3, "6"));
    assert_ok(clear("j", 2, "7"));
    assert_ok(clear("other", 3, "7"));
    assert_row("j", 3, "7");
    assert_ok(clear("j", 5, "7"));
    assert_row("j", 3, "");
    assert_ok(clear("j", 5, "7")); /* again, harmless */
    assert_row("j", 3, "");
}
END_TEST

START_TEST(an_operator_s_word_hands_it_to_another_journal_from_its_first_term_on)
{
    assert_ok(raise_to("j", 30, "7"));
    assert_ok(term_adopt(engine.session, "new", &failure));
    assert_row("new", 0, "7");
    assert_fails(ERROR_SUPERSEDED, raise_to("j", 31, "7"));
    assert_fails(ERROR_SUPERSEDED, enter("j", "31"));
    assert_ok(raise_to("new", 1, "1"));
    assert_row("new", 1, "1");
    assert_ok(term_adopt(engine.session, "new", &failure)); /* again: its term does not fall */
    assert_row("new", 1, "1");
}
END_TEST

START_TEST(who_takes_over_closes_the_rollout_fences_its_orders_off_and_is_logged)
{
    assert_ok(raise_to("j", 3, "7"));
    assert_ok(term_take_over(engine.session, "anna", "it's \"late\"; --", &failure));
    assert_row("j", 4, "");
    assert_fails(ERROR_SUPERSEDED, enter("j", "3"));
    assert_ok(enter("", "0"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE phase = 'take-over'"
                          " AND outcome = 'note' AND operator_name = 'anna' AND rollout = '7'"
                          " AND term = 4 AND detail = 'it''s \"late\"; --'"),
                      1);
}
END_TEST

/* Whoever waited for the row must read it again. */
START_TEST(a_word_that_waited_behind_a_higher_one_is_superseded)
{
    struct session *other = open_session("hakem:other");
    struct term_row higher = {.journal = "j", .term = 6, .rollout = "7"};
    struct term_row lower = {.journal = "j", .term = 5, .rollout = "7"};
    pid_t child;
    int status;

    assert_ok(raise_to("j", 3, "7"));
    assert_ok(session_run(other, "BEGIN", &failure));
    assert_ok(term_raise(other, &higher, WAIT_MS, &failure));
    child = fork();
    if (child == 0) {
        struct session *own = open_session("hakem:child");

        _exit(term_raise(own, &lower, 20000, &failure) == ERROR_SUPERSEDED ? 0 : 1);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'hakem:child'"
             " AND wait_event_type = 'Lock')");
    assert_ok(session_run(other, "COMMIT", &failure));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_row("j", 6, "7");
    session_close(other);
}
END_TEST

START_TEST(two_who_raise_at_once_leave_the_higher_term)
{
    struct session *other = open_session("hakem:other");
    struct term_row higher = {.journal = "j", .term = 6, .rollout = "7"};

    assert_ok(raise_to("j", 3, "7"));
    assert_ok(session_run(other, "BEGIN", &failure));
    assert_ok(term_raise(other, &higher, WAIT_MS, &failure));
    assert_fails(ERROR_LOCK, raise_to("j", 5, "7")); /* it does not see a word that may not stand */
    assert_ok(session_run(other, "COMMIT", &failure));
    assert_fails(ERROR_SUPERSEDED, raise_to("j", 5, "7"));
    assert_row("j", 6, "7");
    session_close(other);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, where_there_is_no_schema_or_no_term_yet_all_is_empty);
    tcase_add_test(tcase, a_term_rises_with_its_rollout_and_may_be_said_again);
    tcase_add_test(tcase, what_says_nothing_new_writes_nothing);
    tcase_add_test(tcase, an_older_term_and_another_journal_are_superseded_and_change_nothing);
    tcase_add_test(tcase, the_fence_lets_through_who_rules_and_nobody_older_or_foreign);
    tcase_add_test(tcase, a_new_term_waits_for_who_passed_the_fence_but_not_for_ever);
    tcase_add_test(tcase, only_its_own_rollout_is_cleared);
    tcase_add_test(tcase, an_operator_s_word_hands_it_to_another_journal_from_its_first_term_on);
    tcase_add_test(tcase, who_takes_over_closes_the_rollout_fences_its_orders_off_and_is_logged);
    tcase_add_test(tcase, a_word_that_waited_behind_a_higher_one_is_superseded);
    tcase_add_test(tcase, two_who_raise_at_once_leave_the_higher_term);
}

SUITE("postgres: term", {.add = add_all,
                         .set_up = set_up,
                         .tear_down = engine_tear_down,
                         .set_up_once = engine_start,
                         .tear_down_once = engine_stop,
                         .timeout_s = 60})
