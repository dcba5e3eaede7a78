/* watchers.c: what must hold at the moment when something happens; told from outside, from what the
 * simulated world really is.
 */
#include "coordinator/core/fleet.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/vitals.h"
#include "tests/sim/world.h"

#include <string.h>

/* ---- I1: who stands on a schema that was lost ---- */

void watch_report(struct sim *sim, int from)
{
    const struct sim_node *node = &sim->nodes[from];

    sim->nodes[from].heard_at_ms = sim->now_ms;
    if (node->kind == KIND_DATABASE && !node->is_blind &&
        from == sim->shards[node->shard].live.primary)
        sim->shards[node->shard].loss_is_known = sim->shards[node->shard].lost_schema;
    if (node->kind == KIND_DATABASE && sim->shards[node->shard].loss_is_known)
        sim->shards[node->shard].loss_known_last_ms = sim->now_ms;
}

/* What players have goes on as it is; nobody is added to it. */
static void check_admission(struct sim *sim, const struct plan_step *plan)
{
    int game = plan->task == TASK_ADMIT ? sim_node_at(sim, plan->target) : -1;

    if (game >= 0 && sim->nodes[game].release == RELEASE_NEW &&
        sim->shards[sim->nodes[game].shard].loss_is_known)
        sim_break(sim, "I1: a server is admitted on a schema that its database has lost");
}

/* ---- whom a backfill gives way to ---- */

#define WORD_LATE_MS 20000 /* a report, and the word made of it, on a slow network */

void watch_players_word(struct sim *sim, const struct sim_node *node, uint64_t wait_ms,
                        uint64_t limit_ms)
{
    uint64_t since_ms = sim->shards[node->shard].waited_at_ms + VITALS_NOW_MS + WORD_LATE_MS;

    if (node->kind != KIND_DATABASE)
        sim_break(sim, "somebody else than a database is told how long players wait");
    if (limit_ms < VITALS_FLOOR_MS)
        sim_break(sim, "players are said to wait too long when nobody would feel it");
    if (wait_ms > limit_ms && sim->now_ms > since_ms)
        sim_break(sim, "a backfill gives way to players who do not wait");
}

/* ---- I4: no effect leaves before its fact is durable ---- */

static void note_ordered(struct sim *sim, const struct fact_step *fact)
{
    struct order_id id = {
        .step = fact->step, .direction = fact->direction, .attempt = fact->attempt};

    if (sim->ordered_count == SIM_ORDERS_MAX)
        return;
    if (fact->repair != 0) /* it may have ended since, in the same batch */
        id.step = step_number(&(struct work){.repair = fact->repair},
                              &(struct step){.plan = &(struct plan_step){.id = fact->step}});
    else
        id.rollout = sim->control->rollout_number;
    sim->ordered[sim->ordered_count++] = id;
}

void watch_order(struct sim *sim, const struct order_id *id, uint64_t term)
{
    (void)term;
    for (size_t i = sim->ordered_count; i > 0; i--)
        if (order_id_equals(&sim->ordered[i - 1], id))
            return;
    if (sim->ordered_count < SIM_ORDERS_MAX)
        sim_break(sim, "I4: an order arrives that the journal does not know");
}

/* ---- I5: no gate passes on stale evidence ---- */

static bool is_stale(const struct sim *sim, int at)
{
    return sim->now_ms - sim->nodes[at].heard_at_ms > SUSPECT_MS;
}

static void check_evidence(struct sim *sim, const struct step *step)
{
    int target = sim_node_at(sim, step->plan->target);
    enum stage stage = step->plan->stage;

    if (target >= 0 && is_stale(sim, target) && stage != STAGE_OUT)
        sim_break(sim, "I5: a gate passes on a stale report of its game server");
    for (int i = 0; i < sim->node_count; i++) {
        const struct node *node = control_node(sim->control, sim->nodes[i].name);
        bool is_left = node == NULL || (node->quarantine == QUARANTINE_BEHIND ||
                                        node->quarantine == QUARANTINE_IDENTITY);

        if (stage == STAGE_AGREE && sim->nodes[i].kind == KIND_DATABASE && !is_left &&
            strcmp(sim->shards[sim->nodes[i].shard].name, step->plan->shard) == 0 &&
            fleet_is_of_side(sim->control, node, step->plan->side) && is_stale(sim, i))
            sim_break(sim, "I5: databases agree by a stale report");
    }
}

/* ---- maintenance: phases only while every pool of the shard is held back ---- */

static bool is_phase(enum task task)
{
    return task == TASK_EXPAND || task == TASK_BACKFILL || task == TASK_CONTRACT;
}

/* What a promotion or a backup took away is done again when the pools may be open already; what an
 * operator skipped is his business. */
static void check_pools(struct sim *sim, int shard, const struct order *order)
{
    if (order->id.rollout != sim->maintained_rollout || order->id.direction != DIRECTION_DO ||
        !is_phase(order->task) || sim->was_overruled || sim->shards[shard].promoted_at_ms != 0)
        return;
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].is_pooler && sim->nodes[i].shard == shard && !sim->nodes[i].is_paused &&
            !sim->nodes[i].was_let_go)
            sim_break(sim, "a phase of a maintenance runs while a pool lets queries through");
}

/* The coordinator may be a report behind, and no more. */
static void check_pools_at_order(struct sim *sim, const struct plan_step *plan)
{
    for (int i = 0; is_phase(plan->task) && !sim->was_overruled && i < sim->node_count; i++) {
        const struct sim_node *pooler = &sim->nodes[i];

        if (pooler->is_pooler && !pooler->is_paused && pooler->was_let_go &&
            strcmp(sim->shards[pooler->shard].name, plan->shard) == 0 &&
            sim->shards[pooler->shard].promoted_at_ms == 0 &&
            sim->now_ms - pooler->let_go_at_ms > SIM_IN_FLIGHT_MS + CURRENT_MS)
            sim_break(sim, "a phase of a maintenance is ordered long after a pool was let go");
    }
}

/* Out is out, whoever took it out; what an edge has forgotten since is not our doing. */
static bool takes_traffic(const struct sim *sim, int at)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[at] == TRAFFIC_READY &&
            sim->nodes[i].traffic[at] == TRAFFIC_READY &&
            edge_favours(&sim->nodes[i], &sim->nodes[at]))
            return true;
    return false;
}

/* More of the traffic, or all of it, only where the share before has been proven. */
static void check_share(struct sim *sim, const struct work *work, const struct plan_step *plan)
{
    for (size_t i = 0; i < work->count && !sim->was_overruled; i++) {
        const struct step *soak = &work->steps[i];

        if (soak->plan->stage == STAGE_SOAK && soak->plan->share_permille != 0 &&
            strcmp(soak->plan->shard, plan->shard) == 0 &&
            (plan->share_permille == 0 || soak->plan->share_permille < plan->share_permille) &&
            soak->state != STEP_SUCCEEDED && soak->state != STEP_SKIPPED)
            sim_break(sim, "a colour is given more of the traffic before it has proven its share");
    }
}

static void note_plan(struct sim *sim, const struct plan *plan)
{
    if (plan->strategy != STRATEGY_SHADOW) /* it leaves everything as it is */
        operator_note_before(sim);
    if (strategy_closes(plan->strategy))
        sim->maintained_rollout = plan->rollout;
}

void watch_fact(struct sim *sim, const struct fact *fact)
{
    const struct fact_step *step = fact->body;
    const struct work *work;

    calendar_watch(sim, fact);
    if (fact->type == FACT_PLANNED &&
        ((const struct plan *)fact->body)->strategy == STRATEGY_SHADOW)
        sim->shadow_rollout = ((const struct plan *)fact->body)->rollout;
    if (fact->type == FACT_PLANNED)
        note_plan(sim, fact->body);
    if (fact->type == FACT_RING &&
        strcmp(((const struct fact_ring *)fact->body)->what, "rollout") == 0)
        sim->rang_at_ms = sim->now_ms;
    if (fact->type != FACT_STEP)
        return;
    matrix_fact(sim, step);
    if (step->state == STEP_ORDERED)
        note_ordered(sim, step);
    if (step->state == STEP_ORDERED && step->direction == DIRECTION_DO &&
        control_work(sim->control, step->repair) != NULL)
        check_admission(sim, work_step(control_work(sim->control, step->repair), step->step)->plan);
    work = control_work(sim->control, 0);
    if (step->state == STEP_ORDERED && step->direction == DIRECTION_DO && step->repair == 0 &&
        work != NULL && work_step(work, step->step)->plan->task == TASK_NOTIFY &&
        takes_traffic(sim, sim_node_at(sim, work_step(work, step->step)->plan->target)))
        sim_break(sim, "a server is told that it is drained while players are sent to it");
    if (step->state == STEP_ORDERED && step->direction == DIRECTION_DO && step->repair == 0 &&
        work != NULL && work_step(work, step->step)->plan->stage == STAGE_SWITCH)
        check_share(sim, work, work_step(work, step->step)->plan);
    if (step->state == STEP_ORDERED && step->direction == DIRECTION_DO && step->repair == 0 &&
        work != NULL && work->plan->strategy == STRATEGY_MAINTENANCE)
        check_pools_at_order(sim, work_step(work, step->step)->plan);
    if (step->rule == 909 || step->rule == 911 || step->rule == 913)
        sim->was_overruled = true;
    work = control_work(sim->control, step->repair);
    if (work != NULL)
        players_watch(sim, step, work_step(work, step->step));
    if (work == NULL || (step->rule != 203 && step->rule != 205))
        return;
    check_evidence(sim, work_step(work, step->step));
    for (int i = 0; i < sim->shard_count; i++)
        if (work_step(work, step->step)->plan->stage == STAGE_AGREE &&
            strcmp(sim->shards[i].name, work_step(work, step->step)->plan->shard) == 0)
            sim->shards[i].agreed_at_ms = sim->now_ms;
}

/* ---- I3, I6, I7 and switches under players: when a task takes effect ---- */

static void check_contract(struct sim *sim, const struct order *order)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *game = &sim->nodes[i];
        const struct node *node =
            sim->control == NULL ? NULL : control_node(sim->control, game->name);

        if (game->kind != KIND_GAME || game->release == RELEASE_NEW)
            continue;
        if (takes_traffic(sim, i))
            sim_break(sim, "I7: contract while an old release takes traffic");
        if (node != NULL && node->quarantine == QUARANTINE_NONE && !sim->was_overruled)
            sim_break(sim,
                      "I7: contract while a node that is not quarantined runs the old release");
    }
    if (order->arguments.of_contract || order->task == TASK_CONTRACT)
        sim->contracted_rollout = order->id.rollout;
}

/* A revision that a rollout took back is not expanded by that rollout again. */
static void check_once(struct sim *sim, int shard, const struct order *order)
{
    unsigned bit = sim_revision_bit(order->arguments.revision);

    for (int r = 0; r < SIM_REVISIONS_MAX; r++) {
        if (bit != 1u << r)
            continue;
        if (order->task == TASK_REVERT)
            sim->undone_rollout[shard][r] = order->id.rollout;
        else if (sim->undone_rollout[shard][r] == order->id.rollout)
            sim_break(sim, "I3: a phase takes effect after its rollout took it back");
    }
}

static void check_release(struct sim *sim, int at)
{
    if (takes_traffic(sim, at))
        sim_break(sim, "a server is switched while it takes traffic");
    if (players_are_in_a_game(sim, at, -1) && !sim->was_overruled)
        sim_break(sim, "a server is switched in the middle of a game");
}

/* ---- rehearsals ---- */

static bool is_rehearsed(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == STAGE_REHEARSE && !work->steps[i].is_left_out &&
            work->steps[i].state != STEP_SUCCEEDED && work->steps[i].state != STEP_SKIPPED)
            return false;
    return true;
}

/* A shadow is no database of the cluster's: what is done on it changes nothing, and what it is a
 * rehearsal for does not begin before. */
static void check_rehearsal(struct sim *sim, const struct order *order)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;

    if (database_is_shadow_task(order->task))
        return;
    if (order->id.rollout != 0 && order->id.rollout == sim->shadow_rollout)
        sim_break(sim, "a rehearsal by itself changes a database or a server");
    if (open != NULL && order->id.rollout == open->work.plan->rollout &&
        order->id.direction == DIRECTION_DO && open->state == ROLLOUT_ADVANCING &&
        !is_rehearsed(&open->work))
        sim_break(sim, "something is changed before its rehearsal has succeeded");
}

/* What is backed up first is not changed before; what an operator skipped is his business. */
static void check_backup(struct sim *sim, int shard, const struct order *order)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;

    if (is_phase(order->task) && !sim->was_overruled && open != NULL &&
        order->id.rollout == open->work.plan->rollout && open->work.plan->options.backup &&
        order->id.direction == DIRECTION_DO && sim->shards[shard].backed_up_in != order->id.rollout)
        sim_break(sim, "a database is changed before it was backed up");
}

/* Who plays on would write to a database that is about to be put aside. */
static void check_restore(struct sim *sim, int shard, const struct order *order)
{
    if (order->task != TASK_RESTORE)
        return;
    if (!order->arguments.accept_data_loss)
        sim_break(sim, "a backup is restored though nobody has accepted what is lost");
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_GAME && sim->nodes[i].shard == shard &&
            takes_traffic(sim, i) && !sim->was_overruled)
            sim_break(sim, "a backup is restored while players are in");
}

void watch_effect(struct sim *sim, int at, const struct sim_child *child)
{
    const struct order *order = &child->order;

    check_rehearsal(sim, order);
    if (database_is_shadow_task(order->task))
        return;

    if (order->task == TASK_RELEASE) {
        check_release(sim, at);
        return;
    }
    if (child->term < sim->acted_term[at])
        sim_break(sim, "I6: an older term acts on a database after a newer one");
    sim->acted_term[at] = child->term;
    if (order->task == TASK_CONTRACT)
        check_contract(sim, order);
    if (order->task == TASK_EXPAND || order->task == TASK_BACKFILL || order->task == TASK_REVERT)
        check_once(sim, sim->nodes[at].shard, order);
    check_pools(sim, sim->nodes[at].shard, order);
    check_backup(sim, sim->nodes[at].shard, order);
    check_restore(sim, sim->nodes[at].shard, order);
    if (order->task == TASK_REVERT && sim->contracted_rollout == order->id.rollout)
        sim_break(sim, "I7: a way back after a contract");
}

/* ---- I2: when a game server is taken out ---- */

static uint64_t others_at(const struct sim *sim, const struct sim_node *edge, int game)
{
    const struct sim_shard *shard = &sim->shards[sim->nodes[game].shard];
    uint64_t count = 0;

    for (int i = shard->first_game; i < shard->first_game + shard->game_count; i++)
        count += i != game && edge_lets_in(sim, edge, i);
    return count;
}

static bool lost_schema_lately(const struct sim *sim, const struct sim_shard *shard)
{
    return shard->loss_known_last_ms != 0 &&
           sim->now_ms - shard->loss_known_last_ms < SIM_IN_FLIGHT_MS;
}

static uint64_t out_by_plan(const struct sim *sim, int shard)
{
    uint64_t count = 0;

    for (int i = 0; i < sim->node_count; i++)
        count += sim->nodes[i].kind == KIND_GAME && sim->nodes[i].shard == shard &&
                 sim->nodes[i].is_out_by_plan;
    return count;
}

void watch_drain(struct sim *sim, int game, const struct order *order, bool was_in)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;
    bool is_forward = order->id.rollout != 0 && order->id.direction == DIRECTION_DO;
    bool is_open_s = open != NULL && order->id.rollout == open->work.plan->rollout;
    bool closes = order->id.rollout != 0 && order->id.rollout == sim->maintained_rollout;
    bool is_closed = closes || sim->shards[sim->nodes[game].shard].is_closed; /* nobody plays */
    uint64_t min_ready = is_open_s ? open->work.plan->options.min_ready : is_closed ? 0 : 1;

    for (int i = 0; was_in && i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[game] != TRAFFIC_READY &&
            others_at(sim, &sim->nodes[i], game) < min_ready)
            sim_break(sim, "I2: fewer than min_ready are left in traffic at an edge");
    sim->shards[sim->nodes[game].shard].is_closed |= closes;
    sim->nodes[game].is_out_by_plan = is_forward;
    /* Where the schema is lost, all go that can. */
    if (is_forward && open != NULL && open->state == ROLLOUT_ADVANCING &&
        !lost_schema_lately(sim, &sim->shards[sim->nodes[game].shard]) &&
        out_by_plan(sim, sim->nodes[game].shard) > open->work.plan->options.max_unavailable)
        sim_break(sim, "I2: more are out by our own doing than may be");
}
