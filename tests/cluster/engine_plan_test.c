/* What is still to run on a database, and how long the like took there. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/plan.h"
#include "support/engine.h"

static void given_history(void)
{
    given_players();
    given("0002_a/expand.sql", "ALTER TABLE players ADD COLUMN a int;\n"
                               "CREATE INDEX CONCURRENTLY players_a ON players (a);");
    given("0002_a/revert.sql", "ALTER TABLE players DROP COLUMN a;");
    given("0003_b/expand.sql", "ALTER TABLE players ADD COLUMN b int;\n"
                               "ALTER TABLE players ALTER COLUMN name DROP NOT NULL;");
    given("0003_b/revert.sql", "ALTER TABLE players DROP COLUMN b;");
    given("0003_b/contract.sql", "ALTER TABLE players ALTER COLUMN a TYPE bigint;");
    load();
}

static struct plan *plan(const bool *expands, const bool *contracts)
{
    struct plan_request request = {
        .set = engine.set, .is_to_expand = expands, .is_to_contract = contracts};
    struct plan_pasts *pasts = NULL;
    struct plan *made = NULL;

    assert_ok(plan_read_past(engine.set, engine.session, &pasts, &failure));
    request.pasts = pasts;
    assert_ok(plan_make(engine.set, &request, &made, &failure));
    return made;
}

START_TEST(a_database_that_nobody_migrated_has_no_past)
{
    const bool all[] = {true, true, true}, none[] = {false, false, false};
    struct plan *made;

    given_history();
    made = plan(all, none);
    ck_assert_uint_eq(made->count, 5);
    for (size_t i = 0; i < made->count; i++)
        ck_assert_uint_eq(made->steps[i].like_count, 0);
}
END_TEST

START_TEST(statements_alike_on_the_same_table_tell_how_long_they_took)
{
    const bool expands[] = {false, false, true}, contracts[] = {false, false, true};
    const struct plan_step *steps;
    struct plan *made;

    given_history();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_a"));
    made = plan(expands, contracts);
    steps = made->steps;
    ck_assert_uint_eq(made->count, 3);
    ck_assert_str_eq(steps[0].statement->text, "ALTER TABLE players ADD COLUMN b int");
    ck_assert_uint_eq(steps[0].like_count, 1);
    ck_assert_uint_eq(steps[0].like_max_us,
                      ask("SELECT duration_us FROM hakem.migration_log WHERE revision = '0002_a' "
                          "AND statement = 1 AND outcome = 'done'"));
    ck_assert_int_eq(steps[0].effect->locks[0].mode, LOCK_ACCESS_EXCLUSIVE);
    ck_assert_uint_eq(steps[1].like_count, 0); /* no statement like it ran */
    ck_assert_str_eq(steps[2].statement->text, "ALTER TABLE players ALTER COLUMN a TYPE bigint");
    ck_assert_int_eq(steps[2].script, MIGRATION_SCRIPT_CONTRACT);
    ck_assert_uint_eq(steps[2].effect->rewrite_count, 1);
}
END_TEST

START_TEST(what_a_phase_has_done_before_it_failed_is_not_to_run_again)
{
    const bool expands[] = {false, true}, none[] = {false, false};
    struct plan *made;

    given_players();
    given("0002_a/expand.sql", "ALTER TABLE players ADD COLUMN a int;\n-- hakem:commit\n"
                               "INSERT INTO nowhere VALUES (1);\n"
                               "ALTER TABLE players ADD COLUMN b int;");
    given("0002_a/revert.sql", "ALTER TABLE players DROP COLUMN a;");
    load();
    assert_ok(expand("0001_players"));
    assert_fails(ERROR_SQL, expand("0002_a"));
    made = plan(expands, none);
    ck_assert_uint_eq(made->count, 2);
    ck_assert_str_eq(made->steps[0].statement->text, "INSERT INTO nowhere VALUES (1)");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_database_that_nobody_migrated_has_no_past);
    tcase_add_test(tcase, what_a_phase_has_done_before_it_failed_is_not_to_run_again);
    tcase_add_test(tcase, statements_alike_on_the_same_table_tell_how_long_they_took);
}

ENGINE_SUITE("engine: plan", add_all)
