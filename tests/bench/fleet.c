#include "tests/bench/fleet.h"

#include "agent/core/session.h"
#include "common/base/clock.h"
#include "common/base/memory.h"

#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define BEAT_MS      1000
#define REPORT_BEATS 10
#define KNOWN_BEATS  5
#define SHARD        "main"

struct member {
    char name[NAME_SIZE];
    struct key_pair key;
    struct line *line;
    struct agent_session *session;
    uint64_t beat_at_ms, beats;
    bool has_adopted, has_order, is_settled, is_watched;
};

struct fleet {
    struct member *members;
    zmq_pollitem_t *items;
    size_t count;
    const struct name_item *expanded;
    size_t expanded_count;
    const char *release;
    size_t adopted, known, ordered, settled;
};

struct fleet *fleet_new(size_t count, const struct name_item *expanded, size_t expanded_count,
                        const char *release)
{
    struct fleet *fleet = memory_new(NULL, struct fleet);

    fleet->count = count + 1;
    fleet->members = memory_array(fleet, struct member, fleet->count);
    fleet->items = memory_array(fleet, zmq_pollitem_t, fleet->count);
    fleet->expanded = expanded;
    fleet->expanded_count = expanded_count;
    fleet->release = release;
    for (size_t i = 0; i < fleet->count; i++) {
        struct member *member = &fleet->members[i];

        (void)text_format(member->name, NAME_SIZE, i == 0 ? "db-1" : "game-%zu", i);
        key_generate(&member->key);
        member->session = agent_session_new(fleet->members);
        (void)text_format(member->session->ledger, IDENTITY_SIZE, "%032zu", i);
        member->beat_at_ms = clock_monotonic_ms() + i * BEAT_MS / fleet->count;
    }
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->count; i++)
        line_close(fleet->members[i].line);
    talloc_free(fleet);
}

size_t fleet_size(const struct fleet *fleet)
{
    return fleet->count;
}

const char *fleet_name(const struct fleet *fleet, size_t at)
{
    return fleet->members[at].name;
}

enum node_kind fleet_kind(const struct fleet *fleet, size_t at)
{
    (void)fleet;
    return at == 0 ? KIND_DATABASE : KIND_GAME;
}

const char *fleet_key(const struct fleet *fleet, size_t at)
{
    return fleet->members[at].key.public_key;
}

/* ---- saying ---- */

static void say(struct member *member, enum message_type type, const void *body)
{
    struct text *bytes = text_new(NULL, MESSAGE_BYTES_MAX);

    message_encode(type, clock_monotonic_ms(), member->session->term, body, bytes);
    (void)line_send(member->line, bytes->data, bytes->size);
    talloc_free(bytes);
}

static void report(const struct fleet *fleet, struct member *member)
{
    struct report *report = memory_new(NULL, struct report);

    report->kind = member == &fleet->members[0] ? KIND_DATABASE : KIND_GAME;
    report->is_up = true;
    report->could_measure = true;
    if (report->kind == KIND_GAME) {
        (void)text_copy(report->release, NAME_SIZE, fleet->release);
    } else {
        (void)text_copy(report->database.system_id, SYSTEM_ID_SIZE, "7001");
        (void)text_copy(report->database.instance, DIGEST_SIZE, member->name);
        (void)text_copy(report->database.fingerprint, FINGERPRINT_SIZE, "f");
        report->database.timeline = 1;
        report->database.is_primary = true;
        report->database.applied = memory_copy(report, fleet->expanded,
                                               fleet->expanded_count * sizeof(fleet->expanded[0]));
        report->database.applied_count = fleet->expanded_count;
        report->database.expanded = report->database.applied;
        report->database.expanded_count = fleet->expanded_count;
    }
    say(member, MESSAGE_REPORT, report);
    talloc_free(report);
}

/* ---- effects ---- */

static void handle(struct fleet *fleet, struct member *member, const struct session_event *event);

static void end_at_once(struct fleet *fleet, struct member *member, const struct order_id *id)
{
    struct task_outcome outcome = {.id = *id, .outcome = OUTCOME_SUCCEEDED, .code = "OK"};
    struct session_event event = {
        .type = SESSION_CHILD_ENDED, .at_ms = clock_monotonic_ms(), .id = id, .outcome = &outcome};

    if (!member->has_order)
        fleet->ordered++;
    member->has_order = true;
    handle(fleet, member, &event);
}

static void handle(struct fleet *fleet, struct member *member, const struct session_event *event)
{
    struct session_effects *effects = session_effects_new(NULL);

    agent_session_handle(member->session, event, effects);
    for (size_t i = 0; i < effects->count; i++) {
        const struct session_effect *effect = &effects->items[i];

        if (effect->type == SESSION_WATCH)
            member->is_watched = effect->is_on;
        else if (effect->type == SESSION_SEND)
            say(member, effect->message, effect->body);
        else if (effect->type == SESSION_START_CHILD)
            end_at_once(fleet, member, &effect->entry.order.id);
        if (effect->type == SESSION_SEND && effect->message == MESSAGE_ADOPTED &&
            !member->has_adopted) {
            member->has_adopted = true;
            fleet->adopted++;
        }
    }
    talloc_free(effects);
}

static void simple_event(struct fleet *fleet, struct member *member, enum session_event_type type)
{
    struct session_event event = {.type = type, .at_ms = clock_monotonic_ms()};

    handle(fleet, member, &event);
}

static void hear(struct fleet *fleet, struct member *member, const void *bytes, size_t size,
                 void *memory)
{
    struct message message;
    struct error err;
    struct session_event event = {
        .type = SESSION_MESSAGE, .at_ms = clock_monotonic_ms(), .message = &message};

    if (message_decode(bytes, size, ROLE_COORDINATOR, memory, &message, &err) != ERROR_OK) {
        (void)fprintf(stderr, "%s: %s\n", member->name, err.detail);
        return;
    }
    if (message.type == MESSAGE_SETTLED && member->has_order && !member->is_settled) {
        member->is_settled = true;
        fleet->settled++;
    }
    handle(fleet, member, &event);
}

static void hear_all(struct fleet *fleet, struct member *member)
{
    void *memory = memory_zeroed(NULL, 1, 1, "heard");
    void *bytes = NULL;
    size_t size = 0;

    while (line_receive(member->line, memory, &bytes, &size))
        hear(fleet, member, bytes, size, memory);
    talloc_free(memory);
}

static void beat(struct fleet *fleet, struct member *member)
{
    struct beat body = {.is_up = true};

    member->beat_at_ms += BEAT_MS;
    if (!member->session->is_welcome) {
        simple_event(fleet, member, SESSION_CONNECTED);
        member->beats = 0;
        return;
    }
    say(member, MESSAGE_BEAT, &body);
    member->beats++;
    if (member->beats <= KNOWN_BEATS || member->is_watched || member->beats % REPORT_BEATS == 0)
        report(fleet, member);
    fleet->known += member->beats == KNOWN_BEATS;
    simple_event(fleet, member, SESSION_TICK);
}

enum error_code fleet_connect(struct fleet *fleet, void *zmq_context, const char *endpoint,
                              const char *server_key, struct error *err)
{
    for (size_t i = 0; i < fleet->count; i++) {
        struct member *member = &fleet->members[i];

        line_close(member->line);
        member->line = NULL;
        if (line_open(zmq_context, endpoint, server_key, &member->key, &member->line, err) !=
            ERROR_OK)
            return err->code;
        fleet->items[i] =
            (zmq_pollitem_t){.socket = line_socket(member->line), .events = ZMQ_POLLIN};
        member->session->is_welcome = false;
    }
    return ERROR_OK;
}

void fleet_turn(struct fleet *fleet, long wait_ms)
{
    uint64_t now;

    if (fleet->members[0].line == NULL) {
        clock_sleep_ms((uint64_t)wait_ms);
        return;
    }
    (void)zmq_poll(fleet->items, (int)fleet->count, wait_ms);
    for (size_t i = 0; i < fleet->count; i++)
        if ((fleet->items[i].revents & ZMQ_POLLIN) != 0)
            hear_all(fleet, &fleet->members[i]);
    now = clock_monotonic_ms();
    for (size_t i = 0; i < fleet->count; i++)
        if (now >= fleet->members[i].beat_at_ms)
            beat(fleet, &fleet->members[i]);
}

size_t fleet_adopted(const struct fleet *fleet)
{
    return fleet->adopted;
}

size_t fleet_known(const struct fleet *fleet)
{
    return fleet->known;
}

size_t fleet_ordered(const struct fleet *fleet)
{
    return fleet->ordered;
}

size_t fleet_settled(const struct fleet *fleet)
{
    return fleet->settled;
}

void fleet_forget(struct fleet *fleet)
{
    fleet->adopted = fleet->ordered = fleet->settled = 0;
    for (size_t i = 0; i < fleet->count; i++)
        fleet->members[i].has_adopted = fleet->members[i].has_order = fleet->members[i].is_settled =
            false;
}
