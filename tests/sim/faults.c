/* faults.c: what breaks, until everything heals. */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <string.h>

#define STOP_ONE_IN      2500 /* steps, each node */
#define CUT_ONE_IN       4000
#define SICK_ONE_IN      8000
#define BLIND_ONE_IN     8000
#define DEAD_ONE_IN      8000
#define REVIVES_MS       60000
#define REVIVES_LATE_MS  240000 /* where faults last longer than a step waits */
#define REPLAY_ONE_IN    3000
#define RELOAD_ONE_IN    400
#define FORGET_ONE_IN    1500
#define HAND_ONE_IN      4000
#define FLIP_ONE_IN      8000
#define LEDGER_ONE_IN    20000
#define IMPOSE_ONE_IN    20000
#define HOST_ONE_IN      4000
#define TAKE_OVER_ONE_IN 4000
#define DRIFT_ONE_IN     8000
#define ROGUE_ONE_IN     200
#define LATE_EVERY_MS    20000
#define GRUDGES_MAX      2
#define IMPOSES_MS       5000
#define REPLAY_MS        30000
#define FILLED_FROM_MS   10000
#define ROGUE_ROLLOUT    800000

static void break_agent(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    if (!node->is_alive || node->is_stopped)
        return;
    if (sim_below(sim, 2) == 0) {
        post_kill(sim, at, sim_below(sim, 30000));
        return;
    }
    sim_trace(sim, "%s: its agent is stopped", node->name);
    node->is_stopped = true;
    node->back_at_ms = sim->now_ms + sim_below(sim, 30000);
}

static void break_database(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    if (sim_rarely(sim, REPLAY_ONE_IN) && !node->believes) {
        sim_trace(sim, "%s does not replay", node->name);
        node->replays_at_ms = sim->now_ms + sim_below(sim, REPLAY_MS);
    }
    if (at > sim->shards[node->shard].live.first && node->colour != COLOUR_GREEN &&
        sim_rarely(sim, IMPOSE_ONE_IN))
        node->imposes_until_ms = sim->now_ms + IMPOSES_MS;
    twin_break(sim, at);
    if (at != sim->shards[node->shard].live.primary)
        return;
    if (sim_rarely(sim, HOST_ONE_IN))
        database_fail_over(sim, node->shard);
    if (sim_rarely(sim, DRIFT_ONE_IN)) {
        sim_trace(sim, "%s: somebody changes the schema by hand", node->name);
        node->database.drift++;
        node->database.position++;
        sim->shards[node->shard].drifted_at_ms = sim->now_ms;
    }
    if (sim_rarely(sim, TAKE_OVER_ONE_IN)) {
        sim_trace(sim, "%s is taken over by a person", node->name);
        node->database.term++;
    }
}

static void kill_server(struct sim *sim, struct sim_node *node)
{
    sim_trace(sim, "%s: its server dies", node->name);
    node->is_dead = true;
    node->is_told = false;
    node->plays_until_ms = 0;
    node->revives_at_ms =
        sim->now_ms + sim_below(sim, sim->fate.is_long ? REVIVES_LATE_MS : REVIVES_MS);
}

static void break_game(struct sim *sim, struct sim_node *node)
{
    if (sim_rarely(sim, SICK_ONE_IN))
        node->is_sick = !node->is_sick;
    if (!node->is_dead && sim_rarely(sim, DEAD_ONE_IN))
        kill_server(sim, node);
    if (node->is_dead)
        node->died_last_ms = sim->now_ms;
    if (node->is_dead && sim->now_ms >= node->revives_at_ms)
        node->is_dead = false;
}

static void break_node(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    if (sim_rarely(sim, STOP_ONE_IN))
        break_agent(sim, at);
    if (sim_rarely(sim, CUT_ONE_IN))
        node->is_cut = !node->is_cut;
    if (sim_rarely(sim, BLIND_ONE_IN))
        node->is_blind = !node->is_blind;
    if (sim_rarely(sim, LEDGER_ONE_IN))
        post_lose_ledger(sim, at);
    if (node->kind == KIND_DATABASE)
        break_database(sim, at);
    if (node->kind == KIND_GAME)
        break_game(sim, node);
    if (node->is_pooler)
        pooler_break(sim, at);
    if (is_balancer(node) && sim_rarely(sim, RELOAD_ONE_IN))
        edge_reload(sim, at);
    if (is_balancer(node) && sim_rarely(sim, FORGET_ONE_IN))
        edge_forget(sim, at);
    if (is_balancer(node) && sim_rarely(sim, HAND_ONE_IN))
        edge_by_hand(sim, at);
    if (is_balancer(node) && sim->has_colours && sim_rarely(sim, FLIP_ONE_IN))
        edge_flip(sim, at);
}

/* ---- orders that no coordinator of ours would send ---- */

static bool take_order(const struct agent_session *session, uint32_t states, struct order *ret)
{
    for (size_t i = 0; i < session->entry_count; i++) {
        if ((states & UINT32_C(1) << session->entries[i].state) == 0)
            continue;
        *ret = session->entries[i].order;
        return true;
    }
    return false;
}

static bool make_rogue(struct sim *sim, int at, struct order *ret)
{
    const struct agent_session *session = sim->nodes[at].session;

    *ret = (struct order){.task = TASK_PREFLIGHT, .ttl_ms = 1000};
    ret->id.rollout = ROGUE_ROLLOUT;
    ret->id.step = 1;
    ret->id.attempt = 1;
    (void)text_copy(ret->journal, sizeof(ret->journal), session->journal);
    switch (sim_below(sim, 4)) {
    case 0: /* another cluster's coordinator */
        (void)text_copy(ret->journal, sizeof(ret->journal), "ffffffffffffffffffffffffffffffff");
        return session->journal[0] != '\0';
    case 1: /* not a task for this kind of node */
        ret->task = session->kind == KIND_DATABASE ? TASK_RELEASE : TASK_EXPAND;
        return true;
    case 2: /* a command for the edge behind a name */
        (void)text_copy(ret->arguments.target, NAME_SIZE, "g1 state ready; show info");
        return true;
    default: /* a later attempt while an earlier one is still at it */
        if (!take_order(session, UINT32_C(1) << ENTRY_RUNNING | UINT32_C(1) << ENTRY_LOOKING, ret))
            return false;
        ret->id.attempt++;
        return true;
    }
}

static void send_rogue(struct sim *sim)
{
    int at = (int)sim_below(sim, (uint64_t)sim->node_count);
    struct sim_node *node = &sim->nodes[at];
    struct order order;
    struct message message = {.type = MESSAGE_ORDER, .body = &order};
    struct session_event event = {
        .type = SESSION_MESSAGE, .at_ms = sim->now_ms, .message = &message};

    if (!node->is_alive || node->is_stopped || !make_rogue(sim, at, &order))
        return;
    message.term = node->session->term;
    post_event(sim, at, &event);
}

/* What was said never to have arrived arrives after all. */
static void send_late(struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[i];
        struct order order;
        struct message message = {.type = MESSAGE_ORDER, .body = &order};
        struct session_event event = {
            .type = SESSION_MESSAGE, .at_ms = sim->now_ms, .message = &message};

        if (!node->is_alive || node->is_stopped ||
            !take_order(node->session, UINT32_C(1) << ENTRY_TOMBSTONE, &order))
            continue;
        message.term = node->session->term;
        post_event(sim, i, &event);
    }
}

/* ---- all of it ---- */

static void keep_ledger_full(struct sim *sim)
{
    int at = sim->shards[0].first_game;

    if (sim->fate.is_full_ledger && sim->is_faulty && sim->now_ms >= FILLED_FROM_MS &&
        sim->nodes[at].is_alive)
        post_fill_ledger(sim, at);
}

static void overthrow_in_holding(struct sim *sim)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;

    if (!sim->fate.coup_in_holding || open == NULL || open->state != ROLLOUT_HOLDING)
        return;
    sim->fate.coup_in_holding = false;
    sim->faults++;
    database_fail_over(sim, 0);
}

void faults_run(struct sim *sim)
{
    matrix_run(sim);
    if (!sim->is_faulty || sim_is_waiting_for_expiry(sim))
        return;
    /* What lasts for long must not be drowned by what is frequent. */
    for (int i = 0; i < sim->node_count && (!sim->fate.is_long || sim_below(sim, 8) == 0); i++)
        break_node(sim, i);
    if (sim_rarely(sim, ROGUE_ONE_IN))
        send_rogue(sim);
    if (sim->now_ms % LATE_EVERY_MS == 0)
        send_late(sim);
    keep_ledger_full(sim);
    overthrow_in_holding(sim);
    if (sim->now_ms >= (sim->fate.is_long ? SIM_LONG_FAULTS_MS : SIM_FAULTS_MS))
        faults_heal(sim);
}

static bool is_struck_at(const struct sim *sim, int at, enum task task)
{
    return task == sim->fate.coup && sim->nodes[at].kind == KIND_DATABASE &&
           (task != TASK_VERIFY || at == sim->shards[sim->nodes[at].shard].live.primary);
}

void faults_at_task(struct sim *sim, int at, struct sim_child *child)
{
    enum task task = child->order.task;

    if (matrix_fails(sim, child)) {
        child->fails = true;
        child->is_retryable = false;
    }
    if (!sim->is_faulty)
        return;
    if (task == sim->fate.failing_task && sim->fate.failures > 0 &&
        (!sim->fate.fails_back || child->order.id.direction == DIRECTION_UNDO)) {
        sim->fate.failures--;
        sim->faults++;
        child->fails = true;
        child->is_retryable = false;
        if (task == TASK_DRAIN && sim_below(sim, 2) == 0)
            kill_server(sim, &sim->nodes[sim_node_at(sim, child->order.arguments.target)]);
    }
    if (is_struck_at(sim, at, task)) {
        sim->fate.coup = TASK_NONE;
        sim->faults++;
        if (task == TASK_VERIFY) /* before it can say how that went */
            database_fail_over(sim, sim->nodes[at].shard);
        else
            database_fail_soon(sim, sim->nodes[at].shard);
    } else if (task == sim->fate.grudge && sim->fate.grudges < GRUDGES_MAX) {
        sim->fate.grudges++;
        sim->faults++;
        post_kill(sim, at, sim->fate.grudge_ms);
    }
}

void faults_heal(struct sim *sim)
{
    sim_trace(sim, "the faults are over");
    sim->is_faulty = false;
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[i];

        node->is_cut = false;
        node->is_stopped = false;
        node->is_sick = false;
        node->is_blind = false;
        node->is_dead = false;
        node->imposes_until_ms = 0;
        if (node->back_at_ms > sim->now_ms)
            node->back_at_ms = sim->now_ms;
    }
    if (sim->fate.is_full_ledger)
        post_lose_ledger(sim, sim->shards[0].first_game);
}
