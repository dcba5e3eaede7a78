/* loop_effects.c: what the session wishes, done in its order. */
#include "agent/loop_internal.h"
#include "agent/shadow/keep.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"

#include <string.h>

/* Of an order that no child was ever started for. */
static void end_order(struct loop *loop, const struct order *order, enum outcome how,
                      const struct error *err)
{
    struct task_outcome outcome = {
        .id = order->id, .outcome = how, .is_retryable = how == OUTCOME_FAILED};
    struct session_event event = {.type = SESSION_CHILD_ENDED,
                                  .at_ms = clock_monotonic_ms(),
                                  .id = &order->id,
                                  .outcome = &outcome};

    (void)text_copy(outcome.code, sizeof(outcome.code), error_code_name(err->code));
    (void)text_copy(outcome.detail, sizeof(outcome.detail), err->detail);
    loop_hear(loop, &event);
}

void loop_fail_order(struct loop *loop, const struct order *order, const struct error *err)
{
    end_order(loop, order, OUTCOME_FAILED, err);
}

static void hear_of_nothing(struct loop *loop, const struct order *order, const char *why)
{
    struct finding_report nothing = {.id = order->id, .finding = FINDING_NOTHING};
    struct session_event event = {.type = SESSION_INSPECTED,
                                  .at_ms = clock_monotonic_ms(),
                                  .id = &order->id,
                                  .finding = &nothing};

    (void)text_copy(nothing.detail, sizeof(nothing.detail), why);
    loop_hear(loop, &event);
}

static void start_child(struct loop *loop, enum job_kind kind, const struct order *order,
                        bool of_replica)
{
    struct job job = {
        .kind = kind, .order = *order, .term = loop->session->term, .of_replica = of_replica};
    struct child *child = NULL;
    struct error err;

    (void)text_copy(job.node, sizeof(job.node), loop->session->node);
    log_event(LOG_INFO, kind == JOB_TASK ? "task_started" : "inspection_started",
              LOG_NUMBER("rollout", order->id.rollout), LOG_NUMBER("step", order->id.step),
              LOG_NUMBER("attempt", order->id.attempt),
              LOG_TEXT("task", word_of(&task_names, order->task)));
    if (children_start(loop->children, &job, &child, &err) == ERROR_OK)
        return;
    log_event(LOG_ERROR, "child_not_started", LOG_TEXT("detail", err.detail));
    if (kind == JOB_TASK)
        loop_fail_order(loop, order, &err);
    else if (kind == JOB_INSPECT && !of_replica)
        hear_of_nothing(loop, order, err.detail);
}

static bool needs_bundle(const struct loop *loop, const struct order *order)
{
    return order->arguments.bundle[0] != '\0' && order->arguments.revision[0] != '\0' &&
           loop->config->kind == KIND_DATABASE &&
           !bundle_is_there(loop->config, order->arguments.bundle);
}

void loop_start_task(struct loop *loop, const struct entry *entry)
{
    struct error err;

    if (!needs_bundle(loop, &entry->order)) {
        start_child(loop, JOB_TASK, &entry->order, false);
        return;
    }
    if (loop->waiting_count == CHILDREN_MAX) {
        error_set(&err, ERROR_LIMIT, "too many orders wait for migration files");
        loop_fail_order(loop, &entry->order, &err);
        return;
    }
    loop->waiting[loop->waiting_count++] = *entry;
    if (strcmp(loop->fetch.digest, entry->order.arguments.bundle) != 0)
        bundle_begin(&loop->fetch, entry->order.arguments.bundle, clock_monotonic_ms());
}

static bool forget_waiting(struct loop *loop, const struct order_id *id)
{
    for (size_t i = 0; i < loop->waiting_count; i++) {
        if (!order_id_equals(&loop->waiting[i].order.id, id))
            continue;
        loop->waiting_count--;
        memmove(&loop->waiting[i], &loop->waiting[i + 1],
                (loop->waiting_count - i) * sizeof(loop->waiting[0]));
        return true;
    }
    return false;
}

/* It may still wait for its migration files. */
static void cancel_task(struct loop *loop, const struct order *order)
{
    struct child *child = children_find(loop->children, JOB_TASK, &order->id);
    struct error err;

    if (child != NULL) {
        child_cancel(child, clock_monotonic_ms());
    } else if (forget_waiting(loop, &order->id)) {
        error_set(&err, ERROR_CANCELLED, "cancelled before its migration files had come");
        end_order(loop, order, OUTCOME_CANCELLED, &err);
    }
}

void loop_end_mend(struct loop *loop, const struct order_id *id, const struct task_outcome *outcome)
{
    struct session_event event = {
        .type = SESSION_MENDED, .at_ms = clock_monotonic_ms(), .id = id, .outcome = outcome};

    if (outcome->outcome != OUTCOME_SUCCEEDED)
        log_event(LOG_WARNING, "edge_not_mended", LOG_TEXT("detail", outcome->detail));
    loop_hear(loop, &event);
}

static void mend_edge(struct loop *loop, const struct entry *entry)
{
    struct job job = {.kind = JOB_MEND_EDGE, .order = entry->order, .term = loop->session->term};
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED};
    struct child *child = NULL;
    struct error err;

    if (wish_of(entry->order.task) == WISH_NONE)
        log_event(LOG_WARNING, "pool_left_paused",
                  LOG_NUMBER("unsaid_for_ms", entry->order.arguments.pause_ms));
    else
        log_event(LOG_WARNING, "edge_strayed", LOG_TEXT("server", entry->order.arguments.target),
                  LOG_TEXT("is", word_of(&traffic_state_names, entry->strayed_to)),
                  LOG_TEXT("ordered", word_of(&task_names, entry->order.task)));
    if (children_start(loop->children, &job, &child, &err) == ERROR_OK)
        return;
    (void)text_copy(outcome.detail, sizeof(outcome.detail), err.detail);
    loop_end_mend(loop, &entry->order.id, &outcome);
}

/* What nobody ordered is done for a rollout that is over. */
static void start_upkeep(struct loop *loop, enum job_kind kind, const struct order *order)
{
    struct job job = {.kind = kind, .order = *order, .term = loop->session->term};
    struct child *child = NULL;
    struct error err;

    (void)text_copy(job.node, sizeof(job.node), loop->session->node);
    if (children_start(loop->children, &job, &child, &err) != ERROR_OK)
        log_event(LOG_ERROR, "child_not_started", LOG_TEXT("detail", err.detail));
}

static void keep_up(struct loop *loop, enum job_kind kind, uint64_t rollout)
{
    struct order order = {.id = {.rollout = rollout}};

    (void)text_copy(order.journal, sizeof(order.journal), loop->session->journal);
    if (kind == JOB_DISCARD_SHADOWS)
        log_event(LOG_WARNING, "shadow_left", LOG_NUMBER("rollout", rollout));
    start_upkeep(loop, kind, &order);
}

static void reopen(struct loop *loop, const struct order *order)
{
    log_event(LOG_WARNING, "database_left_closed", LOG_NUMBER("rollout", order->id.rollout),
              LOG_NUMBER("unsaid_for_ms", order->arguments.pause_ms));
    start_upkeep(loop, JOB_REOPEN, order);
}

/* What was measured is kept beside the ledger, and goes with the outcome each time. */
static void send_body(struct loop *loop, const struct session_effect *effect)
{
    void *memory = memory_zeroed(loop, 1, 1, "rows");

    if (effect->message == MESSAGE_OUTCOME)
        keep_attach(loop->config, memory, effect->body);
    (void)loop_send(loop, effect->message, effect->body);
    talloc_free(memory);
}

static void perform(struct loop *loop, const struct session_effect *effect)
{
    switch (effect->type) {
    case SESSION_SEND:
        send_body(loop, effect);
        return;
    case SESSION_START_CHILD:
        loop_start_task(loop, &effect->entry);
        return;
    case SESSION_CANCEL_CHILD:
        cancel_task(loop, &effect->entry.order);
        return;
    case SESSION_INSPECT:
        start_child(loop, JOB_INSPECT, &effect->entry.order, effect->of_replica);
        return;
    case SESSION_TELL_TERM:
        children_tell_term(loop->children, loop->session->term);
        return;
    case SESSION_TELL_PLAYERS:
        children_tell_players(loop->children, effect->players_ms, effect->players_limit_ms);
        return;
    case SESSION_WATCH:
        loop->is_watched = effect->is_on;
        return;
    case SESSION_REPORT:
        loop->has_news = true;
        loop->owed_reports = SESSION_REPORTS_OWED;
        return;
    case SESSION_MEND:
        mend_edge(loop, &effect->entry);
        return;
    case SESSION_CLEAR_ROLLOUT:
        keep_up(loop, JOB_CLEAR_ROLLOUT, effect->rollout);
        return;
    case SESSION_DISCARD_SHADOWS:
        keep_up(loop, JOB_DISCARD_SHADOWS, effect->rollout);
        return;
    case SESSION_REOPEN:
        reopen(loop, &effect->entry.order);
        return;
    case SESSION_DROP_SLOTS:
        keep_up(loop, JOB_DROP_SLOTS, effect->rollout);
        return;
    case SESSION_END_FOLLOWING:
        keep_up(loop, JOB_END_FOLLOWING, effect->rollout);
        return;
    case SESSION_SAVE_ENTRY:
    case SESSION_SAVE_TERM:
    case SESSION_EFFECT_COUNT:
        return;
    }
}

void loop_hear(struct loop *loop, const struct session_event *event)
{
    struct session_effects *effects = session_effects_new(loop);

    agent_session_handle(loop->session, event, effects);
    if (loop->err.code == ERROR_OK)
        (void)ledger_save(loop->ledger, loop->session, effects, &loop->err);
    for (size_t i = 0; loop->err.code == ERROR_OK && i < effects->count; i++)
        perform(loop, &effects->items[i]);
    talloc_free(effects);
}
