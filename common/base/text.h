/* text.h: bounded strings: copying into fixed arrays, growing buffers, hexadecimal, parsing
 * numbers.
 *
 * Pure: the cores may use it.
 */
#ifndef COMMON_BASE_TEXT_H
#define COMMON_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Copies with the terminator.  False (ret is then cut, and still terminated) if it does not fit. */
bool text_copy(char *ret, size_t size, const char *from);

/* snprintf into a fixed array; false if it was cut. */
bool text_format(char *ret, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);

/* Letters, digits, '_', '-', '.'; first a letter or digit; 1 to max bytes: names of nodes, shards,
 * revisions and releases, which become parts of file names, log lines and application names. */
bool text_is_name(const char *text, size_t max);

/* The whole of text, decimal, no sign, at most max.  False, with *ret untouched, otherwise. */
bool text_to_number(const char *text, uint64_t max, uint64_t *ret);

/* "250ms", "5s", "10m", "2h", "1d", or plain seconds.  False, with *ret_ms untouched, otherwise. */
bool text_to_duration(const char *text, uint64_t *ret_ms);

/* ret needs 2 * size + 1 bytes. */
void text_to_hex(char *ret, const uint8_t *bytes, size_t size);

/* False, with ret partly written, unless text is exactly 2 * size hexadecimal digits. */
bool text_from_hex(const char *text, uint8_t *ret, size_t size);

/* True if every byte sequence is well-formed UTF-8 and none is a NUL. */
bool text_is_utf8(const char *bytes, size_t size);

/* Replaces what is not well-formed UTF-8 by '?', in place: a server's message in another encoding,
 * or a character that a precision cut in half. */
void text_mend(char *text);

/* ---- a growing buffer ---- */

/* data is a talloc child of the parent given to text_new(), always terminated. */
struct text {
    char *data;
    size_t size;     /* without the terminator */
    size_t capacity; /* of data */
    size_t limit;    /* size never exceeds it; what would is dropped and is_cut says so */
    bool is_cut;
};

struct text *text_new(const void *parent, size_t limit);
void text_append(struct text *text, const char *more);
void text_append_bytes(struct text *text, const void *bytes, size_t size);
void text_append_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
