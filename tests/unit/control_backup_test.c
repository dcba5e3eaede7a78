/* Backups before a rollout: who makes them, what waits for them, and who may go without. */
#include "common/base/memory.h"
#include "support/core.h"

#include <string.h>

static struct request backed_up(void)
{
    struct request request = to_new();

    request.options.backup = true;
    return request;
}

static const struct rollout_options *options(void)
{
    return &core.control->open->work.plan->options;
}

static bool has_backup(void)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->plan->steps[i].task == TASK_BACKUP)
            return true;
    return false;
}

static void take_folders_away(void)
{
    struct report report;

    for (size_t i = DB1; i <= DB2; i++) {
        cast_fill_report(&core.cast, i, core.memory, &report);
        report.database.can_back_up = false;
        report_as(core.cast.nodes[i].name, &report);
    }
}

static const enum strategy strategies[] = {STRATEGY_ROLLING, STRATEGY_MAINTENANCE};

START_TEST(nothing_is_changed_and_nobody_drained_before_the_primary_was_backed_up)
{
    struct request request = backed_up();

    request.strategy = strategies[_i];
    plan(request);
    ck_assert_str_eq(step_of(STAGE_BACKUP, NULL)->plan->node, "db1");
    ck_assert(waits_for(step_of(STAGE_BACKUP, NULL), step_of(STAGE_PREFLIGHT, "")));
    ck_assert(waits_for(step_of(STAGE_EXPAND, NULL), step_of(STAGE_BACKUP, NULL)));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_BACKUP, NULL)));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_BACKUP, NULL)));
}
END_TEST

START_TEST(a_rehearsal_comes_first)
{
    struct request request = backed_up();

    request.options.shadow = true;
    plan(request);
    ck_assert(waits_for(step_of(STAGE_BACKUP, NULL), step_of(STAGE_DISCARD, NULL)));
}
END_TEST

START_TEST(a_rehearsal_by_itself_needs_none)
{
    struct request request = backed_up();

    request.strategy = STRATEGY_SHADOW;
    plan(request);
    ck_assert(!has_backup());
}
END_TEST

START_TEST(without_being_asked_for_there_is_none)
{
    plan(to_new());
    ck_assert(!has_backup());
}
END_TEST

START_TEST(production_is_backed_up_unless_somebody_says_why_not)
{
    struct request request = to_new();

    request.in_production = true;
    (void)text_copy(request.options.no_rehearsal, REHEARSAL_TEXT_SIZE, "tested");
    plan(request);
    ck_assert(has_backup());
    (void)text_copy(request.options.no_backup, REHEARSAL_TEXT_SIZE, "the disk is full");
    plan(request);
    ck_assert(!has_backup());
    ck_assert_str_eq(options()->no_backup, "the disk is full");
}
END_TEST

START_TEST(without_a_folder_the_plan_is_refused_with_both_ways_out)
{
    take_folders_away();
    assert_no_plan(backed_up(), ERROR_REFUSED, "database.backups");
    assert_no_plan(backed_up(), ERROR_REFUSED, "--no-backup");
    plan(to_new());
}
END_TEST

START_TEST(one_that_fails_ends_the_rollout_before_anything_was_changed)
{
    const struct summary *summary;

    start(backed_up());
    ck_assert(go_on_until(TASK_BACKUP));
    end_order(0, OUTCOME_FAILED, false);
    for (int i = 0; i < 20 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ck_assert_ptr_null(core.control->open);
    summary = core.control->summaries[core.control->summary_count - 1];
    ck_assert_int_eq(summary->state, ROLLOUT_REVERTED);
    ck_assert_ptr_nonnull(strstr(summary->why, "backup of db1"));
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase,
                        nothing_is_changed_and_nobody_drained_before_the_primary_was_backed_up, 0,
                        (int)ARRAY_LEN(strategies));
    tcase_add_test(tcase, a_rehearsal_comes_first);
    tcase_add_test(tcase, a_rehearsal_by_itself_needs_none);
    tcase_add_test(tcase, without_being_asked_for_there_is_none);
    tcase_add_test(tcase, production_is_backed_up_unless_somebody_says_why_not);
    tcase_add_test(tcase, without_a_folder_the_plan_is_refused_with_both_ways_out);
    tcase_add_test(tcase, one_that_fails_ends_the_rollout_before_anything_was_changed);
}

SUITE("control: backups", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
