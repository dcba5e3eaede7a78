/* What somebody changed by hand is told from what a run changed. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/drift.h"
#include "common/migration/fingerprint.h"
#include "common/migration/schema.h"
#include "support/engine.h"

#include <string.h>

static char fingerprint_at_end[HASH_HEX_SIZE];

static void begin(void)
{
    assert_ok(drift_begin(engine.session, NULL, &failure));
}

static void end(void)
{
    assert_ok(drift_end(engine.session, NULL, fingerprint_at_end, &failure));
}

/* As one run, or one step. */
static void run(const char *text)
{
    begin();
    sql(text);
    end();
}

static const struct drift *drift(void)
{
    struct drift *drift = NULL;

    assert_ok(drift_list(engine.session, engine.session, &drift, &failure));
    return drift;
}

static void assert_drift(const char *wanted)
{
    struct text *said = text_new(engine.session, 1000);

    ck_assert(drift()->is_known);
    drift_say(drift(), said);
    ck_assert_str_eq(said->data, wanted);
}

static void given_game(void)
{
    run("CREATE TABLE players (id bigint PRIMARY KEY, name text NOT NULL);"
        "CREATE INDEX players_name ON players (name)");
}

START_TEST(what_a_run_changes_is_no_drift)
{
    char fingerprint[HASH_HEX_SIZE];

    ck_assert(!drift()->is_known);
    given_game();
    assert_drift("");
    assert_ok(fingerprint_take(engine.session, 1000, fingerprint, &failure));
    ck_assert_str_eq(fingerprint_at_end, fingerprint);
    run("ALTER TABLE players ADD COLUMN motto text; DROP INDEX players_name");
    assert_drift("");
    run("SELECT 1");
    assert_drift("");
}
END_TEST

START_TEST(what_was_there_before_the_first_run_is_no_drift)
{
    sql("CREATE TABLE old (id int)");
    given_game();
    assert_drift("");
}
END_TEST

START_TEST(what_somebody_changes_is_named_object_by_object)
{
    given_game();
    sql("ALTER TABLE players ADD COLUMN by_hand int; DROP INDEX players_name;"
        "ALTER TABLE players ALTER COLUMN name DROP NOT NULL");
    assert_drift("+ column public.players.by_hand, - column public.players.name, "
                 "+ column public.players.name, - index public.players_name");
    ck_assert_str_eq(drift()->objects[3].kind, "index");
    ck_assert_ptr_nonnull(strstr(drift()->objects[3].definition, "CREATE INDEX players_name"));
    sql("CREATE TABLE more (a int, b int)");
    assert_drift("+ column public.more.a, + column public.more.b, + column public.players.by_hand, "
                 "- column public.players.name and 3 more");
}
END_TEST

START_TEST(it_stays_drift_over_later_runs_until_it_is_taken_back)
{
    given_game();
    sql("ALTER TABLE players ADD COLUMN by_hand int; DROP INDEX players_name");
    run("ALTER TABLE players ADD COLUMN motto text");
    assert_drift("+ column public.players.by_hand, - index public.players_name");
    run("ALTER TABLE players DROP COLUMN motto");
    assert_drift("+ column public.players.by_hand, - index public.players_name");
    sql("ALTER TABLE players DROP COLUMN by_hand");
    assert_drift("- index public.players_name");
    run("CREATE INDEX players_name ON players (name)");
    assert_drift("");
    run("SELECT 1");
    assert_drift("");
}
END_TEST

START_TEST(a_run_that_changes_it_once_more_settles_it)
{
    given_game();
    sql("ALTER TABLE players ALTER COLUMN name DROP NOT NULL");
    assert_drift("- column public.players.name, + column public.players.name");
    run("ALTER TABLE players ALTER COLUMN name SET DEFAULT 'nobody'");
    assert_drift("");
}
END_TEST

/* Nobody knows what of it the run did: its successor takes all of it for that. */
START_TEST(an_interrupted_run_is_open_until_the_next_one_ends)
{
    struct session *other = open_session("other");
    size_t count = 0;

    given_game();
    sql("CREATE TABLE by_hand (id int)");
    begin();
    sql("ALTER TABLE players ADD COLUMN motto text");
    ck_assert(!drift()->is_known && drift()->is_open);
    assert_ok(session_run(other, "SELECT pg_advisory_lock(7521902, 2)", &failure));
    assert_fails(ERROR_REFUSED, drift_accept(engine.session, "anna", "mine", &count, &failure));
    session_close(other);
    begin();
    sql("ALTER TABLE players ADD COLUMN more text");
    end();
    assert_drift("+ column public.by_hand.id, + relation public.by_hand");
}
END_TEST

/* Somebody has taken over meanwhile: what he knows is not to be overwritten. */
START_TEST(an_older_term_writes_nothing_of_what_it_knew)
{
    const struct term_row older = {.journal = "j", .term = 3};
    const struct term_row newer = {.journal = "j", .term = 4};
    size_t count = 0;

    given_game();
    sql("UPDATE hakem.term SET journal = 'j', term = 3, rollout = '7'");
    assert_ok(drift_begin(engine.session, &older, &failure));
    sql("CREATE TABLE made (id int); UPDATE hakem.term SET term = 4");
    assert_fails(ERROR_SUPERSEDED, drift_end(engine.session, &older, fingerprint_at_end, &failure));
    assert_says("term 4 has taken over from term 3");
    ck_assert(drift()->is_open);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.schema_object WHERE name LIKE '%made%'"), 0);
    assert_fails(ERROR_SUPERSEDED, drift_accept(engine.session, "anna", "mine", &count, &failure));
    assert_ok(drift_end(engine.session, &newer, fingerprint_at_end, &failure));
    assert_drift("");
    assert_fails(ERROR_SUPERSEDED, drift_begin(engine.session, &older, &failure));
    ck_assert(!drift()->is_open);
    assert_fails(ERROR_SUPERSEDED, drift_accept(engine.session, "anna", "mine", &count, &failure));
}
END_TEST

START_TEST(it_is_accepted_with_a_reason_which_is_kept)
{
    size_t count = 0;

    given_game();
    sql("CREATE INDEX quick ON players (name, id)");
    assert_ok(drift_accept(engine.session, "anna", "the report was slow", &count, &failure));
    ck_assert_uint_eq(count, 1);
    assert_drift("");
    ck_assert(is_true("SELECT operator_name = 'anna' AND detail LIKE 'the report was slow%"
                      "+ index public.quick CREATE INDEX%' FROM hakem.migration_log"
                      " WHERE phase = 'accept'"));
    assert_ok(drift_accept(engine.session, "anna", "again", &count, &failure));
    ck_assert_uint_eq(count, 0);
    sql("DROP INDEX quick");
    assert_drift("- index public.quick");
}
END_TEST

/* Nothing is under way: somebody died. */
START_TEST(an_interrupted_run_is_ended_by_accepting_what_there_is)
{
    size_t count = 0;

    given_game();
    begin();
    sql("CREATE TABLE half (id int)");
    assert_ok(drift_accept(engine.session, "anna", "it is fine so", &count, &failure));
    assert_drift("");
    sql("DROP TABLE half");
    ck_assert_uint_eq(drift()->count, 2);
}
END_TEST

/* PostgreSQL writes it so once it was dumped and read back. */
START_TEST(what_is_only_written_otherwise_is_none)
{
    run("CREATE TABLE moods (mood varchar(9) CONSTRAINT known CHECK (mood IN ('sad', 'glad')))");
    sql("ALTER TABLE moods DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (((mood)::text = ANY"
        " (ARRAY[('sad'::character varying)::text, ('glad'::character varying)::text])))");
    ck_assert(is_true("SELECT pg_get_constraintdef(oid) LIKE '%ARRAY[(%' FROM pg_constraint"
                      " WHERE conname = 'known'"));
    assert_drift("");
    sql("ALTER TABLE moods DROP CONSTRAINT known, ADD CONSTRAINT known CHECK (mood = 'sad')");
    ck_assert_uint_eq(drift()->count, 2);
}
END_TEST

START_TEST(a_lock_that_is_not_had_leaves_it_open_and_says_so)
{
    struct session *other = open_session("other");

    given_game();
    begin();
    assert_ok(session_run(other, "BEGIN; ALTER TABLE players ADD COLUMN late int", &failure));
    assert_fails(ERROR_LOCK, drift_end(engine.session, NULL, fingerprint_at_end, &failure));
    assert_ok(session_run(other, "ROLLBACK", &failure));
    session_close(other);
    ck_assert(!drift()->is_known);
    end();
    assert_drift("");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_a_run_changes_is_no_drift);
    tcase_add_test(tcase, what_was_there_before_the_first_run_is_no_drift);
    tcase_add_test(tcase, what_somebody_changes_is_named_object_by_object);
    tcase_add_test(tcase, it_stays_drift_over_later_runs_until_it_is_taken_back);
    tcase_add_test(tcase, a_run_that_changes_it_once_more_settles_it);
    tcase_add_test(tcase, an_interrupted_run_is_open_until_the_next_one_ends);
    tcase_add_test(tcase, an_older_term_writes_nothing_of_what_it_knew);
    tcase_add_test(tcase, it_is_accepted_with_a_reason_which_is_kept);
    tcase_add_test(tcase, an_interrupted_run_is_ended_by_accepting_what_there_is);
    tcase_add_test(tcase, what_is_only_written_otherwise_is_none);
    tcase_add_test(tcase, a_lock_that_is_not_had_leaves_it_open_and_says_so);
}

ENGINE_SUITE("engine: drift", add_all)
