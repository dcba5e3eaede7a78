/* Repeatables: applied again when they have changed, and put back with the revision that was the
 * last one.
 */
#include "common/base/text.h"
#include "common/migration/repeatable.h"
#include "support/engine.h"

#include <string.h>

/* ---- alone ---- */

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

/* ---- with a revision ---- */

/* Players with their view, or with what the files have become. */
static void given_history(const char *shown)
{
    engine.file_count = 0;
    given_players();
    given("repeatable/shown.sql", shown);
}

static void given_shown(void)
{
    given_history("CREATE VIEW shown AS SELECT id, name FROM players;");
    load();
    assert_ok(expand("0001_players"));
}

static enum error_code follow(const char *revision)
{
    const struct migration_order order = {
        .set = engine.set, .revision = revision, .phase = MIGRATION_EXPAND};

    return repeatable_follow(engine.session, &order, &engine.with, &engine.result, &failure);
}

static bool are_open(const char *revision)
{
    bool ret = false;

    assert_ok(repeatable_are_open(engine.session, engine.set, revision, &ret, &failure));
    return ret;
}

static void assert_fingerprint(const char *expected)
{
    char now[HASH_HEX_SIZE];

    fingerprint(now);
    ck_assert_str_eq(now, expected);
}

/* 0002_rating, a view that shows it, and one with a trigger of its own on that. */
#define SHOWN_WITH_RATING                                                                          \
    "DROP VIEW IF EXISTS shown; CREATE VIEW shown AS SELECT id, name, rating FROM players;"
#define TOP                                                                                        \
    "CREATE FUNCTION no_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"     \
    "CREATE VIEW top AS SELECT id FROM shown WHERE rating > 1000;"                                 \
    "CREATE TRIGGER top_no_write INSTEAD OF INSERT ON top"                                         \
    " FOR EACH ROW EXECUTE FUNCTION no_write();"                                                   \
    "CREATE TYPE medal AS ENUM ('gold');"                                                          \
    "CREATE STATISTICS of_players ON id, name FROM players;"

static void expand_rating(const char *shown)
{
    engine.with.rollout = "7";
    engine.file_count = 0;
    given("repeatable/shown.sql", shown);
    given("repeatable/top.sql", TOP);
    given_rating();
    assert_ok(expand("0002_rating"));
}

START_TEST(a_revert_puts_back_what_repeatables_were_before_its_revision)
{
    char before[HASH_HEX_SIZE];

    given_shown();
    assert_ok(follow("0001_players"));
    fingerprint(before);
    expand_rating(SHOWN_WITH_RATING);
    ck_assert(are_open("0002_rating"));
    assert_ok(follow("0002_rating"));
    ck_assert(!are_open("0002_rating"));
    ck_assert(engine.result.position[0] != '\0');
    sql("SELECT rating FROM shown, top");
    assert_ok(revert("0002_rating"));
    assert_fingerprint(before);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE revision = '0002_rating'"
                          " AND detail = 'repeatable/top.sql is put back'"),
                      1);
    given_history("CREATE VIEW shown AS SELECT id, name FROM players;");
    load();
    ck_assert(!are_open("0001_players")); /* it is known for what it is */
    engine.with.accept_data_loss = true;
    assert_ok(revert("0001_players"));
    ck_assert(is_true("SELECT to_regclass('shown') IS NULL"));
}
END_TEST

/* A revision is applied once, its repeatables as often as they change. */
START_TEST(it_leads_to_what_they_were_before_the_first_change)
{
    char before[HASH_HEX_SIZE];

    given_shown();
    assert_ok(follow("0001_players"));
    fingerprint(before);
    expand_rating(SHOWN_WITH_RATING);
    assert_ok(follow("0002_rating"));
    expand_rating(SHOWN_WITH_RATING "CREATE VIEW more AS SELECT FROM shown, top;");
    ck_assert_int_eq(follow("0002_rating"), ERROR_SQL); /* top hangs on what it drops */
    sql("DROP VIEW top");
    expand_rating(SHOWN_WITH_RATING "CREATE VIEW more AS SELECT FROM shown;");
    assert_ok(follow("0002_rating"));
    assert_ok(revert("0002_rating"));
    assert_fingerprint(before);
}
END_TEST

START_TEST(only_the_last_revision_brings_them_along)
{
    given_shown();
    assert_ok(follow("0001_players"));
    expand_rating(SHOWN_WITH_RATING);
    ck_assert(!are_open("0001_players"));
    assert_ok(follow("0001_players"));
    ck_assert(is_true("SELECT to_regclass('top') IS NULL"));
}
END_TEST

/* PostgreSQL adds columns to a view, and takes none away. */
START_TEST(a_rollout_applies_none_that_has_no_way_back)
{
    given_shown();
    assert_ok(follow("0001_players"));
    expand_rating("CREATE OR REPLACE VIEW shown AS SELECT id, name, rating FROM players;");
    ck_assert_int_eq(follow("0002_rating"), ERROR_IRREVERSIBLE);
    ck_assert_msg(strstr(failure.detail, "repeatable/shown.sql as it was before") != NULL &&
                      strstr(failure.detail, "or make it a revision") != NULL,
                  "%s", failure.detail);
    ck_assert(is_true("SELECT to_regclass('top') IS NULL"));
    ck_assert_uint_eq(ask("SELECT times FROM hakem.repeatable"), 1);
    assert_ok(revert("0002_rating"));
    engine.with.rollout = NULL; /* nobody else's way back hangs on it */
    assert_ok(expand("0002_rating"));
    assert_ok(follow("0002_rating"));
    sql("SELECT rating FROM shown");
}
END_TEST

/* Nobody's way back may hang on a file that cannot be applied any more. */
START_TEST(a_revert_leaves_what_cannot_be_put_back_and_says_why)
{
    given_shown();
    assert_ok(follow("0001_players"));
    expand_rating(SHOWN_WITH_RATING);
    assert_ok(follow("0002_rating"));
    assert_ok(revert("0002_rating"));
    engine.with.rollout = NULL; /* without a proof */
    given_history("CREATE OR REPLACE VIEW shown AS SELECT id, name, 1 AS more FROM players;");
    given("0003_last/expand.sql", "CREATE TABLE last (id int);");
    given("0003_last/revert.sql", "DROP TABLE last;");
    load();
    assert_ok(expand("0003_last"));
    assert_ok(follow("0003_last"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0003_last"));
    ck_assert(is_true("SELECT to_regclass('last') IS NULL"));
    sql("SELECT more FROM shown");
    ck_assert_uint_eq(
        ask("SELECT count(*) FROM hakem.migration_log WHERE revision = '0003_last' AND"
            " detail = 'repeatable/shown.sql stays: relation \"shown\" already exists'"),
        1);
    ck_assert(!are_open("0003_last"));
}
END_TEST

/* Its count is 0 at first sight, and 1 under the lock. */
START_TEST(where_the_schema_is_kept_they_are_too)
{
    sql("CREATE SEQUENCE looks MINVALUE 0");
    given_history("CREATE VIEW shown AS SELECT rating FROM players;");
    given("0002_rating/expand.sql", "ALTER TABLE players ADD COLUMN rating int;");
    given("0002_rating/revert.sql", "ALTER TABLE players DROP COLUMN rating;");
    given("0002_rating/lossless.sql", "SELECT nextval('looks');");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    assert_ok(follow("0002_rating"));
    assert_ok(revert("0002_rating"));
    ck_assert(engine.result.is_kept);
    ck_assert_uint_eq(ask("SELECT last_value FROM looks"), 1);
    ck_assert(!are_open("0002_rating"));
    sql("SELECT rating FROM shown");
    ck_assert_uint_eq(ask("SELECT times FROM hakem.repeatable"), 1);
}
END_TEST

START_TEST(they_are_made_and_dropped_as_the_role)
{
    sql("CREATE ROLE maker");
    sql("GRANT CREATE ON SCHEMA public TO maker");
    engine.with.role = "maker";
    given_shown();
    engine.with.rollout = "7";
    assert_ok(follow("0001_players"));
    ck_assert(is_true("SELECT pg_get_userbyid(relowner) = 'maker' FROM pg_class"
                      " WHERE oid = 'shown'::regclass"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0001_players"));
    ck_assert(is_true("SELECT to_regclass('shown') IS NULL"));
    sql("DROP OWNED BY maker");
    sql("DROP ROLE maker");
}
END_TEST

/* ---- what it must not touch, or miss ---- */

/* A table, and what 0002_rating's revert would take for it with another search_path. */
static void given_rated(const char *shown, const char *yaml)
{
    engine.file_count = 0;
    given_players();
    given("0002_rating/expand.sql", "ALTER TABLE public.players ADD COLUMN rating int;");
    given("0002_rating/revert.sql", "ALTER TABLE players DROP COLUMN rating;");
    if (yaml != NULL)
        given("0002_rating/migration.yaml", yaml);
    given("repeatable/shown.sql", shown);
    load();
}

START_TEST(what_one_sets_is_not_for_the_revert)
{
    sql("CREATE SCHEMA archive; CREATE TABLE archive.players (id int, rating int)");
    given_history(
        "SET LOCAL search_path TO archive, public; CREATE OR REPLACE VIEW public.shown AS "
        "SELECT 1 AS n;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(follow("0001_players"));
    given_rated("CREATE OR REPLACE VIEW public.shown AS SELECT 2 AS n;", NULL);
    engine.with.rollout = "7";
    assert_ok(expand("0002_rating"));
    assert_ok(follow("0002_rating"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    ck_assert_uint_eq(ask("SELECT n FROM public.shown"), 1);
    sql("SELECT rating FROM archive.players");
    ck_assert(is_true("SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid ="
                      " 'public.players'::regclass AND attname = 'rating' AND NOT attisdropped)"));
}
END_TEST

/* A revision made it: nobody's text leads back to it. */
START_TEST(what_was_another_s_before_is_neither_dropped_nor_taken_over_in_a_rollout)
{
    given_players();
    load();
    assert_ok(expand("0001_players"));
    sql("CREATE VIEW shown AS SELECT id FROM players");
    given_rated("DROP VIEW IF EXISTS shown; CREATE VIEW shown AS SELECT id, name FROM players;",
                NULL);
    assert_ok(expand("0002_rating"));
    engine.with.rollout = "7";
    ck_assert_int_eq(follow("0002_rating"), ERROR_IRREVERSIBLE);
    ck_assert_msg(strstr(failure.detail, "public.shown") != NULL, "%s", failure.detail);
    ck_assert(is_true("SELECT count(*) = 1 FROM pg_attribute WHERE attrelid = 'shown'::regclass"));
    engine.with.rollout = NULL;
    assert_ok(follow("0002_rating"));
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    sql("SELECT id FROM shown");
}
END_TEST

/* Loop test: a function that is replaced, a right that is lost; and one that is given. */
static const struct {
    const char *there, *file;
    bool is_refused;
} takeovers[] = {
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
     "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';", true},
    {"GRANT SELECT ON players TO PUBLIC", "REVOKE SELECT ON players FROM PUBLIC;", true},
    {"GRANT SELECT ON players TO PUBLIC", "GRANT INSERT ON players TO PUBLIC;", false},
};

START_TEST(the_way_back_has_to_lead_to_the_schema_that_was_there)
{
    given_players();
    load();
    assert_ok(expand("0001_players"));
    sql(takeovers[_i].there);
    given_history(takeovers[_i].file);
    load();
    engine.with.rollout = "7";
    ck_assert_int_eq(follow("0001_players"),
                     takeovers[_i].is_refused ? ERROR_IRREVERSIBLE : ERROR_OK);
}
END_TEST

START_TEST(they_come_back_where_they_were_whatever_the_revision_s_search_path)
{
    sql("CREATE SCHEMA game; CREATE TABLE game.players (id int)");
    given_history("CREATE OR REPLACE VIEW shown AS SELECT 1 AS n;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(follow("0001_players"));
    given_rated("DROP VIEW IF EXISTS shown; CREATE VIEW shown AS SELECT 2 AS n;",
                "search_path: game, public\n");
    assert_ok(expand("0002_rating"));
    assert_ok(follow("0002_rating"));
    sql("ALTER TABLE game.players ADD COLUMN rating int");
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    ck_assert_uint_eq(ask("SELECT n FROM public.shown"), 1);
    ck_assert(is_true("SELECT to_regclass('game.shown') IS NULL AND NOT EXISTS (SELECT FROM"
                      " pg_attribute WHERE attrelid = 'game.players'::regclass"
                      " AND attname = 'rating' AND NOT attisdropped)"));
}
END_TEST

/* Loop test: within a transaction of its own; with rows, and what holds long texts. */
static const char *const hidden[] = {
    "DO $$BEGIN CREATE VIEW shown AS SELECT rating FROM players; EXCEPTION WHEN duplicate_table "
    "THEN"
    " NULL; END$$;",
    "CREATE MATERIALIZED VIEW shown AS SELECT rating, name FROM players;"
    " CREATE INDEX shown_name ON shown (name); REFRESH MATERIALIZED VIEW shown;",
    "CREATE TEMP TABLE mine (a text) ON COMMIT DROP; CREATE VIEW shown AS SELECT rating FROM "
    "players;",
};

START_TEST(whatever_they_make_goes_with_the_revision)
{
    given_rated(hidden[_i], NULL);
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    engine.with.rollout = "7";
    assert_ok(follow("0002_rating"));
    sql("SELECT FROM shown");
    engine.with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    ck_assert(is_true("SELECT to_regclass('shown') IS NULL"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_one_sets_is_not_for_the_revert);
    tcase_add_test(tcase, what_was_another_s_before_is_neither_dropped_nor_taken_over_in_a_rollout);
    tcase_add_loop_test(tcase, the_way_back_has_to_lead_to_the_schema_that_was_there, 0,
                        (int)ARRAY_LEN(takeovers));
    tcase_add_test(tcase, they_come_back_where_they_were_whatever_the_revision_s_search_path);
    tcase_add_loop_test(tcase, whatever_they_make_goes_with_the_revision, 0,
                        (int)ARRAY_LEN(hidden));
    tcase_add_test(tcase, a_repeatable_is_applied_again_when_it_has_changed);
    tcase_add_test(tcase, a_repeatable_that_dies_in_the_middle_is_applied_whole_the_next_time);
    tcase_add_test(tcase, a_repeatable_that_fails_changes_nothing);
    tcase_add_test(tcase, a_revert_puts_back_what_repeatables_were_before_its_revision);
    tcase_add_test(tcase, it_leads_to_what_they_were_before_the_first_change);
    tcase_add_test(tcase, only_the_last_revision_brings_them_along);
    tcase_add_test(tcase, a_rollout_applies_none_that_has_no_way_back);
    tcase_add_test(tcase, a_revert_leaves_what_cannot_be_put_back_and_says_why);
    tcase_add_test(tcase, where_the_schema_is_kept_they_are_too);
    tcase_add_test(tcase, they_are_made_and_dropped_as_the_role);
}

ENGINE_SUITE("engine: repeatables", add_all)
