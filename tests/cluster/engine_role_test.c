/* Who runs what: a revision's role, the login that brings it there, and the game's roles. */
#include "common/migration/schema.h"
#include "support/engine.h"

/* The login may become the owner, and has none of its rights by itself. */
static void given_roles(void)
{
    sql("DO $$ BEGIN IF to_regrole('game_owner') IS NULL THEN CREATE ROLE game_owner;"
        " CREATE ROLE game; CREATE ROLE somebody; CREATE ROLE migrator IN ROLE game_owner;"
        " CREATE ROLE guest NOINHERIT IN ROLE game_owner; END IF; END $$;"
        "GRANT CREATE ON SCHEMA public TO game_owner;"
        "DO $$ BEGIN EXECUTE pg_catalog.format('GRANT CREATE ON DATABASE %I TO migrator, guest',"
        " pg_catalog.current_database()); END $$");
}

/* ---- triggers, while the database follows another ---- */

static void given_followed(const char *expand_sql)
{
    given_roles();
    given("0001_things/expand.sql", expand_sql);
    given("0001_things/revert.sql", "DROP TABLE things; DROP FUNCTION count_things();");
    given("0001_things/migration.yaml", "role: game_owner\n");
    given("0002_log/expand.sql", "CREATE TABLE log (id int);");
    given("0002_log/revert.sql", "DROP TABLE log;");
    load();
    assert_fails(ERROR_REFUSED, expand("0002_log")); /* makes the schema */
    sql("CREATE EVENT TRIGGER hakem_raise_trigger ON ddl_command_end"
        " WHEN TAG IN ('CREATE TRIGGER', 'CREATE FUNCTION')"
        " EXECUTE FUNCTION hakem.raise_trigger()");
}

#define THINGS                                                                                     \
    "CREATE TABLE things (id int, n int);"                                                         \
    "CREATE FUNCTION count_things() RETURNS trigger LANGUAGE plpgsql AS"                           \
    " 'BEGIN NEW.n := NEW.id; RETURN NEW; END';"                                                   \
    "CREATE TRIGGER counts BEFORE INSERT ON things"                                                \
    " FOR EACH ROW EXECUTE FUNCTION count_things();"

START_TEST(a_trigger_that_a_role_makes_fires_for_what_is_replicated)
{
    given_followed(THINGS "GRANT INSERT, SELECT ON things TO game;");
    assert_ok(expand("0001_things"));
    ck_assert(is_true("SELECT tgenabled = 'A' FROM pg_trigger WHERE tgname = 'counts'"));
    ck_assert(
        is_true("SELECT proconfig = '{search_path=public}' AND proowner = 'game_owner'::regrole"
                " FROM pg_proc WHERE proname = 'count_things'"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.raised_trigger WHERE has_path"), 1);
    sql("SET ROLE game; INSERT INTO things VALUES (7); RESET ROLE");
    ck_assert_uint_eq(ask("SELECT n FROM things"), 7);
    ck_assert(!is_true("SELECT has_schema_privilege('game_owner', 'hakem', 'USAGE')"));
}
END_TEST

START_TEST(nobody_raises_a_trigger_over_what_is_not_his)
{
    given_followed("SELECT 1;");
    sql("CREATE SCHEMA trap AUTHORIZATION somebody; CREATE TABLE owned (id int);"
        "CREATE FUNCTION shared() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN RETURN NEW; END';"
        "GRANT TRIGGER ON owned TO somebody; SET ROLE somebody; SET search_path = trap;"
        "CREATE TABLE trap.own (id int)");
    assert_fails(ERROR_SQL, session_run(engine.session,
                                        "CREATE TRIGGER t BEFORE INSERT ON trap.own"
                                        " FOR EACH ROW EXECUTE FUNCTION public.shared()",
                                        &failure));
    assert_says("owns not both of trap.own and public.shared()");
    assert_fails(ERROR_SQL, session_run(engine.session,
                                        "CREATE FUNCTION trap.f() RETURNS trigger LANGUAGE plpgsql"
                                        " AS 'BEGIN RETURN NEW; END';"
                                        "CREATE TRIGGER t BEFORE INSERT ON public.owned"
                                        " FOR EACH ROW EXECUTE FUNCTION trap.f()",
                                        &failure));
    assert_says("owns not both of public.owned and trap.f()");
    sql("RESET ROLE; RESET search_path");
    ck_assert(is_true("SELECT proconfig IS NULL FROM pg_proc WHERE proname = 'shared'"));
}
END_TEST

/* An older version's function is not the one that is meant. */
START_TEST(a_function_of_an_older_version_is_replaced)
{
    given_followed(THINGS);
    sql("ALTER FUNCTION hakem.raise_trigger() SECURITY INVOKER");
    assert_ok(schema_ensure(engine.session, &failure));
    assert_ok(expand("0001_things"));
}
END_TEST

/* ---- a login that has none of the role's rights by itself ---- */

static void given_guest(void)
{
    given_roles();
    sql("CREATE SCHEMA game AUTHORIZATION game_owner; SET SESSION AUTHORIZATION guest");
    engine.with.role = "game_owner";
    given("0001_players/expand.sql", "CREATE TABLE game.players (id int PRIMARY KEY, name text);");
    given("0001_players/revert.sql", "DROP TABLE game.players;");
}

START_TEST(what_a_statement_left_behind_is_taken_away_by_the_role)
{
    given_guest();
    given("0002_name/expand.sql",
          "CREATE UNIQUE INDEX CONCURRENTLY players_name ON game.players (name);");
    given("0002_name/revert.sql", "DROP INDEX CONCURRENTLY game.players_name;");
    load();
    assert_ok(expand("0001_players"));
    sql("SET ROLE game_owner; INSERT INTO game.players VALUES (1, 'a'), (2, 'a'); RESET ROLE");
    assert_fails(ERROR_SQL, expand("0002_name"));
    assert_says("could not create unique index");
    sql("SET ROLE game_owner; DELETE FROM game.players WHERE id = 2; RESET ROLE");
    assert_ok(expand("0002_name"));
    ck_assert(is_true("SELECT bool_and(indisvalid) FROM pg_index JOIN pg_class ON oid = indexrelid"
                      " WHERE relname = 'players_name'"));
    ck_assert(is_true("SELECT current_user = 'guest'"));
}
END_TEST

START_TEST(what_a_revert_would_lose_is_counted_and_locked_by_the_role)
{
    given_guest();
    given("0002_rating/expand.sql", "ALTER TABLE game.players ADD COLUMN rating int;");
    given("0002_rating/revert.sql", "ALTER TABLE game.players DROP COLUMN rating;");
    given("0002_rating/lossless.sql",
          "SELECT count(*) FROM game.players WHERE rating IS NOT NULL;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    sql("SET ROLE game_owner; INSERT INTO game.players VALUES (1, 'a', 5); RESET ROLE");
    assert_ok(revert("0002_rating"));
    ck_assert(engine.result.is_kept);
    ck_assert_uint_eq(engine.result.kept_count, 1);
    sql("SET ROLE game_owner; UPDATE game.players SET rating = NULL; RESET ROLE");
    assert_ok(revert("0002_rating"));
    ck_assert(!engine.result.is_kept && !is_expanded("0002_rating"));
    ck_assert(is_true("SELECT current_user = 'guest'"));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_trigger_that_a_role_makes_fires_for_what_is_replicated);
    tcase_add_test(tcase, nobody_raises_a_trigger_over_what_is_not_his);
    tcase_add_test(tcase, a_function_of_an_older_version_is_replaced);
    tcase_add_test(tcase, what_a_statement_left_behind_is_taken_away_by_the_role);
    tcase_add_test(tcase, what_a_revert_would_lose_is_counted_and_locked_by_the_role);
}

ENGINE_SUITE("engine: role", add_all)
