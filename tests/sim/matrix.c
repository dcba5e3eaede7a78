/* matrix.c: every strategy, every stage of it, there and back, and every fault in the middle of
 * that stage, one at a time: a calm world in which nothing else breaks.  It ends as if nothing had
 * happened, or is taken back whole.
 */
#include "coordinator/core/strategy.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>

#define SEEDS_MET  2  /* of each cell */
#define SEEDS_MAX  60 /* until a cell counts as one that is never met */
#define AWAY_MS    8000
#define CUT_OFF_MS 20000

static const char *const fault_names[] = {[CELL_NONE] = "none",
                                          [CELL_TASK_FAILS] = "task fails",
                                          [CELL_AGENT_KILLED] = "agent killed",
                                          [CELL_COORDINATOR_KILLED] = "coordinator killed",
                                          [CELL_EDGES_UNREACHABLE] = "edges unreachable",
                                          [CELL_REPLICA_STOPS] = "replica stops",
                                          [CELL_PLAYERS_WAIT] = "players wait twice as long"};

/* ---- in a world that has a cell ---- */

void matrix_fact(struct sim *sim, const struct fact_step *fact)
{
    struct sim_cell *cell = &sim->cell;
    const struct work *work = sim->control == NULL ? NULL : control_work(sim->control, 0);
    bool begins = fact->state == STEP_ORDERED || fact->state == STEP_RUNNING;

    if (cell->fault == CELL_NONE || cell->is_met || fact->repair != 0 || work == NULL || !begins ||
        fact->direction != cell->direction ||
        work_step(work, fact->step)->plan->stage != cell->stage)
        return;
    cell->is_met = cell->is_due = true;
    cell->step = fact->step;
    cell->node = sim_node_at(sim, fact->node);
}

static void cut_edges(struct sim *sim, bool is_cut)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_EDGE)
            sim->nodes[i].is_cut = is_cut;
}

/* The first replica of the shard, with its host. */
static void stop_replica(struct sim *sim)
{
    const struct sim_side *side = &sim->shards[0].live;

    for (int i = side->first; i < side->first + side->count; i++) {
        if (i == side->primary)
            continue;
        post_kill(sim, i, 0);
        sim->nodes[i].is_down = true;
        sim->nodes[i].back_at_ms = sim->now_ms + CUT_OFF_MS;
        return;
    }
}

static void strike(struct sim *sim)
{
    struct sim_cell *cell = &sim->cell;

    sim_trace(sim, "cell: %s", fault_names[cell->fault]);
    cell->is_due = false;
    sim->faults++;
    if (cell->fault == CELL_AGENT_KILLED && cell->node >= 0)
        post_kill(sim, cell->node, sim_below(sim, AWAY_MS));
    else if (cell->fault == CELL_COORDINATOR_KILLED)
        office_kill(sim);
    else if (cell->fault == CELL_REPLICA_STOPS)
        stop_replica(sim);
    else if (cell->fault == CELL_EDGES_UNREACHABLE || cell->fault == CELL_PLAYERS_WAIT)
        cell->heals_at_ms = sim->now_ms + CUT_OFF_MS;
    cut_edges(sim, cell->fault == CELL_EDGES_UNREACHABLE);
    cell->is_slow = cell->fault == CELL_PLAYERS_WAIT;
}

void matrix_run(struct sim *sim)
{
    if (sim->cell.is_due)
        strike(sim);
    if (sim->cell.heals_at_ms == 0 || sim->now_ms < sim->cell.heals_at_ms)
        return;
    sim->cell.heals_at_ms = 0;
    sim->cell.is_slow = false;
    cut_edges(sim, false);
}

bool matrix_fails(const struct sim *sim, const struct sim_child *child)
{
    const struct order_id *id = &child->order.id;

    return sim->cell.fault == CELL_TASK_FAILS && sim->cell.is_met && id->step == sim->cell.step &&
           id->direction == sim->cell.direction && id->attempt == 1;
}

/* ---- all cells ---- */

/* Nobody had to give it up, and no soak that compares lets players wait. */
static const char *end_fault(const struct sim *sim)
{
    const struct control *control = sim->control;
    const struct summary *last = control->summaries[control->summary_count - 1];
    bool was_slow_in_soak = sim->cell.fault == CELL_PLAYERS_WAIT && sim->cell.stage == STAGE_SOAK &&
                            sim->cell.direction == DIRECTION_DO && last->options.must_compare;

    if (last->state != ROLLOUT_REVERTED && (last->state != ROLLOUT_COMPLETED || was_slow_in_soak))
        return word_of(&rollout_state_names, last->state);
    return NULL;
}

struct tally {
    uint64_t cells, met, runs, violations;
};

static void run_cell(const struct sim_cell *cell, struct tally *tally)
{
    uint64_t met = 0;

    tally->cells++;
    for (uint64_t seed = 1; seed <= SEEDS_MAX && met < SEEDS_MET; seed++) {
        struct sim *sim = sim_new_cell(seed, cell, false);
        bool holds = sim_run(sim);

        tally->runs++;
        met += sim->cell.is_met;
        if (holds && sim->cell.is_met && end_fault(sim) != NULL) {
            (void)text_format(sim->violation, sizeof(sim->violation), "seed %" PRIu64 " ended %s",
                              seed, end_fault(sim));
            holds = false;
        }
        if (!holds) {
            (void)printf("%s, %s %s, %s: %s\n", word_of(&strategy_names, cell->strategy),
                         word_of(&stage_names, cell->stage),
                         word_of(&direction_names, cell->direction), fault_names[cell->fault],
                         sim->violation);
            tally->violations++;
        }
        talloc_free(sim);
    }
    tally->met += met > 0;
    if (met == 0)
        (void)printf("never met: %s, %s %s, %s\n", word_of(&strategy_names, cell->strategy),
                     word_of(&stage_names, cell->stage), word_of(&direction_names, cell->direction),
                     fault_names[cell->fault]);
}

/* What is cut off on the way back only is cut off for a silent agent: no fault of a calm world. */
static bool has_cell(enum strategy strategy, const struct stage_row *row, enum direction direction,
                     enum sim_fault fault)
{
    bool is_gate = direction == DIRECTION_DO ? row->gate != GATE_NONE : row->undo_gate != GATE_NONE;
    bool is_task = direction == DIRECTION_DO ? row->task != TASK_NONE : row->undo != TASK_NONE;

    if (row->stage == STAGE_SEVER || row->stage == STAGE_ISOLATE)
        return false;
    if (row->stage == STAGE_HOLD && strategy == STRATEGY_SHADOW)
        return false; /* nothing comes behind it: it is over at once */
    if (direction == DIRECTION_UNDO &&
        (row->section == SECTION_FINISH || row->section == SECTION_RETIRE))
        return false; /* after the holding, from which it goes back */
    return is_task || (is_gate && fault != CELL_TASK_FAILS);
}

static bool is_repeated(const struct stage_row *rows, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (rows[i].stage == rows[at].stage && rows[i].task == rows[at].task &&
            rows[i].undo == rows[at].undo)
            return true;
    return false;
}

static void run_strategy(enum strategy strategy, struct tally *tally)
{
    size_t count;
    const struct stage_row *rows = strategy_stages(strategy, &count);

    for (size_t i = 0; i < count; i++)
        for (unsigned direction = 0; direction < DIRECTION_COUNT_; direction++)
            for (unsigned fault = CELL_NONE + 1; fault < CELL_FAULT_COUNT; fault++)
                if (!is_repeated(rows, i) &&
                    has_cell(strategy, &rows[i], (enum direction)direction, (enum sim_fault)fault))
                    run_cell(&(struct sim_cell){.strategy = strategy,
                                                .stage = rows[i].stage,
                                                .direction = (enum direction)direction,
                                                .fault = (enum sim_fault)fault},
                             tally);
}

bool matrix_run_all(void)
{
    static const enum strategy all[] = {STRATEGY_ROLLING, STRATEGY_BLUE_GREEN, STRATEGY_TWIN,
                                        STRATEGY_SHADOW, STRATEGY_MAINTENANCE};
    struct tally tally = {.cells = 0};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        run_strategy(all[i], &tally);
    (void)printf("cells %" PRIu64 " met %" PRIu64 " runs %" PRIu64 " violations %" PRIu64 "\n",
                 tally.cells, tally.met, tally.runs, tally.violations);
    return tally.violations == 0 && tally.met == tally.cells;
}
