/* Blue-green game servers whose traffic is split: share after share, each proven, and back at once.
 */
#include "coordinator/core/colour.h"
#include "support/core.h"

static void accept_as(size_t at, const char *colour)
{
    struct request request = {.verb = ""};

    core.cast.nodes[at].colour = colour;
    cast_fill_node(&core.cast, at, &request);
    wish("accept", request);
}

/* g1 is blue and has the traffic; g2 and g3 are green. */
static void set_up(void)
{
    core_set_up();
    core.cast.nodes[EDGE1].live = core.cast.nodes[EDGE2].live = "blue";
    core.cast.nodes[EDGE1].can_split = core.cast.nodes[EDGE2].can_split = true;
    accept_as(G1, "blue");
    accept_as(G2, "green");
    accept_as(G3, "green");
    for (int i = 0; i < 25; i++) {
        beat();
        end_all_orders();
    }
}

static struct request by_shares(uint32_t first, uint32_t second)
{
    static uint32_t shares[2];
    struct request request = to_new();

    shares[0] = first;
    shares[1] = second;
    request.strategy = STRATEGY_BLUE_GREEN;
    request.options.shares = shares;
    request.options.share_count = second == 0 ? 1 : 2;
    return request;
}

/* The open rollout's step at edge1 that gives that share (0: all), or the soak of g2 with it. */
static const struct step *step_with(enum stage stage, uint64_t share_permille)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++) {
        const struct plan_step *plan = work->steps[i].plan;

        if (plan->stage == stage && plan->share_permille == share_permille &&
            (strcmp(plan->node, "edge1") == 0 || strcmp(plan->target, "g2") == 0))
            return &work->steps[i];
    }
    return NULL;
}

static enum rollout_state last_end(void)
{
    return core.control->summaries[core.control->summary_count - 1]->state;
}

/* Orders succeed until both edges give that share. */
static void go_on_until_share(uint64_t share_permille)
{
    for (int i = 0; i < 200 && !colour_has_share(core.control, "main", "green", share_permille);
         i++) {
        beat();
        end_all_orders();
    }
    ck_assert(colour_has_share(core.control, "main", "green", share_permille));
}

static void assert_gives_all_to_blue(size_t edge)
{
    ck_assert_str_eq(core.cast.nodes[edge].live, "blue");
    ck_assert_uint_eq(core.cast.nodes[edge].share_permille, 0);
}

static void assert_everything_is_blue(void)
{
    ck_assert_int_eq(last_end(), ROLLOUT_REVERTED);
    assert_gives_all_to_blue(EDGE1);
    assert_gives_all_to_blue(EDGE2);
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}

START_TEST(each_share_is_proven_before_the_next_one_and_all_of_the_traffic_last)
{
    plan(by_shares(10, 500));
    ck_assert(waits_for(step_with(STAGE_SWITCH, 10), step_of(STAGE_ADMIT, "g2")));
    ck_assert(waits_for(step_with(STAGE_SOAK, 10), step_with(STAGE_SWITCH, 10)));
    ck_assert(waits_for(step_with(STAGE_SWITCH, 500), step_with(STAGE_SOAK, 10)));
    ck_assert(waits_for(step_with(STAGE_SWITCH, 0), step_with(STAGE_SOAK, 500)));
    ck_assert(waits_for(step_with(STAGE_SOAK, 0), step_with(STAGE_SWITCH, 0)));
    ck_assert(waits_for(step_of(STAGE_HOLD, NULL), step_with(STAGE_SOAK, 0)));
    ck_assert_str_eq(step_with(STAGE_SWITCH, 10)->plan->colour_before, "blue");
}
END_TEST

/* Loop test: shares that make no sense. */
START_TEST(shares_that_do_not_grow_to_less_than_all_are_refused)
{
    static const uint32_t rows[][2] = {{10, 10}, {500, 10}, {1000, 0}, {10, 1000}};

    assert_no_plan(by_shares(rows[_i][0], rows[_i][1]), ERROR_USAGE, "--share takes shares");
}
END_TEST

START_TEST(who_cannot_split_or_does_already_is_named)
{
    struct request request = by_shares(10, 0);

    request.strategy = STRATEGY_ROLLING;
    assert_no_plan(request, ERROR_USAGE, "goes with --strategy blue-green");
    core.cast.nodes[EDGE2].can_split = false;
    beat();
    assert_no_plan(by_shares(10, 0), ERROR_REFUSED, "edge2 cannot give a share");
    core.cast.nodes[EDGE2].can_split = true;
    core.cast.nodes[EDGE2].share_permille = 100;
    beat();
    assert_no_plan(by_shares(10, 0), ERROR_REFUSED, "edge2 already gives 100 of 1000");
}
END_TEST

START_TEST(with_a_share_the_other_colour_is_in_traffic_and_blue_is_live_until_it_has_all)
{
    start(by_shares(10, 500));
    go_on_until_share(10);
    ck_assert_str_eq(colour_live(core.control, "main"), "blue");
    ck_assert(!colour_rests(core.control, control_node(core.control, "g2")));
    go_on_until_share(500);
    ck_assert_str_eq(colour_live(core.control, "main"), "blue");
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_int_eq(last_end(), ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[EDGE1].live, "green");
    ck_assert_uint_eq(core.cast.nodes[EDGE1].share_permille, 0);
    ck_assert_uint_eq(core.cast.nodes[EDGE2].share_permille, 0);
}
END_TEST

/* Different shares are half-switched. */
START_TEST(an_edge_that_cannot_give_its_share_takes_the_others_back)
{
    struct request request = by_shares(10, 500);

    request.options.on_failure = ON_FAILURE_HALT; /* even then */
    start(request);
    ck_assert(go_on_until(TASK_SWITCH));
    ck_assert_uint_eq(core.cast.order_count, 2);
    end_order(0, OUTCOME_SUCCEEDED, false);
    end_order(0, OUTCOME_FAILED, false);
    beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_everything_is_blue();
}
END_TEST

START_TEST(a_colour_that_fails_with_its_share_gets_no_more_and_loses_that)
{
    start(by_shares(10, 500));
    go_on_until_share(10);
    core.cast.nodes[G2].is_sick = true;
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_everything_is_blue();
}
END_TEST

START_TEST(rolled_back_with_a_share_the_traffic_goes_first)
{
    start(by_shares(10, 500));
    go_on_until_share(500);
    say_verb("rollback");
    ck_assert(go_on_until(TASK_DRAIN));
    ck_assert_uint_eq(core.cast.nodes[EDGE1].share_permille, 0);
    ck_assert_uint_eq(core.cast.nodes[EDGE2].share_permille, 0);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_everything_is_blue();
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, each_share_is_proven_before_the_next_one_and_all_of_the_traffic_last);
    tcase_add_loop_test(tcase, shares_that_do_not_grow_to_less_than_all_are_refused, 0, 4);
    tcase_add_test(tcase, who_cannot_split_or_does_already_is_named);
    tcase_add_test(tcase,
                   with_a_share_the_other_colour_is_in_traffic_and_blue_is_live_until_it_has_all);
    tcase_add_test(tcase, an_edge_that_cannot_give_its_share_takes_the_others_back);
    tcase_add_test(tcase, a_colour_that_fails_with_its_share_gets_no_more_and_loses_that);
    tcase_add_test(tcase, rolled_back_with_a_share_the_traffic_goes_first);
}

SUITE("control: split traffic", {.add = add_all, .set_up = set_up, .tear_down = core_tear_down})
