/* Reverts that would destroy what players wrote are not done by themselves. */
#include "support/engine.h"

#include <sys/wait.h>

START_TEST(a_revert_that_would_lose_values_is_kept_until_the_loss_is_accepted)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    sql("INSERT INTO players VALUES (1, 'a', 7), (2, 'b', 8), (3, 'c', 0)");
    assert_ok(revert("0002_rating"));
    ck_assert(engine.result.is_kept);
    ck_assert_uint_eq(engine.result.kept_count, 2);
    ck_assert(strstr(engine.result.kept_reason, "0002_rating/lossless.sql:1") != NULL);
    ck_assert(is_expanded("0002_rating"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    ck_assert(!engine.result.is_kept && !is_expanded("0002_rating"));
}
END_TEST

START_TEST(without_lossless_sql_only_harmless_statements_are_reverted)
{
    given_players();
    given("0002_column/expand.sql", "ALTER TABLE players ADD COLUMN c int;");
    given("0002_column/revert.sql", "ALTER TABLE players DROP COLUMN c;");
    given("0003_index/expand.sql", "CREATE INDEX players_c ON players (c);");
    given("0003_index/revert.sql", "DROP INDEX players_c;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_column"));
    assert_ok(expand("0003_index"));
    assert_ok(revert("0003_index"));
    ck_assert(!engine.result.is_kept);
    assert_ok(revert("0002_column"));
    ck_assert(engine.result.is_kept);
    ck_assert(strstr(engine.result.kept_reason, "0002_column/revert.sql:1") != NULL);
}
END_TEST

START_TEST(a_lossless_query_that_is_too_slow_under_the_lock_keeps_the_schema)
{
    given_players();
    given("0002_column/expand.sql", "ALTER TABLE players ADD COLUMN c int;");
    given("0002_column/revert.sql", "ALTER TABLE players DROP COLUMN c;");
    given("0002_column/lossless.sql",
          "SELECT count(*) FROM players, pg_sleep(0.6) WHERE c IS NOT NULL;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_column"));
    engine.with.lossless_timeout_ms = 200;
    assert_ok(revert("0002_column"));
    ck_assert(engine.result.is_kept);
    ck_assert(is_expanded("0002_column"));
    ck_assert(!session_is_in_transaction(engine.session));
    engine.with.lossless_timeout_ms = 5000;
    assert_ok(revert("0002_column"));
    ck_assert(!engine.result.is_kept);
}
END_TEST

/* The revert's table is locked, and rows are counted once more: what came in between is seen.  The
 * gate is a lock of the test's: the count that is made without one waits for it, after it has read.
 */
START_TEST(a_write_between_the_first_count_and_the_lock_keeps_the_schema)
{
    struct session *gate;
    pid_t child;

    given_players();
    given("0002_column/expand.sql", "ALTER TABLE players ADD COLUMN c int;");
    given("0002_column/revert.sql", "ALTER TABLE players DROP COLUMN c;");
    given("0002_column/lossless.sql",
          "WITH seen AS MATERIALIZED (SELECT count(*) AS n FROM players WHERE c IS NOT NULL) "
          "SELECT n + 0 * length(pg_advisory_lock_shared(7)::text) FROM seen;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_column"));
    gate = open_session("gate");
    assert_ok(session_run(gate, "SELECT pg_advisory_lock(7)", &failure));
    child = apply_in_child("0002_column", MIGRATION_REVERT);
    wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)");
    sql("INSERT INTO players (id, name, c) VALUES (1, 'a', 1)");
    assert_ok(session_run(gate, "SELECT pg_advisory_unlock(7)", &failure));
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    session_close(gate);
    ck_assert(is_expanded("0002_column"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE c = 1"), 1);
}
END_TEST

START_TEST(what_is_irreversible_is_kept_and_said_to_be)
{
    given_players();
    given("0002_final/expand.sql", "ALTER TABLE players ADD COLUMN final int;");
    given("0002_final/migration.yaml", "irreversible: true");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_final"));
    assert_ok(revert("0002_final"));
    ck_assert(engine.result.is_kept);
    ck_assert_ptr_nonnull(strstr(engine.result.kept_reason, "irreversible"));
    ck_assert(is_expanded("0002_final"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_is_irreversible_is_kept_and_said_to_be);
    tcase_add_test(tcase, a_revert_that_would_lose_values_is_kept_until_the_loss_is_accepted);
    tcase_add_test(tcase, without_lossless_sql_only_harmless_statements_are_reverted);
    tcase_add_test(tcase, a_write_between_the_first_count_and_the_lock_keeps_the_schema);
    tcase_add_test(tcase, a_lossless_query_that_is_too_slow_under_the_lock_keeps_the_schema);
}

ENGINE_SUITE("engine: reverts that would lose", add_all)
