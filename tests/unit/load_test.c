/* Migration folders and bundles. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load.h"
#include "support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 20

static struct error err;
static void *context;
static struct migration_file files[FILES_MAX];
static size_t file_count;

static void given(const char *path, const char *text)
{
    files[file_count++] =
        (struct migration_file){.path = path, .bytes = text, .size = strlen(text)};
}

static void given_revision(const char *name, const char *yaml)
{
    given(memory_format(context, "%s/expand.sql", name), "SELECT 1;");
    given(memory_format(context, "%s/revert.sql", name), "SELECT 2;");
    if (yaml != NULL)
        given(memory_format(context, "%s/migration.yaml", name), yaml);
}

static enum error_code load(struct migration_set **ret)
{
    return migration_load_files(context, files, file_count, ret, &err);
}

START_TEST(folders_follow_each_other_by_name_unless_they_say_otherwise)
{
    struct migration_set *set;

    given_revision("0003_merge", "requires: [0002_a, 0002_b]\n");
    given_revision("0002_b", "requires: [0001_root]\n");
    given_revision("0002_a", NULL);
    given_revision("0001_root", NULL);
    given("releases.yaml",
          "releases:\n  - {name: \"1.0\", needs: 0002_a, tolerates: [0003_merge]}\n");
    ck_assert_msg(load(&set) == ERROR_OK, "%s", err.detail);
    ck_assert_uint_eq(set->revision_count, 4);
    ck_assert_str_eq(set->revisions[0].name, "0001_root");
    ck_assert_uint_eq(set->revisions[0].parent_count, 0);
    ck_assert_str_eq(set->revisions[set->head].name, "0003_merge");
    ck_assert_uint_eq(set->revisions[set->head].parent_count, 2);
    ck_assert(migration_is_ancestor(set, 0, set->head) && !migration_is_ancestor(set, 1, 2));
    ck_assert_str_eq(set->revisions[set->releases[0].needs].name, "0002_a");
    ck_assert_uint_eq(set->releases[0].tolerate_count, 1);
}
END_TEST

static const struct {
    struct {
        const char *path, *text;
    } files[6];
    const char *says;
} mistakes[] = {
    {{{"releases.yaml", "releases: []"}}, "there is no revision"},
    {{{"a/revert.sql", ""}}, "a/expand.sql is missing"},
    {{{"a/expand.sql", ""}}, "a/revert.sql is missing"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"a/lossles.sql", ""}}, "a/lossles.sql: no SQL"},
    {{{"a/expand.sql", "SELECT 1;\nBEGIN"}, {"a/revert.sql", ""}}, "a/expand.sql:2: BEGIN"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"a/verify.sql", "\nDROP TABLE x"}},
     "a/verify.sql:2: only queries"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", "-- hakem:undoes 1\nSELECT 1"}},
     "a/revert.sql:2: undoes statement 1; expand.sql has only 0"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"a/migration.yaml", "\nrequire: []"}},
     "a/migration.yaml:2: require: unknown key"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"a/migration.yaml", "requires: [z]"}},
     "a requires z"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"a/migration.yaml", "requires: [a]"}},
     "a requires itself"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"b/expand.sql", ""},
      {"b/revert.sql", ""},
      {"b/migration.yaml", "requires: []"}},
     "the history has two heads, a and b"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"a/migration.yaml", "backfill:\n- {table: t, key: id, set: \"a = 1\", where: \"true\",\n"
                           "   validate: {before: [SELECT true,\n   DELETE FROM t]}}"}},
     "a/migration.yaml:4: before: \"DELETE FROM t\" is not one query"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"a/migration.yaml",
       "backfill: [{table: t, key: id, lossy: true, set: \"a = 1\", where: \"true\"}]"}},
     "a/lossless.sql is missing: the backfill of t is lossy"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"releases.yaml", "releases: [{name: r, needs: zz}]"}},
     "releases.yaml: release r needs zz"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"releases.yaml", "releases:\n- {name: r, needs: a}\n- {name: r, needs: a}"}},
     "releases.yaml:3: releases: release r is there twice"},
    {{{"a/expand.sql", ""},
      {"a/revert.sql", ""},
      {"repeatable/v.sql", "\nREINDEX TABLE CONCURRENTLY t"}},
     "repeatable/v.sql:2: a repeatable is one transaction"},
    {{{"a/expand.sql", ""}, {"a/revert.sql", ""}, {"repeatable/v.txt", ""}},
     "repeatable/v.txt: a repeatable is an SQL file"},
    {{{"a/expand.sql", "\xff"}, {"a/revert.sql", ""}}, "a/expand.sql:1: not UTF-8"},
    {{{"..x/expand.sql", ""}}, "..x: a revision's name"},
};

START_TEST(bad_history_is_one_sentence_that_names_the_file)
{
    struct migration_set *set = NULL;

    for (size_t i = 0; i < 6 && mistakes[_i].files[i].path != NULL; i++)
        given(mistakes[_i].files[i].path, mistakes[_i].files[i].text);
    ck_assert_int_ne(load(&set), ERROR_OK);
    ck_assert_int_eq(error_code_exit_status(err.code), 2);
    ck_assert_msg(strncmp(err.detail, mistakes[_i].says, strlen(mistakes[_i].says)) == 0, "%s",
                  err.detail);
    ck_assert_ptr_null(set);
}
END_TEST

/* The rest of a row of a backfill of t. */
static const struct {
    const char *row, *says;
} backfill_mistakes[] = {
    {"key: id, where: b, set: \"a = 1\", parallel: 9", "parallel: must be between 1 and 8"},
    {"key: id, where: b, parallel: 2, command: {name: c, writes: [d]}",
     "parallel: the backfill of t: a command, and rows"},
    {"key: id, parallel: 2, archive: u, deduplicate: {by: [b], keep: c}",
     "parallel: the backfill of t: a command, and rows"},
    {"key: id, where: b, command: {name: c, writes: [d]}, set: \"d = 1\"",
     "table: the backfill of t: give one of set"},
    {"key: id, command: {name: c, writes: [d]}", "table: the backfill of t has no where"},
    {"key: id, where: b, command: {name: c}", "writes: is required"},
    {"key: id, where: b, command: {name: /bin/c, writes: [d]}", "name: \"/bin/c\" is not a name"},
    {"key: id, where: b, trigger: true, command: {name: c, writes: [d]}",
     "trigger: the backfill of t: a trigger runs no command"},
    {"key: id, where: \"true\"", "table: the backfill of t: give one of set"},
    {"key: id, set: \"a = 1; DROP TABLE t\", where: \"true\"", "table: the backfill of t"},
    {"set: \"a = 1\", where: \"true\"", "key: the backfill of t has neither key nor keys"},
    {"key: a, keys: [a, b], set: \"a = 1\", where: \"true\"",
     "key: the backfill of t has both key and keys"},
    {"keys: [a, select], set: \"a = 1\", where: \"true\"", "table: the backfill of t"},
    {"key: id, set: \"a = 1\", where: \"true\", validate: {after: [SELECT 1; SELECT 2]}",
     "after: \"SELECT 1; SELECT 2\" is not one query"},
    {"key: id, set: \"a = 1\", where: b, from: x", "table: the backfill of t: from needs join"},
    {"key: id, set: \"a = 1\", where: b, join: x", "table: the backfill of t: from needs join"},
    {"key: id, set: \"a = 1\", where: b, from: \"x, \", join: x",
     "table: the backfill of t: table, key, set"},
    {"key: id, from: x, join: y, json: {column: d, steps: [{rename: [a], as: b}]}",
     "table: the backfill of t: from needs join"},
    {"key: id, where: b, delete: true, set: \"a = 1\"",
     "table: the backfill of t: give one of set"},
    {"key: id, where: b, delete: true, archive: u", "table: the backfill of t: give one of set"},
    {"key: id, delete: true, lossy: true", "table: the backfill of t has no where"},
    {"key: id, archive: u", "table: the backfill of t has no where"},
    {"key: id, where: b, delete: true",
     "lossy: the backfill of t: what is deleted does not come back"},
    {"key: id, deduplicate: {by: [b], keep: c}",
     "lossy: the backfill of t: what is deleted does not come back"},
    {"key: id, deduplicate: {by: [b]}, archive: u", "keep: is required"},
    {"key: id, deduplicate: {by: [], keep: c}, archive: u", "by: must have 1 to 8 entries"},
    {"key: id, deduplicate: {by: [b], keep: \"c; x\"}, archive: u",
     "table: the backfill of t: table, key, set"},
    {"key: id, where: b, archive: \"u; x\"", "table: the backfill of t: table, key, set"},
    {"key: id, where: b, archive: u, trigger: true",
     "trigger: the backfill of t: a trigger would take rows away"},
    {"key: id, where: b, archive: u, from: x, join: y",
     "table: the backfill of t: from needs join"},
    {"key: id, set: \"a = 1\", where: b, json: {column: d, steps: [{rename: [a], as: b}]}",
     "table: the backfill of t: give one of set"},
    {"key: id, set: \"a = 1\"", "table: the backfill of t has no where"},
    {"key: id, json: {column: d}", "steps: is required"},
    {"key: id, json: {column: d, steps: []}", "steps: must have 1 to 16 entries"},
    {"key: id, json: {column: d, steps: [{as: b}]}", "to: a step is one of move,"},
    {"key: id, json: {column: d, steps: [{rename: [a], move: [b], as: b}]}",
     "move: a step is one of move,"},
    {"key: id, json: {column: d, steps: [{move: [a]}]}", "move: move needs `to`"},
    {"key: id, json: {column: d, steps: [{move: [a], to: [b], as: c}]}",
     "move: move has no use for `as`"},
    {"key: id, json: {column: d, steps: [{move: [a], to: [a, b]}]}",
     "move: move leads from a path to itself"},
    {"key: id, json: {column: d, steps: [{move: [a, b], to: [a]}]}",
     "move: move leads from a path to itself"},
    {"key: id, json: {column: d, steps: [{rename: [a, b], as: b}]}",
     "rename: rename leads from a path to itself"},
    {"key: id, json: {column: d, steps: [{default: [a], value: dark}]}",
     "default: default has a `value` that is not JSON"},
    {"key: id, json: {column: d, steps: [{retype: [a], from: text, as: number}]}",
     "from: \"text\" is neither string"},
    {"key: id, json: {column: d, steps: [{retype: [a], from: number, as: number}]}",
     "retype: retype leads from one of string"},
    {"key: id, json: {column: d, steps: [{default: [a], value: '1'}]}",
     "json: the backfill of t: merge and default cannot be taken back"},
    {"key: id, where: d IS NOT NULL, json: {column: d, steps: [{rename: [a], as: b}]}",
     "where: the backfill of t: where may say nothing of d"},
    {"key: id, json: {column: d = 1 --, steps: [{rename: [a], as: b}]}",
     "column: \"d = 1 --\" is no column's name"},
};

START_TEST(a_bad_backfill_is_one_sentence_that_names_the_key)
{
    struct migration_set *set = NULL;
    char expected[200];

    given_revision("a",
                   memory_format(context, "backfill: [{table: t, %s}]", backfill_mistakes[_i].row));
    ck_assert_int_eq(load(&set), ERROR_CONFIG);
    (void)text_format(expected, sizeof(expected), "a/migration.yaml:1: %s",
                      backfill_mistakes[_i].says);
    ck_assert_msg(strncmp(err.detail, expected, strlen(expected)) == 0, "%s", err.detail);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(the_checksum_covers_every_file_and_its_name)
{
    char first[HASH_HEX_SIZE];
    struct migration_set *set;

    given_revision("a", NULL);
    given("a/README", "x");
    ck_assert_int_eq(load(&set), ERROR_OK);
    (void)text_copy(first, sizeof(first), set->revisions[0].checksum);
    ck_assert_int_eq(load(&set), ERROR_OK);
    ck_assert_str_eq(first, set->revisions[0].checksum);
    files[file_count - 1].bytes = "y";
    ck_assert_int_eq(load(&set), ERROR_OK);
    ck_assert_str_ne(first, set->revisions[0].checksum);
    files[file_count - 1] = (struct migration_file){.path = "a/READMEx", .bytes = "", .size = 0};
    ck_assert_int_eq(load(&set), ERROR_OK);
    ck_assert_str_ne(first, set->revisions[0].checksum);
}
END_TEST

START_TEST(a_bundle_is_the_same_whatever_the_order_and_comes_back_whole)
{
    char digest[HASH_HEX_SIZE], other[HASH_HEX_SIZE];
    struct migration_set *set, *again;
    size_t size, other_size;
    struct migration_file swap;
    char *bundle;

    given_revision("a", NULL);
    given_revision("b", "description: second\n");
    ck_assert_int_eq(load(&set), ERROR_OK);
    bundle = migration_bundle_pack(context, set, &size, digest);
    swap = files[0];
    files[0] = files[3];
    files[3] = swap;
    ck_assert_int_eq(load(&again), ERROR_OK);
    (void)migration_bundle_pack(context, again, &other_size, other);
    ck_assert_str_eq(digest, other);
    ck_assert_int_eq(migration_bundle_unpack(context, bundle, size, &again, &err), ERROR_OK);
    ck_assert_uint_eq(again->revision_count, 2);
    ck_assert_str_eq(again->revisions[1].checksum, set->revisions[1].checksum);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_ne(migration_bundle_unpack(context, bundle, cut, &again, &err), ERROR_OK);
}
END_TEST

START_TEST(a_bundle_cannot_leave_its_place)
{
    static const char evil[] = "hakem-bundle-1\n\0\0\0\x01\0\0\0\x09\0\0\0\0../x/y.sq";
    struct migration_set *set = NULL;

    ck_assert_int_eq(migration_bundle_unpack(context, evil, sizeof(evil) - 1, &set, &err),
                     ERROR_PROTOCOL);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(a_folder_is_read_like_its_files)
{
    char folder[] = "/tmp/hakem-load-XXXXXX";
    struct migration_set *set = NULL;
    char path[128];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(migration_load(context, "/nowhere", &set, &err), ERROR_NOT_FOUND);
    ck_assert_int_eq(migration_load(context, folder, &set, &err), ERROR_INVALID);
    (void)text_format(path, sizeof(path), "%s/0001_a", folder);
    ck_assert_int_eq(file_make_folder(path, 0755, &err), ERROR_OK);
    (void)text_format(path, sizeof(path), "%s/0001_a/expand.sql", folder);
    ck_assert_int_eq(file_write_atomically(path, "SELECT 1", 8, 0644, &err), ERROR_OK);
    ck_assert_int_eq(migration_load(context, folder, &set, &err), ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.detail, "0001_a/revert.sql is missing"));
    (void)text_format(path, sizeof(path), "%s/0001_a/migration.yaml", folder);
    ck_assert_int_eq(file_write_atomically(path, "irreversible: true\n", 19, 0644, &err), ERROR_OK);
    ck_assert_msg(migration_load(context, folder, &set, &err) == ERROR_OK, "%s", err.detail);
    ck_assert(set->revision_count == 1 && set->revisions[0].is_irreversible);
    ck_assert_int_eq(unlink(path), 0);
    (void)text_format(path, sizeof(path), "%s/0001_a/expand.sql", folder);
    ck_assert_int_eq(unlink(path), 0);
    (void)text_format(path, sizeof(path), "%s/0001_a", folder);
    ck_assert(rmdir(path) == 0 && rmdir(folder) == 0);
}
END_TEST

static void set_up(void)
{
    context = talloc_new(NULL);
    file_count = 0;
}

static void tear_down(void)
{
    talloc_free(context);
}

/* Some 80 bytes of tree for each of its numbers. */
static const char *many_numbers(size_t count)
{
    struct text *sql = text_new(context, SPLIT_BYTES_MAX);

    text_append(sql, "SELECT 1");
    for (size_t i = 1; i < count; i++)
        text_append(sql, ",1");
    text_append(sql, ";");
    return sql->data;
}

START_TEST(trees_are_kept_while_there_is_room_for_them)
{
    const char *large = many_numbers(130000);
    struct migration_set *set = NULL;
    size_t kept = 0;

    given("1_a/expand.sql", large);
    given("1_a/revert.sql", large);
    given("2_b/expand.sql", "SELECT 3;");
    given("2_b/revert.sql", "SELECT 4;");
    ck_assert_msg(load(&set) == ERROR_OK, "%s", err.detail);
    for (size_t i = 0; i < 2; i++)
        for (int s = MIGRATION_SCRIPT_EXPAND; s <= MIGRATION_SCRIPT_REVERT; s++)
            kept += set->revisions[i].scripts[s]->trees_size;
    ck_assert_uint_gt(kept, MIGRATION_TREES_MAX / 2);
    ck_assert_uint_le(kept, MIGRATION_TREES_MAX);
    ck_assert_ptr_nonnull(set->revisions[0].scripts[MIGRATION_SCRIPT_EXPAND]->trees);
    ck_assert_ptr_null(set->revisions[0].scripts[MIGRATION_SCRIPT_REVERT]->trees);
    ck_assert_ptr_nonnull(set->revisions[1].scripts[MIGRATION_SCRIPT_EXPAND]->trees);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, folders_follow_each_other_by_name_unless_they_say_otherwise);
    tcase_add_loop_test(tcase, bad_history_is_one_sentence_that_names_the_file, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_loop_test(tcase, a_bad_backfill_is_one_sentence_that_names_the_key, 0,
                        (int)ARRAY_LEN(backfill_mistakes));
    tcase_add_test(tcase, the_checksum_covers_every_file_and_its_name);
    tcase_add_test(tcase, a_bundle_is_the_same_whatever_the_order_and_comes_back_whole);
    tcase_add_test(tcase, a_bundle_cannot_leave_its_place);
    tcase_add_test(tcase, a_folder_is_read_like_its_files);
    tcase_add_test(tcase, trees_are_kept_while_there_is_room_for_them);
}

SUITE("load", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
