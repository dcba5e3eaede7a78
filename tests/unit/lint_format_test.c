/* Findings in the formats that other programs read. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/format.h"
#include "support/suite.h"

static void *memory;
static struct migration_set *set;
static struct lint_report *report;

static void set_up(void)
{
    static const char expand[] = "CREATE TABLE t (id int);\n",
                      next[] = "SELECT 1;\n\nTRUNCATE t;\n";
    const struct migration_file files[] = {
        {.path = "0001_a/expand.sql", .bytes = expand, .size = sizeof(expand) - 1},
        {.path = "0001_a/revert.sql", .bytes = "DROP TABLE t", .size = 12},
        {.path = "0002_b/expand.sql", .bytes = next, .size = sizeof(next) - 1},
        {.path = "0002_b/revert.sql", .bytes = "SELECT 1", .size = 8},
    };
    struct lint_options options = {0};

    memory = talloc_new(NULL);
    assert_ok(migration_load_files(memory, files, ARRAY_LEN(files), &set, &failure));
    options.set = set;
    assert_ok(lint_run(memory, &options, &report, &failure));
    ck_assert_uint_eq(report->count, 1);
}

static void tear_down(void)
{
    talloc_free(memory);
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    ck_assert_msg(text != NULL, "there is no text %s", key);
    return text;
}

START_TEST(sarif_has_every_rule_and_where_each_result_is)
{
    char *text = lint_format(memory, LINT_FORMAT_SARIF, report, set, "m");
    json_t *root = json_loads(text, 0, NULL);
    json_t *run = json_array_get(json_object_get(root, "runs"), 0);
    json_t *rules =
        json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
    json_t *result = json_array_get(json_object_get(run, "results"), 0);
    json_t *place = json_object_get(json_array_get(json_object_get(result, "locations"), 0),
                                    "physicalLocation");
    size_t index = (size_t)json_integer_value(json_object_get(result, "ruleIndex"));

    ck_assert_str_eq(text_of(root, "version"), "2.1.0");
    ck_assert_uint_eq(json_array_size(rules), RULE_COUNT);
    ck_assert_uint_eq(json_array_size(json_object_get(run, "results")), 1);
    ck_assert_str_eq(text_of(json_array_get(rules, index), "id"), text_of(result, "ruleId"));
    ck_assert_str_eq(text_of(result, "level"), "error");
    ck_assert_ptr_nonnull(strstr(text_of(json_object_get(result, "message"), "text"), "public.t"));
    ck_assert_str_eq(text_of(json_object_get(place, "artifactLocation"), "uri"),
                     "m/0002_b/expand.sql");
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(place, "region"), "startLine")), 3);
    json_decref(root);
}
END_TEST

START_TEST(github_annotations_are_one_line_each_whatever_is_in_them)
{
    struct lint_finding finding = {.rule = RULE_TRUNCATE,
                                   .severity = RULE_WARNING,
                                   .path = "a,b:c%/x.sql",
                                   .line = 7,
                                   .what = "100 %",
                                   .instead = "one\ntwo"};
    struct lint_report one = {.count = 1, .findings = &finding};
    char *text = lint_format(memory, LINT_FORMAT_GITHUB, &one, set, "m");

    ck_assert_msg(text_starts_with(text, "::warning file=m/a%2Cb%3Ac%25/x.sql,line=7,"
                                         "title=truncate::100 %25%0A"),
                  "%s", text);
    ck_assert(text_ends_with(text, "%0Ainstead:%0Aone%0Atwo\n"));
    ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
}
END_TEST

START_TEST(text_and_json_say_where_what_and_instead)
{
    char *text = lint_format(memory, LINT_FORMAT_TEXT, report, set, "m");
    json_t *findings = lint_format_findings(report, set, "m");
    const json_t *first = json_array_get(findings, 0);

    ck_assert(text_starts_with(text, "m/0002_b/expand.sql:3: error truncate: every row of public.t "
                                     "goes\n"));
    ck_assert_str_eq(text_of(first, "rule"), "truncate");
    ck_assert_str_eq(text_of(first, "revision"), "0002_b");
    ck_assert(json_is_true(json_object_get(first, "loses")));
    ck_assert_str_ne(text_of(first, "instead"), "");
    json_decref(findings);
}
END_TEST

START_TEST(a_format_that_is_none_is_refused)
{
    enum lint_format format = LINT_FORMAT_COUNT;

    ck_assert(lint_format_from_name("sarif", &format));
    ck_assert_int_eq(format, LINT_FORMAT_SARIF);
    ck_assert(!lint_format_from_name("xml", &format));
    ck_assert_int_eq(format, LINT_FORMAT_SARIF);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, sarif_has_every_rule_and_where_each_result_is);
    tcase_add_test(tcase, github_annotations_are_one_line_each_whatever_is_in_them);
    tcase_add_test(tcase, text_and_json_say_where_what_and_instead);
    tcase_add_test(tcase, a_format_that_is_none_is_refused);
}

SUITE("lint: formats", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
