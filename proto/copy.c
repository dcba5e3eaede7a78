#include "proto/copy.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

static void copy_list(const struct field *field, const char *from, const void *parent, char *ret)
{
    const char *items = *(const char *const *)(const void *)(from + field->offset);
    size_t count = *(const size_t *)(const void *)(from + field->count_offset);
    size_t size = field->record->size;
    char *copies = memory_zeroed(parent, count, size, field->record->name);

    for (size_t i = 0; i < count; i++)
        record_copy(field->record, items + i * size, copies, copies + i * size);
    *(char **)(void *)(ret + field->offset) = copies;
}

static void copy_flat(const struct field *field, size_t size, const char *from, const void *parent,
                      char *ret)
{
    const void *bytes = *(const void *const *)(const void *)(from + field->offset);

    *(void **)(void *)(ret + field->offset) =
        bytes == NULL ? NULL : memory_copy(parent, bytes, size);
}

void record_copy(const struct record *record, const void *from, const void *parent, void *ret)
{
    memcpy(ret, from, record->size);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *at = (const char *)from + field->offset;
        size_t count =
            field->count_offset == 0
                ? 0
                : *(const size_t *)(const void *)((const char *)from + field->count_offset);

        if (field->kind == FIELD_RECORD)
            record_copy(field->record, at, parent, (char *)ret + field->offset);
        else if (field->kind == FIELD_LIST)
            copy_list(field, from, parent, ret);
        else if (field->kind == FIELD_NUMBERS)
            copy_flat(field, count * sizeof(uint32_t), from, parent, ret);
        else if (field->kind == FIELD_BYTES)
            copy_flat(field, count, from, parent, ret);
        else if (field->kind == FIELD_STRING && *(const char *const *)(const void *)at != NULL)
            *(char **)(void *)((char *)ret + field->offset) =
                memory_text(parent, *(const char *const *)(const void *)at);
    }
}

void *record_clone(const struct record *record, const void *from, const void *parent)
{
    void *copy = memory_zeroed(parent, 1, record->size, record->name);

    record_copy(record, from, copy, copy);
    return copy;
}

static void mend_list(const struct field *field, char *base)
{
    char *items = *(char **)(void *)(base + field->offset);
    size_t count = *(const size_t *)(const void *)(base + field->count_offset);

    for (size_t i = 0; i < count; i++)
        record_mend(field->record, items + i * field->record->size);
}

void record_mend(const struct record *record, void *base)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        char *at = (char *)base + field->offset;

        if (field->kind == FIELD_TEXT)
            text_mend(at);
        else if (field->kind == FIELD_RECORD)
            record_mend(field->record, at);
        else if (field->kind == FIELD_LIST)
            mend_list(field, base);
    }
}
