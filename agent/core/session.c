#include "agent/core/session_internal.h"

#include <assert.h>
#include <string.h>

/* ---- terms ---- */

static const char *adopt_fault(const struct agent_session *session, const char *journal,
                               uint64_t term)
{
    if (session->journal[0] != '\0' && strcmp(session->journal, journal) != 0)
        return "this agent obeys another journal: run `hakem-agent adopt-journal` on the node";
    if (term < session->term)
        return "this agent has obeyed a newer term: an old coordinator is still running";
    if (session->term != 0 && term - session->term > SESSION_TERM_RISE_MAX)
        return "the term rises by more than a coordinator's restarts could explain";
    return NULL;
}

static void hear_adopt(struct agent_session *session, const struct message *message,
                       struct session_effects *effects)
{
    const struct adopt *adopt = message->body;
    const char *fault = adopt_fault(session, adopt->journal, message->term);
    struct adopted *adopted;

    if (fault == NULL && (message->term != session->term || session->journal[0] == '\0')) {
        session->term = message->term;
        (void)text_copy(session->journal, sizeof(session->journal), adopt->journal);
        (void)session_effects_add(effects, SESSION_SAVE_TERM);
        (void)session_effects_add(effects, SESSION_TELL_TERM);
    }
    adopted = session_effects_send(effects, MESSAGE_ADOPTED);
    (void)text_copy(adopted->ledger, sizeof(adopted->ledger), session->ledger);
    adopted->is_refused = fault != NULL;
    (void)text_copy(adopted->detail, sizeof(adopted->detail), fault == NULL ? "" : fault);
}

static void hear_welcome(struct agent_session *session, const struct welcome *welcome,
                         struct session_effects *effects)
{
    (void)text_copy(session->node, sizeof(session->node), welcome->node);
    (void)text_copy(session->shard, sizeof(session->shard), welcome->shard);
    session->kind = welcome->kind;
    session->is_welcome = true;
    (void)session_effects_add(effects, SESSION_REPORT);
}

static void tell_players(const struct watch *watch, struct session_effects *effects)
{
    struct session_effect *effect = session_effects_add(effects, SESSION_TELL_PLAYERS);

    effect->players_ms = watch->players_ms;
    effect->players_limit_ms = watch->players_limit_ms;
}

/* ---- events ---- */

static void hear(struct agent_session *session, const struct message *message,
                 struct session_effects *effects)
{
    if (message->type == MESSAGE_WELCOME) {
        hear_welcome(session, message->body, effects);
        return;
    }
    if (message->type == MESSAGE_ADOPT) {
        hear_adopt(session, message, effects);
        return;
    }
    if (message->term != session->term)
        return; /* an older coordinator's, or a newer one's that has yet to be adopted */
    if (message->type == MESSAGE_ORDER) {
        const struct order *order = message->body;

        agent_session_fire(session, effects, &order->id, ENTRY_ORDER, order);
    } else if (message->type == MESSAGE_CANCEL || message->type == MESSAGE_SETTLED) {
        const struct order_ref *ref = message->body;

        agent_session_fire(session, effects, &ref->id,
                           message->type == MESSAGE_CANCEL ? ENTRY_CANCEL : ENTRY_SETTLED, ref);
    } else if (message->type == MESSAGE_INQUIRY) {
        const struct inquiry *inquiry = message->body;

        agent_session_fire(session, effects, &inquiry->order.id, ENTRY_INQUIRY, inquiry);
    } else if (message->type == MESSAGE_WATCH) {
        const struct watch *watch = message->body;

        session_effects_add(effects, SESSION_WATCH)->is_on = watch->is_on;
        if (watch->closed > session->closed_rollout)
            session->closed_rollout = watch->closed;
        agent_session_hear_pauses(session, watch->pauses);
        if (watch->players_limit_ms != 0)
            tell_players(watch, effects);
    }
}

static void for_every_entry(struct agent_session *session, struct session_effects *effects,
                            enum entry_event event)
{
    for (size_t i = 0; i < session->entry_count; i++) {
        struct order_id id = session->entries[i].order.id;

        agent_session_fire(session, effects, &id, event, NULL);
    }
}

static void greet(struct agent_session *session, struct session_effects *effects)
{
    struct hello *hello = session_effects_send(effects, MESSAGE_HELLO);

    session->is_welcome = false;
    (void)text_copy(hello->program, sizeof(hello->program), "hakem-agent");
    (void)text_copy(hello->ledger, sizeof(hello->ledger), session->ledger);
}

static void pass_on_progress(struct session_effects *effects, const struct progress *from)
{
    struct progress *progress = session_effects_send(effects, MESSAGE_PROGRESS);

    *progress = *from;
}

void agent_session_handle(struct agent_session *session, const struct session_event *event,
                          struct session_effects *ret)
{
    assert(event->type < SESSION_EVENT_COUNT);
    assert(agent_session_broken_invariant(session) == NULL);
    if (event->at_ms > session->now_ms)
        session->now_ms = event->at_ms;
    switch (event->type) {
    case SESSION_STARTED:
        /* How long it was away, nobody knows. */
        session->pool.said_at_ms = session->writes.said_at_ms = session->now_ms;
        for_every_entry(session, ret, ENTRY_RESTART);
        break;
    case SESSION_CONNECTED:
        greet(session, ret);
        break;
    case SESSION_MESSAGE:
        hear(session, event->message, ret);
        break;
    case SESSION_CHILD_PROGRESS:
        pass_on_progress(ret, event->progress);
        break;
    case SESSION_CHILD_ENDED:
        agent_session_fire(session, ret, event->id, ENTRY_CHILD_ENDED, event->outcome);
        break;
    case SESSION_CHILD_DIED:
        agent_session_fire(session, ret, event->id, ENTRY_CHILD_DIED, NULL);
        break;
    case SESSION_INSPECTED:
        agent_session_fire(session, ret, event->id, ENTRY_INSPECTED, event->finding);
        break;
    case SESSION_REPORTED:
        agent_session_look_after(session, event->report, ret);
        break;
    case SESSION_MENDED:
        agent_session_end_mending(session, event->id);
        agent_session_fire(session, ret, event->id, ENTRY_MENDED, event->outcome);
        break;
    case SESSION_TICK:
        for_every_entry(session, ret, ENTRY_TICK);
        break;
    case SESSION_EVENT_COUNT:
        break;
    }
    assert(agent_session_broken_invariant(session) == NULL);
}

void agent_session_adopt_journal(struct agent_session *session, const char *journal)
{
    if (strcmp(session->journal, journal) == 0)
        return;
    (void)text_copy(session->journal, sizeof(session->journal), journal);
    session->term = 0;
    /* Another journal counts its rollouts anew: its first order would be answered from these. */
    session->entry_count = 0;
    session->wish_count = 0;
    session->pool = session->writes = (struct hold_wish){.serial = 0};
}

const char *agent_session_broken_invariant(const struct agent_session *session)
{
    if (session->entry_count > SESSION_ENTRIES_MAX)
        return "more entries than the ledger may have";
    for (size_t i = 0; i < session->entry_count; i++) {
        const struct entry *entry = &session->entries[i];

        if (entry->state == ENTRY_NONE || entry->state >= ENTRY_STATE_COUNT)
            return "an entry has no state";
        if (entry->state == ENTRY_ENDED && entry->outcome.outcome == OUTCOME_NONE)
            return "an entry has ended without an outcome";
        if (entry->has_child && entry->state != ENTRY_RUNNING && entry->state != ENTRY_LOOKING)
            return "a child works on an order that has ended";
    }
    return NULL;
}
