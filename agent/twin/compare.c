/* compare.c: are the rows the same on both sides? By ranges of keys, never more than one at a time.
 */
#include "agent/twin/compare_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define RANGE_ROWS          10000
#define RANGE_ROWS_EXACT    2000 /* a budget is not overrun by more than one */
#define FINGERPRINT_LOCK_MS 5000

/* ---- whether it is still what was copied ---- */

static enum error_code check_schema(struct comparison *c, const struct twin_row *row,
                                    struct error *err)
{
    char now[HASH_HEX_SIZE];
    char *tables = NULL;

    if (row->fingerprint[0] == '\0' || row->stage != AS_FOLLOWING)
        return ERROR_OK;
    if (fingerprint_take(c->t->peer, FINGERPRINT_LOCK_MS, now, err) != ERROR_OK)
        return err->code;
    if (strcmp(now, row->fingerprint) == 0)
        return ERROR_OK;
    if (session_ask_text(c->t->peer, SQL_WITH(embedded_twin_unfollowed, c->link), c->t->memory,
                         &tables, err) != ERROR_OK)
        return err->code;
    return error_set(err, ERROR_CHANGED,
                     "the schema of %s was changed since it was copied%s%s: unfollow, and follow "
                     "anew",
                     c->t->other->node, tables[0] != '\0' ? ", with tables nobody follows: " : "",
                     tables);
}

/* ---- tables ---- */

/* How texts sort is the operating system's: another version of that may do it otherwise. */
static enum error_code sorts_alike(struct twin *t, bool *ret, struct error *err)
{
    static const char version[] =
        "SELECT coalesce(pg_catalog.pg_database_collation_actual_version(oid), '')"
        " FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    char *here = NULL;
    char *there = NULL;

    if (session_ask_text(t->own, SQL(version), t->memory, &here, err) != ERROR_OK ||
        session_ask_text(t->peer, SQL(version), t->memory, &there, err) != ERROR_OK)
        return err->code;
    *ret = strcmp(here, there) == 0;
    return ERROR_OK;
}

static enum error_code take_tables(struct twin *t, const struct rows *rows,
                                   struct compare_table **ret, size_t *ret_count, struct error *err)
{
    struct compare_table *tables = memory_array(t->memory, struct compare_table, rows_count(rows));

    for (size_t i = 0; i < rows_count(rows); i++) {
        for (size_t column = 1; column < 5; column++)
            if (rows_is_null(rows, i, column))
                return error_set(err, ERROR_VERIFY, "table %s, or its key, is not on both sides",
                                 rows_text(rows, i, 0));
        tables[i] = (struct compare_table){.name = memory_text(tables, rows_text(rows, i, 0)),
                                           .columns = memory_text(tables, rows_text(rows, i, 1)),
                                           .key = memory_text(tables, rows_text(rows, i, 2)),
                                           .literal = memory_text(tables, rows_text(rows, i, 3)),
                                           .down = memory_text(tables, rows_text(rows, i, 4)),
                                           .rows = rows_number(rows, i, 5)};
    }
    *ret = tables;
    *ret_count = rows_count(rows);
    return ERROR_OK;
}

static enum error_code list_tables(struct comparison *c, struct compare_table **ret,
                                   size_t *ret_count, struct error *err)
{
    struct twin *t = c->t;
    struct rows *rows = NULL;
    char *theirs = NULL;
    bool is_alike = false;

    if (session_query(t->own, SQL(embedded_twin_compare_settings), NULL, err) != ERROR_OK ||
        session_query(t->peer, SQL(embedded_twin_compare_settings), NULL, err) != ERROR_OK ||
        sorts_alike(t, &is_alike, err) != ERROR_OK ||
        session_ask_text(t->peer, SQL_WITH(embedded_twin_compare_tables, c->link), t->memory,
                         &theirs, err) != ERROR_OK ||
        session_query(t->own,
                      SQL_WITH(embedded_twin_compare_plan, theirs, is_alike ? "false" : "true"),
                      &rows, err) != ERROR_OK)
        return err->code;
    err->code = take_tables(t, rows, ret, ret_count, err);
    rows_free(rows);
    return err->code;
}

static uint64_t ranges_of(const struct comparison *c, const struct compare_table *table)
{
    return 1 + table->rows / c->range_rows;
}

static uint64_t count_ranges(const struct comparison *c, const struct compare_table *tables,
                             size_t count)
{
    uint64_t ranges = 0;

    for (size_t i = 0; i < count; i++)
        ranges += ranges_of(c, &tables[i]);
    return ranges > c->ranges ? ranges : c->ranges;
}

static void say_progress(const struct comparison *c, const struct compare_table *tables,
                         size_t count, const char *table)
{
    char text[128];

    (void)text_format(text, sizeof(text), "%llu rows compared, at %.60s",
                      (unsigned long long)c->rows, table);
    text_mend(text);
    c->t->hooks.progress(c->t->hooks.context, c->ranges, count_ranges(c, tables, count), text);
}

/* ---- all of it, while writes go on ---- */

static enum error_code compare_all(struct comparison *c, const struct compare_table *tables,
                                   size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct compare_range range = {.table = &tables[i]};
        struct compare_bound end = {.is_there = true};

        while (end.is_there) {
            range.upto[0] = '\0';
            if (compare_find_bound(c->t->peer, &range, c->range_rows - 1, false, &end, err) !=
                ERROR_OK)
                return err->code;
            if (end.is_there)
                (void)text_copy(range.upto, sizeof(range.upto), end.literal);
            if (compare_examine(c, &range, err) != ERROR_OK)
                return err->code;
            c->ranges++;
            say_progress(c, tables, count, tables[i].name);
            (void)text_copy(range.after, sizeof(range.after), range.upto);
        }
    }
    c->is_complete = true;
    return ERROR_OK;
}

/* ---- as much as there is time for, the newest of the most written first ---- */

/* Where a table's comparison has come to, downwards. */
struct descent {
    char upto[COMPARE_LITERAL_SIZE];
    bool is_over;
};

static enum error_code step_down(struct comparison *c, const struct compare_table *table,
                                 struct descent *at, struct error *err)
{
    struct compare_range range = {.table = table};
    struct compare_bound begin = {.is_there = false};

    (void)text_copy(range.upto, sizeof(range.upto), at->upto);
    if (compare_find_bound(c->t->peer, &range, c->range_rows, true, &begin, err) != ERROR_OK)
        return err->code;
    if (begin.is_there)
        (void)text_copy(range.after, sizeof(range.after), begin.literal);
    if (compare_examine(c, &range, err) != ERROR_OK)
        return err->code;
    (void)text_copy(at->upto, sizeof(at->upto), range.after);
    at->is_over = !begin.is_there;
    c->ranges++;
    return ERROR_OK;
}

static enum error_code compare_newest(struct comparison *c, const struct compare_table *tables,
                                      size_t count, uint64_t until_ms, struct error *err)
{
    struct descent *descents = memory_array(c->t->memory, struct descent, count);
    bool is_over = false;

    while (!is_over) {
        is_over = true;
        for (size_t i = 0; i < count; i++) {
            if (descents[i].is_over)
                continue;
            if (c->ranges > 0 && clock_monotonic_ms() >= until_ms)
                return ERROR_OK;
            if (step_down(c, &tables[i], &descents[i], err) != ERROR_OK)
                return err->code;
            is_over = is_over && descents[i].is_over;
        }
    }
    c->is_complete = true;
    return ERROR_OK;
}

/* ---- ---- */

static enum error_code find_link(struct twin *t, const struct twin_row *row, bool *ret_is_back,
                                 struct error *err)
{
    *ret_is_back = row->stage == AS_FOLLOWING_BACK;
    if (row->rollout == t->rollout && (row->stage == AS_FOLLOWING || *ret_is_back))
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED, "this database does not follow %s in rollout %llu",
                     t->other->node, (unsigned long long)t->rollout);
}

static enum error_code compare(struct comparison *c, uint64_t budget_ms, char *ret, size_t size,
                               struct error *err)
{
    uint64_t until_ms = clock_monotonic_ms() + budget_ms;
    struct compare_table *tables = NULL;
    size_t count = 0;

    if (twin_await_marker(c->t, c->t->peer, c->t->own, c->link, err) != ERROR_OK ||
        list_tables(c, &tables, &count, err) != ERROR_OK)
        return err->code;
    err->code = c->is_exact ? compare_newest(c, tables, count, until_ms, err)
                            : compare_all(c, tables, count, err);
    if (err->code != ERROR_OK)
        return err->code;
    (void)text_format(
        ret, size, "%llu of %llu ranges of %zu tables, %llu rows compared: the same",
        (unsigned long long)c->ranges,
        (unsigned long long)(c->is_complete ? c->ranges : count_ranges(c, tables, count)), count,
        (unsigned long long)c->rows);
    if (c->busy > 0)
        (void)text_format(ret + strlen(ret), size - strlen(ret),
                          "; %llu rows were written too often to be compared",
                          (unsigned long long)c->busy);
    return ERROR_OK;
}

enum error_code twin_compare(struct twin *t, uint64_t budget_ms, char *ret, size_t size,
                             struct error *err)
{
    struct comparison c = {.t = t,
                           .is_exact = budget_ms > 0,
                           .range_rows = budget_ms > 0 ? RANGE_ROWS_EXACT : RANGE_ROWS};
    struct twin_object link;
    struct twin_row row;
    bool is_back = false;

    err->code = ERROR_OK;
    if (twin_open_peer(t, err) != ERROR_OK || twin_read_row(t->own, &row, err) != ERROR_OK ||
        find_link(t, &row, &is_back, err) != ERROR_OK)
        return err->code;
    link = twin_object(t->rollout, is_back ? TWIN_BACK : TWIN_FORWARD);
    c.link = link.name;
    if (check_schema(&c, &row, err) != ERROR_OK)
        return err->code;
    return compare(&c, budget_ms, ret, size, err);
}
