/* Backfills: batched, resumed, beside live writers, and never said done too early. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/steer.h"
#include "support/engine.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void given_backfill(const char *yaml)
{
    given_players();
    given("0002_display/expand.sql", "ALTER TABLE players ADD COLUMN display_name text;");
    given("0002_display/revert.sql", "ALTER TABLE players DROP COLUMN display_name;");
    given("0002_display/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 20000) i");
}

static pid_t start_writer(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct session *own = open_session("writer");

        for (uint64_t i = 0;; i++) {
            char text[200];

            (void)text_format(text, sizeof(text),
                              "INSERT INTO players (id, name) VALUES (%llu, 'late');"
                              "UPDATE players SET display_name = NULL WHERE id = %llu",
                              100000ULL + i % 2 * 1000000 + i, i * 37ULL % 20000 + 1);
            if (session_run(own, text, &failure) != ERROR_OK && failure.code != ERROR_CONFLICT)
                _exit(1);
        }
    }
    return pid;
}

START_TEST(a_backfill_survives_kills_and_live_writers_and_leaves_no_row_stale)
{
    pid_t writer, child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 200, trigger: true}\n");
    assert_ok(expand("0002_display"));
    ck_assert(!is_expanded("0002_display"));
    writer = start_writer();
    for (int kills = 0; kills < 2; kills++) {
        char query[120];

        child = apply_in_child("0002_display", MIGRATION_BACKFILL);
        (void)text_format(query, sizeof(query),
                          "SELECT coalesce((SELECT cursor::int > %d FROM hakem.backfill), false)",
                          2000 + kills * 4000);
        wait_for("SELECT to_regclass('hakem.backfill') IS NOT NULL");
        wait_for(query);
        kill_child(child);
    }
    assert_ok(backfill("0002_display"));
    kill_child(writer);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill WHERE finished_at IS NOT NULL"), 1);
    ck_assert(is_expanded("0002_display"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), 0);
    /* Who writes after the trigger is gone is the release's own business. */
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL AND "
                          "xmin::text::bigint <= (SELECT max(xmin::text::bigint)"
                          " FROM hakem.backfill)"),
                      0);
}
END_TEST

/* Each process does one batch. */
START_TEST(killed_behind_every_batch_it_ends_with_the_same_rows)
{
    static const char hash[] = "SELECT ('x' || substr(md5(string_agg(p::text, ',' ORDER BY id)), 1,"
                               " 15))::bit(60)::bigint FROM players p";
    uint64_t undisturbed;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = "
                   "coalesce(display_name, '') || name\", where: \"display_name IS NULL\", "
                   "batch: 50, trigger: true}\n");
    sql("DELETE FROM players WHERE id % 20 <> 0");
    assert_ok(expand("0002_display"));
    assert_ok(backfill("0002_display"));
    undisturbed = ask(hash);
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_display"));
    assert_ok(expand("0002_display"));
    for (uint64_t batches = 1; batches <= 20; batches++) {
        ck_assert(dies_behind("0002_display", MIGRATION_BACKFILL, 0));
        ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill WHERE finished_at IS NULL"),
                          batches * 50);
        ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name = name"),
                          batches * 50);
    }
    assert_ok(backfill("0002_display"));
    ck_assert(is_expanded("0002_display"));
    ck_assert_uint_eq(ask(hash), undisturbed);
}
END_TEST

START_TEST(a_backfill_that_cannot_end_says_so_and_E_stays_down)
{
    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = NULL\", "
                   "where: \"display_name IS NULL\", batch: 20000}\n");
    assert_ok(expand("0002_display"));
    assert_fails(ERROR_FAILED, backfill("0002_display"));
    assert_says("20000 rows");
    ck_assert(!is_expanded("0002_display"));
}
END_TEST

START_TEST(a_revert_in_the_middle_of_a_backfill_takes_its_trigger_along)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];
    pid_t child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 20, trigger: true}\n");
    fingerprint(before);
    assert_ok(expand("0002_display"));
    child = apply_in_child("0002_display", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT cursor::int > 100 FROM hakem.backfill), false)");
    kill_child(child);
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_display"));
    fingerprint(after);
    ck_assert_str_eq(before, after);
}
END_TEST

/* As a subscription writes: no ordinary trigger fires. */
START_TEST(a_row_that_is_replicated_behind_the_cursor_is_kept_right_too)
{
    pid_t child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 20, trigger: true}\n");
    assert_ok(expand("0002_display"));
    child = apply_in_child("0002_display", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT cursor::int > 100 FROM hakem.backfill), false)");
    kill_child(child);
    sql("SET session_replication_role = replica; INSERT INTO players VALUES (0, 'replicated');"
        "RESET session_replication_role");
    ck_assert(is_true("SELECT display_name = 'replicated' FROM players WHERE id = 0"));
}
END_TEST

/* ---- beside others ---- */

static struct heard {
    size_t all;
    bool yields; /* the last report says so */
} heard;

static void hear(void *context, uint64_t done, uint64_t total, const char *text)
{
    struct heard *to = context;

    (void)done;
    (void)total;
    to->all++;
    to->yields = strstr(text, "yields to ") != NULL;
}

static const struct migration_hooks listening = {.context = &heard, .progress = hear};

static void given_rows_to_fill(void)
{
    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 5000}\n");
    assert_ok(expand("0002_display"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(200000, 280000) i");
    heard = (struct heard){.all = 0};
    engine.with.hooks = &listening;
}

START_TEST(alone_it_takes_as_many_rows_a_batch_as_the_history_allows)
{
    given_rows_to_fill();
    assert_ok(backfill("0002_display"));
    /* 100,000 rows in fives of thousands, but for the first, careful seconds: what was done before
     * is counted late. */
    ck_assert_uint_lt(heard.all, 300);
    ck_assert(!heard.yields);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL"), 0);
}
END_TEST

/* A game: many small transactions of somebody else. */
static pid_t start_players(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct session *own = open_session("game");

        while (session_run(own, "UPDATE players SET name = name WHERE id = 7", &failure) ==
               ERROR_OK)
            ;
        _exit(1);
    }
    return pid;
}

START_TEST(beside_players_it_yields_and_says_so)
{
    pid_t players;

    given_rows_to_fill();
    players = start_players();
    assert_ok(backfill("0002_display"));
    kill_child(players);
    ck_assert(heard.yields); /* to the very end, and not just in the first, careful seconds */
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL"), 0);
}
END_TEST

/* ---- steered ---- */

/* As one that was killed, and is begun again by another process. */
static void given_half_a_backfill(void)
{
    pid_t child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 50}\n");
    assert_ok(expand("0002_display"));
    child = apply_in_child("0002_display", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT done > 100 FROM hakem.backfill), false)");
    kill_child(child);
}

static struct steer_state shown(void)
{
    struct steer_state *states = NULL;
    struct steer_state first;
    size_t count = 0;

    assert_ok(steer_show(engine.session, engine.session, &states, &count, &failure));
    ck_assert_uint_eq(count, 1);
    first = states[0];
    talloc_free(states);
    return first;
}

START_TEST(throttled_it_rests_until_it_is_resumed_and_says_by_whom)
{
    uint64_t count, done;
    int status;
    pid_t child;

    given_half_a_backfill();
    assert_ok(steer_throttle(engine.session, "0002_display", "alice", "the report runs", &count,
                             &failure));
    ck_assert_uint_eq(count, 1);
    done = shown().done;
    child = apply_in_child("0002_display", MIGRATION_BACKFILL);
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '%throttled_by IS%'"
             " AND state = 'idle' AND pid <> pg_backend_pid())");
    ck_assert(shown().steer.is_throttled);
    ck_assert_str_eq(shown().steer.by, "alice");
    ck_assert_str_eq(shown().steer.why, "the report runs");
    ck_assert_str_eq(shown().table, "public.players");
    ck_assert_uint_eq(shown().done, done);
    assert_ok(steer_resume(engine.session, NULL, &count, &failure));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert(shown().is_finished);
    ck_assert(is_expanded("0002_display"));
    /* Nothing is under way any more that could be told anything. */
    assert_ok(steer_throttle(engine.session, NULL, "alice", "too late", &count, &failure));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(what_an_operator_set_is_kept_over_a_crash_and_given_back_by_auto)
{
    uint64_t count, left;

    given_half_a_backfill();
    assert_ok(steer_set(engine.session, NULL, "7", "0", &count, &failure));
    assert_ok(steer_set(engine.session, "0002_display", NULL, "3", &count, &failure));
    ck_assert_uint_eq(shown().steer.rows_max, 7);
    ck_assert(shown().steer.has_rest);
    ck_assert_uint_eq(shown().steer.rest_times, 3);
    assert_ok(steer_set(engine.session, NULL, NULL, "", &count, &failure));
    ck_assert_uint_eq(shown().steer.rows_max, 7);
    ck_assert(!shown().steer.has_rest);
    assert_ok(steer_set(engine.session, NULL, NULL, "0", &count, &failure));
    sql("DELETE FROM players WHERE id > 2000");
    left = ask("SELECT count(*) FROM players WHERE display_name IS NULL");
    assert_ok(backfill("0002_display"));
    ck_assert_uint_ge(engine.result.statements_run, left / 7); /* however far it had come before */
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL"), 0);
}
END_TEST

/* ---- a database that an older version has been at ---- */

START_TEST(what_an_older_version_kept_no_record_of_is_made_good)
{
    given_half_a_backfill();
    sql("ALTER TABLE hakem.backfill DROP COLUMN what, DROP COLUMN into_table;"
        "DROP TABLE hakem.backfill_lane, hakem.schema_known");
    ck_assert_str_eq(shown().what, "fill");
    assert_ok(backfill("0002_display"));
    ck_assert(is_true("SELECT to_regclass('hakem.backfill_lane') IS NOT NULL"));
    ck_assert_str_eq(shown().what, "fill");
    ck_assert(is_expanded("0002_display"));
}
END_TEST

/* ---- keys ---- */

static void given_seats(const char *table, const char *key)
{
    static char yaml[300];

    (void)text_format(yaml, sizeof(yaml),
                      "backfill:\n  - {table: public.seats, %s, set: \"mood = 'calm'\", where: "
                      "\"mood IS NULL\", batch: 20, trigger: true}\n",
                      key);
    given("0001_seats/expand.sql", table);
    given("0001_seats/revert.sql", "DROP TABLE seats;");
    given("0002_mood/expand.sql", "ALTER TABLE seats ADD COLUMN mood text;");
    given("0002_mood/revert.sql", "ALTER TABLE seats DROP COLUMN mood;");
    given("0002_mood/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_seats"));
    sql("INSERT INTO seats (room, seat) SELECT i / 4, chr(65 + i % 4) || ' \"seat\"' FROM"
        " generate_series(1, 2000) i");
    assert_ok(expand("0002_mood"));
}

START_TEST(a_key_of_several_columns_of_any_type_is_gone_through_and_resumed)
{
    pid_t child;

    given_seats(
        "CREATE TABLE seats (room bigint, seat text COLLATE \"C\", PRIMARY KEY (seat, room));",
        "keys: [seat, room]");
    child = apply_in_child("0002_mood", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT done > 100 FROM hakem.backfill), false)");
    kill_child(child);
    ck_assert(is_true("SELECT jsonb_array_length(cursor::jsonb) = 2 FROM hakem.backfill"));
    sql("INSERT INTO seats (room, seat) VALUES (-1, 'A')"); /* behind the cursor */
    assert_ok(backfill("0002_mood"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM seats WHERE mood = 'calm'"), 2001);
    ck_assert_uint_eq(ask("SELECT pass FROM hakem.backfill"), 1);
}
END_TEST

START_TEST(a_table_that_cannot_be_gone_through_is_refused_with_the_reason)
{
    given_seats("CREATE TABLE seats (room bigint NOT NULL, seat text);", "key: room");
    assert_fails(ERROR_REFUSED, backfill("0002_mood"));
    assert_says("no valid unique index of public.seats is on exactly (room)");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
}
END_TEST

START_TEST(a_key_that_may_be_null_is_refused_by_name)
{
    given_seats("CREATE TABLE seats (room bigint NOT NULL, seat text, UNIQUE (room, seat));",
                "keys: [room, seat]");
    assert_fails(ERROR_REFUSED, backfill("0002_mood"));
    assert_says("public.seats.seat may be NULL");
}
END_TEST

START_TEST(an_index_in_another_order_is_none)
{
    given_seats("CREATE TABLE seats (room bigint, seat text, PRIMARY KEY (room, seat));",
                "keys: [seat, room]");
    assert_fails(ERROR_REFUSED, backfill("0002_mood"));
    assert_says("on exactly (seat, room), in that order");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_key_of_several_columns_of_any_type_is_gone_through_and_resumed);
    tcase_add_test(tcase, what_an_older_version_kept_no_record_of_is_made_good);
    tcase_add_test(tcase, a_table_that_cannot_be_gone_through_is_refused_with_the_reason);
    tcase_add_test(tcase, a_key_that_may_be_null_is_refused_by_name);
    tcase_add_test(tcase, an_index_in_another_order_is_none);
    tcase_add_test(tcase, throttled_it_rests_until_it_is_resumed_and_says_by_whom);
    tcase_add_test(tcase, what_an_operator_set_is_kept_over_a_crash_and_given_back_by_auto);
    tcase_add_test(tcase, alone_it_takes_as_many_rows_a_batch_as_the_history_allows);
    tcase_add_test(tcase, beside_players_it_yields_and_says_so);
    tcase_add_test(tcase, killed_behind_every_batch_it_ends_with_the_same_rows);
    tcase_add_test(tcase, a_backfill_survives_kills_and_live_writers_and_leaves_no_row_stale);
    tcase_add_test(tcase, a_backfill_that_cannot_end_says_so_and_E_stays_down);
    tcase_add_test(tcase, a_revert_in_the_middle_of_a_backfill_takes_its_trigger_along);
    tcase_add_test(tcase, a_row_that_is_replicated_behind_the_cursor_is_kept_right_too);
}

ENGINE_SUITE("engine: backfill", add_all)
