/* Histories of other tools, read in place, forward and back on a real database. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"
#include "common/migration/repeatable.h"
#include "common/migration/verify.h"
#include "support/engine.h"

#include <string.h>

#define VERIFY_MS 5000

static void load_layout(const char *name)
{
    const char *folder =
        memory_format(engine.session, "%s/tests/layouts/%s", getenv("HAKEM_ROOT"), name);

    assert_ok(layout_load(NULL, folder, NULL, &engine.set, &failure));
}

static void expand_all(void)
{
    const struct session_options options = {.url = engine.url};

    for (size_t i = 0; i < engine.set->revision_count; i++) {
        assert_ok(expand(engine.set->revisions[i].name));
        ck_assert(!engine.result.already_done);
        ck_assert(is_expanded(engine.set->revisions[i].name));
        assert_ok(verify_run(&options, &engine.set->revisions[i], MIGRATION_SCRIPT_VERIFY,
                             VERIFY_MS, &failure));
    }
}

START_TEST(a_history_of_another_tool_goes_forward_and_back)
{
    char before[HASH_HEX_SIZE], up[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    load_layout(layout_name((size_t)_i));
    engine.with.accept_data_loss = true;
    fingerprint(before);
    expand_all();
    fingerprint(up);
    ck_assert_str_ne(before, up);
    sql("INSERT INTO accounts VALUES (1, 'a'); UPDATE accounts SET name = ' b '");
    ck_assert(is_true("SELECT name = 'b' AND note = 'a;b' FROM accounts"));
    ck_assert(is_true("SELECT indisvalid FROM pg_index"
                      " WHERE indexrelid = 'accounts_name'::regclass"));
    for (size_t i = engine.set->revision_count; i-- > 0;)
        assert_ok(revert(engine.set->revisions[i].name));
    fingerprint(after);
    ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(a_statement_that_fails_is_named_by_the_file_it_stands_in)
{
    static const struct migration_file file = {
        .path = "1_a.sql", .bytes = "-- +goose Up\n\nSELECT 1 / 0;", .size = 27};
    struct layout_content *content = NULL;

    assert_ok(layout_read_files(engine.session, &file, 1, NULL, &content, &failure));
    assert_ok(
        migration_load_files(NULL, content->files, content->file_count, &engine.set, &failure));
    ck_assert_int_eq(expand("0001_a"), ERROR_SQL);
    ck_assert_msg(strstr(failure.detail, "1_a.sql:3") != NULL, "%s", failure.detail);
}
END_TEST

START_TEST(a_verify_script_of_sqitch_that_fails_is_named)
{
    static const struct migration_file files[] = {
        {.path = "sqitch.plan", .bytes = "a", .size = 1},
        {.path = "deploy/a.sql", .bytes = "", .size = 0},
        {.path = "verify/a.sql", .bytes = "SELECT 0;\nSELECT 1 / 0;", .size = 23}};
    const struct session_options options = {.url = engine.url};
    struct layout_content *content = NULL;

    assert_ok(layout_read_files(engine.session, files, 3, NULL, &content, &failure));
    assert_ok(
        migration_load_files(NULL, content->files, content->file_count, &engine.set, &failure));
    ck_assert_int_eq(verify_run(&options, &engine.set->revisions[0], MIGRATION_SCRIPT_VERIFY,
                                VERIFY_MS, &failure),
                     ERROR_SQL);
    ck_assert_msg(strstr(failure.detail, "verify/a.sql:2") != NULL, "%s", failure.detail);
}
END_TEST

START_TEST(without_a_transaction_what_came_before_a_failure_stays)
{
    static const char text[] = "-- migrate:up transaction:false\n"
                               "CREATE TABLE a ();\nSELECT 1 / 0;\nCREATE TABLE b ();\n";
    const struct migration_file file = {.path = "1_a.sql", .bytes = text, .size = sizeof(text) - 1};
    struct layout_content *content = NULL;

    assert_ok(layout_read_files(engine.session, &file, 1, NULL, &content, &failure));
    assert_ok(
        migration_load_files(NULL, content->files, content->file_count, &engine.set, &failure));
    ck_assert_int_eq(expand("0001_a"), ERROR_SQL);
    ck_assert(is_true("SELECT to_regclass('a') IS NOT NULL AND to_regclass('b') IS NULL"));
}
END_TEST

/* ---- repeatables ---- */

static size_t repeated;

static void count_repeated(void *context, const struct migration_repeatable *repeatable)
{
    (void)context;
    (void)repeatable;
    repeated++;
}

/* one and two as the files are now. */
static enum error_code repeat(const char *one, const char *two)
{
    struct repeatable_hooks hooks = {.done = count_repeated};
    enum error_code code;

    repeated = 0;
    engine.file_count = 0;
    given_players();
    given("repeatable/one.sql", one);
    given("repeatable/two.sql", two);
    load();
    assert_ok(
        migration_hold_open(engine.session, engine.set, &engine.with, &engine.with.hold, &failure));
    code = repeatable_apply(engine.session, engine.set, &engine.with, &hooks, &failure);
    if (!session_is_lost(engine.session))
        assert_ok(migration_hold_close(engine.with.hold, &(struct error){.code = ERROR_OK}));
    engine.with.hold = NULL;
    return code;
}

#define ONE "CREATE OR REPLACE VIEW one AS SELECT 1 AS n;"
#define TWO "CREATE TABLE IF NOT EXISTS two (n int); INSERT INTO two VALUES (1);"

START_TEST(a_repeatable_is_applied_again_when_it_has_changed)
{
    assert_ok(repeat(ONE, TWO));
    ck_assert_uint_eq(repeated, 2);
    assert_ok(repeat(ONE, TWO));
    ck_assert_uint_eq(repeated, 0);
    assert_ok(repeat(ONE, TWO "INSERT INTO two VALUES (2);"));
    ck_assert_uint_eq(repeated, 1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM two"), 3);
    ck_assert_uint_eq(ask("SELECT times FROM hakem.repeatable WHERE name = 'two'"), 2);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log"
                          " WHERE revision = 'repeatable/two.sql' AND outcome = 'done'"),
                      5);
}
END_TEST

START_TEST(a_repeatable_that_dies_in_the_middle_is_applied_whole_the_next_time)
{
    assert_ok(repeat(ONE, TWO));
    ck_assert_int_eq(repeat(ONE " SELECT 1;", TWO "SELECT pg_terminate_backend(pg_backend_pid());"),
                     ERROR_CONNECTION);
    ck_assert_uint_eq(repeated, 1);
    session_close(engine.session);
    engine.session = open_session("hakem:test");
    ck_assert_uint_eq(ask("SELECT count(*) FROM two"), 1);
    assert_ok(repeat(ONE " SELECT 1;", TWO "INSERT INTO two VALUES (2);"));
    ck_assert_uint_eq(repeated, 1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM two"), 3);
}
END_TEST

START_TEST(a_repeatable_that_fails_changes_nothing)
{
    ck_assert_int_eq(repeat(ONE, TWO "\nSELECT 1 / 0;"), ERROR_SQL);
    ck_assert_ptr_nonnull(strstr(failure.detail, "repeatable/two.sql:2"));
    ck_assert(is_true("SELECT to_regclass('one') IS NOT NULL AND to_regclass('two') IS NULL"));
    assert_ok(repeat(ONE, TWO));
    ck_assert_uint_eq(repeated, 1);
}
END_TEST

static void add_all(TCase *tcase)
{
    int count = 0;

    while (layout_name((size_t)count) != NULL)
        count++;
    tcase_add_loop_test(tcase, a_history_of_another_tool_goes_forward_and_back, 0, count);
    tcase_add_test(tcase, a_statement_that_fails_is_named_by_the_file_it_stands_in);
    tcase_add_test(tcase, a_verify_script_of_sqitch_that_fails_is_named);
    tcase_add_test(tcase, a_repeatable_is_applied_again_when_it_has_changed);
    tcase_add_test(tcase, a_repeatable_that_dies_in_the_middle_is_applied_whole_the_next_time);
    tcase_add_test(tcase, a_repeatable_that_fails_changes_nothing);
    tcase_add_test(tcase, without_a_transaction_what_came_before_a_failure_stays);
}

ENGINE_SUITE("engine_layout", add_all)
