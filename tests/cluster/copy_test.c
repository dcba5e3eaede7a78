/* Rows into files and back: the same in every format, whenever it is killed. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/copy/copy.h"
#include "support/engine.h"
#include "support/scratch.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_MAX 67108864

static struct copy_result result;

/* Everything that a format may trip over, in a and not in b; 1000 rows. */
static void given_tables(void)
{
    sql("CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \"Some, \"\"name\" "
        "text,"
        " big numeric, real float8, bytes bytea, doc jsonb, raw json, at timestamptz, list text[],"
        " ok boolean, twice numeric GENERATED ALWAYS AS (big * 2) STORED);"
        "CREATE TABLE b (LIKE a INCLUDING ALL);"
        "INSERT INTO a (\"Some, \"\"name\", big, real, bytes, doc, raw, at, list, ok) VALUES"
        " (E'it''s \"q\", \\\\ \\n\\r\\t\\\\.', 12345678901234567890.000100, 0.1, '\\x00ff0a',"
        " '{\"a\": [1.50, null, \"x\\ny\"]}', E'{\"a\":\\n 1, \"a\": 2}', 'infinity',"
        " ARRAY['a,\"b', NULL, E'c\\nd'], true),"
        " ('', -1e-7, 'NaN', '', '\"\"', '[]', '-infinity', '{}', false),"
        " (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),"
        " (E'\\\\.', 0, '-Infinity', '\\x5c', 'true', '\"\\u0041\"', '2024-02-29 12:34:56.789+05', "
        "'{1}', NULL),"
        " (U&'\\0633\\0627\\0631\\0627 {}', 1, 1e300, '\\x22', '{}', '{}', 'epoch', '{NULL}', "
        "true);"
        "INSERT INTO a (\"Some, \"\"name\", big) SELECT 'n' || i || repeat(E'\\n', i % 3), i / 7.0"
        " FROM generate_series(1, 995) i");
}

/* Without a column whose JSON only the server reads. */
static void given_plain_tables(void)
{
    given_tables();
    sql("ALTER TABLE a DROP COLUMN list; ALTER TABLE b DROP COLUMN list");
}

static uint64_t hash_of(const char *table)
{
    char query[200];

    (void)text_format(query, sizeof(query),
                      "SELECT ('x' || substr(md5(string_agg(r::text, ',' ORDER BY id)), 1, 8))"
                      "::bit(32)::bigint FROM %s AS r",
                      table);
    return ask(query);
}

/* What is of type json comes back as the same value, and may be written otherwise: a line has no
 * room for line ends between its words. */
static void forgive_writing(enum copy_format format)
{
    if (format != COPY_JSONL)
        return;
    ck_assert(is_true("SELECT bool_and(b.raw::jsonb = a.raw::jsonb)"
                      " FROM a JOIN b USING (id) WHERE a.raw IS NOT NULL"));
    sql("UPDATE b SET raw = a.raw FROM a WHERE a.id = b.id");
}

static enum error_code out(struct copy_order order)
{
    return copy_table_out(engine.session, &order, &result, &failure);
}

static enum error_code in(struct copy_order order)
{
    order.table = order.table != NULL ? order.table : "b";
    return copy_table_in(engine.session, &order, &result, &failure);
}

static char *bytes_of(const char *path, size_t *ret_size)
{
    char *bytes = NULL;

    assert_ok(file_read(scratch.memory, path, FILE_MAX, &bytes, ret_size, &failure));
    return bytes;
}

static void assert_same(const char *path, const char *other)
{
    size_t size = 0, other_size = 0;
    const char *bytes = bytes_of(path, &size);
    const char *others = bytes_of(other, &other_size);

    ck_assert_uint_eq(size, other_size);
    ck_assert_int_eq(memcmp(bytes, others, size), 0);
}

START_TEST(what_went_out_comes_in_as_it_was)
{
    enum copy_format format = (enum copy_format)_i;
    const char *path = scratch_path("rows");

    given_tables();
    assert_ok(out((struct copy_order){.table = "public.a", .format = format, .path = path}));
    ck_assert_uint_eq(result.rows, 1000);
    if (format == COPY_SQL) /* it names its table */
        sql("ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a");
    assert_ok(in((struct copy_order){
        .table = format == COPY_SQL ? "public.a" : "b", .format = format, .path = path}));
    ck_assert_uint_eq(result.rows, 1000);
    forgive_writing(format);
    ck_assert_uint_eq(hash_of(format == COPY_SQL ? "c" : "b"), hash_of("a"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.copied"), 0);
}
END_TEST

static size_t ranges;

static void count_range(void *context, uint64_t rows, uint64_t bytes)
{
    (void)context;
    (void)bytes;
    ranges++;
    ck_assert_uint_eq(rows, ranges * 7);
}

/* One that only the server reads is read in full there, and the other here: the rows are the same.
 */
START_TEST(lines_of_json_come_in_as_they_were_whoever_reads_them)
{
    const char *path = scratch_path("rows");

    given_plain_tables();
    sql("ALTER TABLE a ADD COLUMN \"\\ \u0633\" varchar, ADD COLUMN mood inet; UPDATE a SET mood = "
        "'10.0.0.1/8', \"\\ \u0633\" = E'\\\\.' WHERE id % 2 = 0;"
        "ALTER TABLE b ADD COLUMN mood inet, ADD COLUMN \"\\ \u0633\" varchar");
    assert_ok(out((struct copy_order){.table = "a", .format = COPY_JSONL, .path = path}));
    assert_ok(in((struct copy_order){.format = COPY_JSONL, .path = path, .range_rows = 300}));
    ck_assert_uint_eq(result.rows, 1000);
    forgive_writing(COPY_JSONL);
    sql("CREATE VIEW c AS SELECT id, \"Some, \"\"name\", big, real, bytes, doc, raw, at, ok, twice,"
        " \"\\ \u0633\", mood FROM b");
    ck_assert_uint_eq(hash_of("c"), hash_of("a"));
}
END_TEST

/* What a query gives is what the server makes of it. */
START_TEST(lines_of_a_table_are_byte_for_byte_the_server_s)
{
    const char *ours = scratch_path("ours"), *theirs = scratch_path("theirs");

    sql("CREATE TYPE mood AS ENUM ('so \"so\"', 'gut'); CREATE TYPE pair AS (x int, y text);"
        "CREATE DOMAIN small AS int; CREATE DOMAIN word AS text;"
        "CREATE TABLE every (a int2, b float4, c numeric, d bool, e varchar(9), f char(5), g uuid,"
        " h mood, i small, j word, k pair, l int[], m date, n time, o timestamp, p timestamptz,"
        " q interval, r bytea, s inet, t money, u json, v jsonb, w \"char\", x name, y xid,"
        " z int4range, \"say \"\"x\"\" \\\" text)");
    sql("INSERT INTO every VALUES"
        " (1, 1.5e-30, 'NaN', true, E'\\b\\f\\x01\\x7f', 'ab', gen_random_uuid(), 'so \"so\"', 7, "
        "E'\\v\\t',"
        " ROW (1, E'a\\n'), '{{1,2}}', '2024-02-29', '12:34:56.789', '2024-02-29 1:2:3',"
        " '2024-02-29 1:2:3.4+5:30', '1 year 2 days', '\\x00ff5c', '10.0.0.1/8', 12.5,"
        " E'{\\n \"a\" :\\r\\t 1, \"a\": \"\\\\n\"}', '{\"b\": 1.50}', 'x', 'n', '7', '[1,5)', "
        "E'\\\\N'),"
        " (-1, 'Infinity', -1e-7, false, '\\N', '', NULL, 'gut', -7, '', NULL, '{}', 'infinity', "
        "'0:0',"
        " '-infinity', 'epoch', '-1 s', '', '::1', -1, '\"\\u0041\"', '\"\"', '\"', 'm', '1', "
        "'empty', '\\.')");
    sql("INSERT INTO every DEFAULT VALUES");
    sql("ALTER TABLE every ADD COLUMN twice int GENERATED ALWAYS AS (a * 2) STORED");
    assert_ok(out((struct copy_order){.table = "every", .format = COPY_JSONL, .path = ours}));
    sql("ALTER TABLE every DROP COLUMN twice");
    assert_ok(out(
        (struct copy_order){.query = "SELECT * FROM every", .format = COPY_JSONL, .path = theirs}));
    assert_same(ours, theirs);
}
END_TEST

START_TEST(by_ranges_of_any_key_it_is_the_same_file)
{
    enum copy_format format = (enum copy_format)_i;

    ranges = 0;

    given_tables();
    sql("CREATE TABLE u (id uuid PRIMARY KEY, t text NOT NULL UNIQUE); INSERT INTO u SELECT"
        " md5(i::text)::uuid, 'it''s ' || i FROM generate_series(1, 500) i");
    assert_ok(out((struct copy_order){.table = "a", .format = format, .path = scratch_path("1")}));
    assert_ok(out((struct copy_order){.table = "a",
                                      .format = format,
                                      .path = scratch_path("2"),
                                      .key = "id",
                                      .range_rows = 7,
                                      .progress = count_range}));
    ck_assert_uint_eq(ranges, 1000 / 7);
    assert_same(scratch_path("1"), scratch_path("2"));
    ck_assert(!file_exists(scratch_path("2.progress")));
    assert_ok(out((struct copy_order){
        .table = "u", .format = format, .path = scratch_path("3"), .key = "id", .range_rows = 49}));
    assert_ok(out((struct copy_order){
        .table = "u", .format = format, .path = scratch_path("4"), .key = "t", .range_rows = 50}));
    ck_assert_uint_eq(result.rows, 500);
}
END_TEST

/* ---- killed ---- */

static void count_down(void *context, uint64_t rows, uint64_t bytes)
{
    size_t *left = context;

    (void)rows;
    (void)bytes;
    if ((*left)-- == 0)
        (void)raise(SIGKILL);
}

/* In a process that kills itself behind so many ranges or portions; true if it came to its end. */
static bool copy_until_killed(struct copy_order order, bool is_in, size_t left)
{
    int status;
    pid_t pid = fork();

    order.context = &left;
    order.progress = count_down;
    if (pid == 0) {
        struct session *own = open_session("copy");
        enum error_code code = is_in ? copy_table_in(own, &order, &result, &failure)
                                     : copy_table_out(own, &order, &result, &failure);

        _exit(code == ERROR_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFEXITED(status);
}

static void append(const char *path, const char *text)
{
    size_t size = 0;
    char *bytes = bytes_of(path, &size);
    struct text *all = text_new(scratch.memory, FILE_MAX);

    text_append_bytes(all, bytes, size);
    text_append(all, text);
    assert_ok(file_write_atomically(path, all->data, all->size, 0600, &failure));
}

START_TEST(a_copy_out_that_was_killed_goes_on_and_is_the_same_file)
{
    struct copy_order order = {.table = "a",
                               .format = (enum copy_format)_i,
                               .path = scratch_path("rows"),
                               .key = "id",
                               .range_rows = 100};
    size_t kills = 0;

    given_tables();
    assert_ok(out(
        (struct copy_order){.table = "a", .format = order.format, .path = scratch_path("whole")}));
    while (!copy_until_killed(order, false, 2)) {
        kills++;
        order.resumes = true;
        append(order.path, "half a ra"); /* what a crash may leave */
        ck_assert_uint_lt(kills, 20);
    }
    ck_assert_uint_ge(kills, 3);
    assert_same(order.path, scratch_path("whole"));
    ck_assert(!file_exists(scratch_path("rows.progress")));
}
END_TEST

START_TEST(a_copy_in_that_was_killed_goes_on_and_no_row_is_there_twice)
{
    struct copy_order order = {.table = "b",
                               .format = (enum copy_format)_i,
                               .path = scratch_path("rows"),
                               .range_rows = 100};
    size_t kills = 0;

    given_tables();
    if (order.format == COPY_SQL)
        sql("ALTER TABLE a RENAME TO c; ALTER TABLE b RENAME TO a; ALTER TABLE c RENAME TO b");
    assert_ok(out((struct copy_order){.table = order.format == COPY_SQL ? "b" : "a",
                                      .format = order.format,
                                      .path = order.path}));
    if (order.format == COPY_SQL)
        sql("CREATE TABLE c AS SELECT * FROM b; TRUNCATE b; ALTER TABLE a RENAME TO d;"
            "ALTER TABLE c RENAME TO a");
    while (!copy_until_killed(order, true, 2)) {
        kills++;
        order.resumes = true;
        ck_assert_uint_lt(kills, 20);
    }
    ck_assert_uint_ge(kills, 3);
    ck_assert_uint_eq(ask("SELECT count(*) FROM b"), 1000);
    forgive_writing(order.format);
    ck_assert_uint_eq(hash_of("b"), hash_of("a"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.copied"), 0);
}
END_TEST

/* ---- what is refused ---- */

static void assert_refused_out(struct copy_order order, const char *says)
{
    assert_fails(ERROR_REFUSED, out(order));
    assert_says(says);
}

START_TEST(what_cannot_go_out_is_refused_and_leaves_no_file)
{
    const char *path = scratch_path("rows");

    given_tables();
    sql("CREATE TABLE k (id int)");
    assert_refused_out((struct copy_order){.table = "nothing", .path = path}, "no table nothing");
    assert_refused_out((struct copy_order){.table = "k", .key = "id", .path = path},
                       "id of k is no key");
    assert_refused_out((struct copy_order){.query = "SELECT 1", .format = COPY_SQL, .path = path},
                       "a query has no table");
    assert_refused_out((struct copy_order){.query = "SELECT 1", .key = "id", .path = path},
                       "no key");
    assert_refused_out(
        (struct copy_order){.table = "a", .key = "id", .path = path, .resumes = true},
        "nothing to go on with");
    assert_fails(ERROR_SQL, out((struct copy_order){.query = "SELECT 1/0", .path = path}));
    ck_assert(!file_exists(path));
    assert_ok(out((struct copy_order){.query = "SELECT 1 AS one, NULL AS two", .path = path}));
    ck_assert_str_eq(bytes_of(path, &(size_t){0}), "one,two\n1,\n");
    assert_refused_out((struct copy_order){.table = "a", .path = path}, "is there already");
}
END_TEST

START_TEST(half_a_file_of_another_copy_is_not_gone_on_with)
{
    struct copy_order order = {
        .table = "a", .path = scratch_path("rows"), .key = "id", .range_rows = 10};
    size_t size = 0;

    given_tables();
    ck_assert(!copy_until_killed(order, false, 2));
    order.resumes = true;
    order.format = COPY_JSONL;
    assert_refused_out(order, "is of another copy");
    order.format = COPY_CSV;
    order.table = "b";
    assert_refused_out(order, "is of another copy");
    order.table = "a";
    (void)bytes_of(order.path, &size);
    (void)write_file("rows", "short");
    assert_fails(ERROR_CORRUPT, out(order));
    assert_says("rows has 5 bytes, and");
}
END_TEST

static const struct {
    enum copy_format format;
    const char *text, *says;
    bool is_plain; /* without a column whose JSON only the server reads */
} mistakes[] = {
    {COPY_CSV, "id,color\n1,red\n", "behind row 0: its first record names a column \"color\"",
     false},
    {COPY_CSV, "id,twice\n1,2\n", "names a column \"twice\", which the table lacks, or computes",
     false},
    {COPY_CSV, "id\n1\n2\nx\n", "behind row 2: invalid input syntax for type bigint: \"x\"", false},
    {COPY_CSV, "id\n1\n2\n3,4\n", "behind row 2: extra data after last expected column", false},
    {COPY_CSV, "id\n1\n2\n\"3", "behind row 2: the last record is cut off within its quotes",
     false},
    {COPY_JSONL, "[1]\n", "behind row 0: its first record is no JSON object: [1]", false},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n{\"id\": \n", "behind row 2: invalid input syntax",
     false},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n7\n", "behind row 2: ", false},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n{\"id\": \n",
     "behind row 2: a value is missing, at byte 8: {\"id\": ", true},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n7\n", "behind row 2: no JSON object, at byte 1: 7",
     true},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n{\"big\": 7}\n",
     "behind row 2: a key that the first record lacks", true},
    {COPY_JSONL, "{\"id\": 1}\n{\"id\": 2}\n{\"id\": \"x\"}\n",
     "behind row 2: invalid input syntax for type bigint: \"x\"", true},
    {COPY_SQL, "INSERT INTO b (big) VALUES (1);\nINSERT INTO b (big) VALUES (1);\nDROP TABLE a;\n",
     "behind row 2: a line that is no INSERT: DROP TABLE a;", false},
};

START_TEST(a_file_that_is_none_is_told_by_its_row_and_its_portion_is_not_there)
{
    struct copy_order order = {
        .format = mistakes[_i].format, .path = scratch_path("rows"), .range_rows = 2};

    (mistakes[_i].is_plain ? given_plain_tables : given_tables)();
    (void)write_file("rows", mistakes[_i].text);
    ck_assert_int_ne(in(order), ERROR_OK);
    assert_says(mistakes[_i].says);
    ck_assert(!session_is_in_transaction(engine.session));
    ck_assert_uint_eq(ask("SELECT count(*) FROM b"),
                      strstr(mistakes[_i].says, "behind row 2") != NULL ? 2 : 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM a"), 1000);
}
END_TEST

START_TEST(what_was_stopped_is_not_begun_again_and_not_gone_on_with_by_another_file)
{
    struct copy_order order = {.path = scratch_path("rows"), .range_rows = 2};

    given_tables();
    (void)write_file("rows", "id\n1\n2\nx\n");
    ck_assert_int_ne(in(order), ERROR_OK);
    assert_fails(ERROR_REFUSED, in(order));
    assert_says("was stopped behind row 2, and what came before is committed: resume it");
    order.resumes = true;
    (void)write_file("rows", "id\n1\n2\n3\n4\n");
    assert_fails(ERROR_REFUSED, in(order));
    assert_says("it is another file");
    (void)write_file("rows", "id\n1\n2\n3\n");
    assert_ok(in(order));
    ck_assert(result.was_resumed);
    ck_assert_uint_eq(ask("SELECT sum(id)::bigint FROM b"), 6);
    assert_fails(ERROR_REFUSED, in(order));
    assert_says("there is nothing to go on with");
}
END_TEST

static void set_up(void)
{
    engine_set_up();
    scratch_set_up();
    result = (struct copy_result){.rows = 0};
}

static void tear_down(void)
{
    scratch_tear_down();
    engine_tear_down();
}

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, lines_of_a_table_are_byte_for_byte_the_server_s);
    tcase_add_test(tcase, lines_of_json_come_in_as_they_were_whoever_reads_them);
    tcase_add_loop_test(tcase, what_went_out_comes_in_as_it_was, 0, COPY_FORMAT_COUNT);
    tcase_add_loop_test(tcase, by_ranges_of_any_key_it_is_the_same_file, 0, COPY_FORMAT_COUNT);
    tcase_add_loop_test(tcase, a_copy_out_that_was_killed_goes_on_and_is_the_same_file, 0,
                        COPY_FORMAT_COUNT);
    tcase_add_loop_test(tcase, a_copy_in_that_was_killed_goes_on_and_no_row_is_there_twice, 0,
                        COPY_FORMAT_COUNT);
    tcase_add_test(tcase, what_cannot_go_out_is_refused_and_leaves_no_file);
    tcase_add_test(tcase, half_a_file_of_another_copy_is_not_gone_on_with);
    tcase_add_loop_test(tcase, a_file_that_is_none_is_told_by_its_row_and_its_portion_is_not_there,
                        0, (int)ARRAY_LEN(mistakes));
    tcase_add_test(tcase, what_was_stopped_is_not_begun_again_and_not_gone_on_with_by_another_file);
}

SUITE("copy", {.add = add_all,
               .set_up = set_up,
               .tear_down = tear_down,
               .set_up_once = engine_start,
               .tear_down_once = engine_stop,
               .timeout_s = 60})
