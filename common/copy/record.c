#include "common/base/memory.h"
#include "common/copy/internal.h"
#include "common/postgres/quote.h"

#include <jansson.h>
#include <string.h>

#define LIST_MAX 262144

size_t record_scan_take(struct record_scan *scan, const char *bytes, size_t size, uint64_t max,
                        uint64_t *ret_count)
{
    size_t taken = 0;

    *ret_count = 0;
    for (size_t i = 0; i < size && *ret_count < max; i++) {
        if (scan->is_csv && bytes[i] == '"')
            scan->is_quoted = !scan->is_quoted;
        if (bytes[i] != '\n' || scan->is_quoted)
            continue;
        taken = i + 1;
        (*ret_count)++;
    }
    scan->is_quoted = false; /* behind a record nothing is open */
    return taken;
}

static bool has_column(const struct copy_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->names[i], name) == 0)
            return true;
    return false;
}

static enum error_code add_column(const struct copy_columns *columns, const char *name,
                                  struct text *list, struct error *err)
{
    if (!has_column(columns, name))
        return error_set(err, ERROR_INVALID,
                         "its first record names a column \"%.63s\", which the table lacks, or "
                         "computes",
                         name);
    text_append_format(list, "%s%s", list->size > 0 ? ", " : "", sql_identifier(list, NULL, name));
    return ERROR_OK;
}

/* A field of a header, with its quotes taken off; *at moves behind it and its comma. */
static const char *next_field(const char **at, struct text *field)
{
    bool is_quoted = **at == '"';
    const char *c = *at + is_quoted;

    field->size = 0;
    field->data[0] = '\0';
    for (; *c != '\0'; c++) {
        if (is_quoted && c[0] == '"' && c[1] == '"')
            c++;
        else if (is_quoted ? c[0] == '"' : c[0] == ',')
            break;
        text_append_bytes(field, c, 1);
    }
    c += is_quoted && *c == '"';
    *at = *c == ',' ? c + 1 : NULL;
    return field->data;
}

static enum error_code csv_columns(const char *line, const struct copy_columns *columns,
                                   struct text *list, struct error *err)
{
    struct text *field = text_new(list, LIST_MAX);

    while (line != NULL)
        if (add_column(columns, next_field(&line, field), list, err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

static enum error_code jsonl_columns(const char *line, const struct copy_columns *columns,
                                     struct text *list, struct error *err)
{
    json_t *object = json_loads(line, 0, NULL);
    enum error_code code = ERROR_OK;
    const char *key;
    json_t *value;

    if (!json_is_object(object) || json_object_size(object) == 0)
        code = error_set(err, ERROR_INVALID, "its first record is no JSON object: %.80s", line);
    json_object_foreach(object, key, value)
    {
        if (code == ERROR_OK)
            code = add_column(columns, key, list, err);
    }
    json_decref(object);
    return code;
}

enum error_code record_columns(enum copy_format format, struct record record,
                               const struct copy_columns *columns, const char **ret,
                               struct error *err)
{
    struct text *list = text_new(columns->memory, LIST_MAX);
    char *line = memory_copy(list, record.bytes, record.size);
    size_t size = record.size;

    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        line[--size] = '\0';
    if (format != COPY_SQL &&
        (format == COPY_CSV ? csv_columns : jsonl_columns)(line, columns, list, err) != ERROR_OK)
        return err->code;
    *ret = list->data;
    return ERROR_OK;
}
