/* Rehearsals: by themselves, in front of a rollout, and when one is asked for. */
#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "support/core.h"

#include <string.h>

static struct request to_shadow(void)
{
    struct request request = to_new();

    request.strategy = STRATEGY_SHADOW;
    return request;
}

static size_t at_task(enum task task)
{
    for (size_t at = 0; at < core.cast.order_count; at++)
        if (core.cast.orders[at].task == task)
            return at;
    ck_abort_msg("%s was not ordered", task_row(task)->name);
    return 0;
}

/* Until that task is ordered; then it ends so. */
static void end_at(enum task task, enum outcome how)
{
    ck_assert(go_on_until(task));
    end_order(at_task(task), how, false);
}

static const struct summary *newest(void)
{
    ck_assert_uint_gt(core.control->summary_count, 0);
    return core.control->summaries[core.control->summary_count - 1];
}

static void rehearse_well(void)
{
    start(to_shadow());
    for (int i = 0; i < 100 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_ptr_null(core.control->open);
}

START_TEST(a_shadow_is_made_from_a_replica_and_nothing_else_is_ordered)
{
    static const enum task tasks[] = {TASK_PREFLIGHT, TASK_CLONE, TASK_REHEARSE, TASK_DISCARD,
                                      TASK_NONE};
    const struct work *work;

    plan(to_shadow());
    work = &core.control->open->work;
    for (size_t i = 0; i < work->count; i++) {
        size_t t = 0;

        while (t < ARRAY_LEN(tasks) && tasks[t] != work->plan->steps[i].task)
            t++;
        ck_assert_msg(t < ARRAY_LEN(tasks), "%s", word_of(&task_names, work->plan->steps[i].task));
    }
    ck_assert_str_eq(step_of(STAGE_CLONE, NULL)->plan->node, "db2");
    ck_assert_str_eq(step_of(STAGE_CLONE, NULL)->plan->revision, ""); /* needs no files */
    ck_assert_str_eq(step_of(STAGE_DISCARD, NULL)->plan->revision, "");
    ck_assert_str_eq(step_of(STAGE_REHEARSE, NULL)->plan->revision, "r1");
    ck_assert_str_eq(step_of(STAGE_REHEARSE, NULL)->plan->release, "new");
    ck_assert(step_of(STAGE_REHEARSE, NULL)->plan->of_contract);
    ck_assert_str_eq(work->plan->release, "");
    ck_assert(waits_for(step_of(STAGE_DISCARD, NULL), step_of(STAGE_REHEARSE, NULL)));
}
END_TEST

START_TEST(a_rehearsal_that_ends_well_is_completed_and_leaves_every_goal_as_it_was)
{
    char goal[NAME_SIZE];

    (void)text_copy(goal, NAME_SIZE, fleet_goal(core.control, control_node(core.control, "g1")));
    rehearse_well();
    ck_assert_int_eq(newest()->state, ROLLOUT_COMPLETED);
    ck_assert(newest()->is_rehearsed);
    ck_assert_str_eq(newest()->contracts_for, "new");
    ck_assert_str_eq(fleet_goal(core.control, control_node(core.control, "g1")), goal);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    say_verb("rollback");
    ck_assert_ptr_null(core.control->open);
}
END_TEST

START_TEST(a_rehearsal_that_fails_is_reverted_with_its_sentence_and_the_shadow_discarded)
{
    start(to_shadow());
    end_at(TASK_REHEARSE, OUTCOME_FAILED);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert(go_on_until(TASK_DISCARD));
    ck_assert_int_eq(core.cast.orders[at_task(TASK_DISCARD)].id.direction, DIRECTION_UNDO);
    end_all_orders();
    beats(2);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(newest()->state, ROLLOUT_REVERTED);
    ck_assert(!newest()->is_rehearsed);
    ck_assert_ptr_nonnull(strstr(newest()->why, "rehearse of db2"));
}
END_TEST

START_TEST(in_front_of_a_rollout_nothing_is_touched_before_it_has_succeeded)
{
    struct request request = to_new();

    request.options.shadow = true;
    start(request);
    ck_assert(waits_for(step_of(STAGE_EXPAND, NULL), step_of(STAGE_DISCARD, NULL)));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_REHEARSE, NULL)));
    end_at(TASK_REHEARSE, OUTCOME_FAILED);
    for (int i = 0; i < 20 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_int_eq(newest()->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

START_TEST(in_front_of_a_maintenance_it_is_over_before_players_are_told_to_go)
{
    struct request request = to_new();

    request.strategy = STRATEGY_MAINTENANCE;
    request.options.shadow = true;
    plan(request);
    ck_assert(waits_for(step_of(STAGE_ANNOUNCE, NULL), step_of(STAGE_DISCARD, NULL)));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_REHEARSE, NULL)));
}
END_TEST

START_TEST(a_shadow_whose_agent_is_lost_holds_nobody_up)
{
    start(to_shadow());
    ck_assert(go_on_until(TASK_REHEARSE));
    end_order(at_task(TASK_REHEARSE), OUTCOME_FAILED, false);
    core.cast.nodes[DB2].is_silent = true;
    beats(30);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(newest()->state, ROLLOUT_REVERTED);
}
END_TEST

START_TEST(without_a_scratch_folder_the_plan_is_refused)
{
    struct report report;

    for (size_t i = DB1; i <= DB2; i++) {
        cast_fill_report(&core.cast, i, core.memory, &report);
        report.database.can_shadow = false;
        report_as(core.cast.nodes[i].name, &report);
    }
    assert_no_plan(to_shadow(), ERROR_REFUSED, "database.scratch");
}
END_TEST

START_TEST(production_asks_for_a_rehearsal_of_the_same_files_and_target)
{
    struct request request = to_new();

    request.in_production = true;
    assert_no_plan(request, ERROR_REFUSED, "in production a plan is rehearsed first");
    rehearse_well();
    plan(request);
    ck_assert_uint_eq(core.control->open->work.plan->rehearsed_by, newest()->rollout);
}
END_TEST

START_TEST(production_goes_without_one_for_a_reason_that_is_kept)
{
    struct request request = to_new();

    request.in_production = true;
    (void)text_copy(request.options.no_rehearsal, REHEARSAL_TEXT_SIZE, "the house is on fire");
    plan(request);
    ck_assert_str_eq(core.control->open->work.plan->options.no_rehearsal, "the house is on fire");
}
END_TEST

/* Said twice by an agent, it is one; a later attempt's takes its place. */
START_TEST(what_was_measured_is_a_fact_before_the_step_has_ended)
{
    struct rehearsed rows[] = {{.revision = "r1", .phase = REHEARSED_EXPAND, .statement = 1}};
    struct task_outcome outcome = {
        .outcome = OUTCOME_FAILED, .is_retryable = true, .rehearsal = rows, .rehearsal_count = 1};
    struct accepted accepted = {.is_accepted = true};

    start(to_shadow());
    ck_assert(go_on_until(TASK_REHEARSE));
    outcome.id = accepted.id = core.cast.orders[at_task(TASK_REHEARSE)].id;
    say(DB2, MESSAGE_ACCEPTED, &accepted);
    say(DB2, MESSAGE_OUTCOME, &outcome);
    say(DB2, MESSAGE_OUTCOME, &outcome);
    ck_assert_uint_eq(core.control->open->rehearsal_count, 1);
    ck_assert_uint_eq(core.control->open->rehearsals[0]->attempt, 1);
    ck_assert_str_eq(core.control->open->rehearsals[0]->node, "db2");
    settle();
    outcome.id.attempt = 2;
    outcome.outcome = OUTCOME_SUCCEEDED;
    say(DB2, MESSAGE_OUTCOME, &outcome);
    ck_assert_uint_eq(core.control->open->rehearsal_count, 1);
    ck_assert_uint_eq(core.control->open->rehearsals[0]->attempt, 2);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_shadow_is_made_from_a_replica_and_nothing_else_is_ordered);
    tcase_add_test(tcase, a_rehearsal_that_ends_well_is_completed_and_leaves_every_goal_as_it_was);
    tcase_add_test(tcase,
                   a_rehearsal_that_fails_is_reverted_with_its_sentence_and_the_shadow_discarded);
    tcase_add_test(tcase, in_front_of_a_rollout_nothing_is_touched_before_it_has_succeeded);
    tcase_add_test(tcase, in_front_of_a_maintenance_it_is_over_before_players_are_told_to_go);
    tcase_add_test(tcase, a_shadow_whose_agent_is_lost_holds_nobody_up);
    tcase_add_test(tcase, without_a_scratch_folder_the_plan_is_refused);
    tcase_add_test(tcase, production_asks_for_a_rehearsal_of_the_same_files_and_target);
    tcase_add_test(tcase, production_goes_without_one_for_a_reason_that_is_kept);
    tcase_add_test(tcase, what_was_measured_is_a_fact_before_the_step_has_ended);
}

SUITE("control: shadow", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
