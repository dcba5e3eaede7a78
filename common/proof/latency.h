/* latency.h: how long transactions took within a window of time: mean and percentiles of what a log
 * of pgbench's has.  Pure.
 */
#ifndef COMMON_PROOF_LATENCY_H
#define COMMON_PROOF_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATENCY_SAMPLES_MAX 20000000 /* of a window; what is beyond is counted and not kept */

struct latency {
    uint64_t count;  /* transactions that ended well */
    uint64_t failed; /* serialization failures and deadlocks that pgbench counts */
    double mean_ms, p95_ms, p99_ms, max_ms;
};

/* A window while its samples come in. */
struct latency_window {
    uint64_t from_us, until_us; /* since 1970; until is no longer within */
    void *parent;
    uint32_t *samples_us;
    size_t kept, room;
    uint64_t failed;
};

/* "client transaction TIME script EPOCH_S EPOCH_US ...": one that ended within the window is taken.
 * False: it is no such line. */
bool latency_take(struct latency_window *window, const char *line);

/* Sorts the samples. */
struct latency latency_of(struct latency_window *window);

#endif
