/* post.c: an agent's process: what its ledger was told is durable before the next effect. */
#include "common/base/memory.h"
#include "proto/copy.h"
#include "proto/pack.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <string.h>

#define FOREIGN_ROLLOUT 900000 /* of entries that an earlier owner of a ledger left */

static void save_entry(struct sim_node *node, const struct entry *entry)
{
    for (size_t i = 0; i < node->ledger_count; i++) {
        const struct order_id *id = &node->ledger[i].order.id;

        if (id->rollout == entry->order.id.rollout && id->step == entry->order.id.step &&
            id->direction == entry->order.id.direction) {
            node->ledger[i] = *entry;
            return;
        }
    }
    if (node->ledger_count < SIM_LEDGER_MAX)
        node->ledger[node->ledger_count++] = *entry;
}

void post_kill(struct sim *sim, int at, uint64_t for_ms)
{
    struct sim_node *node = &sim->nodes[at];

    if (!node->is_alive)
        return;
    sim_trace(sim, "%s: its agent dies", node->name);
    node->is_alive = false;
    node->is_stopped = false;
    node->back_at_ms = sim->now_ms + for_ms;
    memset(node->children, 0, sizeof(node->children));
    talloc_free(node->session);
    node->session = NULL;
}

static void cancel_child(struct sim_node *node, const struct order_id *id)
{
    for (int i = 0; i < SIM_CHILDREN_MAX; i++)
        if (node->children[i].is_used && !node->children[i].is_mend &&
            !node->children[i].is_inspection && order_id_equals(&node->children[i].order.id, id))
            node->children[i].is_cancelled = true;
}

/* What an agent keeps beside its ledger travels with the outcome. */
static void attach_rows(const struct sim_node *node, struct task_outcome *outcome)
{
    static struct rehearsed rows[] = {
        {.revision = "r1",
         .phase = REHEARSED_EXPAND,
         .statement = 1,
         .relation = "public.players",
         .lock = LOCK_ACCESS_EXCLUSIVE},
        {.revision = "r1", .phase = REHEARSED_EXPAND, .verdict = VERDICT_PASS}};
    const struct entry *entry = agent_session_entry(node->session, &outcome->id);

    if (entry == NULL || entry->order.task != TASK_REHEARSE)
        return;
    outcome->rehearsal = rows;
    outcome->rehearsal_count = ARRAY_LEN(rows);
}

/* The agent's own doing: not while a task has the lock. */
static void discard_shadow(struct sim *sim, struct sim_node *node, uint64_t rollout)
{
    for (int i = 0; i < SIM_CHILDREN_MAX; i++)
        if (node->children[i].is_used && node->children[i].has_lock)
            return;
    if (node->shadow_of == 0 || node->shadow_of > rollout || sim_chance(sim, 10))
        return;
    sim_trace(sim, "%s discards the shadow of rollout %llu by itself", node->name,
              (unsigned long long)node->shadow_of);
    node->shadow_of = 0;
}

static void clear_rollout(struct sim *sim, struct sim_node *node, uint64_t rollout)
{
    if (node->believes && node->database.term <= node->session->term &&
        node->database.open_rollout == rollout && !sim_chance(sim, 10))
        node->database.open_rollout = 0;
}

static void perform(struct sim *sim, int at, const struct session_effect *effect)
{
    struct sim_node *node = &sim->nodes[at];

    switch (effect->type) {
    case SESSION_SAVE_ENTRY:
        save_entry(node, &effect->entry);
        break;
    case SESSION_SAVE_TERM:
        node->term = node->session->term;
        (void)text_copy(node->journal, JOURNAL_SIZE, node->session->journal);
        break;
    case SESSION_SEND:
        if (effect->message == MESSAGE_OUTCOME)
            attach_rows(node, effect->body);
        network_post(sim, at, -1, effect->message, node->session->term, effect->body);
        break;
    case SESSION_START_CHILD:
        child_start(sim, at, &effect->entry, false, false);
        break;
    case SESSION_INSPECT:
        child_start(sim, at, &effect->entry, true, effect->of_replica);
        break;
    case SESSION_CANCEL_CHILD:
        cancel_child(node, &effect->entry.order.id);
        break;
    case SESSION_TELL_TERM:
        child_tell_term(sim, at, node->session->term);
        break;
    case SESSION_TELL_PLAYERS:
        child_tell_players(sim, at, effect->players_ms, effect->players_limit_ms);
        break;
    case SESSION_MEND:
        child_mend(sim, at, &effect->entry);
        break;
    case SESSION_CLEAR_ROLLOUT:
        clear_rollout(sim, node, effect->rollout);
        break;
    case SESSION_DISCARD_SHADOWS:
        discard_shadow(sim, node, effect->rollout);
        break;
    case SESSION_REOPEN:
        twin_reopen(sim, at, &effect->entry);
        break;
    case SESSION_DROP_SLOTS:
        twin_drop_slots(sim, at, effect->rollout);
        break;
    case SESSION_END_FOLLOWING:
        twin_end_following(sim, at, effect->rollout);
        break;
    case SESSION_WATCH:
        node->is_watched = effect->is_on;
        break;
    case SESSION_REPORT:
        node->has_news = true;
        node->owed_reports = SESSION_REPORTS_OWED;
        break;
    case SESSION_EFFECT_COUNT:
        break;
    }
}

void post_event(struct sim *sim, int at, const struct session_event *event)
{
    struct sim_node *node = &sim->nodes[at];
    struct session_effects *effects = session_effects_new(sim);

    agent_session_handle(node->session, event, effects);
    coverage_note(effects->fired, effects->fired_count);
    for (size_t i = 0; i < effects->count && node->is_alive; i++) {
        if (sim_rarely(sim, 1000))
            post_kill(sim, at, sim_below(sim, 20000)); /* between any two effects */
        else
            perform(sim, at, &effects->items[i]);
    }
    talloc_free(effects);
}

static void simple_event(struct sim *sim, int at, enum session_event_type type)
{
    struct session_event event = {.type = type, .at_ms = sim->now_ms};

    if (sim->nodes[at].is_alive)
        post_event(sim, at, &event);
}

void post_start(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];
    struct error err;

    node->is_alive = true;
    node->session = agent_session_new(sim);
    node->is_watched = node->has_news = false;
    talloc_free(node->reported);
    node->reported = NULL;
    node->session->kind = node->kind;
    (void)text_copy(node->session->ledger, IDENTITY_SIZE, node->identity);
    (void)text_copy(node->session->journal, JOURNAL_SIZE, node->journal);
    node->session->term = node->term;
    for (size_t i = 0; i < node->ledger_count; i++)
        if (agent_session_load(node->session, &node->ledger[i], &err) != ERROR_OK)
            sim_break(sim, err.detail);
    simple_event(sim, at, SESSION_STARTED);
    simple_event(sim, at, SESSION_CONNECTED);
}

/* A new disk: whatever it knew is gone, and it says so by its new identity. */
void post_lose_ledger(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    sim_trace(sim, "%s: its ledger is lost", node->name);
    node->has_forgotten = node->is_paused;
    post_kill(sim, at, sim_below(sim, 5000));
    node->ledger_count = 0;
    node->term = 0;
    node->journal[0] = '\0';
    node->identity[0]++;
}

/* So full of another time's tombstones that no order fits in. */
void post_fill_ledger(struct sim *sim, int at)
{
    struct agent_session *session = sim->nodes[at].session;
    struct error err;

    for (uint64_t i = session->entry_count; i < SESSION_ENTRIES_MAX; i++) {
        struct entry entry = {.state = ENTRY_TOMBSTONE, .order.task = TASK_RELEASE};

        entry.order.id.rollout = FOREIGN_ROLLOUT;
        entry.order.id.step = i + 1;
        if (agent_session_load(session, &entry, &err) != ERROR_OK)
            sim_break(sim, err.detail);
    }
}

/* What always changes says nothing new. */
static void pack_what_lasts(const struct report *report, struct text *ret)
{
    struct report *copy = record_clone(&report_record, report, NULL);

    copy->database.position = copy->age_ms = 0;
    for (size_t i = 0; i < copy->probe_count; i++)
        copy->probes[i].latency_ms = 0;
    for (size_t i = 0; i < copy->server_count; i++)
        copy->servers[i].sessions = copy->servers[i].requests = copy->servers[i].errors = 0;
    pack_record(&report_record, copy, ret);
    talloc_free(copy);
}

/* As the agent's own loop does: on news, every ten beats, and at every beat while it is watched. */
static bool has_to_report(struct sim *sim, struct sim_node *node, struct report *report)
{
    struct text *bytes = text_new(sim, SIM_REPORT_BYTES_MAX);
    unsigned beats = sim->fate.compares ? 1 : SIM_BEATS_PER_REPORT; /* or it would take too long */
    bool is_due;

    pack_what_lasts(report, bytes);
    is_due = node->has_news || node->is_watched || node->owed_reports > 0 ||
             ++node->beats % beats == 0 || node->reported == NULL ||
             node->reported->size != bytes->size ||
             memcmp(node->reported->data, bytes->data, bytes->size) != 0;
    talloc_free(node->reported);
    node->reported = bytes;
    node->owed_reports -= node->owed_reports > 0;
    node->has_news = is_due && !node->session->is_welcome;
    return is_due && node->session->is_welcome;
}

static void beat(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];
    struct report *report = memory_new(sim, struct report);
    struct beat body = {.is_up = true};

    node->beat_at_ms = sim->now_ms + BEAT_MS;
    report_fill(sim, at, report);
    if (!node->session->is_welcome)
        simple_event(sim, at, SESSION_CONNECTED);
    if (node->is_alive && node->session != NULL) { /* it may just have died */
        (void)text_copy(body.ledger, IDENTITY_SIZE, node->session->ledger);
        network_post(sim, at, -1, MESSAGE_BEAT, node->session->term, &body);
        if (has_to_report(sim, node, report))
            network_post(sim, at, -1, MESSAGE_REPORT, node->session->term, report);
        simple_event(sim, at, SESSION_TICK);
    }
    if (node->is_alive && node->session != NULL) {
        struct session_event event = {
            .type = SESSION_REPORTED, .at_ms = sim->now_ms, .report = report};

        post_event(sim, at, &event);
    }
    talloc_free(report);
}

void post_run(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    pooler_run(sim, at);
    if (!node->is_enrolled && sim->control != NULL && sim->now_ms >= node->joins_at_ms)
        sim_enroll(sim, at);
    if (!node->is_alive) {
        if (sim->now_ms >= node->back_at_ms && !node->is_down)
            post_start(sim, at);
        return;
    }
    if (node->is_stopped && sim->now_ms >= node->back_at_ms)
        node->is_stopped = false;
    child_run_all(sim, at);
    if (node->is_alive && !node->is_stopped && sim->now_ms >= node->beat_at_ms)
        beat(sim, at);
}
