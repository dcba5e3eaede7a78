/* The base layer: errors, strings, numbers, hashes, files, children. */
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/pool.h"
#include "common/base/process.h"
#include "common/base/text.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <unistd.h>

START_TEST(every_error_code_has_a_name_that_leads_back_to_it)
{
    enum error_code code = (enum error_code)_i;
    enum error_code found = ERROR_CODE_COUNT;

    ck_assert(error_code_from_name(error_code_name(code), &found));
    ck_assert_int_eq(found, code);
    ck_assert_uint_gt(strlen(error_code_text(code)), 3);
    ck_assert_int_le(error_code_exit_status(code), 6);
}
END_TEST

START_TEST(an_error_may_wrap_its_own_detail)
{
    struct error err;

    error_set(&err, ERROR_SQL, "no such table");
    ck_assert_int_eq(error_set(&err, ERROR_FAILED, "expand: %s", err.detail), ERROR_FAILED);
    ck_assert_str_eq(err.detail, "expand: no such table");
}
END_TEST

START_TEST(numbers_are_read_whole_or_not_at_all)
{
    uint64_t n = 7;

    ck_assert(text_to_number("0", 10, &n) && n == 0);
    ck_assert(text_to_number("18446744073709551615", UINT64_MAX, &n) && n == UINT64_MAX);
    n = 7;
    ck_assert(!text_to_number("18446744073709551616", UINT64_MAX, &n));
    ck_assert(!text_to_number("11", 10, &n));
    ck_assert(!text_to_number("9", 8, &n));
    ck_assert(!text_to_number("", 10, &n) && !text_to_number("-1", 10, &n));
    ck_assert(!text_to_number("1x", 10, &n) && !text_to_number(" 1", 10, &n));
    ck_assert_uint_eq(n, 7);
}
END_TEST

START_TEST(durations_carry_their_unit)
{
    uint64_t ms = 0;

    ck_assert(text_to_duration("250ms", &ms) && ms == 250);
    ck_assert(text_to_duration("5s", &ms) && ms == 5000);
    ck_assert(text_to_duration("5", &ms) && ms == 5000);
    ck_assert(text_to_duration("2h", &ms) && ms == 7200000);
    ck_assert(!text_to_duration("5 s", &ms) && !text_to_duration("s", &ms));
    ck_assert(!text_to_duration("5w", &ms) && !text_to_duration("99999999999s", &ms));
}
END_TEST

START_TEST(names_cannot_leave_their_place)
{
    ck_assert(text_is_name("0007_player_rating", 63) && text_is_name("db-1.eu", 63));
    ck_assert(!text_is_name("", 63) && !text_is_name("../x", 63) && !text_is_name("a/b", 63));
    ck_assert(!text_is_name("a b", 63) && !text_is_name("-rf", 63) && !text_is_name("abcd", 3));
}
END_TEST

START_TEST(utf8_is_checked_to_the_letter)
{
    ck_assert(text_is_utf8("حکم", strlen("حکم")) && text_is_utf8("", 0));
    ck_assert(!text_is_utf8("\xc0\xaf", 2) && !text_is_utf8("\xed\xa0\x80", 3));
    ck_assert(!text_is_utf8("\xf4\x90\x80\x80", 4) && !text_is_utf8("\xe2\x82", 2));
    ck_assert(!text_is_utf8("a\0b", 3) && !text_is_utf8("\x80", 1));
}
END_TEST

START_TEST(a_text_grows_to_its_limit_and_says_when_it_was_cut)
{
    struct text *text = text_new(NULL, 1000);

    for (int i = 0; i < 99; i++)
        text_append_format(text, "%010d", i);
    ck_assert_uint_eq(text->size, 990);
    ck_assert(!text->is_cut);
    text_append(text, "0123456789abc");
    ck_assert_uint_eq(text->size, 1000);
    ck_assert(text->is_cut && text->data[1000] == '\0');
    talloc_free(text);
}
END_TEST

START_TEST(hexadecimal_goes_both_ways)
{
    uint8_t bytes[3] = {0x00, 0xab, 0xff};
    uint8_t back[3];
    char hex[7];

    text_to_hex(hex, bytes, 3);
    ck_assert_str_eq(hex, "00abff");
    ck_assert(text_from_hex("00ABff", back, 3));
    ck_assert_mem_eq(bytes, back, 3);
    ck_assert(!text_from_hex("00abf", back, 3) && !text_from_hex("00abfg", back, 3));
}
END_TEST

START_TEST(a_hash_tells_boundaries_apart)
{
    char one[HASH_HEX_SIZE], two[HASH_HEX_SIZE];
    struct hash hash;

    hash_begin(&hash);
    hash_add(&hash, "ab", 2);
    hash_add(&hash, "c", 1);
    hash_end_hex(&hash, one);
    hash_begin(&hash);
    hash_add(&hash, "a", 1);
    hash_add(&hash, "bc", 2);
    hash_end_hex(&hash, two);
    ck_assert_str_ne(one, two);

    /* `printf abc | b2sum -l 256` */
    hash_bytes_hex("abc", 3, one);
    ck_assert_str_eq(one, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}
END_TEST

START_TEST(a_file_is_replaced_whole)
{
    char folder[] = "/tmp/hakem-base-XXXXXX";
    char path[64];
    struct error err;
    char *bytes;
    size_t size;
    char **names;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/file", folder);
    ck_assert_int_eq(file_read(NULL, path, 10, &bytes, &size, &err), ERROR_NOT_FOUND);
    ck_assert_int_eq(file_write_atomically(path, "hello", 5, 0600, &err), ERROR_OK);
    ck_assert_int_eq(file_write_atomically(path, "world!", 6, 0600, &err), ERROR_OK);
    ck_assert_int_eq(file_read(NULL, path, 5, &bytes, &size, &err), ERROR_INVALID);
    ck_assert_int_eq(file_read(NULL, folder, 5, &bytes, &size, &err), ERROR_INVALID);
    ck_assert_int_eq(file_read(NULL, path, 6, &bytes, &size, &err), ERROR_OK);
    ck_assert_str_eq(bytes, "world!");
    talloc_free(bytes);
    ck_assert_int_eq(file_list(NULL, folder, &names, &size, &err), ERROR_OK);
    ck_assert_uint_eq(size, 1); /* no temporary is left */
    talloc_free(names);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(a_child_answers_over_its_channel)
{
    static char shell[] = "/bin/sh", flag[] = "-c", script[] = "echo hi >&3; exit 3";
    char *argv[] = {shell, flag, script, NULL};
    char *environment[] = {NULL};
    struct process_command command = {
        .path = shell, .argv = argv, .environment = environment, .with_channel = true};
    struct process child;
    struct error err;
    char text[32];
    int status;

    ck_assert_int_eq(process_spawn(&command, &child, &err), ERROR_OK);
    ck_assert_int_eq(waitpid(child.pid, &status, 0), child.pid);
    ck_assert_int_eq(read(child.channel, text, sizeof(text)), 3);
    ck_assert_mem_eq(text, "hi\n", 3);
    process_status_text(status, text, sizeof(text));
    ck_assert_str_eq(text, "exit 3");
    process_close(&child);

    command.path = "/nonexistent/program";
    if (getenv("HAKEM_UNDER_VALGRIND") != NULL)
        return; /* its posix_spawn does not tell that the program could not be executed */
    ck_assert_int_eq(process_spawn(&command, &child, &err), ERROR_SYSTEM);
}
END_TEST

START_TEST(a_log_line_stays_one_line)
{
    char *bytes;
    size_t size;
    struct error err;
    char path[] = "/tmp/hakem-log-XXXXXX";
    int saved = dup(STDERR_FILENO);
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    log_open("test", LOG_INFO);
    log_event(LOG_DEBUG, "hidden", LOG_NUMBER("n", 1));
    log_event(LOG_INFO, "shown", LOG_TEXT("text", "a \"b\"\nc\x1b[2J"), LOG_NUMBER("n", 7));
    ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
    ck_assert_int_eq(file_read(NULL, path, 1000, &bytes, &size, &err), ERROR_OK);
    ck_assert_ptr_nonnull(
        strstr(bytes, "level=info program=test event=shown text=\"a \\\"b\\\"\\nc?[2J\" n=7\n"));
    ck_assert_ptr_null(strstr(bytes, "hidden"));
    talloc_free(bytes);
    (void)close(fd);
    (void)close(saved);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(the_wall_clock_prints_as_utc)
{
    char text[CLOCK_TEXT_SIZE];

    clock_to_text(UINT64_C(1767323045678), text);
    ck_assert_str_eq(text, "2026-01-02T03:04:05.678Z");
}
END_TEST

START_TEST(a_folder_of_many_files_is_listed_in_order)
{
    char folder[] = "/tmp/hakem.XXXXXX", path[64];
    char **names = NULL;
    size_t count = 0;
    struct error err;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 99; i >= 0; i--) {
        ck_assert(text_format(path, sizeof(path), "%s/%02d", folder, i));
        assert_ok(file_write_atomically(path, "x", 1, 0600, &err));
    }
    assert_ok(file_list(NULL, folder, &names, &count, &err));
    ck_assert_uint_eq(count, 100);
    for (size_t i = 0; i < count; i++) {
        ck_assert(text_format(path, sizeof(path), "%s/%02zu", folder, i));
        ck_assert_str_eq(names[i], path + strlen(folder) + 1);
        ck_assert_int_eq(unlink(path), 0);
    }
    talloc_free(names);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(an_arena_cuts_what_is_asked_for_and_goes_with_its_parent)
{
    void *parent = talloc_new(NULL);
    struct arena arena;
    const char *texts[64];
    uint64_t *number;

    arena_begin(&arena, parent, 100);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        texts[i] = arena_text(&arena, i % 7 == 0 ? "seven" : "");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_str_eq(texts[i], i % 7 == 0 ? "seven" : "");
    number = arena_cut(&arena, sizeof(*number));
    ck_assert_uint_eq((uintptr_t)number % sizeof(*number), 0);
    *number = UINT64_MAX;
    ck_assert_str_eq(arena_copy(&arena, texts[0], 2), "se");
    (void)memset(arena_cut(&arena, 1000), 'x', 1000); /* more than a piece */
    ck_assert_uint_lt(talloc_total_blocks(parent), 15);
    ck_assert_int_eq(talloc_free(parent), 0);
}
END_TEST

START_TEST(a_pool_holds_what_fits_and_lets_the_rest_be_elsewhere)
{
    static const size_t sizes[] = {1, 4096, 2097152, 9000000};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *pool = pool_new(sizes[i]);
        char *small = memory_text(memory_new(pool, int), "small");
        char *large = memory_array(pool, char, 5000000);

        (void)memset(large, 'x', 5000000);
        ck_assert_str_eq(small, "small");
        ck_assert((large > pool && large < pool + sizes[i]) == (sizes[i] == 9000000));
        ck_assert_int_eq(talloc_free(pool), 0);
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, every_error_code_has_a_name_that_leads_back_to_it, 0,
                        ERROR_CODE_COUNT);
    tcase_add_test(tcase, an_error_may_wrap_its_own_detail);
    tcase_add_test(tcase, numbers_are_read_whole_or_not_at_all);
    tcase_add_test(tcase, durations_carry_their_unit);
    tcase_add_test(tcase, names_cannot_leave_their_place);
    tcase_add_test(tcase, utf8_is_checked_to_the_letter);
    tcase_add_test(tcase, a_text_grows_to_its_limit_and_says_when_it_was_cut);
    tcase_add_test(tcase, hexadecimal_goes_both_ways);
    tcase_add_test(tcase, a_hash_tells_boundaries_apart);
    tcase_add_test(tcase, a_file_is_replaced_whole);
    tcase_add_test(tcase, a_folder_of_many_files_is_listed_in_order);
    tcase_add_test(tcase, a_pool_holds_what_fits_and_lets_the_rest_be_elsewhere);
    tcase_add_test(tcase, an_arena_cuts_what_is_asked_for_and_goes_with_its_parent);
    tcase_add_test(tcase, a_child_answers_over_its_channel);
    tcase_add_test(tcase, a_log_line_stays_one_line);
    tcase_add_test(tcase, the_wall_clock_prints_as_utc);
}

SUITE("base", {.add = add_all})
