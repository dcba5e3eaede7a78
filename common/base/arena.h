/* arena.h: many small things of one lifetime, cut from larger pieces of memory: without a talloc
 * header each, and freed with their parent, all at once.  Pure.
 */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

struct arena {
    const void *parent; /* of the pieces */
    size_t piece_size;
    char *rest; /* of the last piece */
    size_t rest_size;
};

/* No memory is taken before the first cut. */
void arena_begin(struct arena *arena, const void *parent, size_t piece_size);
/* Aligned for any pointer or integer, not zeroed; never NULL. */
void *arena_cut(struct arena *arena, size_t size);
/* With a terminator. */
char *arena_copy(struct arena *arena, const void *bytes, size_t size);
char *arena_text(struct arena *arena, const char *text);

#endif
