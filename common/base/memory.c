#include "common/base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *memory_raw(const void *parent, size_t size, const char *name)
{
    void *block = talloc_named_const(parent, size, name);

    if (block == NULL)
        abort();
    return block;
}

void *memory_zeroed(const void *parent, size_t count, size_t size, const char *name)
{
    void *block;

    if (size != 0 && count > SIZE_MAX / size)
        abort();
    block = memory_raw(parent, count * size, name);
    memset(block, 0, count * size);
    return block;
}

void *memory_resized(const void *parent, void *array, size_t old_count, size_t count, size_t size)
{
    char *block;

    if (size != 0 && count > SIZE_MAX / size)
        abort();
    block = talloc_realloc_size(parent, array, count * size);
    if (block == NULL && count * size != 0)
        abort();
    if (count > old_count)
        memset(block + old_count * size, 0, (count - old_count) * size);
    return block;
}

void text_keep(const void *parent, struct kept_text *ret, const char *text)
{
    talloc_free(ret->copy);
    ret->copy = text[0] == '\0' ? NULL : memory_text(parent, text);
}

char *memory_text(const void *parent, const char *text)
{
    return memory_copy(parent, text, strlen(text));
}

char *memory_format(const void *parent, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = talloc_vasprintf(parent, format, args);
    va_end(args);
    if (text == NULL)
        abort();
    return text;
}

void *memory_copy(const void *parent, const void *bytes, size_t size)
{
    char *copy;

    if (size == SIZE_MAX)
        abort();
    copy = memory_raw(parent, size + 1, "copy");
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}
