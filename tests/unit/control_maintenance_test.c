/* Maintenance: everybody out, pools held back, the schema changed, everybody in again; or all of it
 * taken back.
 */
#include "coordinator/core/fleet.h"
#include "support/core.h"

#include <string.h>

static struct request maintenance(void)
{
    struct request request = to_new();

    request.strategy = STRATEGY_MAINTENANCE;
    return request;
}

/* The n-th of the open rollout's steps of that stage, from 1. */
static const struct step *nth(enum stage stage, int n)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == stage && --n == 0)
            return &work->steps[i];
    ck_abort_msg("no such step");
    return NULL;
}

static bool is_open(void)
{
    return core.control->open != NULL;
}

/* A beat, in which everything that was ordered before succeeds: what is ordered again before a
 * report has come waits for the next. */
static void go_on(void)
{
    for (size_t left = core.cast.order_count; left > 0; left--)
        end_order(0, OUTCOME_SUCCEEDED, false);
    beat();
}

static void go_on_to_the_end(void)
{
    for (int i = 0; i < 300 && is_open(); i++)
        go_on();
    ck_assert(!is_open());
}

static const struct summary *last(void)
{
    return core.control->summaries[core.control->summary_count - 1];
}

static void assert_plays(const struct cast_node *game, const char *release)
{
    ck_assert_str_eq(game->release, release);
    ck_assert_int_eq(game->traffic, TRAFFIC_READY);
}

static void assert_everybody_plays(const char *release)
{
    for (size_t i = G1; i <= G3; i++)
        assert_plays(&core.cast.nodes[i], release);
    ck_assert(!core.cast.nodes[POOL1].is_paused);
}

static size_t order_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (core.cast.orders[i].task == task)
            return i;
    ck_abort_msg("no such order");
    return 0;
}

/* ---- plans ---- */

START_TEST(the_schema_changes_between_a_pause_and_a_resume_and_contracts_wait_for_health)
{
    plan(maintenance());
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_ANNOUNCE, "g3")));
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_DRAIN, "g1")));
    ck_assert(waits_for(nth(STAGE_PAUSE, 1), step_of(STAGE_OUT, "g3")));
    ck_assert(waits_for(step_of(STAGE_EXPAND, NULL), nth(STAGE_PAUSE, 1)));
    ck_assert(waits_for(nth(STAGE_RESUME, 1), step_of(STAGE_VERIFY, NULL)));
    ck_assert(waits_for(step_of(STAGE_RELEASE, "g1"), nth(STAGE_RESUME, 1)));
    ck_assert(waits_for(step_of(STAGE_HOLD, NULL), step_of(STAGE_HEALTHY, "g2")));
    ck_assert(waits_for(nth(STAGE_PAUSE, 2), step_of(STAGE_HOLD, NULL)));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), nth(STAGE_PAUSE, 2)));
    ck_assert(waits_for(nth(STAGE_RESUME, 2), step_of(STAGE_CONTRACT, NULL)));
    ck_assert(waits_for(step_of(STAGE_ADMIT, "g1"), nth(STAGE_RESUME, 2)));
    ck_assert_str_eq(nth(STAGE_PAUSE, 1)->plan->node, "pool1");
}
END_TEST

START_TEST(without_contracts_players_are_let_in_before_the_hold)
{
    read_catalog_without_contracts(false);
    plan(maintenance());
    ck_assert(waits_for(step_of(STAGE_HOLD, NULL), step_of(STAGE_ADMIT, "g3")));
    ck_assert(waits_for(step_of(STAGE_ADMIT, "g1"), step_of(STAGE_HEALTHY, "g3")));
}
END_TEST

START_TEST(nobody_has_to_stay_ready_and_the_budget_is_part_of_the_plan)
{
    struct request request = maintenance();
    const struct rollout_options *options;
    char digest[DIGEST_SIZE];

    request.options.min_ready = 3; /* by turns that would be refused */
    plan(request);
    options = &core.control->open->work.plan->options;
    ck_assert_uint_eq(options->min_ready, 0);
    ck_assert_uint_eq(options->budget_ms, 600000);
    (void)text_copy(digest, sizeof(digest), core.control->open->work.plan->digest);
    request.options.budget_ms = 60000;
    plan(request);
    ck_assert_str_ne(core.control->open->work.plan->digest, digest);
}
END_TEST

/* Nobody is in traffic on it meanwhile. */
START_TEST(what_could_not_stay_in_traffic_can_be_moved)
{
    core.cast.nodes[G1].release = "new";
    beat();
    assert_no_plan(to_new(), ERROR_INCOMPATIBLE, "could not stay in traffic");
    plan(maintenance());
}
END_TEST

START_TEST(what_is_no_maintenance_s_is_refused_with_what_to_do)
{
    struct request request = maintenance();
    struct name_item except = {"g1"};

    request.options.except = &except;
    request.options.except_count = 1;
    assert_no_plan(request, ERROR_REFUSED, "none can be left out");
    request = to_new();
    request.options.budget_ms = 1000;
    assert_no_plan(request, ERROR_USAGE, "--budget is a maintenance's");
    request = to_new();
    request.strategy = STRATEGY_INVERSE;
    assert_no_plan(request, ERROR_USAGE,
                   "rolling, blue-green, database-blue-green, maintenance and shadow are");
}
END_TEST

START_TEST(a_pooler_that_was_let_in_as_a_load_balancer_is_named)
{
    struct report report;
    struct request request = {.kind = KIND_EDGE, .node = "pool1"};

    (void)text_format(request.key, KEY_TEXT_SIZE, "%040d", POOL1);
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_OK);
    cast_fill_report(&core.cast, POOL1, core.memory, &report);
    report_as("pool1", &report);
    assert_no_plan(to_new(), ERROR_REFUSED, "accept its key again with --pooler");
    request.is_pooler = true;
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_INVALID); /* of which shard? */
    (void)text_copy(request.shard, NAME_SIZE, "main");
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_OK);
    plan(to_new());
}
END_TEST

/* ---- there ---- */

START_TEST(everybody_is_out_while_the_schema_changes_and_in_at_the_end)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_EXPAND));
    ck_assert(core.cast.nodes[POOL1].is_paused);
    for (size_t i = G1; i <= G3; i++)
        ck_assert_int_eq(core.cast.nodes[i].traffic, TRAFFIC_DRAIN);
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert(!core.cast.nodes[POOL1].is_paused);
    ck_assert(go_on_until(TASK_CONTRACT));
    ck_assert(core.cast.nodes[POOL1].is_paused);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_COMPLETED);
    ck_assert_int_eq(last()->strategy, STRATEGY_MAINTENANCE);
    assert_everybody_plays("new");
}
END_TEST

START_TEST(a_pool_that_was_let_go_is_paused_again_before_anything_else_is_done)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_EXPAND));
    core.cast.nodes[POOL1].is_paused = false; /* its agent had not heard of us for too long */
    beats(2);
    ck_assert_int_eq(nth(STAGE_PAUSE, 1)->state, STEP_ORDERED);
    end_order(order_of(TASK_EXPAND), OUTCOME_SUCCEEDED, false);
    beats(2);
    for (size_t i = 0; i < core.cast.order_count; i++)
        ck_assert_int_ne(core.cast.orders[i].task, TASK_BACKFILL);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_COMPLETED);
    assert_everybody_plays("new");
}
END_TEST

/* Its agent may have opened it since: that it was paused once proves nothing. */
START_TEST(no_phase_begins_before_every_pooler_has_said_afresh_that_its_pool_is_paused)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_PAUSE_POOL));
    core.cast.nodes[POOL1].is_silent = true;
    for (int i = 0; i < 12; i++)
        go_on();
    ck_assert_int_eq(nth(STAGE_PAUSE, 1)->state, STEP_SUCCEEDED);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_DUE);
    core.cast.nodes[POOL1].is_silent = false;
    beats(2);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_ORDERED);
}
END_TEST

/* A pooler's agent that is told nothing opens its pool after a while. */
START_TEST(a_pause_stands_while_the_rollout_goes_on_and_not_while_it_waits_for_a_person)
{
    ck_assert_uint_eq(fleet_standing_pauses(core.control), 0);
    plan(maintenance());
    ck_assert_uint_eq(fleet_standing_pauses(core.control), 0);
    say_verb("start");
    ck_assert_uint_eq(fleet_standing_pauses(core.control), 1);
    say_verb("pause");
    ck_assert_uint_eq(fleet_standing_pauses(core.control), 0);
    say_verb("resume");
    ck_assert_uint_eq(fleet_standing_pauses(core.control), 1);
    say_verb("rollback");
    ck_assert_uint_eq(fleet_standing_pauses(core.control), core.control->open != NULL ? 1 : 0);
}
END_TEST

/* Its shard is closed: what would be repaired into traffic waits. */
START_TEST(a_node_in_quarantine_is_not_let_in_meanwhile)
{
    core.cast.nodes[G3].is_silent = true;
    beats(16);
    ck_assert_int_eq(control_node(core.control, "g3")->quarantine, QUARANTINE_ABSENCE);
    go_on();
    start(maintenance());
    ck_assert(go_on_until(TASK_EXPAND));
    core.cast.nodes[G3].is_silent = false;
    beats(5);
    ck_assert_ptr_null(control_node(core.control, "g3")->repair);
    ck_assert(fleet_is_closed(core.control, "main"));
    go_on_to_the_end();
    for (int i = 0; i < 60; i++)
        go_on();
    ck_assert_int_eq(control_node(core.control, "g3")->quarantine, QUARANTINE_NONE);
    assert_everybody_plays("new");
}
END_TEST

/* ---- and back ---- */

/* It was away when the plan was made, which leaves it out, and comes back on the new release: the
 * schema cannot go back under it, and nobody but its repair brings it back. */
START_TEST(a_node_that_the_plan_left_out_is_brought_back_before_the_schema_is)
{
    core.cast.nodes[G3].is_silent = true;
    beats(16);
    go_on();
    core.cast.nodes[G3].release = "new";
    core.cast.nodes[G3].traffic = TRAFFIC_MAINTENANCE;
    start(maintenance());
    ck_assert(go_on_until(TASK_RELEASE));
    core.cast.nodes[G3].is_silent = false;
    beats(2);
    say_verb("rollback");
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_REVERTED);
    ck_assert_str_eq(core.cast.nodes[G3].release, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

START_TEST(a_pool_that_cannot_be_paused_brings_everybody_back)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_PAUSE_POOL));
    end_order(order_of(TASK_PAUSE_POOL), OUTCOME_FAILED, false);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_REVERTED);
    assert_everybody_plays("old");
}
END_TEST

START_TEST(a_pool_that_cannot_be_paused_for_the_contract_brings_everybody_back_too)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert(go_on_until(TASK_PAUSE_POOL));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_COMPLETING);
    end_order(order_of(TASK_PAUSE_POOL), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_REVERTED);
    assert_everybody_plays("old");
}
END_TEST

START_TEST(after_the_first_contract_nothing_goes_back)
{
    start(maintenance());
    ck_assert(go_on_until(TASK_CONTRACT));
    core.now_ms += 600000; /* the budget, too */
    end_order(order_of(TASK_CONTRACT), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_STUCK);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
}
END_TEST

START_TEST(a_third_of_the_budget_is_kept_for_the_way_back)
{
    struct request request = maintenance();

    request.options.budget_ms = 90000;
    start(request);
    ck_assert(go_on_until(TASK_BACKFILL));
    while (core.now_ms - core.control->open->started_at_ms < 59000)
        beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    end_order(order_of(TASK_BACKFILL), OUTCOME_CANCELLED, false);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_REVERTED);
    assert_everybody_plays("old");
}
END_TEST

START_TEST(a_budget_runs_on_while_a_person_is_waited_for)
{
    struct request request = maintenance();

    request.options.budget_ms = 90000;
    start(request);
    ck_assert(go_on_until(TASK_EXPAND));
    say_verb("pause");
    end_all_orders();
    beats(60);
    ck_assert(core.control->open == NULL || core.control->open->state == ROLLOUT_REVERTING);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase,
                   the_schema_changes_between_a_pause_and_a_resume_and_contracts_wait_for_health);
    tcase_add_test(tcase, without_contracts_players_are_let_in_before_the_hold);
    tcase_add_test(tcase, nobody_has_to_stay_ready_and_the_budget_is_part_of_the_plan);
    tcase_add_test(tcase, what_could_not_stay_in_traffic_can_be_moved);
    tcase_add_test(tcase, what_is_no_maintenance_s_is_refused_with_what_to_do);
    tcase_add_test(tcase, a_pooler_that_was_let_in_as_a_load_balancer_is_named);
    tcase_add_test(tcase, everybody_is_out_while_the_schema_changes_and_in_at_the_end);
    tcase_add_test(tcase, a_pool_that_was_let_go_is_paused_again_before_anything_else_is_done);
    tcase_add_test(tcase,
                   no_phase_begins_before_every_pooler_has_said_afresh_that_its_pool_is_paused);
    tcase_add_test(tcase,
                   a_pause_stands_while_the_rollout_goes_on_and_not_while_it_waits_for_a_person);
    tcase_add_test(tcase, a_node_in_quarantine_is_not_let_in_meanwhile);
    tcase_add_test(tcase, a_node_that_the_plan_left_out_is_brought_back_before_the_schema_is);
    tcase_add_test(tcase, a_pool_that_cannot_be_paused_brings_everybody_back);
    tcase_add_test(tcase, a_pool_that_cannot_be_paused_for_the_contract_brings_everybody_back_too);
    tcase_add_test(tcase, after_the_first_contract_nothing_goes_back);
    tcase_add_test(tcase, a_third_of_the_budget_is_kept_for_the_way_back);
    tcase_add_test(tcase, a_budget_runs_on_while_a_person_is_waited_for);
}

SUITE("control: maintenance", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
