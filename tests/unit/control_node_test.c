/* Nodes: silence, identity, quarantine. */
#include "coordinator/core/fleet.h"
#include "support/core.h"

START_TEST(silence_is_suspect_after_three_beats_and_lost_after_fifteen_seconds)
{
    const struct node *g1 = control_node(core.control, "g1");

    ck_assert_int_eq(g1->link, LINK_ONLINE);
    core.cast.nodes[G1].is_silent = true;
    beats(2);
    ck_assert_int_eq(g1->link, LINK_ONLINE);
    beat();
    ck_assert_int_eq(g1->link, LINK_SUSPECT);
    beats(11);
    ck_assert_int_eq(g1->link, LINK_SUSPECT);
    beat();
    ck_assert_int_eq(g1->link, LINK_LOST);
    ck_assert_int_eq(g1->quarantine, QUARANTINE_ABSENCE);
    core.cast.nodes[G1].is_silent = false;
    beat();
    ck_assert_int_eq(g1->link, LINK_ONLINE);
}
END_TEST

START_TEST(two_agents_with_one_database_instance_are_both_quarantined)
{
    struct report report;

    cast_fill_report(&core.cast, DB2, core.memory, &report);
    (void)text_copy(report.database.instance, DIGEST_SIZE, "db1");
    say(DB2, MESSAGE_REPORT, &report);
    ck_assert_int_eq(control_node(core.control, "db1")->quarantine, QUARANTINE_IDENTITY);
    ck_assert_int_eq(control_node(core.control, "db2")->quarantine, QUARANTINE_IDENTITY);
}
END_TEST

START_TEST(a_replica_that_was_left_behind_stays_out_until_it_has_replayed_what_it_missed)
{
    struct fact_quarantine behind = {
        .name = "db2", .cause = QUARANTINE_BEHIND, .position = core.cast.position + 500};
    struct fact fact = {.type = FACT_QUARANTINE, .at_ms = core.now_ms, .body = &behind};
    struct error err;

    ck_assert_int_eq(control_apply(core.control, &fact, &err), ERROR_OK);
    beats(2);
    ck_assert_int_eq(control_node(core.control, "db2")->quarantine, QUARANTINE_BEHIND);
    core.cast.position += 500;
    beats(2);
    ck_assert_int_eq(control_node(core.control, "db2")->quarantine, QUARANTINE_NONE);
}
END_TEST

START_TEST(a_server_that_somebody_took_out_is_looked_at_and_goes_back_in)
{
    const struct node *g1 = control_node(core.control, "g1");

    core.cast.nodes[G1].traffic = TRAFFIC_MAINTENANCE;
    beats(5);
    ck_assert_int_eq(g1->quarantine, QUARANTINE_HEALTH);
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beats(3);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_READY);
    ck_assert_int_eq(g1->quarantine, QUARANTINE_NONE);
}
END_TEST

static void beat_with_g1_out_at_edge2(void)
{
    struct report report;

    beat();
    cast_fill_report(&core.cast, EDGE2, core.memory, &report);
    for (size_t i = 0; i < report.server_count; i++)
        if (strcmp(report.servers[i].node, "g1") == 0)
            report.servers[i].state = TRAFFIC_DRAIN;
    say(EDGE2, MESSAGE_REPORT, &report);
    settle();
}

/* Taken out everywhere first, it could be the last one that the other edge has. */
START_TEST(what_only_one_edge_holds_out_is_let_in_there_and_not_taken_out_first)
{
    core.cast.nodes[EDGE2].is_silent = true;
    for (int i = 0; i < 10 && core.cast.order_count == 0; i++)
        beat_with_g1_out_at_edge2();
    ck_assert_uint_gt(core.cast.order_count, 0);
    for (size_t i = 0; i < core.cast.order_count; i++) {
        ck_assert_int_eq(core.cast.orders[i].task, TASK_ADMIT);
        ck_assert_str_eq(core.cast.orders[i].arguments.target, "g1");
    }
    core.cast.nodes[EDGE2].is_silent = false;
    end_all_orders();
    beats(3);
    ck_assert_int_eq(control_node(core.control, "g1")->quarantine, QUARANTINE_NONE);
}
END_TEST

static void take_out_by_wish(void)
{
    wish("drain", (struct request){.node = "g1"});
    beat();
    ck_assert_uint_gt(core.cast.order_count, 0);
    core.now_ms += 100; /* what the edges are seen to do is seen later than the orders */
    for (size_t left = core.cast.order_count; left > 0; left--)
        end_order(0, OUTCOME_SUCCEEDED, false);
}

START_TEST(a_server_that_an_operator_took_out_stays_out)
{
    take_out_by_wish();
    beats(20);
    ck_assert_int_eq(control_node(core.control, "g1")->quarantine, QUARANTINE_HELD);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
}
END_TEST

START_TEST(a_node_with_a_repair_s_order_is_not_removed_unless_it_is_lost)
{
    wish("drain", (struct request){.node = "g1"});
    beat();
    ck_assert_uint_gt(core.cast.order_count, 0);
    wish("remove", (struct request){.node = "edge1"});
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    core.cast.nodes[EDGE1].is_silent = true;
    beats(20);
    wish("remove", (struct request){.node = "edge1"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    core.now_ms += 100; /* what the edges are seen to do is seen later than the orders */
    end_all_orders();
    beats(40);
    ck_assert_int_eq(core.cast.nodes[G1].traffic, TRAFFIC_DRAIN);
    wish("admit", (struct request){.node = "g1"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
}
END_TEST

/* An edge that has forgotten it sends traffic all the same. */
START_TEST(what_was_taken_out_is_nobody_that_others_may_lean_on)
{
    struct node *g1 = control_node(core.control, "g1");

    take_out_by_wish();
    beat();
    ck_assert(g1->is_taken_out);
    core.cast.nodes[G1].traffic = TRAFFIC_READY;
    core.cast.nodes[G2].is_silent = core.cast.nodes[G3].is_silent = true;
    beats(40);
    ck_assert_int_eq(core.cast.nodes[G2].traffic == TRAFFIC_READY ||
                         core.cast.nodes[G3].traffic == TRAFFIC_READY,
                     true);
}
END_TEST

START_TEST(a_correction_is_journaled_once_and_always_settled)
{
    struct correction correction = {.target = "g1", .number = 10, .detail = "it was ready"};
    const struct node *edge = control_node(core.control, "edge1");

    say(EDGE1, MESSAGE_CORRECTED, &correction);
    say(EDGE1, MESSAGE_CORRECTED, &correction);
    ck_assert_uint_eq(edge->corrections, 1);
    ck_assert_str_eq(text_kept(&edge->corrected), "g1: it was ready");
    correction.number = 11;
    say(EDGE1, MESSAGE_CORRECTED, &correction);
    ck_assert_uint_eq(edge->corrections, 2);
}
END_TEST

START_TEST(a_node_s_kind_and_shard_are_not_changed_under_a_rollout)
{
    struct request request = {.kind = KIND_GAME, .node = "g1", .shard = "elsewhere"};

    (void)text_copy(request.key, KEY_TEXT_SIZE, control_node(core.control, "g1")->identity.key);
    start(to_new());
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(core.reply, "a rollout is open"));
}
END_TEST

START_TEST(a_role_of_its_own_is_nobody_else_s)
{
    struct request request = {.kind = KIND_GAME, .node = "g1", .db_role = "own"};

    (void)text_copy(request.shard, NAME_SIZE, control_node(core.control, "g1")->identity.shard);
    (void)text_copy(request.key, KEY_TEXT_SIZE, control_node(core.control, "g1")->identity.key);
    wish("accept", request);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    (void)text_copy(request.node, NAME_SIZE, "g2");
    (void)text_copy(request.key, KEY_TEXT_SIZE, control_node(core.control, "g2")->identity.key);
    wish("accept", request);
    ck_assert_int_eq(core.code, ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(core.reply, "--db-role"));
}
END_TEST

static void never_arrived(size_t at)
{
    struct finding_report finding = {.id = core.cast.orders[at].id, .finding = FINDING_NEVER_HEARD};
    char node[NAME_SIZE];

    (void)text_copy(node, sizeof(node), core.cast.ordered[at]);
    cast_drop_order(&core.cast, at);
    say_as(node, MESSAGE_FINDING, &finding);
    settle();
}

/* Its shard's last other one could not be taken back, for want of somebody in traffic: the
 * simulator's seed 1822. */
START_TEST(whom_no_edge_was_told_to_take_out_still_serves)
{
    const struct node *game;

    start(to_new());
    ck_assert(go_on_until(TASK_DRAIN));
    game = control_node(core.control, core.cast.orders[0].arguments.target);
    ck_assert_uint_eq(core.cast.order_count, 2); /* at both edges */
    say_verb("rollback");
    never_arrived(0);
    ck_assert(node_was_taken_out(core.control, game)); /* the other edge may have it */
    never_arrived(0);
    ck_assert(!node_was_taken_out(core.control, game));
    beats(2);
    ck_assert(node_is_in_traffic(core.control, game));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, whom_no_edge_was_told_to_take_out_still_serves);
    tcase_add_test(tcase, a_server_that_somebody_took_out_is_looked_at_and_goes_back_in);
    tcase_add_test(tcase, what_only_one_edge_holds_out_is_let_in_there_and_not_taken_out_first);
    tcase_add_test(tcase, a_server_that_an_operator_took_out_stays_out);
    tcase_add_test(tcase, what_was_taken_out_is_nobody_that_others_may_lean_on);
    tcase_add_test(tcase, a_node_with_a_repair_s_order_is_not_removed_unless_it_is_lost);
    tcase_add_test(tcase, a_correction_is_journaled_once_and_always_settled);
    tcase_add_test(tcase, a_node_s_kind_and_shard_are_not_changed_under_a_rollout);
    tcase_add_test(tcase, a_role_of_its_own_is_nobody_else_s);
    tcase_add_test(tcase, silence_is_suspect_after_three_beats_and_lost_after_fifteen_seconds);
    tcase_add_test(tcase, two_agents_with_one_database_instance_are_both_quarantined);
    tcase_add_test(tcase,
                   a_replica_that_was_left_behind_stays_out_until_it_has_replayed_what_it_missed);
}

SUITE("control: node", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
