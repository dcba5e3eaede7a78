/* The parser's JSON, read and looked into. */
#include "common/base/memory.h"
#include "common/migration/tree.h"
#include "support/suite.h"

static void *memory;

static void set_up(void)
{
    memory = talloc_new(NULL);
}

static void tear_down(void)
{
    talloc_free(memory);
}

START_TEST(texts_have_their_escapes_and_numbers_their_sign)
{
    const struct tree *root = tree_parse(
        memory,
        " {\"a\": \"x\\n\\\"\\u003e\\u00e9\\u20ac\", \"b\":[1, -2, true ,false,null],\"c\":{}} ");

    ck_assert_str_eq(tree_text(root, "a"), "x\n\">\xc3\xa9\xe2\x82\xac");
    ck_assert_uint_eq(tree_count(tree_get(root, "b")), 5);
    ck_assert_ptr_null(tree_element(tree_get(root, "b"), 5));
    ck_assert(tree_is_object(tree_get(root, "c")));
    ck_assert_uint_eq(tree_number(tree_parse(memory, "{\"n\":42,\"m\":-1}"), "n"), 42);
    ck_assert_uint_eq(tree_number(tree_parse(memory, "{\"n\":42,\"m\":-1}"), "m"), 0);
    ck_assert(tree_flag(tree_parse(memory, "{\"t\":true}"), "t"));
}
END_TEST

START_TEST(what_is_not_there_reads_as_empty)
{
    const struct tree *root = tree_parse(memory, "{\"a\":\"x\",\"b\":[\"y\"]}");

    ck_assert_ptr_null(tree_get(root, "z"));
    ck_assert_ptr_null(tree_get(tree_get(root, "a"), "b"));
    ck_assert_ptr_null(tree_get(NULL, "a"));
    ck_assert_str_eq(tree_text(root, "z"), "");
    ck_assert_str_eq(tree_text(root, "b"), "");
    ck_assert_uint_eq(tree_count(root), 0);
    ck_assert_uint_eq(tree_count(NULL), 0);
    ck_assert(!tree_flag(root, "a"));
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const texts[] = {"",      "{",     "[1",       "{\"a\"}",     "\"x",
                                        "{} {}", "[1 2]", "{\"a\":}", "\"\\u00g0\"", "\"\\x\"",
                                        "nope",  "[1,]",  "{a:1}",    "\"\\",        "]"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(tree_parse(memory, texts[i]) == NULL, "%s", texts[i]);
}
END_TEST

START_TEST(what_is_nested_too_deeply_is_refused)
{
    char *text = memory_array(memory, char, 2 * (TREE_DEPTH_MAX + 2) + 1);

    memset(text, '[', TREE_DEPTH_MAX + 1);
    memset(text + TREE_DEPTH_MAX + 1, ']', TREE_DEPTH_MAX + 1);
    ck_assert_ptr_nonnull(tree_parse(memory, text));
    memset(text, '[', TREE_DEPTH_MAX + 2);
    memset(text + TREE_DEPTH_MAX + 2, ']', TREE_DEPTH_MAX + 2);
    ck_assert_ptr_null(tree_parse(memory, text));
}
END_TEST

static void count_node(const struct tree *node, void *context)
{
    size_t *count = context;

    (void)node;
    (*count)++;
}

START_TEST(a_statement_is_found_by_its_nodes)
{
    const struct tree *root = NULL, *node;
    size_t ranges = 0, calls = 0;

    assert_ok(tree_of_statement(memory, "SELECT f(a), g(b) FROM t JOIN s.u ON t.x > u.y", &root,
                                &failure));
    ck_assert_str_eq(tree_kind(root, &node), "SelectStmt");
    tree_find(root, "RangeVar", count_node, &ranges);
    tree_find(root, "FuncCall", count_node, &calls);
    ck_assert_uint_eq(ranges, 2);
    ck_assert_uint_eq(calls, 2);
    assert_fails(ERROR_INVALID, tree_of_statement(memory, "SELECT 1; SELECT 2", &root, &failure));
    assert_fails(ERROR_INVALID, tree_of_statement(memory, "SELEC 1", &root, &failure));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, texts_have_their_escapes_and_numbers_their_sign);
    tcase_add_test(tcase, what_is_not_there_reads_as_empty);
    tcase_add_test(tcase, what_is_no_json_is_refused);
    tcase_add_test(tcase, what_is_nested_too_deeply_is_refused);
    tcase_add_test(tcase, a_statement_is_found_by_its_nodes);
}

SUITE("tree", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
