/* Histories of other tools, as people call the command. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"
#include "support/scratch.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define SAID_MAX 8192

static char said[SAID_MAX];

/* Exit status of `hakem migration WORDS` on the folder m; what it said is kept. */
static int hakem(const char *words)
{
    const char *line = memory_format(
        scratch.memory, "cd '%s' && DATABASE_URL='%s' HAKEM_MIGRATIONS=m '%s' migration %s 2>&1",
        scratch.folder, engine.url, getenv("HAKEM"), words);
    FILE *pipe = popen(line, "r"); /* NOLINT(cert-env33-c): words of this file */
    size_t size;

    ck_assert_ptr_nonnull(pipe);
    size = fread(said, 1, sizeof(said) - 1, pipe);
    said[size] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void expect(int status, const char *words, const char *wanted)
{
    int seen = hakem(words);

    ck_assert_msg(seen == status && strstr(said, wanted) != NULL, "%s: exit %d: %s", words, seen,
                  said);
}

static void given_file(const char *name, const char *text)
{
    (void)write_file(memory_format(scratch.memory, "m/%s", name), text);
}

static void set_up(void)
{
    engine_set_up();
    scratch_set_up();
    ck_assert_int_eq(mkdir(scratch_path("m"), 0755), 0);
}

static void tear_down(void)
{
    scratch_tear_down();
    engine_tear_down();
}

START_TEST(a_folder_in_place_goes_up_is_imported_and_goes_down)
{
    given_file("V1__players.sql", "CREATE TABLE players (id int);");
    given_file("U1__players.sql", "DROP TABLE players;");
    given_file("R__ids.sql", "CREATE OR REPLACE VIEW ids AS SELECT id FROM players;");
    expect(0, "up", "repeat   R__ids.sql");
    expect(0, "up", "the database is at 0001_players");
    ck_assert_ptr_null(strstr(said, "repeat "));
    ck_assert(is_true("SELECT to_regclass('ids') IS NOT NULL"));
    given_file("R__ids.sql", "DROP VIEW IF EXISTS ids;");
    expect(0, "status", "R__ids.sql                               changed since");
    expect(0, "plan", "R__ids.sql                               changed since");
    ck_assert_ptr_nonnull(strstr(said, "0 statements to run, 0 backfills, 1 repeatable\n"));
    expect(0, "import m --into n", "1 revisions of flyway are in n");
    expect(0, "up --migrations n", "repeat   repeatable/ids.sql");
    expect(0, "status --migrations n", "0001_players                             expanded");
    expect(0, "down --migrations n --accept-data-loss", "revert   0001_players");
    ck_assert(is_true("SELECT to_regclass('players') IS NULL"));
}
END_TEST

START_TEST(a_list_says_what_has_no_way_back_and_what_is_left_out)
{
    given_file("1_a.up.sql", "SELECT 1;");
    given_file("seed.sql", "SELECT 1;");
    expect(0, "list", "1_a.up.sql has no way back: 0001_a is irreversible");
    expect(0, "list", "seed.sql is left out: it is not called N_NAME.up.sql");
    expect(0, "list --json", "\"golang-migrate\"");
}
END_TEST

START_TEST(a_folder_that_looks_like_two_wants_to_be_told)
{
    given_file("1_a.up.sql", "CREATE TABLE a (id int);");
    given_file("V1__b.sql", "CREATE TABLE b (id int);");
    expect(2, "up", "m: the folder looks like golang-migrate and like flyway: ");
    expect(0, "up --layout flyway", "the database is at 0001_b");
    ck_assert(is_true("SELECT to_regclass('a') IS NULL AND to_regclass('b') IS NOT NULL"));
}
END_TEST

/* ---- the graph ---- */

static void given_revision(const char *name, const char *yaml)
{
    const char *folder = memory_format(scratch.memory, "m/%s", name);

    ck_assert_int_eq(mkdir(scratch_path(folder), 0755), 0);
    given_file(memory_format(scratch.memory, "%s/expand.sql", name), "SELECT 1;");
    given_file(memory_format(scratch.memory, "%s/revert.sql", name), "SELECT 1;");
    given_file(memory_format(scratch.memory, "%s/migration.yaml", name), yaml);
}

START_TEST(two_heads_are_merged_by_a_revision_that_requires_both)
{
    given_revision("0001_a", "description: x\n");
    expect(5, "merge m", "m has one head, 0001_a");
    given_revision("0002_b", "requires: [0001_a]");
    given_revision("0002_c", "requires: [0001_a]");
    expect(2, "up",
           "two heads, 0002_b and 0002_c: add a revision that requires both, as hakem "
           "migration merge");
    expect(0, "merge both", "m/0003_both requires 2 revisions");
    expect(0, "up", "the database is at 0003_both");
    expect(0, "list --json", "\"0002_b\"");
}
END_TEST

START_TEST(steps_are_counted_from_where_the_database_stands)
{
    given_revision("0001_a", "description: x\n");
    given_revision("0002_b", "description: x\n");
    given_revision("0003_c", "description: x\n");
    expect(0, "show head", "0003_c");
    expect(2, "show 0009_z", "there is no revision 0009_z in m");
    expect(5, "up --from 0001_a", "this database is not at 0001_a: 0001_a is not applied");
    expect(0, "up +2", "the database is at 0002_b");
    expect(5, "up --from 0001_a", "this database is not at 0001_a: 0002_b is applied");
    expect(5, "down --from head", "this database is not at 0003_c: 0003_c is not applied");
    expect(0, "up +1 --from 0002_b", "the database is at 0003_c");
    expect(0, "up +7", "the database is at 0003_c");
    expect(0, "down -2 --accept-data-loss", "revert   0002_b");
    expect(5, "down -2", "fewer revisions than that");
    expect(0, "up --to head", "the database is at 0003_c");
    expect(0, "down --to 0001_a --accept-data-loss", "revert   0002_b");
    expect(2, "up head --to head", "give the revision once: head, or --to head");
    expect(2, "up 0009_z", "there is no revision 0009_z");
    expect(2, "up +0", "there is no revision +0");
}
END_TEST

START_TEST(what_comes_too_late_is_named_and_applied_only_on_request)
{
    given_file("1_a.sql", "-- +goose Up\nSELECT 1;");
    given_file("3_c.sql", "-- +goose Up\nSELECT 1;");
    expect(0, "up", "the database is at 0003_c");
    given_file("2_b.sql", "-- +goose Up\nSELECT 1;");
    expect(5, "up",
           "0002_b came too late: 0003_c, which stands on it, is applied to this "
           "database; give it a place behind the last one, or apply it all the same with "
           "--out-of-order");
    expect(0, "up --out-of-order", "expand   0002_b");
    expect(0, "up", "the database is at 0003_c");
}
END_TEST

START_TEST(where_the_tool_knows_no_other_order_there_is_none)
{
    given_file("1_a.up.sql", "SELECT 1;");
    given_file("3_c.up.sql", "SELECT 1;");
    expect(0, "up", "the database is at 0003_c");
    given_file("2_b.up.sql", "SELECT 1;");
    expect(5, "up --out-of-order", "(golang-migrate knows no other order)");
}
END_TEST

START_TEST(a_new_revision_has_no_place_among_the_files_of_another_tool)
{
    given_file("1_a.up.sql", "SELECT 1;");
    expect(5, "new b", "m is a folder of golang-migrate: write the file as its others are");
    expect(0, "import m --into n", "1 revisions");
    expect(0, "new b --migrations n", "n/0002_b");
}
END_TEST

/* ---- baseline ---- */

START_TEST(a_database_of_another_tool_is_taken_over_and_goes_on)
{
    given_file("1_a.sql", "-- +goose Up\nCREATE TABLE a ();");
    given_file("2_b.sql", "-- +goose Up\nCREATE TABLE b ();");
    given_file("3_c.sql", "-- +goose Up\nCREATE TABLE c ();");
    expect(2, "baseline", "no other tool has left a table");
    sql("CREATE TABLE a (); CREATE TABLE b ();"
        "CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied boolean)");
    expect(5, "baseline", "goose_db_version of goose says that nothing is applied");
    sql("INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true), (2, true)");
    expect(5, "baseline 0001_a", "is at 0002_b (2 revisions), not at 0001_a; --ignore-table");
    expect(0, "baseline", "the database is at 0002_b, by goose_db_version of goose");
    expect(5, "baseline", "this database is Hakem's already: 0001_a is applied to it");
    expect(0, "up", "expand   0003_c");
    expect(0, "status", "0001_a                                   expanded");
}
END_TEST

START_TEST(a_database_without_such_a_table_is_taken_over_at_a_revision)
{
    given_file("1_a.sql", "-- +goose Up\nCREATE TABLE a ();");
    given_file("2_b.sql", "-- +goose Up\nCREATE TABLE b ();");
    sql("CREATE TABLE a (); CREATE TABLE schema_migrations (version text); INSERT INTO "
        "schema_migrations VALUES ('77')");
    expect(5, "baseline 0001_a", "schema_migrations says that 77 is applied, and no revision");
    expect(0, "baseline 0001_a --ignore-table", "the database is at 0001_a, by the operator");
    expect(0, "up", "expand   0002_b");
}
END_TEST

/* up met what somebody else had made meanwhile, and called it drift. */
START_TEST(what_was_taken_down_and_made_again_by_others_is_taken_over_with_its_schema)
{
    given_file("1_a.up.sql", "CREATE TABLE a (id int);");
    given_file("1_a.down.sql", "DROP TABLE a;");
    expect(0, "up", "the database is at 0001_a");
    expect(0, "down --accept-data-loss", "revert   0001_a");
    sql("CREATE TABLE a (id int)");
    expect(1, "up", "already exists");
    expect(0, "status", "+ relation public.a");
    expect(0, "baseline 0001_a", "the database is at 0001_a, by the operator's word");
    expect(0, "status", "0001_a                                   expanded");
    ck_assert_ptr_null(strstr(said, "drift"));
    sql("CREATE TABLE by_hand ()");
    expect(0, "status", "+ relation public.by_hand");
    ck_assert_ptr_null(strstr(said, "public.a "));
    expect(0, "down --accept-data-loss", "revert   0001_a");
}
END_TEST

/* ---- checksums ---- */

START_TEST(a_comment_that_changes_warns_and_a_statement_refuses_until_it_is_blessed)
{
    given_file("1_a.up.sql", "CREATE TABLE a (id int);");
    given_file("1_a.down.sql", "DROP TABLE a;");
    expect(0, "up", "the database is at 0001_a");
    given_file("1_a.up.sql", "-- The first.\nCREATE TABLE a (\n  id int\n);");
    expect(0, "status", "0001_a                                   applied, comments changed");
    expect(0, "up", "warning: comments or white space of 0001_a have changed");
    given_file("1_a.up.sql", "CREATE TABLE a (id bigint);");
    expect(0, "status", "applied, files changed since");
    expect(5, "up", "the files of 0001_a have changed since they were applied");
    expect(2, "rebless 0001_a", "say why: --reason TEXT");
    expect(0, "rebless 0001_a --reason 'done by hand'", "rebless  0001_a");
    expect(0, "up", "the database is at 0001_a");
    expect(5, "rebless head --reason again", "the files of 0001_a are those that were applied");
    ck_assert(is_true("SELECT detail LIKE 'done by hand (checksum %, now %)' AND outcome = 'note'"
                      " FROM hakem.migration_log WHERE phase = 'rebless'"));
    given_file("2_b.up.sql", "CREATE TABLE b ();");
    expect(5, "rebless 0002_b --reason no", "0002_b is not applied to this database");
}
END_TEST

/* As an earlier version made it. */
START_TEST(a_database_of_an_earlier_version_goes_on)
{
    given_file("1_a.up.sql", "CREATE TABLE a (id int);");
    expect(0, "up", "the database is at 0001_a");
    sql("ALTER TABLE hakem.mark DROP COLUMN meaning; DROP TABLE hakem.repeatable, hakem.repeatable_before");
    expect(0, "status", "0001_a                                   expanded");
    given_file("2_b.up.sql", "CREATE TABLE b (id int);");
    expect(0, "up", "expand   0002_b");
    ck_assert(is_true("SELECT bool_and((meaning = '') = (revision = '0001_a')) FROM hakem.mark"));
    given_file("1_a.up.sql", "-- Nobody knows what it said.\nCREATE TABLE a (id int);");
    expect(5, "up", "the files of 0001_a have changed since they were applied");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_folder_in_place_goes_up_is_imported_and_goes_down);
    tcase_add_test(tcase, a_list_says_what_has_no_way_back_and_what_is_left_out);
    tcase_add_test(tcase, a_folder_that_looks_like_two_wants_to_be_told);
    tcase_add_test(tcase, two_heads_are_merged_by_a_revision_that_requires_both);
    tcase_add_test(tcase, steps_are_counted_from_where_the_database_stands);
    tcase_add_test(tcase, what_comes_too_late_is_named_and_applied_only_on_request);
    tcase_add_test(tcase, where_the_tool_knows_no_other_order_there_is_none);
    tcase_add_test(tcase, a_database_of_another_tool_is_taken_over_and_goes_on);
    tcase_add_test(tcase, a_database_without_such_a_table_is_taken_over_at_a_revision);
    tcase_add_test(tcase,
                   what_was_taken_down_and_made_again_by_others_is_taken_over_with_its_schema);
    tcase_add_test(tcase, a_comment_that_changes_warns_and_a_statement_refuses_until_it_is_blessed);
    tcase_add_test(tcase, a_database_of_an_earlier_version_goes_on);
    tcase_add_test(tcase, a_new_revision_has_no_place_among_the_files_of_another_tool);
}

SUITE("layout_command", {.add = add_all,
                         .set_up = set_up,
                         .tear_down = tear_down,
                         .set_up_once = engine_start,
                         .tear_down_once = engine_stop,
                         .timeout_s = 60})
