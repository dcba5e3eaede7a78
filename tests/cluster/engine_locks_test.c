/* What lint predicts of locks, rewrites and scans, against a server: every statement of
 * locks/statements.sql runs on the schema of locks/setup.sql, in a transaction that is rolled back.
 */
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/effect.h"
#include "common/lint/sizes.h"
#include "common/lint/type.h"
#include "support/engine.h"

#include <stdio.h>
#include <stdlib.h>

#define STATEMENT_MAX  2000
#define LIST_BYTES     8192
#define FILE_BYTES_MAX 1000000

static struct truth {
    void *memory;
    char *setup, *statements, *observed, *catalog;
    struct model *model; /* behind the statement that was predicted last */
    size_t compared, failed;
} truth;

static char *read_input(const char *name)
{
    const char *root = getenv("HAKEM_ROOT");
    char path[FILE_PATH_MAX], *text = NULL;
    size_t size = 0;

    ck_assert_ptr_nonnull(root);
    ck_assert(text_format(path, sizeof(path), "%s/tests/cluster/locks/%s", root, name));
    assert_ok(file_read(truth.memory, path, FILE_BYTES_MAX, &text, &size, &failure));
    return text;
}

static void set_up(void)
{
    engine_set_up();
    truth = (struct truth){.memory = talloc_new(NULL)};
    truth.setup = read_input("setup.sql");
    truth.statements = read_input("statements.sql");
    truth.observed = read_input("observed.sql");
    truth.catalog = read_input("model.sql");
    assert_ok(session_run(engine.session, truth.setup, &failure));
    assert_ok(session_run(engine.session, read_input("before.sql"), &failure));
}

static void tear_down(void)
{
    talloc_free(truth.memory);
    engine_tear_down();
}

/* ---- predicted ---- */

/* Of the last statement of text, behind the set-up. */
static struct effect *predict(void *memory, const char *text)
{
    struct effect_place place = {.model = model_new(memory), .is_utc = true};
    struct effect *effect = NULL;
    struct split *split;
    const char *texts[] = {truth.setup, text};

    for (size_t f = 0; f < ARRAY_LEN(texts); f++) {
        assert_ok(split_sql(memory, "setup.sql", texts[f], strlen(texts[f]), &split, &failure));
        model_set_revision(place.model, f);
        for (size_t i = 0; i < split->count; i++)
            assert_ok(effect_of(memory, &place, &split->statements[i], &effect, &failure));
    }
    ck_assert_ptr_nonnull(effect);
    truth.model = place.model;
    return effect;
}

static int by_text(const void *a, const void *b)
{
    const char *one = *(const char *const *)a, *other = *(const char *const *)b;
    size_t one_size = strcspn(one, "="), other_size = strcspn(other, "=");
    int order = strncmp(one, other, one_size < other_size ? one_size : other_size);

    return order != 0 ? order : (one_size > other_size) - (one_size < other_size);
}

static char *joined(void *memory, char **words, size_t count)
{
    char *text = memory_text(memory, "");

    if (count > 1)
        qsort(words, count, sizeof(words[0]), by_text);
    for (size_t i = 0; i < count; i++)
        text = memory_format(memory, "%s%s%s", text, i == 0 ? "" : " ", words[i]);
    return text;
}

/* A view, an index and a table that nobody made are not in the set-up. */
static char *locks_of(void *memory, const struct effect *effect)
{
    char **words = memory_array(memory, char *, effect->lock_count + 1);
    size_t count = 0;

    for (size_t i = 0; i < effect->lock_count; i++)
        if (!effect->locks[i].relation->is_unknown && effect->locks[i].mode != LOCK_NONE)
            words[count++] = memory_format(memory, "%s=%s", effect->locks[i].name,
                                           lock_mode_short(effect->locks[i].mode));
    return joined(memory, words, count);
}

static char *names_of(void *memory, const struct effect *effect,
                      const struct model_relation *const *list, size_t count)
{
    char **words = memory_array(memory, char *, count + 1);

    for (size_t i = 0; i < count; i++) {
        const char *name = list[i]->name; /* it may have been renamed: the lock knows */

        for (size_t l = 0; l < effect->lock_count; l++)
            if (effect->locks[l].relation == list[i])
                name = effect->locks[l].name;
        words[i] = memory_text(memory, name);
    }
    return joined(memory, words, count);
}

/* ---- the model, beside the catalog ---- */

#define LINES_MAX 4000

static struct lines {
    char *lines[LINES_MAX];
    size_t count;
} lines;

static void add_line(char *line)
{
    ck_assert_uint_lt(lines.count, LINES_MAX);
    lines.lines[lines.count++] = line;
}

static void describe_columns(void *memory, const struct model_relation *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const struct model_column *column = &table->column_list[i];
        struct model_type type = column->type;

        type.is_array = false;
        add_line(memory_format(memory, "column %s.%s %s%s", table->name, column->name,
                               type_text(memory, &type), column->is_not_null ? " not null" : ""));
    }
}

static void describe_constraints(void *memory, const struct model_relation *table)
{
    static const char kinds[] = "cfpux";

    for (size_t i = 0; i < table->constraint_count; i++) {
        const struct model_constraint *constraint = &table->constraints[i];

        add_line(memory_format(memory, "constraint %s.%s %c%s%s%s", table->name, constraint->name,
                               kinds[constraint->kind], constraint->is_valid ? "" : " not valid",
                               constraint->references != NULL ? " to " : "",
                               constraint->references != NULL ? constraint->references->name : ""));
    }
}

static void describe_index(void *memory, const struct model_relation *index)
{
    char *columns = memory_text(memory, "");

    for (size_t i = 0; i < index->key_count; i++)
        columns = memory_format(memory, "%s%s%s", columns, i == 0 ? "" : ",", index->columns[i]);
    add_line(memory_format(memory, "index %s of %s%s (%s)", index->name, index->table->name,
                           index->is_unique ? " unique" : "", columns));
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *describe(void *memory, const struct model *model)
{
    static const char kinds[MODEL_KIND_COUNT] = {
        [MODEL_TABLE] = 'r',    [MODEL_PARTITIONED] = 'p', [MODEL_FOREIGN_TABLE] = 'f',
        [MODEL_VIEW] = 'v',     [MODEL_MATVIEW] = 'm',     [MODEL_INDEX] = 'i',
        [MODEL_SEQUENCE] = 'S', [MODEL_COMPOSITE] = 'c'};
    char *text = memory_text(memory, "");

    lines.count = 0;
    for (size_t i = 0; i < model_count(model); i++) {
        const struct model_relation *relation = model_relation(model, i);

        if (relation->is_gone || relation->is_unknown || relation->kind == MODEL_COMPOSITE ||
            strcmp(relation->schema, "public") != 0)
            continue;
        if (relation->kind == MODEL_INDEX) {
            describe_index(memory, relation);
            continue;
        }
        add_line(memory_format(memory, "relation %s %c", relation->name, kinds[relation->kind]));
        if (relation->kind == MODEL_TABLE || relation->kind == MODEL_PARTITIONED) {
            describe_columns(memory, relation);
            describe_constraints(memory, relation);
        }
    }
    qsort(lines.lines, lines.count, sizeof(lines.lines[0]), by_line);
    for (size_t i = 0; i < lines.count; i++)
        text = memory_format(memory, "%s%s%s", text, i == 0 ? "" : "\n", lines.lines[i]);
    return text;
}

/* Lines of one that the other has not. */
static void miss_lines(const char *one, const char *other, const char *whose)
{
    char line[LIST_BYTES], *all = memory_format(truth.memory, "\n%s\n", other);

    for (const char *at = one; *at != '\0'; at += at[0] == '\n') {
        size_t length = strcspn(at, "\n");

        (void)text_format(line, sizeof(line), "\n%.*s\n", (int)length, at);
        truth.compared++;
        if (strstr(all, line) == NULL) {
            truth.failed++;
            (void)fprintf(stderr, "only %s: %s", whose, line + 1);
        }
        at += length;
    }
}

/* ---- seen ---- */

static void compare(const char *statement, const char *what, const char *predicted,
                    const char *seen)
{
    truth.compared++;
    if (strcmp(predicted, seen) == 0)
        return;
    truth.failed++;
    (void)fprintf(stderr, "%s\n    %s predicted: %s\n    %s seen:      %s\n", statement, what,
                  predicted, what, seen);
}

static void compare_model(void *memory, const char *statement)
{
    size_t failed = truth.failed;
    char *live = NULL;

    assert_ok(session_ask_text(engine.session, SQL(truth.catalog), memory, &live, &failure));
    miss_lines(describe(memory, truth.model), live, "the model");
    miss_lines(live, describe(memory, truth.model), "the catalog");
    if (truth.failed > failed)
        (void)fprintf(stderr, "    after: %s\n", statement);
}

static void compare_to_server(const char *statement, bool is_model_less)
{
    void *memory = talloc_new(NULL);
    struct effect *effect = predict(memory, statement);
    struct rows *rows = NULL;
    char pid[16];

    (void)text_format(pid, sizeof(pid), "%d", session_backend_pid(engine.session));
    assert_ok(session_query(engine.session, SQL_WITH(truth.observed, pid), &rows, &failure));
    compare(statement, "locks", locks_of(memory, effect), rows_text(rows, 0, 0));
    compare(statement, "rewrites",
            names_of(memory, effect, effect->rewrites, effect->rewrite_count),
            rows_text(rows, 0, 1));
    if (!effect->has_query)
        compare(statement, "scans", names_of(memory, effect, effect->scans, effect->scan_count),
                rows_text(rows, 0, 2));
    rows_free(rows);
    if (!is_model_less)
        compare_model(memory, statement);
    talloc_free(memory);
}

static void compare_in_transaction(const char *statement, bool is_model_less)
{
    /* counters of the statement before are still to be sent, and would count for this one */
    assert_ok(session_run(engine.session, "SELECT pg_stat_force_next_flush()", &failure));
    assert_ok(session_run(engine.session, "BEGIN", &failure));
    if (session_run(engine.session, statement, &failure) == ERROR_OK)
        compare_to_server(statement, is_model_less);
    else
        compare(statement, "errors", "", failure.detail);
    assert_ok(session_run(engine.session, "ROLLBACK", &failure));
}

static void expect_refusal(const char *statement)
{
    assert_ok(session_run(engine.session, "BEGIN", &failure));
    ck_assert_int_ne(session_run(engine.session, statement, &failure), ERROR_OK);
    assert_ok(session_run(engine.session, "ROLLBACK", &failure));
}

typedef void see_line(const char *statement);

/* Each line of a section of statements.sql. */
static size_t each_line(bool is_outside, see_line *see)
{
    size_t count = 0;
    bool is_in = !is_outside;

    for (const char *line = truth.statements; *line != '\0'; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        char statement[STATEMENT_MAX];

        ck_assert_uint_lt(length, sizeof(statement));
        memcpy(statement, line, length);
        statement[length] = '\0';
        if (strcmp(statement, "-- ---- outside") == 0)
            is_in = is_outside;
        if (!is_in || text_starts_with(statement, "--"))
            continue;
        count++;
        see(statement);
    }
    return count;
}

static void see_inside(const char *statement)
{
    if (statement[0] == '!')
        expect_refusal(statement + 1);
    else
        compare_in_transaction(statement + (statement[0] == '~'), statement[0] == '~');
}

START_TEST(every_statement_locks_and_rewrites_what_was_predicted)
{
    ck_assert_uint_ge(each_line(false, see_inside), 300);
    ck_assert_msg(truth.failed == 0, "%zu of %zu comparisons differ (above)", truth.failed,
                  truth.compared);
}
END_TEST

/* ---- outside a transaction: somebody is in the way, and the lock that it waits for is seen ----
 */

static bool lock_is_awaited(struct session *observer, const char *pid)
{
    uint64_t count = 0;

    assert_ok(session_ask_number(observer,
                                 SQL_WITH("SELECT count(*) FROM pg_locks WHERE NOT granted AND "
                                          "pid = $1::int AND locktype = 'relation'",
                                          pid),
                                 &count, &failure));
    return count > 0;
}

static void wait_for_lock(struct session *observer, const char *pid)
{
    uint64_t began = clock_monotonic_ms();

    while (!lock_is_awaited(observer, pid))
        ck_assert_uint_lt(clock_monotonic_ms() - began, 20000);
}

/* Is every "name=mode" that was seen also predicted? */
static void compare_seen(const char *statement, const char *predicted, const char *seen)
{
    char all[LIST_BYTES], one[LIST_BYTES];

    truth.compared++;
    (void)text_format(all, sizeof(all), " %s ", predicted);
    for (const char *at = seen; *at != '\0'; at += at[0] == ' ') {
        size_t length = strcspn(at, " ");

        (void)text_format(one, sizeof(one), " %.*s ", (int)length, at);
        if (strstr(all, one) == NULL) {
            truth.failed++;
            (void)fprintf(stderr, "%s\n    predicted: %s\n    seen:      %s\n", statement,
                          predicted, seen);
            return;
        }
        at += length;
    }
}

static void see_outside(const char *statement)
{
    void *memory = talloc_new(NULL);
    struct effect *effect = predict(memory, statement);
    struct session *holder = open_session("holder"), *runner = open_session("runner");
    PGconn *connection = session_connection(runner);
    PGcancel *cancel = PQgetCancel(connection);
    struct rows *rows = NULL;
    char pid[16], why[256];

    (void)text_format(pid, sizeof(pid), "%d", session_backend_pid(runner));
    assert_ok(session_run(
        holder, "BEGIN; LOCK TABLE t, p, pt, pt1, pt2 IN SHARE UPDATE EXCLUSIVE MODE", &failure));
    ck_assert_int_eq(PQsendQuery(connection, statement), 1);
    wait_for_lock(engine.session, pid);
    assert_ok(session_query(engine.session, SQL_WITH(truth.observed, pid), &rows, &failure));
    ck_assert_str_ne(rows_text(rows, 0, 0), "");
    compare_seen(statement, locks_of(memory, effect), rows_text(rows, 0, 0));
    ck_assert_int_eq(effect->class == SPLIT_OUTSIDE || strncmp(statement, "REINDEX", 7) == 0, true);
    ck_assert_int_eq(PQcancel(cancel, why, sizeof(why)), 1);
    for (PGresult *result = PQgetResult(connection); result != NULL;
         result = PQgetResult(connection))
        PQclear(result);
    PQfreeCancel(cancel);
    rows_free(rows);
    session_close(runner);
    session_close(holder);
    talloc_free(memory);
}

START_TEST(what_runs_outside_a_transaction_waits_for_the_lock_that_was_predicted)
{
    ck_assert_uint_ge(each_line(true, see_outside), 10);
    ck_assert_msg(truth.failed == 0, "%zu of %zu comparisons differ (above)", truth.failed,
                  truth.compared);
}
END_TEST

START_TEST(the_model_of_a_history_is_what_the_catalog_says)
{
    struct effect_place place = {.model = model_new(truth.memory), .is_utc = true};
    struct effect *effect = NULL;
    struct split *split;
    char *live = NULL;

    assert_ok(
        split_sql(truth.memory, "setup.sql", truth.setup, strlen(truth.setup), &split, &failure));
    for (size_t i = 0; i < split->count; i++)
        assert_ok(effect_of(truth.memory, &place, &split->statements[i], &effect, &failure));
    assert_ok(session_ask_text(engine.session, SQL(truth.catalog), truth.memory, &live, &failure));
    miss_lines(describe(truth.memory, place.model), live, "the model");
    miss_lines(live, describe(truth.memory, place.model), "the catalog");
    ck_assert_uint_gt(truth.compared, 200);
    ck_assert_msg(truth.failed == 0, "%zu lines differ (above)", truth.failed);
}
END_TEST

/* ---- what lint reads of a database ---- */

START_TEST(sizes_and_keys_are_those_of_the_database)
{
    struct lint_sizes *sizes = NULL;
    const struct lint_size *size;
    size_t named = 0;

    assert_ok(session_run(engine.session,
                          "SELECT setval('ser_id_seq', 1500000000); ANALYZE t, pt, pt1, pt2",
                          &failure));
    assert_ok(sizes_read(truth.memory, engine.session, &sizes, &failure));
    ck_assert_uint_ge(sizes->server_version, 150000);
    size = sizes_find(sizes, "public", "t");
    ck_assert_ptr_nonnull(size);
    ck_assert_uint_eq(size->rows,
                      ask("SELECT reltuples::bigint FROM pg_class WHERE relname = 't'"));
    ck_assert_uint_eq(size->bytes, ask("SELECT pg_relation_size('t')"));
    size = sizes_find(sizes, "public", "pt"); /* its partitions' */
    ck_assert_ptr_nonnull(size);
    ck_assert_uint_eq(size->rows, 20);
    ck_assert_ptr_null(sizes_find(sizes, "public", "nope"));
    for (size_t i = 0; i < sizes->key_count; i++) {
        if (strcmp(sizes->keys[i].table, "ser") != 0)
            continue;
        named++;
        ck_assert_str_eq(sizes->keys[i].column, "id");
        ck_assert_uint_eq(sizes->keys[i].percent, 69);
    }
    ck_assert_uint_eq(named, 1);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, every_statement_locks_and_rewrites_what_was_predicted);
    tcase_add_test(tcase, the_model_of_a_history_is_what_the_catalog_says);
    tcase_add_test(tcase, sizes_and_keys_are_those_of_the_database);
    tcase_add_test(tcase, what_runs_outside_a_transaction_waits_for_the_lock_that_was_predicted);
}

SUITE("engine: locks predicted", {.add = add_all,
                                  .set_up = set_up,
                                  .tear_down = tear_down,
                                  .set_up_once = engine_start,
                                  .tear_down_once = engine_stop,
                                  .timeout_s = 60})
