#include "agent/loop.h"

#include "agent/bundle.h"
#include "agent/child.h"
#include "agent/ledger.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/wire/line.h"
#include "proto/copy.h"
#include "proto/pack.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

#define BEAT_PERIOD_MS     1000
#define BEATS_PER_REPORT   10
#define FIRST_DELAY_MS     1500
#define WATCHDOG_MS        15000
#define POLL_MS            100
#define WATCHER_RESTART_MS 1000
#define REPORT_BYTES_MAX   (1 << 20)

static volatile sig_atomic_t is_stopping;

void agent_stop(void)
{
    is_stopping = 1;
}

struct loop {
    const struct agent_config *config;
    struct ledger *ledger;
    struct agent_session *session;
    struct session_effects *effects;
    void *zmq_context;
    struct key_pair key;
    struct line *line;
    uint64_t connect_at_ms; /* 0: connected, as far as is known */
    uint64_t heard_ms;
    struct children *children;
    struct bundle_fetch fetch;
    struct entry *waiting; /* orders whose bundle is being fetched */
    size_t waiting_count;
    bool is_watched;
    struct report *report;
    uint64_t report_at_ms;
    char reported[HASH_HEX_SIZE]; /* hash of what was said last, without what always changes */
    bool has_news;
    uint64_t beat_at_ms;
    uint64_t beats;
    uint64_t watcher_at_ms;
    struct error err; /* the ledger's: ends the loop */
};

/* ---- sending ---- */

static bool send_message(struct loop *loop, enum message_type type, const void *body)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    bool is_sent;

    /* Its number rises over restarts, too: what was overtaken on the way is known by it. */
    message_encode(type, clock_monotonic_ms(), loop->session->term, body, bytes);
    is_sent =
        loop->line != NULL && !bytes->is_cut && line_send(loop->line, bytes->data, bytes->size);
    talloc_free(bytes);
    return is_sent;
}

/* ---- effects ---- */

static void hear(struct loop *loop, const struct session_event *event);

static void fail_order(struct loop *loop, const struct order *order, const struct error *err)
{
    struct task_outcome outcome = {
        .id = order->id, .outcome = OUTCOME_FAILED, .is_retryable = true};
    struct session_event event = {.type = SESSION_CHILD_ENDED,
                                  .at_ms = clock_monotonic_ms(),
                                  .id = &order->id,
                                  .outcome = &outcome};

    (void)text_copy(outcome.code, sizeof(outcome.code), error_code_name(err->code));
    (void)text_copy(outcome.detail, sizeof(outcome.detail), err->detail);
    hear(loop, &event);
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
        fail_order(loop, order, &err);
}

static bool needs_bundle(const struct loop *loop, const struct order *order)
{
    return order->arguments.bundle[0] != '\0' && order->arguments.revision[0] != '\0' &&
           loop->config->kind == KIND_DATABASE &&
           !bundle_is_there(loop->config, order->arguments.bundle);
}

static void start_task(struct loop *loop, const struct entry *entry)
{
    struct error err;

    if (!needs_bundle(loop, &entry->order)) {
        start_child(loop, JOB_TASK, &entry->order, false);
        return;
    }
    if (loop->waiting_count == CHILDREN_MAX) {
        error_set(&err, ERROR_LIMIT, "too many orders wait for migration files");
        fail_order(loop, &entry->order, &err);
        return;
    }
    loop->waiting[loop->waiting_count++] = *entry;
    if (strcmp(loop->fetch.digest, entry->order.arguments.bundle) != 0)
        bundle_begin(&loop->fetch, entry->order.arguments.bundle, clock_monotonic_ms());
}

static void cancel_task(struct loop *loop, const struct order *order)
{
    struct child *child = children_find(loop->children, JOB_TASK, &order->id);

    if (child != NULL)
        child_cancel(child, clock_monotonic_ms());
}

static void end_mend(struct loop *loop, const struct order_id *id,
                     const struct task_outcome *outcome)
{
    struct session_event event = {
        .type = SESSION_MENDED, .at_ms = clock_monotonic_ms(), .id = id, .outcome = outcome};

    if (outcome->outcome != OUTCOME_SUCCEEDED)
        log_event(LOG_WARNING, "edge_not_mended", LOG_TEXT("detail", outcome->detail));
    hear(loop, &event);
}

static void mend_edge(struct loop *loop, const struct entry *entry)
{
    struct job job = {.kind = JOB_MEND_EDGE, .order = entry->order, .term = loop->session->term};
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED};
    struct child *child = NULL;
    struct error err;

    log_event(LOG_WARNING, "edge_strayed", LOG_TEXT("server", entry->order.arguments.target),
              LOG_TEXT("is", word_of(&traffic_state_names, entry->strayed_to)),
              LOG_TEXT("ordered", word_of(&task_names, entry->order.task)));
    if (children_start(loop->children, &job, &child, &err) == ERROR_OK)
        return;
    (void)text_copy(outcome.detail, sizeof(outcome.detail), err.detail);
    end_mend(loop, &entry->order.id, &outcome);
}

static void clear_rollout(struct loop *loop, uint64_t rollout)
{
    struct job job = {.kind = JOB_CLEAR_ROLLOUT, .term = loop->session->term};
    struct child *child = NULL;
    struct error err;

    job.order.id.rollout = rollout;
    (void)text_copy(job.order.journal, sizeof(job.order.journal), loop->session->journal);
    if (children_start(loop->children, &job, &child, &err) != ERROR_OK)
        log_event(LOG_ERROR, "child_not_started", LOG_TEXT("detail", err.detail));
}

static void perform(struct loop *loop, const struct session_effect *effect)
{
    switch (effect->type) {
    case SESSION_SEND:
        (void)send_message(loop, effect->message, effect->body);
        return;
    case SESSION_START_CHILD:
        start_task(loop, &effect->entry);
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
    case SESSION_WATCH:
        loop->is_watched = effect->is_on;
        return;
    case SESSION_MEND:
        mend_edge(loop, &effect->entry);
        return;
    case SESSION_CLEAR_ROLLOUT:
        clear_rollout(loop, effect->rollout);
        return;
    case SESSION_SAVE_ENTRY:
    case SESSION_SAVE_TERM:
    case SESSION_EFFECT_COUNT:
        return;
    }
}

/* One event: what it changes is in the ledger before anything else happens. */
static void hear(struct loop *loop, const struct session_event *event)
{
    struct session_effects *effects = session_effects_new(loop);

    agent_session_handle(loop->session, event, effects);
    if (loop->err.code == ERROR_OK)
        (void)ledger_save(loop->ledger, loop->session, effects, &loop->err);
    for (size_t i = 0; loop->err.code == ERROR_OK && i < effects->count; i++)
        perform(loop, &effects->items[i]);
    talloc_free(effects);
}

static void hear_simple(struct loop *loop, enum session_event_type type)
{
    struct session_event event = {.type = type, .at_ms = clock_monotonic_ms()};

    hear(loop, &event);
}

/* ---- the coordinator's words ---- */

static void start_waiting(struct loop *loop)
{
    size_t count = loop->waiting_count;
    struct entry *entries = memory_copy(loop, loop->waiting, count * sizeof(loop->waiting[0]));

    loop->waiting_count = 0;
    for (size_t i = 0; i < count; i++)
        start_task(loop, &entries[i]);
    talloc_free(entries);
}

static void fail_waiting(struct loop *loop, const struct error *err)
{
    size_t count = loop->waiting_count;
    struct entry *entries = memory_copy(loop, loop->waiting, count * sizeof(loop->waiting[0]));

    loop->waiting_count = 0;
    bundle_end(&loop->fetch);
    for (size_t i = 0; i < count; i++)
        fail_order(loop, &entries[i].order, err);
    talloc_free(entries);
}

static void take_chunk(struct loop *loop, const struct chunk *chunk)
{
    struct error err;
    bool is_done = false;

    if (bundle_take(&loop->fetch, loop->config, chunk, &is_done, &err) != ERROR_OK) {
        fail_waiting(loop, &err);
    } else if (is_done) {
        bundle_end(&loop->fetch);
        start_waiting(loop);
    }
}

static void take_message(struct loop *loop, const void *bytes, size_t size)
{
    void *memory = memory_zeroed(loop, 1, 1, "message");
    struct message message;
    struct session_event event = {.type = SESSION_MESSAGE, .at_ms = clock_monotonic_ms()};
    struct error err;

    event.message = &message;
    if (message_decode(bytes, size, ROLE_COORDINATOR, memory, &message, &err) != ERROR_OK) {
        log_event(LOG_WARNING, "message_refused", LOG_TEXT("detail", err.detail));
    } else {
        loop->heard_ms = event.at_ms;
        if (message.type == MESSAGE_CHUNK)
            take_chunk(loop, message.body);
        else
            hear(loop, &event);
    }
    talloc_free(memory);
}

static void take_messages(struct loop *loop)
{
    void *bytes = NULL;
    size_t size = 0;

    while (loop->line != NULL && loop->err.code == ERROR_OK &&
           line_receive(loop->line, loop, &bytes, &size)) {
        take_message(loop, bytes, size);
        talloc_free(bytes);
    }
}

/* ---- children's words ---- */

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
    for (size_t i = 0; i < copy->probe_count; i++) {
        copy->probes[i].latency_ms = 0;
        copy->probes[i].text[0] = '\0';
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

    hear(loop, &event);
    talloc_free(loop->report);
    loop->report = record_clone(&report_record, report, loop);
    loop->report_at_ms = clock_monotonic_ms();
    hash_report(report, hash);
    if (strcmp(hash, loop->reported) != 0 || loop->is_watched)
        loop->has_news = true;
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

static void take_outcome(struct loop *loop, const struct child *child,
                         const struct task_outcome *outcome)
{
    struct session_event event = {.type = SESSION_CHILD_ENDED,
                                  .at_ms = clock_monotonic_ms(),
                                  .id = &child->job.order.id,
                                  .outcome = outcome};

    if (child->job.kind == JOB_MEND_EDGE)
        end_mend(loop, event.id, outcome);
    else if (child->job.kind == JOB_CLEAR_ROLLOUT)
        log_event(outcome->outcome == OUTCOME_SUCCEEDED ? LOG_INFO : LOG_WARNING, "rollout_cleared",
                  LOG_NUMBER("rollout", event.id->rollout), LOG_TEXT("detail", outcome->detail));
    else
        hear(loop, &event);
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
        hear(loop, &event);
    } else if (type == FRAME_OUTCOME) {
        child->has_said_last = true;
        take_outcome(loop, child, body);
        wake_watcher(loop);
    } else if (type == FRAME_FINDING) {
        event.type = SESSION_INSPECTED;
        event.finding = body;
        child->has_said_last = true;
        hear(loop, &event);
    }
}

/* It died before it said how it went. */
static void note_death(struct loop *loop, const struct child *child)
{
    struct finding_report nothing = {
        .id = child->job.order.id, .of_replica = child->job.of_replica, .finding = FINDING_DID_NOT};
    struct session_event event = {
        .type = SESSION_CHILD_DIED, .at_ms = clock_monotonic_ms(), .id = &child->job.order.id};

    if (child->has_said_last || child->job.kind == JOB_WATCH ||
        child->job.kind == JOB_CLEAR_ROLLOUT)
        return; /* what they left out is done again */
    if (child->job.kind == JOB_MEND_EDGE) {
        struct task_outcome outcome = {.outcome = OUTCOME_FAILED, .detail = "its process died"};

        end_mend(loop, &child->job.order.id, &outcome);
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
    hear(loop, &event);
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

static void serve_children(struct loop *loop)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (loop->children->items[i].is_used)
            serve_child(loop, &loop->children->items[i]);
    children_enforce(loop->children, clock_monotonic_ms());
}

/* ---- time ---- */

static void connect_line(struct loop *loop, uint64_t now_ms)
{
    struct error err;

    if (loop->connect_at_ms == 0 || now_ms < loop->connect_at_ms)
        return;
    loop->connect_at_ms = 0;
    loop->heard_ms = now_ms;
    if (line_open(loop->zmq_context, loop->config->coordinator, loop->config->coordinator_key,
                  &loop->key, &loop->line, &err) != ERROR_OK) {
        log_event(LOG_ERROR, "cannot_connect", LOG_TEXT("detail", err.detail));
        loop->connect_at_ms = now_ms + WATCHDOG_MS;
        return;
    }
    hear_simple(loop, SESSION_CONNECTED);
}

/* Not a word for so long: the socket may be one that gave up for good. */
static void watch_line(struct loop *loop, uint64_t now_ms)
{
    if (loop->line == NULL || now_ms - loop->heard_ms < WATCHDOG_MS)
        return;
    log_event(LOG_WARNING, "coordinator_silent", LOG_NUMBER("ms", now_ms - loop->heard_ms));
    line_close(loop->line);
    loop->line = NULL;
    loop->connect_at_ms = now_ms + randombytes_uniform(FIRST_DELAY_MS) + 1;
}

static void send_report(struct loop *loop, uint64_t now_ms)
{
    uint64_t age_ms;

    if (loop->report == NULL)
        return;
    age_ms = loop->report->age_ms;
    loop->report->age_ms += now_ms - loop->report_at_ms;
    if (send_message(loop, MESSAGE_REPORT, loop->report))
        loop->has_news = false;
    loop->report->age_ms = age_ms;
}

static void beat(struct loop *loop, uint64_t now_ms)
{
    struct beat body = {.is_up = loop->report != NULL && loop->report->is_up};

    if (now_ms < loop->beat_at_ms)
        return;
    loop->beat_at_ms = now_ms + BEAT_PERIOD_MS;
    if (!loop->session->is_welcome)
        hear_simple(loop, SESSION_CONNECTED); /* the hello, or its answer, was lost */
    else
        (void)send_message(loop, MESSAGE_BEAT, &body);
    if (++loop->beats % BEATS_PER_REPORT == 0)
        loop->has_news = true;
}

static void fetch_more(struct loop *loop, uint64_t now_ms)
{
    struct fetch wanted = {.offset = 0};
    struct error err;

    if (loop->fetch.digest[0] == '\0' && loop->waiting_count > 0)
        bundle_begin(&loop->fetch, loop->waiting[0].order.arguments.bundle, now_ms);
    if (loop->fetch.digest[0] != '\0' && now_ms - loop->fetch.began_ms >= BUNDLE_FETCH_MS) {
        error_set(&err, ERROR_UNREACHABLE, "the migration files %s did not arrive within %d ms",
                  loop->fetch.digest, BUNDLE_FETCH_MS);
        fail_waiting(loop, &err);
    } else if (bundle_wants(&loop->fetch, now_ms, &wanted)) {
        (void)send_message(loop, MESSAGE_FETCH, &wanted);
    }
}

static void keep_watcher(struct loop *loop, uint64_t now_ms)
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

static void tick(struct loop *loop)
{
    uint64_t now_ms = clock_monotonic_ms();

    connect_line(loop, now_ms);
    watch_line(loop, now_ms);
    keep_watcher(loop, now_ms);
    beat(loop, now_ms);
    fetch_more(loop, now_ms);
    if (loop->has_news && loop->session->is_welcome)
        send_report(loop, now_ms);
    hear_simple(loop, SESSION_TICK);
}

static void wait_for_more(struct loop *loop)
{
    zmq_pollitem_t items[CHILDREN_MAX + 1];
    int count = 0;

    if (loop->line != NULL)
        items[count++] = (zmq_pollitem_t){.socket = line_socket(loop->line), .events = ZMQ_POLLIN};
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (loop->children->items[i].is_used && !loop->children->items[i].channel.is_closed)
            items[count++] =
                (zmq_pollitem_t){.fd = loop->children->items[i].channel.fd, .events = ZMQ_POLLIN};
    (void)zmq_poll(items, count, POLL_MS);
}

/* ---- beginning and ending ---- */

static enum error_code open_ledger(const struct agent_config *config, struct loop *loop,
                                   struct error *err)
{
    char path[FILE_PATH_MAX];

    (void)text_format(path, sizeof(path), "%s/bundles", config->state);
    if (file_make_folder(path, 0700, err) != ERROR_OK)
        return err->code;
    (void)text_format(path, sizeof(path), "%s/ledger.db", config->state);
    loop->session = agent_session_new(loop);
    loop->session->kind = config->kind;
    if (ledger_open(path, &loop->ledger, err) != ERROR_OK)
        return err->code;
    return ledger_load(loop->ledger, loop->session, err);
}

static enum error_code begin(const struct agent_config *config, struct loop *loop,
                             struct error *err)
{
    loop->config = config;
    loop->children = memory_new(loop, struct children);
    loop->children->config = config;
    loop->waiting = memory_array(loop, struct entry, CHILDREN_MAX);
    if (key_read(config->key_file, &loop->key, err) != ERROR_OK ||
        open_ledger(config, loop, err) != ERROR_OK)
        return err->code;
    loop->zmq_context = zmq_ctx_new();
    if (loop->zmq_context == NULL || zmq_ctx_set(loop->zmq_context, ZMQ_BLOCKY, 0) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot make a ZeroMQ context");
    loop->connect_at_ms = clock_monotonic_ms() + randombytes_uniform(FIRST_DELAY_MS) + 1;
    return ERROR_OK;
}

static void end(struct loop *loop)
{
    children_end(loop->children);
    line_close(loop->line);
    if (loop->zmq_context != NULL)
        (void)zmq_ctx_term(loop->zmq_context);
    ledger_close(loop->ledger);
    bundle_end(&loop->fetch);
    talloc_free(loop);
}

enum error_code agent_run(const struct agent_config *config, struct error *err)
{
    struct loop *loop = memory_new(NULL, struct loop);

    if (begin(config, loop, err) != ERROR_OK) {
        end(loop);
        return err->code;
    }
    hear_simple(loop, SESSION_STARTED);
    while (!is_stopping && loop->err.code == ERROR_OK) {
        take_messages(loop);
        serve_children(loop);
        tick(loop);
        wait_for_more(loop);
    }
    *err = loop->err;
    end(loop);
    return err->code;
}

enum error_code agent_adopt_journal(const struct agent_config *config, const char *journal,
                                    struct error *err)
{
    struct loop *loop = memory_new(NULL, struct loop);
    uint8_t bytes[(JOURNAL_SIZE - 1) / 2];

    loop->children = memory_new(loop, struct children);
    loop->effects = session_effects_new(loop);
    if (!text_from_hex(journal, bytes, sizeof(bytes)))
        error_set(err, ERROR_USAGE,
                  "a journal's identity is %d hexadecimal digits: see `hakem "
                  "cluster status`",
                  JOURNAL_SIZE - 1);
    else if (open_ledger(config, loop, err) == ERROR_OK) {
        err->code = ERROR_OK;
        agent_session_adopt_journal(loop->session, journal);
        loop->effects->items = memory_new(loop->effects, struct session_effect);
        loop->effects->items[0].type = SESSION_SAVE_TERM;
        loop->effects->count = 1;
        (void)ledger_save(loop->ledger, loop->session, loop->effects, err);
    }
    end(loop);
    return err->code;
}
