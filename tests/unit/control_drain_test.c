/* Drains: who is told, who is waited for, and what becomes of sessions that do not end. */
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "support/core.h"

#include <string.h>

/* The place of the first one of that task that is not answered; CAST_ORDERS: there is none. */
static size_t place_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (core.cast.orders[i].task == task)
            return i;
    return CAST_ORDERS;
}

static const struct task_arguments *arguments_of(enum task task)
{
    size_t at = place_of(task);

    ck_assert_msg(at < CAST_ORDERS, "nothing of that kind is ordered");
    return &core.cast.orders[at].arguments;
}

static void accept_orders_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++) {
        struct accepted accepted = {.id = core.cast.orders[i].id, .is_accepted = true};

        if (core.cast.orders[i].task == task)
            say_as(core.cast.ordered[i], MESSAGE_ACCEPTED, &accepted);
    }
}

/* Its edges take g1 out; two players stay in their game. */
static void drain_with_players_left(struct request request)
{
    start(request);
    ck_assert(go_on_until(TASK_DRAIN));
    ck_assert_str_eq(arguments_of(TASK_DRAIN)->target, "g1");
    accept_orders_of(TASK_DRAIN);
    core.cast.nodes[G1].traffic = TRAFFIC_DRAIN;
    core.cast.nodes[G1].sessions = 1;
    beats(2);
}

static struct request with_policy(enum drain_policy policy)
{
    struct request request = to_new();

    request.options.on_drain_late = policy;
    request.options.drain_ms = 20000;
    request.options.drain_max_ms = 100000;
    return request;
}

static bool is_out_for_now(void)
{
    return core.cast.nodes[G1].traffic == TRAFFIC_DRAIN;
}

static void end_orders_of(enum task task, enum outcome how)
{
    for (size_t at = place_of(task); at < CAST_ORDERS; at = place_of(task))
        end_order(at, how, false);
}

static const struct node *node_of(const char *name)
{
    return control_node(core.control, name);
}

static void go_on_to_the_end(void)
{
    for (int i = 0; i < 300 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_ptr_null(core.control->open);
}

START_TEST(a_server_is_told_once_no_edge_sends_it_anybody_and_while_its_sessions_end)
{
    const struct step *drain, *notify;

    start(to_new());
    ck_assert(go_on_until(TASK_DRAIN));
    drain = step_of(STAGE_DRAIN, "g1");
    notify = step_of(STAGE_NOTIFY, "g1");
    ck_assert(!waits_for(notify, drain));
    ck_assert(waits_for(step_of(STAGE_OUT, "g1"), notify));
    ck_assert(waits_for(step_of(STAGE_OUT, "g1"), drain));
    beats(2);
    ck_assert_uint_eq(place_of(TASK_NOTIFY), CAST_ORDERS); /* the edges still send */
    core.cast.nodes[G1].traffic = TRAFFIC_DRAIN;
    core.cast.nodes[G1].sessions = 1;
    beats(2);
    ck_assert_str_eq(arguments_of(TASK_NOTIFY)->target, "g1");
    ck_assert_int_ne(drain->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(it_is_told_how_long_its_sessions_still_have_and_what_then)
{
    drain_with_players_left(with_policy(ON_DRAIN_LATE_WAIT));
    ck_assert_uint_le(arguments_of(TASK_NOTIFY)->drain_ms, 19000);
    ck_assert_uint_ge(arguments_of(TASK_NOTIFY)->drain_ms, 15000);
    ck_assert_uint_eq(arguments_of(TASK_NOTIFY)->drain_max_ms, 100000);
    ck_assert_int_eq(arguments_of(TASK_NOTIFY)->on_drain_late, ON_DRAIN_LATE_WAIT);
}
END_TEST

START_TEST(on_the_way_back_it_is_told_otherwise)
{
    drain_with_players_left(with_policy(ON_DRAIN_LATE_ABORT));
    end_orders_of(TASK_NOTIFY, OUTCOME_SUCCEEDED);
    ck_assert(node_of("g1")->is_told);
    end_orders_of(TASK_DRAIN, OUTCOME_FAILED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert(go_on_until(TASK_RECALL));
    end_orders_of(TASK_RECALL, OUTCOME_SUCCEEDED);
    ck_assert(!node_of("g1")->is_told);
    go_on_to_the_end();
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_NONE);
    ck_assert(!is_out_for_now());
    ck_assert_uint_eq(core.cast.nodes[G1].sessions, 1); /* nobody touched them */
}
END_TEST

/* Whoever wants to go back does not wait for players who do not go home. */
START_TEST(a_drain_under_way_is_cancelled_on_the_way_back)
{
    const struct step *drain;

    drain_with_players_left(with_policy(ON_DRAIN_LATE_WAIT));
    drain = step_of(STAGE_DRAIN, "g1");
    ck_assert_int_eq(drain->state, STEP_RUNNING);
    say_verb("rollback");
    ck_assert_int_eq(drain->state, STEP_UNKNOWN);
    ck_assert(drain->is_cancelling);
    end_orders_of(TASK_DRAIN, OUTCOME_CANCELLED);
    end_orders_of(TASK_NOTIFY, OUTCOME_CANCELLED);
    ck_assert(go_on_until(TASK_ADMIT));
    go_on_to_the_end();
    ck_assert(!is_out_for_now());
}
END_TEST

START_TEST(sessions_are_cut_on_the_way_forward_only_if_somebody_says_so_and_soon_on_the_way_back)
{
    drain_with_players_left(with_policy(ON_DRAIN_LATE_FORCE));
    ck_assert_int_eq(arguments_of(TASK_DRAIN)->on_drain_late, ON_DRAIN_LATE_FORCE);
    ck_assert_uint_eq(arguments_of(TASK_DRAIN)->drain_ms, 20000);
    core.cast.nodes[G1].sessions = 0;
    ck_assert(go_on_until(TASK_ADMIT));
    end_orders_of(TASK_ADMIT, OUTCOME_SUCCEEDED);
    beat();
    say_verb("rollback");
    ck_assert(go_on_until(TASK_DRAIN));
    ck_assert_int_eq(arguments_of(TASK_DRAIN)->on_drain_late, ON_DRAIN_LATE_FORCE);
    ck_assert_uint_eq(arguments_of(TASK_DRAIN)->drain_ms, 5000);
}
END_TEST

START_TEST(by_default_a_late_drain_fails_and_everything_goes_back)
{
    struct request request = to_new();

    drain_with_players_left(request);
    ck_assert_int_eq(core.control->open->work.plan->options.on_drain_late, ON_DRAIN_LATE_ABORT);
    ck_assert_int_eq(arguments_of(TASK_DRAIN)->on_drain_late, ON_DRAIN_LATE_ABORT);
    beats(31);
    ck_assert_uint_eq(core.rings, 0); /* its edge says so: nobody waits for it any longer */
    end_orders_of(TASK_DRAIN, OUTCOME_FAILED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

/* At the deadline, again and again, and with what follows. */
START_TEST(who_is_waited_for_beyond_the_deadline_rings_until_the_second_one)
{
    char why[SENTENCE_SIZE];
    size_t rings;

    drain_with_players_left(with_policy(ON_DRAIN_LATE_WAIT));
    while (core.now_ms - step_of(STAGE_DRAIN, "g1")->started_at_ms < 19000)
        beat();
    ck_assert_uint_eq(core.rings, 0);
    beats(2);
    ck_assert_uint_eq(core.rings, 1);
    ck_assert_ptr_nonnull(strstr(core.ring, "everything goes back"));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    rollout_reason(core.control, why);
    ck_assert_ptr_nonnull(strstr(why, "--on-drain-late wait"));
    rings = core.rings;
    beats(60);
    ck_assert_uint_eq(core.rings, rings + 1);
    end_orders_of(TASK_DRAIN, OUTCOME_FAILED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

START_TEST(the_step_may_take_as_long_as_its_players_may)
{
    plan(with_policy(ON_DRAIN_LATE_WAIT));
    ck_assert_uint_eq(step_of(STAGE_DRAIN, "g1")->plan->deadline_ms, 20000 + 100000 + 15000);
    ck_assert_uint_eq(step_of(STAGE_ADMIT, "g1")->plan->deadline_ms, 20000 + 15000);
    plan(with_policy(ON_DRAIN_LATE_ABORT));
    ck_assert_uint_eq(step_of(STAGE_DRAIN, "g1")->plan->deadline_ms, 20000 + 15000);
}
END_TEST

START_TEST(with_halt_it_says_so_and_the_drain_can_be_tried_again)
{
    struct request request = with_policy(ON_DRAIN_LATE_WAIT);
    struct request retry = {.step = 0};

    request.options.on_failure = ON_FAILURE_HALT;
    drain_with_players_left(request);
    beats(20);
    ck_assert_ptr_nonnull(strstr(core.ring, "the rollout halts"));
    end_orders_of(TASK_DRAIN, OUTCOME_FAILED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
    retry.step = step_of(STAGE_DRAIN, "g1")->plan->id;
    wish("retry", retry);
    ck_assert_int_eq(core.code, ERROR_OK);
}
END_TEST

/* It may believe for ever that it is being drained: it is told by its repair. */
START_TEST(a_server_that_cannot_be_told_holds_nobody_up_and_is_repaired)
{
    drain_with_players_left(with_policy(ON_DRAIN_LATE_ABORT));
    end_orders_of(TASK_NOTIFY, OUTCOME_SUCCEEDED);
    end_orders_of(TASK_DRAIN, OUTCOME_FAILED);
    ck_assert(go_on_until(TASK_RECALL));
    end_orders_of(TASK_RECALL, OUTCOME_FAILED);
    beats(2);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_HEALTH);
    go_on_to_the_end();
    ck_assert_int_ne(node_of("g1")->quarantine, QUARANTINE_NONE);
    ck_assert(go_on_until(TASK_RECALL));
    end_orders_of(TASK_RECALL, OUTCOME_SUCCEEDED);
    for (int i = 0; i < 10; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_NONE);
    ck_assert(!node_of("g1")->is_told);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase,
                   a_server_is_told_once_no_edge_sends_it_anybody_and_while_its_sessions_end);
    tcase_add_test(tcase, it_is_told_how_long_its_sessions_still_have_and_what_then);
    tcase_add_test(tcase, on_the_way_back_it_is_told_otherwise);
    tcase_add_test(tcase, a_drain_under_way_is_cancelled_on_the_way_back);
    tcase_add_test(
        tcase,
        sessions_are_cut_on_the_way_forward_only_if_somebody_says_so_and_soon_on_the_way_back);
    tcase_add_test(tcase, by_default_a_late_drain_fails_and_everything_goes_back);
    tcase_add_test(tcase, who_is_waited_for_beyond_the_deadline_rings_until_the_second_one);
    tcase_add_test(tcase, the_step_may_take_as_long_as_its_players_may);
    tcase_add_test(tcase, with_halt_it_says_so_and_the_drain_can_be_tried_again);
    tcase_add_test(tcase, a_server_that_cannot_be_told_holds_nobody_up_and_is_repaired);
}

SUITE("control: drains", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
