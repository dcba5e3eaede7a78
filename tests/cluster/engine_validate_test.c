/* Backfills that ask before they begin and before they say done. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

#include <string.h>

/* 10 players, and a name to show for each; validate is the rest of the row, in flow style. */
static void given_validated(const char *validate)
{
    static char yaml[600];

    (void)text_format(yaml, sizeof(yaml),
                      "backfill:\n  - {table: public.players, key: id, set: \"shown = name\", "
                      "where: \"shown IS NULL\", validate: %s}\n",
                      validate);
    given_players();
    given("0002_shown/expand.sql", "ALTER TABLE players ADD COLUMN shown text;");
    given("0002_shown/revert.sql", "ALTER TABLE players DROP COLUMN shown;");
    given("0002_shown/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 10) i");
    assert_ok(expand("0002_shown"));
}

START_TEST(queries_that_say_yes_let_it_begin_and_end)
{
    given_validated("{before: [SELECT count(*) = 10 FROM players WHERE shown IS NULL],"
                    " after: [SELECT count(*) = 10 FROM players WHERE shown = name, SELECT true]}");
    assert_ok(backfill("0002_shown"));
    ck_assert(is_expanded("0002_shown"));
}
END_TEST

static const struct {
    const char *query, *says;
    enum error_code code;
} answers[] = {
    {"SELECT count(*) = 11 FROM players", "the validation says no", ERROR_VERIFY},
    {"SELECT NULL::boolean", "neither yes nor no (NULL)", ERROR_VERIFY},
    {"SELECT true WHERE false", "not 0 rows of 1 columns", ERROR_VERIFY},
    {"SELECT true FROM players", "not 10 rows of 1 columns", ERROR_VERIFY},
    {"'SELECT true, true'", "not 1 rows of 2 columns", ERROR_VERIFY},
    {"SELECT 7", "\"7\" is no boolean", ERROR_VERIFY},
    {"SELECT 1 / 0 = 1", "division by zero", ERROR_SQL},
    {"SELECT nothing FROM players", "column \"nothing\" does not exist", ERROR_SQL},
};

START_TEST(a_query_before_that_does_not_say_yes_lets_nothing_begin_and_is_named)
{
    char validate[200];

    (void)text_format(validate, sizeof(validate), "{before: [SELECT true, %s]}", answers[_i].query);
    given_validated(validate);
    assert_fails(answers[_i].code, backfill("0002_shown"));
    assert_says(answers[_i].says);
    assert_says("0002_shown/migration.yaml: backfill of public.players: validate before, query 2");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE shown IS NOT NULL"), 0);
    ck_assert(!session_is_in_transaction(engine.session));
}
END_TEST

START_TEST(a_query_after_that_does_not_say_yes_fails_it_and_is_named)
{
    char validate[200];

    (void)text_format(validate, sizeof(validate), "{after: [SELECT true, %s]}", answers[_i].query);
    given_validated(validate);
    assert_fails(answers[_i].code, backfill("0002_shown"));
    assert_says(answers[_i].says);
    assert_says("0002_shown/migration.yaml: backfill of public.players: validate after, query 2");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill WHERE finished_at IS NULL"), 1);
    ck_assert(!is_expanded("0002_shown"));
    ck_assert(!session_is_in_transaction(engine.session));
}
END_TEST

START_TEST(what_failed_after_it_goes_on_once_what_it_found_is_mended)
{
    given_validated("{after: [\"SELECT count(*) = 11 FROM players WHERE shown = name\"]}");
    assert_fails(ERROR_VERIFY, backfill("0002_shown"));
    sql("INSERT INTO players VALUES (11, 'late')");
    assert_ok(backfill("0002_shown"));
    ck_assert(is_expanded("0002_shown"));
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill"), 11);
}
END_TEST

/* It is asked of what there is, once, and not of what a killed try has made of it. */
START_TEST(what_has_begun_is_not_asked_before_again)
{
    given_validated("{before: [SELECT count(*) = 10 FROM players WHERE shown IS NULL],"
                    " after: [SELECT count(*) = 0 FROM players WHERE id = 3]}");
    assert_fails(ERROR_VERIFY, backfill("0002_shown"));
    sql("DELETE FROM players WHERE id = 3");
    assert_ok(backfill("0002_shown"));
}
END_TEST

/* A query before may say that rows are right: what it writes is another matter. */
START_TEST(a_query_before_cannot_write)
{
    given_validated("{before: [\"SELECT nextval('numbers') > 0\"]}");
    sql("CREATE SEQUENCE numbers");
    assert_fails(ERROR_REFUSED, backfill("0002_shown"));
    assert_says("read-only transaction");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, queries_that_say_yes_let_it_begin_and_end);
    tcase_add_loop_test(tcase, a_query_before_that_does_not_say_yes_lets_nothing_begin_and_is_named,
                        0, (int)ARRAY_LEN(answers));
    tcase_add_loop_test(tcase, a_query_after_that_does_not_say_yes_fails_it_and_is_named, 0,
                        (int)ARRAY_LEN(answers));
    tcase_add_test(tcase, what_failed_after_it_goes_on_once_what_it_found_is_mended);
    tcase_add_test(tcase, what_has_begun_is_not_asked_before_again);
    tcase_add_test(tcase, a_query_before_cannot_write);
}

ENGINE_SUITE("engine: validations of a backfill", add_all)
