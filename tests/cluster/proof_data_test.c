/* Histories tested with rows: what is made up, what is loaded, and what a round trip loses. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/data.h"
#include "common/proof/fill.h"
#include "common/proof/proof.h"
#include "support/engine.h"

#include <stdio.h>
#include <unistd.h>

#define ROWS 200

static struct proof_report *report;

static enum error_code prove_with(uint64_t rows, const char *data)
{
    const struct proof_options options = {.set = engine.set,
                                          .target = engine.set->head,
                                          .url = engine.url,
                                          .rows = rows,
                                          .data = data};

    return proof_run(engine.set, &options, &report, &failure);
}

static enum error_code fill(void)
{
    struct fill_result result = {.tables = 0};

    return fill_tables(engine.session, engine.session, ROWS, &result, &failure);
}

/* Everything that a column can be, and every way in which tables refer to each other. */
static const char kinds[] =
    "CREATE TYPE mood AS ENUM ('good', 'bad', 'so, \"so\"');"
    "CREATE DOMAIN small AS int CHECK (VALUE > 3 AND VALUE < 10);"
    "CREATE DOMAIN smaller AS small CHECK (VALUE <> 5);"
    "CREATE DOMAIN code AS varchar(5) NOT NULL CHECK (VALUE <> '');"
    "CREATE TABLE parent (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " \"Odd, name\" text UNIQUE NOT NULL, boss bigint REFERENCES parent);"
    "CREATE TABLE a_child (p bigint NOT NULL REFERENCES parent,"
    " n smallint NOT NULL CHECK (n BETWEEN 0 AND 3), PRIMARY KEY (p, n));"
    "CREATE TABLE a_pair (x bigint, y smallint, d int UNIQUE,"
    " FOREIGN KEY (x, y) REFERENCES a_child);"
    "CREATE TABLE kinds (id serial PRIMARY KEY, a smallint, b int NOT NULL, c bigint,"
    " d numeric(5,2) NOT NULL, e numeric, f real, g double precision, h boolean NOT NULL, i text,"
    " j varchar(3) UNIQUE, k char(2), l uuid UNIQUE, m bytea, n date NOT NULL, o timestamp,"
    " p timestamptz NOT NULL DEFAULT now(), q time, r interval, s json, t jsonb NOT NULL, u inet,"
    " v cidr, w macaddr, x point, y tsvector, z xml, aa text[] NOT NULL, ab int4range,"
    " ac mood NOT NULL, ad small NOT NULL, ae smaller, af code,"
    " ag int GENERATED ALWAYS AS (b + 1) STORED, ah money, ai oid, aj name, ak bit(3),"
    " al timetz, am numeric(3,3) NOT NULL, an int4multirange,"
    " ao text NOT NULL CHECK (ao IN ('it''s', 'b', 'c')), CHECK (b >= 0 OR a IS NULL));"
    "CREATE TABLE parts (id int NOT NULL, k text) PARTITION BY HASH (id);"
    "CREATE TABLE part_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE part_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "CREATE TABLE left_side (id int PRIMARY KEY, other int);"
    "CREATE TABLE right_side (id int PRIMARY KEY, other int NOT NULL REFERENCES left_side);"
    "ALTER TABLE left_side ADD FOREIGN KEY (other) REFERENCES right_side;"
    "CREATE TABLE only_an_id (id int GENERATED ALWAYS AS IDENTITY);"
    "CREATE TABLE no_column ();";

START_TEST(rows_of_every_kind_of_column_are_made_up_and_keys_point_somewhere)
{
    sql(kinds);
    assert_ok(fill());
    ck_assert_uint_eq(ask("SELECT count(*) FROM kinds"), ROWS);
    ck_assert_uint_eq(ask("SELECT count(*) FROM parts"), ROWS);
    ck_assert_uint_eq(ask("SELECT count(*) FROM right_side"), ROWS);
    ck_assert_uint_eq(ask("SELECT count(*) FROM only_an_id"), ROWS);
    ck_assert_uint_gt(ask("SELECT count(DISTINCT p) FROM a_child"), ROWS / 2);
    ck_assert_uint_gt(ask("SELECT count(*) FROM a_pair JOIN a_child ON (p, n) = (x, y)"), ROWS / 2);
    ck_assert_uint_eq(ask("SELECT count(DISTINCT ao) FROM kinds"), 3);
    ck_assert_uint_eq(ask("SELECT count(DISTINCT ac) FROM kinds"), 3);
    ck_assert(is_true("SELECT count(*) FILTER (WHERE i IS NULL) BETWEEN 1 AND 100 FROM kinds"));
    ck_assert(is_true("SELECT every(ad BETWEEN 4 AND 9) FROM kinds"));
}
END_TEST

START_TEST(the_same_rows_are_made_up_every_time)
{
    static const char hash[] = "SELECT (sum(hashtextextended(t::text, 0)) % 1000000007 +"
                               " 1000000007)::bigint FROM kinds t";
    uint64_t first;

    sql(kinds);
    assert_ok(fill());
    first = ask(hash);
    sql("TRUNCATE parent, a_child, a_pair, kinds, parts, left_side, right_side, only_an_id,"
        " no_column RESTART IDENTITY");
    assert_ok(fill());
    ck_assert_uint_eq(ask(hash), first);
}
END_TEST

START_TEST(tables_that_hold_rows_are_left_as_they_are)
{
    sql("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (7)");
    assert_ok(fill());
    ck_assert_uint_eq(ask("SELECT count(*) FROM a"), 1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM b"), ROWS);
}
END_TEST

START_TEST(a_table_with_room_for_few_rows_gets_these_and_is_said)
{
    struct fill_result result = {.tables = 0};

    sql("CREATE TABLE modes (on_or_off boolean PRIMARY KEY)");
    assert_ok(fill_tables(engine.session, engine.session, ROWS, &result, &failure));
    ck_assert_uint_eq(result.tables, 1);
    ck_assert_uint_eq(result.rows, 2);
    ck_assert_str_eq(result.scant, "public.modes 2");
}
END_TEST

/* Loop test: tables that refuse whatever is made up, and what is said of each. */
static const struct {
    const char *sql, *says;
} stubborn[] = {
    {"CREATE TABLE codes (code text NOT NULL CONSTRAINT of_iso CHECK (code ~ '^[A-Z]{12}$'))",
     "public.codes: its constraints (of_iso)"},
    {"CREATE TABLE odd (id int PRIMARY KEY, up int NOT NULL REFERENCES odd)", "public.odd"},
    {"CREATE TABLE far (id bit(3) NOT NULL)", "its column id must have a value, and of bit(3)"},
    {"CREATE TABLE small (id int) PARTITION BY RANGE (id)", "public.small"},
    {"CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
     " 'BEGIN RAISE ''not with me''; END'; CREATE TABLE shut (id int);"
     " CREATE TRIGGER no BEFORE INSERT ON shut FOR EACH ROW EXECUTE FUNCTION no()",
     "public.shut: not with me"},
};

START_TEST(a_table_that_takes_none_is_named_with_the_way_out)
{
    sql(stubborn[_i].sql);
    assert_fails(ERROR_REFUSED, fill());
    assert_says("no rows can be made up for");
    assert_says(stubborn[_i].says);
    assert_says("--data FILE");
}
END_TEST

/* ---- round trips ---- */

static void given_people(void)
{
    given("0001_people/expand.sql",
          "CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, bio text NOT NULL,"
          " points int NOT NULL);");
    given("0001_people/revert.sql", "DROP TABLE people;");
}

static void assert_rows_differ(const char *says)
{
    ck_assert_ptr_nonnull(report->failed);
    ck_assert_str_eq(report->failed->revision->name, "0002_next");
    ck_assert_msg(report->failed_check == PROOF_ROWS, "%s",
                  report->failed->results[report->failed_check].sentence);
    ck_assert_msg(strstr(report->failed->results[PROOF_ROWS].sentence, says) != NULL, "%s",
                  report->failed->results[PROOF_ROWS].sentence);
}

START_TEST(columns_that_come_and_go_do_not_count_and_rows_that_stay_are_the_same)
{
    given_people();
    given("0002_next/expand.sql", "ALTER TABLE people ADD COLUMN motto text;"
                                  "CREATE TABLE more AS SELECT id FROM people;");
    given("0002_next/revert.sql", "DROP TABLE more; ALTER TABLE people DROP COLUMN motto;");
    given("0002_next/migration.yaml", "backfill: [{table: public.people, key: id,"
                                      " set: \"motto = name\", where: motto IS NULL}]\n");
    load();
    assert_ok(prove_with(ROWS, NULL));
    ck_assert_ptr_null(report->failed);
    ck_assert_uint_eq(report->revisions[0].rows, 0);
    ck_assert_uint_eq(report->revisions[1].rows, ROWS);
    ck_assert(report->revisions[0].results[PROOF_ROWS].outcome == PROOF_PASSED);
    ck_assert(report->revisions[1].results[PROOF_ROWS].outcome == PROOF_PASSED);
    ck_assert_uint_gt(report->revisions[1].phase_us[PROOF_PHASE_BACKFILL], 0);
}
END_TEST

START_TEST(without_rows_nothing_of_them_is_claimed)
{
    given_people();
    load();
    assert_ok(prove_with(0, NULL));
    ck_assert(report->revisions[0].results[PROOF_ROWS].outcome == PROOF_SKIPPED);
}
END_TEST

/* Loop test: ways there and back that restore the schema and not the rows. */
static const struct {
    const char *expand, *revert, *says;
} losses[] = {
    {"ALTER TABLE people DROP COLUMN bio;",
     "ALTER TABLE people ADD COLUMN bio text NOT NULL DEFAULT '';"
     "ALTER TABLE people ALTER COLUMN bio DROP DEFAULT;",
     "public.people has other values in bio"},
    {"DELETE FROM people WHERE id <= 10;", "SELECT 1;", "public.people had 200 rows and has 190"},
    {"INSERT INTO people VALUES (0, 'bot', '', 0);", "SELECT 1;",
     "public.people had 200 rows and has 201"},
    {"UPDATE people SET points = points + 1;",
     "UPDATE people SET points = greatest(points - 1, 5);",
     "public.people has other values in points"},
    {"UPDATE people p SET name = o.name FROM people o WHERE p.id + o.id = 201;", "SELECT 1;",
     "public.people has its values in other rows"},
};

START_TEST(a_way_back_that_loses_values_is_said_by_table_and_column)
{
    given_people();
    given("0002_next/expand.sql", losses[_i].expand);
    given("0002_next/revert.sql", losses[_i].revert);
    load();
    assert_ok(prove_with(ROWS, NULL));
    assert_rows_differ(losses[_i].says);
}
END_TEST

/* ---- a file ---- */

static const char *write_data(const char *text)
{
    char *path = memory_text(engine.session, "/tmp/hakem-data-XXXXXX");
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(fd), 0);
    return path;
}

START_TEST(a_file_is_loaded_before_the_second_revision_copies_included)
{
    const char *path = write_data("\\set name 'b'\n"
                                  "INSERT INTO people VALUES (1, :'name', '', 3);\n"
                                  "COPY people FROM STDIN;\n2\tc\t\t4\n\\.\n");

    given_people();
    given("0002_next/expand.sql", "UPDATE people SET points = 0 WHERE id = 2;");
    given("0002_next/revert.sql", "SELECT 1;");
    load();
    assert_ok(prove_with(0, path));
    assert_rows_differ("public.people has other values in points");
    ck_assert_uint_eq(report->revisions[1].rows, 2);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_file_that_does_not_fit_is_said_in_psql_s_words)
{
    const char *path = write_data("INSERT INTO people VALUES (1);\nINSERT INTO peple VALUES (2);");

    given_people();
    given("0002_next/expand.sql", "SELECT 1;");
    given("0002_next/revert.sql", "SELECT 1;");
    load();
    assert_fails(ERROR_INVALID, prove_with(0, path));
    assert_says(path);
    assert_says("null value in column \"name\"");
    assert_fails(ERROR_NOT_FOUND, data_load(engine.session, "/nowhere.sql", NULL, &failure));
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, rows_of_every_kind_of_column_are_made_up_and_keys_point_somewhere);
    tcase_add_test(tcase, the_same_rows_are_made_up_every_time);
    tcase_add_test(tcase, tables_that_hold_rows_are_left_as_they_are);
    tcase_add_test(tcase, a_table_with_room_for_few_rows_gets_these_and_is_said);
    tcase_add_loop_test(tcase, a_table_that_takes_none_is_named_with_the_way_out, 0,
                        (int)ARRAY_LEN(stubborn));
    tcase_add_test(tcase, columns_that_come_and_go_do_not_count_and_rows_that_stay_are_the_same);
    tcase_add_test(tcase, without_rows_nothing_of_them_is_claimed);
    tcase_add_loop_test(tcase, a_way_back_that_loses_values_is_said_by_table_and_column, 0,
                        (int)ARRAY_LEN(losses));
    tcase_add_test(tcase, a_file_is_loaded_before_the_second_revision_copies_included);
    tcase_add_test(tcase, a_file_that_does_not_fit_is_said_in_psql_s_words);
}

ENGINE_SUITE("proof: data", add_all)
