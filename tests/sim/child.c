/* child.c: what an agent's children do: an effect somewhere between their start and their end, if
 * nothing and nobody comes between.
 */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <string.h>

#define TELL_MS       2000 /* until a child has read a new term from its pipe, at most */
#define CHILD_DIES_IN 3000 /* steps */
#define SLOW_MS       8000
#define QUICK_MS      300
#define FELT_ONE_IN   8 /* seeds */
#define REST_MS       1000
#define RESTS_MAX     10 /* then it goes on, slowly */

void child_start(struct sim *sim, int at, const struct entry *entry, bool is_inspection,
                 bool of_replica)
{
    struct sim_node *node = &sim->nodes[at];
    struct sim_child *child = node->children;

    while (child < node->children + SIM_CHILDREN_MAX && child->is_used)
        child++;
    if (child == node->children + SIM_CHILDREN_MAX) {
        sim_break(sim, "an agent has more children than it can have orders");
        return;
    }
    *child = (struct sim_child){.is_used = true,
                                .order = entry->order,
                                .term = node->session->term,
                                .is_inspection = is_inspection,
                                .of_replica = of_replica};
    child->effect_at_ms =
        sim->now_ms + sim_below(sim, sim_chance(sim, sim->fate.slow) ? SLOW_MS : QUICK_MS);
    child->keeps_at_ms = child->effect_at_ms + sim_below(sim, QUICK_MS);
    child->ends_at_ms = child->keeps_at_ms + sim_below(sim, QUICK_MS) +
                        (sim_chance(sim, sim->fate.slow) ? sim_below(sim, SLOW_MS) : 0);
    child->fails = sim_chance(sim, sim->fate.failing);
    child->is_retryable = sim_below(sim, 2) == 0;
    if (entry->order.task == TASK_CLONE && !is_inspection && node->shadow_of == 0) {
        node->shadow_of = entry->order.id.rollout; /* its folder is made first */
        node->shadow_is_half = true;
    }
    if (twin_is_of_another_system(node, &entry->order))
        sim_break(sim, "a replica is to replay what another system wrote");
    if (!is_inspection)
        faults_at_task(sim, at, child);
}

void child_mend(struct sim *sim, int at, const struct entry *entry)
{
    struct sim_node *node = &sim->nodes[at];
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED};
    struct order_id id = entry->order.id;
    struct session_event event = {
        .type = SESSION_MENDED, .at_ms = sim->now_ms, .id = &id, .outcome = &outcome};

    for (struct sim_child *child = node->children; child < node->children + SIM_CHILDREN_MAX;
         child++) {
        if (child->is_used)
            continue;
        *child = (struct sim_child){.is_used = true,
                                    .is_mend = true,
                                    .order = entry->order,
                                    .term = node->session->term,
                                    .effect_at_ms = sim->now_ms + sim_below(sim, QUICK_MS),
                                    .fails = sim_chance(sim, sim->fate.failing)};
        child->keeps_at_ms = child->ends_at_ms = child->effect_at_ms;
        return;
    }
    post_event(sim, at, &event); /* no room: the next beat tries again */
}

void child_tell_term(struct sim *sim, int at, uint64_t term)
{
    for (int i = 0; i < SIM_CHILDREN_MAX; i++) {
        sim->nodes[at].children[i].next_term = term;
        sim->nodes[at].children[i].term_changes_at_ms =
            sim->now_ms + sim_below(sim, sim_chance(sim, 20) ? SLOW_MS : TELL_MS);
    }
}

/* In some worlds rows that are filled are felt. By the seed's number: other worlds go as they went.
 */
bool child_fills(const struct sim *sim, int shard)
{
    for (int at = 0; at < sim->node_count && sim->seed % FELT_ONE_IN == 3; at++) {
        const struct sim_node *node = &sim->nodes[at];

        for (int i = 0; node->shard == shard && i < SIM_CHILDREN_MAX; i++)
            if (node->children[i].is_used && node->children[i].order.task == TASK_BACKFILL &&
                !node->children[i].is_inspection && !node->children[i].has_effect &&
                sim->now_ms >= node->children[i].rests_until_ms)
                return true;
    }
    return false;
}

void child_tell_players(struct sim *sim, int at, uint64_t wait_ms, uint64_t limit_ms)
{
    struct sim_node *node = &sim->nodes[at];

    watch_players_word(sim, node, wait_ms, limit_ms);
    for (int i = 0; i < SIM_CHILDREN_MAX && wait_ms > limit_ms; i++) {
        struct sim_child *child = &node->children[i];

        if (!child->is_used || child->is_inspection || child->order.task != TASK_BACKFILL ||
            child->has_effect || child->rests == RESTS_MAX)
            continue;
        child->rests++;
        child->rests_until_ms = sim->now_ms + REST_MS;
        child->effect_at_ms += REST_MS;
        child->keeps_at_ms += REST_MS;
        child->ends_at_ms += REST_MS;
    }
}

static void act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *node = &sim->nodes[at];

    if (node->kind == KIND_DATABASE) {
        database_act(sim, at, child);
    } else if (node->is_pooler) {
        pooler_act(sim, at, child);
    } else if (node->kind == KIND_EDGE) {
        edge_act(sim, at, child);
    } else if (child->order.task == TASK_RELEASE) {
        watch_effect(sim, at, child);
        node->release = strcmp(child->order.arguments.release, "new") == 0;
        node->is_dead = node->is_told = false; /* the hook starts it */
        if (node->release == RELEASE_NEW && sim->shards[node->shard].new_since_ms == 0)
            sim->shards[node->shard].new_since_ms = sim->now_ms;
    } else if (child->order.task == TASK_NOTIFY || child->order.task == TASK_RECALL) {
        node->is_told = child->order.task == TASK_NOTIFY && !node->is_dead;
    }
    child->has_effect = true;
    if (!child->is_superseded && !child->is_misplaced)
        sim_trace(sim, "%s: %s %s%s %s takes effect", node->name,
                  word_of(&task_names, child->order.task), child->order.arguments.revision,
                  child->order.arguments.target, child->order.arguments.release);
}

static bool shows(struct sim *sim, struct sim_node *node, const struct order *order)
{
    if (node->kind == KIND_DATABASE)
        return database_shows(node, order);
    if (node->is_pooler)
        return pooler_shows(sim, node, order);
    if (node->kind == KIND_EDGE)
        return edge_shows(sim, node, order);
    return order->task == TASK_RELEASE && !node->is_dead &&
           node->release ==
               (strcmp(order->arguments.release, "new") == 0 ? RELEASE_NEW : RELEASE_OLD);
}

static void end_inspection(struct sim *sim, int at, struct sim_child *child)
{
    struct order_id id = child->order.id;
    struct finding_report finding = {.id = id, .of_replica = child->of_replica};
    struct session_event event = {
        .type = SESSION_INSPECTED, .at_ms = sim->now_ms, .id = &id, .finding = &finding};

    if (sim->nodes[at].is_down || sim_chance(sim, 10))
        finding.finding = FINDING_NOTHING; /* it dies, or its server does not answer */
    else
        finding.finding =
            shows(sim, &sim->nodes[at], &child->order) ? FINDING_DID : FINDING_DID_NOT;
    child->is_used = false;
    post_event(sim, at, &event);
}

static void describe_end(const struct sim_child *child, struct task_outcome *ret)
{
    const char *code = "OK";

    ret->outcome = OUTCOME_SUCCEEDED;
    if (child->is_cancelled && (!child->has_effect || child->is_late)) {
        ret->outcome = OUTCOME_CANCELLED;
        code = "CANCELLED";
    } else if (child->is_superseded) {
        ret->outcome = OUTCOME_SUPERSEDED;
        code = "SUPERSEDED";
    } else if (child->is_misplaced) {
        ret->outcome = OUTCOME_FAILED;
        code = "REFUSED";
    } else if (child->fails) {
        ret->outcome = OUTCOME_FAILED;
        ret->is_retryable = child->is_retryable;
        code = child->is_retryable ? "LOCK" : "FAILED";
    }
    (void)text_copy(ret->code, NAME_SIZE, code);
    if (ret->outcome != OUTCOME_SUCCEEDED)
        (void)text_copy(ret->detail, SENTENCE_SIZE, "simulated");
}

static void end_child(struct sim *sim, int at, struct sim_child *child)
{
    struct order_id id = child->order.id;
    struct task_outcome outcome = {
        .id = id, .is_kept = child->is_kept, .position = child->position};
    struct session_event event = {.type = child->is_mend ? SESSION_MENDED : SESSION_CHILD_ENDED,
                                  .at_ms = sim->now_ms,
                                  .id = &id,
                                  .outcome = &outcome};

    if (sim->nodes[at].is_pooler)
        pooler_end(sim, at, child);
    if (task_row(child->order.task)->names_twin && !child->has_effect && !child->is_cancelled) {
        child->fails = true; /* what it waits for has not come */
        child->is_retryable = false;
    }
    describe_end(child, &outcome);
    child->is_used = false;
    post_event(sim, at, &event);
}

/* Some come to their last word, and it is cut off. */
static void kill_child(struct sim *sim, int at, struct sim_child *child)
{
    bool is_cut_off = sim_below(sim, 4) == 0;
    struct order_id id = child->order.id;
    struct task_outcome nothing = {.id = id};
    struct session_event event = {.type = is_cut_off ? SESSION_CHILD_ENDED : SESSION_CHILD_DIED,
                                  .at_ms = sim->now_ms,
                                  .id = &id,
                                  .outcome = &nothing};

    if (child->is_mend) {
        nothing.outcome = OUTCOME_FAILED;
        event.type = SESSION_MENDED;
    }
    sim_trace(sim, "%s: its child for %s dies", sim->nodes[at].name,
              word_of(&task_names, child->order.task));
    child->is_used = false;
    post_event(sim, at, &event);
}

/* What a task waits for has not come yet. */
static bool waits(struct sim *sim, int at, struct sim_child *child)
{
    const struct sim_node *node = &sim->nodes[at];

    if (node->is_pooler)
        return pooler_waits(sim, node, child);
    if (task_row(child->order.task)->names_twin)
        return twin_waits(sim, at, child);
    if (is_balancer(node))
        return players_hold_up(sim, at, child);
    return child->order.task == TASK_AWAIT_REPLAY && !child->is_cancelled && !child->fails &&
           node->database.position < child->order.arguments.position;
}

/* The lock of its agent's shadows: one of their tasks at a time. */
static bool is_locked_out(struct sim_node *node, struct sim_child *child)
{
    if (!database_is_shadow_task(child->order.task) || child->is_inspection)
        return false;
    for (int i = 0; i < SIM_CHILDREN_MAX && !child->has_lock; i++)
        if (node->children[i].is_used && node->children[i].has_lock)
            return true;
    child->has_lock = true;
    return false;
}

/* A failure may come before the effect, or after it: a connection lost after the commit, a drain
 * that is too slow. What a database says for good, it says before.
 */
static bool fails_before(const struct sim_child *child)
{
    bool is_for_good = task_row(child->order.task)->kind == KIND_DATABASE && !child->is_retryable;

    return child->fails && (is_for_good || child->order.id.step % 2 == 0);
}

static void run_child(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *node = &sim->nodes[at];

    if (child->next_term != 0 && sim->now_ms >= child->term_changes_at_ms) {
        child->term = child->next_term;
        child->next_term = 0;
    }
    if (child->is_inspection) {
        if (sim->now_ms >= child->ends_at_ms && !node->is_stopped)
            end_inspection(sim, at, child);
        return;
    }
    if (is_locked_out(node, child) && !child->is_cancelled)
        return;
    if (!child->has_effect && !fails_before(child) && !child->is_cancelled &&
        sim->now_ms >= child->effect_at_ms && !twin_is_early(sim, at, child))
        act(sim, at, child);
    if (is_balancer(node) && child->has_effect && sim->now_ms >= child->keeps_at_ms)
        edge_act(sim, at, child);
    if (node->is_stopped)
        return;
    if (sim_rarely(sim, CHILD_DIES_IN))
        kill_child(sim, at, child);
    else if (!waits(sim, at, child) && (sim->now_ms >= child->ends_at_ms || child->is_cancelled))
        end_child(sim, at, child);
}

void child_run_all(struct sim *sim, int at)
{
    for (int i = 0; i < SIM_CHILDREN_MAX && sim->nodes[at].is_alive; i++)
        if (sim->nodes[at].children[i].is_used)
            run_child(sim, at, &sim->nodes[at].children[i]);
}
