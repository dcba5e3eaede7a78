/* session_entry.c: what the rows of the table do to an entry, and say of it. */
#include "agent/core/session_internal.h"

#include <assert.h>
#include <string.h>

struct turn {
    struct agent_session *session;
    struct session_effects *effects;
    struct entry *entry; /* NULL: never heard of */
    const struct order_id *id;
    const void *detail;
};

static void say_accepted(const struct turn *turn, const struct session_rule *rule)
{
    struct accepted *accepted = session_effects_send(turn->effects, MESSAGE_ACCEPTED);

    accepted->id = *turn->id;
    accepted->is_accepted = rule->action != ENTRY_REFUSES;
    (void)text_copy(accepted->code, sizeof(accepted->code), error_code_name(rule->code));
    if (!accepted->is_accepted)
        (void)text_copy(accepted->detail, sizeof(accepted->detail), rule->why);
}

static void say_outcome(const struct turn *turn)
{
    struct task_outcome *outcome = session_effects_send(turn->effects, MESSAGE_OUTCOME);

    assert(turn->entry != NULL);
    *outcome = turn->entry->outcome;
    turn->entry->sent_at_ms = turn->session->now_ms;
}

static void say_finding(const struct turn *turn, enum finding finding, const char *detail)
{
    struct finding_report *report = session_effects_send(turn->effects, MESSAGE_FINDING);

    report->id = *turn->id;
    report->finding = finding;
    (void)text_copy(report->detail, sizeof(report->detail), detail);
}

static void take_order(const struct turn *turn, const struct session_rule *rule)
{
    struct entry *entry =
        turn->entry != NULL ? turn->entry : agent_session_make_entry(turn->session);
    struct session_effect *effect;

    assert(turn->detail != NULL);
    assert(entry != NULL); /* row 2105 refuses when there is no room */
    /* Its next attempt takes the entry's place: what the coordinator has yet to hear is said now.
     */
    if (turn->entry != NULL && entry->correction != 0)
        agent_session_say_corrected(turn->session, turn->effects, entry);
    *entry = (struct entry){.order = order_for_keeps(turn->detail),
                            .state = ENTRY_RUNNING,
                            .has_child = true,
                            .serial = ++turn->session->serial};
    agent_session_note_wish(turn->session, entry);
    agent_session_save(turn->session, turn->effects, entry);
    say_accepted(turn, rule);
    effect = session_effects_add(turn->effects, SESSION_START_CHILD);
    effect->entry = *entry;
    effect->entry.order = *(const struct order *)turn->detail;
}

static void bury(const struct turn *turn, const struct session_rule *rule)
{
    const struct inquiry *inquiry = turn->detail;
    struct entry *entry =
        turn->entry != NULL ? turn->entry : agent_session_make_entry(turn->session);

    assert(inquiry != NULL);
    if (entry == NULL)
        return; /* full: it is asked again */
    *entry = (struct entry){.order = order_for_keeps(&inquiry->order), .state = ENTRY_TOMBSTONE};
    agent_session_save(turn->session, turn->effects, entry);
    say_finding(turn, FINDING_NEVER_HEARD, rule->why);
}

static void end(const struct turn *turn, const struct task_outcome *outcome)
{
    struct entry *entry = turn->entry;

    assert(entry != NULL);
    assert(outcome != NULL);
    entry->state = ENTRY_ENDED;
    entry->outcome = outcome_for_keeps(outcome);
    entry->outcome.id = entry->order.id;
    entry->has_child = false;
    entry->is_cancelling = false;
    agent_session_save(turn->session, turn->effects, entry);
    say_outcome(turn);
    (void)session_effects_add(turn->effects, SESSION_REPORT);
}

static void end_as_found(const struct turn *turn)
{
    const struct finding_report *finding = turn->detail;
    struct task_outcome outcome = {.outcome = OUTCOME_INTERRUPTED, .is_retryable = true};

    assert(finding != NULL);
    assert(turn->entry != NULL);
    if (finding->finding == FINDING_DID)
        outcome.outcome = OUTCOME_SUCCEEDED;
    else if (turn->entry->is_cancelling)
        outcome.outcome = OUTCOME_CANCELLED;
    (void)text_copy(outcome.code, sizeof(outcome.code),
                    outcome.outcome == OUTCOME_SUCCEEDED ? "OK"
                                                         : error_code_name(ERROR_INTERRUPTED));
    (void)text_copy(outcome.detail, sizeof(outcome.detail), finding->detail);
    end(turn, &outcome);
}

/* The ledger learns of an order that it may have forgotten, so that its answer can be remembered.
 */
static void look(const struct turn *turn)
{
    struct entry *entry = turn->entry;

    if (entry == NULL) {
        assert(turn->detail != NULL); /* only an inquiry brings what is not known */
        entry = agent_session_make_entry(turn->session);
        if (entry == NULL)
            return;
        *entry =
            (struct entry){.order = order_for_keeps(&((const struct inquiry *)turn->detail)->order),
                           .serial = ++turn->session->serial};
        agent_session_note_wish(turn->session, entry);
    }
    entry->state = ENTRY_LOOKING;
    entry->has_child = true;
    agent_session_save(turn->session, turn->effects, entry);
    session_effects_add(turn->effects, SESSION_INSPECT)->entry = *entry;
}

static void lose_sight(const struct turn *turn)
{
    assert(turn->entry != NULL);
    turn->entry->looks++;
    turn->entry->has_child = false;
    turn->entry->sent_at_ms = turn->session->now_ms;
}

static void look_for_another(const struct turn *turn)
{
    struct session_effect *effect = session_effects_add(turn->effects, SESSION_INSPECT);

    assert(turn->detail != NULL);
    effect->entry.order = order_for_keeps(&((const struct inquiry *)turn->detail)->order);
    effect->of_replica = true;
}

static void tell_finding(const struct turn *turn)
{
    struct finding_report *report = session_effects_send(turn->effects, MESSAGE_FINDING);

    assert(turn->detail != NULL);
    *report = *(const struct finding_report *)turn->detail;
}

static void stop_child(const struct turn *turn)
{
    assert(turn->entry != NULL);
    turn->entry->is_cancelling = true;
    session_effects_add(turn->effects, SESSION_CANCEL_CHILD)->entry = *turn->entry;
}

static void mend(const struct turn *turn)
{
    const struct sighting *sighting = turn->detail;

    assert(turn->entry != NULL);
    assert(sighting != NULL);
    if (sighting->server != NULL)
        turn->entry->strayed_to = sighting->server->state;
    agent_session_mend(turn->session, turn->effects, turn->entry);
}

static void note_correction(const struct turn *turn)
{
    assert(turn->entry != NULL);
    /* Rises over restarts, as monotonic time does. */
    turn->entry->correction = turn->session->now_ms;
    agent_session_say_corrected(turn->session, turn->effects, turn->entry);
}

static void act(const struct turn *turn, const struct session_rule *rule)
{
    switch (rule->action) {
    case ENTRY_IGNORES:
        return;
    case ENTRY_ACCEPTS:
        take_order(turn, rule);
        return;
    case ENTRY_REPEATS:
    case ENTRY_REFUSES:
        say_accepted(turn, rule);
        return;
    case ENTRY_TELLS_OUTCOME:
        say_outcome(turn);
        return;
    case ENTRY_TELLS_RUNNING:
        say_finding(turn, FINDING_STILL_RUNNING, rule->why);
        return;
    case ENTRY_BURIES:
        bury(turn, rule);
        return;
    case ENTRY_STOPS_CHILD:
        stop_child(turn);
        return;
    case ENTRY_LOOKS:
        look(turn);
        return;
    case ENTRY_LOSES_SIGHT:
        lose_sight(turn);
        return;
    case ENTRY_LOOKS_FOR_ANOTHER:
        look_for_another(turn);
        return;
    case ENTRY_ENDS:
        end(turn, turn->detail);
        return;
    case ENTRY_ENDS_AS_FOUND:
        end_as_found(turn);
        return;
    case ENTRY_TELLS_FINDING:
        tell_finding(turn);
        return;
    case ENTRY_IS_SETTLED:
        assert(turn->entry != NULL);
        turn->entry->is_settled = true;
        turn->entry->correction = 0;
        agent_session_save(turn->session, turn->effects, turn->entry);
        return;
    case ENTRY_MENDS:
        mend(turn);
        return;
    case ENTRY_NOTES_CORRECTION:
        note_correction(turn);
        return;
    case ENTRY_TELLS_CORRECTION:
        assert(turn->entry != NULL);
        agent_session_say_corrected(turn->session, turn->effects, turn->entry);
        return;
    }
}

void agent_session_fire(struct agent_session *session, struct session_effects *effects,
                        const struct order_id *id, enum entry_event event, const void *detail)
{
    struct turn turn = {session, effects, agent_session_find(session, id), id, detail};
    size_t count = 0;
    const struct session_rule *rules = agent_session_rules(&count);
    uint32_t in = UINT32_C(1) << (turn.entry == NULL ? ENTRY_NONE : turn.entry->state);

    for (size_t i = 0; i < count; i++) {
        const struct session_rule *rule = &rules[i];

        if (rule->event != event || (rule->from & in) == 0 ||
            (rule->guard != NULL && !rule->guard(session, turn.entry, detail)))
            continue;
        if (rule->action != ENTRY_IGNORES)
            session_effects_note(effects, rule->id);
        act(&turn, rule);
        return;
    }
    assert(false); /* the table answers every event */
}
