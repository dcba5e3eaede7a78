/* What players have, compared with what they had: latency and errors of a soak. */
#include "coordinator/core/planner.h"
#include "coordinator/core/vitals.h"
#include "support/core.h"

#include <string.h>

static struct cast_node *cast_of(size_t game)
{
    return &core.cast.nodes[game];
}

/* For so many beats, each with a sample; every game node answers so and so many requests more. */
static void live(int count, uint64_t latency_ms, uint64_t requests, uint64_t errors)
{
    for (int i = 0; i < count; i++) {
        for (size_t game = G1; game <= G3; game++) {
            cast_of(game)->latency_ms = latency_ms + (uint64_t)i % 3;
            cast_of(game)->requests += requests;
            cast_of(game)->errors += errors;
        }
        beat();
    }
}

static struct request to_compare(void)
{
    struct request request = to_new();

    request.options.soak_ms = 8000;
    return request;
}

static const struct step *soak_of_g1(void)
{
    return step_of(STAGE_SOAK, "g1");
}

/* Under way, with g1 admitted on the new release, and its soak begun. */
static void begin_soak(struct request request)
{
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beat();
    ck_assert_int_eq(soak_of_g1()->state, STEP_RUNNING);
}

static void assert_soak_says(const char *part)
{
    const char *why = text_kept(&soak_of_g1()->gate_record.why);

    ck_assert_msg(strstr(why, part) != NULL, "\"%s\" is not in: %s", part, why);
}

static const struct fact_baseline *baseline_of(const char *game)
{
    for (size_t i = 0; i < core.control->open->baseline_count; i++)
        if (strcmp(core.control->open->baselines[i].node, game) == 0)
            return &core.control->open->baselines[i];
    ck_abort_msg("there is none");
    return NULL;
}

START_TEST(how_a_game_node_did_before_is_noted_as_the_rollout_starts)
{
    live(20, 40, 10, 0);
    live(20, 60, 10, 1);
    start(to_compare());
    ck_assert_uint_ge(baseline_of("g1")->samples, 40);
    ck_assert_uint_ge(baseline_of("g1")->median_ms, 40);
    ck_assert_uint_eq(baseline_of("g1")->p99_ms, 62);
    ck_assert_uint_ge(baseline_of("g1")->requests, 780); /* two edges count */
    ck_assert_uint_ge(baseline_of("g1")->errors, 38);
    ck_assert_uint_eq(core.control->open->baseline_count, 3);
}
END_TEST

/* Loop test: how many times as slow. */
START_TEST(a_release_that_is_much_slower_fails_its_soak)
{
    live(30, 40, 10, 0);
    begin_soak(to_compare());
    live(9, 40 * (2 + (uint64_t)_i), 10, 0);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert_ptr_nonnull(strstr(core.control->open->cause, "g1 is slower than before"));
    ck_assert_ptr_nonnull(strstr(core.control->open->cause, "(before: 40 and 42 ms)"));
}
END_TEST

START_TEST(one_that_is_as_fast_passes_and_says_both_figures)
{
    live(30, 40, 10, 0);
    begin_soak(to_compare());
    live(7, 45, 10, 0);
    assert_soak_says("answers in 4");
    assert_soak_says("(before: 40 and 42 ms)");
    live(5, 45, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(one_slow_answer_is_no_verdict)
{
    live(30, 40, 10, 0);
    begin_soak(to_compare());
    live(4, 40, 10, 0);
    live(1, 900, 10, 0);
    live(6, 40, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

/* Of answers that take no time, twice as long is no time either. */
START_TEST(what_nobody_feels_is_not_slower)
{
    live(30, 1, 10, 0);
    begin_soak(to_compare());
    live(11, 6, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(a_slow_tail_fails_where_the_median_is_as_before)
{
    live(30, 40, 10, 0);
    begin_soak(to_compare());
    for (int i = 0; i < 9; i++)
        live(1, i % 2 == 0 ? 200 : 40, 10, 0);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
}
END_TEST

START_TEST(requests_that_fail_more_often_than_before_fail_the_soak)
{
    live(30, 40, 100, 1);
    begin_soak(to_compare());
    live(9, 40, 100, 4);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert_ptr_nonnull(strstr(core.control->open->cause, "g1 fails more often than before"));
}
END_TEST

START_TEST(those_that_failed_before_may_fail_now)
{
    live(30, 40, 100, 4);
    begin_soak(to_compare());
    live(11, 40, 100, 4);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(an_edge_that_counts_from_zero_again_is_no_failure)
{
    live(30, 40, 100, 0);
    begin_soak(to_compare());
    live(3, 40, 100, 0);
    cast_of(G1)->requests = cast_of(G1)->errors = 0;
    live(8, 40, 100, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(where_there_is_too_little_to_compare_it_says_so_and_looks_at_health_alone)
{
    struct request request = to_new(); /* its soak is over within two seconds */

    live(30, 40, 10, 0);
    begin_soak(request);
    live(1, 400, 10, 0);
    assert_soak_says("not compared");
    live(2, 400, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(who_asks_for_a_comparison_gets_no_pass_without_it)
{
    struct request request = to_new();

    live(30, 40, 10, 0);
    request.options.must_compare = true;
    request.options.on_inconclusive = ON_INCONCLUSIVE_PAUSE;
    begin_soak(request);
    live(2, 40, 10, 0);
    ck_assert_int_eq(soak_of_g1()->gate_record.verdict, VERDICT_INCONCLUSIVE);
    live(8, 40, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(a_comparison_that_could_never_be_made_is_not_begun)
{
    struct request request = to_new();

    request.options.must_compare = true;
    for (size_t game = G1; game <= G3; game++)
        control_node(core.control, cast_of(game)->name)->vitals->count = 3;
    plan(request);
    say_verb("start");
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(core.reply, "too little is known of g1"));
    live(10, 40, 10, 0);
    say_verb("start");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
}
END_TEST

START_TEST(with_a_limit_of_zero_nobody_looks_at_the_latency)
{
    struct request request = to_compare();

    planner_defaults(&request.options);
    request.options.is_exact = true;
    request.options.latency_max_percent = 0;
    live(30, 40, 10, 0);
    begin_soak(request);
    live(11, 400, 10, 0);
    ck_assert_int_eq(soak_of_g1()->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(samples_of_another_release_say_nothing_about_this_one)
{
    live(30, 40, 10, 0);
    cast_of(G1)->release = "new";
    live(2, 40, 10, 0);
    ck_assert_uint_le(vitals_since(control_node(core.control, "g1"), 0).samples, 2);
    ck_assert_uint_ge(vitals_since(control_node(core.control, "g2"), 0).samples, 30);
}
END_TEST

/* What it goes away from may be the better or the worse one: that is why it goes. */
START_TEST(an_inverse_is_not_compared)
{
    read_catalog_without_contracts(false);
    live(30, 40, 10, 0);
    start(to_new());
    for (int i = 0; i < 200 && core.control->open != NULL; i++) {
        end_all_orders();
        live(1, 40, 10, 0);
    }
    ck_assert_ptr_null(core.control->open);
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    for (int i = 0; i < 300 && core.control->open != NULL; i++) {
        end_all_orders();
        live(1, 400, 10, 0);
    }
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[1]->state, ROLLOUT_COMPLETED);
}
END_TEST

/* ---- beside a backfill ---- */

/* What its agent is told with the answer to a beat. */
static struct watch word_to(size_t node)
{
    struct beat sign = {.is_up = true};

    (void)text_copy(sign.ledger, sizeof(sign.ledger), core.cast.nodes[node].name);
    (void)text_copy(core.heard_by, sizeof(core.heard_by), core.cast.nodes[node].name);
    core.word = (struct watch){.is_on = false};
    say(node, MESSAGE_BEAT, &sign);
    return core.word;
}

/* The rows of the shard's database are being filled. */
static void begin_backfill(struct request request)
{
    struct accepted accepted = {.is_accepted = true};

    start(request);
    ck_assert(go_on_until(TASK_BACKFILL));
    accepted.id = core.cast.orders[core.cast.order_count - 1].id;
    say(DB1, MESSAGE_ACCEPTED, &accepted);
    settle();
    ck_assert_int_eq(step_of(STAGE_BACKFILL, "")->state, STEP_RUNNING);
}

START_TEST(beside_a_backfill_its_database_hears_how_long_players_wait)
{
    live(30, 40, 10, 0);
    ck_assert_uint_eq(word_to(DB1).players_limit_ms, 0);
    begin_backfill(to_compare());
    live(6, 44, 10, 0);
    ck_assert_uint_eq(word_to(DB1).players_limit_ms, 60); /* 1.5 times 40 */
    ck_assert_uint_eq(word_to(DB1).players_ms, 45);
    live(6, 90, 10, 0);
    ck_assert_uint_eq(word_to(DB1).players_ms, 91);
    ck_assert_uint_eq(word_to(G1).players_limit_ms, 0);
    end_all_orders();
    beat();
    ck_assert_uint_eq(word_to(DB1).players_limit_ms, 0);
}
END_TEST

/* Who says at once that it can't is not quick. */
START_TEST(beside_a_backfill_whoever_fails_its_probes_keeps_players_waiting)
{
    live(30, 40, 10, 0);
    begin_backfill(to_compare());
    cast_of(G2)->is_sick = true;
    live(6, 40, 10, 0);
    ck_assert_uint_eq(word_to(DB1).players_ms, word_to(DB1).players_limit_ms + 1);
    control_node(core.control, "g2")->report_at_ms = 0;
    ck_assert_uint_eq(word_to(DB1).players_ms, 41); /* what it said is too old */
}
END_TEST

START_TEST(who_gets_no_traffic_keeps_nobody_waiting)
{
    live(30, 40, 10, 0);
    begin_backfill(to_compare());
    cast_of(G2)->is_sick = true;
    cast_of(G2)->traffic = TRAFFIC_DRAIN;
    live(6, 40, 10, 0);
    ck_assert_uint_lt(word_to(DB1).players_ms, word_to(DB1).players_limit_ms);
}
END_TEST

/* A node that is not watched reports every ten beats: too old by then. */
START_TEST(beside_a_backfill_game_servers_report_at_every_beat)
{
    live(30, 40, 10, 0);
    ck_assert(!word_to(G1).is_on);
    begin_backfill(to_compare());
    ck_assert(word_to(G1).is_on);
    ck_assert(word_to(G3).is_on);
    core.now_ms += VITALS_NOW_MS + 1;
    ck_assert_uint_eq(word_to(DB1).players_limit_ms, 0); /* silence is no evidence */
}
END_TEST

/* Loop test: too little is known from before; nobody wants it compared. */
START_TEST(a_backfill_gives_way_to_nobody_whose_figures_are_not_to_be_compared)
{
    struct request request = to_compare();

    live(30, 40, 10, 0);
    for (size_t game = G1; _i == 0 && game <= G3; game++)
        control_node(core.control, cast_of(game)->name)->vitals->count = 3;
    planner_defaults(&request.options);
    request.options.is_exact = true;
    if (_i == 1)
        request.options.latency_max_percent = 0;
    begin_backfill(request);
    live(6, 400, 10, 0);
    ck_assert_uint_eq(word_to(DB1).players_limit_ms, 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, how_a_game_node_did_before_is_noted_as_the_rollout_starts);
    tcase_add_loop_test(tcase, a_release_that_is_much_slower_fails_its_soak, 0, 2);
    tcase_add_test(tcase, one_that_is_as_fast_passes_and_says_both_figures);
    tcase_add_test(tcase, one_slow_answer_is_no_verdict);
    tcase_add_test(tcase, what_nobody_feels_is_not_slower);
    tcase_add_test(tcase, a_slow_tail_fails_where_the_median_is_as_before);
    tcase_add_test(tcase, requests_that_fail_more_often_than_before_fail_the_soak);
    tcase_add_test(tcase, those_that_failed_before_may_fail_now);
    tcase_add_test(tcase, an_edge_that_counts_from_zero_again_is_no_failure);
    tcase_add_test(tcase,
                   where_there_is_too_little_to_compare_it_says_so_and_looks_at_health_alone);
    tcase_add_test(tcase, who_asks_for_a_comparison_gets_no_pass_without_it);
    tcase_add_test(tcase, a_comparison_that_could_never_be_made_is_not_begun);
    tcase_add_test(tcase, with_a_limit_of_zero_nobody_looks_at_the_latency);
    tcase_add_test(tcase, samples_of_another_release_say_nothing_about_this_one);
    tcase_add_test(tcase, an_inverse_is_not_compared);
    tcase_add_test(tcase, beside_a_backfill_its_database_hears_how_long_players_wait);
    tcase_add_test(tcase, beside_a_backfill_whoever_fails_its_probes_keeps_players_waiting);
    tcase_add_test(tcase, who_gets_no_traffic_keeps_nobody_waiting);
    tcase_add_test(tcase, beside_a_backfill_game_servers_report_at_every_beat);
    tcase_add_loop_test(tcase, a_backfill_gives_way_to_nobody_whose_figures_are_not_to_be_compared,
                        0, 2);
}

SUITE("control: vitals", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
