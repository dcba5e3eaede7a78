/* What operators may wish, and when: each verb in each state, and nodes that only they can judge.
 */
#include "common/base/text.h"
#include "coordinator/core/fleet.h"
#include "support/core.h"

/* Of the first step, where the verb is about one. */
static void assert_refused(const char *verb, const char *part)
{
    enum rollout_state before = core.control->open->state;

    wish(verb, (struct request){.step = 1, .reason = "because"});
    ck_assert_msg(core.code == ERROR_REFUSED, "%s: %d: %s", verb, core.code, core.reply);
    ck_assert_msg(strstr(core.reply, part) != NULL, "\"%s\" is not in: %s", part, core.reply);
    ck_assert_int_eq(core.control->open->state, before);
}

static void assert_done(const char *verb, enum rollout_state state)
{
    say_verb(verb);
    ck_assert_msg(core.code == ERROR_OK, "%s: %d: %s", verb, core.code, core.reply);
    ck_assert_int_eq(core.control->open->state, state);
}

/* ---- rollouts ---- */

START_TEST(without_a_rollout_there_is_nothing_to_steer)
{
    static const char *const verbs[] = {"start", "pause", "resume",  "complete",
                                        "retry", "skip",  "abandon", "rollback"};

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        say_verb(verbs[i]);
        ck_assert_msg(core.code != ERROR_OK && core.reply[0] != '\0', "%s", verbs[i]);
    }
    say_verb("dance");
    ck_assert_int_ne(core.code, ERROR_OK);
    ck_assert_ptr_null(core.control->open);
}
END_TEST

START_TEST(a_plan_that_nobody_starts_expires)
{
    wish("plan", to_new());
    core.now_ms += PLAN_TTL_MS - 2000;
    beat();
    ck_assert_ptr_nonnull(core.control->open);
    core.now_ms += 2000;
    beat();
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_CANCELLED);
}
END_TEST

START_TEST(a_wish_that_is_refused_leaves_the_plan_that_was_there)
{
    wish("plan", to_new());
    wish("plan", (struct request){.revision = "nowhere"});
    ck_assert_int_ne(core.code, ERROR_OK);
    wish("rollback", (struct request){.rollout = 99});
    ck_assert_int_ne(core.code, ERROR_OK);
    ck_assert_ptr_nonnull(core.control->open);
    ck_assert_uint_eq(core.control->open->work.plan->rollout, 1);
    wish("plan", to_new());
    ck_assert_int_eq(core.code, ERROR_OK);
    ck_assert_uint_eq(core.control->open->work.plan->rollout, 2);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_CANCELLED);
}
END_TEST

START_TEST(a_plan_may_be_started_once_and_only_as_it_was_seen)
{
    struct request other = {.digest = "another"};

    wish("plan", to_new());
    assert_refused("pause", "");
    assert_refused("resume", "neither paused nor halted");
    assert_refused("complete", "not holding");
    wish("start", other);
    ck_assert_int_ne(core.code, ERROR_OK);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_PLANNED);
    assert_done("start", ROLLOUT_ADVANCING);
    assert_refused("start", "already");
}
END_TEST

START_TEST(rolled_back_before_it_began_it_is_cancelled)
{
    wish("plan", to_new());
    say_verb("rollback");
    ck_assert_int_eq(core.code, ERROR_OK);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_CANCELLED);
    say_verb("rollback"); /* nothing is left to be done */
    ck_assert_ptr_null(core.control->open);
    ck_assert_uint_eq(core.control->summary_count, 1);
}
END_TEST

START_TEST(a_pause_orders_nothing_new_until_it_is_resumed)
{
    start(to_new());
    ck_assert(go_on_until(TASK_BACKFILL));
    assert_done("pause", ROLLOUT_PAUSED);
    assert_refused("pause", "");
    assert_refused("complete", "not holding");
    end_all_orders();
    beats(5);
    ck_assert_uint_eq(core.cast.order_count, 0);
    assert_done("resume", ROLLOUT_ADVANCING);
    beat();
    ck_assert_uint_gt(core.cast.order_count, 0);
}
END_TEST

START_TEST(a_pause_in_the_holding_goes_back_to_it)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HOLDING);
    assert_done("pause", ROLLOUT_PAUSED);
    assert_done("resume", ROLLOUT_HOLDING);
}
END_TEST

START_TEST(while_it_is_taken_back_a_second_rollback_is_harmless_and_nothing_else_is_heard)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    assert_done("rollback", ROLLOUT_REVERTING);
    assert_done("rollback", ROLLOUT_REVERTING);
    assert_refused("pause", "");
    assert_refused("resume", "");
    assert_refused("complete", "");
    assert_refused("retry", "");
    assert_refused("skip", "");
    assert_refused("abandon", "");
}
END_TEST

static void halt(void)
{
    struct request request = to_new();

    request.options.on_failure = ON_FAILURE_HALT;
    start(request);
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_FAILED, false);
    beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
}

START_TEST(asked_to_halt_it_halts_at_a_failure_and_rings)
{
    size_t rings = core.rings;

    halt();
    ck_assert_uint_gt(core.rings, rings);
    ck_assert_ptr_nonnull(strstr(core.ring, "expand"));
    rings = core.rings;
    core.now_ms += RING_MS;
    beat();
    ck_assert_uint_gt(core.rings, rings); /* again and again */
    assert_refused("resume", "");         /* the step is still failed */
}
END_TEST

START_TEST(halted_a_step_may_be_tried_again_and_then_it_goes_on)
{
    struct request retry = {.step = 0};

    halt();
    retry.step = step_of(STAGE_EXPAND, NULL)->plan->id;
    wish("retry", retry);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    say_verb("resume");
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_SUCCEEDED, false);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(skipping_an_expand_leaves_out_whatever_needs_it)
{
    struct request request = to_new();

    request.options.on_failure = ON_FAILURE_HALT;
    start(request);
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_FAILED, false);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_HALTED);
    wish("skip", (struct request){.step = step_of(STAGE_EXPAND, NULL)->plan->id, .reason = "test"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    say_verb("resume");
    ck_assert(!go_on_until(TASK_DRAIN));
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_COMPLETED);
    ck_assert_str_eq(core.cast.nodes[G1].release, "old");
}
END_TEST

START_TEST(halted_it_may_be_abandoned_and_everything_stays_as_it_is)
{
    halt();
    say_verb("abandon");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert_ptr_null(core.control->open);
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_ABANDONED);
    say_verb("rollback");
    ck_assert_int_ne(core.code, ERROR_OK);
}
END_TEST

START_TEST(a_revert_that_fails_is_stuck_until_it_is_tried_again)
{
    struct request retry = {.step = 0};
    size_t rings;

    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("rollback");
    ck_assert(go_on_until(TASK_REVERT));
    rings = core.rings;
    end_order(0, OUTCOME_FAILED, false);
    beat();
    ck_assert_int_eq(core.control->open->state, ROLLOUT_STUCK);
    ck_assert_uint_gt(core.rings, rings);
    retry.step = step_of(STAGE_EXPAND, NULL)->plan->id;
    wish("retry", retry);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
}
END_TEST

/* ---- nodes ---- */

static const struct node *node_of(const char *name)
{
    return control_node(core.control, name);
}

START_TEST(only_a_quarantine_can_be_lifted)
{
    wish("admit", (struct request){.node = "g1"});
    ck_assert_ptr_nonnull(strstr(core.reply, "not quarantined"));
    wish("admit", (struct request){.node = "nobody"});
    ck_assert_int_eq(core.code, ERROR_NOT_FOUND);
}
END_TEST

START_TEST(two_with_one_identity_ring_until_an_operator_vouches_for_them)
{
    struct report report;
    size_t rings = core.rings;

    cast_fill_report(&core.cast, DB2, core.memory, &report);
    (void)text_copy(report.database.instance, DIGEST_SIZE, "db1");
    say(DB2, MESSAGE_REPORT, &report);
    beat();
    ck_assert_uint_gt(core.rings, rings);
    rings = core.rings;
    core.now_ms += RING_MS;
    beat();
    ck_assert_uint_gt(core.rings, rings);
    ck_assert_int_eq(node_of("db1")->quarantine, QUARANTINE_IDENTITY);
    wish("admit", (struct request){.node = "db1"});
    wish("admit", (struct request){.node = "db2"});
    ck_assert_int_eq(node_of("db1")->quarantine, QUARANTINE_NONE);
    beats(3);
    ck_assert_int_eq(node_of("db2")->quarantine, QUARANTINE_NONE);
}
END_TEST

START_TEST(a_game_that_an_edge_took_out_by_itself_is_repaired_and_comes_back)
{
    core.cast.nodes[G1].traffic = TRAFFIC_MAINTENANCE;
    beats(5);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_HEALTH);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_NONE);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
}
END_TEST

START_TEST(a_cut_that_fails_is_tried_again_but_not_at_once)
{
    int orders = 0;

    wish("drain", (struct request){.node = "g1"});
    for (int i = 0; i < 30; i++) {
        for (size_t waiting = core.cast.order_count; waiting > 0; waiting--, orders++)
            end_order(0, OUTCOME_FAILED, false);
        beat();
    }
    ck_assert_int_ge(orders, 4); /* two at two edges */
    ck_assert_int_le(orders, 8);
}
END_TEST

/* What the shard's count does not have is not taken off it. */
START_TEST(whom_a_person_holds_out_counts_as_in_traffic_nowhere)
{
    uint64_t sum = 0;

    wish("drain", (struct request){.node = "g1"});
    beats(2);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_HELD);
    ck_assert_int_eq(fleet_traffic(core.control, node_of("g1"), NULL), TRAFFIC_READY);
    for (size_t i = G1; i < G1 + CAST_GAMES; i++)
        sum += node_is_in_traffic(core.control, node_of(core.cast.nodes[i].name));
    ck_assert_uint_eq(sum, 2);
    ck_assert_uint_eq(fleet_count(core.control, "main").in_traffic, 2);
}
END_TEST

/* Nobody there could be told anything. */
START_TEST(without_edges_a_game_that_joins_is_in_traffic_as_soon_as_it_is_well)
{
    struct request request = {.node = "edge1"};

    for (size_t i = EDGE1; i <= EDGE2; i++) {
        (void)text_copy(request.node, NAME_SIZE, core.cast.nodes[i].name);
        wish("remove", request);
        ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
        core.cast.nodes[i].is_silent = true;
    }
    (void)text_copy(request.node, NAME_SIZE, "g1");
    wish("remove", request);
    request = (struct request){.verb = ""};
    cast_fill_node(&core.cast, G1, &request);
    wish("accept", request);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_ABSENCE);
    beats(5);
    end_all_orders(); /* its server is told, should it still believe that it is being drained */
    beats(5);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_NONE);
    ck_assert_uint_eq(fleet_count(core.control, "main").in_traffic, CAST_GAMES);
}
END_TEST

/* It was cut off because it was lost; the edge was restarted since, and forgot that. */
START_TEST(whom_we_took_out_counts_as_in_traffic_nowhere)
{
    core.cast.nodes[G1].is_silent = true;
    beats(16);
    for (int i = 0; i < 8 && core.cast.order_count > 0; i++) {
        end_order(0, OUTCOME_SUCCEEDED, false);
        beat();
    }
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
    core.cast.nodes[G1].traffic = TRAFFIC_READY;
    report_one(EDGE1);
    report_one(EDGE2);
    ck_assert_int_eq(fleet_traffic(core.control, node_of("g1"), NULL), TRAFFIC_READY);
    ck_assert_uint_eq(fleet_count(core.control, "main").in_traffic, 2);
}
END_TEST

/* Without a rollout nobody is watched: every agent reports every ten beats, each in its own. */
START_TEST(what_an_edge_took_out_is_seen_though_nobody_reports_at_the_same_time)
{
    struct beat alive = {.is_up = true};

    core.cast.nodes[G1].traffic = TRAFFIC_MAINTENANCE;
    for (int i = 0; i < 20 && node_of("g1")->quarantine == QUARANTINE_NONE; i++) {
        core.now_ms += BEAT_MS;
        for (size_t node = 0; node < CAST_NODES; node++)
            say(node, MESSAGE_BEAT, &alive);
        if (i % 10 == 4)
            report_one(EDGE1);
        if (i % 10 == 9)
            report_one(G1);
        settle();
    }
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_HEALTH);
}
END_TEST

START_TEST(a_repair_that_fails_again_and_again_rings_and_stops)
{
    size_t rings = core.rings;

    core.cast.nodes[G1].traffic = TRAFFIC_MAINTENANCE;
    for (int i = 0; i < 400 && core.rings == rings; i++) {
        while (core.cast.order_count > 0)
            end_order(0, OUTCOME_FAILED, false);
        beat();
    }
    ck_assert_uint_gt(core.rings, rings);
    ck_assert_uint_ge(node_of("g1")->repair_tries, REPAIR_TRIES_MAX);
    beats(60);
    ck_assert_uint_eq(core.cast.order_count, 0);
    ck_assert_int_eq(node_of("g1")->quarantine, QUARANTINE_HEALTH);
}
END_TEST

START_TEST(a_node_with_an_open_step_is_not_removed)
{
    start(to_new());
    ck_assert(go_on_until(TASK_RELEASE));
    wish("remove", (struct request){.node = "g1"});
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(node_of("g1"));
    wish("remove", (struct request){.node = "nobody"});
    ck_assert_int_eq(core.code, ERROR_NOT_FOUND);
}
END_TEST

START_TEST(a_key_belongs_to_one_node_and_a_node_may_be_given_another_key)
{
    struct request request = {.node = "g9", .shard = "main", .kind = KIND_GAME};

    cast_fill_node(&core.cast, G1, &request);
    (void)text_copy(request.node, NAME_SIZE, "g9");
    wish("accept", request);
    ck_assert_int_ne(core.code, ERROR_OK);
    (void)text_copy(request.node, NAME_SIZE, "g1");
    (void)text_format(request.key, KEY_TEXT_SIZE, "%040d", 99);
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_OK);
    ck_assert_str_eq(node_of("g1")->identity.key, request.key);
    ck_assert_uint_eq(core.control->node_count, CAST_NODES);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, without_a_rollout_there_is_nothing_to_steer);
    tcase_add_test(tcase, a_plan_that_nobody_starts_expires);
    tcase_add_test(tcase, a_wish_that_is_refused_leaves_the_plan_that_was_there);
    tcase_add_test(tcase, a_plan_may_be_started_once_and_only_as_it_was_seen);
    tcase_add_test(tcase, rolled_back_before_it_began_it_is_cancelled);
    tcase_add_test(tcase, a_pause_orders_nothing_new_until_it_is_resumed);
    tcase_add_test(tcase, a_pause_in_the_holding_goes_back_to_it);
    tcase_add_test(tcase,
                   while_it_is_taken_back_a_second_rollback_is_harmless_and_nothing_else_is_heard);
    tcase_add_test(tcase, asked_to_halt_it_halts_at_a_failure_and_rings);
    tcase_add_test(tcase, halted_a_step_may_be_tried_again_and_then_it_goes_on);
    tcase_add_test(tcase, skipping_an_expand_leaves_out_whatever_needs_it);
    tcase_add_test(tcase, halted_it_may_be_abandoned_and_everything_stays_as_it_is);
    tcase_add_test(tcase, a_revert_that_fails_is_stuck_until_it_is_tried_again);
    tcase_add_test(tcase, only_a_quarantine_can_be_lifted);
    tcase_add_test(tcase, two_with_one_identity_ring_until_an_operator_vouches_for_them);
    tcase_add_test(tcase, a_game_that_an_edge_took_out_by_itself_is_repaired_and_comes_back);
    tcase_add_test(tcase, a_cut_that_fails_is_tried_again_but_not_at_once);
    tcase_add_test(tcase, whom_a_person_holds_out_counts_as_in_traffic_nowhere);
    tcase_add_test(tcase, without_edges_a_game_that_joins_is_in_traffic_as_soon_as_it_is_well);
    tcase_add_test(tcase, whom_we_took_out_counts_as_in_traffic_nowhere);
    tcase_add_test(tcase, what_an_edge_took_out_is_seen_though_nobody_reports_at_the_same_time);
    tcase_add_test(tcase, a_repair_that_fails_again_and_again_rings_and_stops);
    tcase_add_test(tcase, a_node_with_an_open_step_is_not_removed);
    tcase_add_test(tcase, a_key_belongs_to_one_node_and_a_node_may_be_given_another_key);
}

SUITE("control: wishes", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
