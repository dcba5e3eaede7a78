/* Schemas compared object by object, and where a release may run. */
#include "common/base/memory.h"
#include "common/proof/difference.h"
#include "common/proof/releases.h"
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

#define OBJECTS(...)                                                                               \
    (struct fingerprint_objects)                                                                   \
    {                                                                                              \
        .items = (struct fingerprint_object[]){__VA_ARGS__},                                       \
        .count = sizeof((const struct fingerprint_object[]){__VA_ARGS__}) /                        \
                 sizeof(struct fingerprint_object)                                                 \
    }

/* All of it, an entry a line. */
static const char *say(const struct fingerprint_objects *before,
                       const struct fingerprint_objects *after)
{
    const struct difference *difference = difference_of(memory, before, after);
    struct text *out = text_new(memory, 4096);

    for (size_t i = 0; i < difference->count; i++) {
        difference_say(&difference->entries[i], out);
        text_append(out, "\n");
    }
    return out->data;
}

START_TEST(equal_schemas_have_no_difference)
{
    struct fingerprint_objects one = OBJECTS({"column", "a.b", "int"}, {"index", "a", "x"});
    struct fingerprint_objects none = {.count = 0};

    ck_assert_str_eq(say(&one, &one), "");
    ck_assert_str_eq(say(&none, &none), "");
}
END_TEST

START_TEST(what_is_there_only_before_or_only_after_is_said_in_order)
{
    struct fingerprint_objects before =
        OBJECTS({"column", "a.b", "int"}, {"column", "a.c", "int"}, {"index", "a", "x"});
    struct fingerprint_objects after =
        OBJECTS({"column", "a.a", "text"}, {"column", "a.c", "int"}, {"view", "v", "SELECT"});

    ck_assert_str_eq(say(&before, &after), "+ column a.a text\n- column a.b int\n- index a x\n"
                                           "+ view v SELECT\n");
}
END_TEST

START_TEST(an_object_that_changed_stands_there_as_it_was_and_as_it_is)
{
    struct fingerprint_objects before = OBJECTS({"function", "f()", "one\ntwo"});
    struct fingerprint_objects after = OBJECTS({"function", "f()", "one\nthree"});

    ck_assert_str_eq(say(&before, &after),
                     "+ function f() one\\nthree\n- function f() one\\ntwo\n");
}
END_TEST

START_TEST(the_same_object_twice_is_counted_twice)
{
    struct fingerprint_objects before = OBJECTS({"index", "a", "x"}, {"index", "a", "x"});
    struct fingerprint_objects after = OBJECTS({"index", "a", "x"});

    ck_assert_str_eq(say(&before, &after), "- index a x\n");
}
END_TEST

/* Of columns of that name, each text its own. */
static struct fingerprint_objects list_of(const char *names)
{
    struct fingerprint_objects list = {.count = strlen(names)};

    list.items = memory_array(memory, struct fingerprint_object, list.count);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = (struct fingerprint_object){
            .kind = memory_text(memory, "column"),
            .name = memory_format(memory, "%c", names[i]),
            .definition = memory_text(memory, "int"),
        };
    return list;
}

START_TEST(lists_share_the_texts_of_what_they_have_in_common_and_stay_what_they_are)
{
    struct fingerprint_objects before = list_of("acd"), after = list_of("abcde");
    const char *common = "acd", *own = "be";

    fingerprint_share(&after, &before);
    for (size_t i = 0; i < after.count; i++) {
        const struct fingerprint_object *object = &after.items[i];
        bool is_shared = false;

        ck_assert_int_eq(object->name[0], "abcde"[i]);
        for (size_t b = 0; b < before.count; b++)
            is_shared |= before.items[b].kind == object->kind;
        ck_assert(is_shared == (strchr(common, object->name[0]) != NULL));
        ck_assert(is_shared == (strchr(own, object->name[0]) == NULL));
    }
    ck_assert_str_eq(say(&before, &after), "+ column b int\n+ column e int\n");
}
END_TEST

/* ---- releases ---- */

#define REVISIONS 3

/* Loop test: what each of three revisions is, and whether a release that needs the second and
 * tolerates the third may run there. */
static const struct {
    const char *expanded, *contracted; /* a letter a revision: '+' it is */
    bool fits;
} states[] = {
    {"+--", "---", false},                       /* what it needs is not there */
    {"++-", "---", true},  {"++-", "+--", true}, /* an ancestor's contract is nothing to it */
    {"+++", "++-", true},                        /* its own, too */
    {"+++", "+++", true},                        /* tolerated */
};

static struct migration_set *load(const char *releases)
{
    const struct migration_file files[] = {
        {.path = "1_a/expand.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "1_a/revert.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "2_b/expand.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "2_b/revert.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "3_c/expand.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "3_c/revert.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "releases.yaml", .bytes = releases, .size = strlen(releases)},
    };
    struct migration_set *set = NULL;

    if (migration_load_files(memory, files, ARRAY_LEN(files), &set, &failure) != ERROR_OK)
        return NULL;
    return set;
}

static void read_state(const char *letters, bool ret[static REVISIONS])
{
    for (size_t i = 0; i < REVISIONS; i++)
        ret[i] = letters[i] == '+';
}

static bool fits(const struct migration_set *set, const char *expanded, const char *contracted)
{
    bool is_expanded[REVISIONS], is_contracted[REVISIONS];
    struct releases_state state = {
        .set = set, .is_expanded = is_expanded, .is_contracted = is_contracted};

    read_state(expanded, is_expanded);
    read_state(contracted, is_contracted);
    return releases_fits(&state, &set->releases[0]);
}

START_TEST(a_release_is_asked_where_it_may_run)
{
    const struct migration_set *set =
        load("releases:\n  - {name: r, needs: 2_b, tolerates: [3_c]}\n");

    ck_assert_ptr_nonnull(set);
    ck_assert(fits(set, states[_i].expanded, states[_i].contracted) == states[_i].fits);
}
END_TEST

START_TEST(a_release_that_tolerates_nothing_is_not_asked_after_a_later_contract)
{
    const struct migration_set *set = load("releases:\n  - {name: r, needs: 2_b}\n");

    ck_assert_ptr_nonnull(set);
    ck_assert(fits(set, "+++", "++-"));
    ck_assert(!fits(set, "+++", "+++"));
}
END_TEST

START_TEST(a_release_s_queries_are_statements_and_nothing_but_data)
{
    const struct migration_set *set =
        load("releases:\n  - name: r\n    needs: 2_b\n    queries: |\n"
             "      SELECT 1;\n      UPDATE t SET a = $1;\n");

    ck_assert_msg(set != NULL, "%s", failure.detail);
    ck_assert_uint_eq(set->releases[0].queries->count, 2);
    ck_assert_ptr_null(load("releases:\n  - {name: r, needs: 2_b, queries: \"DROP TABLE t\"}\n"));
    assert_says("releases.yaml, queries of r:1: only SELECT");
    ck_assert_ptr_null(load("releases:\n  - {name: r, needs: 2_b, queries: \"SELECT FROM (\"}\n"));
    assert_says("releases.yaml, queries of r:1");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, equal_schemas_have_no_difference);
    tcase_add_test(tcase, what_is_there_only_before_or_only_after_is_said_in_order);
    tcase_add_test(tcase, an_object_that_changed_stands_there_as_it_was_and_as_it_is);
    tcase_add_test(tcase, the_same_object_twice_is_counted_twice);
    tcase_add_test(tcase, lists_share_the_texts_of_what_they_have_in_common_and_stay_what_they_are);
    tcase_add_loop_test(tcase, a_release_is_asked_where_it_may_run, 0, (int)ARRAY_LEN(states));
    tcase_add_test(tcase, a_release_that_tolerates_nothing_is_not_asked_after_a_later_contract);
    tcase_add_test(tcase, a_release_s_queries_are_statements_and_nothing_but_data);
}

SUITE("proof: difference", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
