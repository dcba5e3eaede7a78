/* The engine after a kill, a failure in the middle and a cancel: nothing half-done stays. */
#include "common/migration/rebless.h"
#include "support/engine.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(a_concurrent_index_whose_builder_was_killed_is_built_anew)
{
    struct session *writer;
    pid_t child;

    given_index("");
    writer = open_session("writer");
    assert_ok(session_run(writer, "BEGIN; UPDATE players SET name = 'x' WHERE id = 1", &failure));
    /* The column needs the table: let the writer go on only once the build waits for it. */
    assert_ok(session_run(writer, "ROLLBACK", &failure));
    assert_ok(session_run(writer, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", &failure));
    child = apply_in_child("0002_index", MIGRATION_EXPAND);
    wait_for("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('players_name')"
             " AND NOT indisvalid)");
    kill_child(child);
    assert_ok(session_run(writer, "ROLLBACK", &failure));
    session_close(writer);

    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(
        ask("SELECT count(*) FROM pg_index WHERE indexrelid = 'players_name'::regclass"
            " AND indisvalid"),
        1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'done'"
                          " AND revision = '0002_index'"),
                      2);
    ck_assert(is_expanded("0002_index"));
}
END_TEST

START_TEST(an_index_that_failed_is_dropped_and_built_anew)
{
    given_index("UNIQUE");
    sql("UPDATE players SET name = 'same'");
    assert_fails(ERROR_SQL, expand("0002_index"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'players_name'"), 0);
    ck_assert(!is_expanded("0002_index"));
    sql("UPDATE players SET name = id::text");
    /* As a builder leaves it that could not even clean up. */
    sql("CREATE UNIQUE INDEX players_name ON players (name);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'players_name'::regclass");
    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(engine.result.statements_run, 1);
    ck_assert_uint_eq(
        ask("SELECT count(*) FROM pg_index WHERE indexrelid = 'players_name'::regclass"
            " AND indisvalid"),
        1);
}
END_TEST

START_TEST(a_half_applied_expand_is_reverted_by_what_undoes_its_half)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_index("UNIQUE");
    sql("UPDATE players SET name = 'same'");
    fingerprint(before);
    assert_fails(ERROR_SQL, expand("0002_index"));
    fingerprint(after);
    ck_assert_str_ne(before, after);
    assert_ok(revert("0002_index"));
    ck_assert_uint_eq(engine.result.statements_run, 1);
    fingerprint(after);
    ck_assert_str_eq(before, after);
    ck_assert_uint_eq(generation_of("0002_index"), 1);
    sql("UPDATE players SET name = id::text");
    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(engine.result.statements_run, 2);
}
END_TEST

START_TEST(a_half_applied_expand_without_marks_is_completed_and_then_reverted)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_players();
    given("0002_two/expand.sql", "CREATE TABLE one (id int);\n-- hakem:commit\n"
                                 "ALTER TABLE players ADD COLUMN late int;");
    given("0002_two/revert.sql", "ALTER TABLE players DROP COLUMN late; DROP TABLE one;");
    load();
    assert_ok(expand("0001_players"));
    fingerprint(before);
    sql("ALTER TABLE players ADD COLUMN late int");
    assert_fails(ERROR_SQL, expand("0002_two"));
    assert_fails(ERROR_SQL, revert("0002_two"));
    assert_says("half expanded");
    sql("ALTER TABLE players DROP COLUMN late");
    assert_ok(revert("0002_two"));
    ck_assert(!is_expanded("0002_two"));
    fingerprint(after);
    ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(a_cancel_ends_what_runs_and_leaves_nothing_half_done)
{
    pid_t child;
    int status;

    given_players();
    given("0002_slow/expand.sql", "CREATE TABLE slow (id int); SELECT pg_sleep(60);");
    given("0002_slow/revert.sql", "DROP TABLE slow;");
    load();
    assert_ok(expand("0001_players"));
    child = fork();
    if (child == 0) {
        struct session *own = open_session("hakem:child");

        session_cancel_on_signal(SIGTERM);
        _exit(apply_in(own, "0002_slow", MIGRATION_EXPAND) == ERROR_CANCELLED ? 0 : 1);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'hakem:child'"
             " AND wait_event = 'PgSleep')");
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'slow'"), 0);
}
END_TEST

/* A run goes on by the numbers of statements. */
START_TEST(a_half_applied_revision_is_blessed_only_where_what_is_done_stands_where_it_stood)
{
    struct migration_run run = {.operator_name = "anna"};

    given_index("UNIQUE");
    sql("UPDATE players SET name = 'same'");
    assert_fails(ERROR_SQL, expand("0002_index"));
    sql("UPDATE hakem.mark SET checksum = 'another' WHERE revision = '0002_index'");
    sql("UPDATE hakem.migration_log SET hash = 'another' WHERE revision = '0002_index'"
        " AND statement = 1");
    assert_ok(migration_hold_open(engine.session, engine.set, &run, &run.hold, &failure));
    assert_fails(ERROR_REFUSED,
                 rebless(engine.session, &engine.set->revisions[1], &run, "why not", &failure));
    assert_says("0002_index is half applied, and statement 1 of its expand is not the one that was "
                "done");
    sql("DELETE FROM hakem.migration_log WHERE revision = '0002_index' AND statement = 1");
    assert_ok(rebless(engine.session, &engine.set->revisions[1], &run, "why not", &failure));
    assert_ok(migration_hold_close(run.hold, &failure));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_concurrent_index_whose_builder_was_killed_is_built_anew);
    tcase_add_test(tcase, an_index_that_failed_is_dropped_and_built_anew);
    tcase_add_test(tcase, a_half_applied_expand_is_reverted_by_what_undoes_its_half);
    tcase_add_test(tcase, a_half_applied_expand_without_marks_is_completed_and_then_reverted);
    tcase_add_test(
        tcase, a_half_applied_revision_is_blessed_only_where_what_is_done_stands_where_it_stood);
    tcase_add_test(tcase, a_cancel_ends_what_runs_and_leaves_nothing_half_done);
}

ENGINE_SUITE("engine: crashes", add_all)
