/* A row of COPY's as a line of JSON. */
#include "common/base/memory.h"
#include "common/copy/json_line.h"
#include "support/suite.h"

#include <string.h>

static void set_up(void)
{
}

static void tear_down(void)
{
}

static const enum json_kind kinds[] = {JSON_KIND_NUMBER, JSON_KIND_STRING, JSON_KIND_BOOLEAN,
                                       JSON_KIND_ITSELF};

static enum error_code line_of(const char *row, struct text **ret, struct error *err)
{
    static const char *const keys[] = {"{\"n\":", ",\"s\":", ",\"b\":", ",\"j\":"};
    const struct json_line_columns columns = {
        .keys = keys, .kinds = kinds, .count = ARRAY_LEN(kinds)};

    *ret = text_new(NULL, 1000);
    return json_line_append(row, strlen(row), &columns, *ret, err);
}

static const struct {
    const char *row, *line;
} rows[] = {
    {"1\ta\tt\t{}\n", "{\"n\":1,\"s\":\"a\",\"b\":true,\"j\":{}}\n"},
    {"\\N\t\\N\t\\N\t\\N", "{\"n\":null,\"s\":null,\"b\":null,\"j\":null}\n"},
    {"-1e-7\t\tf\t\"\"", "{\"n\":-1e-7,\"s\":\"\",\"b\":false,\"j\":\"\"}\n"},
    /* no digit changes; what is none is a string */
    {"12345678901234567890.000100\t\\\\N\tt\t1.50",
     "{\"n\":12345678901234567890.000100,\"s\":\"\\\\N\",\"b\":true,\"j\":1.50}\n"},
    {"NaN\tx\tt\t[]", "{\"n\":\"NaN\",\"s\":\"x\",\"b\":true,\"j\":[]}\n"},
    {"-Infinity\tx\tt\t[]", "{\"n\":\"-Infinity\",\"s\":\"x\",\"b\":true,\"j\":[]}\n"},
    /* COPY's escapes are JSON's, but for \v, and what COPY does not escape is */
    {"0\t\\b\\f\\n\\r\\t\\v\\\\\"/\x01\x7f\xc3\xa9\tt\t1",
     "{\"n\":0,\"s\":\"\\b\\f\\n\\r\\t\\u000b\\\\\\\"/\\u0001\x7f\xc3\xa9\",\"b\":true,\"j\":1}\n"},
    /* between the words of a document a line end is a space; in them there is none */
    {"0\tx\tt\t{\\n\\r\\t\"a\\\\n\": \"\\\\\"\"}",
     "{\"n\":0,\"s\":\"x\",\"b\":true,\"j\":{  \t\"a\\n\": \"\\\"\"}}\n"},
};

START_TEST(a_row_is_a_line_as_the_server_would_have_it)
{
    struct text *line = NULL;
    struct error err;

    ck_assert_msg(line_of(rows[_i].row, &line, &err) == ERROR_OK, "%s", err.detail);
    ck_assert_str_eq(line->data, rows[_i].line);
    talloc_free(line);
}
END_TEST

static const struct {
    const char *row, *says;
} faults[] = {
    {"", "has not 4 columns"},
    {"1\tx\tt", "has not 4 columns"},
    {"1\tx\tt\t{}\t", "has not 4 columns"},
    {"1\tx\ttrue\t{}", "column 3 is no boolean"},
    {"1\tx\t\t{}", "column 3 is no boolean"},
};

START_TEST(a_row_that_is_none_is_refused)
{
    struct text *line = NULL;
    struct error err;

    ck_assert_int_eq(line_of(faults[_i].row, &line, &err), ERROR_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(err.detail, faults[_i].says));
    talloc_free(line);
}
END_TEST

START_TEST(a_key_is_escaped_once)
{
    void *memory = talloc_new(NULL);

    ck_assert_str_eq(json_line_key(memory, "say \"x\"\n", true), "{\"say \\\"x\\\"\\n\":");
    ck_assert_str_eq(json_line_key(memory, "\\ \x02", false), ",\"\\\\ \\u0002\":");
    talloc_free(memory);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_row_is_a_line_as_the_server_would_have_it, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_loop_test(tcase, a_row_that_is_none_is_refused, 0, (int)ARRAY_LEN(faults));
    tcase_add_test(tcase, a_key_is_escaped_once);
}

SUITE("json_line", {.add = add_all, .set_up = set_up, .tear_down = tear_down, .timeout_s = 10})
