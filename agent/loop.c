#include "agent/loop.h"

#include "agent/loop_internal.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/memory.h"

#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <zmq.h>

#define BEAT_PERIOD_MS   1000
#define BEATS_PER_REPORT 10
#define FIRST_DELAY_MS   1500
#define WATCHDOG_MS      15000
#define POLL_MS          100

static volatile sig_atomic_t is_stopping;

void agent_stop(void)
{
    is_stopping = 1;
}

/* ---- sending ---- */

bool loop_send(struct loop *loop, enum message_type type, const void *body)
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

static void hear_simple(struct loop *loop, enum session_event_type type)
{
    struct session_event event = {.type = type, .at_ms = clock_monotonic_ms()};

    loop_hear(loop, &event);
}

/* ---- the coordinator's words ---- */

static void start_waiting(struct loop *loop)
{
    size_t count = loop->waiting_count;
    struct entry *entries = memory_copy(loop, loop->waiting, count * sizeof(loop->waiting[0]));

    loop->waiting_count = 0;
    for (size_t i = 0; i < count; i++)
        loop_start_task(loop, &entries[i]);
    talloc_free(entries);
}

static void fail_waiting(struct loop *loop, const struct error *err)
{
    size_t count = loop->waiting_count;
    struct entry *entries = memory_copy(loop, loop->waiting, count * sizeof(loop->waiting[0]));

    loop->waiting_count = 0;
    bundle_end(&loop->fetch);
    for (size_t i = 0; i < count; i++)
        loop_fail_order(loop, &entries[i].order, err);
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
        memset(loop->was_told, 0, sizeof(loop->was_told));
        if (message.type == MESSAGE_CHUNK)
            take_chunk(loop, message.body);
        else
            loop_hear(loop, &event);
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

/* Once: it goes on trying, and a new line meets the same. */
static void tell_fault(struct loop *loop)
{
    enum line_fault fault = loop->line == NULL ? LINE_FAULT_NONE : line_fault(loop->line);
    char *text;

    if (fault == LINE_FAULT_NONE || loop->was_told[fault])
        return;
    loop->was_told[fault] = true;
    text = line_fault_text(loop->line, fault, loop);
    log_event(LOG_ERROR, "not_let_in", LOG_TEXT("detail", text));
    talloc_free(text);
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
    if (loop_send(loop, MESSAGE_REPORT, loop->report))
        loop->has_news = false;
    loop->report->age_ms = age_ms;
}

static void beat(struct loop *loop, uint64_t now_ms)
{
    struct beat body = {.is_up = loop->report != NULL && loop->report->is_up};

    if (now_ms < loop->beat_at_ms)
        return;
    (void)text_copy(body.ledger, IDENTITY_SIZE, loop->session->ledger);
    loop->beat_at_ms = now_ms + BEAT_PERIOD_MS;
    if (!loop->session->is_welcome)
        hear_simple(loop, SESSION_CONNECTED); /* the hello, or its answer, was lost */
    else
        (void)loop_send(loop, MESSAGE_BEAT, &body);
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
        (void)loop_send(loop, MESSAGE_FETCH, &wanted);
    }
}

static void tick(struct loop *loop)
{
    uint64_t now_ms = clock_monotonic_ms();

    connect_line(loop, now_ms);
    tell_fault(loop);
    watch_line(loop, now_ms);
    loop_keep_watcher(loop, now_ms);
    beat(loop, now_ms);
    fetch_more(loop, now_ms);
    if (loop->has_news && loop->session->is_welcome)
        send_report(loop, now_ms);
    hear_simple(loop, SESSION_TICK);
}

static void wait_for_more(struct loop *loop)
{
    zmq_pollitem_t items[CHILDREN_MAX + 1 + AGENT_CHECK_PENDING_MAX + 1];
    int checks[AGENT_CHECK_PENDING_MAX + 1];
    size_t check_count = agent_check_descriptors(loop->agent_check, checks);
    int count = 0;

    if (loop->line != NULL)
        items[count++] = (zmq_pollitem_t){.socket = line_socket(loop->line), .events = ZMQ_POLLIN};
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (loop->children->items[i].is_used && !loop->children->items[i].channel.is_closed)
            items[count++] =
                (zmq_pollitem_t){.fd = loop->children->items[i].channel.fd, .events = ZMQ_POLLIN};
    for (size_t i = 0; i < check_count; i++)
        items[count++] = (zmq_pollitem_t){.fd = checks[i], .events = ZMQ_POLLIN};
    (void)zmq_poll(items, count, POLL_MS);
    agent_check_serve(loop->agent_check, clock_monotonic_ms());
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
        open_ledger(config, loop, err) != ERROR_OK ||
        (config->game.agent_check != NULL &&
         agent_check_open(config->game.agent_check, loop, &loop->agent_check, err) != ERROR_OK))
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
    agent_check_close(loop->agent_check);
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
        loop_serve_children(loop);
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
    if (!text_from_hex(journal, bytes, sizeof(bytes)))
        error_set(err, ERROR_USAGE,
                  "a journal's identity is %d hexadecimal digits: see `hakem "
                  "cluster status`",
                  JOURNAL_SIZE - 1);
    else if (open_ledger(config, loop, err) == ERROR_OK)
        err->code = ledger_adopt(loop->ledger, loop->session, journal, err);
    end(loop);
    return err->code;
}
