/* Blue-green game servers: which colour is live, who rests, and what a switch waits for. */
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "support/core.h"

static const struct node *node_named(const char *name)
{
    return control_node(core.control, name);
}

static void accept_as(size_t at, const char *colour)
{
    struct request request = {.verb = ""};

    core.cast.nodes[at].colour = colour;
    cast_fill_node(&core.cast, at, &request);
    wish("accept", request);
}

static void live_along(int count)
{
    for (int i = 0; i < count; i++) {
        beat();
        end_all_orders();
    }
}

/* g1 is blue and has the traffic; g2 and g3 are green. */
static void set_up(void)
{
    core_set_up();
    core.cast.nodes[EDGE1].live = core.cast.nodes[EDGE2].live = "blue";
    accept_as(G1, "blue");
    accept_as(G2, "green");
    accept_as(G3, "green");
    live_along(25);
}

static struct request to_green(void)
{
    struct request request = to_new();

    request.strategy = STRATEGY_BLUE_GREEN;
    return request;
}

static enum rollout_state last_end(void)
{
    return core.control->summaries[core.control->summary_count - 1]->state;
}

/* ---- who rests ---- */

START_TEST(the_colour_that_gets_no_traffic_rests_and_counts_for_nothing)
{
    struct shard_count count = fleet_count(core.control, "main");

    ck_assert_str_eq(colour_live(core.control, "main"), "blue");
    ck_assert(!colour_rests(core.control, node_named("g1")));
    ck_assert(colour_is_warm(core.control, node_named("g2")));
    ck_assert_int_eq(node_named("g2")->quarantine, QUARANTINE_NONE);
    ck_assert_uint_eq(count.games, 3);
    ck_assert_uint_eq(count.ready, 1);
    ck_assert_uint_eq(count.unavailable, 0);
    core.cast.nodes[G2].is_sick = true;
    beat();
    ck_assert(!colour_is_warm(core.control, node_named("g2")));
    ck_assert_uint_eq(fleet_count(core.control, "main").unavailable, 0);
}
END_TEST

START_TEST(one_edge_alone_does_not_say_which_colour_is_live)
{
    core.cast.nodes[EDGE1].live = "green";
    beat();
    ck_assert_str_eq(colour_reported(core.control, "main"), "");
    ck_assert_str_eq(colour_live(core.control, "main"), "blue");
    ck_assert(!colour_rests(core.control, node_named("g2"))); /* one edge sends it traffic */
    ck_assert(node_is_ready(core.control, node_named("g1")));
    ck_assert(node_is_ready(core.control, node_named("g2")));
    core.cast.nodes[EDGE2].live = "green";
    beat();
    ck_assert_str_eq(colour_live(core.control, "main"), "green");
    ck_assert(colour_rests(core.control, node_named("g1")));
}
END_TEST

/* A restart folds the journal's facts into a new state, before any edge has reported. */
START_TEST(what_is_live_is_known_after_a_restart)
{
    struct control *restarted = control_new(core.memory);
    struct fact_live live = {.shard = "main", .colour = "blue"};
    struct fact fact = {.type = FACT_LIVE, .at_ms = core.now_ms, .body = &live};
    struct error err;

    ck_assert(fact_row(FACT_LIVE)->is_durable);
    ck_assert_str_eq(colour_live(restarted, "main"), "");
    ck_assert_int_eq(control_apply(restarted, &fact, &err), ERROR_OK);
    ck_assert_str_eq(colour_live(restarted, "main"), "blue");
}
END_TEST

/* ---- what is planned ---- */

START_TEST(a_plan_makes_the_idle_colour_ready_switches_and_retires_the_other_before_the_contract)
{
    const struct step *first_switch;

    plan(to_green());
    first_switch = step_of(STAGE_SWITCH, NULL);
    ck_assert_ptr_nonnull(first_switch);
    ck_assert_str_eq(first_switch->plan->colour, "green");
    ck_assert_str_eq(first_switch->plan->colour_before, "blue");
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_EXPAND, NULL)));
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_RELEASE, "g2")));
    ck_assert(waits_for(first_switch, step_of(STAGE_ADMIT, "g2")));
    ck_assert(waits_for(first_switch, step_of(STAGE_SMOKE, "g3")));
    ck_assert(waits_for(step_of(STAGE_SOAK, "g3"), first_switch));
    ck_assert(waits_for(step_of(STAGE_HOLD, NULL), step_of(STAGE_SOAK, "g2")));
    ck_assert(waits_for(step_of(STAGE_RELEASE, "g1"), step_of(STAGE_HOLD, NULL)));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_ADMIT, "g1")));
}
END_TEST

START_TEST(a_rehearsal_in_front_is_over_before_the_idle_colour_is_touched)
{
    struct request request = to_green();

    request.options.shadow = true;
    plan(request);
    ck_assert(waits_for(step_of(STAGE_EXPAND, NULL), step_of(STAGE_DISCARD, NULL)));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_REHEARSE, NULL)));
}
END_TEST

START_TEST(without_a_contract_the_other_colour_stays_as_it_is)
{
    read_catalog_without_contracts(false);
    plan(to_green());
    for (size_t i = 0; i < core.control->open->work.count; i++)
        ck_assert(core.control->open->work.steps[i].plan->stage != STAGE_RELEASE ||
                  strcmp(core.control->open->work.steps[i].plan->target, "g1") != 0);
}
END_TEST

START_TEST(what_cannot_be_switched_is_refused_in_a_sentence)
{
    struct request request = to_green();

    request.release[0] = '\0';
    (void)text_copy(request.revision, NAME_SIZE, "r1");
    assert_no_plan(request, ERROR_USAGE, "--release");
    core.cast.nodes[EDGE2].live = "green";
    beat();
    assert_no_plan(to_green(), ERROR_REFUSED, "do not agree which colour");
    core.cast.nodes[EDGE2].live = "";
    beat();
    assert_no_plan(to_green(), ERROR_REFUSED, "edge2 carries shard main and knows no colours");
}
END_TEST

START_TEST(a_node_without_a_colour_or_with_a_third_one_is_named)
{
    accept_as(G3, "");
    live_along(20);
    assert_no_plan(to_green(), ERROR_REFUSED, "g3 has no colour");
    accept_as(G3, "red");
    live_along(20);
    assert_no_plan(to_green(), ERROR_REFUSED, "more colours than two");
    accept_as(G2, "blue");
    accept_as(G3, "blue");
    live_along(20);
    assert_no_plan(to_green(), ERROR_REFUSED, "no other colour");
}
END_TEST

START_TEST(a_server_that_nobody_looks_after_is_not_switched_to)
{
    wish("remove", (struct request){.node = "g3"});
    assert_no_plan(to_green(), ERROR_REFUSED, "has g3 among its green ones");
}
END_TEST

START_TEST(a_strategy_of_hakem_s_own_cannot_be_asked_for)
{
    struct request request = to_new();

    request.strategy = STRATEGY_INVERSE;
    assert_no_plan(request, ERROR_USAGE,
                   "rolling, blue-green, database-blue-green, maintenance and shadow are");
}
END_TEST

/* ---- how it goes ---- */

START_TEST(a_rollout_that_switches_ends_with_everybody_on_the_new_release)
{
    start(to_green());
    ck_assert(go_on_until(TASK_SWITCH));
    ck_assert_str_eq(core.cast.nodes[G2].release, "new");
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
    ck_assert_str_eq(core.cast.nodes[EDGE2].live, "green");
    ck_assert_str_eq(core.cast.nodes[G1].release, "new"); /* before the contract */
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, 2);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}
END_TEST

START_TEST(rolled_back_after_the_switch_the_traffic_goes_first_and_the_schema_last)
{
    struct request request = to_green();

    request.options.hold = true;
    start(request);
    (void)go_on_until(TASK_CONTRACT);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
    say_verb("rollback");
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "blue");
    ck_assert_str_eq(core.cast.nodes[EDGE2].live, "blue");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(last_end(), ROLLOUT_REVERTED);
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    ck_assert(colour_rests(core.control, node_named("g2")));
}
END_TEST

START_TEST(half_switched_is_no_state_an_edge_that_fails_takes_the_others_back)
{
    struct request request = to_green();

    request.options.on_failure = ON_FAILURE_HALT; /* even then */
    start(request);
    ck_assert(go_on_until(TASK_SWITCH));
    ck_assert_uint_eq(core.cast.order_count, 2);
    end_order(0, OUTCOME_SUCCEEDED, false);
    end_order(0, OUTCOME_FAILED, false);
    beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(last_end(), ROLLOUT_REVERTED);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "blue");
    ck_assert_str_eq(core.cast.nodes[EDGE2].live, "blue");
}
END_TEST

/* Its gate has passed, and then it fails: nobody is switched to it. */
START_TEST(a_colour_that_is_unhealthy_by_then_is_not_switched_to)
{
    char why[SENTENCE_SIZE];

    start(to_green());
    ck_assert(go_on_until(TASK_ADMIT));
    core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = true;
    live_along(3);
    ck_assert_int_eq(step_of(STAGE_SWITCH, NULL)->state, STEP_DUE);
    ck_assert_ptr_nonnull(colour_fault(core.control, "main", "green", "new", 1, why));
    ck_assert_ptr_nonnull(strstr(why, "0 of the green game nodes are healthy"));
    core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = false;
    live_along(3);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
}
END_TEST

/* What edge1 says, with one server more. */
static void report_with_stranger(enum traffic_state state)
{
    struct report report;
    struct server_traffic servers[CAST_GAMES + 1] = {{.sessions = 0}};

    cast_fill_report(&core.cast, EDGE1, core.memory, &report);
    for (size_t i = 0; i < report.server_count; i++)
        servers[i] = report.servers[i];
    servers[report.server_count] = (struct server_traffic){
        .node = "g9", .colour = "green", .state = state, .check_passes = true};
    report.servers = servers;
    report.server_count++;
    report_as("edge1", &report);
}

START_TEST(a_server_that_somebody_adds_meanwhile_is_not_switched_to_unless_it_is_held_out)
{
    char why[SENTENCE_SIZE];

    start(to_green());
    ck_assert(go_on_until(TASK_ADMIT));
    core.cast.nodes[EDGE1].is_silent = true;
    for (int i = 0; i < 5; i++) {
        beat();
        report_with_stranger(TRAFFIC_IDLE);
        end_all_orders();
    }
    ck_assert_int_eq(step_of(STAGE_SWITCH, NULL)->state, STEP_DUE);
    ck_assert_ptr_nonnull(colour_fault(core.control, "main", "green", "new", 1, why));
    ck_assert_ptr_nonnull(strstr(why, "edge1 has g9 among its green ones"));
    beat();
    report_with_stranger(TRAFFIC_MAINTENANCE);
    settle();
    ck_assert_int_eq(step_of(STAGE_SWITCH, NULL)->state, STEP_ORDERED);
}
END_TEST

/* The switch was ordered; a primary that lacks the schema is promoted. */
START_TEST(a_promotion_in_the_middle_of_a_switch_lets_that_end_before_anybody_is_taken_out)
{
    start(to_green());
    ck_assert(go_on_until(TASK_SWITCH));
    core.cast.primary = DB2;
    core.cast.timeline++;
    core.cast.nodes[DB2].applied = core.cast.nodes[DB2].expanded = 1;
    beats(2);
    ck_assert_int_eq(step_of(STAGE_DRAIN, "g2")->state, STEP_SUCCEEDED);
    ck_assert_int_eq(step_of(STAGE_SWITCH, NULL)->state, STEP_ORDERED);
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
    ck_assert_uint_eq(core.cast.nodes[DB2].contracted, 2);
}
END_TEST

START_TEST(what_has_no_contract_is_taken_back_by_a_switch_and_the_colour_that_was_left_is_warm)
{
    read_catalog_without_contracts(false);
    start(to_green());
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    live_along(20);
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
    ck_assert_str_eq(fleet_goal(core.control, node_named("g1")), "old");
    ck_assert_int_eq(node_named("g1")->quarantine, QUARANTINE_NONE);
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "blue");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

/* Nobody misses it: it takes no traffic. */
START_TEST(a_node_that_cannot_be_retired_is_left_to_its_repair_and_the_contract_goes_on)
{
    start(to_green());
    while (core.control->open != NULL && core.control->open->state != ROLLOUT_COMPLETING)
        live_along(1);
    core.cast.nodes[G1].is_sick = true;
    (void)go_on_until(TASK_REVERT);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, 2);
    ck_assert_int_eq(node_named("g1")->quarantine, QUARANTINE_HEALTH);
    core.cast.nodes[G1].is_sick = false;
    wish("admit", (struct request){.node = "g1"});
    live_along(30);
    ck_assert_int_eq(node_named("g1")->quarantine, QUARANTINE_NONE);
    ck_assert_str_eq(core.cast.nodes[G1].release, "new");
}
END_TEST

/* The plan does not know of it: it was away. The way back may need it as it is. */
START_TEST(a_node_of_the_colour_that_was_left_stays_warm_until_the_hold_is_over)
{
    struct request request = to_green();

    request.options.hold = true;
    accept_as(G2, "blue"); /* so that two are blue */
    live_along(20);
    core.cast.nodes[G2].is_silent = true;
    beats(40);
    start(request);
    core.cast.nodes[G2].is_silent = false;
    while (core.control->open->state == ROLLOUT_ADVANCING)
        live_along(1);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    live_along(20);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
    ck_assert_str_eq(fleet_goal(core.control, node_named("g2")), "old");
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
    say_verb("complete");
    (void)go_on_until(TASK_REVERT);
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[G2].release, "new");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_colour_that_gets_no_traffic_rests_and_counts_for_nothing);
    tcase_add_test(tcase, one_edge_alone_does_not_say_which_colour_is_live);
    tcase_add_test(tcase, what_is_live_is_known_after_a_restart);
    tcase_add_test(
        tcase,
        a_plan_makes_the_idle_colour_ready_switches_and_retires_the_other_before_the_contract);
    tcase_add_test(tcase, a_rehearsal_in_front_is_over_before_the_idle_colour_is_touched);
    tcase_add_test(tcase, without_a_contract_the_other_colour_stays_as_it_is);
    tcase_add_test(tcase, what_cannot_be_switched_is_refused_in_a_sentence);
    tcase_add_test(tcase, a_node_without_a_colour_or_with_a_third_one_is_named);
    tcase_add_test(tcase, a_server_that_nobody_looks_after_is_not_switched_to);
    tcase_add_test(tcase, a_strategy_of_hakem_s_own_cannot_be_asked_for);
    tcase_add_test(tcase, a_rollout_that_switches_ends_with_everybody_on_the_new_release);
    tcase_add_test(tcase, rolled_back_after_the_switch_the_traffic_goes_first_and_the_schema_last);
    tcase_add_test(tcase, half_switched_is_no_state_an_edge_that_fails_takes_the_others_back);
    tcase_add_test(tcase, a_colour_that_is_unhealthy_by_then_is_not_switched_to);
    tcase_add_test(tcase,
                   a_promotion_in_the_middle_of_a_switch_lets_that_end_before_anybody_is_taken_out);
    tcase_add_test(tcase,
                   a_server_that_somebody_adds_meanwhile_is_not_switched_to_unless_it_is_held_out);
    tcase_add_test(
        tcase, what_has_no_contract_is_taken_back_by_a_switch_and_the_colour_that_was_left_is_warm);
    tcase_add_test(tcase, a_node_of_the_colour_that_was_left_stays_warm_until_the_hold_is_over);
    tcase_add_test(tcase,
                   a_node_that_cannot_be_retired_is_left_to_its_repair_and_the_contract_goes_on);
}

SUITE("control: colours", {.add = add_all, .set_up = set_up, .tear_down = core_tear_down})
