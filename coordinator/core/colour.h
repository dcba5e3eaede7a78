/* colour.h: game nodes of which one colour gets all traffic of their shard: which one that is, and
 * who rests meanwhile.
 */
#ifndef COORDINATOR_CORE_COLOUR_H
#define COORDINATOR_CORE_COLOUR_H

#include "coordinator/core/run.h"

/* As every edge that carries the shard last said together; "": never yet, or it has no colours. */
const char *colour_live(const struct control *control, const char *shard);

/* What every edge that carries the shard says now; "" if one says nothing, or they differ. */
const char *colour_reported(const struct control *control, const char *shard);

/* Every edge that carries the shard says now that the colour has just that share of its traffic; 0:
 * all of it. */
bool colour_has_share(const struct control *control, const char *shard, const char *colour,
                      uint64_t share_permille);

/* Its colour gets no traffic, and no edge sends it any: it is neither ready nor missing. */
bool colour_rests(const struct control *control, const struct node *game);

/* It rests, and could be switched to: its probes pass, and its edges have it ready. */
bool colour_is_warm(const struct control *control, const struct node *game);

/* A server behind an edge that would get traffic with the colour, and that nobody looks after: in a
 * sentence. NULL: there is none. */
const char *colour_stranger(const struct control *control, const char *shard, const char *colour,
                            char ret[static SENTENCE_SIZE]);

/* NULL if the colour's game nodes may get the shard's traffic, each on the release that wanted says
 * or, if that is NULL, on whatever it runs: nobody of them stands on a schema that it cannot use,
 * and at least min_ready are healthy. Else why not, in ret. */
const char *colour_fault(const struct control *control, const char *shard, const char *colour,
                         const char *wanted, uint64_t min_ready, char ret[static SENTENCE_SIZE]);

/* An edge has reported: what all of them say together, if it is new, becomes a fact. */
void colour_heard(struct run *run, const struct node *edge);

/* ---- an open rollout that switches ---- */

/* The game node's colour had the traffic when the plan was made, and gives it away. */
bool colour_is_left(const struct plan *plan, const struct node *game);
/* Such a node, brought to the new release once nobody goes back any more, or left to its repair. */
bool colour_is_retired(const struct work *work, const struct node *game);
/* Such a node that the plan does not bring there though its contracts want it: it was away then. */
bool colour_is_beyond_the_plan(const struct work *work, const struct node *game);
/* The plan has steps that will do that. */
bool colour_will_be_retired(const struct work *work, const struct node *game);

#endif
