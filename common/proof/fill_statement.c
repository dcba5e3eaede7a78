/* fill_statement.c: the statement that makes a table's rows up.
 *
 *     WITH r0 AS (referenced rows, numbered), n0 AS (how many), taken AS (
 *         INSERT INTO t (columns) SELECT columns FROM (
 *             SELECT expressions FROM generate_series($1, $2) s (hakem_n) LEFT JOIN r0 ON ...)
 * hakem_row WHERE constraints LIMIT $3 ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM
 * taken
 */
#include "common/proof/fill.h"

#include "common/base/memory.h"

#include <string.h>

/* Rows of two references vary against each other. */
static const unsigned strides[] = {1, 7, 11, 13, 17, 19, 23, 29};

/* Of the table's keys: which of the query's references (r0, r1, ...) a key's column is taken from.
 */
struct reference {
    const struct fill_key *first; /* of the constraint's columns; they follow each other */
    size_t count;
};

struct statement {
    const struct fill_table *table;
    struct reference *references;
    size_t reference_count;
    struct text *names, *values, *checks;
};

static void find_references(struct statement *s, const struct fill_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct fill_key *key = &keys->keys[i];
        struct reference *last =
            s->reference_count == 0 ? NULL : &s->references[s->reference_count - 1];

        if (strcmp(key->table, s->table->oid) != 0)
            continue;
        if (last != NULL && strcmp(last->first->key, key->key) == 0)
            last->count++;
        else
            s->references[s->reference_count++] = (struct reference){.first = key, .count = 1};
    }
}

/* False if no foreign key has the column. */
static bool append_referenced(const struct statement *s, const char *column, struct text *out)
{
    for (size_t r = 0; r < s->reference_count; r++) {
        for (size_t c = 0; c < s->references[r].count; c++) {
            if (strcmp(s->references[r].first[c].column, column) != 0)
                continue;
            text_append_format(out, "r%zu.c%zu", r, c);
            return true;
        }
    }
    return false;
}

/* Constraints may name what is not given, too: NULL says that nothing is known of it. */
static enum error_code add_column(struct statement *s, size_t i, struct error *err)
{
    const struct fill_column *column = &s->table->columns[i];
    struct text *value = text_new(NULL, FILL_SQL_MAX);
    bool is_given = !column->is_automatic && (append_referenced(s, column->name, value) ||
                                              fill_expression(column, i, value));

    if (is_given)
        text_append_format(s->names, "%s%s", s->names->size > 0 ? ", " : "", column->name);
    else
        text_append_format(value, "NULL::%s", column->type);
    text_append_format(s->values, "%s%s AS %s", s->values->size > 0 ? ", " : "", value->data,
                       column->name);
    if (is_given)
        text_append_format(s->checks, " AND %s", column->check);
    talloc_free(value);
    if (is_given || column->is_automatic || column->has_default || !column->is_not_null)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "no rows can be made up for %s: its column %s must have a value, and of %s "
                     "none is known; give rows that fit with --data FILE",
                     s->table->name, column->name, column->type);
}

static void append_reference(const struct statement *s, size_t r, struct text *out)
{
    const struct reference *reference = &s->references[r];

    text_append_format(out, "r%zu AS MATERIALIZED (SELECT row_number() OVER () - 1 AS k", r);
    for (size_t c = 0; c < reference->count; c++)
        text_append_format(out, ", %s AS c%zu", reference->first[c].referenced_column, c);
    text_append_format(out, " FROM %s WHERE true", reference->first->referenced_name);
    for (size_t c = 0; c < reference->count; c++)
        text_append_format(out, " AND %s IS NOT NULL", reference->first[c].referenced_column);
    text_append_format(out, "), n%zu AS (SELECT greatest(count(*), 1) AS n FROM r%zu), ", r, r);
}

static void append_whole(const struct statement *s, struct text *out)
{
    text_append(out, "WITH ");
    for (size_t r = 0; r < s->reference_count; r++)
        append_reference(s, r, out);
    text_append_format(out, "taken AS (INSERT INTO %s ", s->table->name);
    if (s->names->size > 0)
        text_append_format(out, "(%s) ", s->names->data);
    text_append_format(out,
                       "SELECT %s FROM (SELECT %s FROM generate_series($1::bigint, $2::bigint)"
                       " AS s (hakem_n)",
                       s->names->data, s->values->data);
    for (size_t r = 0; r < s->reference_count; r++)
        text_append_format(out,
                           " LEFT JOIN r%zu ON r%zu.k = (hakem_n * %u) %% (SELECT n FROM n%zu)", r,
                           r, strides[r % ARRAY_LEN(strides)], r);
    text_append_format(out, ") AS hakem_row WHERE (%s)%s LIMIT $3::bigint", s->table->check,
                       s->checks->data);
    text_append(out, " ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM taken");
}

enum error_code fill_statement(const struct fill_table *table, const struct fill_keys *keys,
                               struct text *out, struct error *err)
{
    void *memory = talloc_new(NULL);
    struct statement s = {.table = table,
                          .references = memory_array(memory, struct reference, keys->count),
                          .names = text_new(memory, FILL_SQL_MAX),
                          .values = text_new(memory, FILL_SQL_MAX),
                          .checks = text_new(memory, FILL_SQL_MAX)};
    enum error_code code = ERROR_OK;

    find_references(&s, keys);
    for (size_t i = 0; i < table->column_count && code == ERROR_OK; i++)
        code = add_column(&s, i, err);
    if (code == ERROR_OK)
        append_whole(&s, out);
    if (code == ERROR_OK && (out->is_cut || s.values->is_cut || s.checks->is_cut))
        code = error_set(err, ERROR_LIMIT, "%s has too much in it to be filled by itself",
                         table->name);
    talloc_free(memory);
    return code;
}
