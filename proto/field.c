#include "proto/field.h"

#include <string.h>

const char *field_name_of(const struct field_names *names, unsigned value)
{
    return value < names->count ? names->names[value] : NULL;
}

bool field_value_of(const struct field_names *names, const char *name, size_t size, unsigned *ret)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->names[i] != NULL && strlen(names->names[i]) == size &&
            memcmp(names->names[i], name, size) == 0) {
            *ret = (unsigned)i;
            return true;
        }
    }
    return false;
}

const struct field *field_find(const struct record *record, const char *name, size_t size)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (strlen(record->fields[i].name) == size &&
            memcmp(record->fields[i].name, name, size) == 0)
            return &record->fields[i];
    return NULL;
}

static bool record_is_default(const struct record *record, const void *base)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (!field_is_default(&record->fields[i], base))
            return false;
    return true;
}

bool field_is_default(const struct field *field, const void *base)
{
    const char *at = (const char *)base + field->offset;

    switch (field->kind) {
    case FIELD_BOOL:
        return !*(const bool *)(const void *)at;
    case FIELD_NUMBER:
        return *(const uint64_t *)(const void *)at == 0;
    case FIELD_ENUM:
        return *(const unsigned *)(const void *)at == 0;
    case FIELD_TEXT:
        return *at == '\0';
    case FIELD_STRING: {
        const char *text = *(const char *const *)(const void *)at;

        return text == NULL || *text == '\0';
    }
    case FIELD_RECORD:
        return record_is_default(field->record, at);
    case FIELD_LIST:
    case FIELD_NUMBERS:
    case FIELD_BYTES:
        return *(const size_t *)(const void *)((const char *)base + field->count_offset) == 0;
    case FIELD_KIND_COUNT:
        break;
    }
    return true;
}

static size_t member_size(const struct field *field)
{
    switch (field->kind) {
    case FIELD_BOOL:
        return sizeof(bool);
    case FIELD_NUMBER:
        return sizeof(uint64_t);
    case FIELD_ENUM:
        return sizeof(unsigned);
    case FIELD_TEXT:
        return field->max;
    case FIELD_STRING:
    case FIELD_LIST:
    case FIELD_NUMBERS:
    case FIELD_BYTES:
        return sizeof(void *);
    case FIELD_RECORD:
        return field->record->size;
    case FIELD_KIND_COUNT:
        break;
    }
    return SIZE_MAX;
}

const char *record_broken_rule(const struct record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];

        if (field->offset + member_size(field) > record->size)
            return "a member lies outside the struct";
        if (field->doc == NULL || *field->doc == '\0')
            return "a field has no doc";
        if (field_find(record, field->name, strlen(field->name)) != field)
            return "two fields have one name";
        if ((field->kind == FIELD_LIST || field->kind == FIELD_NUMBERS ||
             field->kind == FIELD_STRING || field->kind == FIELD_BYTES) &&
            field->max == 0)
            return "a list or a string has no limit";
    }
    return NULL;
}
