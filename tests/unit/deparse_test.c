/* Which definitions mean the same: only what a dump and its restore make of each other. */
#include "common/base/text.h"
#include "common/migration/deparse.h"
#include "support/suite.h"

static const struct {
    const char *one, *other;
    bool is_same;
} rows[] = {
    {"", "", true},
    {"CHECK (((a)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
     "CHECK (((a)::text = ANY (ARRAY[('x'::character varying)::text, ('y'::character "
     "varying)::text])))",
     true},
    {"(a)::numeric(10,2) > 1", "(a > 1)", true},
    {"a::timestamp without time zone < now()", "a < now()", true},
    {"a::public.\"My type\"[] = b", "a = b", true},
    {"now() AT TIME ZONE 'utc'", "now( )  AT TIME ZONE\n'utc'", true},
    {"a = 'x'", "a = 'y'", false},
    {"a = 'x y'", "a = 'xy'", false},
    {"a = '(x)'", "a = 'x'", false},
    {"a = 'x::text'", "a = 'x'", false},
    {"\"a b\" = 1", "\"ab\" = 1", false},
    {"a > 1", "a >= 1", false},
    {"a = 1", "a = 1 AND b", false},
    {"a IS NOT NULL", "a IS NULL", false},
    {"f(a, 3)", "f(a)", false},
};

START_TEST(casts_parentheses_and_blanks_do_not_count_and_all_else_does)
{
    ck_assert_int_eq(
        deparse_is_same(rows[_i].one, strlen(rows[_i].one), rows[_i].other, strlen(rows[_i].other)),
        rows[_i].is_same);
    ck_assert_int_eq(
        deparse_is_same(rows[_i].other, strlen(rows[_i].other), rows[_i].one, strlen(rows[_i].one)),
        rows[_i].is_same);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, casts_parentheses_and_blanks_do_not_count_and_all_else_does, 0,
                        (int)ARRAY_LEN(rows));
}

SUITE("deparse", {.add = add_all})
