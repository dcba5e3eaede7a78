/* A history run on a scratch database: what was seen, beside what was predicted. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/trace.h"
#include "support/engine.h"

static struct trace *trace(const char *expand, const char *contract)
{
    struct trace_request request = {.pending = {.set = NULL}};
    struct trace *made = NULL;

    given("0001_a/expand.sql", "CREATE TABLE p (id bigint PRIMARY KEY, x int NOT NULL);\n"
                               "CREATE TABLE t (id bigint PRIMARY KEY, a int, p_id bigint,\n"
                               "    CONSTRAINT t_p FOREIGN KEY (p_id) REFERENCES p (id));");
    given("0001_a/revert.sql", "DROP TABLE t; DROP TABLE p;");
    given("0002_b/expand.sql", expand);
    given("0002_b/revert.sql", "SELECT 1;");
    given("0002_b/contract.sql", contract);
    load();
    request.target = engine.set->head;
    request.pending.set = engine.set;
    plan_choose(engine.set, NULL, request.target, &request.pending);
    assert_ok(trace_run(engine.set, engine.session, &request, &made, &failure));
    return made;
}

static const struct trace_statement *statement(const struct trace *made, const char *text)
{
    for (size_t i = 0; i < made->count; i++)
        if (strcmp(made->statements[i].step->statement->text, text) == 0)
            return &made->statements[i];
    ck_abort_msg("%s was not traced", text);
    return NULL;
}

static const struct trace_relation *relation(const struct trace_statement *of, const char *name)
{
    for (size_t i = 0; i < of->relation_count; i++)
        if (strcmp(of->relations[i].name, name) == 0)
            return &of->relations[i];
    ck_abort_msg("%s was not seen", name);
    return NULL;
}

START_TEST(locks_rewrites_and_times_are_those_that_were_seen)
{
    const struct trace *made = trace("ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid();\n"
                                     "CREATE INDEX CONCURRENTLY i ON t (a);\n"
                                     "ALTER TABLE p ADD COLUMN y int;",
                                     "ALTER TABLE t DROP CONSTRAINT t_p;");
    const struct trace_statement *one =
        statement(made, "ALTER TABLE t ADD COLUMN z uuid DEFAULT gen_random_uuid()");

    ck_assert_uint_eq(made->count, 6);
    for (size_t i = 0; i < made->count; i++) {
        ck_assert(made->statements[i].was_run);
        ck_assert_uint_gt(made->statements[i].took_us, 0);
        ck_assert_msg(made->statements[i].difference == NULL, "%s: %s",
                      made->statements[i].step->statement->text, made->statements[i].difference);
    }
    ck_assert_int_eq(relation(one, "t")->mode, LOCK_ACCESS_EXCLUSIVE);
    ck_assert(relation(one, "t")->is_rewritten && relation(one, "t")->is_scanned);
    ck_assert(statement(made, "CREATE INDEX CONCURRENTLY i ON t (a)")->is_outside);
    one = statement(made, "ALTER TABLE p ADD COLUMN y int");
    ck_assert(!relation(one, "p")->is_rewritten);
    one = statement(made, "ALTER TABLE t DROP CONSTRAINT t_p");
    ck_assert_int_eq(relation(one, "p")->mode, LOCK_ACCESS_EXCLUSIVE);
}
END_TEST

START_TEST(what_no_tree_tells_is_seen_and_named)
{
    const struct trace *made = trace(
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN z int'; END $$;", "SELECT count(*) FROM p;");
    const struct trace_statement *hidden =
        statement(made, "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN z int'; END $$");

    ck_assert_str_eq(hidden->difference, "public.t: access exclusive was not predicted");
    ck_assert_ptr_nonnull(hidden->step->effect->unknown);
    ck_assert_ptr_null(statement(made, "SELECT count(*) FROM p")->difference);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, locks_rewrites_and_times_are_those_that_were_seen);
    tcase_add_test(tcase, what_no_tree_tells_is_seen_and_named);
}

ENGINE_SUITE("engine: trace", add_all)
