/* compile.h: stages x shards x waves into steps, with their needs. */
#ifndef COORDINATOR_CORE_COMPILE_H
#define COORDINATOR_CORE_COMPILE_H

#include "coordinator/core/state.h"

/* Rows are compared for a share of the longest pause while writes are closed: the other steps of
 * the switch need the rest.  Beyond that the task has as long again, to begin and to say what it
 * saw. */
#define CLOSED_COMPARE_SHARE 4
#define COMPARE_OVERHEAD     2

/* A shard as the plan is to treat it. */
struct compile_shard {
    const char *name;
    const struct plan_revision *revisions; /* to expand, or to revert; topological order */
    size_t revision_count;
    const struct plan_revision *contracts;
    size_t contract_count;
    const struct node **games; /* in the order of the waves */
    size_t game_count;
    const char *release;     /* for its game nodes; "": they stay */
    const char *shadow_node; /* whose database is copied for a rehearsal; NULL: none is */
    /* Each one's own, instead; NULL: the same for all. Who runs it already stays as it is, but in a
     * repair. */
    const char **own_releases;
    const char *live;        /* the colour that has its traffic; "": it has no colours */
    const char *colour;      /* the one that is to get it; "" or NULL: nothing is switched */
    const char *side_before; /* the colour of the databases that its pools point at; "" or NULL */
    const char *side;        /* the one that they are to point at; "" or NULL: they stay */
};

/* The pools of the shard are to point at its databases' other side. */
bool compile_changes_side(const struct compile_shard *shard);

/* Fills plan->steps from plan->strategy's table and plan->options. ERROR_LIMIT if there are too
 * many. */
enum error_code compile_steps(const struct control *control, const struct compile_shard *shards,
                              size_t count, const void *parent, struct plan *plan,
                              struct error *err);

/* The digest over all but the rollout's number and who asked. False: the plan is too large for the
 * journal, which could not be read again. */
bool compile_digest(struct plan *plan);

#endif
