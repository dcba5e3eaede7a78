/* session_upkeep.c: what an agent keeps right between orders: an edge that forgot or was changed by
 * hand, a pool that was left paused, a database that was left closed, and what a rollout that is
 * over has left in a database.
 */
#include "agent/core/session_internal.h"

#include "common/base/memory.h"

#include <string.h>

static struct server_wish *find_wish(struct agent_session *session, const char *target)
{
    for (size_t i = 0; i < session->wish_count; i++)
        if (strcmp(session->wishes[i].target, target) == 0)
            return &session->wishes[i];
    return NULL;
}

static bool is_of_pool(const struct entry *entry)
{
    return entry->order.task == TASK_PAUSE_POOL || entry->order.task == TASK_RESUME_POOL;
}

static bool is_of_writes(const struct entry *entry)
{
    return entry->order.task == TASK_CLOSE_WRITES || entry->order.task == TASK_OPEN_WRITES;
}

static void note_hold(const struct agent_session *session, const struct entry *entry,
                      struct hold_wish *ret)
{
    if (entry->serial > ret->serial)
        *ret = (struct hold_wish){
            .id = entry->order.id, .serial = entry->serial, .said_at_ms = session->now_ms};
}

void agent_session_note_wish(struct agent_session *session, const struct entry *entry)
{
    const char *target = entry->order.arguments.target;
    struct server_wish *wish;

    if (entry->serial > session->serial)
        session->serial = entry->serial;
    if (is_of_pool(entry))
        note_hold(session, entry, &session->pool);
    if (is_of_writes(entry))
        note_hold(session, entry, &session->writes);
    if (wish_of(entry->order.task) == WISH_NONE || entry->serial == 0)
        return;
    wish = find_wish(session, target);
    if (wish == NULL && session->wish_count < REPORT_SERVERS_MAX) {
        if (session->wishes == NULL)
            session->wishes = memory_array(session, struct server_wish, REPORT_SERVERS_MAX);
        wish = &session->wishes[session->wish_count++];
        (void)text_copy(wish->target, sizeof(wish->target), target);
    }
    if (wish == NULL || wish->serial > entry->serial)
        return;
    wish->id = entry->order.id;
    wish->serial = entry->serial;
    wish->wish = wish_of(entry->order.task);
}

static const struct server_traffic *find_server(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->server_count; i++)
        if (strcmp(report->servers[i].node, name) == 0)
            return &report->servers[i];
    return NULL;
}

/* NULL: the order is forgotten, or the edge knows no colours any more. */
static const struct server_traffic *sight_of_switch(const struct agent_session *session,
                                                    const struct server_wish *wish,
                                                    const struct report *report,
                                                    struct server_traffic *ret)
{
    const struct entry *entry = agent_session_find(session, &wish->id);

    if (entry == NULL || report->live[0] == '\0')
        return NULL;
    *ret = wish_sight_of_colour(report, entry->order.arguments.colour,
                                entry->order.arguments.share_permille);
    return ret;
}

static void look_at_servers(struct agent_session *session, const struct report *report,
                            struct session_effects *effects)
{
    for (size_t i = 0; i < session->wish_count; i++) {
        const struct server_wish *wish = &session->wishes[i];
        struct order_id id = wish->id;
        struct sighting sighting = {.measured_at_ms = session->now_ms - report->age_ms};
        struct server_traffic colour;

        sighting.server = wish->wish == WISH_SWITCH
                              ? sight_of_switch(session, wish, report, &colour)
                              : find_server(report, wish->target);
        if (sighting.server != NULL && wish_is_contradicted(wish->wish, sighting.server))
            agent_session_fire(session, effects, &id, ENTRY_SEEN, &sighting);
    }
}

void agent_session_hear_pauses(struct agent_session *session, uint64_t rollout)
{
    if (rollout != 0 && session->pool.id.rollout == rollout)
        session->pool.said_at_ms = session->now_ms;
    if (rollout != 0 && session->writes.id.rollout == rollout)
        session->writes.said_at_ms = session->now_ms;
}

/* One console that holds queries back is enough, whether or not the others answer. */
static void look_at_pool(struct agent_session *session, const struct report *report,
                         struct session_effects *effects)
{
    const struct sighting sighting = {.measured_at_ms = session->now_ms - report->age_ms};
    struct order_id id = session->pool.id;

    for (size_t i = 0; session->pool.serial != 0 && i < report->pool_count; i++) {
        if (!report->pools[i].could_measure || !report->pools[i].is_paused)
            continue;
        agent_session_fire(session, effects, &id, ENTRY_SEEN, &sighting);
        return;
    }
}

/* `hakem migration up` asks whether a rollout is open there: nobody else would tell it that none
 * is. */
static void look_at_rollout(struct agent_session *session, const struct database_report *database,
                            struct session_effects *effects)
{
    bool is_over = database->open_rollout != 0 && database->open_rollout <= session->closed_rollout;

    if (!database->is_primary || !is_over || !session->is_welcome ||
        session->now_ms < session->clear_not_before_ms)
        return;
    session->clear_not_before_ms = session->now_ms + SESSION_CLEAR_PAUSE_MS;
    session_effects_add(effects, SESSION_CLEAR_ROLLOUT)->rollout = database->open_rollout;
}

/* Its rollout ended, and nobody could have it discarded: the agent was away, or a person skipped
 * that. */
static void look_at_shadows(struct agent_session *session, const struct database_report *database,
                            struct session_effects *effects)
{
    if (database->shadow_of == 0 || database->shadow_of > session->closed_rollout ||
        !session->is_welcome || session->now_ms < session->discard_not_before_ms)
        return;
    session->discard_not_before_ms = session->now_ms + SESSION_DISCARD_PAUSE_MS;
    session_effects_add(effects, SESSION_DISCARD_SHADOWS)->rollout = session->closed_rollout;
}

/* The coordinator may be gone, and players wait. Whether it may be opened is found out beside the
 * database; one that follows, or was left, is closed because it is that. A close that came to
 * nothing, or an opening that failed, may have left it closed as well. */
static void look_at_writes(struct agent_session *session, const struct twin_report *twin,
                           struct session_effects *effects)
{
    const struct hold_wish *writes = &session->writes;
    const struct entry *entry = agent_session_find(session, &writes->id);
    bool stays_closed = twin->closed_by == 0 || twin->closed_by != writes->id.rollout ||
                        twin->has_yielded || twin->state == TWIN_COPYING ||
                        twin->state == TWIN_LEFT;

    if (writes->serial == 0 || entry == NULL || stays_closed || entry->state == ENTRY_RUNNING ||
        entry->order.arguments.pause_ms == 0 ||
        session->now_ms - writes->said_at_ms < entry->order.arguments.pause_ms ||
        session->now_ms < session->reopen_not_before_ms)
        return;
    session->reopen_not_before_ms = session->now_ms + SESSION_REOPEN_PAUSE_MS;
    session_effects_add(effects, SESSION_REOPEN)->entry = *entry;
}

/* Its rollout ended, and nobody could have it taken back, or carried on: its agent was lost, or a
 * person abandoned it.  A follower keeps the other side's WAL for as long as it is one. */
static void look_at_following(struct agent_session *session, const struct database_report *database,
                              struct session_effects *effects)
{
    const struct twin_report *twin = &database->twin;
    bool follows =
        twin->state == TWIN_COPYING || twin->state == TWIN_FOLLOWING || twin->state == TWIN_BROKEN;

    if (!follows || !database->is_primary || twin->rollout == 0 ||
        twin->rollout > session->closed_rollout || !session->is_welcome ||
        session->now_ms < session->following_not_before_ms)
        return;
    session->following_not_before_ms = session->now_ms + SESSION_FOLLOWING_PAUSE_MS;
    session_effects_add(effects, SESSION_END_FOLLOWING)->rollout = session->closed_rollout;
}

/* A slot that nobody reads keeps WAL until the disk is full. */
static void look_at_slots(struct agent_session *session, const struct twin_report *twin,
                          struct session_effects *effects)
{
    if (twin->slot_of == 0 || twin->slot_of > session->closed_rollout || !session->is_welcome ||
        session->now_ms < session->slots_not_before_ms)
        return;
    session->slots_not_before_ms = session->now_ms + SESSION_SLOTS_PAUSE_MS;
    session_effects_add(effects, SESSION_DROP_SLOTS)->rollout = session->closed_rollout;
}

void agent_session_look_after(struct agent_session *session, const struct report *report,
                              struct session_effects *effects)
{
    if (session->now_ms < report->age_ms)
        return;
    look_at_pool(session, report, effects);
    if (!report->could_measure)
        return;
    if (report->kind == KIND_EDGE)
        look_at_servers(session, report, effects);
    else if (report->kind == KIND_DATABASE) {
        look_at_rollout(session, &report->database, effects);
        look_at_shadows(session, &report->database, effects);
        look_at_writes(session, &report->database.twin, effects);
        look_at_slots(session, &report->database.twin, effects);
        look_at_following(session, &report->database, effects);
    }
}

void agent_session_mend(struct agent_session *session, struct session_effects *effects,
                        struct entry *entry)
{
    entry->is_mending = true;
    session->mending_count++;
    session_effects_add(effects, SESSION_MEND)->entry = *entry;
}

void agent_session_end_mending(struct agent_session *session, const struct order_id *id)
{
    struct entry *entry = agent_session_find(session, id);

    if (session->mending_count > 0)
        session->mending_count--;
    if (entry == NULL)
        return;
    entry->is_mending = false;
    entry->changed_at_ms = session->now_ms; /* what was seen before says nothing any more */
}

void agent_session_say_corrected(struct agent_session *session, struct session_effects *effects,
                                 struct entry *entry)
{
    struct correction *correction = session_effects_send(effects, MESSAGE_CORRECTED);
    const struct task_arguments *arguments = &entry->order.arguments;

    correction->id = entry->order.id;
    correction->number = entry->correction;
    (void)text_copy(correction->target, sizeof(correction->target),
                    is_of_pool(entry) ? "pool" : arguments->target);
    if (is_of_pool(entry))
        (void)text_format(correction->detail, sizeof(correction->detail),
                          "it was paused, and for %llu ms nobody had said that it still should be: "
                          "resumed",
                          (unsigned long long)arguments->pause_ms);
    else if (entry->order.task == TASK_SWITCH)
        (void)text_format(
            correction->detail, sizeof(correction->detail),
            "its traffic, or what it keeps for a reload, was not %s's as ordered: put right",
            arguments->colour);
    else
        (void)text_format(correction->detail, sizeof(correction->detail),
                          "it was %s, not as ordered (%s): put right",
                          word_of(&traffic_state_names, entry->strayed_to),
                          wish_name(wish_of(entry->order.task)));
    entry->sent_at_ms = session->now_ms;
}
