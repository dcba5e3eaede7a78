/* What statements outside of transactions leave behind when they are interrupted, and how the next
 * attempt goes on from there. */
#include "common/base/clock.h"
#include "support/engine.h"

#include <sys/wait.h>

/* And its backend is gone, before whoever it waits for lets it go on. */
static void kill_with_backend(pid_t child)
{
    kill_child(child);
    wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity"
             " WHERE application_name = 'hakem:child')");
}

/* ---- partitions ---- */

#define IS_PENDING                                                                                 \
    "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('plays_1')"               \
    " AND inhdetachpending)"
#define IS_ATTACHED                                                                                \
    "SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass('plays_1'))"

static void given_partitions(void)
{
    given("0001_plays/expand.sql",
          "CREATE TABLE plays (id int) PARTITION BY RANGE (id);"
          "CREATE TABLE plays_1 PARTITION OF plays FOR VALUES FROM (0) TO (100);"
          "CREATE TABLE plays_2 PARTITION OF plays FOR VALUES FROM (100) TO (200);");
    given("0001_plays/revert.sql", "DROP TABLE plays;");
    given("0002_part/expand.sql", "ALTER TABLE plays DETACH PARTITION plays_1 CONCURRENTLY;");
    given("0002_part/revert.sql",
          "ALTER TABLE plays ATTACH PARTITION plays_1 FOR VALUES FROM (0) TO (100);");
    load();
    assert_ok(expand("0001_plays"));
    sql("INSERT INTO plays SELECT generate_series(0, 199)");
}

/* Somebody who has read the table and does not end his transaction. */
static struct session *start_reader(void)
{
    struct session *reader = open_session("analytics");

    assert_ok(session_run(reader, "BEGIN; SELECT count(*) FROM plays", &failure));
    return reader;
}

static void assert_detached(void)
{
    ck_assert(is_expanded("0002_part"));
    ck_assert(!is_true(IS_ATTACHED));
    ck_assert_uint_eq(ask("SELECT count(*) FROM plays"), 100);
    ck_assert_uint_eq(ask("SELECT count(*) FROM plays_1"), 100);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'done'"
                          " AND revision = '0002_part'"),
                      1);
}

START_TEST(a_detach_whose_session_was_killed_half_way_is_finalized)
{
    struct session *reader;
    pid_t child;

    given_partitions();
    reader = start_reader();
    child = apply_in_child("0002_part", MIGRATION_EXPAND);
    wait_for(IS_PENDING);
    kill_with_backend(child);
    session_close(reader);
    assert_ok(expand("0002_part"));
    assert_detached();
}
END_TEST

START_TEST(a_detach_that_was_finalized_by_hand_is_not_done_again)
{
    struct session *reader;
    pid_t child;

    given_partitions();
    reader = start_reader();
    child = apply_in_child("0002_part", MIGRATION_EXPAND);
    wait_for(IS_PENDING);
    kill_with_backend(child);
    session_close(reader);
    sql("ALTER TABLE plays DETACH PARTITION plays_1 FINALIZE");
    assert_ok(expand("0002_part"));
    assert_detached();
}
END_TEST

/* Cleaning up after a try that had to give up waited without any limit. */
START_TEST(a_detach_that_gives_up_does_so_in_time_and_names_who_is_in_the_way)
{
    struct session *reader;
    uint64_t began;

    given_partitions();
    reader = start_reader();
    engine.with.lock_budget_ms = 900;
    began = clock_monotonic_ms();
    assert_fails(ERROR_LOCK, expand("0002_part"));
    ck_assert_uint_lt(clock_monotonic_ms() - began, 15000);
    assert_says("analytics");
    ck_assert(!is_expanded("0002_part"));
    ck_assert(is_true("SELECT current_setting('lock_timeout') = '0'"));
    assert_ok(session_run(reader, "SELECT count(*) FROM plays", &failure)); /* undisturbed */
    session_close(reader);
    engine.with.lock_budget_ms = 10000;
    assert_ok(expand("0002_part"));
    assert_detached();
}
END_TEST

/* The next try sent the DETACH again, which is refused while one is pending. */
START_TEST(a_detach_that_gets_its_lock_at_a_later_try_is_done)
{
    struct session *reader;
    pid_t child;
    int status;

    given_partitions();
    reader = start_reader();
    engine.with.lock_budget_ms = 6000; /* 2 s a try */
    child = apply_in_child("0002_part", MIGRATION_EXPAND);
    wait_for(IS_PENDING);
    wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE"
             " '%DETACH PARTITION plays_1 CONCURRENTLY%' AND application_name = 'hakem:child'"
             " AND state = 'active')"); /* the first try is over */
    session_close(reader);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    assert_detached();
}
END_TEST

/* ---- REINDEX ---- */

#define LEFTOVERS                                                                                  \
    "SELECT count(*) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid"                      \
    " WHERE c.relname ~ '_cc(new|old)[0-9]*$' OR NOT i.indisvalid"

static void given_reindex(const char *statement)
{
    given_players();
    given("0002_again/expand.sql", statement);
    given("0002_again/revert.sql", "SELECT 1;");
    load();
    assert_ok(expand("0001_players"));
    sql("CREATE INDEX players_name ON players (name);"
        "INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 100) i");
}

/* Loop test: an index, and a table's. */
START_TEST(a_reindex_whose_session_was_killed_leaves_no_invalid_index_behind)
{
    static const char *const statements[] = {"REINDEX INDEX CONCURRENTLY players_name;",
                                             "REINDEX TABLE CONCURRENTLY players;"};
    struct session *writer;
    uint64_t indexes;
    pid_t child;

    given_reindex(statements[_i]);
    indexes = ask("SELECT count(*) FROM pg_index WHERE indrelid = 'players'::regclass");
    writer = open_session("writer");
    assert_ok(session_run(writer, "BEGIN; UPDATE players SET name = 'x' WHERE id = 1", &failure));
    child = apply_in_child("0002_again", MIGRATION_EXPAND);
    wait_for("SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'players_name_ccnew')");
    kill_with_backend(child);
    session_close(writer);
    ck_assert_uint_gt(ask(LEFTOVERS), 0);
    assert_ok(expand("0002_again"));
    ck_assert_uint_eq(ask(LEFTOVERS), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_index WHERE indrelid = 'players'::regclass"),
                      indexes);
    ck_assert(is_expanded("0002_again"));
}
END_TEST

START_TEST(somebody_else_s_invalid_index_is_left_alone)
{
    given_reindex("REINDEX INDEX CONCURRENTLY players_name;");
    sql("CREATE TABLE other (id int); CREATE INDEX other_id_ccnew ON other (id);"
        "CREATE INDEX mine ON players (name);"
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid IN ('other_id_ccnew'::regclass, 'mine'::regclass)");
    sql("INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome)"
        " VALUES ('0002_again', 'expand', 0, 1, 'intent')");
    sql("INSERT INTO hakem.mark (revision, partial, checksum) SELECT '0002_again', true, ''");
    (void)expand("0002_again");
    ck_assert(is_true("SELECT to_regclass('other_id_ccnew') IS NOT NULL"
                      " AND to_regclass('mine') IS NOT NULL"));
}
END_TEST

START_TEST(a_drop_of_an_index_that_was_killed_half_way_is_done_again)
{
    struct session *reader;
    pid_t child;

    given_players();
    given("0002_drop/expand.sql", "DROP INDEX CONCURRENTLY players_name;");
    given("0002_drop/revert.sql", "CREATE INDEX CONCURRENTLY players_name ON players (name);");
    load();
    assert_ok(expand("0001_players"));
    sql("CREATE INDEX players_name ON players (name)");
    reader = open_session("reader");
    assert_ok(session_run(reader, "BEGIN; SELECT count(*) FROM players", &failure));
    child = apply_in_child("0002_drop", MIGRATION_EXPAND);
    wait_for("SELECT EXISTS (SELECT FROM pg_index WHERE NOT indisvalid)");
    kill_with_backend(child);
    session_close(reader);
    assert_ok(expand("0002_drop"));
    ck_assert(is_true("SELECT to_regclass('players_name') IS NULL"));
    assert_ok(revert("0002_drop"));
    ck_assert(is_true("SELECT indisvalid FROM pg_index"
                      " WHERE indexrelid = 'players_name'::regclass"));
}
END_TEST

/* IF NOT EXISTS succeeds over it, and it would never be used. */
START_TEST(an_invalid_index_in_the_way_is_not_taken_for_the_one_that_was_wanted)
{
    given_players();
    given("0002_index/expand.sql",
          "CREATE INDEX CONCURRENTLY IF NOT EXISTS players_name ON players (name);");
    given("0002_index/revert.sql", "DROP INDEX CONCURRENTLY IF EXISTS players_name;");
    load();
    assert_ok(expand("0001_players"));
    sql("CREATE INDEX players_name ON players (name);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'players_name'::regclass");
    assert_fails(ERROR_SQL, expand("0002_index"));
    assert_says("players_name is not valid");
    ck_assert(!is_expanded("0002_index"));
}
END_TEST

/* ---- order ---- */

START_TEST(what_relies_on_a_contract_waits_for_it)
{
    given_rating();
    given("0003_next/expand.sql", "CREATE TABLE next (id int);");
    given("0003_next/revert.sql", "DROP TABLE next;");
    given("0003_next/migration.yaml", "requires_contracted: [0002_rating]\n");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    assert_fails(ERROR_REFUSED, expand("0003_next"));
    assert_says("0003_next needs 0002_rating to be contracted first");
    ck_assert(is_true("SELECT to_regclass('next') IS NULL"));
    assert_ok(contract("0002_rating"));
    assert_ok(expand("0003_next"));
    assert_ok(revert("0003_next"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_detach_whose_session_was_killed_half_way_is_finalized);
    tcase_add_test(tcase, a_detach_that_was_finalized_by_hand_is_not_done_again);
    tcase_add_test(tcase, a_detach_that_gives_up_does_so_in_time_and_names_who_is_in_the_way);
    tcase_add_test(tcase, a_detach_that_gets_its_lock_at_a_later_try_is_done);
    tcase_add_loop_test(tcase, a_reindex_whose_session_was_killed_leaves_no_invalid_index_behind, 0,
                        2);
    tcase_add_test(tcase, somebody_else_s_invalid_index_is_left_alone);
    tcase_add_test(tcase, a_drop_of_an_index_that_was_killed_half_way_is_done_again);
    tcase_add_test(tcase, an_invalid_index_in_the_way_is_not_taken_for_the_one_that_was_wanted);
    tcase_add_test(tcase, what_relies_on_a_contract_waits_for_it);
}

ENGINE_SUITE("engine: remains", add_all)
