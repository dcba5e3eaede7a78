/* What a database's agent keeps right between orders, of a blue-green pair: a database that was
 * left closed, slots of a rollout that is over. */
#include "common/base/text.h"
#include "support/agent.h"
#include "support/suite.h"

#define LEASE_MS UINT64_C(30000)
#define ROLLOUT  AGENT_ROLLOUT

static struct twin_report twin;

static void set_up(void)
{
    twin = (struct twin_report){.state = TWIN_NONE, .rollout = ROLLOUT};
    agent_set_up(KIND_DATABASE);
}

static void order(uint64_t step, enum task task)
{
    agent_order(step, task, &(struct task_arguments){.target = "db-2", .pause_ms = LEASE_MS});
}

static void end(uint64_t step, enum outcome how)
{
    agent_end(SESSION_CHILD_ENDED, step, how);
}

/* Writes were closed, and the report says so from now on. */
static void close_writes(void)
{
    order(1, TASK_CLOSE_WRITES);
    end(1, OUTCOME_SUCCEEDED);
    twin.closed_by = ROLLOUT;
}

static const struct session_effect *after(uint64_t ms, enum session_effect_type type)
{
    struct report report = {.kind = KIND_DATABASE,
                            .could_measure = true,
                            .database = {.is_primary = true, .twin = twin}};

    agent.now_ms += ms;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
    return agent_effect(type);
}

static void say_watch(uint64_t pauses, uint64_t closed)
{
    struct watch watch = {.pauses = pauses, .closed = closed};

    agent_hear(MESSAGE_WATCH, &watch);
}

/* ---- left closed ---- */

START_TEST(a_database_that_nobody_wants_closed_any_longer_is_looked_after)
{
    const struct session_effect *effect;

    close_writes();
    ck_assert_ptr_null(after(LEASE_MS - 1, SESSION_REOPEN));
    effect = after(1, SESSION_REOPEN);
    ck_assert_ptr_nonnull(effect);
    ck_assert_str_eq(effect->entry.order.arguments.target, "db-2");
    ck_assert_uint_eq(effect->entry.order.id.rollout, ROLLOUT);
    ck_assert_ptr_null(after(SESSION_REOPEN_PAUSE_MS - 1, SESSION_REOPEN));
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN)); /* the other one was not reached */
    twin.closed_by = 0;
    ck_assert_ptr_null(after(SESSION_REOPEN_PAUSE_MS, SESSION_REOPEN));
}
END_TEST

START_TEST(as_long_as_the_coordinator_says_so_it_stays_closed)
{
    close_writes();
    for (int i = 0; i < 5; i++) {
        say_watch(ROLLOUT, 0);
        ck_assert_ptr_null(after(LEASE_MS - 1, SESSION_REOPEN));
    }
    say_watch(ROLLOUT + 1, 0);
    say_watch(0, 0);
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN));
}
END_TEST

START_TEST(once_the_other_one_is_open_it_is_left_alone)
{
    close_writes();
    twin.has_yielded = true;
    ck_assert_ptr_null(after(LEASE_MS, SESSION_REOPEN));
    twin.has_yielded = false;
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN));
}
END_TEST

START_TEST(a_follower_is_closed_because_it_follows_and_what_was_left_because_of_that)
{
    twin.closed_by = ROLLOUT;
    twin.state = TWIN_FOLLOWING;
    order(9, TASK_FOLLOW);
    end(9, OUTCOME_SUCCEEDED);
    ck_assert_ptr_null(after(LEASE_MS, SESSION_REOPEN)); /* nobody has closed its writes */
    close_writes();
    twin.state = TWIN_COPYING;
    ck_assert_ptr_null(after(LEASE_MS, SESSION_REOPEN));
    twin.state = TWIN_LEFT;
    ck_assert_ptr_null(after(1, SESSION_REOPEN));
    twin.state = TWIN_FOLLOWING; /* blue, which follows green by now */
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN));
}
END_TEST

START_TEST(what_another_rollout_closed_or_a_task_is_at_is_not_ours)
{
    close_writes();
    twin.closed_by = ROLLOUT + 1;
    ck_assert_ptr_null(after(LEASE_MS, SESSION_REOPEN));
    twin.closed_by = ROLLOUT;
    order(2, TASK_OPEN_WRITES);
    ck_assert_ptr_null(after(LEASE_MS, SESSION_REOPEN)); /* under way */
    end(2, OUTCOME_FAILED);
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN)); /* and nobody tries again */
}
END_TEST

/* How long it was away, nobody knows. */
START_TEST(a_restart_begins_the_lease_anew)
{
    struct entry closed = {.order = {.id = agent_order_id(1),
                                     .task = TASK_CLOSE_WRITES,
                                     .arguments = {.target = "db-2", .pause_ms = LEASE_MS}},
                           .state = ENTRY_ENDED,
                           .outcome = {.outcome = OUTCOME_SUCCEEDED},
                           .is_settled = true,
                           .serial = 7};
    struct error err;

    ck_assert_int_eq(agent_session_load(agent.session, &closed, &err), ERROR_OK);
    agent.now_ms = 5 * LEASE_MS;
    agent_happens((struct session_event){.type = SESSION_STARTED});
    twin.closed_by = ROLLOUT;
    ck_assert_ptr_null(after(LEASE_MS - 1, SESSION_REOPEN));
    ck_assert_ptr_nonnull(after(1, SESSION_REOPEN));
}
END_TEST

/* ---- slots ---- */

START_TEST(slots_of_a_rollout_that_is_over_are_dropped_however_it_ended)
{
    twin.slot_of = ROLLOUT;
    ck_assert_ptr_null(after(1000, SESSION_DROP_SLOTS)); /* nobody has said that it is over */
    say_watch(0, ROLLOUT - 1);
    ck_assert_ptr_null(after(1000, SESSION_DROP_SLOTS));
    say_watch(0, ROLLOUT + 3);
    ck_assert_ptr_nonnull(after(1000, SESSION_DROP_SLOTS));
    ck_assert_ptr_null(after(SESSION_SLOTS_PAUSE_MS - 1, SESSION_DROP_SLOTS));
    ck_assert_uint_eq(after(1, SESSION_DROP_SLOTS)->rollout, ROLLOUT + 3);
    twin.slot_of = 0;
    ck_assert_ptr_null(after(SESSION_SLOTS_PAUSE_MS, SESSION_DROP_SLOTS));
}
END_TEST

/* ---- a following ---- */

START_TEST(a_following_whose_rollout_is_over_is_ended_however_that_ended)
{
    twin.state = TWIN_FOLLOWING;
    say_watch(0, ROLLOUT - 1);
    ck_assert_ptr_null(after(1000, SESSION_END_FOLLOWING));
    say_watch(0, ROLLOUT + 2);
    ck_assert_uint_eq(after(1000, SESSION_END_FOLLOWING)->rollout, ROLLOUT + 2);
    ck_assert_ptr_null(after(SESSION_FOLLOWING_PAUSE_MS - 1, SESSION_END_FOLLOWING));
    twin.state = TWIN_BROKEN;
    ck_assert_ptr_nonnull(after(1, SESSION_END_FOLLOWING));
    twin.state = TWIN_LEFT;
    ck_assert_ptr_null(after(SESSION_FOLLOWING_PAUSE_MS, SESSION_END_FOLLOWING));
    twin.state = TWIN_COPYING;
    ck_assert_ptr_nonnull(after(1, SESSION_END_FOLLOWING));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_database_that_nobody_wants_closed_any_longer_is_looked_after);
    tcase_add_test(tcase, as_long_as_the_coordinator_says_so_it_stays_closed);
    tcase_add_test(tcase, once_the_other_one_is_open_it_is_left_alone);
    tcase_add_test(tcase,
                   a_follower_is_closed_because_it_follows_and_what_was_left_because_of_that);
    tcase_add_test(tcase, what_another_rollout_closed_or_a_task_is_at_is_not_ours);
    tcase_add_test(tcase, a_restart_begins_the_lease_anew);
    tcase_add_test(tcase, slots_of_a_rollout_that_is_over_are_dropped_however_it_ended);
    tcase_add_test(tcase, a_following_whose_rollout_is_over_is_ended_however_that_ended);
}

SUITE("upkeep of a pair", {.add = add_all, .set_up = set_up, .tear_down = agent_tear_down})
