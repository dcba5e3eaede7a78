/* pool.h: memory for one long answer: what is made below it is cut from one piece, and goes with
 * it.
 */
#ifndef COMMON_BASE_POOL_H
#define COMMON_BASE_POOL_H

#include <stddef.h>

/* A talloc context whose children, and theirs, lie in one piece of that size while there is room,
 * and elsewhere then.  Huge pages are asked for: the kernel takes a moment for each page, and small
 * ones are many. */
void *pool_new(size_t size);

#endif
