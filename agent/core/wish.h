/* wish.h: what an edge is asked to do with a game node, and whether it does. Pure. */
#ifndef AGENT_CORE_WISH_H
#define AGENT_CORE_WISH_H

#include "proto/report.h"

enum edge_wish { WISH_NONE, WISH_DRAIN, WISH_ADMIT, WISH_ISOLATE, WISH_SWITCH, WISH_COUNT };

/* NONE: not a task of an edge. */
enum edge_wish wish_of(enum task task);
const char *wish_name(enum edge_wish wish);

/* What a report says of a whole colour, in the terms of one server: READY, it has that share of the
 * traffic (0: all of it) and a reload would leave it so, or IDLE. */
struct server_traffic wish_sight_of_colour(const struct report *report, const char *colour,
                                           uint64_t share_permille);

/* It is in the state that the wish leads to. */
bool wish_is_fulfilled(enum edge_wish wish, const struct server_traffic *server);
/* It is in a state that another wish leads to: not one on the way to this wish's. */
bool wish_is_contradicted(enum edge_wish wish, const struct server_traffic *server);

#endif
