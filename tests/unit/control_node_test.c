/* Nodes: silence, identity, quarantine. */
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

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, silence_is_suspect_after_three_beats_and_lost_after_fifteen_seconds);
    tcase_add_test(tcase, two_agents_with_one_database_instance_are_both_quarantined);
    tcase_add_test(tcase,
                   a_replica_that_was_left_behind_stays_out_until_it_has_replayed_what_it_missed);
}

SUITE("control: node", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
