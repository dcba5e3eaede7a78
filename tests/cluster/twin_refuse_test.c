/* What stands in the way of following another database is said by name, before anything is touched.
 */
#include "common/base/text.h"
#include "support/pair.h"

static void assert_untouched(void)
{
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_publication"), 0);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert(is_true_on(GREEN, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'game'"));
}

static void assert_refused(const char *part)
{
    assert_fails(ERROR_REFUSED, run_on(GREEN, TASK_FOLLOW));
    assert_says(part);
    assert_untouched();
}

START_TEST(everything_is_said_at_once)
{
    given_a_game();
    sql_on(BLUE, "CREATE TABLE log (line text); CREATE TABLE pairs (a integer);"
                 "ALTER TABLE pairs REPLICA IDENTITY FULL;"
                 "CREATE UNLOGGED TABLE cache (id integer PRIMARY KEY);"
                 "SELECT lo_create(0)");
    assert_refused("db-1: tables without a usable replica identity");
    assert_says("public.log, public.pairs");
    assert_says("unlogged, which is never replicated: public.cache");
    assert_says("1 large objects");
}
END_TEST

START_TEST(a_long_list_is_cut_and_counted)
{
    given_a_game();
    sql_on(BLUE, "DO $$ BEGIN FOR n IN 1..9 LOOP"
                 " EXECUTE format('CREATE TABLE log_%s (line text)', n); END LOOP; END $$");
    assert_refused("public.log_5 and 4 more");
}
END_TEST

START_TEST(a_unique_index_may_be_the_identity)
{
    given_a_game();
    sql_on(BLUE, "CREATE TABLE tags (tag text NOT NULL UNIQUE);"
                 "ALTER TABLE tags REPLICA IDENTITY USING INDEX tags_tag_key;"
                 "INSERT INTO tags VALUES ('a'), ('b')");
    follow();
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM tags"), 2);
    assert_ok(run_on(GREEN, TASK_COMPARE));
}
END_TEST

START_TEST(partitions_are_followed_one_by_one)
{
    given_a_game();
    sql_on(BLUE, "CREATE TABLE moves (id bigint, day integer, PRIMARY KEY (id, day))"
                 " PARTITION BY RANGE (day);"
                 "CREATE TABLE moves_1 PARTITION OF moves FOR VALUES FROM (1) TO (10);"
                 "CREATE TABLE moves_2 PARTITION OF moves DEFAULT;"
                 "INSERT INTO moves SELECT n, n FROM generate_series(1, 30) n");
    follow();
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM moves_1"), 9);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM moves"), 30);
    assert_ok(run_on(GREEN, TASK_COMPARE));
}
END_TEST

START_TEST(a_database_with_somebody_s_tables_is_never_emptied)
{
    given_a_game();
    sql_on(GREEN, "CREATE TABLE precious (id integer PRIMARY KEY)");
    assert_refused("db-2: it is not empty, and no copy that was left (it has public.precious)");
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM precious"), 0); /* it is there */
}
END_TEST

START_TEST(a_copy_that_was_left_is_emptied_and_made_anew)
{
    given_a_game();
    follow();
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    assert_ok(run_on(GREEN, TASK_UNFOLLOW)); /* nothing to do */
    ck_assert_int_eq(inspect_on(GREEN, TASK_UNFOLLOW), FINDING_DID);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM players"), 3000);
    sql_on(GREEN, "CREATE TABLE stray (id integer); DROP TABLE seats");
    pair.order.id.rollout++;
    follow();
    ck_assert(!is_true_on(GREEN, "SELECT to_regclass('stray') IS NOT NULL"));
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM seats"), 2000);
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
}
END_TEST

/* A replica of it would lead there, or the same URL twice. */
START_TEST(a_database_does_not_follow_its_own_system)
{
    given_a_game();
    pair.sides[GREEN].other.url = pair.sides[GREEN].url;
    assert_refused("a database cannot follow itself");
}
END_TEST

START_TEST(a_twin_that_the_configuration_does_not_have_is_named)
{
    pair.sides[GREEN].other.node = "db-9";
    pair.order.arguments.system_id[0] = '\0';
    ck_assert_int_eq(run_on(BLUE, TASK_DRAIN_WAL), ERROR_REFUSED); /* known, not followed */
    assert_says("does not follow db-2");
    pair.sides[BLUE].config.database.twin_count = 0;
    assert_fails(ERROR_NOT_FOUND, run_on(BLUE, TASK_DRAIN_WAL));
    assert_says("db-2");
}
END_TEST

START_TEST(a_twin_that_is_not_reached_may_be_later)
{
    given_a_game();
    pair.sides[GREEN].other.url = "host=127.0.0.1 port=1 dbname=x";
    assert_fails(ERROR_CONNECTION, run_on(GREEN, TASK_FOLLOW));
    assert_says("db-1 is not reached from here");
    assert_untouched();
}
END_TEST

START_TEST(roles_and_extensions_that_are_missing_are_named)
{
    given_a_game();
    sql_on(BLUE,
           "DROP ROLE IF EXISTS butler; CREATE ROLE butler; GRANT SELECT ON players TO butler");
    assert_refused("it lacks roles of the other one: butler");
    sql_on(BLUE, "REVOKE SELECT ON players FROM butler; DROP ROLE butler");
}
END_TEST

START_TEST(sessions_of_game_roles_on_green_are_named)
{
    struct session_options options = {.url = pair.sides[GREEN].game_url,
                                      .application_name = "a stray game"};
    struct session *session = NULL;

    given_a_game();
    assert_ok(session_open(NULL, &options, &session, &failure));
    assert_refused("game roles have sessions in it: game (a stray game)");
    session_close(session);
}
END_TEST

START_TEST(a_database_that_hakem_has_never_seen_is_not_followed)
{
    assert_refused("db-1 has no schema hakem");
}
END_TEST

START_TEST(records_of_an_earlier_version_are_brought_up_to_date_as_their_owner)
{
    given_a_game();
    sql_on(BLUE, "DROP TABLE hakem.twin, hakem.heartbeat, hakem.raised_trigger;"
                 "DROP FUNCTION hakem.raise_trigger()");
    follow();
    ck_assert(is_true_on(BLUE, "SELECT tableowner = 'migrator' FROM pg_tables"
                               " WHERE schemaname = 'hakem' AND tablename = 'heartbeat'"));
}
END_TEST

START_TEST(an_unfinished_backfill_comes_first)
{
    given_a_game();
    sql_on(BLUE, "INSERT INTO hakem.mark (revision) VALUES ('0003_c');"
                 "INSERT INTO hakem.backfill (revision, generation, position)"
                 " VALUES ('0003_c', 0, 0)");
    assert_refused("a backfill of 0003_c is unfinished");
}
END_TEST

START_TEST(a_follower_is_not_followed)
{
    given_a_game();
    follow();
    pair.order.id.rollout++;
    assert_fails(ERROR_REFUSED, run_on(BLUE, TASK_FOLLOW));
    assert_says("db-2: it is \"following\" of rollout 12 itself");
    assert_says("db-1: it is not empty");
}
END_TEST

START_TEST(without_a_superuser_there_is_nothing_to_follow_with)
{
    pair.sides[GREEN].config.database.admin_url = NULL;
    assert_fails(ERROR_CONFIG, run_on(GREEN, TASK_FOLLOW));
    assert_says("database.admin_url");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, everything_is_said_at_once);
    tcase_add_test(tcase, a_long_list_is_cut_and_counted);
    tcase_add_test(tcase, a_unique_index_may_be_the_identity);
    tcase_add_test(tcase, partitions_are_followed_one_by_one);
    tcase_add_test(tcase, a_database_with_somebody_s_tables_is_never_emptied);
    tcase_add_test(tcase, a_copy_that_was_left_is_emptied_and_made_anew);
    tcase_add_test(tcase, a_database_does_not_follow_its_own_system);
    tcase_add_test(tcase, a_twin_that_the_configuration_does_not_have_is_named);
    tcase_add_test(tcase, a_twin_that_is_not_reached_may_be_later);
    tcase_add_test(tcase, roles_and_extensions_that_are_missing_are_named);
    tcase_add_test(tcase, sessions_of_game_roles_on_green_are_named);
    tcase_add_test(tcase, a_database_that_hakem_has_never_seen_is_not_followed);
    tcase_add_test(tcase, records_of_an_earlier_version_are_brought_up_to_date_as_their_owner);
    tcase_add_test(tcase, an_unfinished_backfill_comes_first);
    tcase_add_test(tcase, a_follower_is_not_followed);
    tcase_add_test(tcase, without_a_superuser_there_is_nothing_to_follow_with);
}

PAIR_SUITE("twin: refuse", add_all)
