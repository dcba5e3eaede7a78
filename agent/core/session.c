#include "agent/core/session_internal.h"

#include "common/base/memory.h"

#include <assert.h>
#include <string.h>

/* ---- guards: detail is the event's own part, as act() gets it ---- */

static bool is_foreign_journal(const struct agent_session *session, const struct entry *entry,
                               const void *detail)
{
    const struct order *order = detail;

    (void)entry;
    return strcmp(order->journal, session->journal) != 0;
}

static bool is_older_attempt(const struct agent_session *session, const struct entry *entry,
                             const void *detail)
{
    const struct order *order = detail;

    (void)session;
    return entry != NULL && order->id.attempt < entry->order.id.attempt;
}

static bool is_same_attempt(const struct agent_session *session, const struct entry *entry,
                            const void *detail)
{
    const struct order *order = detail;

    (void)session;
    return entry != NULL && order->id.attempt == entry->order.id.attempt;
}

static bool is_unsuitable(const struct agent_session *session, const struct entry *entry,
                          const void *detail)
{
    const struct order *order = detail;

    (void)entry;
    return order->task == TASK_NONE || !task_suits(order->task, session->kind);
}

static bool is_full(const struct agent_session *session, const struct entry *entry,
                    const void *detail)
{
    (void)detail;
    return entry == NULL && session->entry_count == SESSION_ENTRIES_MAX &&
           agent_session_oldest_settled(session) == NULL;
}

static bool ref_is_same_attempt(const struct agent_session *session, const struct entry *entry,
                                const void *detail)
{
    const struct order_ref *ref = detail;

    (void)session;
    return entry != NULL && ref->id.attempt == entry->order.id.attempt;
}

static bool asks_for_another(const struct agent_session *session, const struct entry *entry,
                             const void *detail)
{
    const struct inquiry *inquiry = detail;

    (void)session;
    (void)entry;
    return inquiry->of_replica;
}

static bool asks_for_earlier_attempt(const struct agent_session *session, const struct entry *entry,
                                     const void *detail)
{
    const struct inquiry *inquiry = detail;

    (void)session;
    return entry != NULL && inquiry->order.id.attempt < entry->order.id.attempt;
}

static bool asks_for_later_attempt(const struct agent_session *session, const struct entry *entry,
                                   const void *detail)
{
    const struct inquiry *inquiry = detail;

    (void)session;
    return entry != NULL && inquiry->order.id.attempt > entry->order.id.attempt;
}

static bool is_of_earlier_work(const struct order_id *id, const struct order_id *than)
{
    if ((id->rollout == 0) != (than->rollout == 0))
        return false;
    /* Repairs have no rollout; their steps are numbered on and on. */
    return id->rollout != 0 ? id->rollout < than->rollout
                            : order_id_repair(id) < order_id_repair(than);
}

/* A ledger that knows nothing earlier may be younger than the order: its word proves nothing. */
static bool may_have_forgotten(const struct agent_session *session, const struct entry *entry,
                               const void *detail)
{
    const struct inquiry *inquiry = detail;

    (void)entry;
    for (size_t i = 0; i < session->entry_count; i++)
        if (is_of_earlier_work(&session->entries[i].order.id, &inquiry->order.id))
            return false;
    return true;
}

static bool is_time_to_repeat(const struct agent_session *session, const struct entry *entry,
                              const void *detail)
{
    (void)detail;
    return session->is_welcome && !entry->is_settled &&
           session->now_ms - entry->sent_at_ms >= SESSION_RESEND_MS;
}

static bool is_about_another(const struct agent_session *session, const struct entry *entry,
                             const void *detail)
{
    const struct finding_report *finding = detail;

    (void)session;
    (void)entry;
    return finding->of_replica;
}

static bool says_how_it_ended(const struct agent_session *session, const struct entry *entry,
                              const void *detail)
{
    const struct task_outcome *outcome = detail;

    (void)session;
    (void)entry;
    return outcome->outcome != OUTCOME_NONE;
}

#define IN(state)  (UINT32_C(1) << ENTRY_##state)
#define IN_ANY     ((UINT32_C(1) << ENTRY_STATE_COUNT) - 1)
#define ON(name)   .event = ENTRY_##name
#define IF(test)   .guard = test
#define DO(what)   .action = ENTRY_##what
#define SAY(error) .action = ENTRY_REFUSES, .code = ERROR_##error
#define WHY(text)  .why = text

/* The behaviour of an order's entry; first match wins, ids as in the coordinator's machines. */
/* clang-format off */
static const struct session_rule rules[] = {
    {2101, IN_ANY, ON(ORDER), IF(is_foreign_journal), SAY(AUTHORITY),
        WHY("another journal than the one obeyed here: run `hakem-agent adopt-journal` on the node")},
    {2103, IN_ANY, ON(ORDER), IF(is_unsuitable), SAY(INVALID),
        WHY("not a task for a node of this kind")},
    {2105, IN_ANY, ON(ORDER), IF(is_full), SAY(LIMIT),
        WHY("the ledger is full of orders that were never settled")},
    {2107, IN_ANY, ON(ORDER), IF(is_older_attempt), SAY(CHANGED),
        WHY("a later attempt is known already")},
    {2109, IN(RUNNING) | IN(LOOKING), ON(ORDER), IF(is_same_attempt), DO(REPEATS),
        WHY("accepted before")},
    {2111, IN(ENDED), ON(ORDER), IF(is_same_attempt), DO(TELLS_OUTCOME),
        WHY("done before: the same outcome")},
    {2113, IN(TOMBSTONE), ON(ORDER), IF(is_same_attempt), SAY(CHANGED),
        WHY("it was said that this order never arrived: too late")},
    {2115, IN(RUNNING) | IN(LOOKING), ON(ORDER), SAY(CONFLICT),
        WHY("an earlier attempt is still at it")},
    {2117, IN(NONE) | IN(ENDED) | IN(TOMBSTONE), ON(ORDER), DO(ACCEPTS), WHY("accepted")},

    {2201, IN(RUNNING), ON(CANCEL), IF(ref_is_same_attempt), DO(STOPS_CHILD), WHY("cancelled")},
    {2203, IN(ENDED), ON(CANCEL), IF(ref_is_same_attempt), DO(TELLS_OUTCOME),
        WHY("it had ended before")},
    {2205, IN_ANY, ON(CANCEL), DO(IGNORES), WHY("nothing to cancel: an inquiry will tell")},

    {2301, IN_ANY, ON(INQUIRY), IF(asks_for_another), DO(LOOKS_FOR_ANOTHER),
        WHY("the database's log may tell")},
    {2303, IN(RUNNING) | IN(LOOKING) | IN(ENDED) | IN(TOMBSTONE), ON(INQUIRY),
        IF(asks_for_earlier_attempt), DO(IGNORES), WHY("about an earlier attempt")},
    {2304, IN(ENDED) | IN(TOMBSTONE), ON(INQUIRY), IF(asks_for_later_attempt), DO(BURIES),
        WHY("never heard of that attempt, and it is too late now")},
    {2305, IN(RUNNING) | IN(LOOKING), ON(INQUIRY), DO(TELLS_RUNNING), WHY("still at it")},
    {2307, IN(ENDED), ON(INQUIRY), DO(TELLS_OUTCOME), WHY("it has ended")},
    {2309, IN(NONE), ON(INQUIRY), IF(may_have_forgotten), DO(LOOKS),
        WHY("this ledger may be younger than the order: the node itself is asked")},
    {2311, IN(NONE) | IN(TOMBSTONE), ON(INQUIRY), DO(BURIES),
        WHY("never heard of it, and it is too late now")},

    {2401, IN(ENDED), ON(SETTLED), IF(ref_is_same_attempt), DO(IS_SETTLED),
        WHY("the coordinator has it")},
    {2403, IN_ANY, ON(SETTLED), DO(IGNORES), WHY("not about what is known here")},

    {2501, IN(RUNNING), ON(CHILD_ENDED), IF(says_how_it_ended), DO(ENDS),
        WHY("the child says how it ended")},
    {2502, IN(RUNNING), ON(CHILD_ENDED), DO(LOOKS),
        WHY("the child's last word says nothing: what did it do?")},
    {2503, IN_ANY, ON(CHILD_ENDED), DO(IGNORES), WHY("not about what is known here")},
    {2505, IN(RUNNING), ON(CHILD_DIED), DO(LOOKS), WHY("its process died: what did it do?")},
    {2507, IN_ANY, ON(CHILD_DIED), DO(IGNORES), WHY("not about what is known here")},
    {2509, IN_ANY, ON(INSPECTED), IF(is_about_another), DO(TELLS_FINDING),
        WHY("what the database's log tells")},
    {2511, IN(LOOKING), ON(INSPECTED), DO(ENDS_AS_FOUND), WHY("the node shows what was done")},
    {2513, IN_ANY, ON(INSPECTED), DO(IGNORES), WHY("not about what is known here")},

    {2601, IN(RUNNING) | IN(LOOKING), ON(RESTART), DO(LOOKS),
        WHY("the agent was restarted: what did the child do?")},
    {2603, IN_ANY, ON(RESTART), DO(IGNORES), WHY("nothing was under way")},
    {2605, IN(ENDED), ON(TICK), IF(is_time_to_repeat), DO(TELLS_OUTCOME),
        WHY("not settled yet: said again")},
    {2607, IN_ANY, ON(TICK), DO(IGNORES), WHY("nothing to do")},
};
/* clang-format on */

const struct session_rule *agent_session_rules(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rules);
    return rules;
}

const char *agent_session_event_name(enum entry_event event)
{
    static const char *const names[] = {
        [ENTRY_ORDER] = "order",
        [ENTRY_CANCEL] = "cancel",
        [ENTRY_INQUIRY] = "inquiry",
        [ENTRY_SETTLED] = "settled",
        [ENTRY_CHILD_ENDED] = "child_ended",
        [ENTRY_CHILD_DIED] = "child_died",
        [ENTRY_INSPECTED] = "inspected",
        [ENTRY_RESTART] = "restart",
        [ENTRY_TICK] = "tick",
    };

    static_assert(ARRAY_LEN(names) == ENTRY_EVENT_COUNT, "an event has no name");
    assert(event < ENTRY_EVENT_COUNT);
    return names[event];
}

/* ---- actions ---- */

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

    assert(turn->detail != NULL);
    assert(entry != NULL); /* row 2105 refuses when there is no room */
    *entry = (struct entry){
        .order = *(const struct order *)turn->detail, .state = ENTRY_RUNNING, .has_child = true};
    agent_session_save(turn->session, turn->effects, entry);
    say_accepted(turn, rule);
    session_effects_add(turn->effects, SESSION_START_CHILD)->entry = *entry;
}

static void bury(const struct turn *turn, const struct session_rule *rule)
{
    const struct inquiry *inquiry = turn->detail;
    struct entry *entry =
        turn->entry != NULL ? turn->entry : agent_session_make_entry(turn->session);

    assert(inquiry != NULL);
    if (entry == NULL)
        return; /* full: it is asked again */
    *entry = (struct entry){.order = inquiry->order, .state = ENTRY_TOMBSTONE};
    agent_session_save(turn->session, turn->effects, entry);
    say_finding(turn, FINDING_NEVER_HEARD, rule->why);
}

static void end(const struct turn *turn, const struct task_outcome *outcome)
{
    struct entry *entry = turn->entry;

    assert(entry != NULL);
    assert(outcome != NULL);
    entry->state = ENTRY_ENDED;
    entry->outcome = *outcome;
    entry->outcome.id = entry->order.id;
    entry->has_child = false;
    entry->is_cancelling = false;
    agent_session_save(turn->session, turn->effects, entry);
    say_outcome(turn);
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
        *entry = (struct entry){.order = ((const struct inquiry *)turn->detail)->order};
    }
    entry->state = ENTRY_LOOKING;
    entry->has_child = true;
    agent_session_save(turn->session, turn->effects, entry);
    session_effects_add(turn->effects, SESSION_INSPECT)->entry = *entry;
}

static void look_for_another(const struct turn *turn)
{
    struct session_effect *effect = session_effects_add(turn->effects, SESSION_INSPECT);

    assert(turn->detail != NULL);
    effect->entry.order = ((const struct inquiry *)turn->detail)->order;
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
        agent_session_save(turn->session, turn->effects, turn->entry);
        return;
    }
}

static void fire(struct agent_session *session, struct session_effects *effects,
                 const struct order_id *id, enum entry_event event, const void *detail)
{
    struct turn turn = {session, effects, agent_session_find(session, id), id, detail};
    uint32_t in = UINT32_C(1) << (turn.entry == NULL ? ENTRY_NONE : turn.entry->state);

    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
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

static void hear_welcome(struct agent_session *session, const struct welcome *welcome)
{
    (void)text_copy(session->node, sizeof(session->node), welcome->node);
    (void)text_copy(session->shard, sizeof(session->shard), welcome->shard);
    session->kind = welcome->kind;
    session->is_welcome = true;
}

/* ---- events ---- */

static void hear(struct agent_session *session, const struct message *message,
                 struct session_effects *effects)
{
    if (message->type == MESSAGE_WELCOME) {
        hear_welcome(session, message->body);
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

        fire(session, effects, &order->id, ENTRY_ORDER, order);
    } else if (message->type == MESSAGE_CANCEL || message->type == MESSAGE_SETTLED) {
        const struct order_ref *ref = message->body;

        fire(session, effects, &ref->id,
             message->type == MESSAGE_CANCEL ? ENTRY_CANCEL : ENTRY_SETTLED, ref);
    } else if (message->type == MESSAGE_INQUIRY) {
        const struct inquiry *inquiry = message->body;

        fire(session, effects, &inquiry->order.id, ENTRY_INQUIRY, inquiry);
    } else if (message->type == MESSAGE_WATCH) {
        session_effects_add(effects, SESSION_WATCH)->is_on =
            ((const struct watch *)message->body)->is_on;
    }
}

static void for_every_entry(struct agent_session *session, struct session_effects *effects,
                            enum entry_event event)
{
    for (size_t i = 0; i < session->entry_count; i++) {
        struct order_id id = session->entries[i].order.id;

        fire(session, effects, &id, event, NULL);
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
        fire(session, ret, event->id, ENTRY_CHILD_ENDED, event->outcome);
        break;
    case SESSION_CHILD_DIED:
        fire(session, ret, event->id, ENTRY_CHILD_DIED, NULL);
        break;
    case SESSION_INSPECTED:
        fire(session, ret, event->id, ENTRY_INSPECTED, event->finding);
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
    (void)text_copy(session->journal, sizeof(session->journal), journal);
    session->term = 0;
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
