#include "coordinator/core/rollout_guard.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/twin.h"
#include "coordinator/core/work.h"

#include <string.h>

#define DO(state)     STEP_IN(DIRECTION_DO, STEP_##state)
#define UNDO(state)   STEP_IN(DIRECTION_UNDO, STEP_##state)
#define BOTH(state)   (DO(state) | UNDO(state))
#define FAILED_DOING  (DO(FAILED) | DO(REFUSED) | DO(CANCELLED))
#define FAILED_BACK   (UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED))
#define FAILED_ANYHOW (FAILED_DOING | FAILED_BACK)
#define DONE          (DO(SUCCEEDED) | DO(SKIPPED))
#define DO_ANY        (STEP_IN_ANY & ((UINT32_C(1) << STEP_COUNT_) - 1))
#define MAY_SLEEP     (DO(PENDING) | DONE | SETTLED)
#define SETTLED       (UNDO(SUCCEEDED) | UNDO(SKIPPED))

static bool step_failed(const struct step *step)
{
    return step->state == STEP_FAILED || step->state == STEP_REFUSED ||
           step->state == STEP_CANCELLED;
}

static bool is_contract(const struct step *step)
{
    return step->plan->stage == STAGE_CONTRACT || step->plan->stage == STAGE_REVERT ||
           step->plan->stage == STAGE_CLOSE;
}

static const struct step *next(const struct work *work, uint32_t in, size_t *cursor)
{
    if ((in & MAY_SLEEP) == 0)
        return work_next_awake(work, cursor);
    return *cursor < work->count ? &work->steps[(*cursor)++] : NULL;
}

/* The first step that stands in one of these, and has that property (NULL: any), or NULL. */
static const struct step *find(const struct control *control, uint32_t in,
                               bool (*holds)(const struct control *, const struct step *))
{
    const struct work *work = &control->open->work;
    const struct step *step;

    if (work_count(work, in) == 0)
        return NULL;
    for (size_t i = 0; (step = next(work, in, &i)) != NULL;) {
        if ((in & STEP_IN(step->direction, step->state)) != 0 &&
            (holds == NULL || holds(control, step)))
            return step;
    }
    return NULL;
}

static bool some_stand(const struct control *control, uint32_t in)
{
    return work_count(&control->open->work, in) > 0;
}

bool step_is_undecided(const struct control *control, const struct step *step)
{
    return step->direction == DIRECTION_DO && step->state == STEP_REFUSED &&
           step->plan->gate != GATE_NONE &&
           control->open->work.plan->options.on_inconclusive == ON_INCONCLUSIVE_PAUSE;
}

static bool failed_forward(const struct control *control, const struct step *step)
{
    return !step_is_undecided(control, step);
}

/* A game node whose agent is gone while it has an order, beyond the order's deadline. */
static bool lost_in_step(const struct control *control, const struct step *step)
{
    const struct node *node = control_node(control, step->node);

    return control->open->work.plan->options.on_lost == ON_LOST_REVERT &&
           control->now_ms >= step->deadline_at_ms && (node == NULL || node->link == LINK_LOST);
}

static const char *starved_shard(const struct control *control)
{
    const struct plan *plan = control->open->work.plan;

    for (size_t i = 0; i < plan->shard_count; i++)
        if (fleet_is_starved(control, plan->shards[i].name, plan->options.min_ready))
            return plan->shards[i].name;
    return NULL;
}

/* A rehearsal by itself has nothing to do with players. */
static bool is_starved(const struct control *control)
{
    return control->open->work.plan->strategy != STRATEGY_SHADOW && !twin_holds_back(control) &&
           control->now_ms - control->ready_at_ms >= GRACE_MS &&
           control->now_ms - control->open->changed_at_ms >= SUSPECT_MS &&
           starved_shard(control) != NULL;
}

/* What was copied no longer follows: it cannot be switched to. */
static bool has_lost_copy(const struct control *control)
{
    char why[SENTENCE_SIZE];

    return twin_copy_fault(control, why) != NULL;
}

bool has_failed(const struct control *control)
{
    return find(control, FAILED_DOING, failed_forward) != NULL ||
           find(control, DO(UNKNOWN), lost_in_step) != NULL || is_starved(control) ||
           has_lost_copy(control);
}

static enum twin_following way_back(const struct control *control)
{
    char why[SENTENCE_SIZE];

    return control->open->work.plan->options.accept_data_loss ? TWIN_FOLLOWS
                                                              : twin_mirror(control, why);
}

const char *rollout_way_back_fault(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct rollout *open = control->open;

    return (open->state == ROLLOUT_ADVANCING || open->state == ROLLOUT_HOLDING) &&
                   !open->work.plan->options.accept_data_loss &&
                   twin_mirror(control, ret) == TWIN_FOLLOWS_NO_MORE
               ? ret
               : NULL;
}

/* Going back would lose what players have written since: a person decides. */
bool fails_without_a_way_back(const struct control *control)
{
    return way_back(control) == TWIN_FOLLOWS_NO_MORE && has_failed(control);
}

/* As long as nobody knows whether anything would be lost, it waits. */
bool fails_with_a_way_back(const struct control *control)
{
    return has_failed(control) && way_back(control) == TWIN_FOLLOWS;
}

bool way_back_would_lose(const struct control *control)
{
    return way_back(control) != TWIN_FOLLOWS;
}

bool players_wait_too_long(const struct control *control)
{
    return control->open->came_from != ROLLOUT_REVERTING && twin_pause_is_too_long(control);
}

/* Two colours at once is no state to halt in, nor are pools that hold players back. */
static bool failed_to_switch(const struct control *control, const struct step *step)
{
    return step->plan->stage == STAGE_SWITCH && failed_forward(control, step);
}

bool fails_and_halts(const struct control *control)
{
    return find(control, FAILED_DOING, failed_to_switch) == NULL && !twin_is_closing(control) &&
           control->open->work.plan->options.on_failure == ON_FAILURE_HALT && has_failed(control);
}

bool is_inconclusive(const struct control *control)
{
    return find(control, DO(REFUSED), step_is_undecided) != NULL;
}

static bool is_holding_open(const struct control *control)
{
    const struct work *work = &control->open->work;

    return work->hold != 0 && work_step(work, work->hold)->state == STEP_RUNNING;
}

static bool lacks_schema(const struct control *control, const struct step *step)
{
    bool is_schema = step->plan->task == TASK_EXPAND || step->plan->task == TASK_BACKFILL;

    return is_schema && ((step->state != STEP_SUCCEEDED && step->state != STEP_SKIPPED) ||
                         step_was_forgotten(control, &control->open->work, step));
}

bool has_lost_schema(const struct control *control)
{
    return find(control, STEP_IN_ANY, lacks_schema) != NULL;
}

/* A promotion took its schema away meanwhile. */
static bool is_out_again(const struct control *control, const struct step *step)
{
    /* In a maintenance with contracts everybody is let in after the holding. */
    return step->plan->id < control->open->work.hold &&
           (step->plan->stage == STAGE_DRAIN || step->plan->stage == STAGE_ADMIT);
}

bool has_reached_holding(const struct control *control)
{
    return is_holding_open(control) && !has_lost_schema(control) &&
           find(control, DO_ANY & ~DONE, is_out_again) == NULL;
}

static bool has_contracts_to_do(const struct control *control, const struct step *step)
{
    (void)control;
    return is_contract(step);
}

/* Released nodes that were skipped or left out forbid every contract. */
static bool is_left_out_release(const struct control *control, const struct step *step)
{
    (void)control;
    return step->plan->stage == STAGE_RELEASE && step->is_left_out;
}

static bool is_let_in_later(const struct control *control, const struct step *step)
{
    return strategy_closes(control->open->work.plan->strategy) &&
           step->plan->stage == STAGE_ADMIT && step->plan->id > control->open->work.hold;
}

/* Two databases that follow one another are no state to end in, whatever is left undone. */
static bool has_twin_to_close(const struct control *control, const struct step *step)
{
    (void)control;
    return step->plan->stage == STAGE_CLOSE;
}

static bool has_nothing_to_contract(const struct control *control)
{
    if (find(control, DO(PENDING), has_twin_to_close) != NULL)
        return false;
    return find(control, DO(PENDING), has_contracts_to_do) == NULL ||
           find(control, STEP_IN_ANY, is_left_out_release) != NULL ||
           control->open->work.plan->options.except_count > 0;
}

bool is_released_without_contracts(const struct control *control)
{
    char why[SENTENCE_SIZE];

    return control_hold_is_over(control) && has_nothing_to_contract(control) &&
           find(control, STEP_IN_ANY, is_let_in_later) == NULL &&
           rollout_primaries_fault(control, why) == NULL;
}

/* The last thing before the point of no return that a window holds up: what is begun then is gone
 * through with. */
bool may_contract(const struct control *control)
{
    char why[SENTENCE_SIZE];

    if (rollout_is_stopped_by_window(control))
        return false;
    return control_hold_is_over(control) && rollout_contract_fault(control, why) == NULL;
}

bool window_has_shut(const struct control *control)
{
    return !is_holding_open(control) && find(control, DO(REFUSED), step_is_undecided) == NULL &&
           rollout_is_stopped_by_window(control);
}

bool window_opens_again(const struct control *control)
{
    return control->open->waits_for_window && !rollout_window_is_shut(control);
}

bool window_stops_it(const struct control *control)
{
    return rollout_is_stopped_by_window(control);
}

bool waits_for_its_window(const struct control *control)
{
    return control->open->waits_for_window;
}

bool rollout_waits_by_itself(const struct control *control)
{
    const struct rollout *open = control->open;
    char why[SENTENCE_SIZE];

    if (!rollout_waits_for_window_alone(control))
        return false;
    return open->waits_for_window ||
           (open->state == ROLLOUT_HOLDING && control_hold_is_over(control) &&
            rollout_contract_fault(control, why) == NULL);
}

bool all_is_done(const struct control *control)
{
    return !some_stand(control, STEP_IN_ANY & ~DONE);
}

/* In completing only what is still to come can fail; in reverting, only the way back. */
bool step_failed_back(const struct control *control, const struct step *step)
{
    (void)control;
    return step->direction == DIRECTION_UNDO && step_failed(step);
}

static bool failed_for_good(const struct control *control, const struct step *step)
{
    return !step_may_be_left(control, &control->open->work, step);
}

bool contract_has_failed(const struct control *control)
{
    return find(control, FAILED_ANYHOW, failed_for_good) != NULL;
}

/* A pool that cannot be paused for a contract: nothing is burned yet. */
bool has_failed_before_contract(const struct control *control)
{
    return !control->open->has_contracted && contract_has_failed(control);
}

/* Going back takes about as long as what is taken back, and some of it can wait for nobody: a third
 * is kept for it. Who waits for a person waits with players locked out. */
bool budget_is_nearly_used(const struct control *control)
{
    const struct rollout *open = control->open;
    uint64_t budget_ms = open->work.plan->options.budget_ms;

    return budget_ms != 0 && !open->has_contracted && open->came_from != ROLLOUT_REVERTING &&
           control->now_ms - open->started_at_ms >= budget_ms - budget_ms / 3;
}

bool undo_has_failed(const struct control *control)
{
    return some_stand(control, FAILED_BACK);
}

static bool is_unknown_too_long(const struct control *control, const struct step *step)
{
    return control->now_ms - step->changed_at_ms >= UNKNOWN_MAX_MS;
}

bool has_unknown_too_long(const struct control *control)
{
    return find(control, BOTH(UNKNOWN), is_unknown_too_long) != NULL;
}

bool all_is_settled(const struct control *control)
{
    return !some_stand(control, STEP_IN_ANY & ~SETTLED);
}

/* Nothing failed or unknown is left: a late answer has come. */
bool is_unstuck(const struct control *control)
{
    uint32_t failed = control->open->came_from == ROLLOUT_REVERTING ? FAILED_BACK : FAILED_ANYHOW;

    return !some_stand(control, failed) &&
           find(control, BOTH(UNKNOWN), is_unknown_too_long) == NULL;
}

bool is_expired(const struct control *control)
{
    return control->now_ms - control->open->changed_at_ms >= PLAN_TTL_MS;
}

static bool is_step_unresolved(const struct control *control, const struct step *step)
{
    (void)control;
    return step->state == STEP_UNKNOWN || step->state == STEP_FAILED ||
           step->plan->gate == GATE_NONE;
}

bool has_unresolved_step(const struct control *control)
{
    return find(control, FAILED_DOING | DO(UNKNOWN), is_step_unresolved) != NULL;
}

bool came_from_reverting(const struct control *control)
{
    return control->open->came_from == ROLLOUT_REVERTING;
}

bool may_return(const struct control *control)
{
    return !control->open->has_contracted && control->open->came_from != ROLLOUT_COMPLETING;
}

void rollout_explain_failure(const struct control *control, char ret[static SENTENCE_SIZE])
{
    const struct step *step = find(control, FAILED_ANYHOW, NULL);

    if (step == NULL)
        step = find(control, DO(UNKNOWN), lost_in_step);
    if (step == NULL)
        step = find(control, BOTH(UNKNOWN), is_unknown_too_long);
    if (step == NULL && twin_copy_fault(control, ret) != NULL)
        return;
    if (step == NULL) {
        const char *shard = starved_shard(control);

        (void)text_format(ret, SENTENCE_SIZE, "shard %s has fewer than %llu ready game nodes",
                          shard == NULL ? "?" : shard,
                          (unsigned long long)control->open->work.plan->options.min_ready);
        return;
    }
    (void)text_format(ret, SENTENCE_SIZE, "step %llu, %s of %s: %.800s",
                      (unsigned long long)step->plan->id, word_of(&stage_names, step->plan->stage),
                      step->plan->target[0] != '\0' ? step->plan->target
                      : step->node[0] != '\0'       ? step->node
                                                    : step->plan->shard,
                      step->detail.copy != NULL ? text_kept(&step->detail) : "its agent is silent");
}
