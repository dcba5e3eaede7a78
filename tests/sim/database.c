/* database.c: what is in the databases: the schema's marks, the term's row, players' writes.  A
 * replica holds an earlier moment of its primary; a promotion makes that moment the truth.
 */
#include "tests/sim/world.h"

#include <string.h>

#define PROMOTION_MS   6000
#define COUP_MS        4000
#define RETURN_MS      60000
#define SPLIT_BRAIN_MS 8000
#define BACKUP_ONE_IN  600 /* steps */
#define WRITE_ONE_IN   4   /* steps, for a game server in traffic */

struct sim_database *database_of(struct sim *sim, int shard)
{
    return &sim->nodes[sim->shards[shard].live.primary].database;
}

/* ---- tasks ---- */

static bool writes_to_database(enum task task)
{
    return task_row(task)->on_primary;
}

/* One transaction: where it may be done, and by whom, is looked at with it. */
static bool is_admissible(const struct sim_node *node, struct sim_child *child)
{
    const struct task_arguments *arguments = &child->order.arguments;

    if (!node->believes || (arguments->timeline != 0 && arguments->timeline != node->timeline)) {
        child->is_misplaced = true;
        return false;
    }
    if (child->term < node->database.term) {
        child->is_superseded = true;
        return false;
    }
    return true;
}

static void expand(struct sim *sim, struct sim_database *database, unsigned bit)
{
    database->applied |= bit;
    if ((sim->has_backfill & bit) == 0)
        database->expanded |= bit;
}

/* What would be lost is counted in the same transaction. */
static void revert(struct sim *sim, struct sim_shard *shard, struct sim_database *database,
                   struct sim_child *child, unsigned bit)
{
    bool loses = (sim->lossy & bit) != 0 && (database->applied & bit) != 0 && database->bound > 0;

    child->is_kept = loses && !child->order.arguments.accept_data_loss;
    if (child->is_kept)
        return;
    if (loses) {
        database->writes -= database->bound;
        shard->acknowledged -= database->bound;
        database->bound = 0;
        sim->has_lost_data = true;
    }
    for (int r = 0; r < SIM_REVISIONS_MAX; r++)
        if (bit == 1u << r)
            database->reverted[r] = child->order.id.rollout;
    database->applied &= ~bit;
    database->expanded &= ~bit;
}

/* What belongs to the server, or to the other database of a pair, does not come out of a backup. */
static void put_back(struct sim *sim, struct sim_node *node, struct sim_child *child)
{
    struct sim_database *database = &node->database;
    struct sim_shard *shard = &sim->shards[node->shard];

    child->is_misplaced = node->backup_of != child->order.arguments.backup_of;
    if (child->is_misplaced)
        return;
    database->applied = node->backup.applied;
    database->expanded = node->backup.expanded;
    database->contracted = node->backup.contracted;
    database->drift = node->backup.drift;
    database->bound = node->backup.bound;
    memcpy(database->reverted, node->backup.reverted, sizeof(database->reverted));
    sim->has_lost_data |= database->writes != node->backup.writes;
    shard->acknowledged -= database->writes - node->backup.writes;
    database->writes = node->backup.writes;
    database->restored_in = child->order.id.rollout;
}

static void change(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_database *database = &node->database;
    unsigned bit = sim_revision_bit(child->order.arguments.revision);
    int target = sim_node_at(sim, child->order.arguments.target);

    switch ((int)child->order.task) {
    case TASK_EXPAND: /* not before those that it builds on: the engine refuses */
        child->is_misplaced = ((bit - 1) & ~database->applied) != 0;
        if (!child->is_misplaced)
            expand(sim, database, bit);
        sim->shards[node->shard].expanded_in = child->order.id.rollout;
        break;
    case TASK_BACKFILL:
        child->is_misplaced = (database->applied & bit) == 0;
        database->expanded |= database->applied & bit;
        break;
    case TASK_CONTRACT:
        database->contracted |= bit;
        break;
    case TASK_REVERT:
        revert(sim, &sim->shards[node->shard], database, child, bit);
        break;
    case TASK_RESTORE:
        put_back(sim, node, child);
        break;
    case TASK_END_SESSIONS:
        database->severed |= target < 0 ? 0 : 1u << target;
        break;
    case TASK_ALLOW_SESSIONS:
        database->severed &= target < 0 ? ~0u : ~(1u << target);
        break;
    default:
        twin_act(sim, at, child);
        break;
    }
    database->term = child->term;
    if (child->order.id.rollout != 0)
        database->open_rollout = child->order.id.rollout;
    database->position++;
}

bool database_is_shadow_task(enum task task)
{
    return task == TASK_CLONE || task == TASK_REHEARSE || task == TASK_DISCARD;
}

/* Beside the database: nothing of it is read by anybody but the next task. */
static void act_on_shadow(struct sim_node *node, const struct sim_child *child)
{
    node->shadow_of = child->order.task == TASK_DISCARD ? 0 : child->order.id.rollout;
    node->shadow_is_half = false;
}

/* Nothing of the database changes. */
static void back_up(struct sim *sim, struct sim_node *node, struct sim_child *child)
{
    const struct task_arguments *arguments = &child->order.arguments;

    if (!node->believes || (arguments->timeline != 0 && arguments->timeline != node->timeline)) {
        child->is_misplaced = true;
        return;
    }
    node->backup_of = child->order.id.rollout;
    node->backup = node->database;
    sim->shards[node->shard].backed_up_in = child->order.id.rollout;
}

void database_act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *node = &sim->nodes[at];

    if (database_is_shadow_task(child->order.task)) {
        watch_effect(sim, at, child);
        act_on_shadow(node, child);
    }

    if (child->order.task == TASK_BACKUP)
        back_up(sim, node, child);
    else if (writes_to_database(child->order.task)) {
        if (!is_admissible(node, child))
            return;
        watch_effect(sim, at, child);
        change(sim, at, child);
    }
    child->position = twin_said_position(sim, at, child);
}

/* What its log shows: a row, not the want of one. */
bool database_shows(const struct sim_node *node, const struct order *order)
{
    const struct sim_database *database = &node->database;
    unsigned bit = sim_revision_bit(order->arguments.revision);

    switch ((int)order->task) {
    case TASK_EXPAND:
        return (database->applied & bit) != 0;
    case TASK_BACKFILL:
        return (database->expanded & bit) != 0;
    case TASK_CONTRACT:
        return (database->contracted & bit) != 0;
    case TASK_REVERT:
        for (int r = 0; r < SIM_REVISIONS_MAX; r++)
            if (bit == 1u << r)
                return (database->applied & bit) == 0 && database->reverted[r] == order->id.rollout;
        return false;
    case TASK_BACKUP:
        return node->backup_of == order->id.rollout;
    case TASK_RESTORE:
        return database->restored_in == order->id.rollout;
    case TASK_CLONE:
        return node->shadow_of == order->id.rollout && !node->shadow_is_half;
    case TASK_DISCARD:
        return node->shadow_of == 0;
    default:
        return twin_shows(node, order);
    }
}

/* ---- players ---- */

/* Where a write is acknowledged, or -1. */
static int writes_to(const struct sim *sim, const struct sim_shard *shard)
{
    const struct sim_node *primary = &sim->nodes[shard->live.primary];

    return primary->is_down || pooler_holds_back(sim, primary->shard) ? -1 : shard->live.primary;
}

static void play(struct sim *sim, struct sim_shard *shard)
{
    for (int i = shard->first_game; i < shard->first_game + shard->game_count; i++) {
        struct sim_database *database;
        int at;

        if (!edge_sends(sim, i) || sim_below(sim, WRITE_ONE_IN) != 0)
            continue;
        at = shard->has_twins ? twin_writes_to(sim, shard) : writes_to(sim, shard);
        if (at < 0)
            continue;
        database = &sim->nodes[at].database;
        shard->truth = at;
        database->writes++;
        database->position++;
        shard->acknowledged++;
        if (sim->nodes[i].release == RELEASE_NEW && (database->applied & sim->lossy) != 0)
            database->bound++;
    }
}

/* ---- replication ---- */

static void replicate(struct sim *sim, const struct sim_shard *shard)
{
    const struct sim_node *primary = &sim->nodes[shard->live.primary];

    for (int i = shard->live.first; i < shard->live.first + shard->live.count; i++) {
        struct sim_node *node = &sim->nodes[i];

        if (i == shard->live.primary || node->is_down || primary->is_down || node->believes ||
            sim->now_ms < node->replays_at_ms || sim_chance(sim, 30))
            continue;
        node->database = primary->database;
        node->timeline = primary->timeline;
    }
}

/* Its host dies with everything on it; somebody will promote a replica. */
void database_fail_over(struct sim *sim, int shard)
{
    struct sim_shard *it = &sim->shards[shard];
    struct sim_node *primary = &sim->nodes[it->live.primary];

    it->dies_at_ms = 0;
    if (primary->is_down)
        return;
    sim_trace(sim, "%s: its host dies", primary->name);
    post_kill(sim, it->live.primary, 0);
    primary->is_down = true;
    if (it->live.count < 2 || sim_below(sim, 4) == 0) {
        primary->back_at_ms = it->restored_at_ms =
            sim->now_ms + 1000 + sim_below(sim, PROMOTION_MS);
        return;
    }
    primary->back_at_ms = sim->now_ms + PROMOTION_MS + sim_below(sim, RETURN_MS);
    it->promotes_at_ms = sim->now_ms + 1000 + sim_below(sim, PROMOTION_MS - 1000);
}

/* The replicas fall behind, then the primary dies: what it does meanwhile is lost. */
void database_fail_soon(struct sim *sim, int shard)
{
    struct sim_shard *it = &sim->shards[shard];

    it->dies_at_ms = sim->now_ms + 1 + sim_below(sim, COUP_MS);
    for (int i = it->live.first; i < it->live.first + it->live.count; i++)
        if (!sim->nodes[i].believes && sim_below(sim, 3) != 0)
            sim->nodes[i].replays_at_ms = sim->now_ms + COUP_MS + PROMOTION_MS;
}

/* Nobody to promote: an older moment becomes the truth. */
static void restore(struct sim *sim, struct sim_shard *shard)
{
    struct sim_node *primary = &sim->nodes[shard->live.primary];

    sim_trace(sim, "%s is restored from a backup", primary->name);
    shard->lost_schema = shard->lost_schema || shard->backup.expanded != primary->database.expanded;
    primary->database = shard->backup;
    primary->database.severed = 0; /* whoever restores lets everybody in */
    primary->database.closed_by = 0;
    primary->database.twin = TWIN_NONE;
    primary->timeline++;
    primary->is_down = false;
    if (shard->truth == shard->live.primary)
        shard->acknowledged = primary->database.writes;
    primary->database.slot_of = 0; /* no logical slot outlives its server's data */
    shard->restored_at_ms = 0;
    shard->was_restored_at_ms = sim->now_ms;
    shard->promoted_at_ms = sim->now_ms;
}

static int most_advanced(const struct sim *sim, const struct sim_shard *shard)
{
    int best = -1;

    for (int i = shard->live.first; i < shard->live.first + shard->live.count; i++)
        if (!sim->nodes[i].is_down && !sim->nodes[i].believes &&
            (best < 0 || sim->nodes[i].database.position > sim->nodes[best].database.position))
            best = i;
    return best;
}

static void promote(struct sim *sim, struct sim_shard *shard)
{
    int chosen = most_advanced(sim, shard);
    const struct sim_node *old = &sim->nodes[shard->live.primary];
    struct sim_node *next = &sim->nodes[chosen < 0 ? 0 : chosen];

    if (chosen < 0)
        return;
    sim_trace(sim, "%s is promoted", next->name);
    next->believes = true;
    next->timeline = old->timeline + 1;
    shard->lost_schema = shard->lost_schema || next->database.expanded != old->database.expanded;
    if (shard->truth == shard->live.primary) {
        shard->acknowledged = next->database.writes; /* it had not received the others */
        shard->truth = chosen;
    }
    next->database.slot_of = 0; /* no logical slot outlives a promotion */
    shard->live.primary = chosen;
    shard->promotes_at_ms = 0;
    shard->promoted_at_ms = sim->now_ms;
}

/* It comes back as a replica, some believing in themselves for a while. */
static void come_back(struct sim *sim, struct sim_node *node)
{
    if (node->is_down && sim->now_ms >= node->back_at_ms) {
        node->is_down = false;
        node->replays_at_ms = sim->now_ms;
        if (sim_below(sim, 2) == 0)
            node->believes = false;
        else
            node->replays_at_ms += sim_below(sim, SPLIT_BRAIN_MS);
        sim_trace(sim, "%s: its host is back", node->name);
    }
    if (node->believes && sim->now_ms >= node->replays_at_ms)
        node->believes = false;
}

void database_run(struct sim *sim)
{
    for (int i = 0; i < sim->shard_count; i++) {
        struct sim_shard *shard = &sim->shards[i];

        if (shard->dies_at_ms != 0 && sim->now_ms >= shard->dies_at_ms)
            database_fail_over(sim, i);
        if (shard->restored_at_ms != 0 && sim->now_ms >= shard->restored_at_ms)
            restore(sim, shard);
        if (sim_below(sim, BACKUP_ONE_IN) == 0 && !sim->nodes[shard->live.primary].is_down)
            shard->backup = *database_of(sim, i);
        if (shard->promotes_at_ms != 0 && sim->now_ms >= shard->promotes_at_ms)
            promote(sim, shard);
        for (int d = shard->live.first; d < shard->live.first + shard->live.count; d++)
            if (d != shard->live.primary)
                come_back(sim, &sim->nodes[d]);
        play(sim, shard);
        replicate(sim, shard);
        if (shard->has_twins)
            twin_run(sim, shard);
        if ((database_of(sim, i)->expanded & sim_all_revisions(sim)) == sim_all_revisions(sim))
            shard->lost_schema = shard->loss_is_known = false;
    }
}
