/* Windows: what may be begun, where a rollout stops, and what is never stopped. */
#include "coordinator/core/rollout.h"
#include "coordinator/core/step_guard.h"
#include "support/core.h"

#include <string.h>

static struct freeze freeze_now;

/* From now on, for so long. */
static void freeze_for(uint64_t ms)
{
    struct windows windows = {.freezes = &freeze_now, .freeze_count = 1};
    struct event event = {.type = EVENT_WINDOWS, .at_ms = core.now_ms, .windows = &windows};

    freeze_now = (struct freeze){.from_ms = core.now_ms, .to_ms = core.now_ms + ms};
    (void)text_copy(freeze_now.why, WINDOW_WHY_SIZE, "holidays");
    control_handle(core.control, &event, core.decisions);
    decisions_clear(core.decisions);
    settle();
}

static void go_on(int count)
{
    for (int i = 0; i < count; i++) {
        end_all_orders();
        beat();
    }
}

static struct request overridden(struct request request)
{
    (void)text_copy(request.options.override_window, WINDOW_WHY_SIZE, "it cannot wait");
    return request;
}

static enum rollout_state state_now(void)
{
    return core.control->open->state;
}

static void assert_reply_has(const char *part)
{
    ck_assert_msg(strstr(core.reply, part) != NULL, "\"%s\" is not in: %s", part, core.reply);
}

START_TEST(a_plan_in_a_freeze_is_refused_with_when_it_could_be_made)
{
    freeze_for(3600000);
    assert_no_plan(to_new(), ERROR_REFUSED,
                   "frozen until Thu 1970-01-01 01:16 UTC (holidays); the "
                   "next window opens Thu 1970-01-01 01:16 UTC");
}
END_TEST

START_TEST(a_plan_for_the_window_to_come_is_not_started_before)
{
    struct request request = to_new();

    freeze_for(60000);
    request.for_window = true;
    plan(request);
    say_verb("start");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    assert_reply_has("the next window opens");
    ck_assert_int_eq(state_now(), ROLLOUT_PLANNED);
    beats(61);
    say_verb("start");
    ck_assert_int_eq(core.code, ERROR_OK);
}
END_TEST

START_TEST(whoever_overrides_it_stands_in_the_plan_and_goes_on)
{
    freeze_for(3600000);
    start(overridden(to_new()));
    ck_assert_str_eq(core.control->open->work.plan->options.override_window, "it cannot wait");
    ck_assert_str_eq(core.control->open->override_window, "it cannot wait"); /* by a fact */
    ck_assert(go_on_until(TASK_EXPAND));
    ck_assert(go_on_until(TASK_RELEASE));
}
END_TEST

/* What is begun is brought to where it can stay. */
START_TEST(whose_window_shuts_with_a_server_drained_admits_it_first_and_drains_nobody_else)
{
    start(to_new());
    ck_assert(go_on_until(TASK_DRAIN));
    freeze_for(600000);
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert(go_on_until(TASK_ADMIT));
    go_on(15);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_SUCCEEDED); /* a gate orders nothing */
    ck_assert_uint_eq(step_of(STAGE_DRAIN, "g2")->attempt, 0);
    ck_assert_ptr_nonnull(strstr(core.control->open->why, "frozen until"));
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}
END_TEST

START_TEST(of_the_same_wave_nobody_else_is_drained_while_the_first_one_is_watched)
{
    struct request request = to_new();
    uint32_t all = PLAN_SHARE + 100;

    request.options.waves = &all;
    request.options.wave_count = 1;
    request.options.soak_ms = 8000;
    start(request);
    ck_assert(go_on_until(TASK_DRAIN));
    freeze_for(600000);
    ck_assert(go_on_until(TASK_ADMIT));
    go_on(4); /* there is room for the next one, and the first is still watched */
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    ck_assert_int_eq(step_of(STAGE_DRAIN, "g2")->state, STEP_DUE);
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
    go_on(70); /* its patience is over, and that is no failure */
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    ck_assert_uint_eq(step_of(STAGE_DRAIN, "g2")->attempt, 0);
}
END_TEST

START_TEST(a_phase_that_is_at_work_ends_and_the_next_is_not_begun)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    freeze_for(600000);
    beats(3);
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
    go_on(3);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_SUCCEEDED);
    ck_assert_uint_eq(step_of(STAGE_BACKFILL, NULL)->attempt, 0);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
}
END_TEST

START_TEST(it_goes_on_by_itself_when_the_window_opens_and_nobody_is_called_before)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    freeze_for(300000);
    go_on(5);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    beats(200);
    ck_assert_uint_eq(core.rings, 0);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    beats(100);
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
    ck_assert(go_on_until(TASK_RELEASE)); /* and no deadline has run out meanwhile */
}
END_TEST

START_TEST(resume_before_that_needs_a_reason_which_is_a_fact)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    freeze_for(3600000);
    go_on(5);
    say_verb("resume");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    assert_reply_has("next window opens");
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    wish("resume", overridden((struct request){.step = 0}));
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert_str_eq(core.control->open->override_window, "it cannot wait");
    ck_assert(go_on_until(TASK_RELEASE));
}
END_TEST

START_TEST(an_operator_s_pause_is_not_ended_by_a_window)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    freeze_for(60000);
    go_on(5);
    say_verb("pause");
    ck_assert_int_eq(core.code, ERROR_OK);
    beats(70);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    say_verb("resume");
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
}
END_TEST

START_TEST(going_back_waits_for_no_window)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    freeze_for(3600000);
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_OK);
    for (int i = 0; i < 100 && core.control->open != NULL; i++)
        go_on(1);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
}
END_TEST

START_TEST(nor_does_the_inverse_of_a_completed_rollout)
{
    read_catalog_without_contracts(false);
    start(to_new());
    for (int i = 0; i < 200 && core.control->open != NULL; i++)
        go_on(1);
    ck_assert_ptr_null(core.control->open);
    freeze_for(3600000);
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert(go_on_until(TASK_REVERT));
}
END_TEST

/* Completing is begun within a window, and then gone through with. */
START_TEST(contracts_wait_for_the_window_and_then_for_nothing)
{
    struct request request = to_new();
    char why[SENTENCE_SIZE];

    request.options.hold = true;
    start(request);
    for (int i = 0; i < 200 && state_now() != ROLLOUT_HOLDING; i++)
        go_on(1);
    freeze_for(120000);
    say_verb("complete");
    ck_assert_int_eq(core.code, ERROR_OK);
    go_on(80);
    ck_assert_int_eq(state_now(), ROLLOUT_HOLDING);
    ck_assert_uint_eq(core.rings, 0);
    rollout_reason(core.control, why);
    ck_assert_ptr_nonnull(strstr(why, "no contract is begun now: frozen until"));
    go_on(45);
    ck_assert(core.control->open == NULL || state_now() == ROLLOUT_COMPLETING);
}
END_TEST

/* Everybody is out, or about to be: it stays one piece. */
START_TEST(a_maintenance_that_has_begun_goes_through_with_it)
{
    struct request request = to_new();

    request.strategy = STRATEGY_MAINTENANCE;
    start(request);
    ck_assert(go_on_until(TASK_ANNOUNCE));
    freeze_for(3600000);
    for (int i = 0; i < 200 && core.control->open != NULL; i++)
        go_on(1);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_COMPLETED);
}
END_TEST

START_TEST(a_maintenance_that_has_not_begun_does_not)
{
    struct request request = to_new();

    request.strategy = STRATEGY_MAINTENANCE;
    start(request);
    freeze_for(3600000);
    go_on(10);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    ck_assert_uint_eq(step_of(STAGE_ANNOUNCE, NULL)->attempt, 0);
}
END_TEST

/* Players wait from its first pause on. */
START_TEST(a_switch_of_databases_is_one_piece)
{
    struct request request = to_new();

    have_twins();
    request.strategy = STRATEGY_TWIN;
    start(request);
    ck_assert(go_on_until(TASK_DRAIN_WAL));
    freeze_for(3600000);
    ck_assert_int_eq(state_now(), ROLLOUT_ADVANCING);
    end_all_orders();
    ck_assert(!core.cast.nodes[POOL1].is_paused);
    ck_assert_uint_eq(core.cast.pointed, DB2);
    go_on(10);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
}
END_TEST

START_TEST(no_switch_of_databases_is_begun_when_the_window_has_shut)
{
    struct request request = to_new();

    have_twins();
    request.strategy = STRATEGY_TWIN;
    start(request);
    ck_assert(go_on_until(TASK_COMPARE));
    freeze_for(3600000);
    go_on(10);
    ck_assert_int_eq(state_now(), ROLLOUT_PAUSED);
    ck_assert(!core.cast.nodes[POOL1].is_paused);
    ck_assert_uint_eq(core.cast.pointed, DB1);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_switch_of_databases_is_one_piece);
    tcase_add_test(tcase, no_switch_of_databases_is_begun_when_the_window_has_shut);
    tcase_add_test(tcase, a_plan_in_a_freeze_is_refused_with_when_it_could_be_made);
    tcase_add_test(tcase, a_plan_for_the_window_to_come_is_not_started_before);
    tcase_add_test(tcase, whoever_overrides_it_stands_in_the_plan_and_goes_on);
    tcase_add_test(tcase,
                   whose_window_shuts_with_a_server_drained_admits_it_first_and_drains_nobody_else);
    tcase_add_test(tcase, of_the_same_wave_nobody_else_is_drained_while_the_first_one_is_watched);
    tcase_add_test(tcase, a_phase_that_is_at_work_ends_and_the_next_is_not_begun);
    tcase_add_test(tcase, it_goes_on_by_itself_when_the_window_opens_and_nobody_is_called_before);
    tcase_add_test(tcase, resume_before_that_needs_a_reason_which_is_a_fact);
    tcase_add_test(tcase, an_operator_s_pause_is_not_ended_by_a_window);
    tcase_add_test(tcase, going_back_waits_for_no_window);
    tcase_add_test(tcase, nor_does_the_inverse_of_a_completed_rollout);
    tcase_add_test(tcase, contracts_wait_for_the_window_and_then_for_nothing);
    tcase_add_test(tcase, a_maintenance_that_has_begun_goes_through_with_it);
    tcase_add_test(tcase, a_maintenance_that_has_not_begun_does_not);
}

SUITE("control: windows", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
