/* view.h: what people are shown, as JSON documents, from the core's state. */
#ifndef COORDINATOR_SERVER_VIEW_H
#define COORDINATOR_SERVER_VIEW_H

#include "common/wire/gate_keeper.h"
#include "coordinator/core/state.h"

#include <jansson.h>

/* Each returns a new object; the caller json_decref()s it. */
json_t *view_status(const struct control *control);
json_t *view_nodes(const struct control *control);
json_t *view_node(const struct control *control, const struct node *node);
json_t *view_pending(const struct gate_keeper *keeper);
json_t *view_rollouts(const struct control *control);
json_t *view_open(const struct control *control);
/* What a rehearsal measured, into the list "rehearsals" of a rollout's document. */
void view_add_rehearsal(json_t *show, const struct fact_rehearsed *rehearsal);

json_t *view_summary(const struct summary *summary);

#endif
