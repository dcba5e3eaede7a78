/* What a history's statements make of the model, and what takes a statement back. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/effect.h"
#include "support/suite.h"

static struct {
    void *memory;
    struct effect_place place;
    struct effect *effect; /* of the last statement */
} at;

static void set_up(void)
{
    at.memory = talloc_new(NULL);
    at.place = (struct effect_place){.model = model_new(at.memory), .is_utc = true};
}

static void tear_down(void)
{
    talloc_free(at.memory);
}

static void run(const char *sql)
{
    struct split *split = NULL;

    assert_ok(split_sql(at.memory, "f.sql", sql, strlen(sql), &split, &failure));
    for (size_t i = 0; i < split->count; i++)
        assert_ok(effect_of(at.memory, &at.place, &split->statements[i], &at.effect, &failure));
}

static struct model_relation *relation(const char *name)
{
    return model_find(at.place.model, NULL, name);
}

START_TEST(columns_keys_and_indexes_are_known_by_the_names_that_postgresql_makes_up)
{
    run("CREATE TABLE t (id bigserial PRIMARY KEY, a varchar(20) UNIQUE, n numeric(10,2) CHECK (n "
        "> "
        "0)); CREATE INDEX ON t (a, n)");
    ck_assert_ptr_nonnull(relation("t_pkey"));
    ck_assert_ptr_nonnull(relation("t_a_key"));
    ck_assert_ptr_nonnull(relation("t_a_n_idx"));
    ck_assert_ptr_nonnull(relation("t_id_seq"));
    ck_assert_ptr_nonnull(model_constraint(relation("t"), "t_n_check"));
    ck_assert_str_eq(model_column(relation("t"), "id")->type.name, "int8");
    ck_assert(model_column(relation("t"), "id")->is_not_null);
    ck_assert_uint_eq(model_column(relation("t"), "a")->type.mods[0], 20);
    ck_assert_uint_eq(model_column(relation("t"), "n")->type.mods[1], 2);
}
END_TEST

START_TEST(a_dropped_column_takes_its_index_and_constraints_along)
{
    run("CREATE TABLE t (id int, a int UNIQUE CHECK (a > 0), b int); CREATE INDEX i ON t (b);"
        "ALTER TABLE t DROP COLUMN a");
    ck_assert_ptr_null(model_column(relation("t"), "a"));
    ck_assert_ptr_null(relation("t_a_key"));
    ck_assert_ptr_nonnull(relation("i"));
    ck_assert_uint_eq(relation("t")->constraint_count, 0);
}
END_TEST

START_TEST(a_renamed_relation_is_found_by_its_new_name_alone)
{
    run("CREATE TABLE t (id int); ALTER TABLE t RENAME TO u; ALTER TABLE u RENAME COLUMN id TO k");
    ck_assert_ptr_null(relation("t"));
    ck_assert_ptr_nonnull(model_column(relation("u"), "k"));
}
END_TEST

START_TEST(a_partition_gets_its_own_of_each_index)
{
    run("CREATE TABLE p (id int PRIMARY KEY, k int) PARTITION BY RANGE (id); CREATE INDEX ON p (k);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1); CREATE TABLE p2 PARTITION OF p "
        "DEFAULT");
    ck_assert_ptr_nonnull(relation("p1_pkey"));
    ck_assert_ptr_nonnull(relation("p1_k_idx"));
    ck_assert(relation("p2")->is_default_partition);
    run("ALTER TABLE p DETACH PARTITION p1");
    ck_assert(!relation("p1")->is_partition);
}
END_TEST

START_TEST(a_relation_that_nobody_made_is_unknown_and_says_so)
{
    run("ALTER TABLE strange ALTER COLUMN a TYPE bigint");
    ck_assert(relation("strange")->is_unknown);
    ck_assert_ptr_nonnull(at.effect->unknown);
    ck_assert_uint_eq(at.effect->rewrite_count, 0);
    run("ALTER TABLE strange ADD COLUMN b int DEFAULT own_function()");
    ck_assert_ptr_nonnull(at.effect->unknown);
}
END_TEST

START_TEST(a_history_with_too_many_relations_is_refused_in_a_sentence)
{
    struct split *split = NULL;
    struct effect *effect = NULL;

    assert_ok(split_sql(at.memory, "f.sql", "SELECT 1", 8, &split, &failure));
    for (size_t i = 0; i < MODEL_RELATIONS_MAX; i++) {
        char name[24];

        (void)text_format(name, sizeof(name), "t%zu", i);
        (void)model_make(at.place.model, NULL, name, MODEL_TABLE);
    }
    assert_fails(ERROR_LIMIT,
                 effect_of(at.memory, &at.place, &split->statements[0], &effect, &failure));
    assert_says("200000 relations");
}
END_TEST

START_TEST(columns_beyond_the_server_s_limit_are_not_kept)
{
    struct model_relation *wide;

    run("CREATE TABLE wide (a0 int)");
    wide = relation("wide");
    for (size_t i = 1; i < MODEL_COLUMNS_MAX + 10; i++) {
        char name[24];

        (void)text_format(name, sizeof(name), "a%zu", i);
        (void)model_add_column(at.place.model, wide, name);
    }
    ck_assert_uint_eq(wide->column_count, MODEL_COLUMNS_MAX);
}
END_TEST

START_TEST(circles_that_no_server_would_make_end)
{
    run("CREATE TABLE a (id int); CREATE TABLE b () INHERITS (a); ALTER TABLE a INHERIT b;"
        "ALTER TABLE a INHERIT a; CREATE VIEW v AS SELECT * FROM a;"
        "CREATE OR REPLACE VIEW v AS SELECT * FROM v; CREATE VIEW w AS SELECT * FROM v;"
        "CREATE OR REPLACE VIEW v AS SELECT * FROM w; SELECT * FROM w; LOCK TABLE v;"
        "ALTER TABLE a ADD COLUMN z int; VACUUM a; UPDATE a SET id = 1; TRUNCATE a;"
        "ALTER TABLE a ATTACH PARTITION a DEFAULT; ALTER TABLE a ATTACH PARTITION b DEFAULT;"
        "CREATE INDEX ON a (id); REINDEX TABLE a");
    model_freeze(at.place.model, true);
    run("DROP TABLE a CASCADE; DROP VIEW v CASCADE");
    model_freeze(at.place.model, false);
    run("DROP TABLE a CASCADE");
    ck_assert_ptr_null(relation("a"));
}
END_TEST

START_TEST(a_frozen_model_stays_as_it_is)
{
    run("CREATE TABLE t (id int, a int)");
    model_freeze(at.place.model, true);
    run("ALTER TABLE t DROP COLUMN a, ADD COLUMN b int, ADD UNIQUE (id); DROP TABLE t;"
        "ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER COLUMN a TYPE text; CREATE TABLE u (id "
        "int); ALTER TABLE t RENAME COLUMN a TO c; ALTER TABLE t RENAME TO v");
    model_freeze(at.place.model, false);
    ck_assert(!model_column(relation("t"), "a")->is_not_null);
    ck_assert_str_eq(model_column(relation("t"), "a")->type.name, "int4");
    ck_assert_ptr_nonnull(relation("t"));
    ck_assert_ptr_nonnull(model_column(relation("t"), "a"));
    ck_assert_ptr_null(model_column(relation("t"), "b"));
    ck_assert_uint_eq(relation("t")->constraint_count, 0);
}
END_TEST

START_TEST(what_takes_a_statement_back_is_said_only_where_it_is_known)
{
    static const struct {
        const char *sql, *reverse;
    } rows[] = {
        {"CREATE TABLE n (id int)", "DROP TABLE public.n;"},
        {"CREATE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY public.i;"},
        {"ALTER TABLE t ADD COLUMN \"Z\" int", "ALTER TABLE public.t DROP COLUMN \"Z\";"},
        {"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "ALTER TABLE public.t DROP CONSTRAINT c;"},
        {"ALTER TABLE t RENAME COLUMN a TO \"order\"",
         "ALTER TABLE public.t RENAME COLUMN \"order\" TO a;"},
        {"ALTER TABLE t ALTER COLUMN a TYPE bigint",
         "ALTER TABLE public.t ALTER COLUMN a TYPE int4;"},
        {"ALTER TABLE t ADD COLUMN y int, ADD COLUMN z int",
         "ALTER TABLE public.t DROP COLUMN z;\nALTER TABLE public.t DROP COLUMN y;"},
        {"ALTER TABLE t ADD COLUMN y int, DROP COLUMN a", NULL},
        {"TRUNCATE t", NULL},
        {"DROP TABLE t", NULL},
        {"UPDATE t SET a = 1", NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        at.place.model = model_new(at.memory);
        run("CREATE TABLE t (id int, a int)");
        run(rows[i].sql);
        if (rows[i].reverse == NULL)
            ck_assert_ptr_null(at.effect->reverse);
        else
            ck_assert_str_eq(at.effect->reverse, rows[i].reverse);
    }
}
END_TEST

static bool is_locked(const char *name)
{
    for (size_t i = 0; i < at.effect->lock_count; i++)
        if (strcmp(at.effect->locks[i].name, name) == 0)
            return true;
    return false;
}

START_TEST(sequences_go_with_whom_they_belong_to_last)
{
    run("CREATE TABLE t (id serial, a int, b serial); CREATE TABLE u (id int);"
        "CREATE SEQUENCE s OWNED BY t.a; ALTER SEQUENCE t_id_seq OWNED BY u.id;"
        "ALTER TABLE t DROP COLUMN b");
    ck_assert(is_locked("t_b_seq"));
    ck_assert(!is_locked("s"));
    run("DROP TABLE t");
    ck_assert(is_locked("s"));
    ck_assert(!is_locked("t_b_seq"));
    ck_assert(!is_locked("t_id_seq"));
    ck_assert_ptr_null(relation("s"));
    run("TRUNCATE u RESTART IDENTITY");
    ck_assert(is_locked("t_id_seq"));
    run("DROP TABLE u");
    ck_assert_ptr_null(relation("t_id_seq"));
}
END_TEST

START_TEST(what_points_to_a_table_is_known_by_it)
{
    run("CREATE TABLE t (p bigint, q bigint); CREATE TABLE p (id bigint PRIMARY KEY, u int UNIQUE);"
        "CREATE TABLE v (p bigint REFERENCES p, u int REFERENCES p (u));"
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES p;"
        "CREATE VIEW w AS SELECT * FROM p");
    ck_assert_uint_eq(relation("p")->pointing_count, 2);
    ck_assert_ptr_eq(relation("p")->pointing[0], relation("t"));
    ck_assert_ptr_eq(relation("p")->pointing[1], relation("v"));
    run("TRUNCATE p CASCADE");
    ck_assert(is_locked("t") && is_locked("v"));
    run("ALTER TABLE p DROP CONSTRAINT p_u_key CASCADE");
    ck_assert(is_locked("v") && !is_locked("t"));
    ck_assert_uint_eq(relation("v")->constraint_count, 1);
    run("ALTER TABLE t DROP CONSTRAINT k; TRUNCATE p CASCADE");
    ck_assert(is_locked("v") && !is_locked("t"));
    run("DROP TABLE p CASCADE");
    ck_assert(is_locked("w") && is_locked("v") && !is_locked("t"));
    ck_assert_ptr_null(relation("w"));
    ck_assert_uint_eq(relation("v")->constraint_count, 0);
}
END_TEST

START_TEST(types_of_one_name_are_told_apart_by_their_schema)
{
    run("CREATE TYPE mood AS ENUM ('a'); CREATE SCHEMA s; CREATE DOMAIN s.mood AS int;"
        "DROP TYPE mood");
    ck_assert_ptr_null(model_find_type(at.place.model, NULL, "mood"));
    ck_assert_int_eq(model_find_type(at.place.model, "s", "mood")->kind, MODEL_DOMAIN);
    run("CREATE TYPE mood AS ENUM ('b')");
    ck_assert_int_eq(model_find_type(at.place.model, "public", "mood")->kind, MODEL_ENUM);
}
END_TEST

/* Together no more than they are: each step once copied all before it. */
START_TEST(many_parts_of_a_statement_are_taken_back_one_after_the_other)
{
    enum { PARTS = 1500 };
    static const char first[] = "ALTER TABLE public.t DROP COLUMN c01499;\n";
    struct text *sql = text_new(at.memory, SPLIT_BYTES_MAX);

    run("CREATE TABLE t (id int)");
    for (size_t i = 0; i < PARTS; i++)
        text_append_format(sql, "%s ADD COLUMN c%05zu int", i == 0 ? "ALTER TABLE t" : ",", i);
    run(sql->data);
    ck_assert_uint_eq(strlen(at.effect->reverse), PARTS * strlen(first) - 1);
    ck_assert_int_eq(strncmp(at.effect->reverse, first, strlen(first)), 0);
    ck_assert_uint_lt(talloc_total_size(at.effect), 2000000);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, columns_keys_and_indexes_are_known_by_the_names_that_postgresql_makes_up);
    tcase_add_test(tcase, a_dropped_column_takes_its_index_and_constraints_along);
    tcase_add_test(tcase, a_renamed_relation_is_found_by_its_new_name_alone);
    tcase_add_test(tcase, a_partition_gets_its_own_of_each_index);
    tcase_add_test(tcase, sequences_go_with_whom_they_belong_to_last);
    tcase_add_test(tcase, a_relation_that_nobody_made_is_unknown_and_says_so);
    tcase_add_test(tcase, a_history_with_too_many_relations_is_refused_in_a_sentence);
    tcase_add_test(tcase, columns_beyond_the_server_s_limit_are_not_kept);
    tcase_add_test(tcase, circles_that_no_server_would_make_end);
    tcase_add_test(tcase, a_frozen_model_stays_as_it_is);
    tcase_add_test(tcase, what_takes_a_statement_back_is_said_only_where_it_is_known);
    tcase_add_test(tcase, what_points_to_a_table_is_known_by_it);
    tcase_add_test(tcase, types_of_one_name_are_told_apart_by_their_schema);
    tcase_add_test(tcase, many_parts_of_a_statement_are_taken_back_one_after_the_other);
}

SUITE("lint: model", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
