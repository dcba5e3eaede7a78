/* planner.h: compiles a wish into a plan: where the cluster stands, by its own reports, where it is
 * to go, and that no node in traffic ever stands on a schema it cannot use, forward or back.
 */
#ifndef COORDINATOR_CORE_PLANNER_H
#define COORDINATOR_CORE_PLANNER_H

#include "coordinator/core/state.h"

/* Defaults for what is 0, unless the options say that they are exact. */
void planner_defaults(struct rollout_options *options);

/* By the request's strategy. revision or release may be "": the one that follows from the other, or
 * no change. The plan's parts are talloc children of parent. Errors are for the operator; nothing
 * has changed then. */
enum error_code planner_forward(const struct control *control, const struct request *request,
                                const void *parent, struct plan *ret, struct error *err);

/* The way back from a closed rollout. */
enum error_code planner_inverse(const struct control *control, const struct summary *summary,
                                const struct request *request, const void *parent, struct plan *ret,
                                struct error *err);

/* The same by backups, where there is no other way: the operator has accepted the loss. */
enum error_code planner_restore(const struct control *control, const struct summary *summary,
                                const struct request *request, const void *parent, struct plan *ret,
                                struct error *err);

enum repair_extent {
    REPAIR_WHOLE, /* out of traffic, to its goal, and in again */
    REPAIR_OUT,   /* no further than out of traffic */
    REPAIR_IN     /* it is where it should be: only its edges are told */
};

/* Brings one game node to its goal. */
void planner_repair(const struct control *control, const struct node *game,
                    enum repair_extent extent, const void *parent, struct plan *ret);

#endif
