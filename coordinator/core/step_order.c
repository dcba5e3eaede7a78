/* step_order.c: what a step is at present, and the order that it becomes. */
#include "coordinator/core/step_scene.h"

#include "common/base/memory.h"
#include "coordinator/core/compile.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/twin.h"

#include <string.h>

#define DRAIN_BACK_MS 5000  /* what is left then is cut: the release is bad, or unwanted */
#define PATIENCE_MS   60000 /* of a step that could be ordered but for its node */

enum movement work_movement(const struct control *control, const struct work *work)
{
    if (work->repair != 0)
        return MOVES_FORWARD;
    switch (control->open->state) {
    case ROLLOUT_ADVANCING:
    case ROLLOUT_COMPLETING:
        return MOVES_FORWARD;
    case ROLLOUT_REVERTING:
        return MOVES_BACK;
    case ROLLOUT_PLANNED:
    case ROLLOUT_PAUSED:
    case ROLLOUT_HALTED:
    case ROLLOUT_HOLDING:
    case ROLLOUT_COMPLETED:
    case ROLLOUT_REVERTED:
    case ROLLOUT_STUCK:
    case ROLLOUT_ABANDONED:
    case ROLLOUT_CANCELLED:
    case ROLLOUT_COUNT_:
        break;
    }
    return MOVES_NOT;
}

bool work_is_turned_back(const struct scene *scene)
{
    return scene->work->repair == 0 && fleet_is_going_back(scene->control);
}

bool step_is_settled(const struct step *step)
{
    return step->direction == DIRECTION_UNDO &&
           (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED);
}

bool step_is_open(const struct step *step)
{
    return step->state == STEP_ORDERED || step->state == STEP_RUNNING ||
           step->state == STEP_UNKNOWN;
}

enum task step_task(const struct step *step)
{
    return step->direction == DIRECTION_DO ? step->plan->task : step->plan->undo;
}

enum gate step_gate(const struct step *step)
{
    return step->direction == DIRECTION_DO ? step->plan->gate : step->plan->undo_gate;
}

bool step_is_task(const struct step *step)
{
    return step_task(step) != TASK_NONE;
}

const struct node *step_primary(const struct control *control, const struct step *step)
{
    return fleet_primary_of(control, step->plan->shard, step->plan->side);
}

const char *step_node(const struct control *control, const struct step *step)
{
    const struct node *primary;

    if (!task_row(step_task(step))->on_primary)
        return step->plan->node;
    primary = step_primary(control, step);
    return primary == NULL ? "" : primary->identity.name;
}

uint64_t step_number(const struct work *work, const struct step *step)
{
    return work->repair == 0 ? step->plan->id
                             : work->repair * ORDER_REPAIR_STEPS_MAX + step->plan->id;
}

uint64_t step_deadline_ms(const struct step *step)
{
    if (step->direction == DIRECTION_UNDO && step_is_task(step) &&
        step_task(step) != step->plan->task)
        return task_row(step_task(step))->deadline_ms;
    return step->plan->deadline_ms;
}

uint64_t step_patience_ms(const struct step *step, enum step_state state)
{
    if (state == STEP_DUE)
        return PATIENCE_MS;
    return step->plan->deadline_ms + (step->direction == DIRECTION_DO ? step->plan->steady_ms : 0);
}

/* What is done with both databases of a pair says nothing of the WAL of either: they are two
 * systems, and count apart. */
static bool is_in_wal_of(const struct step *done, const struct step *step)
{
    return strcmp(done->plan->shard, step->plan->shard) == 0 &&
           strcmp(done->plan->side, step->plan->side) == 0 &&
           !task_row(step_task(done))->names_twin;
}

uint64_t shard_position(const struct control *control, const struct work *work,
                        const struct step *step)
{
    const struct node *primary = step_primary(control, step);
    uint64_t position = 0;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].position > position && is_in_wal_of(&work->steps[i], step))
            position = work->steps[i].position;
    if (position == 0 && primary != NULL)
        position = primary->report->database.position;
    return position;
}

static enum database_part part_of(const struct control *control, const struct node *node)
{
    const struct node *primary =
        fleet_primary_of(control, node->identity.shard, node->identity.colour);

    if (primary == NULL)
        return PART_NOT_KNOWN;
    return primary == node ? PART_PRIMARY : PART_REPLICA;
}

static void fill_database(const struct control *control, const struct work *work,
                          const struct step *step, struct task_arguments *ret)
{
    const struct node *node = control_node(control, step->node);
    const struct plan_shard *shard =
        work_shard(work, node != NULL ? node->identity.shard : step->plan->shard);

    if (node != NULL && step_task(step) == TASK_PREFLIGHT)
        ret->part = part_of(control, node);
    if (shard != NULL)
        (void)text_copy(ret->system_id, sizeof(ret->system_id),
                        twin_system_id(shard, node != NULL ? node->identity.colour : ""));
    if (node != NULL && node->report != NULL)
        ret->timeline = node->report->database.timeline;
    if (step_task(step) == TASK_AWAIT_REPLAY)
        ret->position = shard_position(control, work, step);
}

static void fill_twin(const struct control *control, const struct work *work,
                      const struct step *step, struct task_arguments *ret)
{
    const char *target = twin_target(control, work, step);

    if (target[0] != '\0')
        (void)text_copy(ret->target, NAME_SIZE, target);
    ret->has_writes = twin_has_writes(work, step);
    if (step_task(step) == TASK_COMPARE)
        ret->budget_ms = step->plan->is_closed ? step->plan->deadline_ms / COMPARE_OVERHEAD : 0;
}

/* What is left of it when the game server is told. */
static uint64_t drain_left_ms(const struct control *control, const struct work *work,
                              const struct step *step)
{
    struct target_steps steps = work_steps_of_target(work, step->plan->target);
    uint64_t drain_ms = work->plan->options.drain_ms;
    uint64_t gone_ms = 0;

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *drain = work_target_step(work, &steps, i);

        if (drain->plan->stage == STAGE_DRAIN && drain->started_at_ms != 0 &&
            control->now_ms - drain->started_at_ms > gone_ms)
            gone_ms = control->now_ms - drain->started_at_ms;
    }
    return gone_ms < drain_ms ? drain_ms - gone_ms : 0;
}

static void fill_drain(const struct control *control, const struct work *work,
                       const struct step *step, struct task_arguments *ret)
{
    const struct rollout_options *options = &work->plan->options;

    if (step_task(step) == TASK_RECALL)
        return; /* it is over */
    ret->drain_ms = options->drain_ms;
    ret->drain_max_ms = options->drain_max_ms;
    ret->on_drain_late = options->on_drain_late;
    if (step_task(step) == TASK_NOTIFY)
        ret->drain_ms = drain_left_ms(control, work, step);
    if (step->direction == DIRECTION_DO)
        return;
    /* Nobody waits for what does not end: it is on a release that must go. */
    ret->on_drain_late = ON_DRAIN_LATE_FORCE;
    if (ret->drain_ms > DRAIN_BACK_MS)
        ret->drain_ms = DRAIN_BACK_MS;
}

/* A preflight is for every kind. */
static bool is_of_database(const struct control *control, const struct step *step)
{
    const struct node *node = control_node(control, step->node);
    enum node_kind kind = task_row(step_task(step))->kind;

    return kind == KIND_DATABASE ||
           (kind == KIND_NONE && node != NULL && node->identity.kind == KIND_DATABASE);
}

void step_order_games(const struct scene *scene, struct order *order)
{
    const struct work *work = scene->work;
    const struct node *edge = control_node(scene->control, scene->step->node);
    struct task_arguments *arguments = &order->arguments;

    if (step_task(scene->step) != TASK_PREFLIGHT || edge == NULL ||
        edge->identity.kind != KIND_EDGE)
        return;
    arguments->games = memory_array(order, struct name_item, REPORT_SERVERS_MAX);
    for (size_t i = 0; i < work->count && arguments->game_count < REPORT_SERVERS_MAX; i++) {
        const struct plan_step *plan = work->steps[i].plan;

        /* Whoever is moved is let in once, at each of its edges. */
        if (plan->task == TASK_ADMIT && strcmp(plan->node, edge->identity.name) == 0)
            (void)text_copy(arguments->games[arguments->game_count++].name, NAME_SIZE,
                            plan->target);
    }
}

void step_order(const struct control *control, const struct work *work, const struct step *step,
                uint64_t attempt, struct order *ret)
{
    const struct plan_step *plan = step->plan;
    const struct node *target = control_node(control, plan->target);
    struct task_arguments *arguments = &ret->arguments;

    ret->id = (struct order_id){.rollout = work->repair != 0 ? 0 : work->plan->rollout,
                                .step = step_number(work, step),
                                .direction = step->direction,
                                .attempt = attempt};
    ret->task = step_task(step);
    ret->ttl_ms = step_deadline_ms(step);
    (void)text_copy(ret->journal, sizeof(ret->journal), control->journal);
    (void)text_copy(arguments->shard, NAME_SIZE, plan->shard);
    (void)text_copy(arguments->target, NAME_SIZE, plan->target);
    (void)text_copy(arguments->revision, NAME_SIZE, plan->revision);
    (void)text_copy(arguments->bundle, DIGEST_SIZE, work->plan->bundle);
    (void)text_copy(arguments->release, NAME_SIZE,
                    step->direction == DIRECTION_DO ? plan->release : plan->release_before);
    (void)text_copy(arguments->colour, NAME_SIZE,
                    step->direction == DIRECTION_DO ? plan->colour : plan->colour_before);
    arguments->share_permille = step->direction == DIRECTION_DO ? plan->share_permille : 0;
    if (target != NULL) {
        (void)text_copy(arguments->application, NAME_SIZE, target->identity.application);
        (void)text_copy(arguments->role, NAME_SIZE, target->identity.db_role);
    }
    fill_drain(control, work, step, arguments);
    arguments->budget_ms = work->plan->options.budget_ms;
    if (work->plan->strategy == STRATEGY_MAINTENANCE || work->plan->strategy == STRATEGY_TWIN)
        arguments->pause_ms = PAUSE_LEASE_MS;
    if (work->plan->strategy == STRATEGY_TWIN)
        fill_twin(control, work, step, arguments);
    arguments->of_contract = plan->of_contract;
    arguments->backup_of = work->plan->strategy == STRATEGY_RESTORE ? work->plan->inverse_of : 0;
    arguments->accept_data_loss = work->plan->options.accept_data_loss;
    if (is_of_database(control, step))
        fill_database(control, work, step, arguments);
}
