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

/* On its way. */
struct layout {
    const struct copy_columns *columns;
    struct text *list;
    struct json_row_keys keys;
};

static size_t find_column(const struct copy_columns *columns, const char *name)
{
    size_t at = 0;

    while (at < columns->count && strcmp(columns->names[at], name) != 0)
        at++;
    return at;
}

static enum error_code add_column(struct layout *layout, const char *name, struct error *err)
{
    const struct copy_columns *columns = layout->columns;
    size_t at = find_column(columns, name), count = layout->keys.count;

    if (at == columns->count)
        return error_set(err, ERROR_INVALID,
                         "its first record names a column \"%.63s\", which the table lacks, or "
                         "computes",
                         name);
    if (count == columns->count)
        return error_set(err, ERROR_INVALID, "its first record names a column twice");
    text_append_format(layout->list, "%s%s", count > 0 ? ", " : "",
                       sql_identifier(layout->list, NULL, name));
    layout->keys.names[count] = columns->names[at];
    layout->keys.are_json[count] = columns->are_json[at];
    layout->keys.count++;
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

static enum error_code csv_columns(const char *line, struct layout *layout, struct error *err)
{
    struct text *field = text_new(layout->list, LIST_MAX);

    while (line != NULL)
        if (add_column(layout, next_field(&line, field), err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

static enum error_code jsonl_columns(const char *line, struct layout *layout, struct error *err)
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
            code = add_column(layout, key, err);
    }
    json_decref(object);
    return code;
}

enum error_code record_columns_read(enum copy_format format, struct record record,
                                    const struct copy_columns *columns, struct record_columns *ret,
                                    struct error *err)
{
    const void *memory = columns->memory;
    struct layout layout = {.columns = columns,
                            .list = text_new(memory, LIST_MAX),
                            .keys = {.names = memory_array(memory, const char *, columns->count),
                                     .are_json = memory_array(memory, bool, columns->count)}};
    char *line = memory_copy(layout.list, record.bytes, record.size);
    size_t size = record.size;

    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r'))
        line[--size] = '\0';
    if (format != COPY_SQL &&
        (format == COPY_CSV ? csv_columns : jsonl_columns)(line, &layout, err) != ERROR_OK)
        return err->code;
    *ret = (struct record_columns){.list = layout.list->data, .keys = layout.keys};
    return ERROR_OK;
}
