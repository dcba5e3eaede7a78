/* memory.h: talloc with size_t counts, and one policy for exhaustion: stop at once.
 *
 * Every program here survives kill -9 anywhere, so stopping is safer than a half-handled failure. A
 * size that a peer could choose is bounded by a named limit before it gets here.  Pure.
 */
#ifndef COMMON_BASE_MEMORY_H
#define COMMON_BASE_MEMORY_H

#include <stddef.h>
#include <talloc.h>

/* Zeroed; never NULL. */
#define memory_new(parent, type) ((type *)memory_zeroed(parent, 1, sizeof(type), #type))
#define memory_array(parent, type, count)                                                          \
    ((type *)memory_zeroed(parent, count, sizeof(type), #type "[]"))

/* Keeps what is there and zeroes what is new; array may be NULL, then parent owns the result. */
#define memory_grow(parent, array, old_count, count)                                               \
    memory_resized(parent, array, old_count, count, sizeof((array)[0]))

void *memory_zeroed(const void *parent, size_t count, size_t size, const char *name);
void *memory_resized(const void *parent, void *array, size_t old_count, size_t count, size_t size);

/* A text that is mostly empty, and then costs nothing: "" until it is kept, a child of parent then.
 */
struct kept_text {
    char *copy; /* NULL: "" */
};
void text_keep(const void *parent, struct kept_text *ret, const char *text);
static inline const char *text_kept(const struct kept_text *text)
{
    return text->copy == NULL ? "" : text->copy;
}

/* Not zeroed: for who writes before reading. */
void *memory_raw(const void *parent, size_t size, const char *name);
char *memory_text(const void *parent, const char *text);
char *memory_format(const void *parent, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void *memory_copy(const void *parent, const void *bytes, size_t size);

#endif
