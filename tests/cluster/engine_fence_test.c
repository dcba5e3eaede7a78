/* The fence in the database: older terms and other journals are refused by it. */
#include "common/migration/schema.h"
#include "common/postgres/term.h"
#include "support/engine.h"

static uint64_t my_term;

static uint64_t give_term(void *context)
{
    (void)context;
    return my_term;
}

START_TEST(a_lower_term_is_refused_by_the_database)
{
    const struct migration_hooks hooks = {.term = give_term};
    const struct term_row row = {.journal = "j1", .term = 5, .rollout = "7"};

    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(term_raise(engine.session, &row, 1000, &failure));
    engine.with.hooks = &hooks;
    engine.with.journal = "j1";
    my_term = 4;
    assert_fails(ERROR_SUPERSEDED, expand("0002_rating"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_attribute WHERE attname = 'rating'"), 0);
    my_term = 5;
    engine.with.journal = "j2";
    assert_fails(ERROR_SUPERSEDED, expand("0002_rating"));
    engine.with.journal = "j1";
    assert_ok(expand("0002_rating"));
    assert_fails(ERROR_SUPERSEDED,
                 session_run(engine.session, "SELECT hakem.enter('j1', 4)", &failure));
    ck_assert_str_eq(session_sqlstate(engine.session), TERM_SQLSTATE);
}
END_TEST

START_TEST(stand_alone_is_refused_while_a_rollout_is_open_unless_taken_over)
{
    const struct term_row row = {.journal = "j1", .term = 5, .rollout = "7"};
    struct term_row now;

    given_rating();
    assert_ok(schema_ensure(engine.session, &failure));
    assert_ok(term_raise(engine.session, &row, 1000, &failure));
    assert_fails(ERROR_REFUSED, expand("0001_players"));
    assert_says("rollout 7");
    assert_ok(term_take_over(engine.session, "somebody", "the coordinator burnt down", &failure));
    assert_ok(expand("0001_players"));
    assert_ok(term_read(engine.session, &now, &failure));
    ck_assert_uint_eq(now.term, 6);
    ck_assert_str_eq(now.rollout, "");
    assert_fails(ERROR_SUPERSEDED, term_raise(engine.session, &row, 1000, &failure));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_lower_term_is_refused_by_the_database);
    tcase_add_test(tcase, stand_alone_is_refused_while_a_rollout_is_open_unless_taken_over);
}

ENGINE_SUITE("engine: the fence", add_all)
