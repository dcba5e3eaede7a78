#include "common/base/text.h"

#include "common/base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_CAPACITY_FIRST 256

bool text_copy(char *ret, size_t size, const char *from)
{
    size_t length = strlen(from);
    bool fits = length < size;

    assert(size > 0);
    if (!fits)
        length = size - 1;
    memcpy(ret, from, length);
    ret[length] = '\0';
    return fits;
}

bool text_format(char *ret, size_t size, const char *format, ...)
{
    va_list args;
    int length;

    assert(size > 0);
    va_start(args, format);
    length = vsnprintf(ret, size, format, args);
    va_end(args);
    return length >= 0 && (size_t)length < size;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t tail = strlen(suffix);

    return length >= tail && memcmp(text + length - tail, suffix, tail) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool text_is_name(const char *text, size_t max)
{
    size_t length = strlen(text);

    if (length == 0 || length > max || !is_alphanumeric(text[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_alphanumeric(text[i]) && text[i] != '_' && text[i] != '-' && text[i] != '.')
            return false;
    return true;
}

/* Reads digits from *text on and moves it behind them. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    const char *next = *text;

    if (!is_digit(*next))
        return false;
    for (; is_digit(*next); next++) {
        uint64_t digit = (uint64_t)(*next - '0');

        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *text = next;
    *ret = value;
    return true;
}

bool text_to_number(const char *text, uint64_t max, uint64_t *ret)
{
    uint64_t value;

    if (!take_number(&text, max, &value) || *text != '\0')
        return false;
    *ret = value;
    return true;
}

bool text_to_duration(const char *text, uint64_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    uint64_t value;

    if (!take_number(&text, UINT32_MAX, &value))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(text, units[i].unit) == 0) {
            *ret_ms = value * units[i].ms;
            return true;
        }
    }
    return false;
}

void text_to_hex(char *ret, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * size] = '\0';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_from_hex(const char *text, uint8_t *ret, size_t size)
{
    if (strlen(text) != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Bytes of the sequence that begins at p, or 0 if it is not well formed (Unicode 15, table 3-7). */
static size_t utf8_length(const uint8_t *p, size_t left)
{
    size_t length = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (p[0] == 0 || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return length;
}

bool text_is_utf8(const char *bytes, size_t size)
{
    const uint8_t *p = (const uint8_t *)bytes;

    while (size > 0) {
        size_t length = utf8_length(p, size);

        if (length == 0)
            return false;
        p += length;
        size -= length;
    }
    return true;
}

void text_mend(char *text)
{
    size_t left = strlen(text);

    for (char *p = text; left > 0;) {
        size_t length = utf8_length((const uint8_t *)p, left);

        if (length == 0) {
            *p = '?';
            length = 1;
        }
        p += length;
        left -= length;
    }
}

struct text *text_new(const void *parent, size_t limit)
{
    struct text *text = memory_new(parent, struct text);

    text->limit = limit;
    text->capacity = TEXT_CAPACITY_FIRST;
    text->data = memory_array(text, char, text->capacity);
    return text;
}

static void reserve(struct text *text, size_t size)
{
    size_t capacity = text->capacity;

    while (capacity < size + 1)
        capacity *= 2;
    if (capacity == text->capacity)
        return;
    text->data = memory_grow(text, text->data, text->capacity, capacity);
    text->capacity = capacity;
}

void text_append_bytes(struct text *text, const void *bytes, size_t size)
{
    if (size > text->limit - text->size) {
        size = text->limit - text->size;
        text->is_cut = true;
    }
    reserve(text, text->size + size);
    if (size > 0)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_append(struct text *text, const char *more)
{
    text_append_bytes(text, more, strlen(more));
}

void text_append_format(struct text *text, const char *format, ...)
{
    va_list args;
    char *more;

    va_start(args, format);
    more = talloc_vasprintf(text, format, args);
    va_end(args);
    if (more == NULL)
        return;
    text_append(text, more);
    talloc_free(more);
}
