/* What a rehearsal measures of real statements, and what it says of those that fail. */
#include "agent/shadow/rehearsal.h"
#include "common/base/memory.h"
#include "common/migration/schema.h"
#include "support/engine.h"

static struct rehearsal *rehearsal;

static void set_up(void)
{
    engine_set_up();
    rehearsal = rehearsal_new(engine.session);
    given_players();
}

static enum error_code rehearse(const char *revision)
{
    struct rehearsal_order order = {.set = engine.set,
                                    .url = engine.url,
                                    .revision = revision,
                                    .release = "",
                                    .with_contracts = true,
                                    .run = &engine.with,
                                    .verify_ms = 5000};

    assert_ok(schema_ensure(engine.session, &failure));
    assert_ok(rehearsal_prepare(engine.session, &failure));
    return rehearsal_run(engine.session, &order, rehearsal, &failure);
}

/* A history of 0001_players, there already, with rows in it, and 0002_next, which is rehearsed. */
static void given_next(const char *expand, const char *revert)
{
    given("0002_next/expand.sql", expand);
    given("0002_next/revert.sql", revert);
}

static enum error_code rehearse_next(void)
{
    load();
    assert_ok(apply_in(engine.session, "0001_players", MIGRATION_EXPAND));
    sql("INSERT INTO players SELECT n, 'player ' || n FROM generate_series(1, 2000) n");
    return rehearse("0002_next");
}

static const struct rehearsed *row_of(enum rehearsed_phase phase, uint64_t statement,
                                      const char *relation)
{
    for (size_t i = 0; i < rehearsal->count; i++)
        if (rehearsal->rows[i].phase == phase && rehearsal->rows[i].statement == statement &&
            strcmp(rehearsal->rows[i].relation, relation) == 0)
            return &rehearsal->rows[i];
    ck_abort_msg("no row of statement %llu on %s", (unsigned long long)statement, relation);
    return NULL;
}

START_TEST(locks_rewrites_and_sizes_are_told_by_statement_and_relation)
{
    const struct rehearsed *row;

    given_next("ALTER TABLE players ADD COLUMN a integer;\n"
               "ALTER TABLE players ADD COLUMN b double precision DEFAULT random();\n"
               "CREATE TABLE more (id integer PRIMARY KEY);\n"
               "CREATE INDEX players_a ON players (a);",
               "DROP INDEX players_a;\nDROP TABLE more;\n"
               "ALTER TABLE players DROP COLUMN b, DROP COLUMN a;");
    assert_ok(rehearse_next());
    row = row_of(REHEARSED_EXPAND, 1, "public.players");
    ck_assert_int_eq(row->lock, LOCK_ACCESS_EXCLUSIVE);
    ck_assert(!row->is_rewritten && !row->is_new);
    row = row_of(REHEARSED_EXPAND, 2, "public.players");
    ck_assert(row->is_rewritten);
    ck_assert_uint_gt(row->bytes_before, 0);
    ck_assert_uint_gt(row->bytes_after, 0);
    ck_assert(row_of(REHEARSED_EXPAND, 3, "public.more")->is_new);
    row = row_of(REHEARSED_EXPAND, 4, "public.players");
    ck_assert_uint_gt(row->bytes_after, row->bytes_before);
    ck_assert_int_eq(row_of(REHEARSED_REVERT, 0, "")->verdict, VERDICT_PASS);
}
END_TEST

START_TEST(a_statement_outside_of_transactions_is_measured_too)
{
    const struct rehearsed *row;

    given_next("CREATE INDEX CONCURRENTLY players_name ON players (name);",
               "DROP INDEX CONCURRENTLY players_name;");
    assert_ok(rehearse_next());
    row = row_of(REHEARSED_EXPAND, 1, "public.players");
    ck_assert_int_eq(row->lock, LOCK_SHARE_UPDATE_EXCLUSIVE);
    ck_assert_uint_gt(row->bytes_after, row->bytes_before);
    ck_assert(row_of(REHEARSED_EXPAND, 1, "public.players_name")->is_new);
}
END_TEST

START_TEST(a_statement_that_fails_ends_it_with_its_sentence_and_what_was_measured_before)
{
    given_next("ALTER TABLE players ADD COLUMN a integer;\n-- hakem:commit\n"
               "ALTER TABLE players ADD CONSTRAINT few CHECK (id < 10);",
               "ALTER TABLE players DROP COLUMN a;");
    ck_assert_int_ne(rehearse_next(), ERROR_OK);
    assert_says("0002_next/expand.sql:3");
    assert_says("few");
    (void)row_of(REHEARSED_EXPAND, 1, "public.players");
    ck_assert_int_eq(rehearsal->rows[rehearsal->count - 1].verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(a_revert_that_leaves_something_is_found_out)
{
    given_next("ALTER TABLE players ADD COLUMN a integer;\nCREATE TABLE more (id integer);",
               "ALTER TABLE players DROP COLUMN a;");
    assert_fails(ERROR_VERIFY, rehearse_next());
    assert_says("revert does not restore the schema (it has besides");
    assert_says("more");
}
END_TEST

START_TEST(a_revision_without_a_way_back_is_said_and_contracted_all_the_same)
{
    given_next("ALTER TABLE players ADD COLUMN a integer;", "SELECT 1;");
    given("0002_next/migration.yaml", "irreversible: true\n");
    given("0002_next/contract.sql", "ALTER TABLE players DROP COLUMN name;");
    assert_ok(rehearse_next());
    ck_assert_int_eq(row_of(REHEARSED_REVERT, 0, "")->verdict, VERDICT_INCONCLUSIVE);
    ck_assert_int_eq(row_of(REHEARSED_CONTRACT, 1, "public.players")->lock, LOCK_ACCESS_EXCLUSIVE);
}
END_TEST

START_TEST(a_validation_that_says_no_ends_it)
{
    given_next("ALTER TABLE players ADD COLUMN a integer;", "ALTER TABLE players DROP COLUMN a;");
    given("0002_next/verify.sql", "SELECT count(a) > 0 FROM players;");
    assert_fails(ERROR_VERIFY, rehearse_next());
    ck_assert_int_eq(row_of(REHEARSED_VERIFY, 0, "")->verdict, VERDICT_FAIL);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, locks_rewrites_and_sizes_are_told_by_statement_and_relation);
    tcase_add_test(tcase, a_statement_outside_of_transactions_is_measured_too);
    tcase_add_test(tcase,
                   a_statement_that_fails_ends_it_with_its_sentence_and_what_was_measured_before);
    tcase_add_test(tcase, a_revert_that_leaves_something_is_found_out);
    tcase_add_test(tcase, a_revision_without_a_way_back_is_said_and_contracted_all_the_same);
    tcase_add_test(tcase, a_validation_that_says_no_ends_it);
}

SUITE("rehearsal", {.add = add_all,
                    .set_up = set_up,
                    .tear_down = engine_tear_down,
                    .set_up_once = engine_start,
                    .tear_down_once = engine_stop,
                    .timeout_s = 60})
