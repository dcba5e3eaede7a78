#include "proto/pack.h"

#include "common/base/memory.h"
#include "proto/scan.h"

#include <assert.h>
#include <string.h>

static int append(void *context, const char *bytes, size_t size)
{
    text_append_bytes(context, bytes, size);
    return 0;
}

static void put_text(msgpack_packer *out, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);
    char *mended = NULL;

    /* What is written must be readable: a peer would refuse the whole message. */
    if (size > 0 && !text_is_utf8(text, size)) {
        mended = memory_text(NULL, text);
        text_mend(mended);
        text = mended;
    }
    (void)msgpack_pack_str(out, size);
    (void)msgpack_pack_str_body(out, text == NULL ? "" : text, size);
    talloc_free(mended);
}

static void put_number(msgpack_packer *out, uint64_t number)
{
    (void)msgpack_pack_uint64(out, number < FIELD_NUMBER_MAX ? number : FIELD_NUMBER_MAX);
}

static void put_record(msgpack_packer *out, const struct record *record, const char *base);

static void put_list(msgpack_packer *out, const struct field *field, const char *base)
{
    const char *items = *(const char *const *)(const void *)(base + field->offset);
    size_t count = *(const size_t *)(const void *)(base + field->count_offset);

    assert(count <= field->max);
    (void)msgpack_pack_array(out, count);
    for (size_t i = 0; i < count; i++)
        put_record(out, field->record, items + i * field->record->size);
}

static void put_numbers(msgpack_packer *out, const struct field *field, const char *base)
{
    const uint32_t *items = *(const uint32_t *const *)(const void *)(base + field->offset);
    size_t count = *(const size_t *)(const void *)(base + field->count_offset);

    assert(count <= field->max);
    (void)msgpack_pack_array(out, count);
    for (size_t i = 0; i < count; i++)
        (void)msgpack_pack_uint32(out, items[i]);
}

static void put_bytes(msgpack_packer *out, const struct field *field, const char *base)
{
    const uint8_t *bytes = *(const uint8_t *const *)(const void *)(base + field->offset);
    size_t size = *(const size_t *)(const void *)(base + field->count_offset);

    assert(size <= field->max);
    (void)msgpack_pack_bin(out, size);
    (void)msgpack_pack_bin_body(out, bytes, size);
}

static void put_enum(msgpack_packer *out, const struct field *field, unsigned value)
{
    const char *name = field_name_of(field->names, value);

    assert(name != NULL);
    put_text(out, name);
}

static void put_field(msgpack_packer *out, const struct field *field, const char *base)
{
    const char *at = base + field->offset;

    switch (field->kind) {
    case FIELD_BOOL:
        (void)(*(const bool *)(const void *)at ? msgpack_pack_true(out) : msgpack_pack_false(out));
        break;
    case FIELD_NUMBER:
        put_number(out, *(const uint64_t *)(const void *)at);
        break;
    case FIELD_ENUM:
        put_enum(out, field, *(const unsigned *)(const void *)at);
        break;
    case FIELD_TEXT:
        put_text(out, at);
        break;
    case FIELD_STRING:
        put_text(out, *(const char *const *)(const void *)at);
        break;
    case FIELD_RECORD:
        put_record(out, field->record, at);
        break;
    case FIELD_LIST:
        put_list(out, field, base);
        break;
    case FIELD_NUMBERS:
        put_numbers(out, field, base);
        break;
    case FIELD_BYTES:
        put_bytes(out, field, base);
        break;
    case FIELD_KIND_COUNT:
        break;
    }
}

static void put_record(msgpack_packer *out, const struct record *record, const char *base)
{
    size_t count = 0;

    for (size_t i = 0; i < record->field_count; i++)
        count += !field_is_default(&record->fields[i], base);
    (void)msgpack_pack_map(out, count);
    for (size_t i = 0; i < record->field_count; i++) {
        if (field_is_default(&record->fields[i], base))
            continue;
        put_text(out, record->fields[i].name);
        put_field(out, &record->fields[i], base);
    }
}

void pack_record(const struct record *record, const void *base, struct text *ret)
{
    msgpack_packer out;

    msgpack_packer_init(&out, ret, append);
    put_record(&out, record, base);
}

/* ---- unpacking ---- */

struct reader {
    const struct record *record;
    const struct field *field;
    const void *parent;
    struct error *err;
};

static enum error_code refuse(const struct reader *in, const char *why)
{
    return error_set(in->err, ERROR_PROTOCOL, "%s.%s %s", in->record->name, in->field->name, why);
}

static enum error_code get_text(const struct reader *in, const msgpack_object *from, char *at)
{
    if (from->type != MSGPACK_OBJECT_STR || !text_is_utf8(from->via.str.ptr, from->via.str.size))
        return refuse(in, "is not a text");
    if (in->field->kind == FIELD_STRING) {
        if (from->via.str.size > in->field->max)
            return refuse(in, "is too long");
        *(const char **)(void *)at = memory_copy(in->parent, from->via.str.ptr, from->via.str.size);
        return ERROR_OK;
    }
    if (from->via.str.size >= in->field->max)
        return refuse(in, "is too long");
    memcpy(at, from->via.str.ptr, from->via.str.size);
    at[from->via.str.size] = '\0';
    return ERROR_OK;
}

static enum error_code get_enum(const struct reader *in, const msgpack_object *from, char *at)
{
    unsigned value;

    if (from->type != MSGPACK_OBJECT_STR ||
        !field_value_of(in->field->names, from->via.str.ptr, from->via.str.size, &value))
        return refuse(in, "is none of the names it may have");
    *(unsigned *)(void *)at = value;
    return ERROR_OK;
}

static enum error_code get_list(const struct reader *in, const msgpack_object *from, char *base)
{
    const struct record *record = in->field->record;
    size_t count = from->via.array.size;
    char *items;

    if (from->type != MSGPACK_OBJECT_ARRAY)
        return refuse(in, "is not a list");
    if (count > in->field->max)
        return refuse(in, "has too many elements");
    items = memory_zeroed(in->parent, count, record->size, record->name);
    for (size_t i = 0; i < count; i++)
        if (unpack_map(record, &from->via.array.ptr[i], items, items + i * record->size, in->err) !=
            ERROR_OK)
            return in->err->code;
    *(char **)(void *)(base + in->field->offset) = items;
    *(size_t *)(void *)(base + in->field->count_offset) = count;
    return ERROR_OK;
}

static enum error_code get_numbers(const struct reader *in, const msgpack_object *from, char *base)
{
    size_t count = from->via.array.size;
    uint32_t *items;

    if (from->type != MSGPACK_OBJECT_ARRAY)
        return refuse(in, "is not a list");
    if (count > in->field->max)
        return refuse(in, "has too many elements");
    items = memory_array(in->parent, uint32_t, count);
    for (size_t i = 0; i < count; i++) {
        const msgpack_object *item = &from->via.array.ptr[i];

        if (item->type != MSGPACK_OBJECT_POSITIVE_INTEGER || item->via.u64 > UINT32_MAX)
            return refuse(in, "has an element that is not a small number");
        items[i] = (uint32_t)item->via.u64;
    }
    *(uint32_t **)(void *)(base + in->field->offset) = items;
    *(size_t *)(void *)(base + in->field->count_offset) = count;
    return ERROR_OK;
}

static enum error_code get_bytes(const struct reader *in, const msgpack_object *from, char *base)
{
    if (from->type != MSGPACK_OBJECT_BIN)
        return refuse(in, "is not bytes");
    if (from->via.bin.size > in->field->max)
        return refuse(in, "is too long");
    *(void **)(void *)(base + in->field->offset) =
        memory_copy(in->parent, from->via.bin.ptr, from->via.bin.size);
    *(size_t *)(void *)(base + in->field->count_offset) = from->via.bin.size;
    return ERROR_OK;
}

static enum error_code get_field(const struct reader *in, const msgpack_object *from, char *base)
{
    char *at = base + in->field->offset;

    switch (in->field->kind) {
    case FIELD_BOOL:
        if (from->type != MSGPACK_OBJECT_BOOLEAN)
            return refuse(in, "is not true or false");
        *(bool *)(void *)at = from->via.boolean;
        return ERROR_OK;
    case FIELD_NUMBER:
        if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER || from->via.u64 > FIELD_NUMBER_MAX)
            return refuse(in, "is not a number from 0 to 2^63 - 1");
        *(uint64_t *)(void *)at = from->via.u64;
        return ERROR_OK;
    case FIELD_ENUM:
        return get_enum(in, from, at);
    case FIELD_TEXT:
    case FIELD_STRING:
        return get_text(in, from, at);
    case FIELD_RECORD:
        return unpack_map(in->field->record, from, in->parent, at, in->err);
    case FIELD_LIST:
        return get_list(in, from, base);
    case FIELD_NUMBERS:
        return get_numbers(in, from, base);
    case FIELD_BYTES:
        return get_bytes(in, from, base);
    case FIELD_KIND_COUNT:
        break;
    }
    return refuse(in, "has no kind");
}

enum error_code unpack_map(const struct record *record, const msgpack_object *map,
                           const void *parent, void *ret, struct error *err)
{
    struct reader in = {.record = record, .parent = parent, .err = err};

    if (map->type != MSGPACK_OBJECT_MAP)
        return error_set(err, ERROR_PROTOCOL, "%s is not a map", record->name);
    for (size_t i = 0; i < map->via.map.size; i++) {
        const msgpack_object_kv *pair = &map->via.map.ptr[i];

        if (pair->key.type != MSGPACK_OBJECT_STR)
            return error_set(err, ERROR_PROTOCOL, "%s has a key that is not a text", record->name);
        in.field = field_find(record, pair->key.via.str.ptr, pair->key.via.str.size);
        if (in.field != NULL && get_field(&in, &pair->val, ret) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code unpack_record(const struct record *record, const void *bytes, size_t size,
                              const void *parent, void *ret, struct error *err)
{
    const char *fault = scan_fault(bytes, size, &scan_of_peer);
    msgpack_unpacked tree;
    enum error_code code;
    size_t offset = 0;

    if (fault != NULL)
        return error_set(err, ERROR_PROTOCOL, "%s is malformed: %s", record->name, fault);
    msgpack_unpacked_init(&tree);
    if (msgpack_unpack_next(&tree, bytes, size, &offset) != MSGPACK_UNPACK_SUCCESS)
        code = error_set(err, ERROR_PROTOCOL, "%s cannot be unpacked", record->name);
    else
        code = unpack_map(record, &tree.data, parent, ret, err);
    msgpack_unpacked_destroy(&tree);
    return code;
}
