/* session_ledger.c: the ledger in memory, and the effects that a turn leads to. */
#include "agent/core/session_internal.h"

#include "common/base/memory.h"

#include <assert.h>
#include <string.h>

#define EFFECTS_FIRST 16

struct agent_session *agent_session_new(const void *parent)
{
    return memory_new(parent, struct agent_session);
}

struct session_effects *session_effects_new(const void *parent)
{
    struct session_effects *effects = memory_new(parent, struct session_effects);

    effects->memory = memory_zeroed(effects, 1, 1, "bodies");
    return effects;
}

void session_effects_clear(struct session_effects *effects)
{
    talloc_free(effects->memory);
    effects->memory = memory_zeroed(effects, 1, 1, "bodies");
    effects->count = 0;
    effects->fired_count = 0;
}

struct session_effect *session_effects_add(struct session_effects *effects,
                                           enum session_effect_type type)
{
    struct session_effect *effect;

    if (effects->count == effects->capacity) {
        size_t capacity = effects->capacity == 0 ? EFFECTS_FIRST : effects->capacity * 2;

        effects->items = memory_grow(effects, effects->items, effects->capacity, capacity);
        effects->capacity = capacity;
    }
    effect = &effects->items[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->type = type;
    return effect;
}

void session_effects_note(struct session_effects *effects, uint16_t id)
{
    if (effects->fired_count == effects->fired_capacity) {
        size_t capacity =
            effects->fired_capacity == 0 ? EFFECTS_FIRST : effects->fired_capacity * 2;

        effects->fired = memory_grow(effects, effects->fired, effects->fired_capacity, capacity);
        effects->fired_capacity = capacity;
    }
    effects->fired[effects->fired_count++] = id;
}

void *session_effects_send(struct session_effects *effects, enum message_type type)
{
    const struct record *record = message_row(type)->record;
    struct session_effect *effect = session_effects_add(effects, SESSION_SEND);

    effect->message = type;
    effect->body = memory_zeroed(effects->memory, 1, record->size, record->name);
    return effect->body;
}

/* ---- the ledger in memory ---- */

static bool is_same_step(const struct order_id *a, const struct order_id *b)
{
    return a->rollout == b->rollout && a->step == b->step && a->direction == b->direction;
}

struct entry *agent_session_find(const struct agent_session *session, const struct order_id *id)
{
    for (size_t i = 0; i < session->entry_count; i++)
        if (is_same_step(&session->entries[i].order.id, id))
            return &session->entries[i];
    return NULL;
}

const struct entry *agent_session_entry(const struct agent_session *session,
                                        const struct order_id *id)
{
    return agent_session_find(session, id);
}

struct entry *agent_session_oldest_settled(const struct agent_session *session)
{
    struct entry *oldest = NULL;

    for (size_t i = 0; i < session->entry_count; i++) {
        struct entry *entry = &session->entries[i];

        if (entry->is_settled && entry->state == ENTRY_ENDED &&
            (oldest == NULL || entry->age < oldest->age))
            oldest = entry;
    }
    return oldest;
}

/* NULL if the ledger is full of orders that nobody has settled. */
struct entry *agent_session_make_entry(struct agent_session *session)
{
    if (session->entry_count == SESSION_ENTRIES_MAX)
        return agent_session_oldest_settled(session);
    if (session->entry_count == session->entry_capacity) {
        size_t capacity = session->entry_capacity == 0 ? 16 : session->entry_capacity * 2;

        session->entries =
            memory_grow(session, session->entries, session->entry_capacity, capacity);
        session->entry_capacity = capacity;
    }
    return &session->entries[session->entry_count++];
}

enum error_code agent_session_load(struct agent_session *session, const struct entry *entry,
                                   struct error *err)
{
    struct entry *made;

    if (entry->state == ENTRY_NONE || entry->state >= ENTRY_STATE_COUNT ||
        entry->order.task >= TASK_COUNT ||
        (entry->state == ENTRY_ENDED && entry->outcome.outcome == OUTCOME_NONE) ||
        agent_session_find(session, &entry->order.id) != NULL)
        return error_set(err, ERROR_CORRUPT, "the ledger's row for rollout %llu step %llu is wrong",
                         (unsigned long long)entry->order.id.rollout,
                         (unsigned long long)entry->order.id.step);
    made = agent_session_make_entry(session);
    if (made == NULL)
        return error_set(err, ERROR_CORRUPT, "the ledger has more than %d rows",
                         SESSION_ENTRIES_MAX);
    *made = *entry;
    made->has_child = false;
    made->is_cancelling = false;
    made->is_mending = false;
    made->correction = 0;
    made->changed_at_ms = 0;
    agent_session_note_wish(session, made);
    if (entry->age > session->age)
        session->age = entry->age;
    return ERROR_OK;
}

void agent_session_save(struct agent_session *session, struct session_effects *effects,
                        struct entry *entry)
{
    entry->age = ++session->age;
    entry->changed_at_ms = session->now_ms;
    session_effects_add(effects, SESSION_SAVE_ENTRY)->entry = *entry;
}
