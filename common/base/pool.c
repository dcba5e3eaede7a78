#define _DEFAULT_SOURCE /* madvise */

#include "common/base/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <talloc.h>

#define HUGE_PAGE 2097152

void *pool_new(size_t size)
{
    char *pool = talloc_pool(NULL, size);
    size_t before, rest;

    if (pool == NULL)
        abort();
    before = HUGE_PAGE - (uintptr_t)pool % HUGE_PAGE;
    rest = size > before ? (size - before) / HUGE_PAGE * HUGE_PAGE : 0;
    if (rest > 0) /* only advice: without it all is well, and slower */
        (void)madvise(pool + before, rest, MADV_HUGEPAGE);
    return pool;
}
