/* refusals.h: messages that were refused: who sends the same kind again and again is logged once a
 * minute.
 */
#ifndef COORDINATOR_SERVER_REFUSALS_H
#define COORDINATOR_SERVER_REFUSALS_H

#include "common/base/text.h"
#include "proto/words.h"

#include <stdbool.h>
#include <stdint.h>

#define REFUSALS_MAX       64 /* kept; the one that was quiet for longest makes room */
#define REFUSALS_REPEAT_MS 60000

struct refusals {
    struct refusal {
        char user[NAME_SIZE + 2];
        int reason; /* an error_code, or an incident */
        uint64_t said_at_ms;
        uint64_t seen_at_ms;
        uint64_t unsaid; /* since it was said last */
    } items[REFUSALS_MAX];
    size_t count;
    uint64_t total;
};

/* Takes one down. True if it is to be said now; ret_times is then how many it stands for. */
bool refusals_note(struct refusals *refusals, const char *user, int reason, uint64_t now_ms,
                   uint64_t *ret_times);
/* Anybody was said to be refused for that within the last REFUSALS_REPEAT_MS. */
bool refusals_said_lately(const struct refusals *refusals, int reason, uint64_t now_ms);

#endif
