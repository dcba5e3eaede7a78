/* SQL into statements. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/split.h"
#include "common/migration/tree.h"
#include "support/suite.h"

#include <string.h>

static struct error err;
static void *context;

static enum error_code split(const char *text, struct split **ret)
{
    return split_sql(context, "f.sql", text, strlen(text), ret, &err);
}

static const struct split_statement *only(const char *text)
{
    struct split *found = NULL;

    ck_assert_msg(split(text, &found) == ERROR_OK, "%s: %s", text, err.detail);
    ck_assert_uint_eq(found->count, 1);
    return &found->statements[0];
}

START_TEST(statements_keep_their_text_and_line)
{
    struct split *found;

    ck_assert_int_eq(
        split("-- why; not\nSELECT 1;\n\n/* two /* nested */ ; */ SELECT 'a;b', $$;$$\n;"
              "\n;SELECT 3 -- end",
              &found),
        ERROR_OK);
    ck_assert_uint_eq(found->count, 3);
    ck_assert_str_eq(found->statements[0].text, "SELECT 1");
    ck_assert_uint_eq(found->statements[0].line, 2);
    ck_assert_str_eq(found->statements[1].text, "SELECT 'a;b', $$;$$");
    ck_assert_uint_eq(found->statements[1].line, 4);
    ck_assert_str_eq(found->statements[2].text, "SELECT 3 -- end");
    ck_assert_uint_eq(found->statements[2].line, 6);
    ck_assert_int_eq(split("", &found), ERROR_OK);
    ck_assert_uint_eq(found->count, 0);
    ck_assert_int_eq(split(" -- nothing\n;;", &found), ERROR_OK);
    ck_assert_uint_eq(found->count, 0);
}
END_TEST

static const struct {
    const char *text;
    enum split_class class;
    enum split_remains remains;
    const char *subject;
} classes[] = {
    {"CREATE TABLE a (id int)", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"CREATE INDEX i ON a (id)", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"CREATE INDEX CONCURRENTLY i ON s.a (id)", SPLIT_OUTSIDE, SPLIT_REMAINS_INDEX, "i"},
    {"DROP INDEX CONCURRENTLY s.i", SPLIT_OUTSIDE, SPLIT_REMAINS_INDEX_TO_DROP, "i"},
    {"DROP INDEX i", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"REINDEX INDEX CONCURRENTLY i", SPLIT_OUTSIDE, SPLIT_REMAINS_REINDEX, "i"},
    {"REINDEX TABLE a", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"VACUUM a", SPLIT_OUTSIDE, SPLIT_REMAINS_NOTHING, NULL},
    {"ANALYZE a", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"CLUSTER", SPLIT_OUTSIDE, SPLIT_REMAINS_NOTHING, NULL},
    {"ALTER TABLE a VALIDATE CONSTRAINT c", SPLIT_ALONE, SPLIT_REMAINS_NOTHING, NULL},
    {"ALTER TABLE a ADD CONSTRAINT c CHECK (id > 0) NOT VALID", SPLIT_TOGETHER,
     SPLIT_REMAINS_NOTHING, NULL},
    {"ALTER TYPE e ADD VALUE 'x'", SPLIT_ALONE, SPLIT_REMAINS_NOTHING, NULL},
    {"ALTER TYPE e RENAME VALUE 'x' TO 'y'", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
    {"ALTER TABLE p DETACH PARTITION q CONCURRENTLY", SPLIT_OUTSIDE, SPLIT_REMAINS_DETACH, "p"},
    {"ALTER TABLE p DETACH PARTITION q", SPLIT_TOGETHER, SPLIT_REMAINS_NOTHING, NULL},
};

START_TEST(a_statement_says_how_it_stands_to_transactions)
{
    const struct split_statement *statement = only(classes[_i].text);

    ck_assert_int_eq(statement->class, classes[_i].class);
    ck_assert_int_eq(statement->remains, classes[_i].remains);
    if (classes[_i].subject != NULL)
        ck_assert_str_eq(statement->subject.name, classes[_i].subject);
}
END_TEST

static const struct {
    const char *text, *says;
} refusals[] = {
    {"SELECT 1;\nBEGIN;", "f.sql:2: BEGIN"},
    {"COMMIT", "f.sql:1: BEGIN"},
    {"SAVEPOINT a", "f.sql:1: BEGIN"},
    {"COPY a FROM STDIN;", "f.sql:1: COPY"},
    {"COPY a FROM stdin;\n1\t2\n\\.\n", "f.sql:"},
    {"COPY a TO STDOUT", "f.sql:1: COPY"},
    {"SELECT 1;\n\\d players\n", "f.sql:2: psql's backslash"},
    {"SELECT :x", "f.sql:1: psql's :variables"},
    {"SELECT 1;\n\nSELEC 2;", "f.sql:3: syntax error"},
    {"SELECT '\xc3\xa9', '\xc3\xa9';\nSELEC 2;", "f.sql:2: syntax error"},
    {"SELECT 1;\nSELECT '\xff'", "f.sql:2: not UTF-8"},
    {"\xef\xbb\xbfSELECT 1", "f.sql:1: the file begins with a byte order mark"},
    {"CREATE INDEX CONCURRENTLY ON a (id)", "f.sql:1: a concurrent index needs a name"},
    {"SET search_path = x", "f.sql:1: SET would outlast"},
    {"DISCARD ALL", "f.sql:1: DiscardStmt"},
    {"DEALLOCATE ALL", "f.sql:1: DeallocateStmt"},
    {"CREATE DATABASE d", "f.sql:1: CreatedbStmt"},
    {"ALTER SYSTEM SET a = 1", "f.sql:1: AlterSystemStmt"},
    {"-- hakem:comit\nSELECT 1", "f.sql:1: the marks known"},
    {"-- hakem:undoes x\nSELECT 1", "f.sql:1: -- hakem:undoes wants"},
    {"SELECT 1;\n-- hakem:undoes 1\nSELECT 2", "f.sql:3: -- hakem:undoes must stand"},
};

START_TEST(what_has_no_place_in_a_migration_is_refused_with_its_line)
{
    struct split *found = NULL;

    ck_assert_int_eq(split(refusals[_i].text, &found), ERROR_INVALID);
    ck_assert_msg(strncmp(err.detail, refusals[_i].says, strlen(refusals[_i].says)) == 0, "%s",
                  err.detail);
    ck_assert_ptr_null(found);
}
END_TEST

static const struct {
    const char *text;
    bool is_harmless;
} reverts[] = {
    {"DROP INDEX i", true},
    {"DROP INDEX CONCURRENTLY i", true},
    {"DROP FUNCTION f()", true},
    {"DROP FUNCTION f() CASCADE", false},
    {"DROP TRIGGER t ON a", true},
    {"DROP VIEW v", true},
    {"DROP TABLE a", false},
    {"ALTER TABLE a DROP CONSTRAINT c", true},
    {"ALTER TABLE a ALTER c DROP NOT NULL, ALTER c DROP DEFAULT", true},
    {"ALTER TABLE a ALTER c DROP NOT NULL, DROP COLUMN c", false},
    {"ALTER TABLE a ALTER c TYPE int", false},
    {"UPDATE a SET b = 1", false},
    {"TRUNCATE a", false},
    {"DO $$ BEGIN END $$", false},
    {"SELECT f()", false},
    {"DROP SEQUENCE s", false},
    {"DROP TYPE t", false},
};

START_TEST(only_what_cannot_lose_a_value_is_harmless)
{
    ck_assert_msg(only(reverts[_i].text)->is_harmless == reverts[_i].is_harmless, "%s",
                  reverts[_i].text);
}
END_TEST

START_TEST(marks_are_read_where_they_stand)
{
    struct split *found;

    ck_assert_int_eq(split("-- hakem:undoes 2\nSELECT 1;\nSELECT 2;\n--  hakem:undoes 1 \n"
                           "-- hakem:commit\nSELECT '-- hakem:nonsense';",
                           &found),
                     ERROR_OK);
    ck_assert(found->has_undoes);
    ck_assert(found->statements[0].undoes == 2 && found->statements[1].undoes == 2);
    ck_assert(found->statements[2].undoes == 1 && found->statements[2].cuts);
    ck_assert(!found->statements[1].cuts);
}
END_TEST

static bool names(const struct split_statement *statement, const char *schema, const char *name)
{
    for (size_t i = 0; i < statement->table_count; i++) {
        const struct split_table *table = &statement->tables[i];

        if (strcmp(table->name, name) == 0 &&
            (schema == NULL ? table->schema == NULL
                            : table->schema != NULL && strcmp(table->schema, schema) == 0))
            return true;
    }
    return false;
}

START_TEST(a_statement_names_its_tables)
{
    const struct split_statement *statement =
        only("UPDATE s.a SET x = (SELECT y FROM \"B\") FROM c WHERE EXISTS (SELECT FROM d.e)");

    ck_assert(names(statement, "s", "a") && names(statement, NULL, "B"));
    ck_assert(names(statement, NULL, "c") && names(statement, "d", "e"));
    ck_assert(names(only("DROP TABLE s.a, b"), "s", "a") &&
              names(only("DROP TABLE s.a, b"), NULL, "b"));
    ck_assert(names(only("DROP TRIGGER t ON s.a"), "s", "a"));
    ck_assert(names(only("ALTER TABLE a DROP COLUMN c"), NULL, "a"));
}
END_TEST

START_TEST(a_condition_is_rewritten_for_a_trigger)
{
    ck_assert_str_eq(split_expression_of_new(context, "display_name IS NULL AND \"X\" <> 'name'"),
                     "(NEW.display_name IS NULL AND NEW.\"X\" <> 'name')");
    ck_assert_ptr_null(split_expression_of_new(context, "id IN (SELECT id FROM b)"));
    ck_assert_ptr_null(split_expression_of_new(context, "players.id > 3"));
    ck_assert_ptr_null(split_expression_of_new(context, "a = "));
    ck_assert(split_is_one_update("UPDATE a SET b = 1"));
    ck_assert(!split_is_one_update("UPDATE a SET b = 1; DROP TABLE a"));
    ck_assert(!split_is_one_update("DELETE FROM a") && !split_is_one_update(""));
}
END_TEST

START_TEST(depth_is_bounded)
{
    struct text *text = text_new(context, 100000);
    struct split *found = NULL;

    text_append(text, "SELECT ");
    for (int i = 0; i < 3000; i++)
        text_append(text, "abs(");
    text_append(text, "1");
    for (int i = 0; i < 3000; i++)
        text_append(text, ")");
    ck_assert_int_eq(split(text->data, &found), ERROR_INVALID);
}
END_TEST

static void set_up(void)
{
    context = talloc_new(NULL);
}

static void tear_down(void)
{
    talloc_free(context);
}

/* ---- trees ---- */

static struct split *split_keeping(const char *text, size_t keeps)
{
    const struct split_source source = {
        .path = "f.sql", .line = 1, .text = text, .size = strlen(text), .keeps = keeps};
    struct split *found = NULL;

    ck_assert_msg(split_part(context, &source, &found, &err) == ERROR_OK, "%s", err.detail);
    return found;
}

static const struct tree *tree_of(const struct split_statement *statement, const char *kind)
{
    const struct tree *tree = NULL;

    ck_assert_msg(split_tree_of(context, statement, &tree, &err) == ERROR_OK, "%s", err.detail);
    ck_assert_ptr_nonnull(tree_get(tree, kind));
    return tree_get(tree, kind);
}

START_TEST(a_tree_is_what_was_kept_or_parsed_anew)
{
    static const char text[] =
        "-- \xc3\xa9\nDROP TABLE \"a\nb\";\nALTER TABLE t ADD CHECK (a > 0);";
    const struct split *kept = split_keeping(text, SPLIT_BYTES_MAX), *bare = split_keeping(text, 9);

    ck_assert_ptr_nonnull(kept->trees);
    ck_assert_ptr_null(bare->trees);
    ck_assert_uint_eq(bare->trees_size, 0);
    ck_assert_uint_eq(kept->statements[0].tree.offset, 6);
    for (int i = 0; i < 2; i++) {
        const struct split_statement *statements = i == 0 ? kept->statements : bare->statements;
        const struct tree *command = tree_item(
            tree_get(tree_of(&statements[1], "AlterTableStmt"), "cmds"), 0, "AlterTableCmd");
        size_t location = tree_number(tree_at(command, "def", "Constraint"), "location");

        ck_assert_str_eq(tree_text(tree_of(&statements[0], "DropStmt"), "removeType"),
                         "OBJECT_TABLE");
        ck_assert_uint_eq(location - statements[1].tree.offset, strlen("ALTER TABLE t ADD "));
    }
}
END_TEST

/* ---- meaning ---- */

static const struct {
    const char *one, *other;
    bool is_same;
} meanings[] = {
    {"SELECT E'it\\'s -- one'", "SELECT E'it\\'s -- two'", false},
    {"SELECT E'a''it\\'s -- one'", "SELECT E'a''it\\'s -- two'", false},
    {"SELECT e'a''''it\\'s  x'", "SELECT e'a''''it\\'s x'", false},
    {"SELECT E'a'\n'it\\'s -- one'", "SELECT E'a'\n'it\\'s -- two'", false},
    {"SELECT E'\\\\' -- one", "SELECT E'\\\\' -- two", true},
    {"SELECT E'a''', 'b\\' -- one", "SELECT E'a''', 'b\\' -- two", true},
    {"SELECT 'a''b\\' -- one", "SELECT 'a''b\\' -- two", true},
    {"SELECT name'b\\' -- one", "SELECT name'b\\' -- two", true},
};

START_TEST(backslashes_escape_in_all_of_an_escape_string_and_in_no_other)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        const char *one = split_meaning(context, meanings[i].one);
        const char *other = split_meaning(context, meanings[i].other);

        (void)only(meanings[i].one); /* the parser takes them */
        (void)only(meanings[i].other);
        ck_assert_msg((strcmp(one, other) == 0) == meanings[i].is_same, "%s: %s", one, other);
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, statements_keep_their_text_and_line);
    tcase_add_loop_test(tcase, a_statement_says_how_it_stands_to_transactions, 0,
                        (int)ARRAY_LEN(classes));
    tcase_add_loop_test(tcase, what_has_no_place_in_a_migration_is_refused_with_its_line, 0,
                        (int)ARRAY_LEN(refusals));
    tcase_add_loop_test(tcase, only_what_cannot_lose_a_value_is_harmless, 0,
                        (int)ARRAY_LEN(reverts));
    tcase_add_test(tcase, marks_are_read_where_they_stand);
    tcase_add_test(tcase, a_statement_names_its_tables);
    tcase_add_test(tcase, a_condition_is_rewritten_for_a_trigger);
    tcase_add_test(tcase, depth_is_bounded);
    tcase_add_test(tcase, a_tree_is_what_was_kept_or_parsed_anew);
    tcase_add_test(tcase, backslashes_escape_in_all_of_an_escape_string_and_in_no_other);
}

SUITE("split", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
