/* Whom the coordinator believes about an order, and what it never takes for undone. */
#include "support/core.h"

/* ---- whom it believes ---- */

static void make_expand_unknown(void)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    core.cast.nodes[DB1].is_silent = true;
    beats(20);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
}

START_TEST(what_a_lost_primary_did_only_a_database_of_its_shard_can_prove)
{
    struct finding_report did = {.finding = FINDING_DID, .of_replica = true};
    struct finding_report did_not = {.finding = FINDING_DID_NOT, .of_replica = true};

    make_expand_unknown();
    did.id = did_not.id = core.cast.orders[0].id;
    say(G1, MESSAGE_FINDING, &did);
    say(EDGE1, MESSAGE_FINDING, &did);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB2, MESSAGE_FINDING, &did_not); /* its absence there means nothing */
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB2, MESSAGE_FINDING, &did);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(another_node_s_words_about_an_order_are_not_heard)
{
    struct task_outcome outcome = {.outcome = OUTCOME_SUCCEEDED};

    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    outcome.id = core.cast.orders[0].id;
    say(DB2, MESSAGE_OUTCOME, &outcome);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_ORDERED);
    outcome.id.attempt++;
    say(DB1, MESSAGE_OUTCOME, &outcome);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_ORDERED);
}
END_TEST

/* ---- what a preflight is told ---- */

static const struct order *order_to(size_t node)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (strcmp(core.cast.ordered[i], core.cast.nodes[node].name) == 0)
            return &core.cast.orders[i];
    ck_abort_msg("%s has no order", core.cast.nodes[node].name);
    return NULL;
}

START_TEST(a_preflight_says_what_the_database_is_and_whom_an_edge_must_know)
{
    start(to_new());
    ck_assert_int_eq(order_to(DB1)->task, TASK_PREFLIGHT);
    ck_assert_int_eq(order_to(DB1)->arguments.part, PART_PRIMARY);
    ck_assert_int_eq(order_to(DB2)->arguments.part, PART_REPLICA);
    ck_assert_str_ne(order_to(DB2)->arguments.system_id, "");
    ck_assert_int_eq(order_to(G1)->arguments.part, PART_NOT_KNOWN);
    ck_assert_str_eq(core.games, "g1 g2 g3 ");
    core.games[0] = '\0';
    ck_assert(go_on_until(TASK_EXPAND));
    ck_assert_str_eq(core.games, "");
    ck_assert_int_eq(order_to(DB1)->arguments.part, PART_NOT_KNOWN);
}
END_TEST

/* ---- what may have had an effect ---- */

/* Failed for now and waiting for its next attempt, it was passed over as "never ordered": what the
 * first attempt had done stayed. */
START_TEST(an_attempt_that_failed_for_now_is_taken_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    say_verb("pause");
    end_order(0, OUTCOME_FAILED, true);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_DUE);
    say_verb("rollback");
    ck_assert(go_on_until(TASK_REVERT));
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->direction, DIRECTION_UNDO);
}
END_TEST

START_TEST(what_was_never_ordered_is_not_taken_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_CANCELLED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    beats(3);
    ck_assert_int_eq(step_of(STAGE_RELEASE, "g1")->direction, DIRECTION_UNDO);
    ck_assert_int_eq(step_of(STAGE_RELEASE, "g1")->state, STEP_SKIPPED);
    for (size_t i = 0; i < core.cast.order_count; i++)
        ck_assert_int_ne(core.cast.orders[i].task, TASK_RELEASE);
}
END_TEST

START_TEST(a_cancelled_step_is_unknown_until_its_agent_has_answered)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    say_verb("rollback");
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    ck_assert(step_of(STAGE_EXPAND, NULL)->had_effect);
}
END_TEST

START_TEST(a_deadline_makes_a_step_unknown_and_never_succeeded)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    core.now_ms = step_of(STAGE_EXPAND, NULL)->deadline_at_ms;
    for (size_t i = 0; i < CAST_NODES; i++)
        report_one(i);
    settle();
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
}
END_TEST

START_TEST(an_order_that_never_arrived_is_no_success_on_the_way_back)
{
    struct finding_report unheard = {.finding = FINDING_NEVER_HEARD};

    make_expand_unknown();
    unheard.id = core.cast.orders[0].id;
    say_verb("rollback");
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB1, MESSAGE_FINDING, &unheard);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_CANCELLED);
    ck_assert(!step_of(STAGE_EXPAND, NULL)->had_effect);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_a_lost_primary_did_only_a_database_of_its_shard_can_prove);
    tcase_add_test(tcase, another_node_s_words_about_an_order_are_not_heard);
    tcase_add_test(tcase, a_preflight_says_what_the_database_is_and_whom_an_edge_must_know);
    tcase_add_test(tcase, an_attempt_that_failed_for_now_is_taken_back);
    tcase_add_test(tcase, what_was_never_ordered_is_not_taken_back);
    tcase_add_test(tcase, a_cancelled_step_is_unknown_until_its_agent_has_answered);
    tcase_add_test(tcase, a_deadline_makes_a_step_unknown_and_never_succeeded);
    tcase_add_test(tcase, an_order_that_never_arrived_is_no_success_on_the_way_back);
}

SUITE("control: effect", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
