/* A client that is killed at any round trip of a revision: the next run goes on by itself, does
 * what is left, and nothing twice.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"
#include "support/relay.h"

#include <sys/wait.h>
#include <unistd.h>

#define STATEMENTS 10

/* In transactions and outside of any. */
static const char expand_sql[] =
    "CREATE TABLE notes (id bigint PRIMARY KEY, player bigint);\n"
    "CREATE INDEX CONCURRENTLY players_name ON players (name);\n"
    "ALTER TABLE players ADD COLUMN motto text;\n"
    "INSERT INTO notes SELECT id, id FROM players;\n"
    "CREATE UNIQUE INDEX CONCURRENTLY players_both ON players (name, id);\n"
    "VACUUM players;\n"
    "ALTER TABLE players ADD CONSTRAINT short CHECK (length(name) < 99) NOT VALID;\n"
    "ALTER TABLE players VALIDATE CONSTRAINT short;\n"
    "DROP INDEX CONCURRENTLY players_name;\n"
    "UPDATE notes SET player = player + 1;\n";
static const char revert_sql[] =
    "-- hakem:undoes 8\nSELECT 1;\n"
    "-- hakem:undoes 7\nALTER TABLE players DROP CONSTRAINT short;\n"
    "-- hakem:undoes 5\nDROP INDEX CONCURRENTLY players_both;\n"
    "-- hakem:undoes 3\nALTER TABLE players DROP COLUMN motto;\n"
    "-- hakem:undoes 2\nDROP INDEX CONCURRENTLY IF EXISTS players_name;\n"
    "-- hakem:undoes 1\nDROP TABLE notes;\n";

static void given_ten_statements(void)
{
    given_players();
    given("0002_ten/expand.sql", expand_sql);
    given("0002_ten/revert.sql", revert_sql);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 100) i");
    engine.with.accept_data_loss = true;
}

/* As the URL of the test's database, through the relay. */
static void open_through(const struct relay *relay, struct session **ret)
{
    static char url[300];
    const char *database = strrchr(engine.url, '/') + 1;
    struct session_options options = {.url = url, .application_name = "hakem:child"};

    (void)text_format(url, sizeof(url), "host=%s port=%d user=postgres dbname=%s", relay->folder,
                      RELAY_PORT, database);
    assert_ok(session_open(NULL, &options, ret, &failure));
}

/* How many round trips it came to; *ret: it was killed. */
static size_t apply_until(const char *revision, enum migration_phase phase, size_t trips,
                          enum relay_moment moment, bool *ret)
{
    char server[200];
    struct relay relay;
    int status = 0;
    size_t count;
    pid_t child;

    (void)text_format(server, sizeof(server), "%s/.s.PGSQL.%d", engine.server.folder,
                      engine.server.port);
    relay_start(&relay, server, trips, moment);
    child = fork();
    if (child == 0) {
        struct session *own = NULL;

        open_through(&relay, &own);
        _exit(apply_in(own, revision, phase) == ERROR_OK ? 0 : 1);
    }
    count = relay_stop(&relay);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    *ret = WIFSIGNALED(status);
    return count;
}

static void assert_done_once(void)
{
    ck_assert(is_expanded("0002_ten"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE revision = '0002_ten'"
                          " AND phase = 'expand' AND outcome = 'done' AND generation ="
                          " (SELECT generation FROM hakem.mark WHERE revision = '0002_ten')"),
                      STATEMENTS);
    ck_assert_uint_eq(ask("SELECT count(*) FROM notes WHERE player = id + 1"), 100);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), 0);
}

/* Loop test: the moment. Each round trip in turn, from the first of the session on. */
START_TEST(killed_at_any_round_trip_of_an_expand_the_next_run_ends_it)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE], now[HASH_HEX_SIZE];
    bool was_killed = true;

    given_ten_statements();
    fingerprint(before);
    assert_ok(expand("0002_ten"));
    fingerprint(after);
    assert_ok(revert("0002_ten"));
    for (size_t trips = 1; was_killed; trips++) {
        (void)apply_until("0002_ten", MIGRATION_EXPAND, trips, (enum relay_moment)_i, &was_killed);
        assert_ok(expand("0002_ten"));
        assert_done_once();
        fingerprint(now);
        ck_assert_msg(strcmp(now, after) == 0, "killed at round trip %zu: another schema", trips);
        assert_ok(revert("0002_ten"));
        fingerprint(now);
        ck_assert_msg(strcmp(now, before) == 0, "killed at round trip %zu: no way back", trips);
        ck_assert_msg(was_killed || trips > STATEMENTS, "it had %zu round trips only", trips);
    }
}
END_TEST

START_TEST(killed_at_any_round_trip_of_a_revert_the_next_run_ends_it)
{
    char before[HASH_HEX_SIZE], now[HASH_HEX_SIZE];
    bool was_killed = true;

    given_ten_statements();
    fingerprint(before);
    for (size_t trips = 1; was_killed; trips++) {
        assert_ok(expand("0002_ten"));
        (void)apply_until("0002_ten", MIGRATION_REVERT, trips, (enum relay_moment)_i, &was_killed);
        assert_ok(revert("0002_ten"));
        ck_assert(!is_expanded("0002_ten"));
        fingerprint(now);
        ck_assert_msg(strcmp(now, before) == 0, "killed at round trip %zu: no way back", trips);
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, killed_at_any_round_trip_of_an_expand_the_next_run_ends_it, 0,
                        RELAY_MOMENT_COUNT);
    tcase_add_loop_test(tcase, killed_at_any_round_trip_of_a_revert_the_next_run_ends_it, 0,
                        RELAY_MOMENT_COUNT);
}

SUITE("engine: killed at any round trip", {.add = add_all,
                                           .set_up = engine_set_up,
                                           .tear_down = engine_tear_down,
                                           .set_up_once = engine_start,
                                           .tear_down_once = engine_stop,
                                           .timeout_s = 120})
