/* What cannot be planned, and the sentence that says why and what to do. */
#include "common/base/memory.h"
#include "support/core.h"

START_TEST(a_database_that_is_away_is_named)
{
    core.cast.nodes[DB2].is_silent = true;
    beats(16);
    assert_no_plan(to_new(), ERROR_REFUSED, "db2 is lost: bring it back");
    core.cast.nodes[DB2].is_silent = false;
    beats(3);
    plan(to_new());
}
END_TEST

START_TEST(a_game_that_is_away_is_quarantined_and_the_others_go_without_it)
{
    core.cast.nodes[G2].is_silent = true;
    beats(16);
    ck_assert_int_eq(control_node(core.control, "g2")->quarantine, QUARANTINE_ABSENCE);
    plan(to_new());
    for (size_t i = 0; i < core.control->open->work.count; i++)
        ck_assert_str_ne(core.control->open->work.steps[i].plan->target, "g2");
}
END_TEST

START_TEST(names_that_nobody_has_are_refused)
{
    struct request request = to_new();
    struct name_item except = {"nobody"};

    request.options.except = &except;
    request.options.except_count = 1;
    assert_no_plan(request, ERROR_NOT_FOUND, "no node is called nobody");
    request.options.except_count = 0;
    (void)text_copy(request.options.canary, NAME_SIZE, "nobody");
    assert_no_plan(request, ERROR_NOT_FOUND, "no node or shard is called nobody");
    assert_no_plan((struct request){.step = 0}, ERROR_USAGE, "say where to go");
}
END_TEST

START_TEST(a_target_that_lacks_what_its_release_needs_is_refused)
{
    assert_no_plan((struct request){.release = "new", .revision = "r0"}, ERROR_INCOMPATIBLE,
                   "release new needs r1, which r0 does not contain");
}
END_TEST

START_TEST(a_shard_in_which_nobody_could_be_taken_out_is_refused)
{
    struct request request = to_new();

    request.options.min_ready = 3;
    assert_no_plan(request, ERROR_REFUSED, "none could be taken out");
    request.options.min_ready = 2;
    plan(request);
}
END_TEST

START_TEST(files_that_changed_since_they_were_applied_are_refused)
{
    struct revision_checksum applied = {"r0", "another", "than this"};
    struct report report;

    cast_fill_report(&core.cast, DB1, core.memory, &report);
    report.database.checksums = &applied;
    report.database.checksum_count = 1;
    say(DB1, MESSAGE_REPORT, &report);
    assert_no_plan(to_new(), ERROR_CHANGED, "the files of r0 are not those that db1 was given");
}
END_TEST

/* By what its statements say: a comment may have changed. */
START_TEST(files_of_which_only_the_comments_changed_are_those_that_were_applied)
{
    struct revision_checksum applied = {"r0", "another", "the same"};
    struct catalog catalog;
    struct report report;

    cast_fill_catalog(&catalog, core.memory, false);
    (void)text_copy(catalog.revisions[0].meaning, DIGEST_SIZE, "the same");
    read_catalog(&catalog);
    cast_fill_report(&core.cast, DB1, core.memory, &report);
    report.database.checksums = &applied;
    report.database.checksum_count = 1;
    say(DB1, MESSAGE_REPORT, &report);
    plan(to_new());
}
END_TEST

START_TEST(there_is_one_rollout_at_a_time)
{
    plan(to_new());
    say_verb("start");
    wish("plan", to_new());
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_uint_eq(core.control->open->work.plan->rollout, 1);
}
END_TEST

START_TEST(a_game_server_that_does_not_answer_is_named_with_what_to_do)
{
    core.cast.nodes[G1].is_dead = true;
    beat();
    assert_no_plan((struct request){.release = "new"}, ERROR_REFUSED, "--except g1");
}
END_TEST

START_TEST(what_builds_on_a_contract_waits_for_the_rollout_that_brings_it)
{
    struct catalog catalog;
    struct catalog_revision *last;

    cast_fill_catalog(&catalog, core.memory, true);
    last = &catalog.revisions[catalog.revision_count - 1];
    last->contracted = memory_array(core.memory, struct name_item, 1);
    last->contracted_count = 1;
    (void)text_copy(last->contracted[0].name, NAME_SIZE, "r1");
    read_catalog(&catalog);
    assert_no_plan((struct request){.release = "newest"}, ERROR_REFUSED, "roll to r1 first");
}
END_TEST

START_TEST(what_came_too_late_is_named_with_what_stands_on_it)
{
    struct catalog catalog;

    cast_fill_catalog(&catalog, core.memory, true);
    read_catalog(&catalog);
    for (size_t i = DB1; i <= DB2; i++)
        core.cast.nodes[i].applied = core.cast.nodes[i].expanded = 1 | 4;
    beat();
    assert_no_plan((struct request){.release = "newest"}, ERROR_REFUSED,
                   "r1 came too late: r2, which stands on it, is applied to shard main");
    for (size_t i = DB1; i <= DB2; i++)
        core.cast.nodes[i].applied = 1 | 2 | 4; /* it is there, and not backfilled */
    beat();
    plan((struct request){.release = "newest"});
}
END_TEST

START_TEST(what_breaks_the_release_before_is_for_a_maintenance_alone)
{
    struct request request = to_new();
    struct catalog catalog;

    cast_fill_catalog(&catalog, core.memory, false);
    (void)text_copy(catalog.revisions[1].breaks, BREAKS_SIZE,
                    "1_b.up.sql:2: a column goes; write instead: nothing");
    read_catalog(&catalog);
    assert_no_plan(request, ERROR_REFUSED,
                   "r1 breaks the release that runs meanwhile: 1_b.up.sql:2: a column goes; write "
                   "instead: nothing; or give --strategy maintenance");
    request.strategy = STRATEGY_BLUE_GREEN;
    wish("plan", request);
    ck_assert_int_ne(core.code, ERROR_OK);
    request.strategy = STRATEGY_MAINTENANCE;
    plan(request);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_database_that_is_away_is_named);
    tcase_add_test(tcase, a_game_that_is_away_is_quarantined_and_the_others_go_without_it);
    tcase_add_test(tcase, names_that_nobody_has_are_refused);
    tcase_add_test(tcase, a_target_that_lacks_what_its_release_needs_is_refused);
    tcase_add_test(tcase, a_shard_in_which_nobody_could_be_taken_out_is_refused);
    tcase_add_test(tcase, files_that_changed_since_they_were_applied_are_refused);
    tcase_add_test(tcase, files_of_which_only_the_comments_changed_are_those_that_were_applied);
    tcase_add_test(tcase, there_is_one_rollout_at_a_time);
    tcase_add_test(tcase, a_game_server_that_does_not_answer_is_named_with_what_to_do);
    tcase_add_test(tcase, what_came_too_late_is_named_with_what_stands_on_it);
    tcase_add_test(tcase, what_breaks_the_release_before_is_for_a_maintenance_alone);
    tcase_add_test(tcase, what_builds_on_a_contract_waits_for_the_rollout_that_brings_it);
}

SUITE("control: refused plans",
      {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
