/* apply.c: the one place that changes the state, with apply_node.c: one function a fact. */
#include "coordinator/core/apply.h"

#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/work.h"
#include "proto/copy.h"

#include <assert.h>
#include <string.h>

enum error_code apply_corrupt(struct error *err, const char *what, const char *name)
{
    return error_set(err, ERROR_CORRUPT, "a fact about %s %s does not fit the journal", what, name);
}

static void move_all_deadlines(struct control *control, uint64_t by_ms)
{
    if (control->open != NULL)
        work_move_deadlines(&control->open->work, by_ms);
    for (size_t i = 0; i < control->node_count; i++)
        if (control->nodes[i]->repair != NULL)
            work_move_deadlines(control->nodes[i]->repair, by_ms);
}

static void forget_samples(struct step *step)
{
    talloc_free(step->gate_record.why.copy);
    step->gate_record = (struct gate_record){.evidence = 0};
}

static enum error_code apply_started(struct control *control, const void *body, struct error *err)
{
    const struct fact_started *fact = body;

    if (fact->term <= control->term)
        return apply_corrupt(err, "a term", "that does not rise");
    (void)text_copy(control->journal, sizeof(control->journal), fact->journal);
    control->term = fact->term;
    control->ready_at_ms = control->now_ms;
    move_all_deadlines(control, fact->outage_ms);
    return ERROR_OK;
}

static enum error_code apply_catalog(struct control *control, const void *body, struct error *err)
{
    (void)err;
    talloc_free(control->catalog);
    control->catalog = record_clone(&catalog_record, body, control);
    return ERROR_OK;
}

static enum error_code apply_goal(struct control *control, const void *body, struct error *err)
{
    const struct fact_goal *fact = body;
    size_t at = control_goal_place(control, fact->shard, fact->node);
    struct goal *goal;

    (void)err;
    if (control_goal(control, fact->shard, fact->node) == NULL) {
        control->goals =
            memory_grow(control, control->goals, control->goal_count, control->goal_count + 1);
        goal = &control->goals[at];
        memmove(goal + 1, goal, (control->goal_count - at) * sizeof(*goal));
        control->goal_count++;
        (void)text_copy(goal->shard, sizeof(goal->shard), fact->shard);
        (void)text_copy(goal->node, sizeof(goal->node), fact->node);
    }
    (void)text_copy(control->goals[at].release, sizeof(control->goals[at].release), fact->release);
    return ERROR_OK;
}

static enum error_code apply_live(struct control *control, const void *body, struct error *err)
{
    const struct fact_live *fact = body;
    struct live_colour *live = NULL;

    (void)err;
    for (size_t i = 0; i < control->live_count; i++)
        if (control->lives[i].of_databases == fact->of_databases &&
            strcmp(control->lives[i].shard, fact->shard) == 0)
            live = &control->lives[i];
    if (live == NULL) {
        control->lives =
            memory_grow(control, control->lives, control->live_count, control->live_count + 1);
        live = &control->lives[control->live_count++];
        (void)text_copy(live->shard, sizeof(live->shard), fact->shard);
        live->of_databases = fact->of_databases;
    }
    (void)text_copy(live->colour, sizeof(live->colour), fact->colour);
    return ERROR_OK;
}

static enum error_code apply_planned(struct control *control, const void *body, struct error *err)
{
    const struct plan *plan = body;
    struct rollout *rollout;

    if (control->open != NULL || !work_plan_is_sound(plan))
        return apply_corrupt(err, "rollout", "that was planned");
    rollout = memory_new(control, struct rollout);
    rollout->work.plan = record_clone(&plan_record, plan, rollout);
    work_build(&rollout->work, rollout);
    rollout->state = ROLLOUT_PLANNED;
    rollout->planned_at_ms = control->now_ms;
    rollout->changed_at_ms = control->now_ms;
    control->open = rollout;
    if (plan->rollout > control->rollout_number)
        control->rollout_number = plan->rollout;
    return ERROR_OK;
}

static bool remembers_origin(enum rollout_state state)
{
    return state == ROLLOUT_PAUSED || state == ROLLOUT_HALTED || state == ROLLOUT_STUCK;
}

static void reset_gates(struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        forget_samples(&work->steps[i]);
}

/* Whom the window held up before it stopped has all its time yet. */
static void resume_deadline(const struct control *control, const struct rollout *rollout,
                            struct step *step)
{
    uint64_t patience_ms = control->now_ms + step_patience_ms(step, STEP_DUE);

    if (step->deadline_at_ms == 0)
        return;
    step->deadline_at_ms += control->now_ms - rollout->changed_at_ms;
    if (rollout->waits_for_window && step->state == STEP_DUE && step->deadline_at_ms < patience_ms)
        step->deadline_at_ms = patience_ms;
}

static enum error_code apply_rollout(struct control *control, const void *body, struct error *err)
{
    const struct fact_rollout *fact = body;
    struct rollout *rollout = control->open;

    if (rollout == NULL)
        return apply_corrupt(err, "rollout", "that is not open");
    if (remembers_origin(rollout->state) && fact->state == rollout->came_from) {
        /* While people waited, no deadline ran, and no gate's evidence held. */
        for (size_t i = 0; i < rollout->work.count; i++)
            resume_deadline(control, rollout, &rollout->work.steps[i]);
        reset_gates(&rollout->work);
    }
    if (remembers_origin(fact->state) && !remembers_origin(rollout->state))
        rollout->came_from = rollout->state;
    if (fact->state == ROLLOUT_ADVANCING && rollout->state == ROLLOUT_PLANNED)
        rollout->started_at_ms = control->now_ms;
    if (fact->state == ROLLOUT_HOLDING && rollout->state == ROLLOUT_ADVANCING)
        rollout->holding_at_ms = control->now_ms;
    if (fact->state == rollout->state && fact->state == ROLLOUT_HOLDING)
        rollout->hold_is_released = true; /* an operator said complete */
    if (fact->state != rollout->state) {
        rollout->changed_at_ms = control->now_ms;
        rollout->ring_at_ms = 0;
    }
    if (fact->state == ROLLOUT_REVERTING && rollout->cause[0] == '\0')
        (void)text_copy(rollout->cause, sizeof(rollout->cause), fact->why);
    rollout->state = fact->state;
    rollout->waits_for_window = fact->waits_for_window;
    rollout->rule = fact->rule;
    (void)text_copy(rollout->why, sizeof(rollout->why), fact->why);
    return ERROR_OK;
}

static bool is_point_of_no_return(const struct plan_step *plan)
{
    return plan->stage == STAGE_CONTRACT || plan->stage == STAGE_REVERT ||
           plan->stage == STAGE_CLOSE || plan->stage == STAGE_RESTORE;
}

/* Session tasks of the way back and of repairs leave a mark on the game node. */
static void note_sessions(struct control *control, const struct step *step)
{
    struct node *target = control_node(control, step->plan->target);
    enum task done = step->direction == DIRECTION_DO ? step->plan->task : step->plan->undo;

    if (target == NULL)
        return;
    if (step->state == STEP_ORDERED && done == TASK_END_SESSIONS)
        target->is_severed = true;
    if (step->state == STEP_SUCCEEDED && done == TASK_ALLOW_SESSIONS)
        target->is_severed = false;
}

/* What a server was told last; one that is started anew was told nothing. */
static void note_told(struct control *control, const struct step *step)
{
    struct node *target = control_node(control, step->plan->target);
    enum task done = step->direction == DIRECTION_DO ? step->plan->task : step->plan->undo;

    if (target == NULL)
        return;
    if (done == TASK_NOTIFY && step->state == STEP_ORDERED)
        target->is_told = true;
    if (done == TASK_NOTIFY && step->state == STEP_CANCELLED && !step->had_effect)
        target->is_told = false; /* it never arrived, and never will */
    if ((done == TASK_RECALL || done == TASK_RELEASE) && step->state == STEP_SUCCEEDED)
        target->is_told = false;
}

/* A switch is taken back as a whole: out, the release before, healthy, in again. */
static bool is_of_a_switch(const struct step *step)
{
    return step->plan->stage == STAGE_DRAIN || step->plan->stage == STAGE_OUT ||
           step->plan->stage == STAGE_RELEASE || step->plan->stage == STAGE_ADMIT;
}

static bool did_own_release(const struct work *work, const struct target_steps *own,
                            const struct step *done)
{
    for (size_t i = 0; i < own->count; i++) {
        const struct plan_step *plan = work_target_step(work, own, i)->plan;

        if (plan->stage == STAGE_RELEASE && strcmp(plan->release, done->plan->release) == 0 &&
            strcmp(plan->release, plan->release_before) != 0)
            return true;
    }
    return false;
}

/* A repair during the rollout that did what the rollout's own steps were to do: to be taken back
 * with it. */
static void note_repair(struct control *control, const struct step *done)
{
    struct work *work = control_work(control, 0);
    struct target_steps own;
    bool has_switched;

    if (work == NULL || done->state != STEP_SUCCEEDED ||
        (done->plan->stage != STAGE_RELEASE && done->plan->stage != STAGE_ADMIT))
        return;
    own = work_steps_of_target(work, done->plan->target);
    has_switched = done->plan->stage == STAGE_RELEASE && did_own_release(work, &own, done);
    for (size_t i = 0; i < own.count; i++) {
        struct step *step = work_step(work, own.ids[i]);
        /* Whose turn comes after the hold is to be admitted on another release than now. */
        bool is_to_come = work->hold != 0 && step->plan->id > work->hold;
        bool is_same = step->plan->stage == STAGE_ADMIT && done->plan->stage == STAGE_ADMIT &&
                       strcmp(step->plan->node, done->plan->node) == 0 && !is_to_come;

        if (step->direction == DIRECTION_DO && (is_same || (has_switched && is_of_a_switch(step))))
            step->had_effect = true;
    }
}

static void change_step(const struct step *steps, struct step *step, const struct fact_step *fact,
                        uint64_t now_ms)
{
    bool is_new_state = step->state != fact->state || step->direction != fact->direction;

    if (fact->direction != step->direction) {
        step->started_at_ms = 0;
        step->progress[0] = '\0';
        step->done = step->total = 0;
    }
    if (is_new_state) {
        step->changed_at_ms = now_ms;
        step->asked_at_ms = 0;
        forget_samples(step);
    }
    if (step->started_at_ms == 0 && (fact->state == STEP_ORDERED || fact->state == STEP_RUNNING))
        step->started_at_ms = now_ms;
    step->direction = fact->direction;
    step->state = fact->state;
    step->attempt = fact->attempt;
    step->tries = fact->tries;
    if (step->deadline_at_ms != fact->deadline_ms)
        step->moved_ms = 0; /* a deadline of its own */
    step->deadline_at_ms = fact->deadline_ms;
    step->is_kept = fact->is_kept;
    step->had_effect = fact->had_effect;
    step->is_cancelling = fact->is_cancelling;
    step->is_left_out = fact->is_left_out;
    step->position = fact->position;
    step->rule = fact->rule;
    (void)text_copy(step->node, sizeof(step->node), fact->node);
    (void)text_copy(step->code, sizeof(step->code), fact->code);
    text_keep(steps, &step->detail, fact->detail);
}

/* It never arrived, and never will; if no other edge was told, nobody was. */
static bool came_to_nothing(const struct work *work, const struct step *drain)
{
    struct target_steps steps = work_steps_of_target(work, drain->plan->target);

    if (drain->direction != DIRECTION_DO || drain->state != STEP_CANCELLED)
        return false;
    for (size_t i = 0; i < steps.count; i++)
        if (work_target_step(work, &steps, i)->plan->task == TASK_DRAIN &&
            work_target_step(work, &steps, i)->had_effect)
            return false;
    return true;
}

static void note_traffic(struct control *control, const struct work *work, const struct step *step)
{
    struct node *target = control_node(control, step->plan->target);
    enum task task = step->direction == DIRECTION_DO ? step->plan->task : step->plan->undo;

    if (target == NULL || task == TASK_NONE || task_row(task)->kind != KIND_EDGE ||
        step->attempt == 0 || step->state == STEP_PENDING || step->state == STEP_DUE ||
        step->state == STEP_SKIPPED)
        return;
    target->traffic_changed_at_ms = control->now_ms;
    if (task != TASK_ADMIT)
        target->is_taken_out = !came_to_nothing(work, step);
    else if (step->state == STEP_SUCCEEDED)
        target->is_taken_out = false;
}

static void note_target(const struct work *work, struct node *target)
{
    if (target == NULL)
        return;
    target->was_marked = true;
    target->in_plan = work_node_in_plan(work, target->identity.name);
}

static enum error_code apply_step(struct control *control, const void *body, struct error *err)
{
    const struct fact_step *fact = body;
    struct work *work = control_work(control, fact->repair);
    struct step *step = work == NULL ? NULL : work_step(work, fact->step);
    bool tells_nobody;

    if (step == NULL)
        return apply_corrupt(err, "a step", "that no plan has");
    tells_nobody = step->state == STEP_DUE && fact->state != STEP_ORDERED;
    work_leave(work, step);
    change_step(work->steps, step, fact, control->now_ms);
    work_enter(work, step);
    note_sessions(control, step);
    note_told(control, step);
    if (!tells_nobody)
        note_traffic(control, work, step);
    if (fact->repair != 0)
        note_repair(control, step);
    else
        note_target(work, control_node(control, step->plan->target));
    if (fact->repair == 0 && fact->state == STEP_ORDERED && is_point_of_no_return(step->plan))
        control->open->has_contracted = true;
    return ERROR_OK;
}

static enum error_code apply_rehearsed(struct control *control, const void *body, struct error *err)
{
    const struct fact_rehearsed *fact = body;
    struct rollout *open = control->open;
    struct fact_rehearsed **slot = NULL;

    if (open == NULL || work_step(&open->work, fact->step) == NULL)
        return apply_corrupt(err, "a rehearsal", "that no plan has");
    for (size_t i = 0; i < open->rehearsal_count; i++)
        if (open->rehearsals[i]->step == fact->step)
            slot = &open->rehearsals[i];
    if (slot == NULL) {
        open->rehearsals =
            memory_grow(open, open->rehearsals, open->rehearsal_count, open->rehearsal_count + 1);
        slot = &open->rehearsals[open->rehearsal_count++];
    }
    talloc_free(*slot);
    *slot = record_clone(&fact_rehearsed_record, fact, open);
    return ERROR_OK;
}

static enum error_code apply_closed(struct control *control, const void *body, struct error *err)
{
    const struct summary *summary = body;

    (void)err;
    for (size_t i = 0; i < control->node_count; i++)
        control->nodes[i]->in_plan = (struct node_in_plan){.is_out = false};
    talloc_free(control->open); /* NULL when an old journal's open facts were left unread */
    control->open = NULL;
    if (control->summary_count == SUMMARIES_MAX) {
        talloc_free(control->summaries[0]);
        memmove(&control->summaries[0], &control->summaries[1],
                (SUMMARIES_MAX - 1) * sizeof(control->summaries[0]));
        control->summary_count--;
    }
    if (control->summary_count == control->summary_capacity) {
        size_t capacity = control->summary_capacity == 0 ? 16 : control->summary_capacity * 2;

        control->summaries =
            memory_grow(control, control->summaries, control->summary_capacity, capacity);
        control->summary_capacity = capacity;
    }
    control->summaries[control->summary_count++] = record_clone(&summary_record, summary, control);
    if (summary->rollout > control->rollout_number)
        control->rollout_number = summary->rollout;
    return ERROR_OK;
}

static enum error_code apply_ring(struct control *control, const void *body, struct error *err)
{
    const struct fact_ring *fact = body;
    struct node *node = control_node(control, fact->what);

    (void)err;
    if (node != NULL)
        node->ring_at_ms = fact->again_ms;
    else if (control->open != NULL)
        control->open->ring_at_ms = fact->again_ms;
    return ERROR_OK;
}

static enum error_code apply_sent(struct control *control, const void *body, struct error *err)
{
    const struct fact_sent *fact = body;
    struct work *work = control_work(control, fact->repair);
    struct step *step = work == NULL ? NULL : work_step(work, fact->step);

    if (step == NULL)
        return apply_corrupt(err, "a step", "that no plan has");
    if (fact->is_inquiry)
        step->asked_at_ms = control->now_ms;
    else
        step->sent_at_ms = control->now_ms;
    return ERROR_OK;
}

static enum error_code apply_progress(struct control *control, const void *body, struct error *err)
{
    const struct fact_progress *fact = body;
    struct work *work = control_work(control, fact->repair);
    struct step *step = work == NULL ? NULL : work_step(work, fact->step);

    if (step == NULL)
        return apply_corrupt(err, "a step", "that no plan has");
    step->done = fact->done;
    step->total = fact->total;
    (void)text_copy(step->progress, sizeof(step->progress), fact->text);
    return ERROR_OK;
}

static enum error_code apply_sample(struct control *control, const void *body, struct error *err)
{
    const struct fact_sample *fact = body;
    struct work *work = control_work(control, fact->repair);
    struct step *step = work == NULL ? NULL : work_step(work, fact->step);
    struct gate_record *gate;

    if (step == NULL)
        return apply_corrupt(err, "a step", "that no plan has");
    gate = &step->gate_record;
    gate->evidence = control->report_number;
    gate->sampled_at_ms = control->now_ms;
    gate->verdict = fact->verdict;
    text_keep(work->steps, &gate->why, fact->why);
    if (fact->verdict == VERDICT_PASS) {
        if (gate->passing_since_ms == 0)
            gate->passing_since_ms = control->now_ms;
        gate->passing_count++;
    } else {
        gate->passing_since_ms = 0;
        gate->passing_count = 0;
    }
    /* Not being able to measure breaks the steadiness and counts for nothing else. */
    if (fact->verdict == VERDICT_FAIL)
        gate->failing_count++;
    else if (fact->verdict == VERDICT_PASS)
        gate->failing_count = 0;
    return ERROR_OK;
}

static apply_fn *const appliers[] = {
#define X(upper, lower, record, durable, doc) [FACT_##upper] = apply_##lower,
    FACTS(X)
#undef X
};

enum error_code control_apply(struct control *control, const struct fact *fact, struct error *err)
{
    assert(fact->type < FACT_COUNT);
    if (fact->at_ms > control->now_ms)
        control->now_ms = fact->at_ms;
    control->changes++;
    return appliers[fact->type](control, fact->body, err);
}
