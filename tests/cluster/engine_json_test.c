/* Documents of JSON columns: every step of a path, and back again to what they were. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/engine.h"

#include <string.h>
#include <sys/wait.h>

#define DOCUMENTS_HASH                                                                             \
    "SELECT ('x' || substr(md5(string_agg(id || coalesce(doc::text, '-'), ',' ORDER BY id)),"      \
    " 1, 8))::bit(32)::bigint FROM players"

static char yaml[2000];

/* rest: of the row, behind table and key; type: of the column. */
static void given_table(const char *type, const char *rest)
{
    static char table[200];

    (void)text_format(yaml, sizeof(yaml), "backfill:\n  - {table: public.players, key: id, %s}\n",
                      rest);
    (void)text_format(table, sizeof(table), "CREATE TABLE players (id bigint PRIMARY KEY, doc %s);",
                      type);
    given("0001_players/expand.sql", table);
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0002_steps/expand.sql", "-- only documents change\n");
    given("0002_steps/revert.sql", "-- likewise\n");
    given("0002_steps/migration.yaml", yaml);
}

static void given_steps(const char *steps)
{
    char rest[1000];

    (void)text_format(rest, sizeof(rest), "json: {column: doc, steps: [%s]}", steps);
    given_table("jsonb", rest);
    load();
    assert_ok(expand("0001_players"));
}

static void insert(const char *document)
{
    assert_ok(session_query(
        engine.session,
        SQL_WITH("INSERT INTO players SELECT coalesce(max(id), 0) + 1, $1::jsonb FROM players",
                 document),
        NULL, &failure));
}

static void assert_document(uint64_t id, const char *expected)
{
    char query[100];
    char *document = NULL;

    (void)text_format(query, sizeof(query),
                      "SELECT coalesce(doc::text, 'NULL') FROM players WHERE id = %llu",
                      (unsigned long long)id);
    assert_ok(session_ask_text(engine.session, SQL(query), engine.session, &document, &failure));
    ck_assert_str_eq(document, expected);
}

/* ---- each step ---- */

static const struct {
    const char *steps, *before, *after;
} changes[] = {
    /* move: made on the way, left alone where there is nothing, or something else in the path */
    {"{move: [theme], to: [ui, theme]}", "{\"theme\": 1}", "{\"ui\": {\"theme\": 1}}"},
    {"{move: [theme], to: [ui, theme]}", "{\"theme\": 1, \"ui\": {\"x\": 2}}",
     "{\"ui\": {\"x\": 2, \"theme\": 1}}"},
    {"{move: [theme], to: [a, b, c]}", "{\"theme\": {\"d\": [1]}}",
     "{\"a\": {\"b\": {\"c\": {\"d\": [1]}}}}"},
    {"{move: [a, b], to: [c]}", "{\"a\": {\"b\": null}}", "{\"a\": {}, \"c\": null}"},
    {"{move: [a, b], to: [c]}", "{\"a\": {\"x\": 1}}", "{\"a\": {\"x\": 1}}"},
    {"{move: [a, b], to: [c]}", "{\"a\": [{\"b\": 1}]}", "{\"a\": [{\"b\": 1}]}"},
    {"{move: [a, '0'], to: [c]}", "{\"a\": [1, 2]}", "{\"a\": [1, 2]}"},
    {"{move: [a, '0'], to: [c]}", "{\"a\": {\"0\": 1}}", "{\"a\": {}, \"c\": 1}"},
    {"{move: [a, b], to: [c]}", "{\"a\": \"b\"}", "{\"a\": \"b\"}"},
    {"{move: [a, b], to: [c]}", "{\"a\": null}", "{\"a\": null}"},
    {"{move: [a], to: [c]}", "[{\"a\": 1}]", "[{\"a\": 1}]"},
    {"{move: [a], to: [c]}", "null", "null"},
    {"{move: [a], to: [c]}", NULL, "NULL"},
    /* rename: keys with quotes, dots, backslashes, braces, nothing */
    {"{rename: [colour], as: color}", "{\"colour\": \"red\"}", "{\"color\": \"red\"}"},
    {"{rename: [ui, colour], as: color}", "{\"ui\": {\"colour\": 1}}", "{\"ui\": {\"color\": 1}}"},
    {"{rename: ['it''s \"x\"'], as: 'a.b\\{c}, d'}", "{\"it's \\\"x\\\"\": 1}",
     "{\"a.b\\\\{c}, d\": 1}"},
    {"{rename: ['NULL'], as: ' $1 '}", "{\"NULL\": 1, \"null\": 2}", "{\" $1 \": 1, \"null\": 2}"},
    {"{rename: [نام], as: name}", "{\"نام\": 1}", "{\"name\": 1}"},
    /* retype */
    {"{retype: [v], from: number, as: string}", "{\"v\": 1.50}", "{\"v\": \"1.50\"}"},
    {"{retype: [v], from: string, as: number}", "{\"v\": \"-12.5\"}", "{\"v\": -12.5}"},
    {"{retype: [v], from: string, as: boolean}", "{\"v\": \"true\"}", "{\"v\": true}"},
    {"{retype: [v], from: boolean, as: string}", "{\"v\": false}", "{\"v\": \"false\"}"},
    {"{retype: [v], from: boolean, as: number}", "{\"v\": true}", "{\"v\": 1}"},
    {"{retype: [v], from: number, as: boolean}", "{\"v\": 0}", "{\"v\": false}"},
    {"{retype: [v], from: number, as: string}", "{\"v\": null}", "{\"v\": null}"},
    {"{retype: [v, w], from: number, as: string}", "{\"v\": [7]}", "{\"v\": [7]}"},
    /* one after the other */
    {"{rename: [a], as: b}, {move: [b], to: [c, d]}, {retype: [c, d], from: number, as: string}",
     "{\"a\": 5}", "{\"c\": {\"d\": \"5\"}}"},
};

START_TEST(a_step_changes_what_it_is_about_and_comes_back_exactly)
{
    uint64_t hash;

    given_steps(changes[_i].steps);
    insert(changes[_i].before);
    insert("{\"nothing\": {\"to\": [\"do\"]}}");
    hash = ask(DOCUMENTS_HASH);
    assert_ok(expand("0002_steps"));
    assert_ok(backfill("0002_steps"));
    assert_document(1, changes[_i].after);
    assert_document(2, "{\"nothing\": {\"to\": [\"do\"]}}");
    assert_ok(revert("0002_steps"));
    ck_assert(!engine.result.is_kept && generation_of("0002_steps") == 1);
    ck_assert_uint_eq(ask(DOCUMENTS_HASH), hash);
}
END_TEST

/* ---- refused before anything is begun ---- */

static const struct {
    const char *steps, *document, *says;
} refusals[] = {
    {"{move: [a], to: [b]}", "{\"a\": 1, \"b\": 2}", "1 rows cannot take step 1 (move) of doc"},
    {"{move: [a], to: [b, c]}", "{\"a\": 1, \"b\": [2]}", "1 rows cannot take step 1 (move)"},
    {"{rename: [x], as: y}, {rename: [a], as: b}", "{\"a\": 1, \"b\": null}",
     "1 rows cannot take step 2 (rename)"},
    {"{retype: [v], from: string, as: number}", "{\"v\": \"ten\"}",
     "1 rows cannot take step 1 (retype)"},
    {"{retype: [v], from: string, as: number}", "{\"v\": \"1e400000\"}",
     "1 rows cannot take step 1 (retype)"},
    {"{retype: [v], from: string, as: number}", "{\"v\": \"true\"}",
     "1 rows cannot take step 1 (retype)"},
    {"{retype: [v], from: number, as: boolean}", "{\"v\": 2}", "1 rows cannot take step 1"},
    {"{retype: [v], from: string, as: boolean}", "{\"v\": \"1\"}", "1 rows cannot take step 1"},
    /* nothing would tell them from rows that were changed */
    {"{rename: [a], as: b}", "{\"b\": 1}", "1 rows would not come back as they are"},
    {"{move: [a], to: [ui, a]}", "{\"a\": 1, \"ui\": {}}", "1 rows would not come back"},
    {"{retype: [v], from: number, as: string}", "{\"v\": \"7\"}", "1 rows would not come back"},
    {"{retype: [v], from: string, as: number}", "{\"v\": \"-0\"}", "1 rows would not come back"},
    /* a swap is never done */
    {"{move: [a], to: [t]}, {move: [b], to: [a]}, {move: [t], to: [b]}", "{\"a\": 1, \"b\": 2}",
     "1 rows would be changed again"},
};

START_TEST(documents_that_could_not_be_done_or_not_be_taken_back_are_counted_before_it_begins)
{
    uint64_t hash;

    given_steps(refusals[_i].steps);
    insert(refusals[_i].document);
    insert("{}");
    hash = ask(DOCUMENTS_HASH);
    assert_ok(expand("0002_steps"));
    assert_fails(ERROR_REFUSED, backfill("0002_steps"));
    assert_says(refusals[_i].says);
    assert_says("0002_steps/migration.yaml: backfill of public.players");
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill"), 0);
    ck_assert_uint_eq(ask(DOCUMENTS_HASH), hash);
}
END_TEST

START_TEST(where_leaves_rows_out_on_both_ways)
{
    given_table("jsonb", "where: id > 1, json: {column: doc, steps: [{rename: [a], as: b}]}");
    load();
    assert_ok(expand("0001_players"));
    insert("{\"b\": \"not to be touched\"}");
    insert("{\"a\": 1}");
    assert_ok(expand("0002_steps"));
    assert_ok(backfill("0002_steps"));
    assert_document(2, "{\"b\": 1}");
    assert_ok(revert("0002_steps"));
    assert_document(1, "{\"b\": \"not to be touched\"}");
    assert_document(2, "{\"a\": 1}");
}
END_TEST

START_TEST(a_column_of_type_json_is_changed_and_comes_back_too)
{
    given_table("json", "json: {column: doc, steps: [{move: [a], to: [b, c]}]}");
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players VALUES (1, '{\"a\": 1}')");
    assert_ok(expand("0002_steps"));
    assert_ok(backfill("0002_steps"));
    assert_document(1, "{\"b\": {\"c\": 1}}");
    assert_ok(revert("0002_steps"));
    assert_document(1, "{\"a\": 1}");
}
END_TEST

/* ---- lossy ---- */

static void given_lossy(const char *steps)
{
    char rest[1000];

    (void)text_format(rest, sizeof(rest), "lossy: true, json: {column: doc, steps: [%s]}", steps);
    given_table("jsonb", rest);
    given("0002_steps/lossless.sql", "SELECT count(*) FROM players WHERE id <= 2;");
    load();
    assert_ok(expand("0001_players"));
}

START_TEST(merge_and_default_fill_what_is_missing_and_a_revert_asks_for_what_is_lost)
{
    given_lossy("{merge: [old], to: [ui]}, {default: [ui, volume], value: '{\"is\": \"50\"}'}");
    insert("{\"old\": {\"a\": 1, \"b\": 2}, \"ui\": {\"b\": 3, \"volume\": null}}");
    insert("{\"old\": {}}");
    insert("{}");
    assert_ok(expand("0002_steps"));
    assert_ok(backfill("0002_steps"));
    assert_document(1, "{\"ui\": {\"a\": 1, \"b\": 3, \"volume\": null}}");
    assert_document(2, "{\"ui\": {\"volume\": {\"is\": \"50\"}}}");
    assert_document(3, "{\"ui\": {\"volume\": {\"is\": \"50\"}}}");
    assert_ok(revert("0002_steps"));
    ck_assert(engine.result.is_kept);
    ck_assert_uint_eq(engine.result.kept_count, 2);
    ck_assert(is_expanded("0002_steps"));
    sql("DELETE FROM players WHERE id <= 2");
    assert_ok(revert("0002_steps"));
    ck_assert(!engine.result.is_kept && !is_expanded("0002_steps"));
    assert_document(3, "{\"ui\": {\"volume\": {\"is\": \"50\"}}}"); /* as was said */
}
END_TEST

START_TEST(a_step_that_cannot_be_done_is_refused_of_a_lossy_one_too)
{
    given_lossy("{merge: [old], to: [ui]}");
    insert("{\"old\": {}, \"ui\": 7}");
    assert_ok(expand("0002_steps"));
    assert_fails(ERROR_REFUSED, backfill("0002_steps"));
    assert_says("1 rows cannot take step 1 (merge) of doc");
}
END_TEST

/* ---- killed, and beside writers ---- */

static void given_many(const char *rest)
{
    char all[600];

    (void)text_format(all, sizeof(all),
                      "batch: 50, %sjson: {column: doc, steps: [{move: [a], to: [ui, a]}, "
                      "{retype: [ui, a], from: number, as: string}]}",
                      rest);
    given_table("jsonb", all);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, jsonb_build_object('a', i, 'b', i % 7) FROM"
        " generate_series(1, 5000) i");
    assert_ok(expand("0002_steps"));
}

static void kill_in_the_middle(enum migration_phase phase, const char *position)
{
    char query[160];
    pid_t child = apply_in_child("0002_steps", phase);

    (void)text_format(query, sizeof(query),
                      "SELECT coalesce((SELECT done > 200 FROM hakem.backfill WHERE position = %s),"
                      " false)",
                      position);
    wait_for(query);
    kill_child(child);
}

START_TEST(killed_on_its_way_and_on_its_way_back_every_document_is_as_before)
{
    uint64_t hash;

    given_many("");
    hash = ask(DOCUMENTS_HASH);
    kill_in_the_middle(MIGRATION_BACKFILL, "0");
    ck_assert_uint_gt(ask("SELECT count(*) FROM players WHERE doc ? 'a'"), 0);
    assert_ok(backfill("0002_steps"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE doc = jsonb_build_object('ui',"
                          " jsonb_build_object('a', id::text), 'b', id % 7)"),
                      5000);
    ck_assert_uint_eq(ask("SELECT done FROM hakem.backfill"), 5000);
    kill_in_the_middle(MIGRATION_REVERT, "16");
    ck_assert(!is_expanded("0002_steps"));
    assert_fails(ERROR_REFUSED, backfill("0002_steps"));
    assert_fails(ERROR_REFUSED, expand("0002_steps"));
    assert_ok(revert("0002_steps"));
    ck_assert_uint_eq(ask(DOCUMENTS_HASH), hash);
    ck_assert_uint_eq(generation_of("0002_steps"), 1);
    assert_ok(expand("0002_steps"));
    assert_ok(backfill("0002_steps"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE doc ? 'a'"), 0);
}
END_TEST

START_TEST(half_a_backfill_is_taken_back_and_its_trigger_with_it)
{
    uint64_t hash;

    given_many("trigger: true, ");
    hash = ask(DOCUMENTS_HASH);
    kill_in_the_middle(MIGRATION_BACKFILL, "0");
    assert_ok(revert("0002_steps"));
    ck_assert_uint_eq(ask(DOCUMENTS_HASH), hash);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), 0);
}
END_TEST

/* An old release writes the old form behind the cursor, and something that no step can take:
 * neither fails it. */
START_TEST(what_is_written_behind_the_cursor_is_changed_and_no_writer_fails)
{
    given_many("trigger: true, ");
    kill_in_the_middle(MIGRATION_BACKFILL, "0");
    sql("UPDATE players SET doc = '{\"a\": 9}' WHERE id = 1");
    assert_document(1, "{\"ui\": {\"a\": \"9\"}}");
    sql("UPDATE players SET doc = '{\"a\": 9, \"ui\": []}' WHERE id = 2");
    assert_document(2, "{\"a\": 9, \"ui\": []}");
    assert_fails(ERROR_VERIFY, backfill("0002_steps"));
    assert_says("1 rows cannot take step 1 (move) of doc");
    ck_assert(!is_expanded("0002_steps"));
    sql("UPDATE players SET doc = '{}' WHERE id = 2");
    assert_ok(backfill("0002_steps"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_step_changes_what_it_is_about_and_comes_back_exactly, 0,
                        (int)ARRAY_LEN(changes));
    tcase_add_loop_test(
        tcase, documents_that_could_not_be_done_or_not_be_taken_back_are_counted_before_it_begins,
        0, (int)ARRAY_LEN(refusals));
    tcase_add_test(tcase, where_leaves_rows_out_on_both_ways);
    tcase_add_test(tcase, a_column_of_type_json_is_changed_and_comes_back_too);
    tcase_add_test(tcase,
                   merge_and_default_fill_what_is_missing_and_a_revert_asks_for_what_is_lost);
    tcase_add_test(tcase, a_step_that_cannot_be_done_is_refused_of_a_lossy_one_too);
    tcase_add_test(tcase, killed_on_its_way_and_on_its_way_back_every_document_is_as_before);
    tcase_add_test(tcase, half_a_backfill_is_taken_back_and_its_trigger_with_it);
    tcase_add_test(tcase, what_is_written_behind_the_cursor_is_changed_and_no_writer_fails);
}

ENGINE_SUITE("engine: JSON columns", add_all)
