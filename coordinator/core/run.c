#include "coordinator/core/run.h"

#include "common/base/memory.h"
#include "proto/copy.h"

#include <assert.h>

#define DECISIONS_FIRST 32

struct decisions *decisions_new(const void *parent)
{
    struct decisions *decisions = memory_new(parent, struct decisions);

    decisions->memory = memory_zeroed(decisions, 1, 1, "bodies");
    return decisions;
}

void decisions_clear(struct decisions *decisions)
{
    talloc_free(decisions->memory);
    decisions->memory = memory_zeroed(decisions, 1, 1, "bodies");
    decisions->fact_count = 0;
    decisions->effect_count = 0;
    decisions->fired_count = 0;
}

static size_t grown(size_t capacity)
{
    return capacity == 0 ? DECISIONS_FIRST : capacity * 2;
}

void *run_body(struct run *run, const struct record *record)
{
    return memory_zeroed(run->decisions->memory, 1, record->size, record->name);
}

void *run_body_array(struct run *run, size_t size, size_t count)
{
    return memory_zeroed(run->decisions->memory, count, size, "array");
}

void run_emit(struct run *run, enum fact_type type, void *body)
{
    struct decisions *decisions = run->decisions;
    struct fact fact = {.type = type, .at_ms = run->control->now_ms, .body = body};
    struct error err;
    enum error_code code;

    /* A sentence may have been cut in the middle of a character; a restart must read what is here.
     */
    record_mend(fact_row(type)->record, body);
    code = control_apply(run->control, &fact, &err);
    assert(code == ERROR_OK);
    (void)code;
    if (decisions->fact_count == decisions->fact_capacity) {
        size_t capacity = grown(decisions->fact_capacity);

        decisions->facts =
            memory_grow(decisions, decisions->facts, decisions->fact_capacity, capacity);
        decisions->fact_capacity = capacity;
    }
    decisions->facts[decisions->fact_count++] = fact;
    run->has_changed = true;
}

static struct effect *add_effect(struct run *run)
{
    struct decisions *decisions = run->decisions;
    struct effect *effect;

    if (decisions->effect_count == decisions->effect_capacity) {
        size_t capacity = grown(decisions->effect_capacity);

        decisions->effects =
            memory_grow(decisions, decisions->effects, decisions->effect_capacity, capacity);
        decisions->effect_capacity = capacity;
    }
    effect = &decisions->effects[decisions->effect_count++];
    *effect = (struct effect){.type = EFFECT_COUNT};
    return effect;
}

void run_send(struct run *run, const char *node, enum message_type type, void *body)
{
    struct effect *effect = add_effect(run);

    effect->type = EFFECT_SEND;
    effect->message = type;
    effect->body = body;
    (void)text_copy(effect->node, sizeof(effect->node), node);
}

void run_reply(struct run *run, uint64_t request_id, enum error_code code, uint64_t rollout,
               const char *text)
{
    struct effect *effect = add_effect(run);

    effect->type = EFFECT_REPLY;
    effect->request_id = request_id;
    effect->code = code;
    effect->rollout = rollout;
    (void)text_copy(effect->text, sizeof(effect->text), text);
}

void run_ring(struct run *run, const char *what, const char *text)
{
    struct fact_ring *ring = run_body(run, fact_row(FACT_RING)->record);
    struct effect *effect;

    (void)text_copy(ring->what, sizeof(ring->what), what);
    (void)text_copy(ring->text, sizeof(ring->text), text);
    ring->again_ms = run->control->now_ms + RING_MS;
    run_emit(run, FACT_RING, ring);
    effect = add_effect(run);
    effect->type = EFFECT_RING;
    (void)text_format(effect->text, sizeof(effect->text), "%.63s: %.900s", what, text);
}

void run_fired(struct run *run, uint64_t rule)
{
    struct decisions *decisions = run->decisions;

    if (decisions->fired_count == decisions->fired_capacity) {
        size_t capacity = grown(decisions->fired_capacity);

        decisions->fired =
            memory_grow(decisions, decisions->fired, decisions->fired_capacity, capacity);
        decisions->fired_capacity = capacity;
    }
    decisions->fired[decisions->fired_count++] = (uint32_t)rule;
}
