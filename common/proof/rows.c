#include "common/proof/rows.h"

#include "common/base/memory.h"
#include "embedded_hakem_proof.h"

#include <inttypes.h>
#include <string.h>

#define FIRST_COLUMN 2 /* of the sums, behind the count and the rows' sum */

/* ---- reading ---- */

struct reading {
    struct session *session;
    struct rows_state *state; /* of which everything is a child */
    const struct rows *list;
};

/* names: as SQL, with commas between; a quoted one may hold a comma itself. */
static void take_columns(const struct reading *reading, const char *names, const struct rows *sums,
                         struct rows_table *ret)
{
    size_t count = rows_columns(sums) - FIRST_COLUMN;
    struct rows_column *columns = memory_array(reading->state, struct rows_column, count);
    char *rest = memory_text(reading->state, names);

    for (size_t i = 0; i < count; i++) {
        bool is_quoted = false, is_last;
        char *end = rest;

        for (; *end != '\0' && (is_quoted || *end != ','); end++)
            is_quoted ^= *end == '"';
        is_last = *end == '\0';
        *end = '\0';
        columns[i].name = rest;
        columns[i].sum = memory_text(reading->state, rows_text(sums, 0, FIRST_COLUMN + i));
        rest = is_last ? end : end + 1;
    }
    ret->columns = columns;
    ret->column_count = count;
}

static enum error_code look_at(const struct reading *reading, size_t i, struct rows_table *ret,
                               struct error *err)
{
    const char *name = rows_text(reading->list, i, 0), *names = rows_text(reading->list, i, 1);
    const char *sums = rows_text(reading->list, i, 2);
    char *sql = memory_format(NULL,
                              "SELECT count(*)::text, coalesce(sum(hashtextextended("
                              "ROW(%s)::text, 0)::numeric), 0)::text%s%s FROM ONLY %s",
                              names, sums[0] != '\0' ? ", " : "", sums, name);
    struct rows *rows = NULL;
    enum error_code code = session_query(reading->session, SQL(sql), &rows, err);

    talloc_free(sql);
    if (code != ERROR_OK)
        return code;
    ret->name = memory_text(reading->state, name);
    ret->count = rows_number(rows, 0, 0);
    ret->sum = memory_text(reading->state, rows_text(rows, 0, 1));
    take_columns(reading, names, rows, ret);
    rows_free(rows);
    return ERROR_OK;
}

enum error_code rows_look(struct session *session, const void *parent, struct rows_state **ret,
                          struct error *err)
{
    struct reading reading = {.session = session};
    struct rows *list = NULL;
    struct rows_table *tables;
    enum error_code code = ERROR_OK;

    if (session_query(session, SQL(embedded_rows_tables), &list, err) != ERROR_OK)
        return err->code;
    reading.list = list;
    reading.state = memory_new(parent, struct rows_state);
    tables = memory_array(reading.state, struct rows_table, rows_count(list));
    reading.state->tables = tables;
    reading.state->count = rows_count(list);
    for (size_t i = 0; i < rows_count(list) && code == ERROR_OK; i++)
        code = look_at(&reading, i, &tables[i], err);
    rows_free(list);
    if (code != ERROR_OK) {
        talloc_free(reading.state);
        return code;
    }
    *ret = reading.state;
    return ERROR_OK;
}

uint64_t rows_total(const struct rows_state *state)
{
    uint64_t total = 0;

    for (size_t i = 0; i < state->count; i++)
        total += state->tables[i].count;
    return total;
}

/* ---- comparing ---- */

static const struct rows_table *find_table(const struct rows_state *state, const char *name)
{
    for (size_t i = 0; i < state->count; i++)
        if (strcmp(state->tables[i].name, name) == 0)
            return &state->tables[i];
    return NULL;
}

static const struct rows_column *find_column(const struct rows_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    return NULL;
}

/* The columns whose values are others; all of them the same, the rows were mixed up. */
static void say_columns(const struct rows_table *before, const struct rows_table *after,
                        struct text *out)
{
    size_t said = 0;

    for (size_t i = 0; i < before->column_count; i++) {
        const struct rows_column *column = find_column(after, before->columns[i].name);

        if (column != NULL && strcmp(column->sum, before->columns[i].sum) == 0)
            continue;
        text_append_format(out, "%s%s", said++ == 0 ? " has other values in " : ", ",
                           before->columns[i].name);
    }
    if (said == 0)
        text_append(out, " has its values in other rows");
}

static bool is_equal(const struct rows_table *before, const struct rows_table *after)
{
    return after != NULL && before->count == after->count && strcmp(before->sum, after->sum) == 0;
}

bool rows_are_equal(const struct rows_state *before, const struct rows_state *after,
                    struct text *out)
{
    bool are_equal = true;

    for (size_t i = 0; i < before->count; i++) {
        const struct rows_table *table = &before->tables[i];
        const struct rows_table *found = find_table(after, table->name);

        if (is_equal(table, found))
            continue;
        text_append_format(out, "%s%s", are_equal ? "" : "; ", table->name);
        are_equal = false;
        if (found == NULL)
            text_append(out, " is gone");
        else if (found->count != table->count)
            text_append_format(out, " had %" PRIu64 " rows and has %" PRIu64, table->count,
                               found->count);
        else
            say_columns(table, found, out);
    }
    return are_equal;
}
