#include "common/proof/fill.h"

#include "common/base/memory.h"

#include <inttypes.h>
#include <string.h>

#define NULL_EVERY 7 /* of values that may be NULL, one in so many is */
#define WORD_EVERY 4 /* of texts with candidates, one in so many is none of these */
#define SHORT_TEXT 16
/* Beyond any column's own salt. */
#define SALT_OF_NULLS 2000
#define SALT_OF_WORDS 4000
#define DIGITS_MAX    9

/* ---- a column's value ---- */

/* @ stands for a number that is the row's own if the column is unique. */
static const struct {
    const char *base, *expression;
} types[] = {
    {"bool", "@ % 2 = 0"},
    {"int2", "@ % 32767"},
    {"int4", "@ % 2147483647"},
    {"int8", "@"},
    {"oid", "@ % 2147483647"},
    {"float4", "@ / 2.0"},
    {"float8", "@ / 2.0"},
    {"money", "@"},
    {"uuid", "md5(@::text)"},
    {"bytea", "decode(md5(@::text), 'hex')"},
    {"date", "date '2020-01-01' + (@ % 100000)::int"},
    {"timestamp", "timestamp '2020-01-01' + @ * interval '1 minute'"},
    {"timestamptz", "timestamptz '2020-01-01 00:00+00' + @ * interval '1 minute'"},
    {"time", "time '00:00' + @ * interval '1 second'"},
    {"timetz", "timetz '00:00+00' + @ * interval '1 second'"},
    {"interval", "@ * interval '1 second'"},
    {"json", "json_build_object('n', @)"},
    {"jsonb", "jsonb_build_object('n', @)"},
    {"inet", "inet '10.0.0.0' + @ % 16777216"},
    {"cidr", "inet '10.0.0.0' + @ % 16777216"},
    {"macaddr", "lpad(to_hex(@), 12, '0')"},
    {"point", "point(@, 1)"},
    {"tsvector", "to_tsvector('simple', 'row ' || @)"},
    {"xml", "'<row n=\"' || @ || '\"/>'"},
};

/* The same for every row: whoever needs another says --data. */
static const struct {
    char kind, category;
    const char *literal;
} empties[] = {{'b', 'A', "'{}'"}, {'r', 'R', "'empty'"}, {'m', 'R', "'{}'"}};

static const char *expression_of_kind(const struct fill_column *column)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (column->kind == 'b' && strcmp(types[i].base, column->base) == 0)
            return types[i].expression;
    for (size_t i = 0; i < ARRAY_LEN(empties); i++)
        if (empties[i].kind == column->kind && empties[i].category == column->category)
            return empties[i].literal;
    return NULL;
}

/* A number from the row's, other than that of the columns beside it. */
static void append_scattered(struct text *out, size_t salt)
{
    text_append_format(out, "(hashint8extended(hakem_n, %zu) & 2147483647)", salt);
}

static void append_number(const struct fill_column *column, size_t salt, struct text *out)
{
    if (column->is_unique) {
        text_append(out, "hakem_n");
        return;
    }
    text_append(out, "(");
    append_scattered(out, salt);
    text_append_format(out, " %% %d)", FILL_DISTINCT_MAX);
}

static void append_expanded(const char *expression, const struct fill_column *column, size_t salt,
                            struct text *out)
{
    for (const char *p = expression; *p != '\0'; p++) {
        if (*p == '@')
            append_number(column, salt, out);
        else
            text_append_bytes(out, p, 1);
    }
}

static void append_word(const struct fill_column *column, size_t salt, struct text *out)
{
    bool is_short = column->length != 0 && column->length < SHORT_TEXT;

    if (is_short)
        text_append(out, "right(");
    else
        text_append(out, "'row ' || ");
    append_number(column, salt, out);
    if (is_short)
        text_append_format(out, "::text, %" PRIu64 ")", column->length);
}

static void append_numeric(const struct fill_column *column, size_t salt, struct text *out)
{
    uint64_t digits = column->digits == 0 ? DIGITS_MAX : column->digits - 1;
    uint64_t limit = 1;

    for (uint64_t i = 0; i < digits && i < DIGITS_MAX; i++)
        limit *= 10;
    append_number(column, salt, out);
    text_append_format(out, " %% %" PRIu64, limit);
}

/* One of an array's elements, as good as any.  array is freed. */
static void append_element(char *array, size_t salt, struct text *out)
{
    text_append_format(out, "(%s)[1 + (", array);
    append_scattered(out, salt);
    text_append_format(out, " %% cardinality(%s))::int]", array);
    talloc_free(array);
}

static bool append_known(const struct fill_column *column, size_t salt, struct text *out)
{
    const char *known = expression_of_kind(column);

    if (known == NULL)
        return false;
    append_expanded(known, column, salt, out);
    return true;
}

/* What a constraint mentions may be what it wants, or what it does not want. */
static void append_candidate(const struct fill_column *column, size_t salt, struct text *out)
{
    bool is_text = column->category == 'S';

    if (is_text) {
        text_append(out, "CASE WHEN ");
        append_scattered(out, SALT_OF_WORDS + salt);
        text_append_format(out, " %% %d = 0 THEN ", WORD_EVERY);
        append_word(column, salt, out);
        text_append(out, " ELSE ");
    }
    append_element(memory_format(NULL, "%s::text[]", column->literals), salt, out);
    if (is_text)
        text_append(out, " END");
}

static bool append_value(const struct fill_column *column, size_t salt, struct text *out)
{
    if (column->literals[0] != '\0' && !column->is_unique)
        append_candidate(column, salt, out);
    else if (column->kind == 'e')
        append_element(memory_format(NULL, "enum_range(NULL::%s)", column->type), salt, out);
    else if (column->category == 'S')
        append_word(column, salt, out);
    else if (strcmp(column->base, "numeric") == 0)
        append_numeric(column, salt, out);
    else
        return append_known(column, salt, out);
    return true;
}

bool fill_expression(const struct fill_column *column, size_t salt, struct text *out)
{
    struct text *value = text_new(NULL, FILL_SQL_MAX);
    bool is_known = append_value(column, salt, value);

    if (is_known && !column->is_not_null) {
        text_append(out, "CASE WHEN ");
        append_scattered(out, SALT_OF_NULLS + salt);
        text_append_format(out, " %% %d <> 0 THEN (%s)::%s END", NULL_EVERY, value->data,
                           column->type);
    } else if (is_known) {
        text_append_format(out, "(%s)::%s", value->data, column->type);
    }
    talloc_free(value);
    return is_known;
}

/* ---- the order ---- */

#define NOT_HERE SIZE_MAX

struct ordering {
    const struct fill_keys *keys;
    size_t count;       /* of tables */
    size_t *from, *to;  /* per key: the tables' indices, or NOT_HERE */
    size_t *must, *may; /* per table: keys to tables that are not placed, NOT NULL and not */
    bool *is_placed;
};

static size_t find_table(const struct fill_table *tables, size_t count, const char *oid)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tables[i].oid, oid) == 0)
            return i;
    return NOT_HERE;
}

/* What a key waits for; NULL: for nothing that an order could give. */
static size_t *waits_of(const struct ordering *o, size_t key)
{
    if (o->from[key] == NOT_HERE || o->to[key] == NOT_HERE || o->from[key] == o->to[key])
        return NULL;
    return o->keys->keys[key].is_not_null ? &o->must[o->from[key]] : &o->may[o->from[key]];
}

static struct ordering *begin_ordering(const struct fill_table *tables, size_t count,
                                       const struct fill_keys *keys)
{
    struct ordering *o = memory_new(NULL, struct ordering);

    o->keys = keys;
    o->count = count;
    o->from = memory_array(o, size_t, keys->count);
    o->to = memory_array(o, size_t, keys->count);
    o->must = memory_array(o, size_t, count);
    o->may = memory_array(o, size_t, count);
    o->is_placed = memory_array(o, bool, count);
    for (size_t i = 0; i < keys->count; i++) {
        size_t *waits;

        o->from[i] = find_table(tables, count, keys->keys[i].table);
        o->to[i] = find_table(tables, count, keys->keys[i].referenced);
        waits = waits_of(o, i);
        if (waits != NULL)
            (*waits)++;
    }
    return o;
}

/* One that waits for nothing; else one that can do without; else the first. */
static size_t choose_next(const struct ordering *o)
{
    size_t first = NOT_HERE, lenient = NOT_HERE;

    for (size_t i = 0; i < o->count; i++) {
        if (o->is_placed[i])
            continue;
        if (o->must[i] == 0 && o->may[i] == 0)
            return i;
        if (first == NOT_HERE)
            first = i;
        if (lenient == NOT_HERE && o->must[i] == 0)
            lenient = i;
    }
    return lenient != NOT_HERE ? lenient : first;
}

void fill_order(const struct fill_table *tables, size_t count, const struct fill_keys *keys,
                size_t *ret_order)
{
    struct ordering *o = begin_ordering(tables, count, keys);

    for (size_t placed = 0; placed < count; placed++) {
        size_t next = choose_next(o);

        o->is_placed[next] = true;
        ret_order[placed] = next;
        for (size_t i = 0; i < keys->count; i++)
            if (o->to[i] == next && waits_of(o, i) != NULL && !o->is_placed[o->from[i]])
                (*waits_of(o, i))--;
    }
    talloc_free(o);
}
