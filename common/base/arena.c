#include "common/base/arena.h"

#include "common/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT sizeof(uint64_t)

void arena_begin(struct arena *arena, const void *parent, size_t piece_size)
{
    *arena = (struct arena){.parent = parent, .piece_size = piece_size};
}

void *arena_cut(struct arena *arena, size_t size)
{
    void *cut;

    if (size > SIZE_MAX - ALIGNMENT)
        abort();
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > arena->rest_size) {
        arena->rest_size = size > arena->piece_size ? size : arena->piece_size;
        arena->rest = memory_raw(arena->parent, arena->rest_size, "arena");
    }
    cut = arena->rest;
    arena->rest += size;
    arena->rest_size -= size;
    return cut;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    char *copy;

    if (size == SIZE_MAX)
        abort();
    copy = arena_cut(arena, size + 1);
    if (size > 0)
        memcpy(copy, bytes, size);
    copy[size] = '\0';
    return copy;
}

char *arena_text(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text));
}
