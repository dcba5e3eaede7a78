/* fleet.h: questions about nodes and shards, answered from the last reports. */
#ifndef COORDINATOR_CORE_FLEET_H
#define COORDINATOR_CORE_FLEET_H

#include "coordinator/core/state.h"

/* Online, and it has reported in this term. */
bool node_is_known(const struct node *node);

/* Evidence for a gate: measured at most three beats ago. */
bool node_is_fresh(const struct control *control, const struct node *node);

/* Ground for a repair, or for none: nobody watches, and what changed would have been reported. Two
 * nodes that report every ten beats are hardly ever fresh at one moment. */
bool node_is_current(const struct control *control, const struct node *node);

/* Its agent says that the game server does not answer. */
bool node_runs_nothing(const struct node *game);

/* When its last report was measured, at the latest, by the coordinator's clock. */
uint64_t node_measured_at_ms(const struct node *node);

/* An edge says, in a fresh report, that somebody took it out. */
bool fleet_some_edge_withholds(const struct control *control, const struct node *game);

/* The newest rollout that is over; 0: none is. */
uint64_t fleet_closed_rollout(const struct control *control);

/* The newest closed one with a smaller number that changed anything: a rehearsal did not. 0: none.
 */
uint64_t fleet_rollout_before(const struct control *control, uint64_t rollout);
/* The same, of those that were completed. */
uint64_t fleet_completed_before(const struct control *control, uint64_t rollout);

/* A shard's databases may have two colours: blue and green, an instance each with replicas of its
 * own. A side is one of the two, or "": the one whose primary the shard's pools point at, or all
 * where there are no colours. */
bool fleet_is_of_side(const struct control *control, const struct node *database, const char *side);

/* The newest that a database of the shard's side reports; 0: none reports. */
uint64_t fleet_timeline(const struct control *control, const char *shard, const char *side);

/* The databases' agents of a shard whose database says that it is the primary: NULL unless exactly
 * one does. */
const struct node *fleet_primary(const struct control *control, const char *shard);
const struct node *fleet_primary_of(const struct control *control, const char *shard,
                                    const char *side);

/* A pooler's edge carries database connections, of its shard, and no players. */
bool node_is_pooler(const struct node *node, const char *shard);

/* In its last report: every console holds queries back; some console lets them through. */
bool pooler_is_paused(const struct node *pooler);
bool pooler_lets_through(const struct node *pooler);

/* The rollout whose pauses poolers are to keep: one that goes on by itself. While it waits for a
 * person, players do not wait with it. 0: none. */
uint64_t fleet_standing_pauses(const struct control *control);

/* A maintenance is under way, and takes everybody in the shard out of traffic. */
bool fleet_is_closed(const struct control *control, const char *shard);

/* An edge without a shard carries every shard's traffic. */
bool edge_carries(const struct node *edge, const char *shard);

/* Every edge that carries the shard, each once: those of all shards first. Begins zeroed. */
struct edge_cursor {
    size_t common, own;
    bool is_beyond_common;
};
const struct node *edge_next(const struct control *control, const char *shard,
                             struct edge_cursor *cursor);

/* By name, as edge_server() finds them: every report, once, when it is taken. */
void edge_sort_servers(struct report *report);

/* What the edge last reported of a game node; NULL: it has not reported, or does not know it. */
const struct server_traffic *edge_server(const struct node *edge, const char *game);

/* What every edge that carries it says of a game node; UNKNOWN if one does not report or differs.
 * sessions may be NULL. Without edges: READY, if the cluster has none at all. */
enum traffic_state fleet_traffic(const struct control *control, const struct node *game,
                                 uint64_t *ret_sessions);

/* Every edge that carries it reports where it stands, whether or not they agree. */
bool fleet_traffic_is_known(const struct control *control, const struct node *game);

/* Some edge that reports has it among those that get traffic. */
bool fleet_some_edge_sends(const struct control *control, const struct node *game);

/* No edge sends it traffic, for sure. */
bool fleet_is_out(const struct control *control, const struct node *game);

/* pass, fail, or error (could not measure); why (SENTENCE_SIZE) is always filled. */
enum verdict node_probes(const struct node *node, char why[static SENTENCE_SIZE]);

/* Online, probes pass, and every edge says that it takes traffic. */
bool node_is_ready(const struct control *control, const struct node *node);

/* An edge was last told to take it out, or nobody knows what it was told. Without edges, never. */
bool node_was_taken_out(const struct control *control, const struct node *game);

/* Every edge says that it takes traffic, and nobody is taking it out: counted in in_traffic. */
bool node_is_in_traffic(const struct control *control, const struct node *game);

struct shard_count fleet_count(const struct control *control, const char *shard);

/* It has game nodes, and fewer than so many serve: are ready, or have failed for less than three
 * beats. */
bool fleet_is_starved(const struct control *control, const char *shard, uint64_t min_ready);

/* The plan or a repair is taking it out, or has taken it out and not put it back yet. */
bool node_is_being_moved(const struct control *control, const struct node *node);

/* "" if there is none: no rollout has ever ended, and its nodes differ. */
const char *fleet_goal(const struct control *control, const struct node *game);

/* The open rollout is taking back what it did, even if a person must now help it on. */
bool fleet_is_going_back(const struct control *control);

/* By --except. */
bool fleet_leaves_out(const struct plan *plan, const char *node);

/* The release that the open rollout brings the shard to: an inverse, each to its own. "": none. */
const char *fleet_arrival(const struct control *control, const char *shard);

/* Of a game node of its own: what it ran before the rollout that is taken back, if it was there. */
const char *fleet_own_arrival(const struct control *control, const struct node *game);
/* What a game node ran when that was recorded; one that was not there, what most did. */
const char *fleet_release_before(const struct plan_shard *shard, const char *game);

/* The open rollout has admitted the last wave of the shard: its release is the goal. */
bool fleet_has_arrived(const struct control *control, const char *shard);

/* The next game node of the shard at or after *cursor (start with 0), or NULL. */
const struct node *fleet_next(const struct control *control, enum node_kind kind, const char *shard,
                              size_t *cursor);

#endif
