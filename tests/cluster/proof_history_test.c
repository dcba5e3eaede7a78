/* Histories that go both ways, and each way in which one does not. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/proof.h"
#include "support/engine.h"

static struct proof_report *report;
static size_t told;

static void count_told(void *context, const struct proof_revision *revision)
{
    (void)context;
    ck_assert(revision->is_tested);
    told++;
}

static enum error_code prove_from(size_t from)
{
    const struct proof_options options = {.set = engine.set,
                                          .target = engine.set->head,
                                          .from = from,
                                          .url = engine.url,
                                          .on_revision = count_told};

    told = 0;
    return proof_run(engine.set, &options, &report, &failure);
}

static void prove(void)
{
    load();
    assert_ok(prove_from(0));
}

/* And then as one rollout brings them. */
static void prove_together(void)
{
    struct proof_options options = {.set = engine.set, .target = engine.set->head};
    char name[32];

    ck_assert_ptr_null(report->failed);
    (void)text_format(name, sizeof(name), "together_%llu",
                      (unsigned long long)clock_monotonic_us());
    assert_ok(postgres_make_database(&engine.server, name, engine.url, &failure));
    options.url = engine.url;
    assert_ok(proof_run_together(&options, report, &failure));
}

static enum proof_outcome outcome_of(size_t revision, enum proof_check check)
{
    return report->revisions[revision].results[check].outcome;
}

static const char *sentence_of(size_t revision, enum proof_check check)
{
    return report->revisions[revision].results[check].sentence;
}

/* The second revision, and no other, failed that check; the rest was not made. */
static void assert_fails_at(enum proof_check check, const char *says)
{
    ck_assert_ptr_eq(report->failed, &report->revisions[1]);
    ck_assert_msg(report->failed_check == check, "%s: %s", proof_check_name(report->failed_check),
                  sentence_of(1, report->failed_check));
    ck_assert_msg(strstr(sentence_of(1, check), says) != NULL, "%s", sentence_of(1, check));
    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        ck_assert(i <= (int)check || outcome_of(1, (enum proof_check)i) == PROOF_NOT_MADE);
    ck_assert(outcome_of(0, PROOF_AGAIN) == PROOF_PASSED);
}

/* An object of that sign, kind and name is part of what check says. */
static void assert_differs(enum proof_check check, char sign, const char *kind, const char *name)
{
    const struct difference *difference = report->failed->results[check].difference;

    ck_assert_ptr_nonnull(difference);
    for (size_t i = 0; i < difference->count; i++) {
        const struct difference_entry *entry = &difference->entries[i];

        if (entry->sign == sign && strcmp(entry->object->kind, kind) == 0 &&
            strcmp(entry->object->name, name) == 0)
            return;
    }
    ck_abort_msg("no %c %s %s among %zu", sign, kind, name, difference->count);
}

START_TEST(a_history_that_goes_both_ways_passes_and_ends_contracted)
{
    given_rating();
    prove();
    ck_assert_ptr_null(report->failed);
    ck_assert_uint_eq(report->count, 2);
    ck_assert_uint_eq(told, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(outcome_of(i, PROOF_UP) == PROOF_PASSED);
        ck_assert(outcome_of(i, PROOF_REVERT) == PROOF_PASSED);
        ck_assert(outcome_of(i, PROOF_AGAIN) == PROOF_PASSED);
    }
    ck_assert(outcome_of(0, PROOF_LOSSLESS) == PROOF_SKIPPED);
    ck_assert(outcome_of(1, PROOF_LOSSLESS) == PROOF_PASSED);
    ck_assert(outcome_of(0, PROOF_CONTRACT) == PROOF_SKIPPED);
    ck_assert(outcome_of(1, PROOF_CONTRACT) == PROOF_PASSED);
    ck_assert(is_contracted("0002_rating"));
    ck_assert_uint_eq(generation_of("0002_rating"), 1);
    ck_assert_uint_gt(report->revisions[1].phase_us[PROOF_PHASE_EXPAND], 0);
    ck_assert_uint_gt(report->revisions[1].phase_us[PROOF_PHASE_CONTRACT], 0);
}
END_TEST

START_TEST(a_revert_that_leaves_a_column_is_shown_with_the_column)
{
    given_players();
    given("0002_motto/expand.sql",
          "ALTER TABLE players ADD COLUMN motto text, ADD COLUMN shown bool;");
    given("0002_motto/revert.sql", "ALTER TABLE players DROP COLUMN shown;");
    prove();
    assert_fails_at(PROOF_REVERT, "the schema is not what it was before (1 difference)");
    assert_differs(PROOF_REVERT, '+', "column", "public.players.motto");
}
END_TEST

START_TEST(a_revert_that_loses_an_index_is_shown_with_the_index)
{
    given("0001_players/expand.sql", "CREATE TABLE players (id bigint PRIMARY KEY, name text);"
                                     "CREATE INDEX players_name ON players (name);");
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0002_lower/expand.sql", "CREATE INDEX players_lower ON players (lower(name));"
                                   "DROP INDEX players_name;");
    given("0002_lower/revert.sql", "DROP INDEX players_lower;");
    prove();
    assert_fails_at(PROOF_REVERT, "not what it was before");
    assert_differs(PROOF_REVERT, '-', "index", "public.players_name");
}
END_TEST

START_TEST(a_default_that_comes_back_differently_is_shown_as_it_was_and_as_it_is)
{
    given("0001_players/expand.sql",
          "CREATE TABLE players (id bigint PRIMARY KEY, points int DEFAULT 10);");
    given("0001_players/revert.sql", "DROP TABLE players;");
    given("0002_points/expand.sql", "ALTER TABLE players ALTER points SET DEFAULT 20;");
    given("0002_points/revert.sql", "ALTER TABLE players ALTER points SET DEFAULT 0;");
    prove();
    assert_fails_at(PROOF_REVERT, "(2 differences)");
    assert_differs(PROOF_REVERT, '-', "column", "public.players.points");
    assert_differs(PROOF_REVERT, '+', "column", "public.players.points");
}
END_TEST

START_TEST(a_revert_that_cannot_run_says_which_line)
{
    given_players();
    given("0002_motto/expand.sql", "ALTER TABLE players ADD COLUMN motto text;");
    given("0002_motto/revert.sql", "\nALTER TABLE players DROP COLUMN moto;");
    prove();
    assert_fails_at(PROOF_REVERT, "0002_motto/revert.sql:2");
}
END_TEST

/* What a revert leaves outside of the schema, a second way up may stumble over. */
START_TEST(a_second_way_up_that_leads_elsewhere_is_shown)
{
    given_players();
    given(
        "0002_once/expand.sql",
        "DO $$ BEGIN IF EXISTS (SELECT FROM hakem.schema_version WHERE revision = '0002_once'"
        " AND phase = 'revert') THEN CREATE TABLE twice (id int); ELSE CREATE TABLE once (id int);"
        " END IF; END $$;");
    given("0002_once/revert.sql", "DROP TABLE IF EXISTS once, twice;");
    prove();
    assert_fails_at(PROOF_AGAIN, "leads to another schema");
    assert_differs(PROOF_AGAIN, '-', "relation", "public.once");
    assert_differs(PROOF_AGAIN, '+', "relation", "public.twice");
}
END_TEST

START_TEST(a_verification_that_says_no_fails_the_way_up)
{
    given_players();
    given("0002_no/expand.sql", "ALTER TABLE players ADD COLUMN motto text;");
    given("0002_no/revert.sql", "ALTER TABLE players DROP COLUMN motto;");
    given("0002_no/verify.sql", "SELECT EXISTS (SELECT FROM players);");
    prove();
    assert_fails_at(PROOF_UP, "0002_no/verify.sql:1: the validation says no");
}
END_TEST

START_TEST(a_lossless_query_that_cannot_be_asked_fails)
{
    given_players();
    given("0002_motto/expand.sql", "ALTER TABLE players ADD COLUMN motto text;");
    given("0002_motto/revert.sql", "ALTER TABLE players DROP COLUMN motto;");
    given("0002_motto/lossless.sql", "SELECT count(*) FROM players WHERE moto IS NOT NULL;");
    prove();
    assert_fails_at(PROOF_LOSSLESS, "0002_motto/lossless.sql:1");
}
END_TEST

START_TEST(what_a_rollback_would_be_kept_for_at_once_is_said)
{
    given_players();
    given("0002_bot/expand.sql", "INSERT INTO players VALUES (0, 'bot');");
    given("0002_bot/revert.sql", "DELETE FROM players WHERE id = 0;");
    given("0002_bot/lossless.sql", "SELECT count(*) FROM players WHERE name = 'bot';");
    prove();
    ck_assert_ptr_null(report->failed);
    ck_assert_uint_eq(report->revisions[1].kept_count, 1);
    ck_assert_ptr_nonnull(strstr(sentence_of(1, PROOF_LOSSLESS), "counts 1 values"));
}
END_TEST

START_TEST(an_irreversible_revision_is_said_and_its_way_back_left_out)
{
    given_players();
    given("0002_end/expand.sql", "ALTER TABLE players DROP COLUMN name;");
    given("0002_end/migration.yaml", "irreversible: true\n");
    prove();
    ck_assert_ptr_null(report->failed);
    ck_assert(outcome_of(1, PROOF_REVERT) == PROOF_SKIPPED);
    ck_assert_str_eq(sentence_of(1, PROOF_REVERT), "it is marked as irreversible");
    ck_assert(outcome_of(1, PROOF_AGAIN) == PROOF_SKIPPED);
}
END_TEST

START_TEST(a_contract_that_its_validation_refuses_fails)
{
    given_players();
    given("0002_motto/expand.sql", "ALTER TABLE players ADD COLUMN motto text;");
    given("0002_motto/revert.sql", "ALTER TABLE players DROP COLUMN motto;");
    given("0002_motto/contract.sql", "ALTER TABLE players DROP COLUMN name;");
    given("0002_motto/verify.contract.sql", "SELECT false;");
    prove();
    assert_fails_at(PROOF_CONTRACT, "0002_motto/verify.contract.sql:1");
}
END_TEST

/* The old release asks for what the expand renamed away; the new one for what the contract drops.
 */
static void given_releases(const char *expand, const char *contract)
{
    given_players();
    given("0002_title/expand.sql", expand);
    given("0002_title/revert.sql", "ALTER TABLE players DROP COLUMN IF EXISTS title;");
    given("0002_title/contract.sql", contract);
    given("releases.yaml", "releases:\n"
                           "  - name: \"1.0\"\n"
                           "    needs: 0001_players\n"
                           "    queries: |\n"
                           "      SELECT name FROM players WHERE id = $1;\n"
                           "      INSERT INTO players (id, name) VALUES (1, 'a');\n"
                           "  - name: \"1.1\"\n"
                           "    needs: 0002_title\n"
                           "    queries: SELECT title FROM players\n");
}

START_TEST(a_release_that_the_schema_no_longer_suits_is_named_with_its_query)
{
    given_releases("ALTER TABLE players ADD COLUMN title text NOT NULL DEFAULT '';"
                   "ALTER TABLE players ALTER COLUMN title DROP DEFAULT;",
                   "ALTER TABLE players DROP COLUMN name;");
    prove();
    assert_fails_at(PROOF_RELEASES, "release 1.0 is said to run on this schema, and cannot: "
                                    "releases.yaml, queries of 1.0:2");
    ck_assert_uint_eq(ask("SELECT count(*) FROM players"), 0);
}
END_TEST

START_TEST(releases_are_asked_before_and_after_the_contract_and_leave_nothing)
{
    given_releases("ALTER TABLE players ADD COLUMN title text;",
                   "ALTER TABLE players DROP COLUMN name;");
    prove();
    ck_assert_ptr_null(report->failed);
    ck_assert(outcome_of(0, PROOF_RELEASES) == PROOF_PASSED);
    ck_assert(outcome_of(1, PROOF_CONTRACTED) == PROOF_PASSED);
    ck_assert_uint_eq(ask("SELECT count(*) FROM players"), 0);
    engine_tear_down();
    engine_set_up();
    given_releases("ALTER TABLE players ADD COLUMN title text;",
                   "ALTER TABLE players DROP COLUMN title;");
    prove();
    assert_fails_at(PROOF_CONTRACTED, "release 1.1");
}
END_TEST

START_TEST(from_leaves_out_what_is_before_and_must_be_part_of_the_history)
{
    given_rating();
    given("0003_more/expand.sql", "CREATE TABLE more (id int);");
    given("0003_more/revert.sql", "DROP TABLE more;");
    load();
    assert_ok(prove_from(2));
    ck_assert_uint_eq(told, 1);
    ck_assert(!report->revisions[1].is_tested && report->revisions[2].is_tested);
    ck_assert(is_contracted("0002_rating"));
    ck_assert_uint_eq(generation_of("0002_rating"), 0);
    engine.set->head = 0;
    assert_fails(ERROR_REFUSED, prove_from(2));
    assert_says("0001_players does not stand on 0003_more");
}
END_TEST

/* ---- together ---- */

/* The third takes a name that the contract of the second has given up. */
static void given_reuse(const char *yaml)
{
    given_players();
    given("0002_title/expand.sql", "ALTER TABLE players ADD COLUMN title text;");
    given("0002_title/revert.sql", "ALTER TABLE players DROP COLUMN title;");
    given("0002_title/contract.sql", "ALTER TABLE players DROP COLUMN name;");
    given("0003_number/expand.sql", "ALTER TABLE players ADD COLUMN name int;");
    given("0003_number/revert.sql", "ALTER TABLE players DROP COLUMN name;");
    given("0003_number/migration.yaml", yaml);
}

START_TEST(a_revision_that_needs_a_contract_fails_in_one_rollout_unless_it_says_so)
{
    given_reuse("requires: [0002_title]\n");
    prove();
    prove_together();
    ck_assert_ptr_eq(report->failed, &report->revisions[2]);
    ck_assert(report->failed_check == PROOF_TOGETHER);
    ck_assert_ptr_nonnull(strstr(sentence_of(2, PROOF_TOGETHER), "0003_number/expand.sql:1"));
}
END_TEST

START_TEST(a_revision_that_says_so_begins_after_the_contract)
{
    given_reuse("requires: [0002_title]\nrequires_contracted: [0002_title]\n");
    prove();
    prove_together();
    ck_assert_ptr_null(report->failed);
    for (size_t i = 0; i < 3; i++)
        ck_assert(outcome_of(i, PROOF_TOGETHER) == PROOF_PASSED);
}
END_TEST

START_TEST(all_are_taken_back_in_reverse_and_what_one_leaves_is_shown)
{
    given_players();
    given("0002_index/expand.sql", "CREATE INDEX players_name ON players (name);");
    given("0002_index/revert.sql", "DROP INDEX IF EXISTS players_name;"); /* not under that name */
    given("0002_index/contract.sql", "SELECT 1;");
    given("0003_other/expand.sql",
          "DO $$ BEGIN IF NOT EXISTS (SELECT FROM hakem.mark WHERE revision ="
          " '0002_index' AND contracted) THEN"
          " ALTER INDEX players_name RENAME TO players_by_name; END IF; END $$;");
    given("0003_other/revert.sql", "SELECT 1;");
    prove();
    prove_together();
    ck_assert_ptr_eq(report->failed, &report->revisions[2]);
    assert_differs(PROOF_TOGETHER, '-', "index", "public.players_name");
    assert_differs(PROOF_TOGETHER, '+', "index", "public.players_by_name");
}
END_TEST

START_TEST(both_orders_must_end_with_the_same_schema)
{
    given_players();
    given("0002_end/expand.sql", "SELECT 1;");
    given("0002_end/migration.yaml", "irreversible: true\n");
    given("0002_end/contract.sql", "ALTER TABLE players ADD COLUMN done bool;");
    given("0003_copy/expand.sql", "CREATE TABLE copy (LIKE players);");
    given("0003_copy/revert.sql", "DROP TABLE copy;");
    prove();
    prove_together();
    ck_assert_ptr_eq(report->failed, &report->revisions[2]);
    ck_assert_ptr_nonnull(strstr(sentence_of(2, PROOF_TOGETHER), "ends with another schema"));
    assert_differs(PROOF_TOGETHER, '-', "column", "public.copy.done");
}
END_TEST

START_TEST(releases_are_asked_with_all_expanded_and_none_contracted)
{
    given_players();
    given("0002_a/expand.sql", "ALTER TABLE players ADD COLUMN a int;");
    given("0002_a/revert.sql", "ALTER TABLE players DROP COLUMN a;");
    given("0003_b/expand.sql", "ALTER TABLE players ADD COLUMN b int;");
    given("0003_b/revert.sql", "ALTER TABLE players DROP COLUMN b;");
    given("releases.yaml",
          "releases:\n  - name: r\n    needs: 0001_players\n"
          "    queries: SELECT 1 / (CASE WHEN count(*) = 4 AND NOT EXISTS (SELECT"
          " FROM hakem.migration_log WHERE phase = 'revert') THEN 0 ELSE 1 END)"
          " FROM pg_attribute WHERE attrelid = 'players'::regclass AND attnum > 0\n");
    prove();
    prove_together();
    ck_assert_ptr_nonnull(report->failed);
    ck_assert(report->failed_check == PROOF_TOGETHER);
    ck_assert_ptr_nonnull(strstr(sentence_of(2, PROOF_TOGETHER), "release r is said to run"));
}
END_TEST

/* They come and go with the last revision; the contract has to do with them, too. */
START_TEST(repeatables_go_both_ways_with_the_last_revision)
{
    given_rating();
    given("repeatable/rated.sql", "CREATE VIEW rated AS SELECT id, rating FROM players;");
    prove();
    prove_together();
    ck_assert_ptr_null(report->failed);
    ck_assert(is_true("SELECT to_regclass('rated') IS NOT NULL"));
}
END_TEST

START_TEST(a_contract_that_a_repeatable_stands_against_fails)
{
    given_players();
    given("0002_end/expand.sql", "SELECT 1;");
    given("0002_end/revert.sql", "SELECT 1;");
    given("0002_end/contract.sql", "ALTER TABLE players DROP COLUMN name;");
    given("repeatable/names.sql", "CREATE VIEW names AS SELECT name FROM players;");
    prove();
    assert_fails_at(PROOF_CONTRACT, "other objects depend on it");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, repeatables_go_both_ways_with_the_last_revision);
    tcase_add_test(tcase, a_contract_that_a_repeatable_stands_against_fails);
    tcase_add_test(tcase, a_history_that_goes_both_ways_passes_and_ends_contracted);
    tcase_add_test(tcase, a_revert_that_leaves_a_column_is_shown_with_the_column);
    tcase_add_test(tcase, a_revert_that_loses_an_index_is_shown_with_the_index);
    tcase_add_test(tcase, a_default_that_comes_back_differently_is_shown_as_it_was_and_as_it_is);
    tcase_add_test(tcase, a_revert_that_cannot_run_says_which_line);
    tcase_add_test(tcase, a_second_way_up_that_leads_elsewhere_is_shown);
    tcase_add_test(tcase, a_verification_that_says_no_fails_the_way_up);
    tcase_add_test(tcase, a_lossless_query_that_cannot_be_asked_fails);
    tcase_add_test(tcase, what_a_rollback_would_be_kept_for_at_once_is_said);
    tcase_add_test(tcase, an_irreversible_revision_is_said_and_its_way_back_left_out);
    tcase_add_test(tcase, a_contract_that_its_validation_refuses_fails);
    tcase_add_test(tcase, a_release_that_the_schema_no_longer_suits_is_named_with_its_query);
    tcase_add_test(tcase, releases_are_asked_before_and_after_the_contract_and_leave_nothing);
    tcase_add_test(tcase, a_revision_that_needs_a_contract_fails_in_one_rollout_unless_it_says_so);
    tcase_add_test(tcase, a_revision_that_says_so_begins_after_the_contract);
    tcase_add_test(tcase, all_are_taken_back_in_reverse_and_what_one_leaves_is_shown);
    tcase_add_test(tcase, both_orders_must_end_with_the_same_schema);
    tcase_add_test(tcase, releases_are_asked_with_all_expanded_and_none_contracted);
    tcase_add_test(tcase, from_leaves_out_what_is_before_and_must_be_part_of_the_history);
}

ENGINE_SUITE("proof: histories", add_all)
