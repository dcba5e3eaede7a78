/* The engine forward and back: what is done once, what is refused, and where a statement fails. */
#include "support/engine.h"

START_TEST(forward_and_back_leave_the_schema_as_it_was)
{
    char before[HASH_HEX_SIZE], between[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_rating();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players VALUES (1, 'a')");
    fingerprint(before);
    assert_ok(expand("0002_rating"));
    ck_assert(!engine.result.already_done && engine.result.position[0] != '\0');
    ck_assert_uint_eq(engine.result.statements_run, 5);
    ck_assert(is_expanded("0001_players") && is_expanded("0002_rating"));
    fingerprint(between);
    ck_assert_str_ne(before, between);

    assert_ok(revert("0002_rating"));
    ck_assert(!engine.result.is_kept);
    fingerprint(after);
    ck_assert_str_eq(before, after);
    ck_assert(!is_expanded("0002_rating"));
    ck_assert_uint_eq(generation_of("0002_rating"), 1);
}
END_TEST

START_TEST(a_phase_that_is_done_is_not_done_again_within_its_generation)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0001_players"));
    ck_assert(engine.result.already_done && engine.result.position[0] != '\0');
    assert_ok(expand("0002_rating"));
    assert_ok(revert("0002_rating"));
    assert_ok(revert("0002_rating"));
    ck_assert(engine.result.already_done);
    assert_ok(expand("0002_rating"));
    ck_assert(!engine.result.already_done);
    ck_assert_uint_eq(engine.result.generation, 1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.schema_version WHERE revision = '0002_rating'"
                          " AND phase = 'expand'"),
                      2);
}
END_TEST

START_TEST(order_is_kept_and_a_contract_is_the_point_of_no_return)
{
    given_rating();
    assert_fails(ERROR_REFUSED, expand("0002_rating"));
    assert_says("0001_players");
    assert_ok(expand("0001_players"));
    assert_fails(ERROR_REFUSED, contract("0002_rating"));
    assert_ok(expand("0002_rating"));
    assert_fails(ERROR_REFUSED, revert("0001_players"));
    assert_says("0002_rating");
    assert_ok(contract("0002_rating"));
    ck_assert(is_contracted("0002_rating"));
    assert_ok(contract("0002_rating"));
    ck_assert(engine.result.already_done);
    assert_fails(ERROR_IRREVERSIBLE, revert("0002_rating"));
}
END_TEST

static void rewrite_revert(const char *text)
{
    for (size_t i = 0; i < engine.file_count; i++)
        if (strcmp(engine.files[i].path, "0001_players/revert.sql") == 0)
            engine.files[i] = (struct migration_file){
                .path = "0001_players/revert.sql", .bytes = text, .size = strlen(text)};
    load();
}

START_TEST(an_applied_revision_whose_files_changed_is_refused)
{
    given_rating();
    assert_ok(expand("0001_players"));
    rewrite_revert("DROP TABLE players CASCADE;");
    assert_fails(ERROR_CHANGED, revert("0001_players"));
    assert_says("0001_players");
    assert_fails(ERROR_CHANGED, expand("0001_players"));
}
END_TEST

START_TEST(an_applied_revision_may_be_laid_out_anew)
{
    given_rating();
    assert_ok(expand("0001_players"));
    rewrite_revert("-- All of them.\nDROP TABLE  players  ;");
    assert_ok(expand("0001_players"));
    ck_assert(engine.result.already_done);
}
END_TEST

START_TEST(a_statement_that_fails_undoes_its_whole_transaction_and_names_its_line)
{
    given_players();
    given("0002_bad/expand.sql",
          "CREATE TABLE half (id int);\n\n-- why\nALTER TABLE nobody ADD x int;");
    given("0002_bad/revert.sql", "DROP TABLE half;");
    load();
    assert_ok(expand("0001_players"));
    assert_fails(ERROR_SQL, expand("0002_bad"));
    assert_says("0002_bad/expand.sql:4");
    assert_says("nobody");
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'half'"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'failed'"), 1);
    assert_ok(revert("0002_bad"));
    ck_assert(engine.result.already_done);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, forward_and_back_leave_the_schema_as_it_was);
    tcase_add_test(tcase, a_phase_that_is_done_is_not_done_again_within_its_generation);
    tcase_add_test(tcase, order_is_kept_and_a_contract_is_the_point_of_no_return);
    tcase_add_test(tcase, an_applied_revision_whose_files_changed_is_refused);
    tcase_add_test(tcase, an_applied_revision_may_be_laid_out_anew);
    tcase_add_test(tcase, a_statement_that_fails_undoes_its_whole_transaction_and_names_its_line);
}

ENGINE_SUITE("engine: forward and back", add_all)
