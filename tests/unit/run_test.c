/* Children that are run to their end, the folders they leave, and the last words of their logs. */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/run.h"
#include "support/scratch.h"

#include <sys/stat.h>
#include <unistd.h>

#define SOON_MS 20000

static struct text *output;

static void set_up(void)
{
    scratch_set_up();
    output = text_new(scratch.memory, 200);
}

static bool yes(void *context)
{
    (void)context;
    return true;
}

/* The script, in a session of its own. */
static struct run script(uint64_t timeout_ms)
{
    char **arguments = memory_array(scratch.memory, char *, 2);
    char **environment = memory_array(scratch.memory, char *, 2);

    arguments[0] = scratch.script;
    environment[0] = memory_text(scratch.memory, "PATH=/usr/bin:/bin");
    return (struct run){.name = "the script",
                        .command = {.path = scratch.script,
                                    .argv = arguments,
                                    .environment = environment,
                                    .own_session = true},
                        .timeout_ms = timeout_ms};
}

START_TEST(what_it_says_is_kept_and_its_end_told)
{
    struct run run = script(SOON_MS);

    write_script("echo one; echo two >&2");
    assert_ok(run_to_end(&run, output, &failure));
    ck_assert_str_eq(output->data, "one\ntwo\n");
    write_script("echo no; exit 7");
    assert_fails(ERROR_FAILED, run_to_end(&run, output, &failure));
    assert_says("the script: exit 7: no");
}
END_TEST

START_TEST(what_it_began_ends_with_it_at_its_deadline)
{
    struct run run = script(300);
    uint64_t began_ms = clock_monotonic_ms();
    char *pid = NULL;
    size_t size = 0;
    uint64_t number = 0;

    write_script("sleep 60 & echo $! >\"$0.pid\"; wait");
    assert_fails(ERROR_TIMEOUT, run_to_end(&run, output, &failure));
    ck_assert_uint_lt(clock_monotonic_ms() - began_ms, SOON_MS);
    assert_ok(file_read(scratch.memory, scratch_path("script.pid"), 100, &pid, &size, &failure));
    pid[strcspn(pid, "\n")] = '\0';
    ck_assert(text_to_number(pid, INT32_MAX, &number));
    while (file_exists(memory_format(scratch.memory, "/proc/%s/exe", pid))) {
        ck_assert_uint_lt(clock_monotonic_ms() - began_ms, SOON_MS);
        clock_sleep_ms(5);
    }
}
END_TEST

START_TEST(whoever_cancels_does_not_wait)
{
    struct run run = script(SOON_MS);

    run.is_cancelled = yes;
    write_script("exec sleep 60");
    assert_fails(ERROR_CANCELLED, run_to_end(&run, output, &failure));
    assert_says("the script: cancelled");
}
END_TEST

START_TEST(it_works_in_a_folder_and_says_into_a_log)
{
    struct run run = script(SOON_MS);
    char words[200];

    run.command.folder = scratch.folder;
    run.command.log = scratch_path("log");
    write_script("pwd; echo said >&2");
    assert_ok(run_to_end(&run, output, &failure));
    assert_ok(run_to_end(&run, output, &failure));
    ck_assert_uint_eq(output->size, 0);
    file_last_words(scratch_path("log"), words, sizeof(words));
    ck_assert_str_eq(
        words, memory_format(scratch.memory, "%s said %s said ", scratch.folder, scratch.folder));
}
END_TEST

START_TEST(a_log_s_last_words_are_its_end_on_one_line)
{
    char words[8];

    file_last_words(write_file("log", "first\nlast one\n"), words, sizeof(words));
    ck_assert_str_eq(words, "st one ");
    file_last_words(write_file("log", "a\n\xff"), words, sizeof(words));
    ck_assert_str_eq(words, "a ?");
    file_last_words(write_file("log", ""), words, sizeof(words));
    ck_assert_str_eq(words, "");
    file_last_words("/nowhere", words, sizeof(words));
    ck_assert_str_eq(words, "");
}
END_TEST

START_TEST(a_tree_goes_with_all_below_it_and_nothing_that_it_points_to)
{
    (void)write_file("mine", "stays");
    ck_assert_int_eq(mkdir(scratch_path("tree"), 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path("tree/deep"), 0700), 0);
    (void)write_file("tree/deep/leaf", "goes");
    ck_assert_int_eq(symlink(scratch_path("mine"), scratch_path("tree/file")), 0);
    ck_assert_int_eq(symlink(scratch.folder, scratch_path("tree/deep/up")), 0);
    assert_ok(file_remove_tree(scratch_path("tree"), &failure));
    ck_assert(!file_exists(scratch_path("tree")));
    ck_assert(file_exists(scratch_path("mine")));
    assert_ok(file_remove_tree(scratch_path("tree"), &failure));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_it_says_is_kept_and_its_end_told);
    tcase_add_test(tcase, what_it_began_ends_with_it_at_its_deadline);
    tcase_add_test(tcase, whoever_cancels_does_not_wait);
    tcase_add_test(tcase, it_works_in_a_folder_and_says_into_a_log);
    tcase_add_test(tcase, a_log_s_last_words_are_its_end_on_one_line);
    tcase_add_test(tcase, a_tree_goes_with_all_below_it_and_nothing_that_it_points_to);
}

SUITE("base: run", {.add = add_all, .set_up = set_up, .tear_down = scratch_tear_down})
