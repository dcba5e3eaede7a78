/* What a revision says of its phases: what must be true before and after, where names are looked
 * up, whom statements run as. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

#include <string.h>

static void given_revision(const char *yaml)
{
    given_players();
    given("0002_shown/expand.sql", "ALTER TABLE players ADD COLUMN shown text;");
    given("0002_shown/contract.sql", "ALTER TABLE players DROP COLUMN name;");
    given("0002_shown/revert.sql", "ALTER TABLE players DROP COLUMN shown;");
    given("0002_shown/lossless.sql", "SELECT 0;");
    given("0002_shown/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
}

#define BACKFILL                                                                                   \
    "backfill:\n  - {table: public.players, key: id, set: shown = name, where: shown IS NULL}\n"

START_TEST(what_must_be_true_before_lets_nothing_begin)
{
    given_revision("assert:\n  - {before: expand, query: SELECT count(*) > 0 FROM players,"
                   " says: there are players}\n");
    assert_fails(ERROR_VERIFY, expand("0002_shown"));
    assert_says("0002_shown/migration.yaml: assert before expand (there are players): the "
                "validation says no");
    ck_assert(!is_expanded("0002_shown"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE revision = '0002_shown'"),
                      0);
    sql("INSERT INTO players VALUES (1, 'x')");
    assert_ok(expand("0002_shown"));
}
END_TEST

/* What has begun goes on, although its own doing made the question's answer another one. */
START_TEST(one_that_goes_on_is_not_asked_whether_it_may_begin)
{
    given_revision(
        "assert:\n  - {before: expand, query: \"SELECT NOT EXISTS (SELECT FROM "
        "pg_attribute WHERE attname = 'shown')\"}\n"
        "  - {before: backfill, query: SELECT count(shown) = 0 FROM players}\n" BACKFILL);
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 300) i");
    assert_ok(expand("0002_shown"));
    ck_assert(dies_behind("0002_shown", MIGRATION_BACKFILL, 0));
    ck_assert_uint_gt(ask("SELECT count(shown) FROM players"), 0);
    assert_ok(backfill("0002_shown"));
    assert_ok(backfill("0002_shown"));
    ck_assert(is_expanded("0002_shown"));
}
END_TEST

START_TEST(what_must_be_true_after_fails_the_phase_and_every_repetition)
{
    given_revision("assert:\n  - {after: expand, query: SELECT count(*) = 0 FROM players}\n"
                   "  - {after: contract, query: SELECT false}\n"
                   "  - {after: revert, query: SELECT count(*) = 1 FROM players}\n");
    sql("INSERT INTO players VALUES (1, 'x')");
    assert_fails(ERROR_VERIFY, expand("0002_shown"));
    assert_says("assert after expand (SELECT count(*) = 0 FROM players): the validation says no");
    assert_fails(ERROR_VERIFY, expand("0002_shown"));
    assert_ok(revert("0002_shown"));
    sql("DELETE FROM players");
    assert_ok(expand("0002_shown"));
    assert_fails(ERROR_VERIFY, contract("0002_shown"));
    assert_says("assert after contract");
}
END_TEST

/* What a later phase makes of the schema is no matter any more; after a crash it is asked all the
 * same. */
START_TEST(what_held_once_is_not_asked_again_and_what_was_not_asked_is_open)
{
    bool are_open = true;

    given_revision("assert:\n  - {after: expand, query: SELECT count(*) = 0 FROM players}\n");
    assert_ok(expand("0002_shown"));
    assert_ok(assertions_are_open(engine.session, &engine.set->revisions[1], MIGRATION_EXPAND,
                                  &are_open, &failure));
    ck_assert(!are_open);
    sql("INSERT INTO players VALUES (1, 'x')");
    assert_ok(expand("0002_shown"));
    sql("DELETE FROM hakem.migration_log WHERE detail = 'assertions hold'");
    assert_ok(assertions_are_open(engine.session, &engine.set->revisions[1], MIGRATION_EXPAND,
                                  &are_open, &failure));
    ck_assert(are_open);
    assert_fails(ERROR_VERIFY, expand("0002_shown"));
}
END_TEST

static const struct {
    const char *yaml, *says;
} mistakes[] = {
    {"assert:\n  - {query: SELECT true}\n", "say before or after which phase, one of them"},
    {"assert:\n  - {before: expand, after: expand, query: SELECT true}\n", "one of them"},
    {"assert:\n  - {before: lunch, query: SELECT true}\n",
     "a phase is expand, backfill, contract or revert"},
    {"assert:\n  - {before: expand, query: DROP TABLE players}\n",
     "an assertion is one SELECT of one boolean"},
    {"assert:\n  - {before: expand}\n", "query"},
};

START_TEST(what_is_no_assertion_is_said_to_be_none)
{
    given("0001_players/expand.sql", "CREATE TABLE players (id bigint);");
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0001_players/migration.yaml", mistakes[_i].yaml);
    assert_fails(ERROR_CONFIG, migration_load_files(NULL, engine.files, engine.file_count,
                                                    &engine.set, &failure));
    assert_says("0001_players/migration.yaml:2: ");
    assert_says(mistakes[_i].says);
}
END_TEST

START_TEST(names_are_looked_up_where_the_revision_says_in_every_phase)
{
    sql("CREATE SCHEMA game; CREATE TABLE game.things (id int PRIMARY KEY, n int);"
        "INSERT INTO game.things SELECT generate_series(1, 5)");
    given("0001_things/expand.sql", "CREATE INDEX CONCURRENTLY things_n ON things (n);\n"
                                    "CREATE TABLE more (id int);");
    given("0001_things/revert.sql", "DROP TABLE more; DROP INDEX things_n;");
    given("0001_things/migration.yaml",
          "search_path: game, public\nbackfill:\n  - {table: game.things, key: id, set: n = "
          "twice(id), where: n IS NULL}\n");
    sql("CREATE FUNCTION game.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2'");
    load();
    assert_ok(expand("0001_things"));
    assert_ok(backfill("0001_things"));
    ck_assert_uint_eq(ask("SELECT sum(n) FROM game.things"), 30);
    ck_assert(
        is_true("SELECT to_regclass('game.more') IS NOT NULL AND to_regclass('more') IS NULL"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0001_things"));
    ck_assert(is_true("SELECT to_regclass('game.more') IS NULL AND to_regclass('game.things_n') IS "
                      "NULL"));
}
END_TEST

START_TEST(statements_run_as_the_role_and_the_log_is_written_by_whoever_runs_it)
{
    sql("DROP ROLE IF EXISTS owner_of_all; CREATE ROLE owner_of_all;"
        "GRANT CREATE ON SCHEMA public TO owner_of_all");
    given("0001_things/expand.sql", "CREATE TABLE things (id int);\n"
                                    "CREATE INDEX CONCURRENTLY things_id ON things (id);\n"
                                    "CREATE TABLE more (id int);");
    given("0001_things/revert.sql", "DROP TABLE more; DROP TABLE things;");
    given("0001_things/migration.yaml", "role: owner_of_all\n");
    given("0002_other/expand.sql", "CREATE TABLE other (id int);");
    given("0002_other/revert.sql", "DROP TABLE other;");
    load();
    engine.with.accept_data_loss = true;
    assert_ok(expand("0001_things"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_tables WHERE tableowner = 'owner_of_all'"), 2);
    ck_assert(is_true("SELECT current_user <> 'owner_of_all'"));
    assert_ok(expand("0002_other"));
    ck_assert(is_true("SELECT tableowner <> 'owner_of_all' FROM pg_tables WHERE tablename = "
                      "'other'"));
    assert_ok(revert("0002_other"));
    engine.with.role = "owner_of_all";
    assert_ok(expand("0002_other"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_tables WHERE tableowner = 'owner_of_all'"), 3);
    assert_ok(revert("0002_other"));
    engine.with.role = "nobody there";
    assert_fails(ERROR_SQL, expand("0002_other"));
    assert_says("role \"nobody there\" does not exist");
    engine.with.role = NULL;
    assert_ok(revert("0001_things"));
    sql("REVOKE CREATE ON SCHEMA public FROM owner_of_all; DROP ROLE owner_of_all");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_must_be_true_before_lets_nothing_begin);
    tcase_add_test(tcase, one_that_goes_on_is_not_asked_whether_it_may_begin);
    tcase_add_test(tcase, what_must_be_true_after_fails_the_phase_and_every_repetition);
    tcase_add_test(tcase, what_held_once_is_not_asked_again_and_what_was_not_asked_is_open);
    tcase_add_loop_test(tcase, what_is_no_assertion_is_said_to_be_none, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, names_are_looked_up_where_the_revision_says_in_every_phase);
    tcase_add_test(tcase, statements_run_as_the_role_and_the_log_is_written_by_whoever_runs_it);
}

ENGINE_SUITE("engine: assertions, search_path, role", add_all)
