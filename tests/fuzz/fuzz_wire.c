/* Messages out of anybody's bytes, as msgpack and as JSON, from every role.
 *
 * The first byte says who sends, and in which form.  What is accepted must say the same after it
 * was written and read again, in both forms.
 */
#include "common/base/memory.h"
#include "proto/json.h"
#include "proto/message.h"
#include "proto/pack.h"

#include <assert.h>
#include <string.h>

#define FORM_JSON 0x80

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_equal(const struct text *a, const struct text *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static struct text *packed(const struct record *record, const void *body, const void *context)
{
    struct text *ret = text_new(context, (size_t)MESSAGE_BYTES_MAX * 2);

    pack_record(record, body, ret);
    return ret;
}

static void go_through_json(const struct record *record, const void *body, const void *context)
{
    struct text *before = packed(record, body, context);
    json_t *object = json_from_record(record, body);
    void *again = memory_zeroed(context, 1, record->size, record->name);
    struct error err;

    assert(object != NULL);
    assert(json_to_record(record, object, again, again, &err) == ERROR_OK);
    assert(is_equal(before, packed(record, again, context)));
    json_decref(object);
}

static void go_through_msgpack(const struct message *message, enum role role, const void *context)
{
    struct text *first = text_new(context, (size_t)MESSAGE_BYTES_MAX * 2);
    struct text *second = text_new(context, (size_t)MESSAGE_BYTES_MAX * 2);
    struct message again;
    struct error err;

    message_encode(message->type, message->id, message->term, message->body, first);
    assert(message_decode(first->data, first->size, role, context, &again, &err) == ERROR_OK);
    assert(again.type == message->type && again.id == message->id && again.term == message->term);
    message_encode(again.type, again.id, again.term, again.body, second);
    assert(is_equal(first, second));
}

static void read_msgpack(const uint8_t *bytes, size_t size, enum role role, const void *context)
{
    struct message message;
    struct error err;

    if (message_decode(bytes, size, role, context, &message, &err) != ERROR_OK)
        return;
    assert(message_row(message.type)->role == role);
    go_through_msgpack(&message, role, context);
    go_through_json(message_row(message.type)->record, message.body, context);
}

static void read_json(const uint8_t *bytes, size_t size, enum message_type type,
                      const void *context)
{
    const struct record *record = message_row(type)->record;
    json_t *object = json_loadb((const char *)bytes, size, 0, NULL);
    void *body = memory_zeroed(context, 1, record->size, record->name);
    struct message message = {.type = type, .body = body};
    struct error err;

    if (object != NULL && json_to_record(record, object, body, body, &err) == ERROR_OK) {
        go_through_msgpack(&message, message_row(type)->role, context);
        go_through_json(record, body, context);
    }
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);

    if (size > 0 && (bytes[0] & FORM_JSON) != 0)
        read_json(bytes + 1, size - 1, (bytes[0] & 0x7f) % MESSAGE_COUNT, context);
    else if (size > 0)
        read_msgpack(bytes + 1, size - 1, bytes[0] % ROLE_COUNT, context);
    talloc_free(context);
    return 0;
}
