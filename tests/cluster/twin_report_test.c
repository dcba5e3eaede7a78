/* What a database's watcher says of its pair over a following's life, and what is dropped once its
 * rollout is over. */
#define _DEFAULT_SOURCE /* kill */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/pair.h"

#include <signal.h>

#define SOON_MS 30000

static void assert_report(enum pair_side side, enum twin_state state, uint64_t rollout,
                          uint64_t closed_by)
{
    const struct twin_report *report = report_on(side);

    ck_assert_msg(report->state == state, "%s: %s",
                  word_of(&twin_state_names, (unsigned)report->state), report->fault);
    ck_assert_uint_eq(report->rollout, rollout);
    ck_assert_uint_eq(report->closed_by, closed_by);
}

/* Beats go by until it says so. */
static void watch_until(enum pair_side side, bool (*holds)(const struct twin_report *report))
{
    uint64_t until = clock_monotonic_ms() + SOON_MS;

    while (!holds(report_on(side))) {
        ck_assert_msg(clock_monotonic_ms() < until, "%s: %s, %llu ms, %llu bytes",
                      word_of(&twin_state_names, (unsigned)report_on(side)->state),
                      report_on(side)->fault, (unsigned long long)report_on(side)->lag_ms,
                      (unsigned long long)report_on(side)->lag_bytes);
        clock_sleep_ms(50);
    }
}

static bool is_broken(const struct twin_report *report)
{
    return report->state == TWIN_BROKEN;
}

static bool is_fresh(const struct twin_report *report)
{
    return report->state == TWIN_FOLLOWING && report->lag_bytes == 0 && report->lag_ms < 1000 &&
           is_true_on(GREEN, "SELECT EXISTS (SELECT FROM hakem.heartbeat"
                             " WHERE name = 'hakem_12_forward')");
}

static bool is_late(const struct twin_report *report)
{
    return report->lag_ms > 1500 && report->lag_bytes > 0;
}

START_TEST(a_report_tells_every_stage_of_a_life)
{
    given_a_game();
    assert_report(GREEN, TWIN_NONE, 0, 0);
    ck_assert_uint_eq(report_on(GREEN)->node_count, 1);
    ck_assert_str_eq(report_on(GREEN)->nodes[0].name, "db-1");
    follow();
    assert_report(GREEN, TWIN_FOLLOWING, PAIR_ROLLOUT, PAIR_ROLLOUT);
    ck_assert_str_eq(report_on(GREEN)->follows, "db-1");
    assert_report(BLUE, TWIN_NONE, PAIR_ROLLOUT, 0);
    ck_assert_uint_eq(report_on(BLUE)->slot_of, PAIR_ROLLOUT);
    reverse();
    assert_report(GREEN, TWIN_NONE, PAIR_ROLLOUT, PAIR_ROLLOUT);
    ck_assert_uint_eq(report_on(GREEN)->slot_of, PAIR_ROLLOUT);
    assert_report(BLUE, TWIN_FOLLOWING, PAIR_ROLLOUT, PAIR_ROLLOUT);
    ck_assert_str_eq(report_on(BLUE)->follows, "db-2");
    ck_assert_uint_eq(report_on(BLUE)->slot_of, 0);
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
    assert_report(GREEN, TWIN_NONE, PAIR_ROLLOUT, 0);
    assert_ok(run_on(BLUE, TASK_CLOSE));
    assert_report(GREEN, TWIN_NONE, 0, 0);
    assert_report(BLUE, TWIN_LEFT, PAIR_ROLLOUT, PAIR_ROLLOUT);
}
END_TEST

START_TEST(heartbeats_tell_how_far_behind_a_follower_is)
{
    given_a_game();
    follow();
    watch_until(GREEN, is_fresh);
    sql_on(GREEN, "BEGIN; LOCK TABLE players"); /* what is replicated has to wait */
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('waits')"));
    watch_until(GREEN, is_late);
    sql_on(GREEN, "ROLLBACK");
    watch_until(GREEN, is_fresh);
}
END_TEST

START_TEST(a_row_that_cannot_be_applied_breaks_it_and_says_so)
{
    given_a_game();
    follow();
    (void)report_on(GREEN);
    sql_on(GREEN, "SET session_replication_role = replica;"
                  "INSERT INTO seats VALUES (8888, 'N', 1)");
    ck_assert(play_on(BLUE, "INSERT INTO seats VALUES (8888, 'N', 2)"));
    watch_until(GREEN, is_broken);
    ck_assert_msg(strstr(report_on(GREEN)->fault, "hakem_12_forward") != NULL, "%s",
                  report_on(GREEN)->fault);
    pair.order.ttl_ms = 2000;
    assert_fails(ERROR_TIMEOUT, run_on(GREEN, TASK_DRAIN_WAL));
    assert_says("a marker that was written has not come in time");
}
END_TEST

START_TEST(a_slot_that_was_lost_is_said_on_both_sides_and_ends_in_a_new_following)
{
    given_a_game();
    follow();
    (void)report_on(GREEN);
    sql_on(GREEN, "ALTER SUBSCRIPTION hakem_12_forward DISABLE");
    wait_on(BLUE,
            "SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'hakem_12_forward'");
    sql_on(BLUE, "ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    sql_on(BLUE, "SELECT pg_reload_conf()");
    for (int i = 0; i < 3; i++) {
        sql_on(BLUE, "INSERT INTO players (name) SELECT 'x' FROM generate_series(1, 1000)");
        (void)ask_on(BLUE, "SELECT pg_switch_wal() - '0/0'");
    }
    sql_on(BLUE, "CHECKPOINT");
    wait_on(BLUE, "SELECT wal_status = 'lost' FROM pg_replication_slots");
    ck_assert(report_on(BLUE)->slot_is_lost);
    sql_on(GREEN, "ALTER SUBSCRIPTION hakem_12_forward ENABLE");
    watch_until(GREEN, is_broken);
    assert_fails(ERROR_FAILED, run_on(GREEN, TASK_FOLLOW));
    assert_says("unfollow, and follow anew");
    sql_on(BLUE, "ALTER SYSTEM RESET max_slot_wal_keep_size");
    sql_on(BLUE, "SELECT pg_reload_conf()");
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    follow();
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM players"), 6000);
}
END_TEST

/* ---- what a rollout that is over has left ---- */

static enum error_code drop_slots_up_to(enum pair_side side, uint64_t rollout)
{
    struct job job = {.kind = JOB_DROP_SLOTS, .order = {.id = {.rollout = rollout}}};
    struct channel channel = {.fd = -1, .is_closed = true};
    struct task_context task = {.config = &pair.sides[side].config,
                                .job = &job,
                                .channel = &channel,
                                .memory = talloc_new(NULL)};
    enum error_code code;

    failure = (struct error){.code = ERROR_OK};
    code = task_drop_slots(&task, &failure);
    talloc_free(task.memory);
    return code;
}

START_TEST(leaving_a_publisher_that_is_gone_succeeds_and_its_slot_is_dropped_by_its_own_agent)
{
    given_a_game();
    follow();
    pair.sides[GREEN].other.url = "host=127.0.0.1 port=1 dbname=x";
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert_msg(strstr(pair.outcome.detail, "hakem_12_forward is left on db-1") != NULL, "%s",
                  pair.outcome.detail);
    assert_report(GREEN, TWIN_LEFT, PAIR_ROLLOUT, PAIR_ROLLOUT);
    ck_assert_int_eq(inspect_on(GREEN, TASK_UNFOLLOW), FINDING_NOTHING); /* nobody can tell */
    ck_assert_uint_eq(report_on(BLUE)->slot_of, PAIR_ROLLOUT);
    wait_on(BLUE, "SELECT NOT active FROM pg_replication_slots");
    assert_ok(drop_slots_up_to(BLUE, PAIR_ROLLOUT - 1));
    ck_assert_uint_eq(report_on(BLUE)->slot_of, PAIR_ROLLOUT);
    assert_ok(drop_slots_up_to(BLUE, PAIR_ROLLOUT + 3));
    ck_assert_uint_eq(report_on(BLUE)->slot_of, 0);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_publication"), 0);
}
END_TEST

START_TEST(a_slot_that_is_in_use_and_those_of_others_are_left_alone)
{
    given_a_game();
    follow();
    sql_on(BLUE, "SELECT pg_create_logical_replication_slot('somebody_s', 'pgoutput')");
    assert_ok(drop_slots_up_to(BLUE, PAIR_ROLLOUT));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 2);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_publication"), 1);
}
END_TEST

/* A publisher that answers to nothing must not hold the watcher up. */
START_TEST(a_publisher_that_hangs_does_not_hold_reports_up)
{
    uint64_t began_ms;

    given_a_game();
    follow();
    watch_until(GREEN, is_fresh);
    ck_assert_int_eq(kill(pair.sides[BLUE].server.pid, SIGSTOP), 0);
    sql_on(BLUE, "SELECT 1"); /* its sessions go on: only nobody new is let in */
    began_ms = clock_monotonic_ms();
    for (int i = 0; i < 5; i++)
        (void)report_on(GREEN);
    ck_assert_int_eq(kill(pair.sides[BLUE].server.pid, SIGCONT), 0);
    ck_assert_uint_lt(clock_monotonic_ms() - began_ms, 3000);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_report_tells_every_stage_of_a_life);
    tcase_add_test(tcase, heartbeats_tell_how_far_behind_a_follower_is);
    tcase_add_test(tcase, a_row_that_cannot_be_applied_breaks_it_and_says_so);
    tcase_add_test(tcase, a_slot_that_was_lost_is_said_on_both_sides_and_ends_in_a_new_following);
    tcase_add_test(
        tcase, leaving_a_publisher_that_is_gone_succeeds_and_its_slot_is_dropped_by_its_own_agent);
    tcase_add_test(tcase, a_slot_that_is_in_use_and_those_of_others_are_left_alone);
    tcase_add_test(tcase, a_publisher_that_hangs_does_not_hold_reports_up);
}

PAIR_SUITE("twin: report", add_all)
