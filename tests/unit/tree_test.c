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

static const char two_statements[] =
    "{\"version\":150001,\"stmts\":[{\"stmt\":{\"A\":{\"t\":\"a\\nb\"}},\"stmt_len\":8},"
    "{\"stmt\":{\"B\":{\"list\":[1,2]}},\"stmt_location\":9}]}";

START_TEST(a_list_reads_one_statement_after_the_other)
{
    char *json = memory_text(memory, two_statements);
    struct tree_list *list = tree_list_new(memory, json);
    struct tree_statement found = {.from = 0};

    ck_assert(tree_list_next(list, &found));
    ck_assert_str_eq(tree_text(tree_get(found.tree, "A"), "t"), "a\nb");
    ck_assert_uint_eq(found.from, 0);
    ck_assert_uint_eq(found.size, 8);
    ck_assert(tree_list_next(list, &found));
    ck_assert_uint_eq(tree_count(tree_get(tree_get(found.tree, "B"), "list")), 2);
    ck_assert_uint_eq(found.from, 9);
    ck_assert_uint_eq(found.size, 0);
    ck_assert(!tree_list_next(list, &found));
    ck_assert(!tree_list_next(list, &found));
}
END_TEST

START_TEST(what_a_list_has_read_is_read_again_from_where_it_stood)
{
    struct tree_list *list = tree_list_new(memory, memory_text(memory, two_statements));
    struct tree_statement found = {.from = 0};
    const struct tree *again;

    ck_assert(tree_list_next(list, &found));
    again = tree_parse_statement(memory, two_statements + found.json_from, found.json_size);
    ck_assert_str_eq(tree_text(tree_get(again, "A"), "t"), "a\nb");
    ck_assert(tree_list_next(list, &found));
    again = tree_parse_statement(memory, two_statements + found.json_from, found.json_size);
    ck_assert_uint_eq(tree_count(tree_get(tree_get(again, "B"), "list")), 2);
}
END_TEST

START_TEST(a_list_says_where_it_breaks_and_ends_there)
{
    static const char *const texts[] = {"", "{\"version\":1}", "{\"stmts\":[{\"stmt\":{\"A\":}}]}",
                                        "{\"stmts\":[{}]}", "[]"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct tree_list *list = tree_list_new(memory, memory_text(memory, texts[i]));
        struct tree_statement found = {.from = 0};

        ck_assert_msg(tree_list_next(list, &found), "%s", texts[i]);
        ck_assert_msg(found.tree == NULL, "%s", texts[i]);
        ck_assert(!tree_list_next(list, &found));
    }
}
END_TEST

START_TEST(an_empty_list_has_no_statement)
{
    struct tree_list *list =
        tree_list_new(memory, memory_text(memory, "{\"version\":1,\"stmts\":[]}"));
    struct tree_statement found = {.from = 0};

    ck_assert(!tree_list_next(list, &found));
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
    tcase_add_test(tcase, a_list_reads_one_statement_after_the_other);
    tcase_add_test(tcase, what_a_list_has_read_is_read_again_from_where_it_stood);
    tcase_add_test(tcase, a_list_says_where_it_breaks_and_ends_there);
    tcase_add_test(tcase, an_empty_list_has_no_statement);
    tcase_add_test(tcase, a_statement_is_found_by_its_nodes);
}

SUITE("tree", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
