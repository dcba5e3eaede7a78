#include "common/lint/sizes.h"

#include "common/base/memory.h"
#include "embedded_hakem_lint.h"

#include <string.h>

static enum error_code read_tables(struct session *session, struct lint_sizes *sizes,
                                   struct error *err)
{
    struct rows *rows = NULL;
    struct lint_size *list;

    if (session_query(session, SQL(embedded_lint_sizes), &rows, err) != ERROR_OK)
        return err->code;
    list = memory_array(sizes, struct lint_size, rows_count(rows) + 1);
    for (size_t i = 0; i < rows_count(rows); i++)
        list[i] = (struct lint_size){.schema = memory_text(sizes, rows_text(rows, i, 0)),
                                     .name = memory_text(sizes, rows_text(rows, i, 1)),
                                     .rows = rows_number(rows, i, 2),
                                     .bytes = rows_number(rows, i, 3)};
    sizes->sizes = list;
    sizes->count = rows_count(rows);
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code read_keys(struct session *session, struct lint_sizes *sizes,
                                 struct error *err)
{
    struct rows *rows = NULL;
    struct lint_key *list;

    if (session_query(session, SQL(embedded_lint_keys), &rows, err) != ERROR_OK)
        return err->code;
    list = memory_array(sizes, struct lint_key, rows_count(rows) + 1);
    for (size_t i = 0; i < rows_count(rows); i++)
        list[i] = (struct lint_key){.schema = memory_text(sizes, rows_text(rows, i, 0)),
                                    .table = memory_text(sizes, rows_text(rows, i, 1)),
                                    .column = memory_text(sizes, rows_text(rows, i, 2)),
                                    .percent = rows_number(rows, i, 3)};
    sizes->keys = list;
    sizes->key_count = rows_count(rows);
    rows_free(rows);
    return ERROR_OK;
}

enum error_code sizes_read(const void *parent, struct session *session, struct lint_sizes **ret,
                           struct error *err)
{
    struct lint_sizes *sizes = memory_new(parent, struct lint_sizes);
    uint64_t version = 0;

    if (session_ask_number(session, SQL("SELECT current_setting('server_version_num')"), &version,
                           err) != ERROR_OK ||
        read_tables(session, sizes, err) != ERROR_OK ||
        read_keys(session, sizes, err) != ERROR_OK) {
        talloc_free(sizes);
        return err->code;
    }
    sizes->server_version = version;
    *ret = sizes;
    return ERROR_OK;
}

/* They are in the order of strcmp: by schema, then by name. */
const struct lint_size *sizes_find(const struct lint_sizes *sizes, const char *schema,
                                   const char *name)
{
    size_t low = 0, high = sizes->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct lint_size *size = &sizes->sizes[middle];
        int order = strcmp(schema, size->schema);

        if (order == 0)
            order = strcmp(name, size->name);
        if (order == 0)
            return size;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
