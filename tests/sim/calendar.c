/* calendar.c: the operators' windows and freezes, and what must hold of them. */
#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/step.h"
#include "coordinator/core/strategy.h"
#include "tests/sim/world.h"

#include <string.h>

#define OPEN_MIN_MS  15000
#define OPEN_MORE_MS 60000
#define SHUT_MIN_MS  5000
#define SHUT_MORE_MS 60000
#define FREEZES      2
#define FREEZE_MS    UINT64_C(90000)

/* All within the first day; the last one is open until its end. */
void calendar_make(struct sim *sim)
{
    struct windows *windows = &sim->windows;
    uint64_t at_ms = sim_below(sim, OPEN_MORE_MS);

    windows->windows = memory_array(sim, struct window, WINDOWS_MAX);
    windows->freezes = memory_array(sim, struct freeze, FREEZES);
    while (windows->window_count < WINDOWS_MAX) {
        bool is_last = windows->window_count + 1 == WINDOWS_MAX;
        uint64_t until_ms = at_ms + OPEN_MIN_MS + sim_below(sim, OPEN_MORE_MS);

        windows->windows[windows->window_count++] = (struct window){
            .days = WINDOW_ALL_DAYS, .from_ms = at_ms, .to_ms = is_last ? WINDOW_DAY_MS : until_ms};
        at_ms = until_ms + SHUT_MIN_MS + sim_below(sim, SHUT_MORE_MS);
    }
    for (; windows->freeze_count < FREEZES; windows->freeze_count++) {
        struct freeze *freeze = &windows->freezes[windows->freeze_count];

        freeze->from_ms = sim_below(sim, 4 * FREEZE_MS);
        freeze->to_ms = freeze->from_ms + 1 + sim_below(sim, FREEZE_MS);
        (void)text_copy(freeze->why, WINDOW_WHY_SIZE, "simulated");
    }
}

/* Looked up plainly, not as the core does it. */
static bool is_shut(const struct sim *sim)
{
    const struct windows *windows = &sim->windows;
    bool is_open = windows->window_count == 0;

    for (size_t i = 0; i < windows->window_count; i++)
        is_open |=
            sim->now_ms >= windows->windows[i].from_ms && sim->now_ms < windows->windows[i].to_ms;
    for (size_t i = 0; i < windows->freeze_count; i++)
        is_open &=
            sim->now_ms < windows->freezes[i].from_ms || sim->now_ms >= windows->freezes[i].to_ms;
    return !is_open;
}

static bool is_bound(const struct rollout *open)
{
    return !strategy_leads_back(open->work.plan->strategy) &&
           open->work.plan->options.override_window[0] == '\0' && open->override_window[0] == '\0';
}

/* Not at this very moment: two that are begun together do not vouch for each other. */
static bool was_ordered_before(const struct sim *sim, const struct work *work, enum stage stage,
                               const char *target)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage == stage && step->attempt > 0 && step->started_at_ms != 0 &&
            step->started_at_ms < sim->now_ms &&
            (target == NULL || strcmp(step->plan->target, target) == 0))
            return true;
    }
    return false;
}

static bool is_out_somewhere(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[game] != TRAFFIC_READY)
            return true;
    return false;
}

/* To the same share of the traffic. */
static bool other_edge_was_switched(const struct sim *sim, const struct work *work,
                                    const struct plan_step *plan)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage == STAGE_SWITCH && step->plan->id != plan->id &&
            step->plan->share_permille == plan->share_permille && step->attempt > 0 &&
            step->started_at_ms != 0 && step->started_at_ms < sim->now_ms)
            return true;
    }
    return false;
}

static bool goes_on_with_something(const struct sim *sim, const struct work *work,
                                   const struct plan_step *plan, const struct fact_step *fact)
{
    int game = plan->target[0] == '\0' ? -1 : sim_node_at(sim, plan->target);

    if (fact->attempt > 1)
        return true;
    if (plan->stage == STAGE_SWITCH)
        return other_edge_was_switched(sim, work, plan);
    if (work->plan->strategy == STRATEGY_TWIN && was_ordered_before(sim, work, STAGE_PAUSE, NULL))
        return true;
    if (work->plan->strategy == STRATEGY_MAINTENANCE)
        return was_ordered_before(sim, work, STAGE_ANNOUNCE, NULL);
    return game >= 0 && (is_out_somewhere(sim, game) ||
                         was_ordered_before(sim, work, STAGE_DRAIN, plan->target));
}

static void check_order(struct sim *sim, const struct rollout *open, const struct fact_step *fact)
{
    const struct plan_step *plan = work_step(&open->work, fact->step)->plan;

    if (fact->repair == 0 && fact->direction == DIRECTION_DO && fact->state == STEP_ORDERED &&
        open->state == ROLLOUT_ADVANCING && !goes_on_with_something(sim, &open->work, plan, fact))
        sim_break(sim, "something new is begun outside its window");
}

/* Out by the plan: drained by it, and not admitted by it yet. */
static bool is_left_drained(const struct sim *sim, const struct work *work, int game)
{
    return was_ordered_before(sim, work, STAGE_DRAIN, sim->nodes[game].name) &&
           is_out_somewhere(sim, game) &&
           control_node(sim->control, sim->nodes[game].name) != NULL &&
           control_node(sim->control, sim->nodes[game].name)->quarantine == QUARANTINE_NONE &&
           control_node(sim->control, sim->nodes[game].name)->repair == NULL;
}

static void check_stop(struct sim *sim, const struct rollout *open)
{
    const struct sim_split *first = NULL;

    for (int i = 0; i < sim->node_count && !sim->was_overruled; i++) {
        const struct sim_node *node = &sim->nodes[i];

        if (node->kind == KIND_GAME && is_left_drained(sim, &open->work, i))
            sim_break(sim, "a rollout stops for its window with a server drained");
        if (node->is_pooler && node->is_paused && !node->has_forgotten)
            sim_break(sim, "a rollout stops for its window with a pool paused");
        if (is_balancer(node) && first != NULL && !edge_split_equals(&node->split_meant, first))
            sim_break(sim, "a rollout stops for its window half-switched");
        if (is_balancer(node))
            first = &node->split_meant;
    }
}

static void check_rollout(struct sim *sim, const struct rollout *open,
                          const struct fact_rollout *fact)
{
    bool plays = open->work.plan->strategy != STRATEGY_MAINTENANCE;

    if (fact->rule == 1201)
        sim_break(sim, "a rollout is started outside its window");
    if (fact->rule == 1115 && plays)
        sim_break(sim, "contracts are begun outside the window");
    if (fact->state == ROLLOUT_PAUSED && fact->rule == 1108)
        check_stop(sim, open);
}

/* Once the fact has been applied. */
void calendar_watch(struct sim *sim, const struct fact *fact)
{
    const struct rollout *open = sim->control->open;

    if (open == NULL || !is_bound(open) || !is_shut(sim))
        return;
    if (fact->type == FACT_STEP)
        check_order(sim, open, fact->body);
    if (fact->type == FACT_ROLLOUT)
        check_rollout(sim, open, fact->body);
}

/* A rollback never waits for a window. */
void calendar_check_way_back(struct sim *sim)
{
    const struct rollout *open = sim->control == NULL ? NULL : sim->control->open;

    if (open == NULL ||
        (open->state != ROLLOUT_REVERTING && !strategy_leads_back(open->work.plan->strategy)))
        return;
    if (open->waits_for_window)
        sim_break(sim, "a rollback waits for a window");
    for (size_t i = 0; i < open->work.count; i++) {
        char why[SENTENCE_SIZE];

        /* What was due going forward is turned around at the next tick. */
        if (open->work.steps[i].state != STEP_DUE ||
            (open->work.steps[i].direction == DIRECTION_DO &&
             !strategy_leads_back(open->work.plan->strategy)))
            continue;
        step_reason(sim->control, &open->work, &open->work.steps[i], why);
        if (strstr(why, "not begun now") != NULL)
            sim_break(sim, "a step of the way back waits for a window");
    }
}
