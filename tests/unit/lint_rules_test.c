/* Every rule both ways: what it finds, and what is nearly that and is none. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/lint.h"
#include "support/suite.h"

#include <stdio.h>

static void *memory;

static void set_up(void)
{
    memory = talloc_new(NULL);
}

static void tear_down(void)
{
    talloc_free(memory);
}

/* What an earlier revision made, and so is live. */
static const char base[] =
    "CREATE TABLE p (id bigint PRIMARY KEY, x int NOT NULL DEFAULT 1, y int);"
    "CREATE TABLE t (id bigint PRIMARY KEY, a int, b text, v varchar(20), f int NOT NULL DEFAULT 1,"
    " p_id bigint, CONSTRAINT t_p FOREIGN KEY (p_id) REFERENCES p (id), CHECK (b IS NOT NULL));"
    "CREATE INDEX t_a ON t (a); ALTER TABLE t ADD CONSTRAINT nv CHECK (a > 0) NOT VALID;"
    "CREATE TABLE pt (id int NOT NULL) PARTITION BY RANGE (id);"
    "CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (1);"
    "CREATE TABLE pd (id int NOT NULL) PARTITION BY RANGE (id);"
    "CREATE TABLE pd_rest PARTITION OF pd DEFAULT;"
    "CREATE MATERIALIZED VIEW mv AS SELECT id FROM t; CREATE TYPE mood AS ENUM ('a');"
    "CREATE DOMAIN dom AS int; CREATE TABLE td (d dom); CREATE TABLE lone (id int);"
    "CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';";

#define LONG_NAME "a234567890123456789012345678901234567890123456789012345678901234"
#define JUST_NAME "a23456789012345678901234567890123456789012345678901234567890123"

/* revert: NULL: one that mentions nothing. */
static const struct row {
    enum rule_id rule;
    const char *found, *missed;
    const char *found_revert, *missed_revert;
} rows[] = {
    {.rule = RULE_INDEX_BLOCKS,
     .found = "CREATE INDEX i ON t (b)",
     .missed = "CREATE TABLE n (id int); CREATE INDEX i ON n (id)"},
    {.rule = RULE_INDEX_BLOCKS,
     .found = "CREATE UNIQUE INDEX i ON t (b)",
     .missed = "CREATE INDEX CONCURRENTLY i ON t (b)"},
    {.rule = RULE_INDEX_DROP_BLOCKS,
     .found = "DROP INDEX t_a",
     .missed = "DROP INDEX CONCURRENTLY t_a"},
    {.rule = RULE_REINDEX_BLOCKS,
     .found = "REINDEX TABLE t",
     .missed = "REINDEX TABLE CONCURRENTLY t"},
    {.rule = RULE_REINDEX_BLOCKS,
     .found = "REINDEX INDEX t_a",
     .missed = "REINDEX INDEX CONCURRENTLY t_a"},
    {.rule = RULE_INDEX_NOT_EXISTS,
     .found = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)",
     .missed = "CREATE INDEX CONCURRENTLY i ON t (b)"},
    {.rule = RULE_INDEX_ON_PARTITIONED,
     .found = "CREATE INDEX i ON pt (id)",
     .missed = "CREATE INDEX CONCURRENTLY i ON pt1 (id)"},
    {.rule = RULE_CHECK_SCANS,
     .found = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
     .missed = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID"},
    {.rule = RULE_FOREIGN_KEY_SCANS,
     .found = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id)",
     .missed = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id) NOT VALID"},
    {.rule = RULE_FOREIGN_KEY_SCANS,
     .found = "ALTER TABLE t ADD COLUMN z bigint DEFAULT 1 REFERENCES p (id)",
     .missed = "ALTER TABLE t ADD COLUMN z bigint REFERENCES p (id)"},
    {.rule = RULE_FOREIGN_KEY_DROP,
     .found = "ALTER TABLE t DROP CONSTRAINT t_p",
     .missed = "ALTER TABLE t DROP CONSTRAINT nv"},
    {.rule = RULE_FOREIGN_KEY_DROP, .found = "DROP TABLE t", .missed = "DROP TABLE lone"},
    {.rule = RULE_UNIQUE_BUILDS,
     .found = "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)",
     .missed = "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a);"
               "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u"},
    {.rule = RULE_UNIQUE_BUILDS,
     .found = "ALTER TABLE lone ADD PRIMARY KEY (id)",
     .missed = "CREATE TABLE n (id int PRIMARY KEY)"},
    {.rule = RULE_EXCLUDE_BUILDS,
     .found = "ALTER TABLE t ADD EXCLUDE USING btree (a WITH =)",
     .missed = "CREATE TABLE n (a int, EXCLUDE USING btree (a WITH =))"},
    {.rule = RULE_NOT_NULL_SCANS,
     .found = "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
     .missed = "ALTER TABLE t ALTER COLUMN b SET NOT NULL"},
    {.rule = RULE_NOT_NULL_SCANS,
     .found = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
              "ALTER TABLE t ALTER COLUMN a SET NOT NULL",
     .missed = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
               "ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER COLUMN a SET NOT NULL"},
    {.rule = RULE_VALIDATE_AT_ONCE,
     .found = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID, VALIDATE CONSTRAINT c",
     .missed = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1) NOT VALID;"
               "ALTER TABLE t VALIDATE CONSTRAINT c"},
    {.rule = RULE_COLUMN_REWRITES,
     .found = "ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()",
     .missed = "ALTER TABLE t ADD COLUMN z timestamptz DEFAULT now()"},
    {.rule = RULE_COLUMN_REWRITES,
     .found = "ALTER TABLE t ADD COLUMN z bigserial",
     .missed = "ALTER TABLE t ADD COLUMN z bigint; ALTER TABLE t ALTER COLUMN z SET DEFAULT 1"},
    {.rule = RULE_COLUMN_UNCLEAR,
     .found = "ALTER TABLE t ADD COLUMN z int DEFAULT own_function()",
     .missed = "ALTER TABLE t ADD COLUMN z text DEFAULT lower('A')"},
    {.rule = RULE_COLUMN_REQUIRED,
     .found = "ALTER TABLE t ADD COLUMN z int NOT NULL",
     .missed = "ALTER TABLE t ADD COLUMN z int NOT NULL DEFAULT 1"},
    {.rule = RULE_COLUMN_JSON,
     .found = "ALTER TABLE t ADD COLUMN z json",
     .missed = "ALTER TABLE t ADD COLUMN z jsonb"},
    {.rule = RULE_KEY_SMALL,
     .found = "CREATE TABLE n (id serial PRIMARY KEY)",
     .missed = "CREATE TABLE n (id bigserial PRIMARY KEY, a int)"},
    {.rule = RULE_TYPE_REWRITES,
     .found = "ALTER TABLE t ALTER COLUMN a TYPE bigint",
     .missed = "ALTER TABLE t ALTER COLUMN v TYPE varchar(40)"},
    {.rule = RULE_TYPE_CHANGES,
     .found = "ALTER TABLE t ALTER COLUMN v TYPE varchar(10)",
     .missed = "ALTER TABLE t ALTER COLUMN v TYPE text"},
    {.rule = RULE_RENAME_BREAKS,
     .found = "ALTER TABLE t RENAME COLUMN a TO c",
     .missed = "ALTER INDEX t_a RENAME TO t_c"},
    {.rule = RULE_RENAME_BREAKS,
     .found = "ALTER TYPE mood RENAME VALUE 'a' TO 'b'",
     .missed = "CREATE TABLE n (id int); ALTER TABLE n RENAME TO m"},
    {.rule = RULE_DROP_BREAKS,
     .found = "ALTER TABLE t DROP COLUMN a",
     .missed = "ALTER TABLE t DROP CONSTRAINT nv"},
    {.rule = RULE_DROP_BREAKS,
     .found = "DROP TABLE lone",
     .missed = "CREATE TABLE n (id int); DROP TABLE n"},
    {.rule = RULE_DROP_CASCADE, .found = "DROP TABLE p CASCADE", .missed = "DROP TABLE lone"},
    {.rule = RULE_NULL_APPEARS,
     .found = "ALTER TABLE t ALTER COLUMN f DROP NOT NULL",
     .missed = "ALTER TABLE t ALTER COLUMN a DROP NOT NULL"},
    {.rule = RULE_DEFAULT_GOES,
     .found = "ALTER TABLE t ALTER COLUMN f DROP DEFAULT",
     .missed = "ALTER TABLE t ALTER COLUMN f SET DEFAULT 2"},
    {.rule = RULE_WRITES_REFUSED,
     .found = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 5) NOT VALID",
     .missed = "ALTER TABLE t ADD COLUMN z int CHECK (z > 5)"},
    {.rule = RULE_TRUNCATE, .found = "TRUNCATE t", .missed = "CREATE TABLE n (id int); TRUNCATE n"},
    {.rule = RULE_TABLE_REWRITES, .found = "VACUUM FULL t", .missed = "VACUUM t"},
    {.rule = RULE_TABLE_REWRITES,
     .found = "ALTER TABLE t SET UNLOGGED",
     .missed = "ALTER TABLE t SET LOGGED"},
    {.rule = RULE_PARTITION_OF,
     .found = "CREATE TABLE n PARTITION OF pt FOR VALUES FROM (1) TO (2)",
     .missed = "CREATE TABLE n (LIKE pt)"},
    {.rule = RULE_ATTACH_SCANS,
     .found = "ALTER TABLE pt ATTACH PARTITION lone FOR VALUES FROM (1) TO (2)",
     .missed = "CREATE TABLE n (id int NOT NULL);"
               "ALTER TABLE pt ATTACH PARTITION n FOR VALUES FROM (1) TO (2)"},
    {.rule = RULE_DEFAULT_PARTITION,
     .found = "CREATE TABLE n PARTITION OF pd FOR VALUES FROM (1) TO (2)",
     .missed = "CREATE TABLE n PARTITION OF pt FOR VALUES FROM (1) TO (2)"},
    {.rule = RULE_DETACH_BLOCKS,
     .found = "ALTER TABLE pt DETACH PARTITION pt1",
     .missed = "ALTER TABLE pt DETACH PARTITION pt1 CONCURRENTLY"},
    {.rule = RULE_TRIGGER_LOCKS,
     .found = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg()",
     .missed = "CREATE TABLE n (id int);"
               "CREATE TRIGGER g BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION trg()"},
    {.rule = RULE_TRIGGER_LOCKS, /* it is locked more than that already */
     .found = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg()",
     .missed = "ALTER TABLE t ADD COLUMN z int;"
               "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION trg()"},
    {.rule = RULE_ROW_SECURITY,
     .found = "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
     .missed = "ALTER TABLE t DISABLE ROW LEVEL SECURITY"},
    {.rule = RULE_RULE_CHANGES,
     .found = "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
     .missed = "CREATE TABLE n (id int); CREATE RULE r AS ON DELETE TO n DO INSTEAD NOTHING"},
    {.rule = RULE_REFRESH_BLOCKS,
     .found = "REFRESH MATERIALIZED VIEW mv",
     .missed = "REFRESH MATERIALIZED VIEW CONCURRENTLY mv"},
    {.rule = RULE_DOMAIN_SCANS,
     .found = "ALTER DOMAIN dom ADD CONSTRAINT c CHECK (value > 0)",
     .missed = "ALTER DOMAIN dom ADD CONSTRAINT c CHECK (value > 0) NOT VALID"},
    {.rule = RULE_ENUM_PLACE,
     .found = "ALTER TYPE mood ADD VALUE 'b'",
     .missed = "ALTER TYPE mood ADD VALUE 'b' BEFORE 'a'"},
    {.rule = RULE_PUBLICATION_ALL,
     .found = "CREATE PUBLICATION q FOR ALL TABLES",
     .missed = "CREATE PUBLICATION q FOR TABLE t"},
    {.rule = RULE_LOCK_TABLE,
     .found = "LOCK TABLE t",
     .missed = "CREATE TABLE n (id int); LOCK TABLE n"},
    {.rule = RULE_WHOLE_TABLE,
     .found = "UPDATE t SET a = 1",
     .missed = "UPDATE t SET a = 1 WHERE id = 1"},
    {.rule = RULE_NAME_CUT,
     .found = "CREATE TABLE " LONG_NAME " (id int)",
     .missed = "CREATE TABLE " JUST_NAME " (id int)"},
    {.rule = RULE_TIMEOUT_SET,
     .found = "SET LOCAL lock_timeout = '1h'",
     .missed = "SET LOCAL work_mem = '1GB'"},
    {.rule = RULE_LOCK_HELD,
     .found = "ALTER TABLE t ADD COLUMN z int; UPDATE p SET y = 1 WHERE id = 1",
     .missed = "ALTER TABLE t ADD COLUMN z int;\n-- hakem:commit\nUPDATE p SET y = 1 WHERE id = 1"},
    {.rule = RULE_LOCK_HELD,
     .found = "ALTER TABLE t ADD COLUMN z int; UPDATE t SET z = 1 WHERE id = 1",
     .missed = "CREATE TABLE n (id int); INSERT INTO n SELECT id FROM t"},
    {.rule = RULE_REVERT_MISSING,
     .found = "CREATE TABLE n (id int)",
     .missed = "CREATE TABLE n (id int)",
     .found_revert = "",
     .missed_revert = "DROP TABLE n"},
    {.rule = RULE_REVERT_FORGETS,
     .found = "CREATE TABLE n (id int); CREATE INDEX CONCURRENTLY ia ON t (b)",
     .missed = "CREATE TABLE n (id int); CREATE INDEX ia ON n (id)",
     .found_revert = "DROP TABLE n",
     .missed_revert = "DROP TABLE n"},
    {.rule = RULE_REVERT_FORGETS,
     .found = "ALTER TABLE t ADD COLUMN z int",
     .missed = "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID;"
               "ALTER TABLE t DROP CONSTRAINT k",
     .found_revert = "ALTER TABLE t DROP COLUMN zz",
     .missed_revert = "SELECT 1"},
    {.rule = RULE_ALLOW_UNKNOWN,
     .found = "-- hakem:allow no-such-rule because\nSELECT 1",
     .missed = "-- hakem:allow whole-table because\nUPDATE t SET a = 1"},
    {.rule = RULE_ALLOW_UNREASONED,
     .found = "-- hakem:allow whole-table\nUPDATE t SET a = 1",
     .missed = "-- hakem:allow whole-table it has three rows\nUPDATE t SET a = 1"},
    {.rule = RULE_ALLOW_UNUSED,
     .found = "-- hakem:allow whole-table because\nSELECT 1",
     .missed = "-- hakem:allow whole-table because\n\nSELECT 1; UPDATE t SET a = 1"},
};

#define FILE_OF(file, text)                                                                        \
    {                                                                                              \
        .path = (file), .bytes = (text), .size = strlen(text)                                      \
    }

static struct migration_set *loaded(const struct migration_file *files, size_t count)
{
    struct migration_set *set = NULL;

    assert_ok(migration_load_files(memory, files, count, &set, &failure));
    return set;
}

/* revert "": there is none, as other layouts allow. */
static struct migration_set *history(const char *expand, const char *revert)
{
    const struct migration_file files[] = {
        FILE_OF("0001_base/expand.sql", base),
        FILE_OF("0001_base/revert.sql", "SELECT 1"),
        FILE_OF("0002_next/expand.sql", expand),
        FILE_OF("0002_next/revert.sql", revert[0] != '\0' ? revert : "SELECT 1"),
    };
    struct migration_set *set = loaded(files, ARRAY_LEN(files));
    struct migration_revision *revisions =
        memory_copy(set, set->revisions, set->revision_count * sizeof(set->revisions[0]));

    if (revert[0] == '\0')
        revisions[1].scripts[MIGRATION_SCRIPT_REVERT] = NULL;
    set->revisions = revisions;
    return set;
}

static struct lint_report *lint(const struct lint_options *options)
{
    struct lint_report *report = NULL;

    assert_ok(lint_run(memory, options, &report, &failure));
    return report;
}

static const struct lint_finding *find(const struct lint_report *report, enum rule_id rule)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].rule == rule && report->findings[i].revision == 1)
            return &report->findings[i];
    return NULL;
}

static const struct lint_finding *find_in(const char *expand, const char *revert, enum rule_id rule)
{
    struct lint_options options = {.set = history(expand, revert != NULL ? revert : "SELECT 1")};

    return find(lint(&options), rule);
}

START_TEST(every_rule_finds_what_it_is_for_and_not_what_is_nearly_that)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        const char *name = rule_row(row->rule)->name;
        const struct lint_finding *found = find_in(row->found, row->found_revert, row->rule);

        ck_assert_msg(found != NULL, "%s is not found in: %s", name, row->found);
        ck_assert_msg(strchr(found->what, '{') == NULL && strchr(found->instead, '{') == NULL,
                      "%s: %s / %s", name, found->what, found->instead);
        ck_assert_msg(found->instead[0] != '\0', "%s says nothing to write instead", name);
        ck_assert_msg(find_in(row->missed, row->missed_revert, row->rule) == NULL,
                      "%s is found in: %s", name, row->missed);
    }
}
END_TEST

/* Those that only a database shows have a test of their own, below. */
START_TEST(every_rule_is_tried)
{
    for (size_t r = 0; r < RULE_COUNT; r++) {
        bool is_tried = r == RULE_INDEX_CORRUPTS || r == RULE_KEY_NEARLY_FULL;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
            is_tried |= rows[i].rule == r;
        ck_assert_msg(is_tried, "%s has no row here", rule_row((enum rule_id)r)->name);
        ck_assert(rule_row((enum rule_id)r)->what != NULL);
        ck_assert(rule_row((enum rule_id)r)->why != NULL);
    }
}
END_TEST

START_TEST(a_server_that_corrupts_concurrent_indexes_is_named_by_its_version)
{
    struct lint_sizes old = {.server_version = 140003}, new = {.server_version = 140004};
    struct lint_options options = {
        .set = history("CREATE INDEX CONCURRENTLY i ON t (b)", "DROP INDEX i"), .sizes = &old};

    ck_assert_ptr_nonnull(find(lint(&options), RULE_INDEX_CORRUPTS));
    options.sizes = &new;
    ck_assert_ptr_null(find(lint(&options), RULE_INDEX_CORRUPTS));
}
END_TEST

START_TEST(a_key_is_named_from_half_of_its_numbers_on)
{
    struct lint_key key = {.schema = "public", .table = "t", .column = "id", .percent = 50};
    struct lint_sizes sizes = {.key_count = 1, .keys = &key, .server_version = 150000};
    struct lint_options options = {.set = history("SELECT 1", "SELECT 1"), .sizes = &sizes};

    ck_assert_str_eq(find(lint(&options), RULE_KEY_NEARLY_FULL)->what,
                     "the key id of public.t has used 50 % of its numbers");
    key.percent = 49;
    ck_assert_ptr_null(find(lint(&options), RULE_KEY_NEARLY_FULL));
}
END_TEST

START_TEST(a_scan_of_a_small_table_is_a_note)
{
    struct lint_size size = {.schema = "public", .name = "t", .rows = LINT_SMALL_ROWS_MAX};
    struct lint_sizes sizes = {.count = 1, .sizes = &size, .server_version = 150000};
    struct lint_options options = {.set = history("CREATE INDEX i ON t (b)", "DROP INDEX i"),
                                   .sizes = &sizes};
    struct lint_report *report = lint(&options);

    ck_assert_int_eq(find(report, RULE_INDEX_BLOCKS)->severity, RULE_NOTE);
    ck_assert_uint_eq(report->error_count, 0);
    size.rows++;
    ck_assert_int_eq(find(lint(&options), RULE_INDEX_BLOCKS)->severity, RULE_ERROR);
    size.rows = 1;
    size.bytes = (uint64_t)LINT_SMALL_BYTES_MAX + 1;
    ck_assert_int_eq(find(lint(&options), RULE_INDEX_BLOCKS)->severity, RULE_ERROR);
}
END_TEST

START_TEST(what_to_write_instead_has_the_names_of_the_statement)
{
    static const struct {
        enum rule_id rule;
        const char *sql, *instead;
    } texts[] = {
        {RULE_FOREIGN_KEY_SCANS,
         "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p (id) ON DELETE CASCADE",
         "ALTER TABLE public.t ADD CONSTRAINT t_a_fkey FOREIGN KEY (a) REFERENCES public.p (id) ON "
         "DELETE CASCADE NOT VALID;\nALTER TABLE public.t VALIDATE CONSTRAINT t_a_fkey;"},
        {RULE_CHECK_SCANS, "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0 AND (b <> ')'))",
         "ALTER TABLE public.t ADD CONSTRAINT c CHECK (a > 0 AND (b <> ')')) NOT VALID;\n"
         "ALTER TABLE public.t VALIDATE CONSTRAINT c;"},
        {RULE_UNIQUE_BUILDS, "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a, b)",
         "CREATE UNIQUE INDEX CONCURRENTLY u ON public.t (a, b);\n"
         "ALTER TABLE public.t ADD CONSTRAINT u UNIQUE USING INDEX u;"},
        {RULE_INDEX_BLOCKS, "create unique index \"I\" on t (lower(b))",
         "create unique index CONCURRENTLY \"I\" on t (lower(b));"},
        {RULE_INDEX_NOT_EXISTS, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (b)",
         "CREATE INDEX CONCURRENTLY i ON t (b);"},
        {RULE_REINDEX_BLOCKS, "REINDEX TABLE t", "REINDEX TABLE CONCURRENTLY t;"},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        ck_assert_str_eq(find_in(texts[i].sql, NULL, texts[i].rule)->instead, texts[i].instead);
}
END_TEST

/* ---- what is live ---- */

static struct migration_set *three_revisions(const char *releases)
{
    const struct migration_file files[] = {
        FILE_OF("0001_a/expand.sql", "CREATE TABLE old (id int)"),
        FILE_OF("0001_a/revert.sql", "DROP TABLE old"),
        FILE_OF("0002_b/expand.sql", "CREATE TABLE young (id int)"),
        FILE_OF("0002_b/revert.sql", "DROP TABLE young"),
        FILE_OF("0003_c/expand.sql", "CREATE INDEX a ON old (id); CREATE INDEX b ON young (id)"),
        FILE_OF("0003_c/revert.sql", "SELECT 1"),
        FILE_OF("releases.yaml", releases),
    };

    return loaded(files, releases[0] != '\0' ? 7 : 6);
}

static size_t count_of(const struct lint_options *options, enum rule_id rule)
{
    const struct lint_report *report = lint(options);
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->findings[i].rule == rule;
    return count;
}

START_TEST(tables_of_the_same_unreleased_set_are_not_live)
{
    size_t first = 0;
    struct lint_options options = {.set = three_revisions("")};

    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 2);
    options.from = &first;
    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 1);
    options.from = NULL;
    options.set = three_revisions("releases:\n  - {name: \"1\", needs: 0001_a}\n");
    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 1);
    options.set = three_revisions("releases:\n  - {name: \"1\", needs: 0001_a}\n"
                                  "  - {name: \"2\", needs: 0003_c}\n");
    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 1);
    options.set = three_revisions("releases:\n  - {name: \"1\", needs: 0002_b}\n");
    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 2);
}
END_TEST

/* ---- what breaks ---- */

START_TEST(what_breaks_the_release_before_is_named_with_a_way_out)
{
    struct lint_options options = {
        .set = history("SELECT 1;\nALTER TABLE t DROP COLUMN a", "SELECT 1")};
    const struct lint_finding *found = lint_first_break(lint(&options), 1);

    ck_assert_ptr_nonnull(found);
    ck_assert_uint_eq(found->line, 2);
    ck_assert_str_eq(found->instead, "ALTER TABLE t DROP COLUMN a; -- in contract.sql");
    options.set = history("ALTER TABLE t ADD COLUMN z int", "ALTER TABLE t DROP COLUMN z");
    ck_assert_ptr_null(lint_first_break(lint(&options), 1));
    options.set = history("-- hakem:allow drop-breaks nobody has read it since release 3\n"
                          "ALTER TABLE t DROP COLUMN a",
                          "SELECT 1");
    ck_assert_ptr_null(lint_first_break(lint(&options), 1));
}
END_TEST

START_TEST(contract_and_revert_may_break_but_not_block)
{
    static const char contract[] = "ALTER TABLE t DROP COLUMN a; CREATE INDEX i ON t (b)";
    const struct migration_file files[] = {
        FILE_OF("0001_base/expand.sql", base),       FILE_OF("0001_base/revert.sql", "SELECT 1"),
        FILE_OF("0002_next/expand.sql", "SELECT 1"), FILE_OF("0002_next/revert.sql", contract),
        FILE_OF("0002_next/contract.sql", contract),
    };
    struct lint_options options = {.set = loaded(files, ARRAY_LEN(files))};

    ck_assert_uint_eq(count_of(&options, RULE_DROP_BREAKS), 0);
    ck_assert_uint_eq(count_of(&options, RULE_INDEX_BLOCKS), 2);
}
END_TEST

START_TEST(a_condition_is_that_of_its_statement_wherever_it_stands)
{
    struct lint_options options = {.set = history("SELECT (1);\n/* (\xc3\xa9) */ ALTER TABLE t ADD "
                                                  "CONSTRAINT c CHECK (b <> E'a''\\')');\n"
                                                  "SELECT (2)",
                                                  "ALTER TABLE t DROP CONSTRAINT c")};
    const struct lint_report *report = lint(&options);
    const struct lint_finding *found = NULL;

    for (size_t i = 0; i < report->count; i++)
        if (report->findings[i].rule == RULE_CHECK_SCANS)
            found = &report->findings[i];
    ck_assert_ptr_nonnull(found);
    ck_assert_msg(strstr(found->instead, "CHECK (b <> E'a''\\')')") != NULL, "%s", found->instead);
}
END_TEST

/* The example that we ship: no error, no warning. */
START_TEST(our_own_history_is_clean)
{
    const char *root = getenv("HAKEM_ROOT");
    struct lint_options options = {0};
    struct migration_set *set = NULL;
    struct lint_report *report;

    ck_assert_ptr_nonnull(root);
    assert_ok(migration_load(memory, memory_format(memory, "%s/migrations", root), &set, &failure));
    options.set = set;
    report = lint(&options);
    for (size_t i = 0; i < report->count; i++)
        ck_assert_msg(report->findings[i].severity == RULE_NOTE, "%s:%zu: %s",
                      report->findings[i].path, report->findings[i].line, report->findings[i].what);
    for (size_t i = 0; i < set->revision_count; i++)
        ck_assert_ptr_null(lint_first_break(report, i));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_rule_finds_what_it_is_for_and_not_what_is_nearly_that);
    tcase_add_test(tcase, every_rule_is_tried);
    tcase_add_test(tcase, a_server_that_corrupts_concurrent_indexes_is_named_by_its_version);
    tcase_add_test(tcase, a_key_is_named_from_half_of_its_numbers_on);
    tcase_add_test(tcase, a_scan_of_a_small_table_is_a_note);
    tcase_add_test(tcase, what_to_write_instead_has_the_names_of_the_statement);
    tcase_add_test(tcase, tables_of_the_same_unreleased_set_are_not_live);
    tcase_add_test(tcase, what_breaks_the_release_before_is_named_with_a_way_out);
    tcase_add_test(tcase, contract_and_revert_may_break_but_not_block);
    tcase_add_test(tcase, a_condition_is_that_of_its_statement_wherever_it_stands);
    tcase_add_test(tcase, our_own_history_is_clean);
}

SUITE("lint: rules", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
