/* players.c: games in progress on game servers: who is in the middle of one, and who is cut off. */
#include "coordinator/core/fleet.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/vitals.h"
#include "tests/sim/world.h"

#include <string.h>

#define GAME_ONE_IN  40   /* steps, each server in traffic */
#define GAME_MS      4000 /* most; some never end in time */
#define LONG_ONE_IN  5
#define LONG_GAME_MS 40000
#define SILENCE_MS   5000

/* Players come by an edge that was not told otherwise; what it forgot is not our doing. */
static int edge_of_newcomers(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[game] == TRAFFIC_READY &&
            sim->nodes[i].traffic[game] == TRAFFIC_READY &&
            edge_favours(&sim->nodes[i], &sim->nodes[game]))
            return i;
    return -1;
}

bool players_are_in_a_game(const struct sim *sim, int game, int edge)
{
    const struct sim_node *node = &sim->nodes[game];

    return sim->now_ms < node->plays_until_ms && (edge < 0 || edge == node->plays_at);
}

void players_leave(struct sim *sim, int game)
{
    sim->nodes[game].plays_until_ms = 0;
}

/* A game in progress is cut off going forward only where somebody said that it may be. */
static void cut(struct sim *sim, int game, const struct order *order)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;
    bool is_forward = order->id.direction == DIRECTION_DO;

    sim_trace(sim, "%s: a game is cut off", sim->nodes[game].name);
    if (is_forward &&
        (order->id.rollout == 0 || (open != NULL && open->work.plan->rollout == order->id.rollout &&
                                    open->work.plan->options.on_drain_late != ON_DRAIN_LATE_FORCE)))
        sim_break(sim, "a game in progress is cut off, and nobody said that it may be");
    players_leave(sim, game);
}

/* The drain's child, once its edge sends nobody new: true as long as it goes on waiting. */
bool players_hold_up(struct sim *sim, int at, struct sim_child *child)
{
    const struct task_arguments *arguments = &child->order.arguments;
    int game = sim_node_at(sim, arguments->target);
    bool waits = arguments->on_drain_late == ON_DRAIN_LATE_WAIT;
    uint64_t gone_ms = sim->now_ms - child->effect_at_ms;

    child->is_late = false;
    if (child->order.task != TASK_DRAIN || child->is_mend || !child->has_effect || child->fails ||
        game < 0 || !players_are_in_a_game(sim, game, at))
        return false;
    child->is_late = true;
    if (gone_ms < arguments->drain_ms + (waits ? arguments->drain_max_ms : 0))
        return true;
    if (arguments->on_drain_late == ON_DRAIN_LATE_FORCE) {
        cut(sim, game, &child->order);
    } else {
        child->fails = true;
        child->is_retryable = false;
    }
    child->is_late = false;
    return false;
}

static void check_word(struct sim *sim, const struct sim_child *child)
{
    const struct task_arguments *arguments = &child->order.arguments;
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;

    if (!child->is_used || !child->is_late || arguments->on_drain_late != ON_DRAIN_LATE_WAIT ||
        child->order.id.direction != DIRECTION_DO || open == NULL ||
        open->state != ROLLOUT_ADVANCING || open->work.plan->rollout != child->order.id.rollout ||
        sim->now_ms - child->effect_at_ms < arguments->drain_ms + SILENCE_MS ||
        sim->now_ms - sim->control->ready_at_ms < SILENCE_MS ||
        sim->now_ms - open->changed_at_ms < SILENCE_MS)
        return;
    if (sim->rang_at_ms == 0 || sim->now_ms - sim->rang_at_ms > RING_MS + SILENCE_MS)
        sim_break(sim, "players are waited for beyond the deadline, and nobody is called");
}

static void come(struct sim *sim, int game)
{
    struct sim_node *node = &sim->nodes[game];
    int edge = edge_of_newcomers(sim, game);

    if (edge < 0 || node->is_dead || players_are_in_a_game(sim, game, -1) ||
        sim_below(sim, GAME_ONE_IN) != 0)
        return;
    node->plays_at = edge;
    node->plays_until_ms =
        sim->now_ms + sim_below(sim, sim->fate.long_games && sim_below(sim, LONG_ONE_IN) == 0
                                         ? LONG_GAME_MS
                                         : GAME_MS);
}

/* ---- how they are answered ---- */

#define NOISE_PERCENT   60 /* from the least to the most */
#define OUTLIER_ONE_IN  200
#define OUTLIER_TIMES   10
#define FILLING_TIMES   4 /* beside a backfill that does not rest */
#define REQUESTS_A_STEP UINT64_C(3)
#define BAD_ERRORS_IN   8
#define USUAL_ERRORS_IN 2000

uint64_t players_wait_ms(struct sim *sim, const struct sim_node *game)
{
    uint64_t ms =
        game->latency_ms * (100 - NOISE_PERCENT / 2 + sim_below(sim, NOISE_PERCENT)) / 100;

    if (game->release == RELEASE_NEW)
        ms *= sim->fate.slower;
    if (sim->cell.is_slow)
        ms *= 2;
    if (child_fills(sim, game->shard))
        ms *= FILLING_TIMES;
    if (sim_below(sim, OUTLIER_ONE_IN) == 0)
        ms *= OUTLIER_TIMES;
    if (ms > VITALS_FLOOR_MS)
        sim->shards[game->shard].waited_at_ms = sim->now_ms;
    return ms;
}

static void ask(struct sim *sim, struct sim_node *edge, int game)
{
    bool is_bad = sim->fate.fails_requests && sim->nodes[game].release == RELEASE_NEW;

    for (uint64_t left = sim_below(sim, 2 * REQUESTS_A_STEP); left > 0; left--) {
        edge->requests[game]++;
        edge->errors[game] += sim_below(sim, is_bad ? BAD_ERRORS_IN : USUAL_ERRORS_IN) == 0;
    }
}

static void ask_all(struct sim *sim, struct sim_node *edge)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_GAME && !sim->nodes[i].is_dead &&
            edge->traffic[i] == TRAFFIC_READY && edge_favours(edge, &sim->nodes[i]))
            ask(sim, edge, i);
}

static bool is_worse(const struct sim *sim, const struct sim_node *game)
{
    /* Of a cell, slow or not any more: it was measured. */
    return sim->cell.fault == CELL_PLAYERS_WAIT ||
           (game->release == RELEASE_NEW && (sim->fate.slower > 1 || sim->fate.fails_requests));
}

/* What players had before, whoever it was that served them. */
static bool was_good_before(const struct sim *sim, int shard)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_GAME && sim->nodes[i].shard == shard &&
            sim->nodes[i].release_before == RELEASE_NEW)
            return false;
    return true;
}

/* A soak that compares lets no worse release pass, and fails nobody who is as before. */
void players_watch(struct sim *sim, const struct fact_step *fact, const struct step *step)
{
    const struct rollout *open = sim->control->open;
    int game = sim_node_at(sim, step->plan->target);

    if (step->plan->gate != GATE_SOAK || fact->repair != 0 || open == NULL || game < 0 ||
        strategy_leads_back(open->work.plan->strategy))
        return;
    if (fact->rule == 203 && sim->cell.fault == CELL_NONE &&
        open->work.plan->options.must_compare && is_worse(sim, &sim->nodes[game]) &&
        edge_sends(sim, game) && /* who rests has no players to be compared by */
        was_good_before(sim, sim->nodes[game].shard))
        sim_break(sim, "a soak passes though players are worse off than before");
    if (fact->rule == 207 && !is_worse(sim, &sim->nodes[game]) &&
        strstr(fact->detail, "than before") != NULL)
        sim_break(sim, "a soak fails because of noise");
}

void players_run(struct sim *sim)
{
    for (int i = 0; sim->fate.compares && i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]))
            ask_all(sim, &sim->nodes[i]);
    for (int i = 0; sim->fate.games && i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_GAME)
            come(sim, i);
    for (int i = 0; i < sim->node_count; i++)
        for (int c = 0; is_balancer(&sim->nodes[i]) && c < SIM_CHILDREN_MAX; c++)
            check_word(sim, &sim->nodes[i].children[c]);
}
