/* loop_children.c: what the agent's children say. */
#include "agent/loop_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "proto/copy.h"
#include "proto/pack.h"

#include <string.h>

#define WATCHER_RESTART_MS 1000
#define REPORT_BYTES_MAX   (1 << 20)

/* What always changes says nothing new. */
static void hash_report(const struct report *report, char ret[static HASH_HEX_SIZE])
{
    struct report *copy = record_clone(&report_record, report, NULL);
    struct text *bytes = text_new(copy, REPORT_BYTES_MAX);

    copy->age_ms = 0;
    copy->disk_free_bytes = 0;
    copy->database.position = 0;
    copy->database.lag_bytes = 0;
    copy->database.lag_ms = 0;
    copy->database.fingerprint_age_ms = 0;
    copy->database.twin.lag_bytes = copy->database.twin.lag_ms = 0;
    copy->database.twin.slot_bytes = 0;
    for (size_t i = 0; i < copy->probe_count; i++) {
        copy->probes[i].latency_ms = 0;
        copy->probes[i].text[0] = '\0';
    }
    for (size_t i = 0; i < copy->pool_count; i++) {
        copy->pools[i].clients_active = copy->pools[i].clients_waiting = 0;
        copy->pools[i].servers_active = copy->pools[i].servers_idle = 0;
        copy->pools[i].longest_wait_ms = 0;
    }
    for (size_t i = 0; i < copy->server_count; i++) {
        copy->servers[i].sessions = 0;
        copy->servers[i].requests = 0;
    }
    pack_record(&report_record, copy, bytes);
    hash_bytes_hex(bytes->data, bytes->size, ret);
    talloc_free(copy);
}

static void take_report(struct loop *loop, const struct report *report)
{
    char hash[HASH_HEX_SIZE];
    struct session_event event = {
        .type = SESSION_REPORTED, .at_ms = clock_monotonic_ms(), .report = report};

    loop_hear(loop, &event);
    agent_check_see(loop->agent_check, report);
    talloc_free(loop->report);
    loop->report = record_clone(&report_record, report, loop);
    loop->report_at_ms = clock_monotonic_ms();
    hash_report(report, hash);
    if (strcmp(hash, loop->reported) != 0 || loop->is_watched || loop->owed_reports > 0)
        loop->has_news = true;
    loop->owed_reports -= loop->owed_reports > 0;
    memcpy(loop->reported, hash, sizeof(hash));
}

/* The node has just been changed: the watcher looks now, not at its next beat. Any frame ends its
 * pause. */
static void wake_watcher(struct loop *loop)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *child = &loop->children->items[i];

        if (child->is_used && child->job.kind == JOB_WATCH)
            (void)channel_send(child->process.channel, FRAME_CANCEL, NULL);
    }
}

/* What the log says once it is done. */
static const char *const upkeep_words[JOB_COUNT] = {
    [JOB_CLEAR_ROLLOUT] = "rollout_cleared",   [JOB_DISCARD_SHADOWS] = "shadow_discarded",
    [JOB_REOPEN] = "database_reopening_tried", [JOB_DROP_SLOTS] = "slots_dropped",
    [JOB_END_FOLLOWING] = "following_ended",
};

/* Nobody's order: done again as long as it is needed. */
static bool is_upkeep(const struct child *child)
{
    return upkeep_words[child->job.kind] != NULL;
}

static void take_outcome(struct loop *loop, const struct child *child,
                         const struct task_outcome *outcome)
{
    struct session_event event = {.type = SESSION_CHILD_ENDED,
                                  .at_ms = clock_monotonic_ms(),
                                  .id = &child->job.order.id,
                                  .outcome = outcome};

    if (child->job.kind == JOB_MEND_EDGE)
        loop_end_mend(loop, event.id, outcome);
    else if (is_upkeep(child))
        log_event(outcome->outcome == OUTCOME_SUCCEEDED ? LOG_INFO : LOG_WARNING,
                  upkeep_words[child->job.kind], LOG_NUMBER("rollout", event.id->rollout),
                  LOG_TEXT("detail", outcome->detail));
    else
        loop_hear(loop, &event);
}

static void take_frame(struct loop *loop, struct child *child, enum frame_type type,
                       const void *body)
{
    struct session_event event = {.at_ms = clock_monotonic_ms(), .id = &child->job.order.id};

    if (type == FRAME_REPORT) {
        take_report(loop, body);
    } else if (type == FRAME_PROGRESS) {
        event.type = SESSION_CHILD_PROGRESS;
        event.progress = body;
        loop_hear(loop, &event);
    } else if (type == FRAME_OUTCOME) {
        child->has_said_last = true;
        take_outcome(loop, child, body);
        wake_watcher(loop);
    } else if (type == FRAME_FINDING) {
        event.type = SESSION_INSPECTED;
        event.finding = body;
        child->has_said_last = true;
        loop_hear(loop, &event);
    }
}

/* It died before it said how it went. */
static void note_death(struct loop *loop, const struct child *child)
{
    struct finding_report nothing = {
        .id = child->job.order.id, .of_replica = child->job.of_replica, .finding = FINDING_NOTHING};
    struct session_event event = {
        .type = SESSION_CHILD_DIED, .at_ms = clock_monotonic_ms(), .id = &child->job.order.id};

    if (child->has_said_last || child->job.kind == JOB_WATCH || is_upkeep(child))
        return; /* what they left out is done again */
    if (child->job.kind == JOB_MEND_EDGE) {
        struct task_outcome outcome = {.outcome = OUTCOME_FAILED, .detail = "its process died"};

        loop_end_mend(loop, &child->job.order.id, &outcome);
        return;
    }
    log_event(LOG_WARNING, "child_died", LOG_NUMBER("rollout", child->job.order.id.rollout),
              LOG_NUMBER("step", child->job.order.id.step),
              LOG_TEXT("task", word_of(&task_names, child->job.order.task)));
    if (child->job.kind == JOB_INSPECT) {
        if (child->job.of_replica)
            return; /* it is asked again */
        event.type = SESSION_INSPECTED;
        (void)text_copy(nothing.detail, sizeof(nothing.detail), "the inspection died, too");
        event.finding = &nothing;
    }
    loop_hear(loop, &event);
}

static void serve_child(struct loop *loop, struct child *child)
{
    void *memory = memory_zeroed(loop, 1, 1, "frame");
    enum frame_type type;
    void *body;

    while (loop->err.code == ERROR_OK && channel_receive(&child->channel, memory, &type, &body))
        take_frame(loop, child, type, body);
    talloc_free(memory);
    if (child->channel.is_closed || child->has_said_last) {
        struct child last = *child;

        if (child_reap(child)) {
            if (last.job.kind == JOB_WATCH)
                loop->watcher_at_ms = clock_monotonic_ms() + WATCHER_RESTART_MS;
            note_death(loop, &last);
        }
    }
}

void loop_serve_children(struct loop *loop)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (loop->children->items[i].is_used)
            serve_child(loop, &loop->children->items[i]);
    children_enforce(loop->children, clock_monotonic_ms());
}

void loop_keep_watcher(struct loop *loop, uint64_t now_ms)
{
    struct job job = {.kind = JOB_WATCH};
    struct child *child = NULL;
    struct error err;

    if (now_ms < loop->watcher_at_ms)
        return;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (loop->children->items[i].is_used && loop->children->items[i].job.kind == JOB_WATCH)
            return;
    loop->watcher_at_ms = now_ms + WATCHER_RESTART_MS;
    if (children_start(loop->children, &job, &child, &err) != ERROR_OK)
        log_event(LOG_ERROR, "watcher_not_started", LOG_TEXT("detail", err.detail));
}
