/* session_rules.c: the table of what an order's entry does about what it hears. */
#include "agent/core/session_internal.h"

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

static bool is_name_or_nothing(const char *text)
{
    return text[0] == '\0' || text_is_name(text, NAME_MAX_LENGTH);
}

/* It becomes the name of a file. */
static bool is_digest_or_nothing(const char *text)
{
    return text[0] == '\0' || (text_is_name(text, DIGEST_SIZE - 1) && strpbrk(text, "._-") == NULL);
}

/* What an edge, a path or a hook's environment is made of is a name, whoever sends it. */
static bool is_misnamed(const struct agent_session *session, const struct entry *entry,
                        const void *detail)
{
    const struct order *order = detail;
    const struct task_arguments *arguments = &order->arguments;

    (void)session;
    (void)entry;
    return !is_name_or_nothing(arguments->target) || !is_name_or_nothing(arguments->shard) ||
           !is_name_or_nothing(arguments->revision) || !is_name_or_nothing(arguments->release) ||
           !is_digest_or_nothing(arguments->bundle);
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

/* Unknown is not failed: as long as there is hope that the node can be asked. */
static bool may_look_again(const struct agent_session *session, const struct entry *entry,
                           const void *detail)
{
    const struct finding_report *finding = detail;

    (void)session;
    return finding != NULL && finding->finding == FINDING_NOTHING &&
           entry->looks < SESSION_LOOKS_MAX;
}

static bool is_time_to_look_again(const struct agent_session *session, const struct entry *entry,
                                  const void *detail)
{
    (void)detail;
    return !entry->has_child && session->now_ms - entry->sent_at_ms >= SESSION_LOOK_AGAIN_MS;
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

static bool is_time_to_repeat_correction(const struct agent_session *session,
                                         const struct entry *entry, const void *detail)
{
    (void)detail;
    return session->is_welcome && entry->correction != 0 &&
           session->now_ms - entry->sent_at_ms >= SESSION_RESEND_MS;
}

/* Only what must stay out: whether a server may have traffic again is for the coordinator, which
 * sees its health. */
static bool has_strayed(const struct agent_session *session, const struct entry *entry,
                        const void *detail)
{
    const struct sighting *sighting = detail;

    return sighting->server != NULL && entry->outcome.outcome == OUTCOME_SUCCEEDED &&
           !entry->is_mending && session->mending_count < SESSION_MENDS_MAX &&
           sighting->measured_at_ms > entry->changed_at_ms &&
           wish_of(entry->order.task) != WISH_ADMIT;
}

/* The coordinator may be gone, and players wait. A pause that came to nothing, or a resume that
 * failed, may have left some console paused as well. What a person pauses is his. */
static bool was_left_paused(const struct agent_session *session, const struct entry *entry,
                            const void *detail)
{
    const struct sighting *sighting = detail;
    bool is_resumed = entry->order.task == TASK_RESUME_POOL && entry->state == ENTRY_ENDED &&
                      entry->outcome.outcome == OUTCOME_SUCCEEDED;

    return sighting->server == NULL && !is_resumed && !entry->is_mending &&
           session->mending_count < SESSION_MENDS_MAX &&
           sighting->measured_at_ms > entry->changed_at_ms &&
           session->now_ms - session->pool.said_at_ms >= entry->order.arguments.pause_ms;
}

static bool was_put_right(const struct agent_session *session, const struct entry *entry,
                          const void *detail)
{
    const struct task_outcome *outcome = detail;

    (void)session;
    (void)entry;
    return outcome->outcome == OUTCOME_SUCCEEDED;
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
    {2104, IN_ANY, ON(ORDER), IF(is_misnamed), SAY(INVALID),
        WHY("a node, shard, revision, release or bundle in it is no name")},
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
    {2510, IN(LOOKING), ON(INSPECTED), IF(may_look_again), DO(LOSES_SIGHT),
        WHY("the node could not be looked at: again in a while")},
    {2511, IN(LOOKING), ON(INSPECTED), DO(ENDS_AS_FOUND), WHY("the node shows what was done")},
    {2513, IN_ANY, ON(INSPECTED), DO(IGNORES), WHY("not about what is known here")},

    {2601, IN(RUNNING) | IN(LOOKING), ON(RESTART), DO(LOOKS),
        WHY("the agent was restarted: what did the child do?")},
    {2603, IN_ANY, ON(RESTART), DO(IGNORES), WHY("nothing was under way")},
    {2604, IN(LOOKING), ON(TICK), IF(is_time_to_look_again), DO(LOOKS),
        WHY("what it did is not known yet: the node is looked at again")},
    {2605, IN(ENDED), ON(TICK), IF(is_time_to_repeat), DO(TELLS_OUTCOME),
        WHY("not settled yet: said again")},
    {2606, IN(ENDED), ON(TICK), IF(is_time_to_repeat_correction), DO(TELLS_CORRECTION),
        WHY("a correction that was not settled yet: said again")},
    {2607, IN_ANY, ON(TICK), DO(IGNORES), WHY("nothing to do")},

    {2701, IN(ENDED), ON(SEEN), IF(has_strayed), DO(MENDS),
        WHY("the edge sends traffic to what was taken out: put right")},
    {2702, IN(ENDED) | IN(LOOKING), ON(SEEN), IF(was_left_paused), DO(MENDS),
        WHY("the pool is paused, and nobody has said for long that it still should be: resumed")},
    {2703, IN_ANY, ON(SEEN), DO(IGNORES), WHY("nothing is to be put right yet")},
    {2705, IN(ENDED) | IN(LOOKING), ON(MENDED), IF(was_put_right), DO(NOTES_CORRECTION),
        WHY("put right, without an order")},
    {2707, IN_ANY, ON(MENDED), DO(IGNORES), WHY("another order has come, or the next beat tries")},
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
        [ENTRY_SEEN] = "seen",
        [ENTRY_MENDED] = "mended",
    };

    static_assert(ARRAY_LEN(names) == ENTRY_EVENT_COUNT, "an event has no name");
    assert(event < ENTRY_EVENT_COUNT);
    return names[event];
}
