/* fuzz_json_row: a line as a row for COPY: what is taken is what jansson takes, and the row has as
 * many fields as there are columns. */
#include "common/base/memory.h"
#include "common/copy/json_row.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX 1048576

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tabs between fields stand for themselves; within one they are escaped. */
static size_t count_fields(const struct text *row)
{
    size_t count = 1;

    for (size_t i = 0; i < row->size; i++)
        count += row->data[i] == '\t';
    return count;
}

/* What the other one does not take for another reason than that it is no JSON. */
static bool is_forgiven(enum json_error_code code)
{
    return code == json_error_invalid_utf8 || code == json_error_numeric_overflow ||
           code == json_error_stack_overflow || code == json_error_duplicate_key;
}

/* Half a pair within a document is the column's affair: json takes it, jsonb does not. */
static bool has_unicode_escape(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (data[i] == '\\' && data[i + 1] == 'u')
            return true;
    return false;
}

static bool is_json(const uint8_t *data, size_t size)
{
    json_error_t error;
    json_t *object = json_loadb((const char *)data, size, JSON_ALLOW_NUL, &error);
    bool is_taken = json_is_object(object) || is_forgiven(json_error_code(&error)) ||
                    has_unicode_escape(data, size);

    json_decref(object);
    return is_taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *names[] = {"id", "na\"me", "doc"};
    bool are_json[] = {false, false, true};
    struct json_row_keys keys = {.names = names, .are_json = are_json, .count = 3};
    struct text *row = text_new(NULL, ROW_MAX);
    struct error err;

    if (json_row_append((const char *)data, size, &keys, row, &err) == ERROR_OK &&
        (row->data[row->size - 1] != '\n' || memchr(row->data, '\n', row->size - 1) != NULL ||
         count_fields(row) != keys.count || !is_json(data, size)))
        abort();
    talloc_free(row);
    return 0;
}
