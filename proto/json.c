#include "proto/json.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

static json_t *list_to_json(const struct field *field, const char *base)
{
    const char *items = *(const char *const *)(const void *)(base + field->offset);
    size_t count = *(const size_t *)(const void *)(base + field->count_offset);
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        if (field->kind == FIELD_LIST)
            (void)json_array_append_new(
                list, json_from_record(field->record, items + i * field->record->size));
        else
            (void)json_array_append_new(list,
                                        json_integer(((const uint32_t *)(const void *)items)[i]));
    }
    return list;
}

static json_t *bytes_to_json(const struct field *field, const char *base)
{
    const uint8_t *bytes = *(const uint8_t *const *)(const void *)(base + field->offset);
    size_t size = *(const size_t *)(const void *)(base + field->count_offset);
    char *hex = memory_array(NULL, char, 2 * size + 1);
    json_t *ret;

    text_to_hex(hex, bytes, size);
    ret = json_string(hex);
    talloc_free(hex);
    return ret;
}

static json_t *field_to_json(const struct field *field, const char *base)
{
    const char *at = base + field->offset;

    switch (field->kind) {
    case FIELD_BOOL:
        return json_boolean(*(const bool *)(const void *)at);
    case FIELD_NUMBER:
        return json_integer((json_int_t) * (const uint64_t *)(const void *)at);
    case FIELD_ENUM:
        return json_string(field_name_of(field->names, *(const unsigned *)(const void *)at));
    case FIELD_TEXT:
        return json_string(at);
    case FIELD_STRING: {
        const char *text = *(const char *const *)(const void *)at;

        return json_string(text == NULL ? "" : text);
    }
    case FIELD_RECORD:
        return json_from_record(field->record, at);
    case FIELD_LIST:
    case FIELD_NUMBERS:
        return list_to_json(field, base);
    case FIELD_BYTES:
        return bytes_to_json(field, base);
    case FIELD_KIND_COUNT:
        break;
    }
    return json_null();
}

json_t *json_from_record(const struct record *record, const void *base)
{
    json_t *object = json_object();

    for (size_t i = 0; i < record->field_count; i++)
        (void)json_object_set_new(object, record->fields[i].name,
                                  field_to_json(&record->fields[i], base));
    return object;
}

/* ---- reading ---- */

struct reader {
    const struct record *record;
    const struct field *field;
    const void *parent;
    struct error *err;
};

static enum error_code refuse(const struct reader *in, const char *why)
{
    return error_set(in->err, ERROR_INVALID, "%s.%s %s", in->record->name, in->field->name, why);
}

static enum error_code text_from_json(const struct reader *in, const json_t *from, char *at)
{
    const char *text = json_string_value(from);

    if (text == NULL)
        return refuse(in, "is not a text");
    if (strlen(text) > in->field->max - (in->field->kind == FIELD_TEXT))
        return refuse(in, "is too long");
    if (in->field->kind == FIELD_STRING)
        *(const char **)(void *)at = memory_text(in->parent, text);
    else
        (void)text_copy(at, in->field->max, text);
    return ERROR_OK;
}

static enum error_code enum_from_json(const struct reader *in, const json_t *from, char *at)
{
    const char *name = json_string_value(from);
    unsigned value;

    if (name == NULL || !field_value_of(in->field->names, name, strlen(name), &value))
        return refuse(in, "is none of the names it may have");
    *(unsigned *)(void *)at = value;
    return ERROR_OK;
}

static enum error_code item_from_json(const struct reader *in, const json_t *from, char *at)
{
    if (in->field->kind == FIELD_LIST)
        return json_to_record(in->field->record, from, in->parent, at, in->err);
    if (!json_is_integer(from) || json_integer_value(from) < 0 ||
        json_integer_value(from) > (json_int_t)UINT32_MAX)
        return refuse(in, "has an element that is not a small number");
    *(uint32_t *)(void *)at = (uint32_t)json_integer_value(from);
    return ERROR_OK;
}

static enum error_code list_from_json(const struct reader *in, const json_t *from, char *base)
{
    size_t size = in->field->kind == FIELD_LIST ? in->field->record->size : sizeof(uint32_t);
    size_t count = json_array_size(from);
    char *items;

    if (!json_is_array(from))
        return refuse(in, "is not a list");
    if (count > in->field->max)
        return refuse(in, "has too many elements");
    items = memory_zeroed(in->parent, count, size, "json list");
    for (size_t i = 0; i < count; i++)
        if (item_from_json(in, json_array_get(from, i), items + i * size) != ERROR_OK)
            return in->err->code;
    *(char **)(void *)(base + in->field->offset) = items;
    *(size_t *)(void *)(base + in->field->count_offset) = count;
    return ERROR_OK;
}

static enum error_code bytes_from_json(const struct reader *in, const json_t *from, char *base)
{
    const char *hex = json_string_value(from);
    size_t size = hex == NULL ? 0 : strlen(hex) / 2;
    uint8_t *bytes;

    if (hex == NULL || size > in->field->max)
        return refuse(in, "is not hexadecimal, or too long");
    bytes = memory_array(in->parent, uint8_t, size + 1);
    if (!text_from_hex(hex, bytes, size))
        return refuse(in, "is not hexadecimal");
    *(uint8_t **)(void *)(base + in->field->offset) = bytes;
    *(size_t *)(void *)(base + in->field->count_offset) = size;
    return ERROR_OK;
}

static enum error_code field_from_json(const struct reader *in, const json_t *from, char *base)
{
    char *at = base + in->field->offset;

    switch (in->field->kind) {
    case FIELD_BOOL:
        if (!json_is_boolean(from))
            return refuse(in, "is not true or false");
        *(bool *)(void *)at = json_is_true(from);
        return ERROR_OK;
    case FIELD_NUMBER:
        if (!json_is_integer(from) || json_integer_value(from) < 0)
            return refuse(in, "is not a number from 0 up");
        *(uint64_t *)(void *)at = (uint64_t)json_integer_value(from);
        return ERROR_OK;
    case FIELD_ENUM:
        return enum_from_json(in, from, at);
    case FIELD_TEXT:
    case FIELD_STRING:
        return text_from_json(in, from, at);
    case FIELD_RECORD:
        return json_to_record(in->field->record, from, in->parent, at, in->err);
    case FIELD_LIST:
    case FIELD_NUMBERS:
        return list_from_json(in, from, base);
    case FIELD_BYTES:
        return bytes_from_json(in, from, base);
    case FIELD_KIND_COUNT:
        break;
    }
    return refuse(in, "has no kind");
}

enum error_code json_to_record(const struct record *record, const json_t *object,
                               const void *parent, void *ret, struct error *err)
{
    struct reader in = {.record = record, .parent = parent, .err = err};

    if (!json_is_object(object))
        return error_set(err, ERROR_INVALID, "%s is not an object", record->name);
    for (size_t i = 0; i < record->field_count; i++) {
        const json_t *value = json_object_get(object, record->fields[i].name);

        in.field = &record->fields[i];
        if (value != NULL && field_from_json(&in, value, ret) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}
