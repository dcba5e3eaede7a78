/* node.h: how a node's link lives, its quarantine, and its repair: a table of rules. */
#ifndef COORDINATOR_CORE_NODE_H
#define COORDINATOR_CORE_NODE_H

#include "coordinator/core/run.h"

enum node_event_type { NODE_TICK, NODE_HEARD, NODE_ADMIT_WISH, NODE_EVENT_COUNT };

#define NODE_IN(state) (UINT32_C(1) << LINK_##state)
#define NODE_IN_ANY    ((UINT32_C(1) << LINK_COUNT_) - 1)

struct node_rule {
    uint16_t id; /* stable */
    uint32_t from;
    enum node_event_type event;
    bool (*guard)(const struct control *control, const struct node *node);
    enum node_action {
        NODE_STAYS,
        NODE_LINKS,       /* into state `to` */
        NODE_RETURNS,     /* online, and quarantined for its absence */
        NODE_QUARANTINES, /* with `cause` */
        NODE_FORGIVES,    /* lifts the quarantine */
        NODE_REPAIRS,     /* begins a repair */
        NODE_CUTS,        /* begins a repair that only takes it out */
        NODE_CONFIRMS,    /* begins a repair that only lets it in */
        NODE_GIVES_UP,    /* ends the repair, to be tried again later */
        NODE_RINGS,
    } action;
    enum link_state to;
    enum quarantine_cause cause;
    const char *why;
};

const struct node_rule *node_rules(size_t *ret_count);
const char *node_event_name(enum node_event_type type);

/* Fires the first row that matches. False if it did nothing; *ret_why (may be NULL) is its words.
 */
bool node_fire(struct run *run, struct node *node, enum node_event_type event,
               const char **ret_why);

/* The open rollout has steps of it that are neither untouched nor finished. */
bool node_is_the_plans(const struct control *control, const struct node *node);

void node_quarantine(struct run *run, const struct node *node, enum quarantine_cause cause,
                     const char *why);

#endif
