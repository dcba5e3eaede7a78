/* raw.h: the peer to be measured against: libzmq alone, ROUTER and DEALERs with CURVE, as many
 * round trips of those sizes, and nothing done with them.
 */
#ifndef TESTS_BENCH_RAW_H
#define TESTS_BENCH_RAW_H

#include <stddef.h>

struct raw_sizes {
    size_t order, accepted, outcome, settled; /* bytes */
};

/* Seconds from the first order sent until the last of count peers has its acknowledgement; below 0:
 * it did not come to an end. The ROUTER runs in a process of its own. */
double raw_round_trips(size_t count, const struct raw_sizes *sizes);

#endif
