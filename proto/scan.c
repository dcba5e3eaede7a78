#include "proto/scan.h"

#include <stdbool.h>
#include <string.h>

/* The msgpack format, https://github.com/msgpack/msgpack/blob/master/spec.md, as ranges of the
 * first byte. */
enum class { CLASS_SCALAR, CLASS_TEXT, CLASS_BYTES, CLASS_ARRAY, CLASS_MAP, CLASS_REFUSED };

struct head {
    uint8_t first, last;
    enum class class;
    uint8_t width; /* bytes that follow: a scalar's value, or a length */
    uint8_t mask;  /* of the first byte, where it holds the length itself */
};

static const struct head heads[] = {
    {0x00, 0x7f, CLASS_SCALAR, 0, 0},   {0x80, 0x8f, CLASS_MAP, 0, 0x0f},
    {0x90, 0x9f, CLASS_ARRAY, 0, 0x0f}, {0xa0, 0xbf, CLASS_TEXT, 0, 0x1f},
    {0xc0, 0xc0, CLASS_SCALAR, 0, 0},   {0xc1, 0xc1, CLASS_REFUSED, 0, 0},
    {0xc2, 0xc3, CLASS_SCALAR, 0, 0},   {0xc4, 0xc4, CLASS_BYTES, 1, 0},
    {0xc5, 0xc5, CLASS_BYTES, 2, 0},    {0xc6, 0xc6, CLASS_BYTES, 4, 0},
    {0xc7, 0xc9, CLASS_REFUSED, 0, 0},  {0xca, 0xca, CLASS_SCALAR, 4, 0},
    {0xcb, 0xcb, CLASS_SCALAR, 8, 0},   {0xcc, 0xcc, CLASS_SCALAR, 1, 0},
    {0xcd, 0xcd, CLASS_SCALAR, 2, 0},   {0xce, 0xce, CLASS_SCALAR, 4, 0},
    {0xcf, 0xcf, CLASS_SCALAR, 8, 0},   {0xd0, 0xd0, CLASS_SCALAR, 1, 0},
    {0xd1, 0xd1, CLASS_SCALAR, 2, 0},   {0xd2, 0xd2, CLASS_SCALAR, 4, 0},
    {0xd3, 0xd3, CLASS_SCALAR, 8, 0},   {0xd4, 0xd8, CLASS_REFUSED, 0, 0},
    {0xd9, 0xd9, CLASS_TEXT, 1, 0},     {0xda, 0xda, CLASS_TEXT, 2, 0},
    {0xdb, 0xdb, CLASS_TEXT, 4, 0},     {0xdc, 0xdc, CLASS_ARRAY, 2, 0},
    {0xdd, 0xdd, CLASS_ARRAY, 4, 0},    {0xde, 0xde, CLASS_MAP, 2, 0},
    {0xdf, 0xdf, CLASS_MAP, 4, 0},      {0xe0, 0xff, CLASS_SCALAR, 0, 0},
};

const struct scan_limits scan_of_peer = {.bytes = 1 << 20, .items = 1 << 18};
const struct scan_limits scan_of_journal = {.bytes = 32 << 20, .items = 4 << 20};

struct span {
    const uint8_t *bytes;
    size_t size;
};

struct scan {
    const uint8_t *next;
    const uint8_t *end;
    size_t items_left;
};

static size_t left(const struct scan *scan)
{
    return (size_t)(scan->end - scan->next);
}

static const struct head *head_of(uint8_t byte)
{
    const struct head *head = heads;

    while (byte > head->last)
        head++;
    return head;
}

/* Reads one head; *ret_length is the count or size that it claims. */
static const char *take_head(struct scan *scan, enum class *ret_class, uint64_t *ret_length)
{
    const struct head *head;
    uint64_t length;

    if (left(scan) == 0)
        return "it ends in the middle of a value";
    head = head_of(*scan->next);
    length = *scan->next & head->mask;
    scan->next++;
    if (head->class == CLASS_REFUSED)
        return "it has an extension type or a reserved byte";
    if (left(scan) < head->width)
        return "it ends in the middle of a value";
    for (int i = 0; i < head->width; i++)
        length = length << 8 | scan->next[i];
    scan->next += head->width;
    *ret_class = head->class;
    *ret_length = head->class == CLASS_SCALAR ? 0 : length;
    return NULL;
}

static const char *scan_value(struct scan *scan, int depth);

static const char *scan_array(struct scan *scan, uint64_t count, int depth)
{
    if (count > left(scan)) /* each element takes a byte at least */
        return "a list claims more elements than there are bytes";
    for (uint64_t i = 0; i < count; i++) {
        const char *fault = scan_value(scan, depth);

        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static bool key_is_known(const struct span *keys, size_t count, struct span key)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i].size == key.size && memcmp(keys[i].bytes, key.bytes, key.size) == 0)
            return true;
    return false;
}

static const char *take_key(struct scan *scan, struct span *ret)
{
    enum class class = CLASS_SCALAR;
    uint64_t length = 0;
    const char *fault = take_head(scan, &class, &length);

    if (fault != NULL)
        return fault;
    if (class != CLASS_TEXT)
        return "a key is not a text";
    if (length > left(scan))
        return "a text claims more bytes than there are";
    *ret = (struct span){scan->next, (size_t)length};
    scan->next += length;
    return NULL;
}

static const char *scan_map(struct scan *scan, uint64_t count, int depth)
{
    struct span keys[SCAN_KEYS_MAX];

    if (count > SCAN_KEYS_MAX)
        return "a map has too many keys";
    for (size_t i = 0; i < count; i++) {
        const char *fault = take_key(scan, &keys[i]);

        if (fault != NULL)
            return fault;
        if (key_is_known(keys, i, keys[i]))
            return "a key stands twice";
        fault = scan_value(scan, depth);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static const char *scan_value(struct scan *scan, int depth)
{
    enum class class = CLASS_SCALAR;
    uint64_t length = 0;
    const char *fault = take_head(scan, &class, &length);

    if (fault != NULL)
        return fault;
    if (scan->items_left-- == 0)
        return "it has too many values";
    if (class == CLASS_SCALAR)
        return NULL;
    if (class == CLASS_TEXT || class == CLASS_BYTES) {
        if (length > left(scan))
            return "a text claims more bytes than there are";
        scan->next += length;
        return NULL;
    }
    if (depth == SCAN_DEPTH_MAX)
        return "it is nested too deeply";
    return class == CLASS_ARRAY ? scan_array(scan, length, depth + 1)
                                : scan_map(scan, length, depth + 1);
}

const char *scan_fault(const void *bytes, size_t size, const struct scan_limits *limits)
{
    struct scan scan = {.next = bytes, .items_left = limits->items};
    const char *fault;

    if (size == 0) /* an empty blob is a NULL */
        return "it is empty";
    scan.end = scan.next + size;
    if (size > limits->bytes)
        return "it is too large";
    fault = scan_value(&scan, 0);
    if (fault == NULL && scan.next != scan.end)
        fault = "bytes follow its end";
    return fault;
}
