/* A shard with two databases, blue and green: what is planned, the order of a switch and of its way
 * back, and what becomes of it when one side no longer follows the other.
 */
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/twin.h"
#include "support/core.h"

#include <string.h>

static struct request twins(void)
{
    struct request request = to_new();

    request.strategy = STRATEGY_TWIN;
    return request;
}

static void set_up(void)
{
    core_set_up();
    have_twins();
}

static const struct step *step_on(enum stage stage, const char *side)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == stage && strcmp(work->steps[i].plan->side, side) == 0)
            return &work->steps[i];
    ck_abort_msg("no such step");
    return NULL;
}

/* The two comparisons differ in nothing but whether writes are closed. */
static const struct step *comparison(bool is_closed)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == STAGE_COMPARE &&
            work->steps[i].plan->is_closed == is_closed)
            return &work->steps[i];
    ck_abort_msg("no such step");
    return NULL;
}

/* The first order of that task that waits: its place. */
static size_t order_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (core.cast.orders[i].task == task)
            return i;
    ck_abort_msg("%s is not ordered", word_of(&task_names, task));
    return 0;
}

static const struct task_arguments *arguments_of(enum task task)
{
    return &core.cast.orders[order_of(task)].arguments;
}

static void assert_ordered(enum task task, const char *node, const char *target)
{
    ck_assert(go_on_until(task));
    ck_assert_str_eq(core.cast.ordered[order_of(task)], node);
    ck_assert_str_eq(arguments_of(task)->target, target);
}

/* Goes on, while no beat passes: a switch takes no longer than its orders do. */
static void assert_next(enum task task, const char *node, const char *target)
{
    ck_assert_uint_eq(core.cast.order_count, 1);
    ck_assert_int_eq(core.cast.orders[0].task, task);
    ck_assert_str_eq(core.cast.ordered[0], node);
    ck_assert_str_eq(core.cast.orders[0].arguments.target, target);
    end_order(0, OUTCOME_SUCCEEDED, false);
}

/* A beat, in which everything that was ordered before succeeds. */
static void go_on(void)
{
    for (size_t left = core.cast.order_count; left > 0; left--)
        end_order(0, OUTCOME_SUCCEEDED, false);
    beat();
}

static void go_to_the_end(void)
{
    for (int i = 0; i < 300 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_ptr_null(core.control->open);
}

static const struct summary *last(void)
{
    return core.control->summaries[core.control->summary_count - 1];
}

static void assert_ends(enum rollout_state state)
{
    go_to_the_end();
    ck_assert_msg(last()->state == state, "%s: %s", word_of(&rollout_state_names, last()->state),
                  last()->why);
}

static void assert_players_are_on(size_t database)
{
    ck_assert_uint_eq(core.cast.pointed, database);
    ck_assert(!core.cast.nodes[POOL1].is_paused);
    ck_assert(!core.cast.nodes[database].is_closed);
}

/* Up to the moment at which green lets players in. */
static void go_to_the_decision(void)
{
    ck_assert(go_on_until(TASK_OPEN_WRITES));
    ck_assert_str_eq(core.cast.ordered[order_of(TASK_OPEN_WRITES)], "db2");
}

/* Players are on green, on the old release. */
static void go_past_the_switch(void)
{
    go_to_the_decision();
    end_all_orders();
    beat();
    assert_players_are_on(DB2);
}

/* ---- plans ---- */

START_TEST(green_is_migrated_before_writes_are_closed_and_blue_follows_before_green_is_opened)
{
    plan(twins());
    ck_assert(waits_for(step_on(STAGE_EXPAND, "green"), step_on(STAGE_FOLLOW, "green")));
    ck_assert(waits_for(comparison(false), step_on(STAGE_VERIFY, "green")));
    ck_assert(waits_for(step_of(STAGE_PAUSE, NULL), comparison(false)));
    ck_assert(waits_for(step_on(STAGE_CLOSE_WRITES, "blue"), step_of(STAGE_PAUSE, NULL)));
    ck_assert(waits_for(step_on(STAGE_DRAIN_WAL, "green"), step_on(STAGE_CLOSE_WRITES, "blue")));
    ck_assert(waits_for(comparison(true), step_on(STAGE_DRAIN_WAL, "green")));
    ck_assert(waits_for(step_on(STAGE_REVERSE, "blue"), step_on(STAGE_SEQUENCES, "green")));
    ck_assert(waits_for(step_on(STAGE_OPEN_WRITES, "green"), step_on(STAGE_REVERSE, "blue")));
    ck_assert(waits_for(step_of(STAGE_POINT, NULL), step_on(STAGE_OPEN_WRITES, "green")));
    ck_assert(waits_for(step_of(STAGE_RESUME, NULL), step_of(STAGE_POINT, NULL)));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_SOAK, "g3")));
    ck_assert(waits_for(step_on(STAGE_CLOSE, "blue"), step_of(STAGE_HOLD, NULL)));
    ck_assert(waits_for(step_on(STAGE_CONTRACT, "green"), step_on(STAGE_CLOSE, "blue")));
    ck_assert_uint_eq(core.control->open->work.plan->options.max_pause_ms, 5000);
}
END_TEST

START_TEST(databases_can_change_hosts_without_a_revision)
{
    struct request request = twins();

    (void)text_copy(request.release, NAME_SIZE, "old");
    plan(request);
    ck_assert_uint_eq(core.control->open->work.plan->revision_count, 0);
    ck_assert(waits_for(step_of(STAGE_RESUME, NULL), step_on(STAGE_FOLLOW, "green")));
}
END_TEST

static void accept(size_t node, const char *colour)
{
    struct request request = {.verb = ""};

    core.cast.nodes[node].colour = colour;
    cast_fill_node(&core.cast, node, &request);
    wish("accept", request);
    beats(2);
}

START_TEST(what_cannot_be_switched_is_refused_with_what_to_do)
{
    struct request request = twins();

    core.cast.nodes[DB2].twin = TWIN_FOLLOWING;
    beat();
    assert_no_plan(twins(), ERROR_REFUSED, "db2 already follows db1");
    core.cast.nodes[DB2].twin = TWIN_LEFT;
    core.cast.nodes[DB1].is_closed = true;
    beat();
    assert_no_plan(twins(), ERROR_REFUSED, "db1 is closed for the game's roles by rollout 1");
    core.cast.nodes[DB1].is_closed = false;
    accept(DB2, "blue");
    assert_no_plan(twins(), ERROR_REFUSED, "no single primary");
    accept(DB2, "");
    assert_no_plan(twins(), ERROR_REFUSED, "no single primary");
    accept(DB2, "green");
    request.options.max_pause_ms = 999;
    assert_no_plan(request, ERROR_USAGE, "--max-pause is between 1000 and 30000 ms");
    request.options.max_pause_ms = 5000;
    request.options.budget_ms = 1000;
    assert_no_plan(request, ERROR_USAGE, "--budget is a maintenance's");
    core.cast.pointed = G1;
    beats(2);
    assert_no_plan(twins(), ERROR_REFUSED, "do not all point at one enrolled database");
    core.cast.pointed = DB1;
    beats(2);
    plan(twins());
}
END_TEST

START_TEST(both_agents_must_know_how_to_reach_the_other_database)
{
    struct report report;

    cast_fill_report(&core.cast, DB1, core.memory, &report);
    report.database.twin.node_count = 0;
    report_as("db1", &report);
    assert_no_plan(twins(), ERROR_REFUSED, "the agent of db1 does not know how to reach db2");
}
END_TEST

START_TEST(one_database_system_is_no_pair)
{
    struct report report;

    cast_fill_report(&core.cast, DB2, core.memory, &report);
    (void)text_copy(report.database.system_id, SYSTEM_ID_SIZE, "7001");
    report_as("db2", &report);
    assert_no_plan(twins(), ERROR_REFUSED, "db1 and db2 are one database system");
}
END_TEST

/* ---- who counts ---- */

START_TEST(the_database_that_no_pool_points_at_counts_for_nobody)
{
    core.cast.nodes[DB2].applied = core.cast.nodes[DB2].expanded = 0; /* it is empty yet */
    beats(3);
    ck_assert_str_eq(twin_live(core.control, "main"), "blue");
    ck_assert_str_eq(fleet_primary(core.control, "main")->identity.name, "db1");
    ck_assert_str_eq(fleet_primary_of(core.control, "main", "green")->identity.name, "db2");
    ck_assert_int_eq(control_node(core.control, "db2")->quarantine, QUARANTINE_NONE);
    ck_assert_int_eq(control_node(core.control, "g1")->quarantine, QUARANTINE_NONE);
}
END_TEST

START_TEST(a_pool_that_is_silent_leaves_the_traffic_where_it_was)
{
    core.cast.nodes[POOL1].is_silent = true;
    beats(20);
    ck_assert_str_eq(fleet_primary(core.control, "main")->identity.name, "db1");
}
END_TEST

START_TEST(where_pools_point_is_known_after_a_restart)
{
    struct fact_live live = {.of_databases = true};
    struct fact fact = {.type = FACT_LIVE, .at_ms = core.now_ms, .body = &live};
    struct control *folded = control_new(core.memory);
    struct error err;

    (void)text_copy(live.shard, NAME_SIZE, "main");
    (void)text_copy(live.colour, NAME_SIZE, "green");
    ck_assert(fact_row(FACT_LIVE)->is_durable);
    ck_assert_int_eq(control_apply(folded, &fact, &err), ERROR_OK);
    ck_assert_str_eq(twin_live(folded, "main"), "green");
    ck_assert_str_eq(control_live(folded, "main", false), "");
}
END_TEST

/* ---- forward ---- */

START_TEST(a_switch_is_one_order_after_another_and_needs_no_report)
{
    start(twins());
    assert_ordered(TASK_FOLLOW, "db2", "db1");
    assert_ordered(TASK_EXPAND, "db2", "");
    assert_ordered(TASK_PAUSE_POOL, "pool1", "");
    assert_next(TASK_PAUSE_POOL, "pool1", "");
    ck_assert_uint_eq(arguments_of(TASK_CLOSE_WRITES)->pause_ms, PAUSE_LEASE_MS);
    assert_next(TASK_CLOSE_WRITES, "db1", "db2");
    assert_next(TASK_DRAIN_WAL, "db2", "db1");
    ck_assert_uint_eq(arguments_of(TASK_COMPARE)->budget_ms, 1250);
    assert_next(TASK_COMPARE, "db2", "db1");
    assert_next(TASK_SEQUENCES, "db2", "db1");
    assert_next(TASK_REVERSE, "db1", "db2");
    assert_next(TASK_OPEN_WRITES, "db2", "db1");
    assert_next(TASK_POINT_POOL, "pool1", "db2");
    assert_next(TASK_RESUME_POOL, "pool1", "");
    beats(2);
    assert_players_are_on(DB2);
    ck_assert_str_eq(twin_live(core.control, "main"), "green");
    ck_assert_uint_eq(twin_pause_ms(core.control), BEAT_MS); /* until its order was answered */
}
END_TEST

/* Blue has served for years, and green is a minute old: each counts its WAL for itself. */
START_TEST(what_is_done_with_both_says_nothing_of_how_far_greens_replicas_are)
{
    const struct work *work;
    uint64_t before = core.cast.position;

    start(twins());
    ck_assert(go_on_until(TASK_DRAIN_WAL));
    core.cast.position = UINT64_C(1) << 40;
    end_order(order_of(TASK_DRAIN_WAL), OUTCOME_SUCCEEDED, false);
    core.cast.position = before;
    ck_assert(go_on_until(TASK_CONTRACT));
    work = &core.control->open->work;
    ck_assert_uint_lt(shard_position(core.control, work, step_on(STAGE_CONTRACT, "green")),
                      UINT64_C(1) << 40);
}
END_TEST

START_TEST(it_completes_with_the_contract_on_green_and_no_way_back)
{
    start(twins());
    assert_ordered(TASK_CLOSE, "db1", "db2");
    ck_assert(core.control->open->has_contracted);
    assert_ordered(TASK_CONTRACT, "db2", "");
    assert_ends(ROLLOUT_COMPLETED);
    assert_players_are_on(DB2);
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, 0);
    ck_assert_uint_eq(core.cast.nodes[DB2].contracted, 2);
    ck_assert_str_eq(core.cast.nodes[G3].release, "new");
    say_verb("rollback");
    ck_assert_int_ne(core.code, ERROR_OK);
    ck_assert_ptr_nonnull(strstr(core.reply, "have not followed since it was closed"));
}
END_TEST

START_TEST(writes_are_never_left_mirrored_because_there_is_no_contract)
{
    read_catalog_without_contracts(false);
    start(twins());
    assert_ordered(TASK_CLOSE, "db1", "db2");
    assert_ends(ROLLOUT_COMPLETED);
    ck_assert_int_eq(core.cast.nodes[DB1].twin, TWIN_LEFT);
}
END_TEST

/* ---- back, before anything was written on green ---- */

START_TEST(a_comparison_that_fails_while_writes_are_closed_opens_blue_again)
{
    start(twins());
    ck_assert(go_on_until(TASK_CLOSE_WRITES));
    while (core.cast.orders[0].task != TASK_COMPARE)
        end_order(0, OUTCOME_SUCCEEDED, false);
    end_order(0, OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    assert_next(TASK_OPEN_WRITES, "db1", "db2");
    assert_next(TASK_RESUME_POOL, "pool1", "");
    assert_next(TASK_UNFOLLOW, "db2", "db1");
    assert_ends(ROLLOUT_REVERTED);
    assert_players_are_on(DB1);
    ck_assert_int_eq(core.cast.nodes[DB2].twin, TWIN_LEFT);
}
END_TEST

START_TEST(players_are_not_held_back_for_longer_than_two_thirds_of_the_longest_pause)
{
    struct request request = twins();

    request.options.max_pause_ms = 6000;
    start(request);
    ck_assert(go_on_until(TASK_DRAIN_WAL)); /* and it does not end */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
        beat();
    }
    beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    assert_ends(ROLLOUT_REVERTED);
    assert_players_are_on(DB1);
}
END_TEST

/* Whoever asks the database for his health has to wait, too: nobody is missing for that. */
START_TEST(game_servers_that_are_held_back_are_not_missed)
{
    struct request request = twins();

    request.options.max_pause_ms = 30000;
    start(request);
    ck_assert(go_on_until(TASK_DRAIN_WAL));
    core.cast.nodes[G1].is_sick = core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = true;
    beats(10);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    end_all_orders();
    core.cast.nodes[G1].is_sick = core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = false;
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
}
END_TEST

START_TEST(nobody_is_asked_while_players_are_held_back)
{
    struct request request = twins();

    request.options.on_failure = ON_FAILURE_HALT;
    start(request);
    ck_assert(go_on_until(TASK_SEQUENCES));
    end_order(order_of(TASK_SEQUENCES), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

START_TEST(a_pause_by_a_person_does_not_make_players_wait_either)
{
    start(twins());
    ck_assert(go_on_until(TASK_DRAIN_WAL));
    say_verb("pause");
    beats(5);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

START_TEST(a_copy_that_no_longer_follows_is_given_up)
{
    start(twins());
    ck_assert(go_on_until(TASK_BACKFILL));
    core.cast.nodes[DB2].twin = TWIN_BROKEN;
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert_ptr_nonnull(strstr(core.control->open->why, "the green database of shard main no "
                                                          "longer follows"));
    assert_ends(ROLLOUT_REVERTED);
}
END_TEST

START_TEST(a_lost_agent_of_green_holds_nobody_up_on_the_way_back)
{
    start(twins());
    ck_assert(go_on_until(TASK_BACKFILL));
    core.cast.nodes[DB2].is_silent = true;
    core.cast.order_count = 0;
    say_verb("rollback");
    for (int i = 0; i < 400 && core.control->open != NULL; i++)
        beat();
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(last()->state, ROLLOUT_REVERTED);
    assert_players_are_on(DB1);
}
END_TEST

/* ---- back, in mirror ---- */

START_TEST(after_the_switch_it_goes_back_the_same_way_in_mirror)
{
    start(twins());
    go_past_the_switch();
    say_verb("rollback");
    assert_next(TASK_DRAIN_WAL, "db1", "db2"); /* while players play on */
    assert_next(TASK_PAUSE_POOL, "pool1", "");
    assert_next(TASK_POINT_POOL, "pool1", "db1");
    assert_next(TASK_CLOSE_WRITES, "db2", "db1");
    ck_assert(arguments_of(TASK_UNREVERSE)->has_writes);
    assert_next(TASK_UNREVERSE, "db1", "db2");
    assert_next(TASK_OPEN_WRITES, "db1", "db2");
    assert_next(TASK_RESUME_POOL, "pool1", "");
    assert_next(TASK_UNFOLLOW, "db2", "db1");
    assert_ends(ROLLOUT_REVERTED);
    beats(2);
    assert_players_are_on(DB1);
    ck_assert_str_eq(twin_live(core.control, "main"), "blue");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

START_TEST(game_servers_go_back_before_the_databases)
{
    start(twins());
    ck_assert(go_on_until(TASK_RELEASE));
    end_all_orders();
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beats(2);
    say_verb("rollback");
    ck_assert(go_on_until(TASK_PAUSE_POOL));
    for (size_t i = G1; i <= G3; i++)
        ck_assert_str_eq(core.cast.nodes[i].release, "old");
    assert_ends(ROLLOUT_REVERTED);
}
END_TEST

START_TEST(nobody_is_held_back_while_somebody_could_still_run_the_new_release)
{
    wish("drain", (struct request){.node = "g3"});
    for (int i = 0; i < 5; i++)
        go_on();
    core.cast.nodes[G3].release = "new"; /* by hand, and no plan's */
    beats(2);
    start(twins());
    go_past_the_switch();
    say_verb("rollback");
    beats(3);
    ck_assert_uint_eq(core.cast.order_count, 0);
    ck_assert(!core.cast.nodes[POOL1].is_paused);
    core.cast.nodes[G3].release = "old";
    beat();
    assert_next(TASK_DRAIN_WAL, "db1", "db2");
}
END_TEST

START_TEST(whoever_holds_a_pool_open_is_cut_off_on_the_way_back)
{
    start(twins());
    go_past_the_switch();
    say_verb("rollback");
    assert_next(TASK_DRAIN_WAL, "db1", "db2");
    end_order(order_of(TASK_PAUSE_POOL), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    assert_next(TASK_POINT_POOL, "pool1", "db1");
    assert_ends(ROLLOUT_REVERTED);
}
END_TEST

START_TEST(players_stay_where_they_are_while_what_they_write_does_not_come_over)
{
    start(twins());
    go_past_the_switch();
    say_verb("rollback");
    end_order(order_of(TASK_DRAIN_WAL), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_STUCK);
    beats(5);
    assert_players_are_on(DB2);
}
END_TEST

START_TEST(without_a_mirror_a_failure_waits_for_a_person_and_nothing_is_lost)
{
    start(twins());
    go_past_the_switch();
    core.cast.nodes[DB1].twin = TWIN_BROKEN;
    beats(2);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING); /* nothing failed yet */
    ck_assert(core.rings > 0); /* but somebody should know before he needs it */
    ck_assert_ptr_nonnull(
        strstr(core.ring, "no way back without losing writes: the blue database"));
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(core.reply, "could lose what players have written since"));
    core.cast.nodes[G1].is_sick = core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = true;
    beats(10);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
    ck_assert(core.rings > 0);
}
END_TEST

START_TEST(as_long_as_nobody_knows_whether_anything_would_be_lost_a_failure_waits)
{
    start(twins());
    go_past_the_switch();
    core.cast.nodes[DB1].is_silent = true;
    beats(10);
    core.cast.nodes[G1].is_sick = core.cast.nodes[G2].is_sick = core.cast.nodes[G3].is_sick = true;
    beats(4); /* what blue said last is old, but it is not lost */
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    beats(3);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
}
END_TEST

/* Two databases that follow one another are no state to end in. */
START_TEST(a_server_that_was_left_behind_does_not_keep_the_mirror_from_its_end)
{
    struct request request = twins();

    request.options.on_failure = ON_FAILURE_HALT;
    request.options.max_unavailable = 2; /* the one that is left stays out */
    start(request);
    ck_assert(go_on_until(TASK_RELEASE));
    end_order(order_of(TASK_RELEASE), OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
    wish("skip", (struct request){.step = step_of(STAGE_RELEASE, "g1")->plan->id,
                                  .reason = "it is to be replaced"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    say_verb("resume");
    assert_ends(ROLLOUT_COMPLETED);
    ck_assert_int_eq(core.cast.nodes[DB1].twin, TWIN_LEFT);
}
END_TEST

START_TEST(what_would_be_lost_can_be_accepted)
{
    struct request request = twins();

    request.options.accept_data_loss = true;
    start(request);
    go_past_the_switch();
    core.cast.nodes[DB1].twin = TWIN_BROKEN;
    beats(2);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_OK);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(
        tcase, green_is_migrated_before_writes_are_closed_and_blue_follows_before_green_is_opened);
    tcase_add_test(tcase, databases_can_change_hosts_without_a_revision);
    tcase_add_test(tcase, what_cannot_be_switched_is_refused_with_what_to_do);
    tcase_add_test(tcase, both_agents_must_know_how_to_reach_the_other_database);
    tcase_add_test(tcase, one_database_system_is_no_pair);
    tcase_add_test(tcase, the_database_that_no_pool_points_at_counts_for_nobody);
    tcase_add_test(tcase, a_pool_that_is_silent_leaves_the_traffic_where_it_was);
    tcase_add_test(tcase, where_pools_point_is_known_after_a_restart);
    tcase_add_test(tcase, a_switch_is_one_order_after_another_and_needs_no_report);
    tcase_add_test(tcase, what_is_done_with_both_says_nothing_of_how_far_greens_replicas_are);
    tcase_add_test(tcase, it_completes_with_the_contract_on_green_and_no_way_back);
    tcase_add_test(tcase, writes_are_never_left_mirrored_because_there_is_no_contract);
    tcase_add_test(tcase, a_comparison_that_fails_while_writes_are_closed_opens_blue_again);
    tcase_add_test(tcase,
                   players_are_not_held_back_for_longer_than_two_thirds_of_the_longest_pause);
    tcase_add_test(tcase, game_servers_that_are_held_back_are_not_missed);
    tcase_add_test(tcase, nobody_is_asked_while_players_are_held_back);
    tcase_add_test(tcase, a_pause_by_a_person_does_not_make_players_wait_either);
    tcase_add_test(tcase, a_copy_that_no_longer_follows_is_given_up);
    tcase_add_test(tcase, a_lost_agent_of_green_holds_nobody_up_on_the_way_back);
    tcase_add_test(tcase, after_the_switch_it_goes_back_the_same_way_in_mirror);
    tcase_add_test(tcase, game_servers_go_back_before_the_databases);
    tcase_add_test(tcase, nobody_is_held_back_while_somebody_could_still_run_the_new_release);
    tcase_add_test(tcase, whoever_holds_a_pool_open_is_cut_off_on_the_way_back);
    tcase_add_test(tcase, players_stay_where_they_are_while_what_they_write_does_not_come_over);
    tcase_add_test(tcase, without_a_mirror_a_failure_waits_for_a_person_and_nothing_is_lost);
    tcase_add_test(tcase, as_long_as_nobody_knows_whether_anything_would_be_lost_a_failure_waits);
    tcase_add_test(tcase, a_server_that_was_left_behind_does_not_keep_the_mirror_from_its_end);
    tcase_add_test(tcase, what_would_be_lost_can_be_accepted);
}

SUITE("control: twins", {.add = add_all, .set_up = set_up, .tear_down = core_tear_down})
