/* window.h: when rollouts may go forward: the operators' table of windows and freezes.  Everything
 * is UTC.
 */
#ifndef PROTO_WINDOW_H
#define PROTO_WINDOW_H

#include "proto/words.h"

#define WINDOWS_MAX     64
#define FREEZES_MAX     256
#define WINDOW_WHY_SIZE 128
#define WINDOW_DAY_MS   86400000u
#define WINDOW_ALL_DAYS 127u /* bit 0: Monday */

/* On each of its days from from_ms of the day until to_ms: of the next day, if that is not later.
 */
struct window {
    uint64_t days; /* bits */
    uint64_t from_ms;
    uint64_t to_ms;
};

/* Since 1970; to_ms is the first moment after it. */
struct freeze {
    uint64_t from_ms;
    uint64_t to_ms;
    char why[WINDOW_WHY_SIZE];
};

/* Without any window: always, but for the freezes. */
struct windows {
    struct window *windows;
    size_t window_count;
    struct freeze *freezes;
    size_t freeze_count;
};

extern const struct record windows_record;

#endif
