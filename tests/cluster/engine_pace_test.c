/* Whom a backfill waits for, with the real ones: a standby that lags, an archiver that fails,
 * vacuum. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/pace.h"
#include "support/engine.h"

#include <sys/wait.h>
#include <unistd.h>

#define SEGMENTS_OF_LAG     6  /* of 16 MiB: beyond PACE_LAG_MAX_BYTES */
#define SEGMENTS_OF_BACKLOG 18 /* beyond PACE_ARCHIVE_MAX_BYTES */

static struct postgres standby;

/* The archiver fails until it is told otherwise. */
static void start(void)
{
    assert_ok(postgres_start(&engine.server, "archive_mode = on\narchive_command = '/bin/false'\n",
                             &failure));
    assert_ok(postgres_start_standby(&standby, &engine.server, "laggard", &failure));
}

static void stop(void)
{
    postgres_stop(&standby);
    postgres_stop(&engine.server);
}

/* What it says, and what is done the first time that it says so: whoever is behind comes after. */
static struct heard {
    const char *awaited;
    void (*mend)(void);
    size_t times;
} heard;

static void hear(void *context, uint64_t done, uint64_t total, const char *text)
{
    (void)context;
    (void)done;
    (void)total;
    if (strstr(text, heard.awaited) == NULL)
        return;
    if (heard.times++ == 0)
        heard.mend();
}

static const struct migration_hooks listening = {.progress = hear};

static void given_rows_to_fill(const char *awaited, void (*mend)(void))
{
    given("0001_players/expand.sql",
          "CREATE TABLE players (id bigint PRIMARY KEY, name text NOT NULL, display_name text);"
          "INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 30000) i;");
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0001_players/migration.yaml",
          "backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
          "where: \"display_name IS NULL\", batch: 2000}\n");
    load();
    assert_ok(expand("0001_players"));
    heard = (struct heard){.awaited = awaited, .mend = mend};
    engine.with.hooks = &listening;
}

static void assert_waited_and_ended(void)
{
    assert_ok(backfill("0001_players"));
    ck_assert_uint_gt(heard.times, 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL"), 0);
}

/* Each is counted whole, however little is in it. */
static void write_segments(int count)
{
    for (int i = 0; i < count; i++)
        sql("SELECT pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()");
}

static void run_at(const char *url, const char *statement)
{
    struct session_options options = {.url = url};
    struct session *session = NULL;

    assert_ok(session_open(NULL, &options, &session, &failure));
    assert_ok(session_run(session, statement, &failure));
    session_close(session);
}

static void resume_standby(void)
{
    run_at(standby.url, "SELECT pg_wal_replay_resume()");
}

START_TEST(it_waits_for_a_standby_that_lags_until_it_has_caught_up)
{
    given_rows_to_fill("waits for laggard, which is", resume_standby);
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')");
    run_at(standby.url, "SELECT pg_wal_replay_pause()");
    write_segments(SEGMENTS_OF_LAG);
    assert_waited_and_ended();
}
END_TEST

static void mend_archiver(void)
{
    run_at(engine.server.url, "ALTER SYSTEM SET archive_command = '/bin/true'");
    run_at(engine.server.url, "SELECT pg_reload_conf()");
}

START_TEST(it_waits_for_an_archiver_that_fails_until_it_archives_again)
{
    given_rows_to_fill("waits for the archiver, which is", mend_archiver);
    write_segments(SEGMENTS_OF_BACKLOG);
    wait_for("SELECT failed_count > 0 FROM pg_stat_archiver");
    assert_waited_and_ended();
}
END_TEST

static pid_t vacuum;

static void end_vacuum(void)
{
    kill_child(vacuum);
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'VACUUM%'");
}

/* One that takes its time. */
static void start_vacuum(void)
{
    vacuum = fork();
    if (vacuum == 0) {
        struct session *own = open_session("vacuum");

        (void)session_run(own, "SET vacuum_cost_delay = 100", &failure);
        (void)session_run(own, "SET vacuum_cost_limit = 1", &failure);
        (void)session_run(own, "VACUUM players", &failure);
        _exit(0);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_progress_vacuum)");
}

START_TEST(it_waits_for_vacuum_at_work_on_its_table)
{
    given_rows_to_fill("waits for vacuum, which is at work on the table", end_vacuum);
    start_vacuum();
    assert_waited_and_ended();
}
END_TEST

/* What an agent would say of them. */
static uint64_t players_wait_ms;

static void tell_of_players(void *context, uint64_t *ret_ms, uint64_t *ret_limit_ms)
{
    (void)context;
    *ret_ms = players_wait_ms;
    *ret_limit_ms = 60;
}

static const struct migration_hooks told_of_players = {.progress = hear,
                                                       .players = tell_of_players};

static void answer_players_sooner(void)
{
    players_wait_ms = 60;
}

START_TEST(it_waits_for_players_who_are_answered_later_than_before)
{
    uint64_t began_ms = clock_monotonic_ms();

    given_rows_to_fill("waits for players, who are answered after 61 ms, later than before",
                       answer_players_sooner);
    players_wait_ms = 61;
    engine.with.hooks = &told_of_players;
    assert_waited_and_ended();
    /* It was said before it waited, not when it had waited as long as it may. */
    ck_assert_uint_lt(clock_monotonic_ms() - began_ms, PACE_LAG_WAIT_MAX_MS);
}
END_TEST

static void do_nothing(void)
{
}

/* The server hears of a session's transactions a second late. */
START_TEST(what_its_own_session_did_before_is_nobody_else_s_work)
{
    given_rows_to_fill("yields to", do_nothing);
    sql("DELETE FROM players WHERE id > 2000");
    sql("ALTER TABLE players ADD CHECK (pg_sleep(0.001) IS NOT NULL) NOT VALID"); /* seconds */
    sql("SELECT pg_stat_force_next_flush()");
    for (int i = 0; i < 400; i++)
        sql("SELECT");
    assert_ok(backfill("0001_players"));
    ck_assert_uint_eq(heard.times, 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_its_own_session_did_before_is_nobody_else_s_work);
    tcase_add_test(tcase, it_waits_for_a_standby_that_lags_until_it_has_caught_up);
    tcase_add_test(tcase, it_waits_for_an_archiver_that_fails_until_it_archives_again);
    tcase_add_test(tcase, it_waits_for_vacuum_at_work_on_its_table);
    tcase_add_test(tcase, it_waits_for_players_who_are_answered_later_than_before);
}

SUITE("engine: pace", {.add = add_all,
                       .set_up = engine_set_up,
                       .tear_down = engine_tear_down,
                       .set_up_once = start,
                       .tear_down_once = stop,
                       .timeout_s = 90})
