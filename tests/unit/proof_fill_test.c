/* What rows are made up of, in what order, and when two states of rows are the same. */
#include "common/base/memory.h"
#include "common/proof/fill.h"
#include "common/proof/rows.h"
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

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* ---- columns ---- */

static struct fill_column column(const char *base, char kind, char category)
{
    return (struct fill_column){.name = "c",
                                .type = base,
                                .base = base,
                                .kind = kind,
                                .category = category,
                                .literals = "",
                                .check = "true",
                                .is_not_null = true};
}

static const char *expression(const struct fill_column *of)
{
    struct text *out = text_new(memory, FILL_SQL_MAX);

    return fill_expression(of, 3, out) ? out->data : "unknown";
}

START_TEST(a_unique_column_gets_the_row_s_number_and_another_repeats_values)
{
    struct fill_column id = column("int8", 'b', 'N');

    ck_assert(has(expression(&id), "% 1000"));
    id.is_unique = true;
    ck_assert_str_eq(expression(&id), "(hakem_n)::int8");
}
END_TEST

START_TEST(a_column_that_may_be_null_sometimes_is)
{
    struct fill_column text = column("text", 'b', 'S');

    ck_assert(!has(expression(&text), "CASE"));
    text.is_not_null = false;
    ck_assert(has(expression(&text), "% 7 <> 0 THEN"));
}
END_TEST

START_TEST(what_a_constraint_mentions_is_a_candidate_unless_the_column_is_unique)
{
    struct fill_column phase = column("text", 'b', 'S'), seat = column("int2", 'b', 'N');

    phase.literals = "'{seating,playing}'";
    ck_assert(has(expression(&phase), "('{seating,playing}'::text[])[1 + ("));
    ck_assert(has(expression(&phase), "ELSE")); /* or what it mentions is what it refuses */
    phase.is_unique = true;
    ck_assert(!has(expression(&phase), "seating"));
    seat.literals = "'{-1,0,1}'";
    ck_assert(!has(expression(&seat), "ELSE"));
}
END_TEST

START_TEST(values_fit_their_column_s_length_and_digits)
{
    struct fill_column code = column("varchar", 'b', 'S'), price = column("numeric", 'b', 'N');

    code.length = 3;
    ck_assert(has(expression(&code), "::text, 3)"));
    code.length = 200;
    ck_assert(has(expression(&code), "'row ' ||"));
    price.digits = 3; /* numeric(4, 2): 99.99 at most */
    ck_assert(has(expression(&price), "% 100)::numeric"));
    price.digits = 1;
    ck_assert(has(expression(&price), "% 1)::numeric"));
}
END_TEST

START_TEST(of_a_kind_that_is_not_known_nothing_is_made_up)
{
    struct fill_column composite = column("address", 'c', 'C'), mood = column("mood", 'e', 'E');
    struct fill_column bits = column("bit", 'b', 'V'), list = column("_text", 'b', 'A');

    ck_assert_str_eq(expression(&composite), "unknown");
    ck_assert_str_eq(expression(&bits), "unknown");
    ck_assert(has(expression(&mood), "enum_range(NULL::mood)"));
    ck_assert_str_eq(expression(&list), "('{}')::_text");
}
END_TEST

/* ---- tables ---- */

#define KEY(from, to, wanted)                                                                      \
    {                                                                                              \
        .table = (from), .referenced = (to), .referenced_name = (to), .key = from to,              \
        .column = "to_" to, .referenced_column = "id", .is_not_null = (wanted)                     \
    }

static const struct fill_table tables[] = {
    {.oid = "a", .name = "a"}, {.oid = "b", .name = "b"}, {.oid = "c", .name = "c"}};

/* Loop test: keys between three tables, and the order in which they are filled. */
static const struct {
    struct fill_key keys[3];
    size_t count;
    const char *order;
} orders[] = {
    {{KEY("a", "a", false)}, 0, "abc"},
    {{KEY("a", "c", true), KEY("c", "b", true)}, 2, "bca"},
    {{KEY("a", "b", false)}, 1, "bac"}, /* also where it may be NULL */
    {{KEY("a", "a", true), KEY("b", "x", true)},
     2,
     "abc"}, /* to itself, and to what is not filled */
    {{KEY("a", "b", true), KEY("b", "a", false)}, 2, "cba"},
    {{KEY("a", "b", true), KEY("b", "a", true)}, 2, "cab"}, /* no order helps: it is still one */
};

START_TEST(referenced_tables_are_filled_first_and_circles_broken_where_null_may_be)
{
    const struct fill_keys keys = {.keys = orders[_i].keys, .count = orders[_i].count};
    size_t order[ARRAY_LEN(tables)];
    char names[ARRAY_LEN(tables) + 1] = "";

    fill_order(tables, ARRAY_LEN(tables), &keys, order);
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        names[i] = tables[order[i]].name[0];
    ck_assert_str_eq(names, orders[_i].order);
}
END_TEST

static const char *statement(const struct fill_column *columns, size_t count,
                             const struct fill_keys *keys)
{
    const struct fill_table table = {
        .oid = "a", .name = "a", .check = "(x > 1)", .columns = columns, .column_count = count};
    struct text *out = text_new(memory, FILL_SQL_MAX);

    return fill_statement(&table, keys, out, &failure) == ERROR_OK ? out->data : NULL;
}

START_TEST(a_key_of_several_columns_is_taken_from_one_row)
{
    const struct fill_key parts[] = {
        {.table = "a",
         .referenced = "b",
         .referenced_name = "b",
         .key = "k",
         .column = "x",
         .referenced_column = "p"},
        {.table = "a",
         .referenced = "b",
         .referenced_name = "b",
         .key = "k",
         .column = "y",
         .referenced_column = "q"},
        {.table = "a",
         .referenced = "c",
         .referenced_name = "c",
         .key = "l",
         .column = "z",
         .referenced_column = "id"},
    };
    const struct fill_keys keys = {.keys = parts, .count = ARRAY_LEN(parts)};
    struct fill_column columns[3] = {column("int4", 'b', 'N'), column("int4", 'b', 'N'),
                                     column("int4", 'b', 'N')};
    const char *sql;

    columns[0].name = "x";
    columns[1].name = "y";
    columns[2].name = "z";
    sql = statement(columns, ARRAY_LEN(columns), &keys);
    ck_assert_ptr_nonnull(sql);
    ck_assert(has(sql, "p AS c0, q AS c1 FROM b WHERE true AND p IS NOT NULL AND q IS NOT NULL"));
    ck_assert(has(sql, "r0.c0 AS x, r0.c1 AS y, r1.c0 AS z"));
    ck_assert(has(sql, "(hakem_n * 1) % (SELECT n FROM n0)"));
    ck_assert(has(sql, "(hakem_n * 7) % (SELECT n FROM n1)"));
    ck_assert(has(sql, "WHERE ((x > 1))"));
}
END_TEST

START_TEST(columns_that_fill_themselves_are_left_to_do_so)
{
    const struct fill_keys none = {.count = 0};
    struct fill_column columns[2] = {column("int4", 'b', 'N'), column("bit", 'b', 'V')};
    const char *sql;

    columns[0].is_automatic = true;
    columns[1].name = "d";
    columns[1].has_default = true;
    sql = statement(columns, ARRAY_LEN(columns), &none);
    ck_assert_ptr_nonnull(sql);
    ck_assert(has(sql, "INSERT INTO a SELECT  FROM (SELECT NULL::int4 AS c, NULL::bit AS d"));
    columns[1].has_default = false;
    ck_assert_ptr_null(statement(columns, ARRAY_LEN(columns), &none));
    assert_says("no rows can be made up for a: its column d must have a value");
    assert_says("--data FILE");
}
END_TEST

/* ---- rows ---- */

#define TABLE(named, rows, hash, of_x, of_y)                                                       \
    {                                                                                              \
        .name = (named), .count = (rows), .sum = (hash), .column_count = 2,                        \
        .columns = (const struct rows_column[]){{"x", of_x}, {"y", of_y}},                         \
    }

static const char *differ(const struct rows_table *before, const struct rows_table *after,
                          size_t count)
{
    const struct rows_state was = {.count = count, .tables = before};
    const struct rows_state is = {.count = count, .tables = after};
    struct text *out = text_new(memory, 400);

    return rows_are_equal(&was, &is, out) ? "equal" : out->data;
}

START_TEST(rows_that_differ_are_said_by_table_and_column)
{
    const struct rows_table before[] = {TABLE("a", 2, "5", "1", "2"), TABLE("b", 2, "5", "1", "2")};
    const struct rows_table values[] = {TABLE("a", 2, "6", "1", "3"), TABLE("b", 2, "5", "1", "2")};
    const struct rows_table mixed[] = {TABLE("a", 2, "6", "1", "2"), TABLE("b", 2, "5", "1", "2")};
    const struct rows_table fewer[] = {TABLE("a", 1, "6", "1", "2"), TABLE("c", 2, "5", "1", "2")};

    ck_assert_str_eq(differ(before, before, 2), "equal");
    ck_assert_str_eq(differ(before, values, 2), "a has other values in y");
    ck_assert_str_eq(differ(before, mixed, 2), "a has its values in other rows");
    ck_assert_str_eq(differ(before, fewer, 2), "a had 2 rows and has 1; b is gone");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_unique_column_gets_the_row_s_number_and_another_repeats_values);
    tcase_add_test(tcase, a_column_that_may_be_null_sometimes_is);
    tcase_add_test(tcase, what_a_constraint_mentions_is_a_candidate_unless_the_column_is_unique);
    tcase_add_test(tcase, values_fit_their_column_s_length_and_digits);
    tcase_add_test(tcase, of_a_kind_that_is_not_known_nothing_is_made_up);
    tcase_add_loop_test(tcase,
                        referenced_tables_are_filled_first_and_circles_broken_where_null_may_be, 0,
                        (int)ARRAY_LEN(orders));
    tcase_add_test(tcase, a_key_of_several_columns_is_taken_from_one_row);
    tcase_add_test(tcase, columns_that_fill_themselves_are_left_to_do_so);
    tcase_add_test(tcase, rows_that_differ_are_said_by_table_and_column);
}

SUITE("proof: fill", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
