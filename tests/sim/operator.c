/* operator.c: people: they begin rollouts, meddle while things break, and answer the rings after.
 */
#include "common/base/memory.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "tests/sim/world.h"

#include <string.h>

#define FIRST_ROLLOUT_MS 15000
#define AGAIN_ONE_IN     150 /* steps, while nothing is open */
#define ANSWERS_MS       5000

static const struct rollout *open_rollout(const struct sim *sim)
{
    return sim->control == NULL ? NULL : sim->control->open;
}

static void ask_for(struct sim *sim, const char *verb, uint64_t step)
{
    struct request request = {.step = step};

    (void)text_copy(request.verb, sizeof(request.verb), verb);
    (void)text_copy(request.reason, sizeof(request.reason), "simulated");
    office_ask(sim, &request);
}

static void ask_about(struct sim *sim, const char *verb, int node)
{
    struct request request = {.step = 0};

    (void)text_copy(request.verb, sizeof(request.verb), verb);
    (void)text_copy(request.node, sizeof(request.node), sim->nodes[node].name);
    office_ask(sim, &request);
}

/* ---- beginning ---- */

static void choose_waves(struct sim *sim, struct rollout_options *options)
{
    if (sim_below(sim, 2) == 0)
        return;
    options->waves = memory_array(sim, uint32_t, 2);
    options->waves[0] = sim_below(sim, 2) == 0 ? 1 : PLAN_SHARE + 50;
    options->waves[1] = PLAN_SHARE + 100;
    options->wave_count = 2;
}

static bool all_shards_have(const struct sim *sim, int games)
{
    for (int i = 0; i < sim->shard_count; i++)
        if (sim->shards[i].game_count < games)
            return false;
    return true;
}

static void choose_options(struct sim *sim, struct rollout_options *options)
{
    options->soak_ms = 2000;
    options->steady_ms = 1000;
    options->drain_ms = SIM_DRAIN_MS;
    if (sim->fate.compares) {
        options->soak_ms = 12000;
        options->gate_ms = 20000;
        options->must_compare = sim_below(sim, 4) != 0;
    }
    options->drain_max_ms = sim_below(sim, 2) == 0 ? 10000 : 100000;
    options->on_drain_late =
        sim->fate.games ? (enum drain_policy)sim_below(sim, ON_DRAIN_LATE_COUNT_) : 0;
    if (!sim->fate.compares)
        options->gate_ms = sim_below(sim, 3) == 0 ? 5000 : 0;
    options->max_unavailable = 1 + sim_below(sim, 2);
    options->min_ready = all_shards_have(sim, 3) && sim_below(sim, 3) == 0 ? 2 : 0;
    options->hold = sim->fate.coup_in_holding || sim_below(sim, 3) == 0;
    options->hold_ms = sim_below(sim, 2) == 0 ? 20000 : 0;
    options->on_failure = sim_below(sim, 6) == 0 ? ON_FAILURE_HALT : ON_FAILURE_REVERT;
    options->on_lost = sim_below(sim, 4) == 0 ? ON_LOST_WAIT : ON_LOST_REVERT;
    options->on_inconclusive =
        sim_below(sim, 4) == 0 ? ON_INCONCLUSIVE_PAUSE : ON_INCONCLUSIVE_REVERT;
    options->accept_data_loss = sim_below(sim, 10) == 0;
    if (sim->fate.has_windows && sim_below(sim, 4) == 0)
        (void)text_copy(options->override_window, WINDOW_WHY_SIZE, "simulated");
    choose_waves(sim, options);
    if (sim_below(sim, 12) == 0) {
        options->except = memory_array(sim, struct name_item, 1);
        options->except_count = 1;
        (void)text_copy(options->except[0].name, NAME_SIZE,
                        sim->nodes[sim->shards[0].first_game].name);
    }
}

static void choose_backup(struct sim *sim, struct request *request)
{
    if (!sim->fate.backs_up)
        return;
    request->options.backup = sim_below(sim, 4) != 0;
    if (sim_below(sim, 4) == 0)
        (void)text_copy(request->options.no_backup, REHEARSAL_TEXT_SIZE, "simulated");
}

/* By itself, in front, or none though it should be. */
static void choose_rehearsal(struct sim *sim, struct request *request)
{
    if (!sim->fate.rehearses)
        return;
    request->strategy = sim_below(sim, 2) == 0 ? STRATEGY_SHADOW : STRATEGY_ROLLING;
    request->options.shadow = sim_below(sim, 2) == 0;
    request->in_production = sim_below(sim, 4) == 0;
    if (sim_below(sim, 4) == 0)
        (void)text_copy(request->options.no_rehearsal, REHEARSAL_TEXT_SIZE, "simulated");
}

/* Where it goes back to: one that runs something else than its goal is brought there in the end. */
static enum sim_release release_before(const struct sim *sim, int at)
{
    const struct node *node = control_node(sim->control, sim->nodes[at].name);
    const char *goal = node == NULL ? "" : fleet_goal(sim->control, node);

    if (node == NULL || goal[0] == '\0')
        return sim->nodes[at].release;
    return strcmp(goal, "new") == 0 ? RELEASE_NEW : RELEASE_OLD;
}

void operator_note_before(struct sim *sim)
{
    for (int i = 0; i < sim->shard_count; i++) {
        sim->shards[i].before = *database_of(sim, i);
        sim->shards[i].side_before = sim->nodes[sim->shards[i].live.primary].colour;
        sim->shards[i].live_before =
            sim_colour_named(colour_live(sim->control, sim->shards[i].name));
    }
    for (int i = 0; i < sim->node_count; i++)
        sim->nodes[i].release_before = release_before(sim, i);
    for (int i = 0; i < sim->node_count; i++)
        sim->nodes[i].was_there = control_node(sim->control, sim->nodes[i].name) != NULL;
}

/* Everybody out of traffic: nobody can be left out of that; some have hardly the time for it. */
static void choose_maintenance(struct sim *sim, struct request *request)
{
    request->strategy = STRATEGY_MAINTENANCE;
    request->options.except_count = 0;
    if (sim_below(sim, 3) == 0)
        request->options.budget_ms = 15000 + sim_below(sim, 60000);
}

/* Databases are switched under everybody; some have hardly the time for it. */
static void choose_twins(struct sim *sim, struct request *request)
{
    request->options.max_pause_ms = sim_below(sim, 4) == 0 ? 0 : 20000 + sim_below(sim, 10000);
    request->strategy = STRATEGY_TWIN;
    request->options.except_count = 0;
    request->options.accept_data_loss = false;
}

static void choose_blue_green(struct sim *sim, struct request *request)
{
    struct rollout_options *options = &request->options;

    request->strategy = STRATEGY_BLUE_GREEN;
    if (sim_below(sim, 2) == 0)
        return;
    options->shares = memory_array(sim, uint32_t, 2);
    options->shares[options->share_count++] = 10;
    if (sim_below(sim, 2) == 0)
        options->shares[options->share_count++] = 500;
}

static void choose_strategy(struct sim *sim, struct request *request)
{
    choose_rehearsal(sim, request);
    choose_backup(sim, request);
    if (sim->has_colours && request->strategy == STRATEGY_ROLLING && sim_below(sim, 4) != 0)
        choose_blue_green(sim, request);
    else if (sim->has_twins && sim_below(sim, 4) != 0)
        choose_twins(sim, request);
    else if (sim_below(sim, 3) == 0)
        choose_maintenance(sim, request);
}

/* For the way back somebody has to be there who wants it. */
static void choose_cell(struct sim *sim, struct request *request)
{
    request->strategy = sim->cell.strategy;
    request->options.backup = sim->cell.stage == STAGE_BACKUP;
    if (request->strategy == STRATEGY_BLUE_GREEN)
        choose_blue_green(sim, request);
    if (request->strategy == STRATEGY_TWIN)
        choose_twins(sim, request);
    if (request->strategy == STRATEGY_MAINTENANCE)
        choose_maintenance(sim, request);
    request->options.hold = sim->cell.direction == DIRECTION_UNDO;
    request->options.hold_ms = 0;
    request->options.on_failure = ON_FAILURE_REVERT;
}

static void begin_rollout(struct sim *sim)
{
    struct request request = {.verb = "plan", .release = "new"};

    choose_options(sim, &request.options);
    if (sim->cell.fault == CELL_NONE)
        choose_strategy(sim, &request);
    else
        choose_cell(sim, &request);
    request.for_window = sim->fate.has_windows && sim_below(sim, 2) == 0;
    office_ask(sim, &request);
    if (open_rollout(sim) == NULL)
        return;
    sim->rollouts++;
    if (sim->fate.is_patient && sim->rollouts == 1)
        return;
    ask_for(sim, sim->cell.fault == CELL_NONE && sim_below(sim, 30) == 0 ? "rollback" : "start", 0);
}

static bool wants_rollout(struct sim *sim)
{
    if (sim->control == NULL || sim->control->open != NULL || sim->now_ms < FIRST_ROLLOUT_MS)
        return false;
    /* The coordinator died between writing the plan down and saying so: it was carried out all the
     * same. */
    if (sim->rollouts == 0 && sim->control->summary_count > 0)
        sim->rollouts = 1;
    if (sim->rollouts == 0)
        return sim_below(sim, 10) == 0;
    if (sim->fate.is_patient && sim->rollouts == 1)
        return true;
    return sim->is_faulty && sim->rollouts < SIM_ROLLOUTS_MAX && sim_below(sim, AGAIN_ONE_IN) == 0;
}

/* ---- meddling ---- */

bool sim_is_waiting_for_expiry(const struct sim *sim)
{
    return sim->fate.is_patient && sim->rollouts == 1 && sim->control != NULL &&
           sim->control->open != NULL;
}

static bool may_be_steered(const struct rollout *open)
{
    return open->state == ROLLOUT_PAUSED || open->state == ROLLOUT_HALTED ||
           open->state == ROLLOUT_STUCK;
}

/* Any step that is not done, from a random one on. */
static void steer(struct sim *sim, const struct rollout *open)
{
    size_t from = sim_below(sim, open->work.count);

    for (size_t i = 0; i < open->work.count; i++) {
        const struct step *step = &open->work.steps[(from + i) % open->work.count];

        if (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED)
            continue;
        ask_for(sim, sim_below(sim, 3) == 0 ? "skip" : "retry", step->plan->id);
        return;
    }
}

/* A replica, or a game server that gets no traffic: it comes back, as somebody new. */
static void remove_node(struct sim *sim)
{
    int at = (int)sim_below(sim, (uint64_t)sim->node_count);
    struct sim_node *node = &sim->nodes[at];

    if (!node->is_enrolled || node->kind == KIND_EDGE ||
        (node->kind == KIND_DATABASE && (at == sim->shards[node->shard].live.primary ||
                                         at == sim->shards[node->shard].rest.primary)) ||
        (node->kind == KIND_GAME && edge_sends(sim, at)))
        return;
    ask_about(sim, "remove", at);
    /* Whom its database keeps out nobody else would let in again. */
    if (node->kind == KIND_GAME &&
        (sim->control == NULL || control_node(sim->control, node->name) == NULL))
        database_of(sim, node->shard)->severed &= ~(1u << at);
    node->is_enrolled = sim->control == NULL || control_node(sim->control, node->name) != NULL;
    node->is_out_by_plan &= node->is_enrolled; /* it counts for nobody now */
    node->joins_at_ms = sim->now_ms + sim_below(sim, 40000);
}

/* A closed one, by its number; of a kept schema, perhaps what stands in its way is accepted. */
static void roll_back_older(struct sim *sim)
{
    struct request request = {.verb = "rollback", .schema_too = sim_below(sim, 2) == 0};
    size_t count = sim->control == NULL ? 0 : sim->control->summary_count;

    if (count == 0 || sim->control->open != NULL)
        return;
    request.rollout = sim->control->summaries[sim_below(sim, count)]->rollout;
    request.options.accept_data_loss = sim_below(sim, 2) == 0;
    request.options.drain_ms = SIM_DRAIN_MS;
    office_ask(sim, &request);
}

/* Behind its contracts it turned out to be bad: asked first, then with the loss accepted. */
static void restore(struct sim *sim)
{
    struct request request = {.verb = "rollback"};
    const struct summary *last;

    if (!sim->fate.backs_up || sim->control == NULL || sim->control->open != NULL ||
        sim->control->summary_count == 0 || sim_below(sim, 4) != 0)
        return;
    last = sim->control->summaries[sim->control->summary_count - 1];
    if (!last->is_backed_up || !last->has_contracted || sim->restored_after == last->rollout)
        return;
    request.options.accept_data_loss = sim_below(sim, 3) != 0;
    request.options.drain_ms = SIM_DRAIN_MS;
    if (request.options.accept_data_loss)
        sim->restored_after = last->rollout;
    office_ask(sim, &request);
}

static void meddle(struct sim *sim)
{
    static const char *const verbs[] = {"pause", "resume",   "complete", "rollback", "retry",
                                        "skip",  "rollback", "start",    "pause",    "abandon"};
    static const char *const node_verbs[] = {"drain", "admit", "admit"};
    const struct rollout *open = open_rollout(sim);

    if (sim->is_faulty && sim->fate.has_moves && sim_below(sim, 100) == 0)
        remove_node(sim);
    if (!sim->is_faulty || sim_is_waiting_for_expiry(sim) ||
        sim_below(sim, 1000) >= sim->fate.meddling)
        return;
    if (open != NULL && may_be_steered(open) && sim_below(sim, 2) == 0) {
        steer(sim, open);
        return;
    }
    if (sim_below(sim, 4) == 0)
        roll_back_older(sim);
    else if (sim_below(sim, 4) == 0)
        ask_about(sim, node_verbs[sim_below(sim, ARRAY_LEN(node_verbs))],
                  (int)sim_below(sim, (uint64_t)sim->node_count));
    else
        ask_for(sim, verbs[sim_below(sim, ARRAY_LEN(verbs))],
                open == NULL ? 0 : 1 + sim_below(sim, open->work.count));
}

/* ---- answering ---- */

static bool needs_a_person(const struct step *step)
{
    return step->state == STEP_FAILED || step->state == STEP_REFUSED ||
           step->state == STEP_CANCELLED;
}

/* A new process has a newer term than whoever took the database over. */
static bool is_taken_over(struct sim *sim)
{
    for (int i = 0; i < sim->shard_count; i++)
        if (database_of(sim, i)->term > control_term(sim->control) ||
            (sim->has_twins &&
             sim->nodes[sim->shards[i].rest.primary].database.term > control_term(sim->control)))
            return true;
    return false;
}

/* What somebody did by hand nobody can take back for him. */
static bool has_drifted(struct sim *sim, const struct rollout *open)
{
    for (int i = 0; i < sim->shard_count; i++)
        if (sim->shards[i].drifted_at_ms >= open->planned_at_ms ||
            sim->shards[i].was_restored_at_ms >= open->planned_at_ms)
            return true;
    return false;
}

/* Nobody goes back after a contract, and the new release will not be well again: he looks at it. */
static bool is_beyond_help(const struct sim *sim, const struct rollout *open)
{
    bool is_bad = sim->fate.release_turns_bad || sim->fate.slower > 1 || sim->fate.fails_requests;

    return is_bad && open->has_contracted && open->work.plan->strategy == STRATEGY_MAINTENANCE;
}

/* While players are on the new side, they stay there; once they are out, what they wrote last is
 * given up. */
static void give_up_mirror(struct sim *sim, const struct step *step)
{
    if (step->plan->stage == STAGE_DRAIN_WAL) {
        ask_for(sim, "abandon", 0);
        return;
    }
    sim->shards[0].is_lossy = step->plan->stage == STAGE_REVERSE;
    ask_for(sim, sim->shards[0].is_lossy ? "skip" : "retry", step->plan->id);
}

static void unstick(struct sim *sim, const struct rollout *open)
{
    if (is_beyond_help(sim, open)) {
        ask_for(sim, "abandon", 0);
        return;
    }
    if (has_drifted(sim, open) && sim_below(sim, 2) == 0) {
        ask_for(sim, "abandon", 0);
        return;
    }
    if (sim->was_overruled) { /* what was skipped may be what it now waits for */
        ask_for(sim, "abandon", 0);
        return;
    }
    for (size_t i = 0; i < open->work.count; i++) {
        if (needs_a_person(&open->work.steps[i])) {
            if (twin_has_lost_mirror(sim))
                give_up_mirror(sim, &open->work.steps[i]);
            else
                ask_for(sim, "retry", i + 1);
            return;
        }
    }
}

/* Some will not wait for the window. */
static void resume(struct sim *sim)
{
    struct request request = {.verb = "resume"};

    if (sim->fate.has_windows && sim_below(sim, 10) == 0)
        (void)text_copy(request.options.override_window, WINDOW_WHY_SIZE, "simulated");
    office_ask(sim, &request);
}

static void answer_rollout(struct sim *sim, const struct rollout *open)
{
    bool tries_on =
        sim->now_ms / ANSWERS_MS % 2 == 0; /* refused, the way back is the next answer */

    if (open->state == ROLLOUT_PLANNED && (!sim->fate.is_patient || sim->rollouts > 1))
        ask_for(sim, "start", 0);
    else if (open->state == ROLLOUT_PAUSED)
        resume(sim);
    else if (open->state == ROLLOUT_HALTED && twin_has_lost_mirror(sim) && tries_on)
        ask_for(sim, "abandon", 0);
    else if (open->state == ROLLOUT_HALTED)
        ask_for(sim, tries_on || open->has_contracted ? "resume" : "rollback", 0);
    else if (open->state == ROLLOUT_HOLDING && open->work.plan->options.hold)
        ask_for(sim, sim->cell.fault == CELL_NONE ? "complete" : "rollback", 0);
    else if (open->state == ROLLOUT_STUCK)
        unstick(sim, open);
}

/* A node that nobody repairs any more, or that a person took out, or doubted. */
static void answer_nodes(struct sim *sim)
{
    for (int i = 0; i < sim->node_count && sim->control != NULL; i++) {
        const struct node *node = control_node(sim->control, sim->nodes[i].name);
        bool is_spent = node != NULL && node->repair_tries >= REPAIR_TRIES_MAX;

        if (node == NULL)
            continue;
        if (node->quarantine == QUARANTINE_HELD || node->quarantine == QUARANTINE_IDENTITY ||
            (node->quarantine != QUARANTINE_NONE && is_spent))
            ask_about(sim, "admit", i);
    }
}

/* A rehearsal has no holding from which somebody could go back. */
static bool turns_back(const struct sim *sim)
{
    const struct rollout *open = open_rollout(sim);

    if (sim->cell.fault == CELL_NONE || sim->cell.direction != DIRECTION_UNDO || open == NULL ||
        open->state != ROLLOUT_ADVANCING || sim->cell.strategy != STRATEGY_SHADOW)
        return false;
    for (size_t i = 0; i < open->work.count; i++)
        if (open->work.steps[i].plan->stage == STAGE_REHEARSE &&
            open->work.steps[i].state == STEP_RUNNING)
            return true;
    return false;
}

void operator_run(struct sim *sim)
{
    if (turns_back(sim))
        ask_for(sim, "rollback", 0);
    restore(sim);
    if (wants_rollout(sim))
        begin_rollout(sim);
    meddle(sim);
    if (sim->is_faulty || sim->now_ms % ANSWERS_MS != 0)
        return;
    if (sim->control != NULL && is_taken_over(sim)) {
        office_restart(sim);
        return;
    }
    if (open_rollout(sim) != NULL)
        answer_rollout(sim, open_rollout(sim));
    answer_nodes(sim);
}
