#include "common/copy/json_row.h"

#include "common/base/memory.h"

#include <string.h>

#define KEY_MAX     1024
#define UNICODE_MAX 4 /* bytes of UTF-8 */

/* A value, or a key, as it stands in the line; size 0: there is none. */
struct span {
    const char *bytes;
    size_t size;
};

/* Where it is; at == end: behind the last byte. */
struct scan {
    const char *at, *end;
    const char *fault; /* NULL: none so far */
};

/* ---- grammar (RFC 8259) ---- */

static bool fail(struct scan *s, const char *fault)
{
    if (s->fault == NULL)
        s->fault = fault;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\r'))
        s->at++;
}

static bool takes(struct scan *s, char c)
{
    skip_space(s);
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Four digits; -1: they are none. */
static int32_t hex_at(const char *at, const char *end)
{
    int32_t unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = at + i < end ? hex_digit(at[i]) : -1;

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool skip_escape(struct scan *s)
{
    if (s->at == s->end)
        return fail(s, "a string without an end");
    if (*s->at == 'u' && hex_at(s->at + 1, s->end) < 0)
        return fail(s, "\\u without four digits");
    if (*s->at != 'u' && (*s->at == '\0' || strchr("\"\\/bfnrt", *s->at) == NULL))
        return fail(s, "an unknown escape in a string");
    s->at += *s->at == 'u' ? 5 : 1;
    return true;
}

/* With its quotes. */
static bool skip_string(struct scan *s)
{
    if (!takes(s, '"'))
        return fail(s, "a string is missing");
    while (s->at < s->end && *s->at != '"') {
        char c = *s->at++;

        if ((unsigned char)c < ' ')
            return fail(s, "a control character in a string");
        if (c == '\\' && !skip_escape(s))
            return false;
    }
    return takes(s, '"') || fail(s, "a string without an end");
}

static size_t skip_digits(struct scan *s)
{
    const char *from = s->at;

    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return (size_t)(s->at - from);
}

static bool skip_number(struct scan *s)
{
    bool is_zero;

    s->at += *s->at == '-';
    is_zero = s->at < s->end && *s->at == '0';
    if ((is_zero ? (size_t)(s->at++, 1) : skip_digits(s)) == 0)
        return fail(s, "a value that is none");
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (skip_digits(s) == 0)
            return fail(s, "a number without digits behind its point");
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        s->at += s->at < s->end && (*s->at == '+' || *s->at == '-');
        if (skip_digits(s) == 0)
            return fail(s, "a number without digits in its exponent");
    }
    return true;
}

static bool skip_word(struct scan *s, const char *word)
{
    size_t size = strlen(word);

    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0)
        return fail(s, "a value that is none");
    s->at += size;
    return true;
}

static bool skip_value(struct scan *s, unsigned depth);

static bool skip_members(struct scan *s, unsigned depth, bool is_object)
{
    char closing = is_object ? '}' : ']';

    s->at++;
    if (takes(s, closing))
        return true;
    do {
        if (is_object && !(skip_string(s) && (takes(s, ':') || fail(s, "a key without a value"))))
            return false;
        if (!skip_value(s, depth + 1))
            return false;
    } while (takes(s, ','));
    return takes(s, closing) || fail(s, "an object or a list without an end");
}

static bool skip_value(struct scan *s, unsigned depth)
{
    skip_space(s);
    if (depth > JSON_ROW_DEPTH_MAX)
        return fail(s, "nested too deeply");
    if (s->at == s->end)
        return fail(s, "a value is missing");
    switch (*s->at) {
    case '"':
        return skip_string(s);
    case '{':
    case '[':
        return skip_members(s, depth, *s->at == '{');
    case 't':
        return skip_word(s, "true");
    case 'f':
        return skip_word(s, "false");
    case 'n':
        return skip_word(s, "null");
    default:
        return skip_number(s);
    }
}

/* ---- text ---- */

static size_t encode(uint32_t code, char ret[static UNICODE_MAX])
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = size; i-- > 1; code >>= 6)
        ret[i] = (char)(uint8_t)(0x80 | (code & 0x3f));
    ret[0] = (char)(uint8_t)(leads[size] | code);
    return size;
}

/* The letter that stands for it behind a backslash in COPY's text format; 0: it needs none. */
static char find_escape(char c)
{
    static const char characters[] = "\\\n\r\t", letters[] = "\\nrt";
    const char *at = c == '\0' ? NULL : strchr(characters, c);

    return letters[at == NULL ? sizeof(letters) - 1 : (size_t)(at - characters)];
}

static void append_character(struct text *ret, char c)
{
    char escaped[] = {'\\', find_escape(c)};

    if (escaped[1] != '\0')
        text_append_bytes(ret, escaped, sizeof(escaped));
    else
        text_append_bytes(ret, &c, 1);
}

/* Behind "\u"; *at moves behind its digits, and those of the other half of a pair. False: it is no
 * character. */
static bool append_unicode(const char **at, const char *end, bool is_for_copy, struct text *ret)
{
    uint32_t code = (uint32_t)hex_at(*at, end);
    char bytes[UNICODE_MAX];

    *at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        uint32_t low = (uint32_t)hex_at(*at + 2, end);

        if (low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        *at += 6;
    } else if (code == 0 || (code >= 0xd800 && code < 0xe000)) {
        return false;
    }
    if (is_for_copy && code < 0x80)
        append_character(ret, (char)code);
    else
        text_append_bytes(ret, bytes, encode(code, bytes));
    return true;
}

/* A letter behind a backslash means the same in COPY's text format as in JSON; but \u is unknown
 * there. */
static bool append_escape(const char **at, const char *end, bool is_for_copy, struct text *ret)
{
    static const char letters[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    char letter = *(*at)++;

    if (letter == 'u')
        return append_unicode(at, end, is_for_copy, ret);
    if (is_for_copy)
        text_append_bytes(ret, *at - 2, 2);
    else
        text_append_bytes(ret, &means[strchr(letters, letter) - letters], 1);
    return true;
}

/* What stands between the quotes, as skip_string() has seen it. */
static bool append_string(struct text *ret, struct span string, bool is_for_copy)
{
    const char *at = string.bytes + 1, *end = string.bytes + string.size - 1;

    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));

        text_append_bytes(ret, at, (size_t)((escape != NULL ? escape : end) - at));
        if (escape == NULL)
            break;
        at = escape + 1;
        if (!append_escape(&at, end, is_for_copy, ret))
            return false;
    }
    return true;
}

/* The text of an object or a list. */
static void append_escaped(struct text *ret, struct span json)
{
    const char *at = json.bytes, *end = json.bytes + json.size;

    while (at < end) {
        size_t plain = 0;

        while (at + plain < end && find_escape(at[plain]) == 0)
            plain++;
        text_append_bytes(ret, at, plain);
        at += plain;
        if (at < end)
            append_character(ret, *at++);
    }
}

/* ---- keys ---- */

static bool is_key(struct span key, const char *name)
{
    size_t size = strlen(name);

    return key.size == size + 2 && memcmp(key.bytes + 1, name, size) == 0;
}

static size_t find_decoded(const struct json_row_keys *keys, struct span key)
{
    struct text *plain = text_new(NULL, KEY_MAX);
    size_t at = append_string(plain, key, false) ? 0 : keys->count;

    while (at < keys->count && strcmp(plain->data, keys->names[at]) != 0)
        at++;
    talloc_free(plain);
    return at;
}

/* Most lines have their keys in the same order: guess is the next one's. count: it is none. */
static size_t find_key(const struct json_row_keys *keys, struct span key, size_t guess)
{
    size_t at = 0;

    if (guess < keys->count && is_key(key, keys->names[guess]))
        return guess;
    while (at < keys->count && !is_key(key, keys->names[at]))
        at++;
    if (at < keys->count || memchr(key.bytes, '\\', key.size) == NULL)
        return at;
    return find_decoded(keys, key);
}

static bool read_member(struct scan *s, const struct json_row_keys *keys, struct span *values,
                        size_t *guess)
{
    struct span key, value;
    size_t at;

    skip_space(s);
    key.bytes = s->at;
    if (!skip_string(s))
        return false;
    key.size = (size_t)(s->at - key.bytes);
    if (!takes(s, ':'))
        return fail(s, "a key without a value");
    skip_space(s);
    value.bytes = s->at;
    if (!skip_value(s, 0))
        return false;
    value.size = (size_t)(s->at - value.bytes);
    at = find_key(keys, key, *guess);
    if (at == keys->count)
        return fail(s, "a key that the first record lacks");
    if (values[at].size != 0)
        return fail(s, "a key twice");
    values[at] = value;
    *guess = at + 1;
    return true;
}

static bool read_object(struct scan *s, const struct json_row_keys *keys, struct span *values)
{
    size_t guess = 0;

    if (!takes(s, '{'))
        return fail(s, "no JSON object");
    if (!takes(s, '}')) {
        do {
            if (!read_member(s, keys, values, &guess))
                return false;
        } while (takes(s, ','));
        if (!takes(s, '}'))
            return fail(s, "an object without an end");
    }
    skip_space(s);
    return s->at == s->end || fail(s, "something behind the object");
}

/* ---- rows ---- */

static bool append_value(struct text *ret, struct span value, bool is_json)
{
    if (value.size == 0 || value.bytes[0] == 'n') {
        text_append_bytes(ret, "\\N", 2);
        return true;
    }
    if (value.bytes[0] == '"' && !is_json)
        return append_string(ret, value, true);
    append_escaped(ret, value);
    return true;
}

static bool append_row(struct scan *s, const struct json_row_keys *keys, const struct span *values,
                       struct text *ret)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (i > 0)
            text_append_bytes(ret, "\t", 1);
        if (!append_value(ret, values[i], keys->are_json[i]))
            return fail(s, "\\u0000, or half of a surrogate pair: no text can hold it");
    }
    text_append_bytes(ret, "\n", 1);
    return true;
}

enum error_code json_row_append(const char *line, size_t size, const struct json_row_keys *keys,
                                struct text *ret, struct error *err)
{
    struct scan s = {.at = line, .end = line + size};
    struct span *values = memory_array(NULL, struct span, keys->count);
    bool is_row = read_object(&s, keys, values) && append_row(&s, keys, values, ret);

    talloc_free(values);
    if (!is_row)
        return error_set(err, ERROR_INVALID, "%s, at byte %zu: %.*s", s.fault,
                         (size_t)(s.at - line) + 1, (int)(size < 80 ? size : 80), line);
    if (ret->is_cut)
        return error_set(err, ERROR_LIMIT, "a row that is too long");
    return ERROR_OK;
}
