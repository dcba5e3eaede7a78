/* invariant.c: what must be true of the state whatever happens, and a digest of its durable part.
 */
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/state.h"
#include "coordinator/core/step.h"
#include "proto/pack.h"

#include <string.h>

static const char *step_fault(const struct step *step)
{
    if (step->direction >= DIRECTION_COUNT_ || step->state >= STEP_COUNT_)
        return "a step has no known state";
    if (step_is_open(step) && step_is_task(step) && (step->attempt == 0 || step->node[0] == '\0'))
        return "a step is under way that nobody was ordered";
    if (step->tries > step->attempt)
        return "more tries than attempts";
    if (step->direction == DIRECTION_UNDO && step->state == STEP_UNKNOWN && !step_is_task(step))
        return "a gate is unknown";
    return NULL;
}

/* Nothing that a step needs is missing once it has been ordered. */
static const char *order_fault(const struct work *work, const struct step *step)
{
    if (step->direction != DIRECTION_DO || !step_is_open(step))
        return NULL;
    for (size_t i = 0; i < step->plan->need_count; i++) {
        const struct step *need = work_step(work, step->plan->needs[i]);

        if (need->direction == DIRECTION_DO && need->state == STEP_PENDING)
            return "a step is under way before one that it needs";
    }
    return NULL;
}

static const char *work_fault(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        const char *fault = step_fault(&work->steps[i]);

        if (fault == NULL)
            fault = order_fault(work, &work->steps[i]);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static const char *rollout_fault(const struct rollout *open)
{
    const struct work *work = &open->work;

    if (open->state >= ROLLOUT_COUNT_)
        return "the rollout has no known state";
    for (size_t i = 0; i < work->count; i++) {
        bool is_back = work->steps[i].direction == DIRECTION_UNDO;

        if (is_back && open->has_contracted)
            return "a step is taken back after the point of no return";
        if (is_back && (open->state == ROLLOUT_ADVANCING || open->state == ROLLOUT_HOLDING ||
                        open->state == ROLLOUT_COMPLETING))
            return "a step is taken back in a rollout that goes forward";
    }
    return work_fault(work);
}

const char *control_broken_invariant(const struct control *control)
{
    if (control->node_count > control->node_capacity)
        return "more nodes than room";
    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *node = control->nodes[i];
        const char *fault = node->repair == NULL ? NULL : work_fault(node->repair);

        if (node->link >= LINK_COUNT_ || node->quarantine >= QUARANTINE_COUNT_)
            return "a node has no known state";
        if (fault != NULL)
            return fault;
    }
    return control->open == NULL ? NULL : rollout_fault(control->open);
}

/* ---- digest ---- */

static void add_text(struct hash *hash, const char *text)
{
    hash_add(hash, text, strlen(text));
}

static void add_number(struct hash *hash, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    hash_add(hash, bytes, sizeof(bytes));
}

static void add_record(struct hash *hash, const struct record *record, const void *base)
{
    struct text *bytes = text_new(NULL, SIZE_MAX);

    pack_record(record, base, bytes);
    hash_add(hash, bytes->data, bytes->size);
    talloc_free(bytes);
}

static void add_work(struct hash *hash, const struct work *work)
{
    add_record(hash, &plan_record, work->plan);
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        add_number(hash, (uint64_t)step->direction << 32 | step->state);
        add_number(hash, step->attempt);
        add_number(hash, step->tries);
        add_number(hash, step->changed_at_ms);
        add_number(hash, step->started_at_ms);
        add_number(hash, step->deadline_at_ms);
        add_number(hash, step->moved_ms);
        add_number(hash, step->position);
        add_number(hash, (uint64_t)step->is_kept | (uint64_t)step->had_effect << 1 |
                             (uint64_t)step->is_cancelling << 2 | (uint64_t)step->is_left_out << 3);
        add_text(hash, step->node);
        add_text(hash, step->code);
        add_text(hash, text_kept(&step->detail));
    }
}

static void add_node(struct hash *hash, const struct node *node)
{
    add_text(hash, node->identity.name);
    add_text(hash, node->identity.key);
    add_text(hash, node->ledger);
    add_number(hash, node->ledger_changed_at_ms);
    add_number(hash, node->quarantine);
    add_text(hash, text_kept(&node->quarantine_why));
    add_number(hash, node->repair_tries);
    add_number(hash, (uint64_t)node->is_severed | (uint64_t)node->is_taken_out << 1 |
                         (uint64_t)node->is_told << 2);
    add_number(hash, node->correction);
    add_number(hash, node->corrections);
    add_text(hash, text_kept(&node->corrected));
    if (node->repair != NULL)
        add_work(hash, node->repair);
}

void control_digest(const struct control *control, char ret[static DIGEST_SIZE])
{
    struct hash hash;

    hash_begin(&hash);
    add_text(&hash, control->journal);
    add_number(&hash, control->term);
    add_number(&hash, control->rollout_number);
    add_number(&hash, control->repair_number);
    add_record(&hash, &catalog_record, control->catalog);
    add_record(&hash, &windows_record, control->windows);
    for (size_t i = 0; i < control->node_count; i++)
        add_node(&hash, control->nodes[i]);
    for (size_t i = 0; i < control->goal_count; i++) {
        add_text(&hash, control->goals[i].shard);
        add_text(&hash, control->goals[i].node);
        add_text(&hash, control->goals[i].release);
    }
    for (size_t i = 0; i < control->live_count; i++) {
        add_text(&hash, control->lives[i].shard);
        add_text(&hash, control->lives[i].colour);
        add_number(&hash, control->lives[i].of_databases);
    }
    for (size_t i = 0; i < control->summary_count; i++)
        add_record(&hash, &summary_record, control->summaries[i]);
    if (control->open != NULL) {
        add_number(&hash, control->open->state);
        add_number(&hash, control->open->came_from);
        add_number(&hash, control->open->changed_at_ms);
        add_number(&hash, control->open->started_at_ms);
        add_number(&hash, control->open->has_contracted);
        add_number(&hash, control->open->hold_is_released);
        add_number(&hash, control->open->waits_for_window);
        add_text(&hash, control->open->override_window);
        add_text(&hash, control->open->why);
        for (size_t i = 0; i < control->open->baseline_count; i++)
            add_record(&hash, &fact_baseline_record, &control->open->baselines[i]);
        for (size_t i = 0; i < control->open->rehearsal_count; i++)
            add_record(&hash, &fact_rehearsed_record, control->open->rehearsals[i]);
        add_work(&hash, &control->open->work);
    }
    hash_end_hex(&hash, ret);
}
