/* format.c: statements by format.  JSON lines and SQL travel as lines: as CSV of one column whose
 * quote and delimiter no line has.
 */
#include "common/base/memory.h"
#include "common/copy/internal.h"
#include "common/postgres/quote.h"

#define LINES   "(FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
#define SQL_MAX 1048576

/* ---- out ---- */

static const char *csv_out(const struct copy_columns *columns, const char *source, bool has_header,
                           const void *parent)
{
    (void)columns;
    return memory_format(parent, "COPY (%s) TO STDOUT (FORMAT csv%s)", source,
                         has_header ? ", HEADER" : "");
}

/* Rows that json_line_append() writes; of a query's columns nothing is known, and a document of
 * type json may have line ends between its words. */
static const char *jsonl_out(const struct copy_columns *columns, const char *source,
                             bool has_header, const void *parent)
{
    (void)has_header;
    if (columns->count > 0)
        return memory_format(parent, "COPY (%s) TO STDOUT", source);
    return memory_format(parent,
                         "COPY (SELECT pg_catalog.translate(pg_catalog.row_to_json(r.*)::text,"
                         " E'\n\r', '  ') FROM (%s) AS r) TO STDOUT " LINES,
                         source);
}

/* Every value as a text of its own, and its type from the table's column. */
static const char *sql_out(const struct copy_columns *columns, const char *source, bool has_header,
                           const void *parent)
{
    struct text *values = text_new(parent, SQL_MAX);

    (void)has_header;
    for (size_t i = 0; i < columns->count; i++)
        text_append_format(
            values,
            "%s coalesce('E''' || pg_catalog.replace(pg_catalog.replace(pg_catalog.replace("
            "pg_catalog.replace(r.%s::text, E'\\\\', E'\\\\\\\\'), '''', ''''''),"
            " E'\\n', E'\\\\n'), E'\\r', E'\\\\r') || '''', 'NULL')",
            i > 0 ? " || ', ' ||" : "", sql_identifier(values, NULL, columns->names[i]));
    return memory_format(parent, "COPY (SELECT %s || %s || ');' FROM (%s) AS r) TO STDOUT " LINES,
                         sql_literal(parent, memory_format(parent,
                                                           "INSERT INTO %s (%s) OVERRIDING SYSTEM"
                                                           " VALUE VALUES (",
                                                           columns->table, columns->list)),
                         values->data, source);
}

static const char *(*const outs[COPY_FORMAT_COUNT])(const struct copy_columns *, const char *, bool,
                                                    const void *) = {
    [COPY_CSV] = csv_out, [COPY_JSONL] = jsonl_out, [COPY_SQL] = sql_out};

const char *copy_out_sql(enum copy_format format, const struct copy_columns *columns,
                         const char *source, bool has_header, const void *parent)
{
    return outs[format](columns, source, has_header, parent);
}

/* ---- in ---- */

const char *copy_in_sql(enum copy_format format, const char *table, const char *columns,
                        const void *parent)
{
    if (format == COPY_CSV)
        return memory_format(parent, "COPY %s (%s) FROM STDIN (FORMAT csv)", table, columns);
    return format == COPY_JSONL ? "COPY pg_temp.hakem_lines FROM STDIN " LINES : NULL;
}

const char *copy_in_json_sql(const char *table, const char *columns, const void *parent)
{
    return memory_format(parent, "COPY %s (%s) FROM STDIN", table, columns);
}

const char *copy_in_rows_sql(enum copy_format format, const char *table, const char *columns,
                             const void *parent)
{
    if (format != COPY_JSONL)
        return NULL;
    return memory_format(parent,
                         "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM"
                         " pg_temp.hakem_lines AS l, pg_catalog.json_populate_record(NULL::%s,"
                         " l.line::json) AS r",
                         table, columns, columns, table);
}
