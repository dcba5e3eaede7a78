/* Histories of other tools, read in place, forward and back on a real database. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"
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

static void add_all(TCase *tcase)
{
    int count = 0;

    while (layout_name((size_t)count) != NULL)
        count++;
    tcase_add_loop_test(tcase, a_history_of_another_tool_goes_forward_and_back, 0, count);
    tcase_add_test(tcase, a_statement_that_fails_is_named_by_the_file_it_stands_in);
    tcase_add_test(tcase, a_verify_script_of_sqitch_that_fails_is_named);
    tcase_add_test(tcase, without_a_transaction_what_came_before_a_failure_stays);
}

ENGINE_SUITE("engine_layout", add_all)
