/* One key, one agent: a second one is known by its ledger. */
#include "common/base/text.h"
#include "support/core.h"

static const struct node *node(void)
{
    return core.control->nodes[G1];
}

static void hello_of(const char *ledger)
{
    struct hello hello = {.program = "x"};

    (void)text_copy(hello.ledger, IDENTITY_SIZE, ledger);
    say(G1, MESSAGE_HELLO, &hello);
    settle();
}

static void beat_of(const char *ledger)
{
    struct beat body = {.is_up = true};

    (void)text_copy(body.ledger, IDENTITY_SIZE, ledger);
    say(G1, MESSAGE_BEAT, &body);
    settle();
}

/* So many seconds, in each of which these say that they are there. */
static void seconds(int count, const char *first, const char *second)
{
    for (int i = 0; i < count; i++) {
        beat();
        if (first != NULL)
            beat_of(first);
        if (second != NULL)
            beat_of(second);
    }
}

static void set_up(void)
{
    core_set_up();
    hello_of("a");
    seconds(3, "a", NULL);
}

static bool is_doubted(void)
{
    return node()->quarantine == QUARANTINE_IDENTITY;
}

static void admit(void)
{
    wish("admit", (struct request){.node = "g1"});
}

START_TEST(two_that_go_on_speaking_are_quarantined_with_the_cause)
{
    hello_of("b");
    seconds(5, "a", "b");
    ck_assert(!is_doubted());
    seconds(1, "a", "b");
    ck_assert(is_doubted());
    ck_assert_str_eq(text_kept(&node()->quarantine_why),
                     "two agents with two ledgers use this node's key");
}
END_TEST

START_TEST(a_move_to_a_new_ledger_is_none_though_beats_of_the_old_one_come_late)
{
    hello_of("b");
    seconds(4, "a", "b"); /* on their way still */
    seconds(20, "b", NULL);
    ck_assert(!is_doubted());
    beat_of("a"); /* held up for long */
    seconds(4, "b", NULL);
    beat_of("a");
    seconds(20, "b", NULL);
    ck_assert(!is_doubted());
    ck_assert_str_eq(node()->ledger, "b");
}
END_TEST

START_TEST(an_agent_that_does_not_name_its_ledger_is_believed)
{
    seconds(20, "a", "");
    ck_assert(!is_doubted());
    ck_assert_str_eq(node()->ledger, "a");
}
END_TEST

START_TEST(nobody_can_vouch_while_both_speak)
{
    hello_of("b");
    seconds(10, "a", "b");
    admit();
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(core.reply, "stop one of them first"));
    ck_assert(is_doubted());
}
END_TEST

START_TEST(once_the_first_is_stopped_the_second_is_let_in_and_stays)
{
    hello_of("b");
    seconds(10, "a", "b");
    seconds(4, "b", NULL);
    ck_assert(is_doubted()); /* not by itself */
    admit();
    ck_assert_int_eq(core.code, ERROR_OK);
    seconds(20, "b", NULL);
    ck_assert_int_eq(node()->quarantine, QUARANTINE_NONE);
    ck_assert_str_eq(node()->ledger, "b");
}
END_TEST

START_TEST(once_the_second_is_stopped_the_first_is_the_node_s_and_adopts_anew)
{
    hello_of("b");
    seconds(10, "a", "b");
    admit();
    ck_assert_int_eq(core.code, ERROR_REFUSED);
    beat();
    beat_of("a");
    beat();
    beat_of("a");
    ck_assert_str_eq(node()->ledger, "b"); /* it may only have missed two beats */
    for (int i = 0; i < 2; i++) {
        core.now_ms += BEAT_MS;
        beat_of("a");
    }
    ck_assert_str_eq(node()->ledger, "a");
    ck_assert(!node()->is_adopted);
    admit();
    ck_assert_int_eq(core.code, ERROR_OK);
    seconds(20, "a", NULL);
    ck_assert(node()->is_adopted);
    ck_assert_int_eq(node()->quarantine, QUARANTINE_NONE);
}
END_TEST

START_TEST(who_says_hello_with_the_ledger_before_the_last_one_is_a_second_one)
{
    hello_of("b");
    seconds(3, "b", NULL);
    ck_assert(!is_doubted());
    hello_of("a");
    ck_assert(is_doubted());
    seconds(4, "a", NULL);
    admit();
    ck_assert_int_eq(core.code, ERROR_OK);
}
END_TEST

/* Its welcome is lost again and again: until it has one, an agent says hello in place of beats. */
START_TEST(one_that_only_says_hello_is_there_as_well)
{
    for (int i = 0; i < 8; i++) {
        beat();
        hello_of("b");
        beat_of("a");
        ck_assert_str_eq(node()->ledger, "b");
    }
    ck_assert(is_doubted());
}
END_TEST

START_TEST(the_doubt_outlives_the_coordinator)
{
    hello_of("b");
    seconds(10, "a", "b");
    restart_after(2000);
    ck_assert(is_doubted());
    ck_assert_str_eq(node()->ledger, "b");
    seconds(10, "a", "b");
    admit();
    ck_assert_int_eq(core.code, ERROR_REFUSED);
}
END_TEST

/* G1 has been ordered to preflight: a step that nobody answers. */
START_TEST(what_a_new_ledger_cannot_know_of_is_asked_about_at_once)
{
    const struct step *step;

    start(to_new());
    step = &core.control->open->work.steps[G1];
    ck_assert_str_eq(step->node, "g1");
    ck_assert_int_eq(step->state, STEP_ORDERED);
    beat();
    hello_of("b");
    ck_assert_int_eq(step->state, STEP_UNKNOWN);
    ck_assert_uint_eq(step->rule, 306);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, two_that_go_on_speaking_are_quarantined_with_the_cause);
    tcase_add_test(tcase, a_move_to_a_new_ledger_is_none_though_beats_of_the_old_one_come_late);
    tcase_add_test(tcase, an_agent_that_does_not_name_its_ledger_is_believed);
    tcase_add_test(tcase, nobody_can_vouch_while_both_speak);
    tcase_add_test(tcase, once_the_first_is_stopped_the_second_is_let_in_and_stays);
    tcase_add_test(tcase, once_the_second_is_stopped_the_first_is_the_node_s_and_adopts_anew);
    tcase_add_test(tcase, who_says_hello_with_the_ledger_before_the_last_one_is_a_second_one);
    tcase_add_test(tcase, one_that_only_says_hello_is_there_as_well);
    tcase_add_test(tcase, the_doubt_outlives_the_coordinator);
    tcase_add_test(tcase, what_a_new_ledger_cannot_know_of_is_asked_about_at_once);
}

SUITE("ledger", {.add = add_all, .set_up = set_up, .tear_down = core_tear_down})
