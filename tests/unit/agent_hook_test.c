/* Hooks: what they see, how they fail, how they are ended. */
#include "agent/hook.h"
#include "common/base/clock.h"
#include "support/scratch.h"

#include <stdio.h>

static enum error_code run_script(const char *const *environment, uint64_t timeout_ms,
                                  char **ret_output)
{
    struct hook hook = {
        .path = scratch.script, .environment = environment, .timeout_ms = timeout_ms};

    return hook_run(&hook, scratch.memory, ret_output, &failure);
}

START_TEST(a_hook_sees_its_own_environment_and_nothing_of_the_agent_s)
{
    const char *const environment[] = {"HAKEM_RELEASE=a b; touch nothing $(id)", NULL};
    char *output = NULL;

    ck_assert_int_eq(setenv("HAKEM_SECRET", "not for hooks", 1), 0);
    write_script("echo \"$HAKEM_RELEASE|$HAKEM_SECRET|$#\"");
    ck_assert_int_eq(run_script(environment, 5000, &output), ERROR_OK);
    ck_assert_str_eq(output, "a b; touch nothing $(id)||0\n");
}
END_TEST

START_TEST(a_path_is_executed_and_never_given_to_a_shell)
{
    struct hook hook = {.path = "/bin/echo x; exit 0", .timeout_ms = 5000};

    ck_assert_int_ne(hook_run(&hook, scratch.memory, NULL, &failure), ERROR_OK);
}
END_TEST

START_TEST(a_hook_that_fails_says_why_in_its_last_line)
{
    write_script("echo first; echo the last word >&2; exit 3");
    ck_assert_int_eq(run_script(NULL, 5000, NULL), ERROR_HOOK);
    ck_assert_ptr_nonnull(strstr(failure.detail, "exit 3"));
    ck_assert_ptr_nonnull(strstr(failure.detail, "the last word"));
    ck_assert_ptr_null(strstr(failure.detail, "first"));
    write_script("kill -9 $$");
    ck_assert_int_eq(run_script(NULL, 5000, NULL), ERROR_HOOK);
    ck_assert_ptr_nonnull(strstr(failure.detail, "signal 9"));
}
END_TEST

START_TEST(a_hook_that_does_not_end_is_killed_in_time)
{
    uint64_t began = clock_monotonic_ms();

    write_script("exec /bin/sleep 60");
    ck_assert_int_eq(run_script(NULL, 300, NULL), ERROR_TIMEOUT);
    ck_assert_uint_lt(clock_monotonic_ms() - began, 5000);
}
END_TEST

static bool yes(void *context)
{
    (void)context;
    return true;
}

START_TEST(a_hook_that_is_cancelled_is_killed_and_says_so)
{
    struct hook hook = {.path = scratch.script, .timeout_ms = 60000, .is_cancelled = yes};

    write_script("exec /bin/sleep 60");
    ck_assert_int_eq(hook_run(&hook, scratch.memory, NULL, &failure), ERROR_CANCELLED);
}
END_TEST

START_TEST(what_a_hook_says_too_much_is_cut_and_does_not_hold_it_up)
{
    char *output = NULL;

    write_script("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
                 "i=$((i+1)); done");
    ck_assert_int_eq(run_script(NULL, 15000, &output), ERROR_OK);
    ck_assert_uint_eq(strlen(output), HOOK_OUTPUT_MAX);
}
END_TEST

START_TEST(arguments_arrive_one_by_one_whatever_is_in_them)
{
    static const char *const arguments[] = {"a b", "$(id)", "'", NULL};
    struct hook hook = {.path = scratch.script, .arguments = arguments, .timeout_ms = 5000};
    char *output = NULL;

    write_script("echo \"$#|$1|$2|$3\"");
    assert_ok(hook_run(&hook, scratch.memory, &output, &failure));
    ck_assert_str_eq(output, "3|a b|$(id)|'\n");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, arguments_arrive_one_by_one_whatever_is_in_them);
    tcase_add_test(tcase, a_hook_sees_its_own_environment_and_nothing_of_the_agent_s);
    tcase_add_test(tcase, a_path_is_executed_and_never_given_to_a_shell);
    tcase_add_test(tcase, a_hook_that_fails_says_why_in_its_last_line);
    tcase_add_test(tcase, a_hook_that_does_not_end_is_killed_in_time);
    tcase_add_test(tcase, a_hook_that_is_cancelled_is_killed_and_says_so);
    tcase_add_test(tcase, what_a_hook_says_too_much_is_cut_and_does_not_hold_it_up);
}

SUITE("agent: hook", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
