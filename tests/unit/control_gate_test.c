/* What gates see, and what they do not take for evidence. */
#include "support/core.h"

/* ---- gates ---- */

/* Silence of an edge that still counted as known let it pass on what it had said long before. */
START_TEST(a_soak_does_not_pass_on_an_edge_s_stale_word)
{
    struct request request = to_new();

    request.options.soak_ms = 6000; /* longer than a word stays fresh */
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beat();
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    core.cast.nodes[EDGE2].is_silent = true;
    for (int i = 0; i < 12; i++) {
        struct beat alive = {.is_up = true};

        beat();
        say(EDGE2, MESSAGE_BEAT, &alive); /* it lives, but reports nothing */
        settle();
    }
    ck_assert_int_ne(step_of(STAGE_SOAK, "g1")->state, STEP_SUCCEEDED);
    ck_assert_int_ne(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_PASS);
    core.cast.nodes[EDGE2].is_silent = false;
    beats(10);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(a_gate_that_fails_turns_everything_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    core.cast.nodes[G1].is_sick = true;
    beats(6);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert_ptr_nonnull(strstr(core.control->open->cause, "g1"));
}
END_TEST

/* ---- evidence ---- */

START_TEST(what_a_gate_saw_grows_old_when_those_concerned_are_silent)
{
    struct request request = to_new();

    request.options.soak_ms = 20000;
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beats(2);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_PASS);
    core.cast.nodes[G1].is_silent = core.cast.nodes[EDGE1].is_silent =
        core.cast.nodes[EDGE2].is_silent = true;
    beats(5);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_INCONCLUSIVE);
}
END_TEST

static void report_drift(void)
{
    struct report report;

    cast_fill_report(&core.cast, DB2, core.memory, &report);
    (void)text_copy(report.database.fingerprint, FINGERPRINT_SIZE, "drifted");
    say(DB2, MESSAGE_REPORT, &report);
    settle();
}

START_TEST(databases_do_not_agree_while_one_has_another_fingerprint)
{
    core.cast.nodes[DB2].is_silent = true; /* but for what follows */
    report_drift();
    start(to_new());
    for (int i = 0; i < 8; i++) {
        end_all_orders();
        beat();
        report_drift();
    }
    ck_assert_int_eq(step_of(STAGE_AGREE, NULL)->state, STEP_RUNNING);
    ck_assert_int_eq(step_of(STAGE_AGREE, NULL)->gate_record.verdict, VERDICT_FAIL);
}
END_TEST

/* What a change by hand, or a revert.sql that lies, leaves on every database. */
static void report_other_schema(const char *fingerprint)
{
    for (size_t i = DB1; i <= DB2; i++) {
        struct report report;

        cast_fill_report(&core.cast, i, core.memory, &report);
        (void)text_copy(report.database.fingerprint, FINGERPRINT_SIZE, fingerprint);
        say(i, MESSAGE_REPORT, &report);
    }
    settle();
}

static void beats_with_other_schema(int count)
{
    core.cast.nodes[DB1].is_silent = core.cast.nodes[DB2].is_silent = true;
    for (int i = 0; i < count; i++) {
        end_all_orders();
        beat();
        report_other_schema("left over");
    }
}

START_TEST(a_schema_that_changed_since_the_plan_is_not_rolled)
{
    start(to_new());
    beats_with_other_schema(80);
    ck_assert_int_eq(core.control->open == NULL ? core.control->summaries[0]->state
                                                : core.control->open->state,
                     ROLLOUT_REVERTED);
    ck_assert_ptr_nonnull(strstr(core.control->summaries[0]->why, "plan again"));
}
END_TEST

START_TEST(reverted_is_only_what_has_the_schema_of_before)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("rollback");
    beats_with_other_schema(40);
    ck_assert_ptr_nonnull(core.control->open);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_STUCK);
    ck_assert_ptr_nonnull(strstr(core.ring, "not what it was"));
    core.cast.nodes[DB1].is_silent = core.cast.nodes[DB2].is_silent = false;
    wish("retry", (struct request){.step = step_of(STAGE_AGREE, NULL)->plan->id});
    beats(10);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
}
END_TEST

START_TEST(what_turns_bad_while_the_rollout_is_paused_is_taken_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beats(1);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    say_verb("pause");
    ck_assert_int_eq(core.control->open->state, ROLLOUT_PAUSED);
    core.cast.nodes[G1].is_sick = true;
    beats(10);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_turns_bad_while_the_rollout_is_paused_is_taken_back);
    tcase_add_test(tcase, a_schema_that_changed_since_the_plan_is_not_rolled);
    tcase_add_test(tcase, reverted_is_only_what_has_the_schema_of_before);
    tcase_add_test(tcase, a_soak_does_not_pass_on_an_edge_s_stale_word);
    tcase_add_test(tcase, a_gate_that_fails_turns_everything_back);
    tcase_add_test(tcase, what_a_gate_saw_grows_old_when_those_concerned_are_silent);
    tcase_add_test(tcase, databases_do_not_agree_while_one_has_another_fingerprint);
}

SUITE("control: gate", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
