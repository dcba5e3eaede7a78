/* Backfills whose values a command gives: JSON lines out, JSON lines in. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"
#include "support/scratch.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW_NAMES "sed -E 's/\"name\": (\"[^\"]*\")/\"shown\": \\1/'"

static struct migration_command commands[] = {{.name = "show", .path = scratch.script}};

/* 500 players; more: of the command, in flow style; row: of the backfill. */
static void given_command(const char *more, const char *row)
{
    static char yaml[500];

    (void)text_format(yaml, sizeof(yaml),
                      "backfill:\n  - {table: public.players, key: id, where: \"shown IS NULL\", "
                      "command: {name: show, reads: [name], writes: [shown]%s}%s}\n",
                      more, row);
    given_players();
    given("0002_shown/expand.sql", "ALTER TABLE players ADD COLUMN shown text, ADD note text;");
    given("0002_shown/revert.sql", "ALTER TABLE players DROP COLUMN shown, DROP COLUMN note;");
    given("0002_shown/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 500) i");
    assert_ok(expand("0002_shown"));
    engine.with.commands = commands;
    engine.with.command_count = ARRAY_LEN(commands);
}

static void assert_all_shown(void)
{
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE shown = name"), 500);
    ck_assert(is_expanded("0002_shown"));
}

static void wait_for_file(const char *name)
{
    uint64_t end = clock_monotonic_ms() + 20000;

    while (access(scratch_path(name), F_OK) != 0) {
        ck_assert_msg(clock_monotonic_ms() < end, "%s never came", name);
        clock_sleep_ms(5);
    }
}

START_TEST(rows_that_are_to_be_done_are_answered_line_by_line)
{
    given_command("", ", batch: 70");
    sql("UPDATE players SET name = U&'\\0646\\0627\\0645 {}\\005c' WHERE id = 3;"
        "UPDATE players SET shown = name WHERE id % 2 = 0");
    write_script("tee -a \"$(dirname \"$0\")/given\" | " SHOW_NAMES);
    assert_ok(backfill("0002_shown"));
    assert_all_shown();
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill WHERE total = 250"), 250);
    write_script("[ \"$(wc -l < \"$(dirname \"$0\")/given\")\" -eq 250 ]");
    ck_assert_int_eq(system(scratch.script), 0); /* NOLINT(cert-env33-c): our own script */
}
END_TEST

START_TEST(a_batch_has_as_many_rows_as_fit_and_one_at_least)
{
    given_command("", ", batch: 500");
    sql("UPDATE players SET name = repeat('x', 5000000) || id WHERE id IN (100, 101, 102)");
    write_script(SHOW_NAMES);
    assert_ok(backfill("0002_shown"));
    assert_all_shown();
    ck_assert_uint_ge(engine.result.statements_run, 3);
    ck_assert_uint_eq(ask("SELECT pass FROM hakem.backfill"), 1);
}
END_TEST

START_TEST(killed_it_goes_on_behind_the_last_batch)
{
    pid_t child;

    given_command("", ", batch: 10");
    write_script(SHOW_NAMES);
    child = apply_in_child("0002_shown", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT done > 100 FROM hakem.backfill), false)");
    kill_child(child);
    assert_ok(backfill("0002_shown"));
    assert_all_shown();
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill"), 500);
}
END_TEST

/* Nobody waits for a command, and what was changed meanwhile is asked again. */
START_TEST(a_player_writes_while_it_is_asked_and_what_he_wrote_is_what_is_shown)
{
    pid_t child;
    int status;

    given_command("", ", batch: 500");
    write_script("cd \"$(dirname \"$0\")\"; touch asked\n"
                 "while [ ! -e go ]; do /bin/sleep 0.02; done\n" SHOW_NAMES);
    child = apply_in_child("0002_shown", MIGRATION_BACKFILL);
    wait_for_file("asked");
    sql("SET lock_timeout = 1; UPDATE players SET name = 'changed' WHERE id = 7; SET lock_timeout"
        " = 0; DELETE FROM players WHERE id = 8; INSERT INTO players VALUES (8, 'another')");
    (void)write_file("go", "");
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_all_shown();
    ck_assert(is_true("SELECT shown = 'changed' FROM players WHERE id = 7"));
    ck_assert_uint_eq(ask("SELECT pass FROM hakem.backfill"), 2);
}
END_TEST

START_TEST(a_key_of_any_type_and_a_number_of_any_size_come_back_as_they_are)
{
    given("0001_a/expand.sql", "CREATE TABLE a (k numeric, \"Q\" text, big numeric, twice numeric,"
                               " PRIMARY KEY (k));");
    given("0001_a/revert.sql", "DROP TABLE a;");
    given("0001_a/migration.yaml",
          "backfill: [{table: a, key: k, where: twice IS NULL, command: {name: show, reads: [Q, "
          "big], writes: [twice, Q]}}]");
    load();
    engine.with.commands = commands;
    engine.with.command_count = 1;
    assert_ok(expand("0001_a"));
    sql("INSERT INTO a VALUES (12345678901234567890.0001, 'it''s \"x\"',"
        " 0.1234567890123456789012345678901234567890)");
    write_script("sed -E 's/\"big\": ([0-9.]*)/\"twice\": \\1/'");
    assert_ok(backfill("0001_a"));
    ck_assert(is_true("SELECT twice = big AND \"Q\" = 'it''s \"x\"' FROM a"));
}
END_TEST

/* ---- what goes wrong ---- */

static const struct {
    const char *script, *says;
} failures[] = {
    {"echo 'no dictionary here' >&2; exit 2", "exit 2: no dictionary here"},
    {"exec /bin/sleep 60", "it did not end in time"},
    {"true", "line 1 has no answer: {\"id\": \"1\""},
    {SHOW_NAMES " | sed 2d",
     "line 2 has another key than the line that it answers: {\"id\": \"3\""},
    {SHOW_NAMES "; echo '{}'", "line 201 answers nothing: {}"},
    {SHOW_NAMES " | sed '3s/^/x/'", "line 3 is not one JSON object: x{"},
    {SHOW_NAMES " | sed '3s/.*/[]/'", "line 3 is not one JSON object: []"},
    {"cat", "line 1 lacks a column that it was to write: {\"id\": \"1\", \"name\": \"n1\"}"},
    {"printf '\\377\\n'", "not UTF-8"},
    {"yes", "writes more than 33554432 bytes"},
};

START_TEST(a_command_that_fails_changes_nothing_is_named_and_may_be_mended)
{
    given_command(", timeout: 2s", ", batch: 10000");
    write_script(failures[_i].script);
    engine.with.statement_timeout_ms = 60000;
    ck_assert_int_ne(backfill("0002_shown"), ERROR_OK);
    ck_assert_msg(failure.code == ERROR_HOOK || failure.code == ERROR_LIMIT, "%s", failure.detail);
    assert_says("0002_shown/migration.yaml: backfill of public.players: the command show");
    assert_says(failures[_i].says);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE shown IS NOT NULL"), 0);
    write_script(SHOW_NAMES);
    assert_ok(backfill("0002_shown"));
    assert_all_shown();
}
END_TEST

START_TEST(a_command_that_is_not_known_here_is_refused_before_it_begins)
{
    given_command("", "");
    engine.with.command_count = 0;
    assert_fails(ERROR_REFUSED, backfill("0002_shown"));
    assert_says("the command show is not known here");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
}
END_TEST

static void set_up(void)
{
    engine_set_up();
    scratch_set_up();
}

static void tear_down(void)
{
    scratch_tear_down();
    engine_tear_down();
}

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, rows_that_are_to_be_done_are_answered_line_by_line);
    tcase_add_test(tcase, a_batch_has_as_many_rows_as_fit_and_one_at_least);
    tcase_add_test(tcase, killed_it_goes_on_behind_the_last_batch);
    tcase_add_test(tcase, a_player_writes_while_it_is_asked_and_what_he_wrote_is_what_is_shown);
    tcase_add_test(tcase, a_key_of_any_type_and_a_number_of_any_size_come_back_as_they_are);
    tcase_add_loop_test(tcase, a_command_that_fails_changes_nothing_is_named_and_may_be_mended, 0,
                        (int)ARRAY_LEN(failures));
    tcase_add_test(tcase, a_command_that_is_not_known_here_is_refused_before_it_begins);
}

SUITE("engine: commands", {.add = add_all,
                           .set_up = set_up,
                           .tear_down = tear_down,
                           .set_up_once = engine_start,
                           .tear_down_once = engine_stop,
                           .timeout_s = 60})
