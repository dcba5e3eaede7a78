/* The whole life of a blue-green pair of databases, on two servers: followed, migrated, compared,
 * closed, switched, and back or forward, with no row lost.
 */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "support/pair.h"

#include <stdlib.h>
#include <string.h>

static void assert_same_rows(void)
{
    static const char sum[] = "SELECT (count(*) * 1000003 + abs(coalesce(sum(hashtext("
                              "ROW(id, name, rank)::text)), 0)))::bigint FROM players";

    ck_assert_uint_eq(ask_on(BLUE, sum), ask_on(GREEN, sum));
}

START_TEST(what_is_written_while_it_is_copied_arrives_too)
{
    given_a_game();
    sql_on(BLUE,
           "INSERT INTO players (name) SELECT repeat('x', 500) FROM generate_series(1, 20000)");
    follow();
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('late')"));
    ck_assert(play_on(BLUE, "DELETE FROM seats WHERE room = 3"));
    assert_ok(run_on(GREEN, TASK_DRAIN_WAL));
    ck_assert_uint_eq(pair.outcome.position, 0); /* of the other one's WAL it says nothing */
    assert_same_rows();
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM seats WHERE room = 3"), 0);
    ck_assert(!play_on(GREEN, "SELECT 1")); /* a follower is closed */
    ck_assert_int_eq(inspect_on(GREEN, TASK_FOLLOW), FINDING_DID);
    follow(); /* once more changes nothing */
    assert_same_rows();
}
END_TEST

/* A table that nobody thought of would bring what an earlier life of this database left. */
START_TEST(every_table_that_hakem_keeps_is_emptied_or_known_to_stay)
{
    static const char *const stay[] = {"term", "twin"};
    const char *root = getenv("HAKEM_ROOT");
    struct rows *rows = NULL;
    char *list = NULL;
    size_t size = 0;

    given_a_game();
    ck_assert_ptr_nonnull(root);
    assert_ok(file_read(pair.sides[BLUE].session,
                        memory_format(pair.sides[BLUE].session, "%s/agent/twin_empty.sql", root),
                        65536, &list, &size, &failure));
    assert_ok(session_query(pair.sides[BLUE].session,
                            SQL("SELECT relname FROM pg_class WHERE relkind = 'r'"
                                " AND relnamespace = 'hakem'::regnamespace"),
                            &rows, &failure));
    for (size_t i = 0; i < rows_count(rows); i++) {
        const char *name = rows_text(rows, i, 0);
        bool is_known = strcmp(name, stay[0]) == 0 || strcmp(name, stay[1]) == 0;
        const char *word = memory_format(pair.sides[BLUE].session, "hakem.%s", name);
        const char *at = strstr(list, word);

        for (; at != NULL && !is_known; at = strstr(at + 1, word))
            is_known = strchr(",'", at[strlen(word)]) != NULL;
        ck_assert_msg(is_known, "twin_empty.sql does not know hakem.%s", name);
    }
    rows_free(rows);
}
END_TEST

START_TEST(a_copy_has_the_schema_and_the_history_of_its_origin)
{
    char blue[HASH_HEX_SIZE];
    char green[HASH_HEX_SIZE];

    given_a_game();
    sql_on(BLUE,
           "INSERT INTO hakem.mark (revision, checksum, expanded) VALUES ('0001_a', 'c', true);"
           "INSERT INTO hakem.repeatable (name, checksum, times) VALUES ('names', 'c', 1);"
           "INSERT INTO hakem.schema_version (revision, phase, generation, checksum)"
           " VALUES ('0001_a', 'expand', 0, 'c');"
           "CREATE MATERIALIZED VIEW best AS SELECT max(rank) AS rank FROM players");
    follow();
    assert_ok(fingerprint_take(pair.sides[BLUE].session, 1000, blue, &failure));
    assert_ok(fingerprint_take(pair.sides[GREEN].session, 1000, green, &failure));
    ck_assert_str_eq(blue, green);
    ck_assert(is_true_on(GREEN, "SELECT expanded FROM hakem.mark WHERE revision = '0001_a'"));
    ck_assert(is_true_on(GREEN, "SELECT times = 1 FROM hakem.repeatable WHERE name = 'names'"));
    sql_on(GREEN, "INSERT INTO hakem.schema_version (revision, phase, generation, checksum)"
                  " VALUES ('0002_b', 'expand', 0, 'c')"); /* numbers go on */
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM best"), 1);
}
END_TEST

/* ---- a migration on green ---- */

static void given_an_expand(void)
{
    given("0001_names/expand.sql",
          "ALTER TABLE players ADD COLUMN display_name text;\n"
          "CREATE TABLE renamings (player bigint PRIMARY KEY, times integer NOT NULL);\n"
          "CREATE FUNCTION name_players() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
          " NEW.display_name := '<' || NEW.name || '>';"
          " IF TG_OP = 'UPDATE' THEN"
          " INSERT INTO renamings AS r VALUES (NEW.id, 1)"
          " ON CONFLICT (player) DO UPDATE SET times = r.times + 1; END IF;"
          " RETURN NEW; END $$;\n"
          "CREATE TRIGGER name_players BEFORE INSERT OR UPDATE OF name ON players FOR EACH ROW"
          " EXECUTE FUNCTION name_players();");
    given("0001_names/revert.sql", "DROP TRIGGER name_players ON players;\n"
                                   "DROP FUNCTION name_players();\nDROP TABLE renamings;\n"
                                   "ALTER TABLE players DROP COLUMN display_name;");
    given("0001_names/migration.yaml",
          "backfill:\n  - table: players\n    key: id\n    set: display_name = '<' || name || '>'\n"
          "    where: display_name IS NULL\n    batch: 500\n    trigger: true\n");
    load();
}

static void migrate(enum pair_side side)
{
    struct session_options options = {.url = pair.sides[side].migrator_url};

    assert_ok(session_open(NULL, &options, &engine.session, &failure));
    assert_ok(expand("0001_names"));
    assert_ok(backfill("0001_names"));
    session_close(engine.session);
}

START_TEST(a_trigger_of_the_expand_on_green_sees_what_is_replicated_and_is_an_ordinary_one_later)
{
    char rolled[HASH_HEX_SIZE];
    char switched[HASH_HEX_SIZE];

    given_a_game();
    given_an_expand();
    follow();
    migrate(GREEN);
    ck_assert(play_on(BLUE, "UPDATE players SET name = 'Hafez' WHERE id = 7"));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('Saadi')"));
    assert_ok(run_on(GREEN, TASK_DRAIN_WAL));
    ck_assert(is_true_on(GREEN, "SELECT display_name = '<Hafez>' FROM players WHERE id = 7"));
    ck_assert(is_true_on(GREEN, "SELECT times = 1 FROM renamings WHERE player = 7"));
    ck_assert(is_true_on(GREEN, "SELECT display_name = '<Saadi>' FROM players ORDER BY id DESC"
                                " LIMIT 1"));
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM players WHERE display_name IS NULL"), 0);
    reverse();
    migrate(BLUE); /* as a rolling migration would have */
    assert_ok(fingerprint_take(pair.sides[BLUE].session, 1000, rolled, &failure));
    assert_ok(fingerprint_take(pair.sides[GREEN].session, 1000, switched, &failure));
    ck_assert_str_eq(rolled, switched);
}
END_TEST

/* ---- there, and back, and forward ---- */

START_TEST(writes_on_green_come_back_to_blue_with_nothing_lost)
{
    given_a_game();
    given_an_expand();
    follow();
    migrate(GREEN);
    assert_ok(run_on(GREEN, TASK_COMPARE));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('on blue')"));
    switch_to_green();
    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('on green')"));
    ck_assert(play_on(GREEN, "UPDATE players SET rank = 5 WHERE id = 1"));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert_int_eq(inspect_on(GREEN, TASK_OPEN_WRITES), FINDING_DID);
    wait_on(BLUE, "SELECT rank = 5 FROM players WHERE id = 1");
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_OPEN_WRITES));
    assert_says("db-2 has been opened in this one's place");
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_UNREVERSE));
    assert_says("close its writes");
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_UNFOLLOW));
    assert_says("it cannot be left");

    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('last on green')"));
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    assert_ok(run_on(BLUE, TASK_DRAIN_WAL));
    assert_ok(run_on(BLUE, TASK_COMPARE));
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    ck_assert_int_eq(inspect_on(BLUE, TASK_UNREVERSE), FINDING_DID);
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_OPEN_WRITES)); /* blue has it now */
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM players WHERE name IN"
                                   " ('on blue', 'on green', 'last on green')"),
                      3);
    assert_same_rows();
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('beyond')"));
    ck_assert(is_true_on(BLUE, "SELECT id > 4000 FROM players WHERE name = 'beyond'"));
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert(!play_on(GREEN, "SELECT 1"));
}
END_TEST

START_TEST(forward_blue_is_left_and_green_is_an_ordinary_database_that_is_never_emptied)
{
    given_a_game();
    follow();
    switch_to_green();
    assert_ok(run_on(BLUE, TASK_CLOSE));
    ck_assert_int_eq(inspect_on(BLUE, TASK_CLOSE), FINDING_DID);
    assert_ok(run_on(BLUE, TASK_CLOSE));
    ck_assert(!play_on(BLUE, "SELECT 1"));
    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('after')"));
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM hakem.twin"), 0);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert_uint_eq(ask_on(BLUE,
                             "SELECT count(*) FROM pg_subscription WHERE subdbid ="
                             " (SELECT oid FROM pg_database WHERE datname = current_database())"),
                      0);
    ck_assert_int_eq(report_on(BLUE)->state, TWIN_LEFT);
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_NONE);
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_FOLLOW));
    assert_says("it is not empty");
}
END_TEST

/* The second round: what was left is emptied, and becomes the follower; its roles log in again. */
START_TEST(the_next_rollout_goes_the_other_way_around)
{
    given_a_game();
    follow();
    switch_to_green();
    assert_ok(run_on(BLUE, TASK_CLOSE));
    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('of the second round')"));
    pair.order.id.rollout++;
    assert_ok(run_on(BLUE, TASK_FOLLOW));
    assert_ok(run_on(BLUE, TASK_COMPARE));
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    assert_ok(run_on(BLUE, TASK_DRAIN_WAL));
    assert_ok(run_on(BLUE, TASK_SEQUENCES));
    assert_ok(run_on(GREEN, TASK_REVERSE));
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('home again')"));
    assert_ok(run_on(GREEN, TASK_CLOSE));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM players WHERE name IN"
                                   " ('of the second round', 'home again')"),
                      2);
}
END_TEST

/* ---- killed anywhere ---- */

START_TEST(a_life_whose_tasks_are_killed_again_and_again_loses_nothing_either)
{
    given_a_game();
    run_despite_kills(GREEN, TASK_FOLLOW);
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('on blue')"));
    run_despite_kills(GREEN, TASK_COMPARE);
    run_despite_kills(BLUE, TASK_CLOSE_WRITES);
    run_despite_kills(GREEN, TASK_DRAIN_WAL);
    run_despite_kills(GREEN, TASK_SEQUENCES);
    run_despite_kills(BLUE, TASK_REVERSE);
    run_despite_kills(GREEN, TASK_OPEN_WRITES);
    ck_assert(play_on(GREEN, "INSERT INTO players (name) VALUES ('on green')"));
    run_despite_kills(GREEN, TASK_CLOSE_WRITES);
    run_despite_kills(BLUE, TASK_UNREVERSE);
    run_despite_kills(BLUE, TASK_OPEN_WRITES);
    assert_same_rows();
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM players WHERE name LIKE 'on %'"), 2);
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('beyond')"));
    run_despite_kills(GREEN, TASK_UNFOLLOW);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
    pair.order.id.rollout++;
    run_despite_kills(GREEN, TASK_FOLLOW);
    reverse();
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
    run_despite_kills(BLUE, TASK_CLOSE);
    ck_assert(play_on(GREEN, "SELECT count(*) FROM players"));
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM pg_replication_slots"), 0);
}
END_TEST

/* ---- cancelled ---- */

START_TEST(what_was_cancelled_ends_soon_and_is_done_anew)
{
    given_a_game();
    sql_on(BLUE, "BEGIN; LOCK TABLE players"); /* the schema cannot be read */
    run_cancelled(GREEN, TASK_FOLLOW, 800);
    sql_on(BLUE, "ROLLBACK");
    follow();
    sql_on(GREEN, "BEGIN; LOCK TABLE players"); /* nothing can be applied, nor read */
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('waits')"));
    run_cancelled(GREEN, TASK_DRAIN_WAL, 300);
    run_cancelled(GREEN, TASK_COMPARE, 300);
    sql_on(GREEN, "ROLLBACK");
    assert_ok(run_on(GREEN, TASK_DRAIN_WAL));
    assert_ok(run_on(GREEN, TASK_COMPARE));
    assert_same_rows();
}
END_TEST

START_TEST(a_following_that_was_cancelled_is_left_and_begun_anew)
{
    given_a_game();
    sql_on(BLUE, "BEGIN; LOCK TABLE players");
    run_cancelled(GREEN, TASK_FOLLOW, 800);
    sql_on(BLUE, "ROLLBACK");
    ck_assert_int_eq(inspect_on(GREEN, TASK_FOLLOW), FINDING_DID_NOT);
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_COPYING);
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_LEFT);
    pair.order.id.rollout++;
    follow();
    assert_same_rows();
}
END_TEST

START_TEST(an_abort_before_the_switch_leaves_blue_as_it_was)
{
    given_a_game();
    follow();
    reverse();
    assert_ok(run_on(BLUE, TASK_UNREVERSE));
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert(play_on(BLUE, "INSERT INTO players (name) VALUES ('goes on')"));
    ck_assert(!play_on(GREEN, "SELECT 1"));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_publication"), 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_is_written_while_it_is_copied_arrives_too);
    tcase_add_test(tcase, every_table_that_hakem_keeps_is_emptied_or_known_to_stay);
    tcase_add_test(tcase, a_copy_has_the_schema_and_the_history_of_its_origin);
    tcase_add_test(
        tcase,
        a_trigger_of_the_expand_on_green_sees_what_is_replicated_and_is_an_ordinary_one_later);
    tcase_add_test(tcase, writes_on_green_come_back_to_blue_with_nothing_lost);
    tcase_add_test(tcase,
                   forward_blue_is_left_and_green_is_an_ordinary_database_that_is_never_emptied);
    tcase_add_test(tcase, the_next_rollout_goes_the_other_way_around);
    tcase_add_test(tcase, a_life_whose_tasks_are_killed_again_and_again_loses_nothing_either);
    tcase_add_test(tcase, what_was_cancelled_ends_soon_and_is_done_anew);
    tcase_add_test(tcase, a_following_that_was_cancelled_is_left_and_begun_anew);
    tcase_add_test(tcase, an_abort_before_the_switch_leaves_blue_as_it_was);
}

PAIR_SUITE("twin: life", add_all)
