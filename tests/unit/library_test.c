/* The migrations folder as the core's catalog, and its bundle in the journal. */
#include "common/base/memory.h"
#include "common/lint/lint.h"
#include "common/migration/load.h"
#include "coordinator/server/library.h"
#include "support/scratch.h"

#include <sys/stat.h>
#include <unistd.h>

static struct journal *journal;
static struct catalog catalog;

static void set_up(void)
{
    scratch_set_up();
    assert_ok(journal_open(scratch_path("journal"), &journal, &failure));
    ck_assert_int_eq(mkdir(scratch_path("m"), 0755), 0);
    catalog = (struct catalog){.revision_count = 0};
}

static void tear_down(void)
{
    journal_close(journal);
    scratch_tear_down();
}

static void given_folder(const char *revision)
{
    ck_assert_int_eq(mkdir(scratch_path(memory_format(scratch.memory, "m/%s", revision)), 0755), 0);
}

static void given(const char *file, const char *text)
{
    (void)write_file(memory_format(scratch.memory, "m/%s", file), text);
}

static void given_history(void)
{
    given_folder("0001_a");
    given("0001_a/expand.sql", "CREATE TABLE a (id int);");
    given("0001_a/revert.sql", "DROP TABLE a;");
    given("0001_a/verify.sql", "SELECT true;");
    given("0001_a/migration.yaml", "irreversible: true\n");
    given_folder("0002_b");
    given("0002_b/expand.sql", "ALTER TABLE a ADD COLUMN b int;");
    given("0002_b/revert.sql", "ALTER TABLE a DROP COLUMN b;");
    given("0002_b/contract.sql", "ALTER TABLE a DROP COLUMN id;");
    given("0002_b/verify.sql", "SELECT true;");
    given("0002_b/verify.contract.sql", "SELECT true;");
    given("0002_b/migration.yaml",
          "backfill: [{table: a, key: id, set: \"b = 1\", where: \"b IS NULL\"}]\n");
    given("releases.yaml", "releases:\n  - {name: \"1.0\", needs: 0001_a, tolerates: [0002_b]}\n");
}

static const char *layout; /* as the configuration says */

static enum error_code read_folder(void)
{
    const struct library library = {.folder = scratch_path("m"), .layout = layout};

    return library_read(&library, journal, scratch.memory, &catalog, &failure);
}

START_TEST(a_folder_becomes_a_catalog_with_everything_that_plans_ask_for)
{
    const struct catalog_revision *b;

    given_history();
    assert_ok(read_folder());
    ck_assert_uint_eq(catalog.revision_count, 2);
    ck_assert_str_eq(catalog.revisions[0].name, "0001_a");
    ck_assert_uint_eq(catalog.revisions[0].parent_count, 0);
    ck_assert(!catalog.revisions[0].has_backfill && !catalog.revisions[0].has_contract &&
              !catalog.revisions[0].has_contract_verify);
    ck_assert(catalog.revisions[0].has_verify && catalog.revisions[0].irreversible);
    b = &catalog.revisions[1];
    ck_assert(b->has_backfill && b->has_contract && b->has_verify && b->has_contract_verify);
    ck_assert(!b->irreversible);
    ck_assert_uint_eq(b->parent_count, 1);
    ck_assert_str_eq(b->parents[0].name, "0001_a");
    ck_assert_str_ne(b->checksum, catalog.revisions[0].checksum);
    ck_assert_uint_eq(catalog.release_count, 1);
    ck_assert_str_eq(catalog.releases[0].name, "1.0");
    ck_assert_str_eq(catalog.releases[0].needs, "0001_a");
    ck_assert_uint_eq(catalog.releases[0].tolerate_count, 1);
    ck_assert_str_eq(catalog.releases[0].tolerates[0].name, "0002_b");
}
END_TEST

START_TEST(its_bundle_can_be_fetched_from_the_journal_and_is_the_same_history)
{
    struct migration_set *set = NULL;
    uint8_t *bytes = NULL;
    size_t size = 0;

    given_history();
    assert_ok(read_folder());
    assert_ok(journal_get_bundle(journal, catalog.bundle, scratch.memory, &bytes, &size, &failure));
    assert_ok(migration_bundle_unpack(scratch.memory, (const char *)bytes, size, &set, &failure));
    ck_assert_uint_eq(set->revision_count, 2);
    ck_assert_str_eq(set->revisions[1].checksum, catalog.revisions[1].checksum);
}
END_TEST

START_TEST(a_changed_folder_is_another_bundle_and_the_old_one_stays)
{
    struct catalog before;
    uint8_t *bytes = NULL;
    size_t size = 0;

    given_history();
    assert_ok(read_folder());
    before = catalog;
    assert_ok(read_folder());
    ck_assert_str_eq(catalog.bundle, before.bundle);
    given("0002_b/revert.sql", "ALTER TABLE a DROP COLUMN IF EXISTS b;");
    assert_ok(read_folder());
    ck_assert_str_ne(catalog.bundle, before.bundle);
    ck_assert_str_eq(catalog.revisions[0].checksum, before.revisions[0].checksum);
    ck_assert_str_ne(catalog.revisions[1].checksum, before.revisions[1].checksum);
    assert_ok(journal_get_bundle(journal, before.bundle, scratch.memory, &bytes, &size, &failure));
}
END_TEST

START_TEST(a_folder_that_is_not_there_or_says_nonsense_is_named_and_the_catalog_stays)
{
    char bundle[DIGEST_SIZE];

    given_history();
    assert_ok(read_folder());
    (void)text_copy(bundle, sizeof(bundle), catalog.bundle);
    given("0002_b/migration.yaml", "backfil: []\n");
    assert_fails(ERROR_CONFIG, read_folder());
    assert_says("0002_b/migration.yaml:1: backfil");
    given("0002_b/migration.yaml", "requires: [0003_c]\n");
    assert_fails(ERROR_INVALID, read_folder());
    assert_says("0003_c");
    ck_assert_int_eq(unlink(scratch_path("m/0002_b/revert.sql")), 0);
    assert_fails(ERROR_INVALID, read_folder());
    assert_says("0002_b/revert.sql is missing");
    assert_fails(ERROR_NOT_FOUND, library_read(&(struct library){.folder = scratch_path("nowhere")},
                                               journal, scratch.memory, &catalog, &failure));
    assert_says("nowhere");
    ck_assert_uint_eq(catalog.revision_count, 2);
    ck_assert_str_eq(catalog.bundle, bundle);
}
END_TEST

/* Root may read everything: a link to itself cannot be opened by anybody. */
START_TEST(a_file_that_cannot_be_read_is_named)
{
    given_history();
    ck_assert_int_eq(unlink(scratch_path("m/0001_a/expand.sql")), 0);
    ck_assert_int_eq(symlink("expand.sql", scratch_path("m/0001_a/expand.sql")), 0);
    ck_assert_int_ne(read_folder(), ERROR_OK);
    assert_says("0001_a/expand.sql");
    ck_assert_uint_eq(catalog.revision_count, 0);
}
END_TEST

/* They come with the last revision. */
START_TEST(repeatables_are_part_of_the_bundle)
{
    char without[DIGEST_SIZE];

    given_history();
    assert_ok(read_folder());
    (void)text_copy(without, sizeof(without), catalog.bundle);
    given_folder("repeatable");
    given("repeatable/names.sql", "CREATE OR REPLACE VIEW names AS SELECT 1 AS n;");
    assert_ok(read_folder());
    ck_assert_str_ne(catalog.bundle, without);
}
END_TEST

START_TEST(a_folder_of_another_tool_is_a_catalog_too)
{
    given("1_a.up.sql", "CREATE TABLE a (id int);");
    given("1_a.down.sql", "DROP TABLE a;");
    given("2_b.up.sql", "ALTER TABLE a ADD COLUMN b int;");
    assert_ok(read_folder());
    ck_assert_uint_eq(catalog.revision_count, 2);
    ck_assert_str_eq(catalog.revisions[1].parents[0].name, "0001_a");
    ck_assert(!catalog.revisions[0].irreversible && catalog.revisions[1].irreversible);
}
END_TEST

START_TEST(a_folder_that_looks_like_two_is_read_as_the_configuration_says)
{
    layout = NULL;
    given("1_a.up.sql", "CREATE TABLE a (id int);");
    given("1_a.down.sql", "DROP TABLE a;");
    given("V1__a.sql", "CREATE TABLE a (id int);");
    assert_fails(ERROR_INVALID, read_folder());
    assert_says("layout: NAME in coordinator.yaml");
    layout = "golang-migrate";
    assert_ok(read_folder());
    ck_assert(!catalog.revisions[0].irreversible);
}
END_TEST

/* Its author has not said that the release before works after it. */
START_TEST(a_plain_revision_that_breaks_the_release_before_says_how_and_what_to_write)
{
    given("1_a.up.sql", "CREATE TABLE a (id int, old int);");
    given("1_a.down.sql", "DROP TABLE a;");
    given("2_b.up.sql", "ALTER TABLE a ADD COLUMN b int;\nALTER TABLE a DROP COLUMN old;");
    given("2_b.down.sql", "ALTER TABLE a DROP COLUMN b, ADD COLUMN old int;");
    given("3_c.up.sql", "ALTER TABLE a ADD COLUMN c int;");
    given("3_c.down.sql", "ALTER TABLE a DROP COLUMN c;");
    assert_ok(read_folder());
    ck_assert_str_eq(catalog.revisions[0].breaks, "");
    ck_assert_msg(strstr(catalog.revisions[1].breaks, "2_b.up.sql:2: ") != NULL &&
                      strstr(catalog.revisions[1].breaks, "write instead: ") != NULL,
                  "%s", catalog.revisions[1].breaks);
    ck_assert_str_eq(catalog.revisions[2].breaks, "");
}
END_TEST

/* More findings than are kept, and none of them breaks anything; the folder is read all the same.
 */
START_TEST(a_plain_revision_too_large_to_be_judged_is_taken_for_breaking_and_no_other_before_it)
{
    static const char again[] = ", SET LOGGED, SET UNLOGGED"; /* two findings */
    char *large = memory_array(scratch.memory, char, sizeof(again) * LINT_FINDINGS_MAX / 2 + 100);
    size_t used = (size_t)sprintf(large, "ALTER TABLE a SET UNLOGGED");

    for (size_t i = 0; i < LINT_FINDINGS_MAX / 2; i++, used += sizeof(again) - 1)
        memcpy(large + used, again, sizeof(again));
    given("1_a.up.sql", "CREATE TABLE a (id int);");
    given("1_a.down.sql", "DROP TABLE a;");
    given("2_b.up.sql", "ALTER TABLE a ADD COLUMN b int;");
    given("2_b.down.sql", "ALTER TABLE a DROP COLUMN b;");
    given("3_c.up.sql", large);
    given("3_c.down.sql", "SELECT 1;");
    given("4_d.up.sql", "ALTER TABLE a ADD COLUMN d int;");
    given("4_d.down.sql", "ALTER TABLE a DROP COLUMN d;");
    assert_ok(read_folder());
    ck_assert_str_eq(catalog.revisions[0].breaks, "");
    ck_assert_str_eq(catalog.revisions[1].breaks, "");
    for (size_t i = 2; i < 4; i++)
        ck_assert_str_eq(catalog.revisions[i].breaks,
                         "taken for so, since it cannot be judged: 100000 findings or more, and "
                         "no more are kept: name some revisions");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, repeatables_are_part_of_the_bundle);
    tcase_add_test(tcase, a_folder_of_another_tool_is_a_catalog_too);
    tcase_add_test(tcase, a_folder_that_looks_like_two_is_read_as_the_configuration_says);
    tcase_add_test(tcase,
                   a_plain_revision_that_breaks_the_release_before_says_how_and_what_to_write);
    tcase_add_test(
        tcase,
        a_plain_revision_too_large_to_be_judged_is_taken_for_breaking_and_no_other_before_it);
    tcase_add_test(tcase, a_folder_becomes_a_catalog_with_everything_that_plans_ask_for);
    tcase_add_test(tcase, its_bundle_can_be_fetched_from_the_journal_and_is_the_same_history);
    tcase_add_test(tcase, a_changed_folder_is_another_bundle_and_the_old_one_stays);
    tcase_add_test(tcase,
                   a_folder_that_is_not_there_or_says_nonsense_is_named_and_the_catalog_stays);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_named);
}

SUITE("library", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
