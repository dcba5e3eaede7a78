/* loop.c: take what is there, decide, make it durable, let it leave.  One thread. */
#include "coordinator/server/server_internal.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "coordinator/core/state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <zmq.h>

#define POLL_MS_MAX 1000

static volatile sig_atomic_t is_stopping;
static volatile sig_atomic_t is_reloading;

void server_stop(void)
{
    is_stopping = 1;
}

void server_reload(void)
{
    is_reloading = 1;
}

struct batch {
    struct server *server;
    void *memory;
    struct wish_slot wishes[BATCH_MAX];
    size_t wish_count;
    size_t count;
};

/* ---- after deciding ---- */

static void log_step(const struct server *server, const struct fact_step *fact)
{
    uint64_t rollout =
        server->control->open == NULL ? 0 : server->control->open->work.plan->rollout;

    log_event(LOG_INFO, "step", LOG_NUMBER("rollout", fact->repair != 0 ? 0 : rollout),
              LOG_NUMBER("step", fact->step), LOG_TEXT("node", fact->node),
              LOG_TEXT("direction", word_of(&direction_names, fact->direction)),
              LOG_TEXT("state", word_of(&step_state_names, fact->state)),
              LOG_NUMBER("attempt", fact->attempt), LOG_NUMBER("rule", fact->rule),
              LOG_TEXT("code", fact->code), LOG_TEXT("detail", fact->detail));
}

static void log_rollout(const struct fact_rollout *fact)
{
    log_event(LOG_INFO, "rollout", LOG_TEXT("state", word_of(&rollout_state_names, fact->state)),
              LOG_NUMBER("rule", fact->rule), LOG_TEXT("by", fact->by), LOG_TEXT("why", fact->why));
}

static void log_fact(const struct server *server, const struct fact *fact)
{
    if (fact->type == FACT_STEP) {
        log_step(server, fact->body);
    } else if (fact->type == FACT_ROLLOUT) {
        log_rollout(fact->body);
    } else if (fact->type == FACT_QUARANTINE) {
        const struct fact_quarantine *body = fact->body;

        log_event(LOG_WARNING, "quarantine", LOG_TEXT("node", body->name),
                  LOG_TEXT("cause", word_of(&quarantine_cause_names, body->cause)),
                  LOG_TEXT("why", body->why));
    } else if (fact_row(fact->type)->is_durable) {
        log_event(LOG_INFO, fact_row(fact->type)->name, LOG_NUMBER("at_ms", fact->at_ms));
    }
}

static void forget_connection(const struct server *server, const char *name)
{
    char user[NAME_SIZE + 2];

    (void)text_format(user, sizeof(user), "a:%s", name);
    if (server->agents != NULL)
        port_forget(server->agents, user);
}

void server_follow_keys(struct server *server, const struct fact *fact)
{
    if (fact->type == FACT_NODE_ACCEPTED) {
        const struct fact_node *node = fact->body;

        if (gate_keeper_replace(server->keeper, node->key, ROLE_AGENT, node->name))
            forget_connection(server, node->name);
    } else if (fact->type == FACT_NODE_REMOVED) {
        const struct fact_name *name = fact->body;

        gate_keeper_revoke_name(server->keeper, ROLE_AGENT, name->name);
        forget_connection(server, name->name);
    }
}

static void perform_send(struct server *server, const struct effect *effect)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    char user[NAME_SIZE + 2];

    (void)text_format(user, sizeof(user), "a:%s", effect->node);
    message_encode(effect->message, 0, control_term(server->control), effect->body, bytes);
    /* Not connected, or its queue is full: the core sends again what matters. */
    if (server->agents != NULL && !bytes->is_cut &&
        !port_send(server->agents, user, bytes->data, bytes->size))
        log_event(LOG_DEBUG, "not_sent", LOG_TEXT("node", effect->node),
                  LOG_TEXT("message", message_row(effect->message)->name));
    talloc_free(bytes);
}

static void perform(struct server *server, const struct effect *effect,
                    const struct wish_slot *wishes, size_t count)
{
    if (effect->type == EFFECT_SEND)
        perform_send(server, effect);
    else if (effect->type == EFFECT_RING)
        log_event(LOG_ALERT, "ring", LOG_TEXT("text", effect->text));
    else if (effect->request_id < count)
        answer_send(server, &wishes[effect->request_id], effect->code, effect->text,
                    effect->rollout, NULL);
}

enum error_code server_commit(struct server *server, const struct wish_slot *wishes, size_t count,
                              struct error *err)
{
    const struct decisions *decisions = server->decisions;

    if (journal_append(server->journal, decisions->facts, decisions->fact_count, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < decisions->fact_count; i++) {
        log_fact(server, &decisions->facts[i]);
        server_follow_keys(server, &decisions->facts[i]);
    }
    for (size_t i = 0; i < decisions->effect_count; i++)
        perform(server, &decisions->effects[i], wishes, count);
    for (size_t i = 0; i < count; i++)
        if (wishes[i].only_looks)
            answer_look(server, &wishes[i]);
    decisions_clear(server->decisions);
    return ERROR_OK;
}

/* ---- bundles ---- */

static bool load_bundle(struct server *server, const char *digest)
{
    struct error err;

    if (strcmp(server->served_bundle, digest) == 0)
        return true;
    talloc_free(server->bundle_bytes);
    server->bundle_bytes = NULL;
    server->served_bundle[0] = '\0';
    if (journal_get_bundle(server->journal, digest, server, &server->bundle_bytes,
                           &server->bundle_size, &err) != ERROR_OK)
        return false;
    (void)text_copy(server->served_bundle, sizeof(server->served_bundle), digest);
    return true;
}

static void send_chunk(struct server *server, const struct parcel *to, const struct fetch *fetch)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);
    struct chunk chunk = {.offset = fetch->offset};

    (void)text_copy(chunk.digest, sizeof(chunk.digest), fetch->digest);
    if (load_bundle(server, fetch->digest) && fetch->offset <= server->bundle_size) {
        size_t left = server->bundle_size - (size_t)fetch->offset;

        chunk.total = server->bundle_size;
        chunk.bytes = server->bundle_bytes + fetch->offset;
        chunk.byte_count = left < CHUNK_BYTES_MAX ? left : CHUNK_BYTES_MAX;
    }
    message_encode(MESSAGE_CHUNK, 0, control_term(server->control), &chunk, bytes);
    (void)port_answer(server->agents, to, bytes->data, bytes->size);
    talloc_free(bytes);
}

/* ---- taking ---- */

static void take_from_agent(struct batch *batch, const struct parcel *parcel)
{
    struct server *server = batch->server;
    struct message message;
    struct error err;
    struct event event = {.type = EVENT_MESSAGE, .at_ms = server_now_ms(server)};

    event.node = parcel->user + 2;
    event.message = &message;
    if (parcel->user[0] != 'a' || !gate_keeper_knows(server->keeper, ROLE_AGENT, event.node)) {
        error_set(&err, ERROR_AUTHORITY, "not an enrolled agent");
        server_refuse_parcel(server, parcel, &err);
    } else if (message_decode(parcel->bytes, parcel->size, ROLE_AGENT, batch->memory, &message,
                              &err) != ERROR_OK) {
        server_refuse_parcel(server, parcel, &err);
    } else if (message.type == MESSAGE_FETCH) {
        send_chunk(server, parcel, message.body);
    } else {
        control_handle(server->control, &event, server->decisions);
    }
}

static bool needs_library(const char *verb)
{
    return strcmp(verb, "plan") == 0;
}

/* A plan is made from the folder as it is now. */
static bool refresh_library(struct batch *batch, const struct wish_slot *wish)
{
    struct error err = {.code = ERROR_OK};

    if (server_read_library(batch->server, &err) == ERROR_OK)
        return true;
    answer_send(batch->server, wish, err.code, err.detail, 0, NULL);
    return false;
}

static void take_request(struct batch *batch, const struct parcel *parcel,
                         const struct message *message)
{
    struct server *server = batch->server;
    struct wish_slot *wish = &batch->wishes[batch->wish_count];
    struct event event = {.type = EVENT_REQUEST,
                          .at_ms = server_now_ms(server),
                          .operator_name = parcel->user + 2,
                          .request_id = batch->wish_count,
                          .request = message->body};

    *wish = (struct wish_slot){.from = *parcel, .id = message->id, .request = message->body};
    /* The cluster knows where it is, whatever an operator's environment says. */
    if (strcmp(server->config->environment, "production") == 0)
        ((struct request *)message->body)->in_production = true;
    wish->only_looks = answer_knows(wish->request->verb);
    batch->wish_count++;
    if (!wish->only_looks && (!needs_library(wish->request->verb) || refresh_library(batch, wish)))
        control_handle(server->control, &event, server->decisions);
}

static void take_from_operator(struct batch *batch, const struct parcel *parcel)
{
    struct server *server = batch->server;
    struct message message;
    struct error err;

    if (parcel->user[0] != 'o' ||
        !gate_keeper_knows(server->keeper, ROLE_OPERATOR, parcel->user + 2)) {
        error_set(&err, ERROR_AUTHORITY, "not an operator");
        server_refuse_parcel(server, parcel, &err);
    } else if (message_decode(parcel->bytes, parcel->size, ROLE_OPERATOR, batch->memory, &message,
                              &err) != ERROR_OK) {
        server_refuse_parcel(server, parcel, &err);
    } else {
        take_request(batch, parcel, &message);
    }
}

static void take_all(struct batch *batch)
{
    struct parcel parcel;

    gate_keeper_serve(batch->server->keeper, clock_wall_ms());
    server_tell_peers(batch->server);
    while (batch->wish_count < BATCH_MAX / 2 && port_receive(batch->server->operators, &parcel))
        take_from_operator(batch, &parcel);
    while (batch->count < BATCH_MAX && port_receive(batch->server->agents, &parcel)) {
        take_from_agent(batch, &parcel);
        batch->count++;
    }
}

static int poll_ports(const struct server *server, long wait_ms)
{
    zmq_pollitem_t items[] = {
        {.socket = gate_keeper_socket(server->keeper), .events = ZMQ_POLLIN},
        {.socket = port_socket(server->agents), .events = ZMQ_POLLIN},
        {.socket = port_socket(server->operators), .events = ZMQ_POLLIN},
        {.socket = door_socket(port_door(server->agents)), .events = ZMQ_POLLIN},
        {.socket = door_socket(port_door(server->operators)), .events = ZMQ_POLLIN},
    };

    return zmq_poll(items, ARRAY_LEN(items), wait_ms);
}

/* Many at once are soon followed by more: one sync for all of them. */
static void gather(struct batch *batch)
{
    uint64_t until = clock_monotonic_ms() + GATHER_MS;

    take_all(batch);
    while (batch->count >= BURST_MIN && batch->count < BATCH_MAX && clock_monotonic_ms() < until &&
           poll_ports(batch->server, 1) > 0)
        take_all(batch);
}

static void wait_for_more(struct server *server)
{
    uint64_t now = server_now_ms(server);
    uint64_t wake = control_wake_at_ms(server->control);
    uint64_t left = wake > now ? wake - now : 0;

    (void)poll_ports(server, (long)(left < POLL_MS_MAX ? left : POLL_MS_MAX));
}

static enum error_code turn(struct server *server, struct error *err)
{
    struct batch *batch = memory_new(NULL, struct batch);
    enum error_code code;

    batch->server = server;
    batch->memory = batch;
    gather(batch);
    if (is_reloading) {
        is_reloading = 0;
        if (server_read_library(server, err) != ERROR_OK)
            log_event(LOG_ERROR, "migrations_unreadable", LOG_TEXT("detail", err->detail));
    }
    control_settle(server->control, server_now_ms(server), server->decisions);
    code = server_commit(server, batch->wishes, batch->wish_count, err);
    talloc_free(batch);
    return code;
}

enum error_code server_run(struct server *server, struct error *err)
{
    while (!is_stopping) {
        if (turn(server, err) != ERROR_OK)
            return err->code;
        wait_for_more(server);
    }
    return ERROR_OK;
}
