/* A following whose rollout is over, and that nobody took back or carried on: its agent ends it. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/pair.h"

#include <string.h>

/* As its agent does it between orders. */
static enum error_code upkeep(enum pair_side side, enum job_kind kind, uint64_t rollout,
                              enum error_code (*run)(struct task_context *, struct error *))
{
    struct job job = {.kind = kind, .order = pair.order};
    struct channel channel = {.fd = -1, .is_closed = true};
    struct task_context task = {.config = &pair.sides[side].config,
                                .job = &job,
                                .channel = &channel,
                                .memory = talloc_new(NULL)};
    enum error_code code;

    job.order.id.rollout = rollout;
    (void)text_copy(job.order.arguments.target, NAME_SIZE, pair.sides[1 - side].node);
    failure = (struct error){.code = ERROR_OK};
    code = run(&task, &failure);
    talloc_free(task.memory);
    return code;
}

static enum error_code end_following(enum pair_side side, uint64_t rollout)
{
    return upkeep(side, JOB_END_FOLLOWING, rollout, task_end_following);
}

static uint64_t slots_on(enum pair_side side)
{
    return ask_on(side, "SELECT count(*) FROM pg_replication_slots");
}

START_TEST(a_copy_is_left_and_can_be_made_anew)
{
    given_a_game();
    follow();
    assert_ok(end_following(GREEN, PAIR_ROLLOUT - 1)); /* not over yet */
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_FOLLOWING);
    assert_ok(end_following(GREEN, PAIR_ROLLOUT + 1));
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_LEFT);
    ck_assert_uint_eq(slots_on(BLUE), 0);
    assert_ok(end_following(GREEN, PAIR_ROLLOUT + 1));
    pair.order.id.rollout = PAIR_ROLLOUT + 2; /* of another rollout */
    follow();
}
END_TEST

START_TEST(a_mirror_is_closed_once_the_other_one_is_known_to_be_open)
{
    given_a_game();
    follow();
    switch_to_green();
    assert_ok(end_following(BLUE, PAIR_ROLLOUT)); /* it may have to be opened again */
    ck_assert_int_eq(report_on(BLUE)->state, TWIN_FOLLOWING);
    assert_ok(upkeep(BLUE, JOB_REOPEN, PAIR_ROLLOUT, task_reopen));
    ck_assert(report_on(BLUE)->has_yielded);
    assert_ok(end_following(BLUE, PAIR_ROLLOUT));
    ck_assert_int_eq(report_on(BLUE)->state, TWIN_LEFT);
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert(play_on(GREEN, "SELECT 1"));
    ck_assert_uint_eq(slots_on(GREEN), 0);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM hakem.twin"), 0);
}
END_TEST

START_TEST(a_mirror_that_was_opened_again_takes_over_from_nobody)
{
    given_a_game();
    follow();
    reverse();
    assert_ok(upkeep(BLUE, JOB_REOPEN, PAIR_ROLLOUT, task_reopen));
    assert_ok(end_following(BLUE, PAIR_ROLLOUT));
    ck_assert_int_eq(report_on(BLUE)->state, TWIN_NONE);
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('afterwards')"));
    ck_assert_uint_eq(slots_on(GREEN) + slots_on(BLUE), 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_copy_is_left_and_can_be_made_anew);
    tcase_add_test(tcase, a_mirror_is_closed_once_the_other_one_is_known_to_be_open);
    tcase_add_test(tcase, a_mirror_that_was_opened_again_takes_over_from_nobody);
}

PAIR_SUITE("twin: over", add_all)
