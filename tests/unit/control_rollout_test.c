/* A rollout from its start to its end, and the point of no return. */
#include "coordinator/core/planner.h"
#include "support/core.h"

/* ---- the rollout ---- */

START_TEST(a_rollout_of_everybody_ends_completed_and_its_contract_comes_after_the_last_soak)
{
    start(to_new());
    ck_assert(go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(step_of(STAGE_SOAK, "g3")->state, STEP_SUCCEEDED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_COMPLETING);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_uint_eq(core.control->summary_count, 1);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_COMPLETED);
}
END_TEST

START_TEST(a_rollback_brings_everybody_and_the_schema_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("rollback");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_uint_eq(core.control->summary_count, 1);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    for (size_t i = G1; i < G1 + CAST_GAMES; i++) {
        ck_assert_str_eq(core.cast.nodes[i].release, "old");
        ck_assert_int_eq(core.cast.nodes[i].traffic, TRAFFIC_READY);
    }
}
END_TEST

/* Nobody ever switched it, so that nobody would start it again on the way back. */
START_TEST(a_server_that_dies_before_its_switch_does_not_hold_up_the_way_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_DRAIN));
    core.cast.nodes[G1].is_dead = true;
    beat();
    say_verb("rollback");
    end_all_orders();
    ck_assert(go_on_until(TASK_RELEASE)); /* of its repair */
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
    ck_assert_int_eq(control_node(core.control, "g1")->quarantine, QUARANTINE_HEALTH);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
}
END_TEST

START_TEST(a_server_that_stays_unhealthy_on_the_old_release_is_not_let_in_by_the_way_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    core.cast.nodes[G1].is_sick = true;
    say_verb("rollback");
    for (int i = 0; i < 200 && core.control->open != NULL; i++) {
        for (size_t at = 0; at < core.cast.order_count; at++)
            ck_assert(core.cast.orders[at].task != TASK_ADMIT ||
                      strcmp(core.cast.orders[at].arguments.target, "g1") != 0 ||
                      core.cast.orders[at].id.direction == DIRECTION_DO);
        end_all_orders();
        beat();
    }
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
    ck_assert_int_eq(control_node(core.control, "g1")->quarantine, QUARANTINE_HEALTH);
    core.cast.nodes[G1].is_sick = false;
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}
END_TEST

/* A load balancer that came back without its state file, beside an agent that lost its ledger. */
START_TEST(a_server_that_an_edge_lets_in_again_is_cut_off_so_that_the_schema_can_go_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_RELEASE));
    end_all_orders();
    core.cast.nodes[G1].traffic = TRAFFIC_READY;
    beat();
    say_verb("rollback");
    ck_assert(go_on_until(TASK_ISOLATE));
    ck_assert_str_eq(core.cast.orders[0].arguments.target, "g1");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}
END_TEST

START_TEST(outages_of_the_coordinator_move_a_deadline_by_its_own_length_in_all)
{
    const struct step *expand;
    uint64_t deadline;

    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    expand = step_of(STAGE_EXPAND, NULL);
    deadline = expand->deadline_at_ms;
    for (int i = 0; i < 3; i++)
        restart_after(expand->plan->deadline_ms / 2 + 1);
    ck_assert_uint_eq(expand->deadline_at_ms, deadline + expand->plan->deadline_ms);
}
END_TEST

static void assert_last_word(enum rollout_state state, const char *part)
{
    const struct summary *last = core.control->summaries[core.control->summary_count - 1];

    ck_assert_int_eq(last->state, state);
    ck_assert_msg(strstr(last->why, part) != NULL, "\"%s\" is not in: %s", part, last->why);
}

START_TEST(completed_without_its_contracts_says_which_are_left)
{
    struct request request = to_new();
    struct name_item left_out = {"g3"};

    request.options.except = &left_out;
    request.options.except_count = 1;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_last_word(ROLLOUT_COMPLETED, "; contracts left undone: r1");
}
END_TEST

/* Nobody was moved, so that nobody's release tells where they were. */
START_TEST(an_inverse_brings_the_goal_back_too)
{
    struct request request = to_new();
    struct name_item left_out[] = {{"g1"}, {"g2"}, {"g3"}};

    request.options.except = left_out;
    request.options.except_count = CAST_GAMES;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_str_eq(control_goal(core.control, "main", "")->release, "new");
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_last_word(ROLLOUT_COMPLETED, "");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    ck_assert_str_eq(control_goal(core.control, "main", "")->release, "old");
}
END_TEST

static void assert_runs(size_t game, const char *release)
{
    ck_assert_str_eq(core.cast.nodes[game].release, release);
    ck_assert_int_eq(core.cast.nodes[game].traffic, TRAFFIC_READY);
}

/* g3 was left out the first time and goes along the second; taken back, only it goes back. */
START_TEST(who_is_there_already_is_not_moved_and_each_goes_back_to_its_own)
{
    struct request request = to_new();
    struct name_item left_out = {"g3"};

    request.options.except = &left_out;
    request.options.except_count = 1;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_runs(G3, "old");
    request.options.except_count = 0;
    request.options.hold = true;
    start(request);
    ck_assert_uint_eq(work_steps_of_target(&core.control->open->work, "g1").count, 0);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_runs(G3, "new");
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    say_verb("rollback");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->summaries[1]->state, ROLLOUT_REVERTED);
    assert_runs(G1, "new");
    assert_runs(G2, "new");
    assert_runs(G3, "old");
}
END_TEST

START_TEST(an_inverse_brings_each_to_what_it_ran_before)
{
    struct request request = to_new();
    struct name_item left_out = {"g3"};

    read_catalog_without_contracts(false);
    request.options.except = &left_out;
    request.options.except_count = 1;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    request.options.except_count = 0;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_runs(G3, "new");
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_last_word(ROLLOUT_COMPLETED, "");
    assert_runs(G1, "new");
    assert_runs(G3, "old");
    beats(30);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_runs(G1, "new"); /* and nobody repairs it away from there */
    assert_runs(G3, "old");
}
END_TEST

/* The plan never switched g3; its repair did, because its shard had arrived. */
START_TEST(what_a_repair_did_in_the_plan_s_stead_is_taken_back_with_it)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("pause");
    wish("skip",
         (struct request){.step = step_of(STAGE_RELEASE, "g3")->plan->id, .reason = "test"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    say_verb("resume");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    assert_runs(G3, "new");
    ck_assert_int_eq(step_of(STAGE_RELEASE, "g3")->state, STEP_SKIPPED);
    say_verb("rollback");
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_last_word(ROLLOUT_REVERTED, "");
    assert_runs(G3, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

START_TEST(abandoned_says_where_everybody_stands)
{
    struct request request = to_new();

    request.options.on_failure = ON_FAILURE_HALT;
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    core.cast.nodes[G1].is_sick = true;
    beats(10);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
    say_verb("abandon");
    assert_last_word(ROLLOUT_ABANDONED, "; as it stands: r1 on main");
    assert_last_word(ROLLOUT_ABANDONED, "g1 runs new, g2 runs old, g3 runs old");
}
END_TEST

/* ---- the point of no return ---- */

static void go_to_holding(void)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
}

START_TEST(a_released_holding_waits_until_every_precondition_is_met)
{
    go_to_holding();
    core.cast.nodes[DB1].is_silent = true;
    beats(20);
    say_verb("complete");
    ck_assert_int_eq(core.code, ERROR_OK);
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    core.cast.nodes[DB1].is_silent = false;
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_COMPLETING);
}
END_TEST

/* It may come back from a backup that does not know the schema. */
START_TEST(without_a_contract_too_a_rollout_is_not_done_while_a_primary_is_silent)
{
    struct request request = to_new();
    struct name_item left_out = {"g3"};

    request.options.hold = true;
    request.options.except = &left_out;
    request.options.except_count = 1;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    core.cast.nodes[DB1].is_silent = true;
    beats(20);
    say_verb("complete");
    ck_assert_int_eq(core.code, ERROR_OK);
    beats(2);
    ck_assert_ptr_nonnull(core.control->open);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    core.cast.nodes[DB1].is_silent = false;
    beats(2);
    assert_last_word(ROLLOUT_COMPLETED, "done, without a contract");
}
END_TEST

START_TEST(there_is_no_way_back_once_a_contract_is_about_to_begin)
{
    struct adopted adopted = {.is_refused = true};

    go_to_holding();
    say(DB1, MESSAGE_ADOPTED, &adopted); /* so that the contract cannot be ordered yet */
    say_verb("complete");
    ck_assert_int_eq(core.control->open->state, ROLLOUT_COMPLETING);
    ck_assert(!core.control->open->has_contracted);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_COMPLETING);
}
END_TEST

START_TEST(without_retries_the_first_failure_turns_the_rollout_back)
{
    struct request request = to_new();

    planner_defaults(&request.options);
    request.options.is_exact = true;
    request.options.retries = 0;
    start(request);
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_FAILED, true);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(
        tcase, a_rollout_of_everybody_ends_completed_and_its_contract_comes_after_the_last_soak);
    tcase_add_test(tcase, a_rollback_brings_everybody_and_the_schema_back);
    tcase_add_test(tcase, completed_without_its_contracts_says_which_are_left);
    tcase_add_test(tcase, an_inverse_brings_the_goal_back_too);
    tcase_add_test(tcase, who_is_there_already_is_not_moved_and_each_goes_back_to_its_own);
    tcase_add_test(tcase, an_inverse_brings_each_to_what_it_ran_before);
    tcase_add_test(tcase, what_a_repair_did_in_the_plan_s_stead_is_taken_back_with_it);
    tcase_add_test(tcase, abandoned_says_where_everybody_stands);
    tcase_add_test(tcase, outages_of_the_coordinator_move_a_deadline_by_its_own_length_in_all);
    tcase_add_test(tcase, a_server_that_dies_before_its_switch_does_not_hold_up_the_way_back);
    tcase_add_test(tcase,
                   a_server_that_stays_unhealthy_on_the_old_release_is_not_let_in_by_the_way_back);
    tcase_add_test(tcase,
                   a_server_that_an_edge_lets_in_again_is_cut_off_so_that_the_schema_can_go_back);
    tcase_add_test(tcase, without_a_contract_too_a_rollout_is_not_done_while_a_primary_is_silent);
    tcase_add_test(tcase, a_released_holding_waits_until_every_precondition_is_met);
    tcase_add_test(tcase, there_is_no_way_back_once_a_contract_is_about_to_begin);
    tcase_add_test(tcase, without_retries_the_first_failure_turns_the_rollout_back);
}

SUITE("control: rollout", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
