/* twin.c: a shard with two databases, blue and green: one follows the other by logical replication,
 * pools are pointed at it, and the one that was left follows back.  Players' writes are counted: a
 * database may acknowledge one only if it has all that were acknowledged before.
 */
#include "common/base/memory.h"
#include "coordinator/core/control.h"
#include "tests/sim/world.h"

#include <string.h>

#define DRAIN_MAX_MS  20000 /* then its task fails */
#define LAGS_PERCENT  30
#define HOST_ONE_IN   6000 /* steps */
#define HOST_MS       20000
#define DIRECT_ONE_IN 10 /* writes */
#define SLOT_ONE_IN   1500

static struct sim_side *side_of(struct sim_shard *shard, int at)
{
    bool is_live = at >= shard->live.first && at < shard->live.first + shard->live.count;

    return is_live ? &shard->live : &shard->rest;
}

static struct sim_node *other_primary(struct sim *sim, int at)
{
    struct sim_shard *shard = &sim->shards[sim->nodes[at].shard];

    return &sim->nodes[side_of(shard, at) == &shard->live ? shard->rest.primary
                                                          : shard->live.primary];
}

static const struct sim_node *other_of(const struct sim *sim, int at)
{
    const struct sim_shard *shard = &sim->shards[sim->nodes[at].shard];
    bool is_live = at >= shard->live.first && at < shard->live.first + shard->live.count;

    return &sim->nodes[is_live ? shard->rest.primary : shard->live.primary];
}

uint64_t twin_said_position(const struct sim *sim, int at, const struct sim_child *child)
{
    const struct sim_node *said =
        task_row(child->order.task)->names_twin ? other_of(sim, at) : &sim->nodes[at];

    return said->database.position;
}

bool twin_is_of_another_system(const struct sim_node *node, const struct order *order)
{
    bool is_old = order->arguments.position >= SIM_OLD_POSITION;

    return order->task == TASK_AWAIT_REPLAY && order->arguments.position != 0 &&
           node->colour != COLOUR_NONE && is_old != (node->colour == COLOUR_BLUE);
}

/* ---- tasks ---- */

/* Schema, rows and history are the other's; what it is itself stays. */
static void follow(struct sim *sim, struct sim_node *node, struct sim_node *source,
                   struct sim_child *child)
{
    struct sim_database *own = &node->database;
    struct sim_database before = *own;

    child->is_misplaced = source->is_down || own->twin == TWIN_FOLLOWING ||
                          sim->shards[node->shard].truth == (int)(node - sim->nodes);
    if (child->is_misplaced)
        return;
    *own = source->database;
    own->term = before.term;
    own->open_rollout = before.open_rollout;
    own->position = before.position;
    own->slot_of = 0;
    own->twin = TWIN_FOLLOWING;
    own->twin_rollout = own->closed_by = child->order.id.rollout;
    own->is_opened = own->is_refused = own->has_yielded = own->follows_back = false;
    source->database.slot_of = child->order.id.rollout;
}

static void unfollow(struct sim_node *node, struct sim_node *source, struct sim_child *child)
{
    /* One that was opened meanwhile and closed again is left all the same. */
    if (node->database.twin == TWIN_NONE && node->database.twin_rollout != child->order.id.rollout)
        return;
    node->database.twin = TWIN_LEFT;
    if (!source->is_down && source->database.slot_of == child->order.id.rollout)
        source->database.slot_of = 0;
}

/* Of the one that followed, it decides the switch. */
static void open_writes(struct sim_node *node, struct sim_child *child)
{
    bool is_follower = node->database.twin_rollout == child->order.id.rollout &&
                       child->order.id.direction == DIRECTION_DO;

    child->is_misplaced = is_follower && node->database.is_refused;
    if (child->is_misplaced)
        return;
    node->database.is_opened |= is_follower;
    node->database.has_yielded = false;
    node->database.closed_by = 0;
}

static void reverse(struct sim_node *node, struct sim_node *other, struct sim_child *child)
{
    child->is_misplaced = other->is_down || other->database.is_opened ||
                          other->database.is_refused ||
                          node->database.closed_by != child->order.id.rollout;
    if (child->is_misplaced)
        return;
    node->database.twin = TWIN_FOLLOWING;
    node->database.follows_back = true;
    node->database.twin_rollout = other->database.slot_of = child->order.id.rollout;
    node->database.slot_of = 0;
    other->database.twin = TWIN_NONE;
}

static void stop_following_back(struct sim_node *node, struct sim_node *other, enum twin_state to)
{
    node->database.twin = to;
    if (!other->is_down)
        other->database.slot_of = 0;
}

/* What is compared while writes are closed has to be the same. */
static void compare(const struct sim_node *node, const struct sim_node *other,
                    struct sim_child *child)
{
    child->is_misplaced = other->is_down || (child->order.arguments.budget_ms != 0 &&
                                             node->database.writes != other->database.writes);
}

void twin_act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_node *other = other_primary(sim, at);

    switch ((int)child->order.task) {
    case TASK_FOLLOW:
        follow(sim, node, other, child);
        break;
    case TASK_UNFOLLOW:
        unfollow(node, other, child);
        break;
    case TASK_CLOSE_WRITES:
        node->database.closed_by = child->order.id.rollout;
        break;
    case TASK_OPEN_WRITES:
        open_writes(node, child);
        break;
    case TASK_COMPARE:
        compare(node, other, child);
        break;
    case TASK_REVERSE:
        reverse(node, other, child);
        break;
    case TASK_UNREVERSE: /* what it lacks it would never get */
        child->is_misplaced =
            child->order.arguments.has_writes && node->database.twin == TWIN_BROKEN;
        if (!child->is_misplaced)
            stop_following_back(node, other, TWIN_NONE);
        break;
    case TASK_CLOSE:
        stop_following_back(node, other, TWIN_LEFT);
        break;
    default:
        break;
    }
}

/* Nobody writes to the source any more, and all of it has come. */
static bool has_come(const struct sim_node *follower, const struct sim_node *source)
{
    return !source->is_down && follower->database.writes == source->database.writes;
}

bool twin_is_early(const struct sim *sim, int at, const struct sim_child *child)
{
    const struct sim_node *node = &sim->nodes[at];

    if (child->order.task == TASK_DRAIN_WAL) /* where writes go on, all that was there before */
        return other_of(sim, at)->database.closed_by == 0 ? node->database.twin != TWIN_FOLLOWING
                                                          : !has_come(node, other_of(sim, at));
    if (child->order.task == TASK_REVERSE)
        return !has_come(other_of(sim, at), node);
    return child->order.task == TASK_UNREVERSE && child->order.arguments.has_writes &&
           node->database.twin == TWIN_FOLLOWING && !has_come(node, other_of(sim, at));
}

bool twin_waits(const struct sim *sim, int at, const struct sim_child *child)
{
    return !child->is_cancelled && !child->fails && twin_is_early(sim, at, child) &&
           !child->has_effect && sim->now_ms < child->effect_at_ms + DRAIN_MAX_MS;
}

bool twin_shows(const struct sim_node *node, const struct order *order)
{
    const struct sim_database *database = &node->database;
    bool is_its = database->twin_rollout == order->id.rollout;

    switch ((int)order->task) {
    case TASK_FOLLOW:
    case TASK_REVERSE:
        return is_its && database->twin == TWIN_FOLLOWING;
    case TASK_UNFOLLOW:
        return database->twin != TWIN_FOLLOWING && database->twin != TWIN_BROKEN;
    case TASK_UNREVERSE:
        return database->twin == TWIN_NONE;
    case TASK_CLOSE:
        return is_its && database->twin == TWIN_LEFT;
    case TASK_CLOSE_WRITES:
        return database->closed_by == order->id.rollout;
    case TASK_OPEN_WRITES:
        return database->closed_by == 0;
    default:
        return false;
    }
}

/* ---- what agents do by themselves ---- */

void twin_reopen(struct sim *sim, int at, const struct entry *entry)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_node *other = other_primary(sim, at);
    struct sim_database *database = &node->database;
    bool is_mirror = database->twin == TWIN_FOLLOWING && database->follows_back;

    if (!node->believes || database->closed_by != entry->order.id.rollout ||
        database->twin == TWIN_LEFT || (database->twin == TWIN_FOLLOWING && !is_mirror) ||
        (database->twin == TWIN_BROKEN && !database->follows_back) || sim_chance(sim, 10))
        return;
    if (database->twin == TWIN_FOLLOWING || database->twin == TWIN_BROKEN) {
        if (other->is_down)
            return; /* it may be open: nobody knows */
        database->has_yielded = other->database.is_opened;
        other->database.is_refused |= !other->database.is_opened;
        if (database->has_yielded)
            return;
    }
    sim_trace(sim, "%s is opened by its agent", node->name);
    database->closed_by = 0;
}

/* A mirror that is closed waits until it is known whether it may be opened. */
void twin_end_following(struct sim *sim, int at, uint64_t rollout)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_database *database = &node->database;
    bool is_closed_mirror = database->follows_back && database->closed_by != 0;

    if (!node->believes || database->twin_rollout > rollout ||
        (is_closed_mirror && (!database->has_yielded || other_primary(sim, at)->is_down)) ||
        sim_chance(sim, 10))
        return;
    sim_trace(sim, "%s ends its following by itself", node->name);
    stop_following_back(node, other_primary(sim, at),
                        database->follows_back && database->closed_by == 0 ? TWIN_NONE : TWIN_LEFT);
}

/* One that is in use stays. */
void twin_drop_slots(struct sim *sim, int at, uint64_t rollout)
{
    struct sim_database *database = &sim->nodes[at].database;
    const struct sim_database *other = &other_primary(sim, at)->database;
    bool is_used = other->twin == TWIN_FOLLOWING && other->twin_rollout == database->slot_of;

    if (sim->nodes[at].believes && !is_used && database->slot_of <= rollout && !sim_chance(sim, 10))
        database->slot_of = 0;
}

/* ---- players ---- */

static bool points_at(const struct sim *sim, const struct sim_node *pooler,
                      const struct sim_side *side)
{
    return pooler->points_at_green == (sim->nodes[side->primary].colour == COLOUR_GREEN);
}

static int acknowledges_at(struct sim *sim, struct sim_shard *shard, int at)
{
    if (sim->nodes[at].is_down || sim->nodes[at].database.closed_by != 0)
        return -1;
    if (shard->is_lossy) /* an operator gave up what is missing there */
        shard->acknowledged = sim->nodes[at].database.writes;
    if (sim->nodes[at].database.writes != shard->acknowledged)
        sim_break(sim, "I11: a database acknowledges a write, and lacks an earlier one");
    return at;
}

/* Somebody has a game role, and blue's address: no pool holds him back. */
static int direct_writer(const struct sim *sim, const struct sim_shard *shard)
{
    return sim->nodes[shard->live.primary].colour == COLOUR_BLUE ? shard->live.primary
                                                                 : shard->rest.primary;
}

int twin_writes_to(struct sim *sim, struct sim_shard *shard)
{
    int poolers[SIM_NODES_MAX];
    int count = 0;
    const struct sim_node *pooler;
    int at;

    if (sim_below(sim, DIRECT_ONE_IN) == 0)
        return acknowledges_at(sim, shard, direct_writer(sim, shard));
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].is_pooler && &sim->shards[sim->nodes[i].shard] == shard)
            poolers[count++] = i;
    pooler = &sim->nodes[poolers[sim_below(sim, (uint64_t)count)]];
    at = points_at(sim, pooler, &shard->live) ? shard->live.primary : shard->rest.primary;
    return pooler->is_paused ? -1 : acknowledges_at(sim, shard, at);
}

/* ---- pools ---- */

static void swap_sides(struct sim *sim, struct sim_shard *shard)
{
    struct sim_side live = shard->live;

    sim_trace(sim, "%s has the traffic of %s", sim->nodes[shard->rest.primary].name, shard->name);
    shard->live = shard->rest;
    shard->rest = live;
    /* Whatever was to befall the other: it comes back as it was. */
    shard->dies_at_ms = shard->promotes_at_ms = shard->restored_at_ms = 0;
    shard->backup = sim->nodes[shard->live.primary].database;
}

void twin_point(struct sim *sim, int at, const struct order *order)
{
    struct sim_shard *shard = &sim->shards[sim->nodes[at].shard];
    int target = sim_node_at(sim, order->arguments.target);
    bool all_do = true;

    if (target < 0)
        return;
    sim->nodes[at].points_at_green = sim->nodes[target].colour == COLOUR_GREEN;
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].is_pooler && sim->nodes[i].shard == sim->nodes[at].shard)
            all_do &= points_at(sim, &sim->nodes[i], &shard->rest);
    if (all_do)
        swap_sides(sim, shard);
}

/* ---- replication ---- */

static void replicate_rows(struct sim *sim, struct sim_node *follower,
                           const struct sim_node *source)
{
    struct sim_database *to = &follower->database;
    const struct sim_database *from = &source->database;

    if (to->twin != TWIN_FOLLOWING || follower->is_down || source->is_down)
        return;
    if (from->slot_of != to->twin_rollout || from->writes < to->writes) {
        sim_trace(sim, "%s no longer follows %s", follower->name, source->name);
        to->twin = TWIN_BROKEN;
    } else if (!sim_chance(sim, LAGS_PERCENT)) {
        to->writes = from->writes;
    }
}

static void come_back(struct sim *sim, struct sim_node *node)
{
    if (!node->is_down || sim->now_ms < node->back_at_ms)
        return;
    sim_trace(sim, "%s: its host is back", node->name);
    node->is_down = false;
}

void twin_run(struct sim *sim, struct sim_shard *shard)
{
    struct sim_node *live = &sim->nodes[shard->live.primary];
    struct sim_node *rest = &sim->nodes[shard->rest.primary];

    come_back(sim, rest);
    replicate_rows(sim, live, rest);
    replicate_rows(sim, rest, live);
    for (int i = shard->rest.first; i < shard->rest.first + shard->rest.count; i++)
        if (i != shard->rest.primary && !sim->nodes[i].is_down && !rest->is_down &&
            !sim_chance(sim, LAGS_PERCENT))
            sim->nodes[i].database = rest->database;
}

void twin_break(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_shard *shard = &sim->shards[node->shard];

    if (!shard->has_twins || (at != shard->live.primary && at != shard->rest.primary))
        return;
    if (node->database.slot_of != 0 && sim_rarely(sim, SLOT_ONE_IN)) {
        sim_trace(sim, "%s: its slot is lost", node->name);
        node->database.slot_of = 0;
    }
    if (at == shard->rest.primary && !node->is_down && sim_rarely(sim, HOST_ONE_IN)) {
        sim_trace(sim, "%s: its host dies, and comes back as it was", node->name);
        post_kill(sim, at, 0);
        node->is_down = true;
        node->back_at_ms = sim->now_ms + sim_below(sim, HOST_MS);
    }
}

/* ---- reports ---- */

void twin_report(const struct sim *sim, int at, struct report *ret)
{
    const struct sim_node *node = &sim->nodes[at];
    struct twin_report *twin = &ret->database.twin;

    if (!sim->shards[node->shard].has_twins)
        return;
    twin->nodes = memory_array(ret, struct name_item, SIM_NODES_MAX);
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_DATABASE && sim->nodes[i].colour != node->colour)
            (void)text_copy(twin->nodes[twin->node_count++].name, NAME_SIZE, sim->nodes[i].name);
    twin->state = node->database.twin;
    twin->rollout = node->database.twin_rollout;
    twin->closed_by = node->database.closed_by;
    twin->slot_of = node->database.slot_of;
    twin->has_yielded = node->database.has_yielded;
}

/* ---- what must hold ---- */

/* The side that was left does not get what is written to the other. */
bool twin_has_lost_mirror(const struct sim *sim)
{
    const struct sim_shard *shard = &sim->shards[0];

    return shard->has_twins && (sim->nodes[shard->rest.primary].database.twin == TWIN_BROKEN ||
                                sim->nodes[shard->live.primary].database.twin == TWIN_BROKEN);
}

const char *twin_fault(const struct sim *sim, const struct sim_shard *shard)
{
    const struct sim_database *truth = &sim->nodes[shard->truth].database;

    return truth->writes != shard->acknowledged ? "I11: an acknowledged write is lost" : NULL;
}

const char *twin_fault_at_end(const struct sim *sim, const struct summary *last)
{
    const struct sim_shard *shard = &sim->shards[0];
    const struct sim_database *live = &sim->nodes[shard->live.primary].database;
    bool is_moved = sim->nodes[shard->live.primary].colour != shard->side_before;

    if (!shard->has_twins)
        return NULL;
    if (live->closed_by != 0)
        return "I8: the database that has the traffic lets nobody in";
    if (live->twin == TWIN_FOLLOWING)
        return "I8: the database that has the traffic still follows another";
    if (live->writes != shard->acknowledged)
        return "I11: the database that has the traffic lacks an acknowledged write";
    if (last->strategy != STRATEGY_TWIN)
        return NULL;
    if (last->state == ROLLOUT_COMPLETED && !is_moved)
        return "I8: completed, and the old database has the traffic";
    if (last->state == ROLLOUT_REVERTED && is_moved)
        return "I9: reverted, and the new database has the traffic";
    return NULL;
}
