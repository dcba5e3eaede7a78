/* planner_twin.c: whether a shard's pools can be pointed at its other databases, and which those
 * are.
 */
#include "coordinator/core/fleet.h"
#include "coordinator/core/planner_internal.h"
#include "coordinator/core/twin.h"

#include <string.h>

static enum error_code check_poolers(struct planner *p, const char *shard)
{
    size_t count = 0;

    for (size_t i = p->control->kind_begin[KIND_EDGE]; i < p->control->node_count; i++)
        count += node_is_pooler(p->control->nodes[i], shard);
    if (count == 0)
        return error_set(p->err, ERROR_REFUSED,
                         "shard %s has no pooler that could be pointed at another database: put "
                         "PgBouncer between its game servers and its primary, and accept its agent "
                         "with --pooler",
                         shard);
    if (twin_reported(p->control, shard)[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "the poolers of shard %s do not all point at one enrolled database that "
                         "has a colour: see `hakem node list`",
                         shard);
    return ERROR_OK;
}

/* The one other colour among the shard's databases. */
static enum error_code find_other(struct planner *p, const struct compile_shard *shard,
                                  const char **ret)
{
    const struct node *node;
    size_t cursor = 0;

    *ret = "";
    while ((node = fleet_next(p->control, KIND_DATABASE, shard->name, &cursor)) != NULL) {
        const char *colour = node->identity.colour;

        if (colour[0] == '\0')
            return error_set(p->err, ERROR_REFUSED,
                             "%s has no colour: accept it anew with --colour", node->identity.name);
        if (strcmp(colour, shard->side_before) == 0 || strcmp(colour, *ret) == 0)
            continue;
        if ((*ret)[0] != '\0')
            return error_set(p->err, ERROR_REFUSED,
                             "shard %s has databases of more colours than two: %s, %s and %s",
                             shard->name, shard->side_before, *ret, colour);
        *ret = colour;
    }
    if ((*ret)[0] == '\0')
        return error_set(p->err, ERROR_REFUSED,
                         "every database of shard %s is %s: there is none to switch to",
                         shard->name, shard->side_before);
    return ERROR_OK;
}

static enum error_code check_reach(struct planner *p, const struct node *from,
                                   const struct node *to)
{
    const struct twin_report *twin = &from->report->database.twin;

    if (names_contain(twin->nodes, twin->node_count, to->identity.name))
        return ERROR_OK;
    return error_set(p->err, ERROR_REFUSED,
                     "the agent of %s does not know how to reach %s: name it under database.twins "
                     "in its configuration",
                     from->identity.name, to->identity.name);
}

static enum error_code check_pair(struct planner *p, const struct node *live,
                                  const struct node *twin)
{
    const struct database_report *its = &twin->report->database;

    if (strcmp(live->report->database.system_id, its->system_id) == 0)
        return error_set(p->err, ERROR_REFUSED,
                         "%s and %s are one database system: a replica cannot be migrated apart "
                         "from its primary",
                         live->identity.name, twin->identity.name);
    if (its->twin.state == TWIN_COPYING || its->twin.state == TWIN_FOLLOWING)
        return error_set(
            p->err, ERROR_REFUSED, "%s already follows %s, for rollout %llu: that ends first",
            twin->identity.name, its->twin.follows, (unsigned long long)its->twin.rollout);
    if (live->report->database.twin.closed_by != 0)
        return error_set(
            p->err, ERROR_REFUSED,
            "%s is closed for the game's roles by rollout %llu, and the pools point at "
            "it: let them in first",
            live->identity.name, (unsigned long long)live->report->database.twin.closed_by);
    return check_reach(p, twin, live) == ERROR_OK ? check_reach(p, live, twin) : p->err->code;
}

enum error_code planner_choose_side(struct planner *p, size_t at)
{
    struct compile_shard *shard = &p->shards[at];
    struct plan_shard *now = &p->plan->shards[at];
    const struct node *live, *twin;

    if (check_poolers(p, shard->name) != ERROR_OK)
        return p->err->code;
    shard->side_before = twin_reported(p->control, shard->name);
    if (find_other(p, shard, &shard->side) != ERROR_OK)
        return p->err->code;
    live = fleet_primary_of(p->control, shard->name, shard->side_before);
    twin = fleet_primary_of(p->control, shard->name, shard->side);
    if (live == NULL || twin == NULL)
        return error_set(p->err, ERROR_REFUSED,
                         "the %s databases of shard %s have no single primary that reports",
                         live == NULL ? shard->side_before : shard->side, shard->name);
    if (check_pair(p, live, twin) != ERROR_OK)
        return p->err->code;
    (void)text_copy(now->side_before, NAME_SIZE, shard->side_before);
    (void)text_copy(now->side, NAME_SIZE, shard->side);
    (void)text_copy(now->twin, NAME_SIZE, twin->identity.name);
    (void)text_copy(now->twin_system_id, SYSTEM_ID_SIZE, twin->report->database.system_id);
    now->twin_timeline = twin->report->database.timeline;
    return ERROR_OK;
}
