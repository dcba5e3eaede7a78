/* rehearsal.h: brings a shadow to a target as a rollout would, and on from there, measuring. */
#ifndef AGENT_SHADOW_REHEARSAL_H
#define AGENT_SHADOW_REHEARSAL_H

#include "common/migration/phase.h"
#include "proto/rehearsal.h"

struct rehearsal_order {
    const struct migration_set *set;
    const char *url;      /* of the shadow: a validation has a session of its own */
    const char *revision; /* the target */
    const char *release;  /* that contracts are chosen for; "": all of them */
    bool with_contracts;
    const struct migration_run *run;
    uint64_t verify_ms; /* for one validation */
};

struct rehearsal {
    struct rehearsed *rows; /* REHEARSAL_ROWS_MAX */
    size_t count;
    uint64_t left_out;
};

struct rehearsal *rehearsal_new(const void *parent);
/* A row more, or one more that is left out. */
void rehearsal_add(struct rehearsal *rehearsal, const struct rehearsed *row);

/* What measures, in a database that is nobody's: schema hakem is there. */
enum error_code rehearsal_prepare(struct session *session, struct error *err);

/* Expands and backfills all, verifies each, takes all back and compares, does it again, contracts,
 * verifies that. Ends at the first that fails, with its sentence; what was measured until then is
 * in ret. */
enum error_code rehearsal_run(struct session *session, const struct rehearsal_order *order,
                              struct rehearsal *ret, struct error *err);

/* The first line that only one of two sorted descriptions has, as a sentence; "" if they are equal.
 */
void rehearsal_difference(char *before, char *after, char *ret, size_t size);

#endif
