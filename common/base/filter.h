/* filter.h: a program that reads bytes from its standard input and writes others to its standard
 * output, within a deadline and a limit; without a shell.
 */
#ifndef COMMON_BASE_FILTER_H
#define COMMON_BASE_FILTER_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_COMPLAINT_MAX 4096 /* bytes of its standard error that are kept: the first ones */

struct filter {
    const char *path; /* absolute */
    uint64_t timeout_ms;
    size_t output_max;
    bool (*is_cancelled)(void *context); /* NULL: never */
    void *context;
};

struct filter_bytes {
    const char *bytes;
    size_t size;
};

/* Gives it the input and an environment of PATH alone, waits, and takes its output, a talloc child
 * of parent with a terminator that size does not count.  ERROR_HOOK with the last line of its
 * standard error unless it ends with 0; ERROR_TIMEOUT, ERROR_CANCELLED, ERROR_LIMIT: it was killed,
 * with what it had started in its process group. */
enum error_code filter_run(const struct filter *filter, struct filter_bytes input,
                           const void *parent, struct filter_bytes *ret, struct error *err);

#endif
