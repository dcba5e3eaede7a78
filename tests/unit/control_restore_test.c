/* Behind the contracts: the backups from before a rollout, what they lose, and how they bring back.
 */
#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "support/core.h"

#include <string.h>

/* A beat, in which everything that was ordered before succeeds. */
static void go_on(void)
{
    for (size_t left = core.cast.order_count; left > 0; left--)
        end_order(0, OUTCOME_SUCCEEDED, false);
    beat();
}

static void go_on_to_the_end(void)
{
    for (int i = 0; i < 300 && core.control->open != NULL; i++)
        go_on();
    ck_assert_ptr_null(core.control->open);
}

static const struct summary *last(void)
{
    return core.control->summaries[core.control->summary_count - 1];
}

/* To "new", and its contracts are done. */
static void roll(bool with_backup)
{
    struct request request = to_new();

    request.options.backup = with_backup;
    start(request);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_COMPLETED);
    ck_assert(last()->has_contracted);
    beats(2);
}

static void roll_back(bool accepts)
{
    wish("rollback", (struct request){.options = {.accept_data_loss = accepts}});
}

static size_t order_of(enum task task)
{
    for (size_t i = 0; i < core.cast.order_count; i++)
        if (core.cast.orders[i].task == task)
            return i;
    ck_abort_msg("no such order");
    return 0;
}

static void assert_plays(size_t game, const char *release)
{
    ck_assert_str_eq(core.cast.nodes[game].release, release);
    ck_assert_int_eq(core.cast.nodes[game].traffic, TRAFFIC_READY);
}

static void assert_everybody_plays(const char *release)
{
    for (size_t i = G1; i <= G3; i++)
        assert_plays(i, release);
}

START_TEST(what_would_be_lost_is_said_before_it_is)
{
    roll(true);
    core.cast.backup.changes = 1234;
    core.cast.backup.wal_bytes = 7 << 20;
    beats(2);
    roll_back(false);
    ck_assert_int_eq(core.code, ERROR_WOULD_LOSE_DATA);
    ck_assert_ptr_nonnull(strstr(core.reply, "2026-11-28T02:10:00Z: 1234 rows written since"));
    ck_assert_ptr_nonnull(strstr(core.reply, "7 MiB of WAL"));
    ck_assert_ptr_nonnull(strstr(core.reply, "--accept-data-loss"));
    ck_assert_ptr_null(core.control->open);
}
END_TEST

START_TEST(accepted_it_is_done_while_everybody_is_out_and_all_is_as_before)
{
    unsigned applied = core.cast.nodes[DB1].applied, contracted = core.cast.nodes[DB1].contracted;

    roll(true);
    ck_assert_uint_ne(core.cast.nodes[DB1].contracted, contracted);
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_OK);
    for (const char *const *game = (const char *const[]){"g1", "g2", "g3", NULL}; *game != NULL;
         game++) {
        ck_assert(waits_for(step_of(STAGE_RESTORE, NULL), step_of(STAGE_OUT, *game)));
        ck_assert(waits_for(step_of(STAGE_RELEASE, *game), step_of(STAGE_RESTORE, NULL)));
        ck_assert(waits_for(step_of(STAGE_RELEASE, *game), step_of(STAGE_AGREE, NULL)));
    }
    ck_assert(go_on_until(TASK_RESTORE));
    for (size_t i = G1; i <= G3; i++)
        ck_assert_int_eq(core.cast.nodes[i].traffic, TRAFFIC_DRAIN);
    ck_assert_uint_eq(core.cast.orders[order_of(TASK_RESTORE)].arguments.backup_of, 1);
    ck_assert(core.cast.orders[order_of(TASK_RESTORE)].arguments.accept_data_loss);
    go_on_to_the_end();
    ck_assert_int_eq(last()->state, ROLLOUT_COMPLETED);
    ck_assert_int_eq(last()->strategy, STRATEGY_RESTORE);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, applied);
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, contracted);
    assert_everybody_plays("old");
    ck_assert_str_eq(fleet_goal(core.control, control_node(core.control, "g1")), "old");
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_OK); /* it is back already */
    ck_assert_ptr_null(core.control->open);
}
END_TEST

START_TEST(without_a_backup_there_is_no_way_back)
{
    roll(false);
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_IRREVERSIBLE);
}
END_TEST

START_TEST(a_backup_that_is_not_there_is_missed_before_anybody_is_taken_out)
{
    roll(true);
    core.cast.backup.rollout = 0;
    beats(2);
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(core.reply, "db1, the primary of shard main, has no backup"));
    core.cast.backup.rollout = 1;
    (void)text_copy(core.cast.backup.journal, JOURNAL_SIZE, "another");
    beats(2);
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_null(core.control->open);
}
END_TEST

START_TEST(who_is_being_repaired_has_to_be_in_or_out_first)
{
    roll(true);
    core.cast.nodes[G2].release = "old";
    for (int i = 0; i < 30 && control_node(core.control, "g2")->repair == NULL; i++)
        beat();
    roll_back(true);
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(core.reply, "g2 is being repaired"));
}
END_TEST

START_TEST(one_that_fails_has_changed_nothing_and_waits_for_a_person)
{
    unsigned contracted;

    roll(true);
    contracted = core.cast.nodes[DB1].contracted;
    roll_back(true);
    ck_assert(go_on_until(TASK_RESTORE));
    end_order(order_of(TASK_RESTORE), OUTCOME_FAILED, false);
    beats(3);
    ck_assert_ptr_nonnull(core.control->open);
    ck_assert_int_eq(core.control->open->state, ROLLOUT_STUCK);
    say_verb("abandon");
    for (int i = 0; i < 60; i++)
        go_on();
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, contracted);
    assert_everybody_plays("new");
    /* What was in its way is mended: it is no rollout that changed a schema. */
    wish("rollback", (struct request){.rollout = 1, .options = {.accept_data_loss = true}});
    ck_assert_int_eq(core.code, ERROR_OK);
    go_on_to_the_end();
    assert_everybody_plays("old");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_would_be_lost_is_said_before_it_is);
    tcase_add_test(tcase, accepted_it_is_done_while_everybody_is_out_and_all_is_as_before);
    tcase_add_test(tcase, without_a_backup_there_is_no_way_back);
    tcase_add_test(tcase, a_backup_that_is_not_there_is_missed_before_anybody_is_taken_out);
    tcase_add_test(tcase, who_is_being_repaired_has_to_be_in_or_out_first);
    tcase_add_test(tcase, one_that_fails_has_changed_nothing_and_waits_for_a_person);
}

SUITE("control: restore", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
