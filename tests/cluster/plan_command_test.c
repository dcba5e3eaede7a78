/* What is pending on a database, as people ask for it: plan and trace. */
#include "common/base/memory.h"
#include "support/engine.h"
#include "support/scratch.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *beside; /* what DATABASE_URL says */

static FILE *run(const char *words)
{
    const char *line = memory_format(
        scratch.memory, "cd '%s' && DATABASE_URL='%s' HAKEM_MIGRATIONS=m '%s' migration %s",
        scratch.folder, beside, getenv("HAKEM"), words);
    FILE *pipe = popen(line, "r"); /* NOLINT(cert-env33-c): words of this file */

    ck_assert_ptr_nonnull(pipe);
    return pipe;
}

/* What `hakem migration WORDS --json` answers; it exits with 0. */
static json_t *hakem(const char *words)
{
    FILE *pipe = run(memory_format(scratch.memory, "%s --json", words));
    json_t *answer = json_loadf(pipe, 0, NULL);

    ck_assert_msg(pclose(pipe) == 0 && answer != NULL, "%s", words);
    return answer;
}

/* Does `hakem migration WORDS` say that? */
static bool says(const char *words, const char *wanted)
{
    static char said[8192];
    FILE *pipe = run(words);
    size_t size = fread(said, 1, sizeof(said) - 1, pipe);

    said[size] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s: %s", words, said);
    return strstr(said, wanted) != NULL;
}

static json_t *trace(const char *words)
{
    return hakem(memory_format(scratch.memory, "trace %s --test-database '%s'", words, engine.url));
}

static void given_folder(const char *name)
{
    ck_assert_int_eq(mkdir(memory_format(scratch.memory, "%s/%s", scratch.folder, name), 0700), 0);
}

static void given_file(const char *name, const char *text)
{
    (void)write_file(memory_format(scratch.memory, "m/%s", name), text);
    given(name, text);
}

/* The first is applied, the second expanded, the third pending. */
static void given_history(void)
{
    given_folder("m");
    given_folder("m/0001_players");
    given_file("0001_players/expand.sql",
               "CREATE TABLE \"Players\" (id bigint PRIMARY KEY, a int);");
    given_file("0001_players/revert.sql", "DROP TABLE \"Players\";");
    given_folder("m/0002_b");
    given_file("0002_b/expand.sql", "ALTER TABLE \"Players\" ADD COLUMN b int;");
    given_file("0002_b/revert.sql", "ALTER TABLE \"Players\" DROP COLUMN b;");
    given_file("0002_b/contract.sql", "ALTER TABLE \"Players\" ALTER COLUMN a SET DEFAULT 1;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(contract("0001_players"));
    assert_ok(expand("0002_b"));
    sql("INSERT INTO \"Players\" SELECT i FROM generate_series(1, 300) i; ANALYZE \"Players\"");
    given_folder("m/0003_c");
    given_file("0003_c/expand.sql", "ALTER TABLE \"Players\" ADD COLUMN c int;\n"
                                    "CREATE INDEX CONCURRENTLY i ON \"Players\" (b);");
    given_file("0003_c/revert.sql", "ALTER TABLE \"Players\" DROP COLUMN c;");
    given_file(
        "0003_c/migration.yaml",
        "backfill:\n"
        "  - {table: 'public.\"Players\"', key: id, set: \"c = 1\", where: \"c IS NULL\"}\n");
}

static const char *text_at(const json_t *list, size_t i, const char *key)
{
    return json_string_value(json_object_get(json_array_get(list, i), key));
}

START_TEST(a_plan_lists_backfills_with_the_size_of_their_table)
{
    json_t *plan, *backfills;

    given_history();
    ck_assert(says("plan", "ON \"Players\" (b)"));
    ck_assert(says("plan", "\n0003_c/migration.yaml backfill of public.\"Players\": fill by id, "
                           "about 300 rows in "));
    ck_assert(says("plan", "\n3 statements to run, 1 backfill, 0 repeatables\n"));
    plan = hakem("plan");
    backfills = json_object_get(plan, "backfills");
    ck_assert_uint_eq(json_array_size(backfills), 1);
    ck_assert_str_eq(text_at(backfills, 0, "revision"), "0003_c");
    ck_assert_str_eq(text_at(backfills, 0, "table"), "public.\"Players\"");
    ck_assert_str_eq(text_at(backfills, 0, "change"), "fill");
    ck_assert_str_eq(
        json_string_value(json_array_get(json_object_get(json_array_get(backfills, 0), "key"), 0)),
        "id");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(backfills, 0), "rows")),
                     300);
    json_decref(plan);
    json_decref(hakem("up"));
    plan = hakem("plan");
    ck_assert_uint_eq(json_array_size(json_object_get(plan, "backfills")), 0);
    json_decref(plan);
}
END_TEST

START_TEST(a_trace_beside_a_database_tells_what_is_pending_there)
{
    json_t *traced, *statements;

    given_history();
    traced = trace("");
    statements = json_object_get(traced, "statements");
    ck_assert_uint_eq(json_array_size(statements), 3);
    ck_assert_str_eq(text_at(statements, 0, "revision"), "0003_c");
    ck_assert_str_eq(text_at(statements, 1, "sql"),
                     "CREATE INDEX CONCURRENTLY i ON \"Players\" (b)");
    ck_assert_str_eq(text_at(statements, 2, "path"), "0002_b/contract.sql");
    for (size_t i = 0; i < json_array_size(statements); i++)
        ck_assert(json_is_true(json_object_get(json_array_get(statements, i), "run")));
    ck_assert_int_eq(json_integer_value(json_object_get(traced, "differences")), 0);
    json_decref(traced);
    traced = trace("--to 0001_players");
    ck_assert_uint_eq(json_array_size(json_object_get(traced, "statements")), 0);
    json_decref(traced);
}
END_TEST

START_TEST(a_trace_of_its_own_tells_everything)
{
    json_t *traced;

    given_history();
    beside = "";
    traced = trace("");
    ck_assert_uint_eq(json_array_size(json_object_get(traced, "statements")), 5);
    json_decref(traced);
}
END_TEST

static void set_up(void)
{
    engine_set_up();
    scratch_set_up();
    beside = engine.url;
}

static void tear_down(void)
{
    scratch_tear_down();
    engine_tear_down();
}

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_plan_lists_backfills_with_the_size_of_their_table);
    tcase_add_test(tcase, a_trace_beside_a_database_tells_what_is_pending_there);
    tcase_add_test(tcase, a_trace_of_its_own_tells_everything);
}

SUITE("plan_command", {.add = add_all,
                       .set_up = set_up,
                       .tear_down = tear_down,
                       .set_up_once = engine_start,
                       .tear_down_once = engine_stop,
                       .timeout_s = 60})
