/* incidents.h: who was at a port and did not get in, or left: each is logged once a minute,
 * whatever somebody does out there.
 */
#ifndef COORDINATOR_SERVER_INCIDENTS_H
#define COORDINATOR_SERVER_INCIDENTS_H

#include "common/base/log.h"
#include "common/wire/door.h"
#include "coordinator/server/refusals.h"

#define INCIDENTS_LINES_MAX   16    /* in REFUSALS_REPEAT_MS, of whomever: addresses are many */
#define INCIDENTS_NAMELESS_MS 10000 /* that one without an address waits for one that has it */

enum door_side { SIDE_AGENTS, SIDE_OPERATORS, SIDE_COUNT };

struct incident_row {
    const char *name; /* the log's reason */
    const char *event;
    const char *who; /* what it is that is known of them */
    enum log_level level;
    const char *detail;
};
const struct incident_row *incident_row(enum incident incident);
const char *door_side_name(enum door_side side);

struct incidents {
    struct refusals told;
    uint64_t window_at_ms;
    unsigned lines;  /* in this window */
    uint64_t others; /* that were not logged, for too many were */
    struct {
        uint64_t since_ms;
        uint64_t times;
    } nameless[SIDE_COUNT][INCIDENT_COUNT];
};

/* What is to be logged. */
struct telling {
    enum door_side side;
    enum incident incident;
    char who[NAME_SIZE + 2];
    uint64_t times;
    uint64_t others;
};

/* Takes one down; who: address, user or key, "": not known. True if it is to be logged now. */
bool incidents_note(struct incidents *incidents, enum door_side side, enum incident incident,
                    const char *who, uint64_t now_ms, struct telling *ret);

/* The next one without an address that has waited for long enough; to be asked at every turn. */
bool incidents_next_nameless(struct incidents *incidents, uint64_t now_ms, struct telling *ret);

#endif
