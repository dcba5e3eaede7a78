/* A line of JSON as a row for COPY. */
#include "common/base/memory.h"
#include "common/copy/json_row.h"
#include "support/suite.h"

#include <string.h>

static void set_up(void)
{
}

static void tear_down(void)
{
}

static const char *names[] = {"id", "say \"x\"", "doc"};
static bool are_json[] = {false, false, true};
static const struct json_row_keys keys = {.names = names, .are_json = are_json, .count = 3};

static const struct {
    const char *line, *row;
} rows[] = {
    {"{}", "\\N\t\\N\t\\N\n"},
    {"{\"id\":1,\"say \\\"x\\\"\":\"a\",\"doc\":\"b\"}", "1\ta\t\"b\"\n"},
    {" { \"doc\" : null , \"id\" : true }\r", "true\t\\N\t\\N\n"},
    {"{\"say \\u0022x\\u0022\":\"\"}", "\\N\t\t\\N\n"},
    /* no digit changes */
    {"{\"id\":-12345678901234567890.000100e+2}", "-12345678901234567890.000100e+2\t\\N\t\\N\n"},
    /* COPY reads these as JSON means them, and \u not at all */
    {"{\"id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\\\"\\\\\\/\\b\\f\\n\\r\\t\t\\N\t\\N\n"},
    {"{\"id\":\"\\u00e9\\u20AC\\ud83d\\ude00\\u000a\\u005c\\u0041\"}",
     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\n\\\\A\t\\N\t\\N\n"},
    {"{\"id\":\"\\\\.\"}", "\\\\.\t\\N\t\\N\n"},
    /* a document is its own text */
    {"{\"doc\":{\"a\":\t[1.50,\"x\\ny\\u0000\"]}}",
     "\\N\t\\N\t{\"a\":\\t[1.50,\"x\\\\ny\\\\u0000\"]}\n"},
    {"{\"id\":[1,{}]}", "[1,{}]\t\\N\t\\N\n"},
};

START_TEST(a_line_is_a_row_as_copy_reads_it)
{
    struct text *row = text_new(NULL, 1000);
    struct error err;

    ck_assert_msg(json_row_append(rows[_i].line, strlen(rows[_i].line), &keys, row, &err) ==
                      ERROR_OK,
                  "%s", err.detail);
    ck_assert_str_eq(row->data, rows[_i].row);
    talloc_free(row);
}
END_TEST

static const struct {
    const char *line, *says;
} faults[] = {
    {"", "no JSON object, at byte 1"},
    {"[]", "no JSON object"},
    {"{", "a string is missing, at byte 2"},
    {"{\"id\"", "a key without a value"},
    {"{\"id\":", "a value is missing"},
    {"{\"id\":1", "an object without an end"},
    {"{\"id\":1}x", "something behind the object, at byte 9"},
    {"{\"id\":1,\"id\":2}", "a key twice"},
    {"{\"x\":1}", "a key that the first record lacks"},
    {"{\"id\":01}", "an object without an end"},
    {"{\"id\":-}", "a value that is none"},
    {"{\"id\":1.}", "a number without digits behind its point"},
    {"{\"id\":1e}", "a number without digits in its exponent"},
    {"{\"id\":tru}", "a value that is none"},
    {"{\"id\":\"a", "a string without an end"},
    {"{\"id\":\"a\\", "a string without an end"},
    {"{\"id\":\"\\x\"}", "an unknown escape in a string"},
    {"{\"id\":\"\\u12g4\"}", "\\u without four digits"},
    {"{\"id\":\"\x01\"}", "a control character in a string"},
    {"{\"id\":\"\\u0000\"}", "no text can hold it"},
    {"{\"id\":\"\\ud83d\"}", "no text can hold it"},
    {"{\"id\":\"\\ude00\"}", "no text can hold it"},
    {"{\"id\":\"\\ud83d\\u0041\"}", "no text can hold it"},
    {"{\"doc\":[1,}", "a value that is none"},
    {"{\"doc\":[1", "an object or a list without an end"},
    {"{\"doc\":{1:2}}", "a string is missing"},
};

START_TEST(what_is_none_is_refused_with_the_place)
{
    struct text *row = text_new(NULL, 1000);
    struct error err;

    ck_assert_int_eq(json_row_append(faults[_i].line, strlen(faults[_i].line), &keys, row, &err),
                     ERROR_INVALID);
    ck_assert_msg(strstr(err.detail, faults[_i].says) != NULL, "%s", err.detail);
    talloc_free(row);
}
END_TEST

START_TEST(nesting_has_a_limit)
{
    enum { DEEP = JSON_ROW_DEPTH_MAX + 10 };
    char line[DEEP * 2 + 16] = "{\"doc\":";
    struct text *row = text_new(NULL, sizeof(line));
    struct error err;

    memset(line + strlen(line), '[', DEEP);
    ck_assert_int_eq(json_row_append(line, strlen(line), &keys, row, &err), ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.detail, "nested too deeply"));
    talloc_free(row);
}
END_TEST

START_TEST(a_row_that_is_too_long_is_said_to_be)
{
    static const char line[] = "{\"id\":\"twenty characters are\"}";
    struct text *row = text_new(NULL, 10);
    struct error err;

    ck_assert_int_eq(json_row_append(line, sizeof(line) - 1, &keys, row, &err), ERROR_LIMIT);
    talloc_free(row);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_line_is_a_row_as_copy_reads_it, 0, (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tcase, what_is_none_is_refused_with_the_place, 0, (int)ARRAY_LEN(faults));
    tcase_add_test(tcase, nesting_has_a_limit);
    tcase_add_test(tcase, a_row_that_is_too_long_is_said_to_be);
}

SUITE("copy: a line of JSON", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
