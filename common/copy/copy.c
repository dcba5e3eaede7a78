#include "common/copy/copy.h"

#include "common/base/memory.h"
#include "common/copy/internal.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_copy.h"

#include <string.h>

#define LIST_MAX 262144

static const char *const format_names[COPY_FORMAT_COUNT] = {
    [COPY_CSV] = "csv", [COPY_JSONL] = "jsonl", [COPY_SQL] = "sql"};

const char *copy_format_name(enum copy_format format)
{
    return format_names[format];
}

bool copy_format_from_name(const char *name, enum copy_format *ret)
{
    for (int i = 0; i < COPY_FORMAT_COUNT; i++) {
        if (strcmp(format_names[i], name) == 0) {
            *ret = (enum copy_format)i;
            return true;
        }
    }
    return false;
}

static void take_columns(const struct rows *rows, const void *parent, const char *key,
                         struct copy_columns *ret)
{
    struct text *list = text_new(parent, LIST_MAX);

    ret->count = rows_count(rows);
    ret->names = memory_array(parent, const char *, ret->count);
    ret->are_json = memory_array(parent, bool, ret->count);
    for (size_t i = 0; i < ret->count; i++) {
        ret->names[i] = memory_text(parent, rows_text(rows, i, 0));
        text_append_format(list, "%s%s", i > 0 ? ", " : "",
                           sql_identifier(list, NULL, ret->names[i]));
        ret->are_json[i] = rows_bool(rows, i, 4);
        ret->has_nested = ret->has_nested || rows_bool(rows, i, 3);
        if (key != NULL && rows_bool(rows, i, 1)) {
            ret->key = sql_identifier(parent, NULL, ret->names[i]);
            ret->key_type = memory_text(parent, rows_text(rows, i, 2));
        }
    }
    ret->list = list->data;
}

/* By the words of columns.sql. */
static bool find_kind(const char *word, enum json_kind *ret)
{
    static const char *const words[JSON_KIND_COUNT] = {
        [JSON_KIND_ITSELF] = "itself",
        [JSON_KIND_NUMBER] = "number",
        [JSON_KIND_BOOLEAN] = "boolean",
        [JSON_KIND_STRING] = "string",
    };

    for (int i = 0; i < JSON_KIND_COUNT; i++) {
        *ret = (enum json_kind)i;
        if (strcmp(words[i], word) == 0)
            return true;
    }
    return false;
}

/* What JSON has another text for, the server makes JSON of, one by one. */
static void take_lines(const struct rows *rows, const void *parent, struct copy_columns *ret)
{
    struct text *list = text_new(parent, LIST_MAX);
    const char **keys = memory_array(parent, const char *, ret->count);
    enum json_kind *kinds = memory_array(parent, enum json_kind, ret->count);

    for (size_t i = 0; i < ret->count; i++) {
        const char *name = sql_identifier(list, NULL, ret->names[i]);

        keys[i] = json_line_key(parent, ret->names[i], i == 0);
        text_append(list, i > 0 ? ", " : "");
        if (find_kind(rows_text(rows, i, 5), &kinds[i])) {
            text_append(list, name);
            continue;
        }
        kinds[i] = JSON_KIND_ITSELF;
        text_append_format(list, "pg_catalog.to_json(%s)", name);
    }
    ret->lines = (struct json_line_columns){.keys = keys, .kinds = kinds, .count = ret->count};
    ret->line_list = list->data;
}

enum error_code copy_columns_read(struct session *session, const void *parent,
                                  const struct copy_order *order, struct copy_columns *ret,
                                  struct error *err)
{
    struct rows *rows;

    if (session_query(session, SQL_WITH(embedded_columns, order->table, order->key), &rows, err) !=
        ERROR_OK)
        return err->code;
    *ret = (struct copy_columns){.memory = parent, .table = order->table};
    take_columns(rows, parent, order->key, ret);
    take_lines(rows, parent, ret);
    rows_free(rows);
    if (ret->count == 0)
        return error_set(err, ERROR_REFUSED, "there is no table %s, or it has no column",
                         order->table);
    if (order->key != NULL && ret->key == NULL)
        return error_set(err, ERROR_REFUSED,
                         "%s of %s is no key: it takes a column that is NOT NULL, with a unique "
                         "index of its own",
                         order->key, order->table);
    return ERROR_OK;
}
