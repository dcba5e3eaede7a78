/* The order of revisions. */
#include "common/migration/graph.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct error err;

START_TEST(parents_stand_before_children_and_ties_go_by_name)
{
    static const struct graph_revision revisions[] = {
        {.name = "d", .parent_count = 2, .parents = {"b", "c"}},
        {.name = "c", .parent_count = 1, .parents = {"a"}},
        {.name = "b", .parent_count = 1, .parents = {"a"}},
        {.name = "a"},
    };
    size_t order[4];
    size_t head;

    ck_assert_int_eq(graph_order(revisions, 4, order, &err), ERROR_OK);
    ck_assert_str_eq(revisions[order[0]].name, "a");
    ck_assert_str_eq(revisions[order[1]].name, "b");
    ck_assert_str_eq(revisions[order[2]].name, "c");
    ck_assert_str_eq(revisions[order[3]].name, "d");
    ck_assert_int_eq(graph_head(revisions, 4, &head, &err), ERROR_OK);
    ck_assert_uint_eq(head, 0);
}
END_TEST

START_TEST(a_cycle_names_revisions_that_are_on_it)
{
    static const struct graph_revision revisions[] = {
        {.name = "root"},
        {.name = "tail", .parent_count = 1, .parents = {"x"}},
        {.name = "x", .parent_count = 2, .parents = {"root", "y"}},
        {.name = "y", .parent_count = 1, .parents = {"x"}},
    };
    size_t order[4] = {9, 9, 9, 9};

    ck_assert_int_eq(graph_order(revisions, 4, order, &err), ERROR_INVALID);
    ck_assert(strstr(err.detail, "x requires y") != NULL ||
              strstr(err.detail, "y requires x") != NULL);
    ck_assert_ptr_null(strstr(err.detail, "tail"));
    ck_assert_uint_eq(order[0], 9);
}
END_TEST

START_TEST(a_revision_may_not_require_itself_a_stranger_or_be_there_twice)
{
    static const struct {
        struct graph_revision revisions[2];
        const char *says;
    } rows[] = {
        {{{.name = "a"}, {.name = "b", .parent_count = 1, .parents = {"b"}}}, "b requires itself"},
        {{{.name = "a"}, {.name = "b", .parent_count = 1, .parents = {"z"}}}, "b requires z"},
        {{{.name = "a"}, {.name = "a"}}, "two revisions named a"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t order[2];

        ck_assert_int_eq(graph_order(rows[i].revisions, 2, order, &err), ERROR_INVALID);
        ck_assert_msg(strstr(err.detail, rows[i].says) != NULL, "%s", err.detail);
    }
}
END_TEST

START_TEST(two_heads_are_named)
{
    static const struct graph_revision revisions[] = {
        {.name = "a"},
        {.name = "c", .parent_count = 1, .parents = {"a"}},
        {.name = "b", .parent_count = 1, .parents = {"a"}},
    };
    size_t head = 9;

    ck_assert_int_eq(graph_head(revisions, 3, &head, &err), ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.detail, "b and c"));
    ck_assert_int_eq(graph_head(revisions, 0, &head, &err), ERROR_NOT_FOUND);
    ck_assert_uint_eq(head, 9);
}
END_TEST

START_TEST(ancestors_are_found_through_merges)
{
    static const struct graph_revision revisions[] = {
        {.name = "a"},
        {.name = "b", .parent_count = 1, .parents = {"a"}},
        {.name = "c", .parent_count = 1, .parents = {"a"}},
        {.name = "d", .parent_count = 2, .parents = {"b", "c"}},
    };
    size_t found = 9;

    ck_assert(graph_is_ancestor(revisions, 4, 0, 3) && graph_is_ancestor(revisions, 4, 2, 3));
    ck_assert(!graph_is_ancestor(revisions, 4, 3, 0) && !graph_is_ancestor(revisions, 4, 1, 2));
    ck_assert(!graph_is_ancestor(revisions, 4, 3, 3));
    ck_assert(graph_find(revisions, 4, "c", &found) && found == 2);
    ck_assert(!graph_find(revisions, 4, "e", &found) && found == 2);
}
END_TEST

START_TEST(the_longest_history_allowed_is_ordered_and_one_more_is_refused)
{
    static struct graph_revision revisions[GRAPH_REVISIONS_MAX + 1];
    static char names[GRAPH_REVISIONS_MAX + 1][8];
    static size_t order[GRAPH_REVISIONS_MAX + 1];

    for (size_t i = 0; i <= GRAPH_REVISIONS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%06u", (unsigned)i % 1000000);
        revisions[i].name = names[i];
        revisions[i].parent_count = i > 0;
        revisions[i].parents[0] = i > 0 ? names[i - 1] : NULL;
    }
    ck_assert_int_eq(graph_order(revisions, GRAPH_REVISIONS_MAX, order, &err), ERROR_OK);
    ck_assert_uint_eq(order[GRAPH_REVISIONS_MAX - 1], GRAPH_REVISIONS_MAX - 1);
    ck_assert_int_eq(graph_order(revisions, GRAPH_REVISIONS_MAX + 1, order, &err), ERROR_LIMIT);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, parents_stand_before_children_and_ties_go_by_name);
    tcase_add_test(tcase, a_cycle_names_revisions_that_are_on_it);
    tcase_add_test(tcase, a_revision_may_not_require_itself_a_stranger_or_be_there_twice);
    tcase_add_test(tcase, two_heads_are_named);
    tcase_add_test(tcase, ancestors_are_found_through_merges);
    tcase_add_test(tcase, the_longest_history_allowed_is_ordered_and_one_more_is_refused);
}

SUITE("graph", {.add = add_all})
