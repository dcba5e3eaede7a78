#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/session_internal.h"

#include <assert.h>
#include <string.h>

struct rows {
    PGresult *result;
};

static int clear(struct rows *rows)
{
    PQclear(rows->result);
    return 0;
}

struct rows *rows_new(struct session *session, PGresult *result)
{
    struct rows *rows = memory_new(session, struct rows);

    rows->result = result;
    talloc_set_destructor(rows, clear);
    return rows;
}

size_t rows_count(const struct rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

size_t rows_columns(const struct rows *rows)
{
    return (size_t)PQnfields(rows->result);
}

bool rows_is_null(const struct rows *rows, size_t row, size_t column)
{
    assert(row < rows_count(rows) && column < rows_columns(rows));
    return PQgetisnull(rows->result, (int)row, (int)column) == 1;
}

const char *rows_text(const struct rows *rows, size_t row, size_t column)
{
    assert(row < rows_count(rows) && column < rows_columns(rows));
    return PQgetvalue(rows->result, (int)row, (int)column);
}

uint64_t rows_number(const struct rows *rows, size_t row, size_t column)
{
    uint64_t number = 0;

    (void)text_to_number(rows_text(rows, row, column), UINT64_MAX, &number);
    return number;
}

bool rows_bool(const struct rows *rows, size_t row, size_t column)
{
    return strcmp(rows_text(rows, row, column), "t") == 0;
}

void rows_free(struct rows *rows)
{
    talloc_free(rows);
}
