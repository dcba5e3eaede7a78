/* handle.c: events to machines, and settling until nothing more follows. */
#include "coordinator/core/control.h"

#include "coordinator/core/gate.h"
#include "coordinator/core/hear.h"
#include "coordinator/core/node.h"
#include "coordinator/core/request.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_scene.h"
#include "coordinator/core/window.h"
#include "coordinator/core/work.h"
#include "proto/copy.h"

#include <assert.h>
#include <string.h>

static void handle_started(struct run *run, const struct event *event)
{
    struct fact_started *fact = run_body(run, fact_row(FACT_STARTED)->record);
    const struct control *control = run->control;

    (void)text_copy(fact->journal, JOURNAL_SIZE,
                    control->journal[0] != '\0' ? control->journal : event->journal);
    fact->term = control->term + 1;
    fact->outage_ms = control->term == 0 ? 0 : event->at_ms - event->outage_from_ms;
    run_emit(run, FACT_STARTED, fact);
}

static void handle_catalog(struct run *run, const struct event *event)
{
    struct catalog *catalog;

    if (strcmp(run->control->catalog->bundle, event->catalog->bundle) == 0 &&
        run->control->catalog->release_count == event->catalog->release_count &&
        catalog_is_same(run->control->catalog, event->catalog))
        return;
    catalog = record_clone(&catalog_record, event->catalog, run->decisions->memory);
    run_emit(run, FACT_CATALOG, catalog);
}

static void handle_windows(struct run *run, const struct event *event)
{
    if (windows_are_same(run->control->windows, event->windows))
        return;
    run_emit(run, FACT_WINDOWS,
             record_clone(&windows_record, event->windows, run->decisions->memory));
}

static void handle_request(struct run *run, const struct event *event)
{
    struct wish wish = {
        .operator_name = event->operator_name, .id = event->request_id, .request = event->request};

    request_fulfil(run, &wish);
}

static void advance_clock(struct control *control, uint64_t at_ms)
{
    /* Journaled time is max(previous, wall clock): it never goes back. */
    if (at_ms > control->now_ms)
        control->now_ms = at_ms;
}

void control_handle(struct control *control, const struct event *event, struct decisions *ret)
{
    struct run run = {.control = control, .decisions = ret};

    assert(event->type < EVENT_COUNT);
    advance_clock(control, event->at_ms);
    switch (event->type) {
    case EVENT_STARTED:
        handle_started(&run, event);
        break;
    case EVENT_CATALOG:
        handle_catalog(&run, event);
        break;
    case EVENT_WINDOWS:
        handle_windows(&run, event);
        break;
    case EVENT_MESSAGE:
        hear_message(&run, event);
        break;
    case EVENT_REQUEST:
        handle_request(&run, event);
        break;
    case EVENT_TICK:
    case EVENT_COUNT:
        break;
    }
}

/* ---- settling ---- */

/* No row fires for it: most steps of a large plan, most of the time.  What was done on a primary is
 * never at rest: another may have to do it again.  Nor is a game node's while its ground is lost,
 * nor a pool's pause, which its agent may end. */
static bool is_at_rest(const struct work *work, const struct step *step)
{
    bool is_done = step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED;

    return is_done && (!work->vigil.goes_back || step->direction == DIRECTION_UNDO) &&
           !task_row(step_task(step))->on_primary && step_task(step) != TASK_PAUSE_POOL &&
           !(work->vigil.lost_ground && step->plan->target[0] != '\0');
}

/* Nor for one whose turn has not come. */
static bool waits_for_its_turn(const struct work *work, const struct step *step)
{
    const struct scene scene = {.work = work, .step = step};

    return !work->vigil.goes_back && step->direction == DIRECTION_DO &&
           step->state == STEP_PENDING && step_that_is_needed(&scene) != NULL;
}

static void look_how_it_moves(const struct control *control, struct work *work)
{
    enum movement movement = work_movement(control, work);
    struct vigil now = {.awake = work->vigil.awake,
                        .goes_back = movement == MOVES_BACK,
                        .lost_ground = work_has_lost_ground(control, work)};

    if (now.goes_back != work->vigil.goes_back || now.lost_ground != work->vigil.lost_ground)
        work_wake_all(work);
    work->vigil = now;
}

static void settle_step(struct run *run, struct work *work, struct step *step)
{
    static const struct step_event tick = {.type = STEP_TICK};

    if (is_at_rest(work, step) || waits_for_its_turn(work, step)) {
        work_sleep(work, step->plan->id - 1);
        return;
    }
    if (step->state == STEP_RUNNING && step_gate(step) != GATE_NONE)
        gate_sample(run, work, step);
    (void)step_fire(run, work, step, &tick, NULL);
}

static void settle_work(struct run *run, struct work *work)
{
    struct step *step;
    size_t cursor = 0;

    look_how_it_moves(run->control, work);
    while ((step = work_next_awake(work, &cursor)) != NULL)
        settle_step(run, work, step);
}

static void settle_nodes(struct run *run)
{
    for (size_t i = 0; i < run->control->node_count; i++) {
        struct node *node = run->control->nodes[i];

        (void)node_fire(run, node, NODE_TICK, NULL);
        if (node->repair != NULL)
            settle_work(run, node->repair);
    }
}

static bool waits_for_person(const struct control *control)
{
    const struct rollout *open = control->open;
    const struct step *step;
    size_t cursor = 0;

    if (rollout_waits_by_itself(control))
        return false;
    if (open->state == ROLLOUT_HALTED || open->state == ROLLOUT_STUCK ||
        open->state == ROLLOUT_PAUSED || open->state == ROLLOUT_HOLDING)
        return true;
    while ((step = work_next_awake(&open->work, &cursor)) != NULL)
        if (step_waits_for_lost(control, &open->work, step))
            return true;
    return false;
}

/* Players who do not go home are waited for, by policy: somebody should know at once. */
static bool waits_for_players(const struct control *control)
{
    const struct work *work = &control->open->work;
    const struct step *step;
    size_t cursor = 0;

    while ((step = work_next_awake(work, &cursor)) != NULL)
        if (step_waits_for_sessions(control, work, step))
            return true;
    return false;
}

static bool is_to_ring(const struct control *control)
{
    const struct rollout *open = control->open;

    char why[SENTENCE_SIZE];

    if (control->now_ms < open->ring_at_ms)
        return false;
    return waits_for_players(control) || rollout_way_back_fault(control, why) != NULL ||
           (control->now_ms - open->changed_at_ms >= RING_MS && waits_for_person(control));
}

/* A person is called again and again for as long as the rollout waits for one. */
static void ring_again(struct run *run)
{
    char why[SENTENCE_SIZE];

    if (run->control->open == NULL || !is_to_ring(run->control))
        return;
    rollout_reason(run->control, why);
    run_ring(run, "rollout", why);
}

void control_settle(struct control *control, uint64_t at_ms, struct decisions *ret)
{
    struct run run = {.control = control, .decisions = ret};

    advance_clock(control, at_ms);
    for (int pass = 0; pass < SETTLE_PASSES_MAX; pass++) {
        run.has_changed = false;
        settle_nodes(&run);
        if (control->open != NULL)
            settle_work(&run, &control->open->work);
        if (control->open != NULL)
            (void)rollout_fire(&run, ROLLOUT_ON_TICK, "", NULL);
        if (!run.has_changed)
            break;
    }
    ring_again(&run);
    assert(control_broken_invariant(control) == NULL);
}

uint64_t control_wake_at_ms(const struct control *control)
{
    /* Deadlines have the resolution of a quarter of a beat; finer would decide nothing earlier,
     * since evidence arrives once a beat. */
    return control->now_ms + BEAT_MS / 4;
}
