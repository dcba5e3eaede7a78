/* Backfills that go through several ranges of their key at once. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 40000

/* rest: of the row, behind the table. */
static void given_rows(const char *rest)
{
    static char yaml[400];

    (void)text_format(yaml, sizeof(yaml), "backfill:\n  - {table: public.seats, %s}\n", rest);
    given("0001_seats/expand.sql",
          "CREATE TABLE seats (room int, seat text COLLATE \"C\", name text, n int DEFAULT 0,"
          " PRIMARY KEY (room, seat));");
    given("0001_seats/revert.sql", "DROP TABLE seats;");
    given("0002_shown/expand.sql", "ALTER TABLE seats ADD COLUMN shown text;"
                                   "CREATE TABLE seats_old (LIKE seats INCLUDING ALL);");
    given("0002_shown/revert.sql", "DROP TABLE seats_old; ALTER TABLE seats DROP COLUMN shown;");
    given("0002_shown/lossless.sql", "SELECT count(*) FROM seats WHERE shown <> name;");
    given("0002_shown/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_seats"));
    sql("INSERT INTO seats SELECT i / 4, chr(65 + i % 4), 'n' || i"
        " FROM generate_series(1, 40000) i");
    assert_ok(expand("0002_shown"));
}

#define KEYS "keys: [room, seat], parallel: 4, batch: 100"
#define FILL KEYS ", where: shown IS NULL, set: \"shown = name, n = n + 1\""
#define MOVE KEYS ", where: \"room % 2 = 0\", archive: public.seats_old"

static bool runs_until_its_end(enum migration_phase phase, size_t batches)
{
    return !dies_behind("0002_shown", phase, batches);
}

/* Ranges that have got somewhere, and not to their end. */
static uint64_t lanes_under_way(void)
{
    return ask("SELECT count(*) FROM hakem.backfill_lane l JOIN hakem.backfill b USING (revision,"
               " generation, position) WHERE b.finished_at IS NULL AND l.done > 0");
}

START_TEST(ranges_are_filled_at_once_and_killed_behind_any_batch_no_row_twice)
{
    uint64_t most = 0, kills = 0;

    given_rows(FILL ", trigger: true");
    for (size_t batches = 1; !runs_until_its_end(MIGRATION_BACKFILL, batches); batches += 23) {
        uint64_t under_way = lanes_under_way();

        most = under_way > most ? under_way : most;
        kills++;
    }
    ck_assert_uint_ge(kills, 2);
    ck_assert_uint_eq(most, 4);
    ck_assert(is_expanded("0002_shown"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM seats WHERE shown = name AND n = 1"), ROWS);
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill WHERE pass = 1"), ROWS);
    ck_assert_uint_eq(ask("SELECT max(done) FROM hakem.backfill_lane"), ROWS / 4);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), 0);
}
END_TEST

START_TEST(rows_are_moved_and_come_back_by_ranges)
{
    static const char hash[] = "SELECT ('x' || substr(md5(string_agg(s::text, ',' ORDER BY room,"
                               " seat)), 1, 8))::bit(32)::bigint FROM seats s";
    uint64_t before;

    given_rows(MOVE);
    before = ask(hash);
    for (size_t batches = 5; !runs_until_its_end(MIGRATION_BACKFILL, batches); batches += 30)
        ck_assert_uint_eq(ask("SELECT (SELECT count(*) FROM seats) + count(*) FROM seats_old"),
                          ROWS);
    ck_assert_uint_eq(ask("SELECT count(*) FROM seats WHERE room % 2 = 0"), 0);
    for (size_t batches = 5; !runs_until_its_end(MIGRATION_REVERT, batches); batches += 30)
        ck_assert_uint_eq(ask("SELECT (SELECT count(*) FROM seats) + count(*) FROM seats_old"),
                          ROWS);
    sql("ALTER TABLE seats ADD COLUMN shown text");
    ck_assert_uint_eq(ask(hash), before);
}
END_TEST

/* ---- where there is no room ---- */

START_TEST(beside_players_one_range_follows_the_other)
{
    pid_t players = fork();

    if (players == 0) {
        struct session *own = open_session("game");

        while (true)
            (void)session_run(own, "SELECT 1", &failure);
    }
    given_rows(FILL);
    ck_assert(!runs_until_its_end(MIGRATION_BACKFILL, 60));
    kill_child(players);
    ck_assert_uint_eq(lanes_under_way(), 1);
}
END_TEST

START_TEST(a_small_table_has_one_range)
{
    given_rows(FILL);
    sql("DELETE FROM seats WHERE room > 500");
    assert_ok(backfill("0002_shown"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill_lane"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM seats WHERE shown IS NULL"), 0);
}
END_TEST

START_TEST(another_pass_goes_through_all_ranges_again)
{
    given_rows(FILL);
    ck_assert(!runs_until_its_end(MIGRATION_BACKFILL, 3));
    /* Behind the cursor of the first one. */
    sql("UPDATE seats SET shown = NULL WHERE room = 0 AND seat = 'B'");
    assert_ok(backfill("0002_shown"));
    ck_assert_uint_eq(ask("SELECT pass FROM hakem.backfill"), 2);
    ck_assert_uint_eq(ask("SELECT count(*) FROM seats WHERE shown IS NULL"), 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, ranges_are_filled_at_once_and_killed_behind_any_batch_no_row_twice);
    tcase_add_test(tcase, rows_are_moved_and_come_back_by_ranges);
    tcase_add_test(tcase, beside_players_one_range_follows_the_other);
    tcase_add_test(tcase, a_small_table_has_one_range);
    tcase_add_test(tcase, another_pass_goes_through_all_ranges_again);
}

ENGINE_SUITE("engine: ranges at once", add_all)
