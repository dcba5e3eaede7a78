/* A promotion that takes the new release's schema away, and what becomes of who stands on it. */
#include "support/core.h"

/* g1 is in traffic on the new release, g2 runs it and is out, g3 is as before. */
static void go_half_way(struct request request)
{
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    ck_assert(go_on_until(TASK_RELEASE));
    ck_assert_str_eq(core.cast.orders[0].arguments.target, "g2");
    end_all_orders();
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}

static void promote_what_lacks_the_schema(void)
{
    core.cast.primary = DB2;
    core.cast.timeline++;
    core.cast.nodes[DB2].applied = core.cast.nodes[DB2].expanded = 1;
    beats(2);
}

/* NULL: nobody was ordered to do that. */
static const struct order *order_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (core.cast.orders[i].task == task)
            return &core.cast.orders[i];
    return NULL;
}

static void end_orders_of(enum task task)
{
    for (size_t i = core.cast.order_count; i > 0; i--)
        if (core.cast.orders[i - 1].task == task)
            end_order(i - 1, OUTCOME_SUCCEEDED, false);
}

static void assert_serves(const struct cast_node *game, const char *release)
{
    ck_assert_str_eq(game->release, release);
    ck_assert_int_eq(game->traffic, TRAFFIC_READY);
}

static void assert_all_serve(enum rollout_state state, const char *release)
{
    ck_assert_int_eq(core.control->summaries[0]->state, state);
    for (size_t i = G1; i < G1 + CAST_GAMES; i++)
        assert_serves(&core.cast.nodes[i], release);
}

START_TEST(who_stands_on_a_lost_schema_is_out_until_it_is_expanded_again)
{
    go_half_way(to_new());
    promote_what_lacks_the_schema();
    ck_assert_ptr_nonnull(order_of(TASK_EXPAND));
    ck_assert_str_eq(order_of(TASK_DRAIN)->arguments.target, "g1");
    end_orders_of(TASK_DRAIN);
    beats(5);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
    ck_assert_int_eq(core.cast.nodes[G3].traffic, TRAFFIC_READY);
    ck_assert_ptr_null(order_of(TASK_ADMIT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    ck_assert(!go_on_until(TASK_REVERT));
    assert_all_serve(ROLLOUT_COMPLETED, "new");
}
END_TEST

START_TEST(min_ready_stay_in_traffic_on_a_lost_schema)
{
    struct request request = to_new();

    request.options.min_ready = 2;
    go_half_way(request);
    promote_what_lacks_the_schema();
    ck_assert_ptr_nonnull(order_of(TASK_EXPAND));
    beats(5);
    ck_assert_ptr_null(order_of(TASK_DRAIN));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    ck_assert(!go_on_until(TASK_REVERT));
    assert_all_serve(ROLLOUT_COMPLETED, "new");
}
END_TEST

/* It may be another one already. */
START_TEST(nobody_is_admitted_on_the_word_of_a_database_that_is_silent)
{
    start(to_new());
    ck_assert(go_on_until(TASK_RELEASE));
    core.cast.nodes[DB1].is_silent = true;
    beats(4);
    end_all_orders();
    beats(5);
    ck_assert_ptr_null(order_of(TASK_ADMIT));
    core.cast.nodes[DB1].is_silent = false;
    beats(5);
    ck_assert_ptr_nonnull(order_of(TASK_ADMIT));
}
END_TEST

START_TEST(whom_another_was_promoted_for_is_quarantined_until_it_follows)
{
    go_half_way(to_new());
    core.cast.nodes[DB1].is_silent = true;
    core.cast.primary = DB2;
    core.cast.timeline++;
    core.cast.nodes[DB2].applied = core.cast.nodes[DB1].applied;
    core.cast.nodes[DB2].expanded = core.cast.nodes[DB1].expanded;
    beats(16);
    ck_assert_int_eq(control_node(core.control, "db1")->quarantine, QUARANTINE_BEHIND);
    core.cast.nodes[DB1].is_silent = false;
    beats(3);
    ck_assert_int_eq(control_node(core.control, "db1")->quarantine, QUARANTINE_NONE);
}
END_TEST

START_TEST(a_lost_schema_that_cannot_be_expanded_again_turns_the_rollout_back)
{
    go_half_way(to_new());
    promote_what_lacks_the_schema();
    end_orders_of(TASK_DRAIN);
    for (int i = 0; i < 20 && core.control->open->state == ROLLOUT_ADVANCING; i++) {
        if (order_of(TASK_EXPAND) != NULL)
            end_order((size_t)(order_of(TASK_EXPAND) - core.cast.orders), OUTCOME_FAILED, false);
        beat();
    }
    ck_assert_int_eq(core.control->open->state, ROLLOUT_REVERTING);
    ck_assert(!go_on_until(TASK_CONTRACT));
    assert_all_serve(ROLLOUT_REVERTED, "old");
}
END_TEST

/* All of them are through, and the schema goes while the holding waits for a person. */
START_TEST(a_schema_that_is_lost_in_the_holding_takes_the_servers_out_and_in_again)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    promote_what_lacks_the_schema();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_ADVANCING);
    beats(3);
    ck_assert_ptr_nonnull(order_of(TASK_DRAIN));
    end_orders_of(TASK_DRAIN);
    beats(3);
    end_orders_of(TASK_DRAIN);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    for (size_t i = G1; i < G1 + CAST_GAMES; i++)
        ck_assert_int_eq(core.cast.nodes[i].traffic, TRAFFIC_READY);
    say_verb("complete");
    ck_assert(!go_on_until(TASK_REVERT));
    assert_all_serve(ROLLOUT_COMPLETED, "new");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, who_stands_on_a_lost_schema_is_out_until_it_is_expanded_again);
    tcase_add_test(tcase, min_ready_stay_in_traffic_on_a_lost_schema);
    tcase_add_test(tcase, nobody_is_admitted_on_the_word_of_a_database_that_is_silent);
    tcase_add_test(tcase, whom_another_was_promoted_for_is_quarantined_until_it_follows);
    tcase_add_test(tcase, a_lost_schema_that_cannot_be_expanded_again_turns_the_rollout_back);
    tcase_add_test(tcase, a_schema_that_is_lost_in_the_holding_takes_the_servers_out_and_in_again);
}

SUITE("control: promotion", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
