/* Rows that go: into an archive and back, for good, or because another one is like them. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/steer.h"
#include "support/engine.h"

#include <string.h>
#include <sys/wait.h>

#define ROOMS_HASH                                                                                 \
    "SELECT ('x' || substr(md5(string_agg(r::text, ',' ORDER BY id)), 1, 8))::bit(32)::bigint"     \
    " FROM rooms r"

/* 2000 rooms of which each second one is over; row: of the backfill, behind table and key. */
static void given_rooms(const char *archive, const char *row)
{
    static char yaml[400];

    (void)text_format(yaml, sizeof(yaml), "backfill:\n  - {table: public.rooms, key: id, %s}\n",
                      row);
    given("0001_rooms/expand.sql",
          "CREATE TABLE rooms (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, phase text,"
          " \"Who won\" text, score numeric(6,2), twice numeric GENERATED ALWAYS AS (score * 2)"
          " STORED);");
    given("0001_rooms/revert.sql", "DROP TABLE rooms;");
    given("0002_archive/expand.sql", archive);
    given("0002_archive/revert.sql", "DROP TABLE IF EXISTS rooms_old;");
    given("0002_archive/lossless.sql", "SELECT count(*) FROM rooms WHERE phase = 'lost';");
    given("0002_archive/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_rooms"));
    sql("INSERT INTO rooms (phase, \"Who won\", score) SELECT CASE i % 2 WHEN 0 THEN 'over' ELSE"
        " 'playing' END, nullif('p' || i, 'p4'), i / 3.0 FROM generate_series(1, 2000) i;"
        " CREATE INDEX rooms_who ON rooms (\"Who won\")");
    assert_ok(expand("0002_archive"));
}

#define LIKE_ROOMS "CREATE TABLE rooms_old (LIKE rooms INCLUDING ALL);"
#define OVER       "where: phase = 'over', archive: public.rooms_old"

static void kill_in_the_middle(enum migration_phase phase, int position)
{
    char query[160];
    pid_t child = apply_in_child("0002_archive", phase);

    (void)text_format(query, sizeof(query),
                      "SELECT coalesce((SELECT done BETWEEN 100 AND 900 FROM hakem.backfill"
                      " WHERE position = %d), false)",
                      position);
    wait_for(query);
    kill_child(child);
}

static struct steer_state shown(size_t i)
{
    struct steer_state *states = NULL;
    struct steer_state found;
    size_t count = 0;

    assert_ok(steer_show(engine.session, engine.session, &states, &count, &failure));
    ck_assert_uint_gt(count, i);
    found = states[i];
    talloc_free(states);
    return found;
}

/* ---- archive ---- */

START_TEST(rows_are_moved_and_come_back_as_they_were_whenever_it_is_killed)
{
    uint64_t hash;

    given_rooms(LIKE_ROOMS, OVER ", batch: 50");
    hash = ask(ROOMS_HASH);
    kill_in_the_middle(MIGRATION_BACKFILL, 0);
    ck_assert_uint_eq(ask("SELECT (SELECT count(*) FROM rooms) + (SELECT count(*) FROM rooms_old)"),
                      2000);
    assert_ok(backfill("0002_archive"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms_old WHERE phase = 'over'"), 1000);
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE phase = 'playing'"), 1000);
    ck_assert_str_eq(shown(0).what, "archive");
    ck_assert_str_eq(shown(0).into, "public.rooms_old");
    ck_assert_uint_eq(shown(0).done, 1000);
    kill_in_the_middle(MIGRATION_REVERT, 16);
    ck_assert(!is_expanded("0002_archive"));
    ck_assert_str_eq(shown(1).what, "back");
    assert_ok(revert("0002_archive"));
    ck_assert(!engine.result.is_kept);
    ck_assert_uint_eq(ask(ROOMS_HASH), hash);
    ck_assert(is_true("SELECT to_regclass('rooms_old') IS NULL"));
}
END_TEST

START_TEST(a_row_that_the_archive_does_not_take_stays_where_it_is)
{
    given_rooms(LIKE_ROOMS "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
                           " 'BEGIN RETURN NULL; END';"
                           "CREATE TRIGGER no BEFORE INSERT ON rooms_old FOR EACH ROW"
                           " WHEN (NEW.id = 300) EXECUTE FUNCTION no();",
                OVER ", batch: 100");
    assert_fails(ERROR_SQL, backfill("0002_archive"));
    assert_says("rows were to be moved, and public.rooms_old took");
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE id = 300"), 1);
    ck_assert_uint_eq(ask("SELECT (SELECT count(*) FROM rooms) + (SELECT count(*) FROM rooms_old)"),
                      2000);
}
END_TEST

START_TEST(what_somebody_else_writes_into_the_archive_is_found_before_it_ends)
{
    given_rooms(LIKE_ROOMS, OVER ", batch: 50");
    kill_in_the_middle(MIGRATION_BACKFILL, 0);
    sql("INSERT INTO rooms_old (id, phase) OVERRIDING SYSTEM VALUE VALUES (9999, 'mine')");
    assert_fails(ERROR_VERIFY, backfill("0002_archive"));
    assert_says("1000 rows were moved to public.rooms_old, and it has 1001");
    ck_assert(!is_expanded("0002_archive"));
}
END_TEST

static const struct {
    const char *archive, *row, *says;
} refusals[] = {
    {"SELECT 1;", OVER, "public.rooms and public.rooms_old are not two tables"},
    {"SELECT 1;", "where: phase = 'over', archive: rooms", "are not two tables"},
    {LIKE_ROOMS "INSERT INTO rooms_old (phase) VALUES ('x');", OVER,
     "public.rooms_old has 1 rows already"},
    {LIKE_ROOMS "ALTER TABLE rooms_old DROP COLUMN \"Who won\";", OVER,
     "public.rooms_old has no column Who won"},
    {LIKE_ROOMS "ALTER TABLE rooms_old ALTER COLUMN phase TYPE varchar(5);", OVER,
     "public.rooms_old has character varying(5), not text, in its column phase"},
    {"CREATE TABLE rooms_old (LIKE rooms);", OVER,
     "no valid unique index of public.rooms_old is on exactly (id)"},
    {LIKE_ROOMS "CREATE TABLE seats (room bigint REFERENCES rooms ON DELETE CASCADE);", OVER,
     "the foreign key seats_room_fkey of seats would delete or empty"},
    {"CREATE TABLE seats (room bigint REFERENCES rooms ON DELETE SET NULL);",
     "where: phase = 'over', delete: true, lossy: true",
     "the foreign key seats_room_fkey of seats would delete or empty"},
    {"SELECT 1;", "deduplicate: {by: [phase], keep: id}, lossy: true",
     "no index of public.rooms begins with the columns of `by`, {\"phase\"}"},
};

START_TEST(rows_that_could_not_come_back_or_would_take_others_along_stay)
{
    uint64_t hash;

    given_rooms(refusals[_i].archive, refusals[_i].row);
    hash = ask(ROOMS_HASH);
    assert_fails(ERROR_REFUSED, backfill("0002_archive"));
    assert_says(refusals[_i].says);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
    ck_assert_uint_eq(ask(ROOMS_HASH), hash);
}
END_TEST

START_TEST(rows_that_are_gone_from_the_archive_stop_the_way_back_unless_the_loss_is_accepted)
{
    given_rooms(LIKE_ROOMS, OVER);
    assert_ok(backfill("0002_archive"));
    sql("DELETE FROM rooms_old WHERE id <= 10");
    assert_fails(ERROR_WOULD_LOSE_DATA, revert("0002_archive"));
    assert_says("1000 rows were moved to public.rooms_old, and it has 995 now");
    ck_assert(is_expanded("0002_archive"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_archive"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms"), 1995);
}
END_TEST

/* The archive has not been dropped: whoever mends it gets all rows back. */
START_TEST(a_row_whose_place_is_taken_keeps_the_archive)
{
    given_rooms(LIKE_ROOMS, OVER);
    assert_ok(backfill("0002_archive"));
    sql("INSERT INTO rooms (id, phase) OVERRIDING SYSTEM VALUE VALUES (500, 'new')");
    assert_fails(ERROR_SQL, revert("0002_archive"));
    assert_says("rooms_pkey");
    sql("DELETE FROM rooms WHERE id = 500");
    assert_ok(revert("0002_archive"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE phase = 'over'"), 1000);
}
END_TEST

/* ---- delete ---- */

START_TEST(rows_are_deleted_and_counted_and_a_revert_asks_for_them)
{
    given_rooms("SELECT 1;", "where: \"phase = 'over' AND id <= 500\", delete: true, lossy: true");
    assert_ok(backfill("0002_archive"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms"), 1750);
    ck_assert_str_eq(shown(0).what, "delete");
    ck_assert_uint_eq(shown(0).done, 250);
    ck_assert_uint_eq(shown(0).total, 250);
    sql("UPDATE rooms SET phase = 'lost' WHERE id <= 7");
    assert_ok(revert("0002_archive"));
    ck_assert(engine.result.is_kept);
    ck_assert_uint_eq(engine.result.kept_count, 4);
    sql("UPDATE rooms SET phase = 'found' WHERE id <= 7");
    assert_ok(revert("0002_archive"));
    ck_assert(!engine.result.is_kept);
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms"), 1750);
}
END_TEST

/* ---- de-duplicate ---- */

#define ALIKE "deduplicate: {by: [who], keep: 'score DESC'}"

/* p0 to p99 five times each, far from each other in the order of the key, and 1500 without one. */
START_TEST(of_rows_that_are_alike_the_first_stays_and_the_others_come_back)
{
    uint64_t hash;

    given_rooms(LIKE_ROOMS, ALIKE ", archive: public.rooms_old, batch: 30");
    sql("ALTER TABLE rooms RENAME \"Who won\" TO who;"
        "ALTER TABLE rooms_old RENAME \"Who won\" TO who;"
        "UPDATE rooms SET who = CASE WHEN id <= 500 THEN 'p' || id % 100 END, score = id % 7;"
        "CREATE TABLE firsts AS SELECT DISTINCT ON (who) id FROM rooms WHERE who IS NOT NULL"
        " ORDER BY who, score DESC, id");
    hash = ask(ROOMS_HASH);
    kill_in_the_middle(MIGRATION_BACKFILL, 0);
    assert_ok(backfill("0002_archive"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE who IS NULL"), 1500);
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms JOIN firsts USING (id)"), 100);
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE who IS NOT NULL"), 100);
    ck_assert_str_eq(shown(0).what, "de-duplicate");
    ck_assert_uint_eq(shown(0).done, 400);
    assert_ok(revert("0002_archive"));
    ck_assert_uint_eq(ask(ROOMS_HASH), hash);
}
END_TEST

static void given_two_alike(void)
{
    given_rooms("ALTER TABLE rooms RENAME \"Who won\" TO who;", ALIKE ", lossy: true");
    sql("UPDATE rooms SET who = 'same' WHERE id IN (100, 200);"
        "UPDATE rooms SET score = 999 WHERE id = 200"); /* that one stays */
}

/* A player changes one of two that are alike, while a batch waits for that row. */
static void change_meanwhile(const char *change)
{
    struct session *player = open_session("player");
    pid_t child;
    int status;

    assert_ok(session_run(player, "BEGIN", &failure));
    assert_ok(session_run(player, change, &failure));
    child = apply_in_child("0002_archive", MIGRATION_BACKFILL);
    wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)");
    assert_ok(session_run(player, "COMMIT", &failure));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    session_close(player);
}

START_TEST(a_row_that_has_just_become_another_is_not_deleted)
{
    given_two_alike();
    change_meanwhile("UPDATE rooms SET who = 'other' WHERE id = 100");
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE id IN (100, 200)"), 2);
}
END_TEST

START_TEST(a_row_whose_like_has_just_gone_is_not_deleted)
{
    given_two_alike();
    change_meanwhile("DELETE FROM rooms WHERE id = 200");
    ck_assert_uint_eq(ask("SELECT count(*) FROM rooms WHERE id = 100"), 1);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, rows_are_moved_and_come_back_as_they_were_whenever_it_is_killed);
    tcase_add_test(tcase, a_row_that_the_archive_does_not_take_stays_where_it_is);
    tcase_add_test(tcase, what_somebody_else_writes_into_the_archive_is_found_before_it_ends);
    tcase_add_loop_test(tcase, rows_that_could_not_come_back_or_would_take_others_along_stay, 0,
                        (int)ARRAY_LEN(refusals));
    tcase_add_test(
        tcase, rows_that_are_gone_from_the_archive_stop_the_way_back_unless_the_loss_is_accepted);
    tcase_add_test(tcase, a_row_whose_place_is_taken_keeps_the_archive);
    tcase_add_test(tcase, rows_are_deleted_and_counted_and_a_revert_asks_for_them);
    tcase_add_test(tcase, of_rows_that_are_alike_the_first_stays_and_the_others_come_back);
    tcase_add_test(tcase, a_row_that_has_just_become_another_is_not_deleted);
    tcase_add_test(tcase, a_row_whose_like_has_just_gone_is_not_deleted);
}

ENGINE_SUITE("engine: rows that go", add_all)
