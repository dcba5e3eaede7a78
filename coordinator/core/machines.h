/* machines.h: the coordinator's state machines in one form, for those who print and check them. */
#ifndef COORDINATOR_CORE_MACHINES_H
#define COORDINATOR_CORE_MACHINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine_rule {
    uint32_t id;
    uint32_t from; /* set of 1 << state */
    unsigned event;
    bool is_guarded;
    bool moves;     /* into another state */
    bool acts;      /* does or refuses something: not a row for what needs no answer */
    const char *to; /* name of a state, or "same" */
    const char *why;
};

struct machine {
    const char *name;
    size_t state_count;
    uint32_t all_states;
    size_t event_count;
    size_t rule_count;
    const char *(*state_name)(size_t state);
    const char *(*event_name)(unsigned event);
    struct machine_rule (*rule)(size_t at);
};

const struct machine *machine_list(size_t *ret_count);

/* True, with the first fault in ret: an event without an answer in a state, a row that can never
 * fire, ids that do not rise. */
bool machine_fault(const struct machine *machine, char *ret, size_t size);

#endif
