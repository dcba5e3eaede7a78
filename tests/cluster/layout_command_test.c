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
    expect(0, "up", "repeat   repeatable/ids.sql");
    expect(0, "up", "the database is at 0001_players");
    ck_assert_ptr_null(strstr(said, "repeat "));
    ck_assert(is_true("SELECT to_regclass('ids') IS NOT NULL"));
    given_file("R__ids.sql", "DROP VIEW IF EXISTS ids;");
    expect(0, "status", "repeatable/ids.sql                       changed since");
    expect(0, "import m --into n", "1 revisions of flyway are in n");
    expect(0, "up --migrations n", "repeat   repeatable/ids.sql");
    expect(0, "status --migrations n", "0001_players                             expanded");
    expect(0, "down --migrations n --accept-data-loss", "revert   0001_players");
    ck_assert(is_true("SELECT to_regclass('players') IS NULL"));
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

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_folder_in_place_goes_up_is_imported_and_goes_down);
    tcase_add_test(tcase, a_folder_that_looks_like_two_wants_to_be_told);
}

SUITE("layout_command", {.add = add_all,
                         .set_up = set_up,
                         .tear_down = tear_down,
                         .set_up_once = engine_start,
                         .tear_down_once = engine_stop,
                         .timeout_s = 60})
