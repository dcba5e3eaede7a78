/* Folders of other tools. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"
#include "support/scratch.h"

#include <string.h>

#define FILES_MAX 8

static struct error err;
static void *context;
static struct migration_set *set;

struct given {
    const char *path, *text;
};

static enum error_code read_given(const struct given *files, struct layout_content **ret)
{
    struct migration_file list[FILES_MAX];
    size_t count = 0;

    for (; count < FILES_MAX && files[count].path != NULL; count++)
        list[count] = (struct migration_file){.path = files[count].path,
                                              .bytes = files[count].text,
                                              .size = strlen(files[count].text)};
    return layout_read_files(context, list, count, NULL, ret, &err);
}

static enum error_code load_given(const struct given *files)
{
    struct layout_content *content = NULL;

    set = NULL;
    if (read_given(files, &content) != ERROR_OK)
        return err.code;
    return migration_load_files(context, content->files, content->file_count, &set, &err);
}

static const struct migration_revision *loaded(const struct given *files, size_t i)
{
    ck_assert_msg(load_given(files) == ERROR_OK, "%s", err.detail);
    ck_assert_uint_gt(set->revision_count, i);
    return &set->revisions[i];
}

/* ---- every layout, in its folder of tests/layouts ---- */

static const struct migration_revision *find_like(const char *part)
{
    for (size_t i = 0; i < set->revision_count; i++)
        if (strstr(set->revisions[i].name, part) != NULL)
            return &set->revisions[i];
    ck_abort_msg("no revision is called like %s", part);
    return NULL;
}

static size_t row_count(void)
{
    size_t count = 0;

    while (layout_name(count) != NULL)
        count++;
    return count;
}

START_TEST(every_layout_is_recognised_and_becomes_the_same_history)
{
    const char *name = layout_name((size_t)_i);
    const char *folder = memory_format(context, "%s/tests/layouts/%s", getenv("HAKEM_ROOT"), name);
    struct layout_content *content = NULL;

    ck_assert_uint_lt((size_t)_i, row_count());
    ck_assert_msg(layout_read(context, folder, NULL, &content, &err) == ERROR_OK, "%s", err.detail);
    ck_assert_str_eq(content->layout, name);
    ck_assert_msg(layout_load(context, folder, name, &set, &err) == ERROR_OK, "%s", err.detail);
    ck_assert_uint_eq(set->revision_count, 4);
    ck_assert_uint_eq(content->version_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(set->revisions[i].name, content->versions[i].revision);
        ck_assert(set->revisions[i].is_plain && !set->revisions[i].is_irreversible);
        ck_assert_uint_eq(set->revisions[i].parent_count, i > 0);
    }
    ck_assert_uint_eq(find_like("accounts")->scripts[MIGRATION_SCRIPT_EXPAND]->count, 1);
    ck_assert_uint_eq(find_like("renamed")->scripts[MIGRATION_SCRIPT_EXPAND]->count, 2);
    ck_assert_uint_eq(find_like("renamed")->scripts[MIGRATION_SCRIPT_REVERT]->count, 2);
    ck_assert_int_eq(find_like("index")->scripts[MIGRATION_SCRIPT_EXPAND]->statements[0].class,
                     SPLIT_OUTSIDE);
}
END_TEST

START_TEST(no_layout_is_there_that_this_test_does_not_know)
{
    struct layout_content *content = NULL;

    ck_assert_uint_eq(row_count(), 7);
    ck_assert_int_eq(layout_read(context, ".", "rails", &content, &err), ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.detail, "golang-migrate, goose, dbmate"));
    ck_assert_int_eq(layout_read(context, "/nowhere", NULL, &content, &err), ERROR_NOT_FOUND);
}
END_TEST

/* ---- import ---- */

static const char *revisions_of(const struct migration_set *of)
{
    struct text *text = text_new(context, 4096);

    for (size_t i = 0; i < of->revision_count; i++)
        text_append_format(text, "%s %s\n", of->revisions[i].name, of->revisions[i].checksum);
    return text->data;
}

START_TEST(what_is_imported_is_the_same_history)
{
    const struct layout_import order = {.folder = memory_format(context, "%s/tests/layouts/%s",
                                                                getenv("HAKEM_ROOT"),
                                                                layout_name((size_t)_i)),
                                        .into = scratch_path("new")};
    struct migration_set *imported = NULL, *again = NULL;
    struct layout_content *content = NULL;

    assert_ok(layout_import(context, &order, &content, &failure));
    assert_ok(migration_load(context, order.into, &imported, &failure));
    assert_ok(layout_load(context, order.into, NULL, &again, &failure));
    assert_ok(layout_load(context, order.folder, NULL, &set, &failure));
    ck_assert_str_eq(revisions_of(imported), revisions_of(set));
    ck_assert_str_eq(revisions_of(again), revisions_of(set));
    ck_assert_int_eq(layout_import(context, &order, &content, &failure), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(failure.detail, "is not empty"));
}
END_TEST

START_TEST(what_an_agent_gets_is_the_same_history)
{
    const char *folder = memory_format(context, "%s/tests/layouts/%s", getenv("HAKEM_ROOT"),
                                       layout_name((size_t)_i));
    struct migration_set *unpacked = NULL;
    char digest[HASH_HEX_SIZE];
    size_t size = 0;
    const char *bundle;

    assert_ok(layout_load(context, folder, NULL, &set, &failure));
    bundle = migration_bundle_pack(context, set, &size, digest);
    assert_ok(migration_bundle_unpack(context, bundle, size, &unpacked, &failure));
    ck_assert_str_eq(revisions_of(unpacked), revisions_of(set));
    ck_assert_str_eq(unpacked->revisions[0].meaning, set->revisions[0].meaning);
    ck_assert_uint_eq(unpacked->repeatable_count, set->repeatable_count);
    ck_assert(unpacked->revisions[0].is_plain);
    for (size_t i = 0; i < set->file_count; i++) { /* what it says of them names them as they are */
        ck_assert_str_eq(unpacked->files[i].origin != NULL ? unpacked->files[i].origin : "",
                         set->files[i].origin != NULL ? set->files[i].origin : "");
        ck_assert_uint_eq(unpacked->files[i].origin_line, set->files[i].origin_line);
    }
    ck_assert_str_eq(unpacked->revisions[0].scripts[MIGRATION_SCRIPT_EXPAND]->path,
                     set->revisions[0].scripts[MIGRATION_SCRIPT_EXPAND]->path);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_ne(migration_bundle_unpack(context, bundle, cut, &unpacked, &failure),
                         ERROR_OK);
}
END_TEST

START_TEST(an_import_that_fails_leaves_nothing)
{
    struct layout_import order = {.folder = scratch_path("old"), .into = scratch_path("new")};
    struct layout_content *content = NULL;
    size_t count = 0;
    char **names;

    assert_ok(file_make_folder(order.folder, 0755, &failure));
    ck_assert_int_eq(layout_import(context, &order, &content, &failure), ERROR_REFUSED);
    (void)write_file("old/1_a.up.sql", "SELEC");
    ck_assert_int_eq(layout_import(context, &order, &content, &failure), ERROR_INVALID);
    ck_assert_ptr_nonnull(strstr(failure.detail, "/old/1_a.up.sql:1: "));
    (void)write_file("old/1_a.up.sql", "SELECT 1");
    (void)write_file("file", "");
    order.into = scratch_path("file/new");
    ck_assert_int_ne(layout_import(context, &order, &content, &failure), ERROR_OK);
    assert_ok(file_list(context, scratch.folder, &names, &count, &failure));
    ck_assert_uint_eq(count, 2); /* file and old */
}
END_TEST

/* ---- names, order ---- */

START_TEST(versions_order_revisions_and_names_say_them)
{
    static const struct given files[] = {{"10_c.up.sql", "SELECT 10"},
                                         {"9_b d!.up.sql", "SELECT 9"},
                                         {"20240101_e.up.sql", "SELECT 20240101"},
                                         {"09999_f.up.sql", "SELECT 9999"},
                                         {NULL, NULL}};
    static const char *const names[] = {"0009_b_d_", "0010_c", "09999_f", "20240101_e"};

    (void)loaded(files, 3);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        ck_assert_str_eq(set->revisions[i].name, names[i]);
}
END_TEST

START_TEST(dotted_versions_are_numbers)
{
    ck_assert_int_lt(reading_compare_versions("1.9", "1.10"), 0);
    ck_assert_int_eq(reading_compare_versions("1", "01.0"), 0);
    ck_assert_int_gt(reading_compare_versions("1.0.1", "1"), 0);
    ck_assert_int_lt(reading_compare_versions("99999999999999999998", "99999999999999999999"), 0);
    ck_assert_int_gt(reading_compare_versions("2", "1.99"), 0);
}
END_TEST

START_TEST(what_arrives_late_leaves_the_others_as_they_are)
{
    static const struct given before[] = {
        {"1_a.up.sql", "SELECT 1"}, {"10_c.up.sql", "SELECT 10"}, {NULL, NULL}};
    static const struct given after[] = {{"1_a.up.sql", "SELECT 1"},
                                         {"9_b.up.sql", "SELECT 9"},
                                         {"10_c.up.sql", "SELECT 10"},
                                         {NULL, NULL}};
    char checksum[HASH_HEX_SIZE];

    (void)text_copy(checksum, sizeof(checksum), loaded(before, 1)->checksum);
    ck_assert_str_eq(loaded(after, 2)->checksum, checksum);
}
END_TEST

/* ---- what a way back is ---- */

static const struct {
    struct given files[4];
    bool has_way_back;
} ways_back[] = {
    {{{"1_a.up.sql", "SELECT 1"}, {"1_a.down.sql", "SELECT 2"}}, true},
    {{{"1_a.up.sql", "SELECT 1"}, {"1_a.down.sql", "-- later\n;"}}, false},
    {{{"1_a.up.sql", "/* a /* b */ */"}, {"1_a.down.sql", ""}}, true},
    {{{"1_a.up.sql", "SELECT 1"}}, false},
    {{{"1_a.sql", "-- +goose Up\nSELECT 1;"}}, false},
    {{{"1_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n\n"}}, false},
    {{{"V1__a.sql", "SELECT 1"}}, false},
};

START_TEST(who_says_nothing_of_the_way_back_has_none_and_is_told_so)
{
    struct layout_content *content = NULL;
    const struct migration_revision *revision = loaded(ways_back[_i].files, 0);

    ck_assert_int_eq(revision->is_irreversible, !ways_back[_i].has_way_back);
    ck_assert_int_eq(read_given(ways_back[_i].files, &content), ERROR_OK);
    ck_assert_uint_eq(content->note_count, !ways_back[_i].has_way_back);
    if (!ways_back[_i].has_way_back)
        ck_assert_ptr_nonnull(strstr(content->notes[0], "has no way back: "));
}
END_TEST

/* ---- transactions ---- */

static const struct {
    struct given files[4];
    bool cuts;
} transactions[] = {
    {{{"1_a.up.sql", "SELECT 1; SELECT 2"}}, false},
    {{{"1_a.up.sql", "/* a */ begin transaction; SELECT 1; SELECT 2; end ; -- x"}}, false},
    {{{"1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1; SELECT 2;"}}, true},
    {{{"1_a.sql", "--+goose  no  transaction\n -- +goose up\nSELECT 1; SELECT 2;"}}, true},
    {{{"1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nBEGIN; SELECT 1; SELECT 2; COMMIT;"}},
     false},
    {{{"1_a.sql", "-- migrate:up transaction:false\nSELECT 1; SELECT 2;"}}, true},
    {{{"1_a.sql", "-- migrate:up transaction:true\nSELECT 1; SELECT 2;"}}, false},
    {{{"1_a.sql", "-- +migrate Up notransaction\nSELECT 1; SELECT 2;"}}, true},
    {{{"V1__a.sql", "SELECT 1; SELECT 2"}, {"V1__a.sql.conf", "executeInTransaction = false"}},
     true},
    {{{"a/up.sql", "SELECT 1; SELECT 2"}, {"a/metadata.toml", "run_in_transaction = false"}}, true},
    {{{"a/up.sql", "SELECT 1; SELECT 2"}, {"a/metadata.toml", "\n# x\nrun_in_transaction=true"}},
     false},
};

START_TEST(without_a_transaction_each_statement_has_one_of_its_own)
{
    const struct split *split = loaded(transactions[_i].files, 0)->scripts[MIGRATION_SCRIPT_EXPAND];

    ck_assert_uint_eq(split->count, 2);
    ck_assert_int_eq(split->statements[0].cuts, transactions[_i].cuts);
    ck_assert_int_eq(split->statements[1].cuts, transactions[_i].cuts);
}
END_TEST

/* ---- Sqitch ---- */

START_TEST(a_reworked_change_is_another_revision_and_the_first_keeps_its_name)
{
    static const struct given files[] = {{"sqitch.plan", "a\n@v1\na [a@v1]\n"},
                                         {"deploy/a@v1.sql", "SELECT 1"},
                                         {"deploy/a.sql", "SELECT 2"},
                                         {NULL, NULL}};

    ck_assert_str_eq(loaded(files, 1)->name, "a-2");
    ck_assert_str_eq(set->revisions[0].name, "a");
    ck_assert_str_eq(set->revisions[0].scripts[MIGRATION_SCRIPT_EXPAND]->statements[0].text,
                     "SELECT 1");
}
END_TEST

START_TEST(a_verify_script_must_run_whatever_it_returns)
{
    static const struct given files[] = {
        {"sqitch.plan", "a"},
        {"deploy/a.sql", "SELECT 1"},
        {"verify/a.sql", "BEGIN;\nSELECT 0;\nDO $$ BEGIN END $$;\nROLLBACK;"},
        {NULL, NULL}};
    const struct split *split = loaded(files, 0)->scripts[MIGRATION_SCRIPT_VERIFY];

    ck_assert(split->must_run && split->count == 2);
    ck_assert_uint_eq(split->statements[0].line, 2);
}
END_TEST

/* ---- mistakes: the file and the line of the folder itself ---- */

static const struct {
    struct given files[4];
    const char *says;
} mistakes[] = {
    {{{"1_a.up.sql", "SELECT 1;\r\n\r\nSELEC 2;"}}, "1_a.up.sql:3: syntax error"},
    {{{"1_a.up.sql", "\n\nSELECT 1;\nCOMMIT;"}}, "1_a.up.sql:4: BEGIN, COMMIT"},
    {{{"1_a.up.sql", "\nBEGIN; SELECT 1; COMMIT; SELECT 2"}}, "1_a.up.sql:2: BEGIN, COMMIT"},
    {{{"1_a.up.sql", "BEGIN; SELECT 1; ROLLBACK"}}, "1_a.up.sql:1: BEGIN, COMMIT"},
    {{{"1_a.up.sql", "SELECT 1;\nCOPY a FROM stdin;\n1\n\\.\n"}}, "1_a.up.sql:3: COPY FROM STDIN"},
    {{{"1_a.up.sql", "COPY a FROM stdin"}}, "1_a.up.sql:1: COPY FROM STDIN"},
    {{{"1_a.up.sql", "SELECT 1;\n-- \xff"}}, "1_a.up.sql:2: not UTF-8"},
    {{{"1_a.up.sql", ""}, {"01_b.up.sql", ""}}, "1_a.up.sql: 01_b.up.sql has the same version"},
    {{{"1_a.down.sql", ""}}, "1_a.down.sql: there is no up"},
    {{{"1_a.up.sql", ""}, {"2_b.go", ""}}, "2_b.go: a migration that is not SQL"},
    {{{"1_a.up.sql", ""}, {"V1__a.sql", ""}}, "the folder looks like golang-migrate and like fly"},
    {{{"1_a.sql", "-- +goose Up\n\nSELEC"}}, "1_a.sql:3: syntax error"},
    {{{"1_a.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nSELEC"}}, "1_a.sql:3: syntax error"},
    {{{"1_a.sql", "-- +goose Up\n-- +goose Down\n\n\nSELEC"}}, "1_a.sql:5: syntax error"},
    {{{"1_a.sql", "-- +goose Up\n-- +goose ENVSUB ON"}}, "1_a.sql:2: ENVSUB ON"},
    {{{"1_a.sql", "-- +goose Up\n-- +goose StatementBegin\n"}}, "1_a.sql:2: StatementBegin with"},
    {{{"1_a.sql", "-- +goose Up\n-- +goose StatementBegin\n-- +goose Down"}},
     "1_a.sql:2: StatementBegin with"},
    {{{"1_a.sql", "-- +goose Up\n-- +goose StatementEnd"}}, "1_a.sql:2: StatementEnd with"},
    {{{"1_a.sql", "-- +goose StatementBegin"}}, "1_a.sql:1: a block stands before"},
    {{{"1_a.sql", "-- x\nSELECT 1;\n-- +goose Up"}}, "1_a.sql:2: a statement stands before"},
    {{{"1_a.sql", "-- +goose Upp"}}, "1_a.sql:1: -- +goose has no \"Upp\"; it has Up, Down"},
    {{{"1_a.sql", "-- +goose Down"}}, "1_a.sql: there is no -- +goose Up"},
    {{{"1_a.sql", "-- migrate:up"}, {"2_a.sql", ""}}, "2_a.sql: there is no -- migrate:up"},
    {{{"1_a.sql", "-- migrate:up transaction=no"}}, "1_a.sql:1: -- migrate: has no \"up tr"},
    {{{"1_a.sql", "-- +goose Up"}, {"1_b.sql", "-- +goose Up"}}, "1_a.sql and 1_b.sql have the sa"},
    {{{"V1__a.sql", "\nSELECT ${x}"}}, "V1__a.sql:2: ${x} is a placeholder"},
    {{{"V1__a.sql", ""}, {"V1.0__b.sql", ""}}, "V1__a.sql: V1.0__b.sql has the same version"},
    {{{"U1__a.sql", ""}}, "U1__a.sql: there is no up"},
    {{{"V1__a.sql", ""}, {"V1__a.sql.conf", "encoding=latin1"}}, "V1__a.sql.conf: the encoding"},
    {{{"V1__a.sql", ""}, {"V2__b.java", ""}}, "V2__b.java: a migration that is not SQL"},
    {{{"V1__a.sql", ""}, {"R__b.sql", "\nVACUUM"}}, "R__b.sql:2: a repeatable is one transaction"},
    {{{"V1__a.sql", ""}, {"R__b.sql", "${x}"}}, "R__b.sql:1: ${x} is a placeholder"},
    {{{"V1__a.sql", ""}, {"R__b.sql", ""}, {"R__b.sql.conf", "executeInTransaction=false"}},
     "R__b.sql.conf: a repeatable migration is one"},
    {{{"V1__a.sql", ""}, {"R__b c.sql", ""}, {"R__b_c.sql", ""}},
     "R__b c.sql and R__b_c.sql would both be"},
    {{{"a/up.sql", ""}, {"a/metadata.toml", "x = 1"}}, "a/metadata.toml:1: the only key"},
    {{{"sqitch.plan", "a"}}, "sqitch.plan:1: a has no script: deploy/a.sql is missing"},
    {{{"sqitch.plan", "a\n@v\na"}, {"deploy/a.sql", ""}}, "sqitch.plan:1: a (reworked later) has"},
    {{{"sqitch.plan", "\na [b]"}, {"deploy/a.sql", ""}}, "sqitch.plan:2: b is required"},
    {{{"sqitch.plan", "a\nb [!a]"}, {"deploy/a.sql", ""}}, "sqitch.plan:2: a is in conflict"},
    {{{"sqitch.plan", "a [p:b]"}, {"deploy/a.sql", ""}}, "sqitch.plan:1: p:b is a change of ano"},
    {{{"sqitch.plan", "a [b"}, {"deploy/a.sql", ""}}, "sqitch.plan:1: [ is not closed"},
    {{{"sqitch.plan", "a\n-a"}, {"deploy/a.sql", ""}}, "sqitch.plan:2: -a takes a change back"},
    {{{"sqitch.plan", "a"}, {"deploy/a.sql", ""}, {"verify/a.sql", "\nDELETE FROM a"}},
     "verify/a.sql:2: only queries"},
};

START_TEST(a_mistake_is_one_sentence_that_names_the_file_of_the_folder)
{
    enum error_code code = load_given(mistakes[_i].files);

    ck_assert_int_eq(error_code_exit_status(code), 2);
    ck_assert_msg(strncmp(err.detail, mistakes[_i].says, strlen(mistakes[_i].says)) == 0, "%s",
                  err.detail);
    ck_assert_ptr_null(set);
}
END_TEST

START_TEST(what_is_left_out_is_said)
{
    static const struct given files[] = {
        {"1_a.up.sql", ""}, {"1_a.down.sql", ""}, {"seed.sql", "SELECT 1"}, {NULL, NULL}};
    struct layout_content *content = NULL;

    ck_assert_int_eq(read_given(files, &content), ERROR_OK);
    ck_assert_uint_eq(content->note_count, 1);
    ck_assert_ptr_nonnull(strstr(content->notes[0], "seed.sql is left out"));
}
END_TEST

/* ---- what a statement means ---- */

static const struct {
    const char *one, *other;
    bool is_same;
} meanings[] = {
    {"SELECT  1 -- one\n, 2", "SELECT 1, 2", true},
    {"SELECT ( a ,b )", "SELECT(a, b)", true},
    {"/* a /* b */ */ SELECT 1", "SELECT 1", true},
    {"SELECT a/**/b", "SELECT a b", true},
    {"SELECT 'a  b'", "SELECT 'a b'", false},
    {"SELECT '-- a'", "SELECT '-- b'", false},
    {"SELECT '/* a */'", "SELECT ''", false},
    {"SELECT E'\\' -- a'", "SELECT E'\\' -- b'", false},
    {"SELECT 'a' -- a\n, 1", "SELECT 'a', 1", true},
    {"SELECT 'a'\n'b'", "SELECT 'a''b'", false},
    {"SELECT \"a  b\"", "SELECT \"a b\"", false},
    {"DO $$ a -- b\n $$", "DO $$ a -- c\n $$", false},
    {"DO $a$ $$ -- $a$", "DO $a$ $$ -- b $a$", false},
    {"SELECT a$1$ , b", "SELECT a$1$, b", true},
    {"SELECT $1 + $2", "SELECT $1+$2", true},
    {"SELECT 1 - -1", "SELECT 1 + -1", false},
    {"SELECT a @ > b", "SELECT a @> b", false},
    {"SELECT ab", "SELECT a b", false},
    {"SELECT 1 .5", "SELECT 1.5", false},
    {"SELECT A", "SELECT a", false},
};

START_TEST(a_statement_means_what_is_left_without_its_layout)
{
    const char *one = split_meaning(context, meanings[_i].one);
    const char *other = split_meaning(context, meanings[_i].other);

    ck_assert_msg((strcmp(one, other) == 0) == meanings[_i].is_same, "%s | %s", one, other);
}
END_TEST

START_TEST(a_revision_means_its_marks_and_its_other_files_too)
{
    static const struct given plain[] = {{"1_a.sql", "-- migrate:up\nSELECT 1;"}, {NULL, NULL}};
    static const struct given said[] = {{"1_a.sql", "-- migrate:up\n\n--x\nSELECT  1;"},
                                        {NULL, NULL}};
    static const struct given cut[] = {{"1_a.sql", "-- migrate:up transaction:false\nSELECT 1;"},
                                       {NULL, NULL}};
    static const struct given back[] = {{"1_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n;;"
                                                    "SELECT 1"},
                                        {NULL, NULL}};
    char meaning[HASH_HEX_SIZE];

    (void)text_copy(meaning, sizeof(meaning), loaded(plain, 0)->meaning);
    ck_assert_str_eq(loaded(said, 0)->meaning, meaning);
    ck_assert_str_ne(loaded(cut, 0)->meaning, meaning);
    ck_assert_str_ne(loaded(back, 0)->meaning, meaning);
}
END_TEST

static void set_up(void)
{
    scratch_set_up();
    context = scratch.memory;
}

static void tear_down(void)
{
    scratch_tear_down();
}

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, every_layout_is_recognised_and_becomes_the_same_history, 0,
                        (int)row_count());
    tcase_add_test(tcase, no_layout_is_there_that_this_test_does_not_know);
    tcase_add_loop_test(tcase, what_is_imported_is_the_same_history, 0, (int)row_count());
    tcase_add_loop_test(tcase, what_an_agent_gets_is_the_same_history, 0, (int)row_count());
    tcase_add_test(tcase, an_import_that_fails_leaves_nothing);
    tcase_add_test(tcase, versions_order_revisions_and_names_say_them);
    tcase_add_test(tcase, dotted_versions_are_numbers);
    tcase_add_test(tcase, what_arrives_late_leaves_the_others_as_they_are);
    tcase_add_loop_test(tcase, who_says_nothing_of_the_way_back_has_none_and_is_told_so, 0,
                        (int)ARRAY_LEN(ways_back));
    tcase_add_loop_test(tcase, without_a_transaction_each_statement_has_one_of_its_own, 0,
                        (int)ARRAY_LEN(transactions));
    tcase_add_test(tcase, a_reworked_change_is_another_revision_and_the_first_keeps_its_name);
    tcase_add_test(tcase, a_verify_script_must_run_whatever_it_returns);
    tcase_add_loop_test(tcase, a_mistake_is_one_sentence_that_names_the_file_of_the_folder, 0,
                        (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, what_is_left_out_is_said);
    tcase_add_loop_test(tcase, a_statement_means_what_is_left_without_its_layout, 0,
                        (int)ARRAY_LEN(meanings));
    tcase_add_test(tcase, a_revision_means_its_marks_and_its_other_files_too);
}

SUITE("layout", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
