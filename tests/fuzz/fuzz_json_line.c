/* fuzz_json_line: a row of COPY's as a line of JSON: whatever the bytes, a line that is made of
 * texts and truth values is an object with every key, and has no line end within.
 */
#include "common/base/memory.h"
#include "common/copy/json_line.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 1048576

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_object(const struct text *line, size_t count)
{
    json_error_t error;
    json_t *object = json_loadb(line->data, line->size, JSON_ALLOW_NUL, &error);
    bool is_sound =
        json_object_size(object) == count || json_error_code(&error) == json_error_invalid_utf8;

    json_decref(object);
    return is_sound;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"{\"a\":", ",\"b\":", ",\"c\":"};
    static const enum json_kind plain[] = {JSON_KIND_STRING, JSON_KIND_BOOLEAN, JSON_KIND_STRING};
    static const enum json_kind others[] = {JSON_KIND_ITSELF, JSON_KIND_NUMBER, JSON_KIND_ITSELF};
    struct json_line_columns columns = {.keys = keys, .kinds = plain, .count = 3};
    struct text *line = text_new(NULL, LINE_MAX_SIZE);
    struct error err;

    if (json_line_append((const char *)data, size, &columns, line, &err) == ERROR_OK &&
        (memchr(line->data, '\n', line->size - 1) != NULL || !is_object(line, columns.count)))
        abort();
    line->size = 0;
    columns.kinds = others;
    (void)json_line_append((const char *)data, size, &columns, line, &err);
    talloc_free(line);
    return 0;
}
