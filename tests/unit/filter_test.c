/* Programs between two streams of bytes: what they are given, how they fail, how they are ended. */
#include "common/base/filter.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/scratch.h"

#include <stdlib.h>
#include <string.h>

#define BIG ((size_t)4 << 20)

static struct filter_bytes output;

static enum error_code run_with(struct filter filter, const char *input, size_t size)
{
    output = (struct filter_bytes){.bytes = NULL};
    filter.path = scratch.script;
    filter.output_max = filter.output_max != 0 ? filter.output_max : 2 * BIG;
    return filter_run(&filter, (struct filter_bytes){.bytes = input, .size = size}, scratch.memory,
                      &output, &failure);
}

static enum error_code run(const char *input)
{
    return run_with((struct filter){.timeout_ms = 10000}, input, strlen(input));
}

START_TEST(it_reads_what_it_is_given_and_writes_what_we_get)
{
    write_script("sed 's/a/b/g'");
    assert_ok(run("a 1\nca\n"));
    ck_assert_str_eq(output.bytes, "b 1\ncb\n");
    ck_assert_uint_eq(output.size, 7);
    assert_ok(run(""));
    ck_assert_uint_eq(output.size, 0);
}
END_TEST

/* More than any pipe holds, on both sides at once. */
START_TEST(megabytes_go_through_without_a_standstill)
{
    char *big = memory_zeroed(scratch.memory, BIG + 1, 1, "big");

    memset(big, 'x', BIG);
    write_script("cat");
    assert_ok(run_with((struct filter){.timeout_ms = 20000}, big, BIG));
    ck_assert_uint_eq(output.size, BIG);
    ck_assert_int_eq(memcmp(output.bytes, big, BIG), 0);
}
END_TEST

START_TEST(what_it_does_not_read_is_no_failure)
{
    char *big = memory_zeroed(scratch.memory, BIG + 1, 1, "big");

    memset(big, 'x', BIG);
    write_script("echo enough");
    assert_ok(run_with((struct filter){.timeout_ms = 10000}, big, BIG));
    ck_assert_str_eq(output.bytes, "enough\n");
}
END_TEST

START_TEST(its_failure_is_told_with_the_last_line_of_its_standard_error)
{
    write_script("cat; echo first >&2; echo no such thing >&2; exit 3");
    assert_fails(ERROR_HOOK, run("a\n"));
    assert_says("exit 3: no such thing");
    ck_assert_ptr_null(strstr(failure.detail, "first"));
    write_script("kill -9 $$");
    assert_fails(ERROR_HOOK, run("a\n"));
    assert_says("signal 9");
    ck_assert_int_eq(remove(scratch.script), 0);
    assert_fails(ERROR_HOOK, run("a\n"));
    assert_says("cannot run");
}
END_TEST

START_TEST(it_is_killed_at_its_deadline_with_what_it_has_started)
{
    uint64_t began = clock_monotonic_ms();
    struct filter filter = {.timeout_ms = 300};

    write_script("/bin/sleep 60 & /bin/sleep 60");
    assert_fails(ERROR_TIMEOUT, run_with(filter, "a\n", 2));
    assert_says("did not end in time");
    /* One that ends, and leaves behind who keeps its output open. */
    write_script("/bin/sleep 60 & echo done");
    assert_fails(ERROR_TIMEOUT, run_with(filter, "a\n", 2));
    ck_assert_uint_lt(clock_monotonic_ms() - began, 8000);
}
END_TEST

START_TEST(one_that_writes_without_end_is_stopped)
{
    write_script("yes");
    assert_fails(ERROR_LIMIT,
                 run_with((struct filter){.timeout_ms = 10000, .output_max = 100000}, "", 0));
    assert_says("more than 100000 bytes");
}
END_TEST

static bool yes(void *context)
{
    (void)context;
    return true;
}

START_TEST(it_ends_when_we_are_cancelled)
{
    write_script("exec /bin/sleep 60");
    assert_fails(ERROR_CANCELLED,
                 run_with((struct filter){.timeout_ms = 30000, .is_cancelled = yes}, "", 0));
}
END_TEST

START_TEST(it_sees_nothing_of_our_environment)
{
    ck_assert_int_eq(setenv("HAKEM_SECRET", "not for filters", 1), 0);
    write_script("echo \"$HAKEM_SECRET|$#\"; [ -n \"$PATH\" ]");
    assert_ok(run(""));
    ck_assert_str_eq(output.bytes, "|0\n");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, it_reads_what_it_is_given_and_writes_what_we_get);
    tcase_add_test(tcase, megabytes_go_through_without_a_standstill);
    tcase_add_test(tcase, what_it_does_not_read_is_no_failure);
    tcase_add_test(tcase, its_failure_is_told_with_the_last_line_of_its_standard_error);
    tcase_add_test(tcase, it_is_killed_at_its_deadline_with_what_it_has_started);
    tcase_add_test(tcase, one_that_writes_without_end_is_stopped);
    tcase_add_test(tcase, it_ends_when_we_are_cancelled);
    tcase_add_test(tcase, it_sees_nothing_of_our_environment);
}

SUITE("filter",
      {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down, .timeout_s = 40})
