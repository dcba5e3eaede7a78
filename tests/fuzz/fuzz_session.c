/* Bytes as a life of an agent's core: a coordinator's messages, honest or not, children that end or
 * die, ticks, restarts on what the ledger had.
 *
 * Nothing is begun that the ledger does not hold; nothing is begun twice, or after "never heard of
 * it"; the term never falls; what is said can be read; and a restart finds what was written.
 */
#include "agent/core/session.h"
#include "common/base/memory.h"
#include "tests/fuzz/draw.h"

#include <assert.h>
#include <string.h>

#define JOURNAL_ID "00112233445566778899aabbccddeeff"
#define EVENTS_MAX 600
#define STEPS      64 /* 2 rollouts and the repairs, 8 steps, 2 directions, and what was drawn */
#define ATTEMPTS   8

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What the outside knows of one step in one direction. */
struct fate {
    struct order_id id;
    unsigned started; /* bits by attempt */
    uint64_t buried;  /* attempts up to this one must never start; 0: none */
};

struct life {
    void *memory;
    struct draw draw;
    struct agent_session *session;
    struct session_effects *effects;
    struct entry *ledger; /* as on disk */
    size_t ledger_count;
    struct fate fates[STEPS];
    size_t fate_count;
    uint64_t now_ms;
    uint64_t term; /* as on disk */
};

static bool is_of_step(const struct order_id *a, const struct order_id *b)
{
    return a->rollout == b->rollout && a->step == b->step && a->direction == b->direction;
}

/* NULL: more steps than are followed. */
static struct fate *fate_of(struct life *life, const struct order_id *id)
{
    for (size_t i = 0; i < life->fate_count; i++)
        if (is_of_step(&life->fates[i].id, id))
            return &life->fates[i];
    if (life->fate_count == STEPS)
        return NULL;
    life->fates[life->fate_count].id = *id;
    return &life->fates[life->fate_count++];
}

/* ---- effects ---- */

static struct entry *saved(struct life *life, const struct order_id *id)
{
    for (size_t i = 0; i < life->ledger_count; i++)
        if (is_of_step(&life->ledger[i].order.id, id))
            return &life->ledger[i];
    return NULL;
}

static void save(struct life *life, const struct entry *entry)
{
    struct entry *row = saved(life, &entry->order.id);

    if (row == NULL) {
        life->ledger =
            memory_grow(life->memory, life->ledger, life->ledger_count, life->ledger_count + 1);
        row = &life->ledger[life->ledger_count++];
    }
    *row = *entry;
}

static void check_begin(struct life *life, const struct order *order)
{
    const struct entry *row = saved(life, &order->id);
    struct fate *fate = fate_of(life, &order->id);

    assert(row != NULL && row->state == ENTRY_RUNNING &&
           order_id_equals(&row->order.id, &order->id));
    assert(strcmp(order->journal, life->session->journal) == 0);
    assert(order->task != TASK_NONE && task_suits(order->task, life->session->kind));
    if (fate == NULL || order->id.attempt >= ATTEMPTS)
        return;
    assert((fate->started & 1u << order->id.attempt) == 0);
    assert(fate->buried == 0 || order->id.attempt > fate->buried);
    fate->started |= 1u << order->id.attempt;
}

static void check_message(struct life *life, const struct session_effect *effect)
{
    struct text *bytes = text_new(life->memory, MESSAGE_BYTES_MAX);
    const struct finding_report *finding = effect->body;
    struct message message;
    struct error err;

    message_encode(effect->message, 0, 0, effect->body, bytes);
    assert(message_decode(bytes->data, bytes->size, ROLE_AGENT, bytes, &message, &err) == ERROR_OK);
    talloc_free(bytes);
    if (effect->message == MESSAGE_FINDING && !finding->of_replica &&
        finding->finding == FINDING_NEVER_HEARD) {
        struct fate *fate = fate_of(life, &finding->id);

        if (fate != NULL && finding->id.attempt > fate->buried)
            fate->buried = finding->id.attempt;
    }
}

static void perform(struct life *life)
{
    for (size_t i = 0; i < life->effects->count; i++) {
        const struct session_effect *effect = &life->effects->items[i];

        if (effect->type == SESSION_SAVE_ENTRY)
            save(life, &effect->entry);
        else if (effect->type == SESSION_SAVE_TERM)
            life->term = life->session->term;
        else if (effect->type == SESSION_START_CHILD)
            check_begin(life, &effect->entry.order);
        else if (effect->type == SESSION_SEND)
            check_message(life, effect);
    }
    session_effects_clear(life->effects);
}

static void handle(struct life *life, struct session_event *event)
{
    uint64_t term = life->session->term;

    event->at_ms = life->now_ms;
    agent_session_handle(life->session, event, life->effects);
    assert(life->session->term >= term);
    perform(life);
    assert(life->term == life->session->term);
}

/* ---- restarts ---- */

static void compare(const struct life *life, const struct agent_session *again)
{
    for (size_t i = 0; i < life->session->entry_count; i++) {
        const struct entry *entry = &life->session->entries[i];
        const struct entry *found = agent_session_entry(again, &entry->order.id);

        assert(found != NULL && found->state == entry->state);
        assert(order_id_equals(&found->order.id, &entry->order.id));
        assert(found->outcome.outcome == entry->outcome.outcome);
        assert(found->is_settled == entry->is_settled);
    }
    assert(again->entry_count == life->session->entry_count);
}

static void do_restart(struct life *life)
{
    struct agent_session *again = agent_session_new(life->memory);
    struct session_event event = {.type = SESSION_STARTED};
    struct error err;

    for (size_t i = 0; i < life->ledger_count; i++)
        assert(agent_session_load(again, &life->ledger[i], &err) == ERROR_OK);
    compare(life, again);
    again->term = life->term;
    again->kind = life->session->kind;
    (void)text_copy(again->journal, JOURNAL_SIZE, life->session->journal);
    talloc_free(life->session);
    life->session = again;
    handle(life, &event);
}

/* ---- what a byte leads to ---- */

static struct order_id draw_id(struct life *life)
{
    uint8_t byte = draw_byte(&life->draw);

    return (struct order_id){.rollout = byte & 1,
                             .step = byte >> 1 & 3,
                             .direction = (enum direction)(byte >> 3 & 1),
                             .attempt = byte >> 4 & 3};
}

static struct order draw_order(struct life *life)
{
    static const enum task tasks[] = {TASK_RELEASE, TASK_SMOKE, TASK_RELEASE, TASK_EXPAND};
    struct order order = {.id = draw_id(life)};
    uint8_t byte = draw_byte(&life->draw);

    order.task = tasks[byte & 3];
    (void)text_copy(order.journal, JOURNAL_SIZE, byte < 240 ? JOURNAL_ID : "");
    return order;
}

static void hear(struct life *life, enum message_type type, void *body)
{
    uint8_t byte = draw_byte(&life->draw);
    struct message message = {.type = type, .term = life->session->term, .body = body};
    struct session_event event = {.type = SESSION_MESSAGE, .message = &message};

    if (byte >= 224)
        message.term += byte - 232u;
    handle(life, &event);
}

static void do_order(struct life *life)
{
    struct order order = draw_order(life);

    hear(life, MESSAGE_ORDER, &order);
}

static void do_ask(struct life *life)
{
    struct inquiry inquiry = {.order = draw_order(life),
                              .of_replica = draw_byte(&life->draw) >= 192};

    hear(life, MESSAGE_INQUIRY, &inquiry);
}

static void do_cancel(struct life *life)
{
    struct order_ref ref = {.id = draw_id(life)};

    hear(life, MESSAGE_CANCEL, &ref);
}

static void do_settle(struct life *life)
{
    struct order_ref ref = {.id = draw_id(life)};

    hear(life, MESSAGE_SETTLED, &ref);
}

static void do_adopt(struct life *life)
{
    struct adopt adopt = {.open_count = 0};
    struct message message = {
        .type = MESSAGE_ADOPT, .term = life->session->term + 1, .body = &adopt};
    struct session_event event = {.type = SESSION_MESSAGE, .message = &message};
    uint8_t byte = draw_byte(&life->draw);

    if (byte >= 128)
        message.term = draw_number(&life->draw);
    (void)text_copy(adopt.journal, JOURNAL_SIZE, byte % 16 != 15 ? JOURNAL_ID : "another");
    handle(life, &event);
}

static void do_hear_anything(struct life *life)
{
    static const enum message_type types[] = {MESSAGE_WELCOME, MESSAGE_ADOPT,   MESSAGE_ORDER,
                                              MESSAGE_CANCEL,  MESSAGE_INQUIRY, MESSAGE_SETTLED,
                                              MESSAGE_WATCH,   MESSAGE_CHUNK,   MESSAGE_REPLY};
    enum message_type type = types[draw_below(&life->draw, ARRAY_LEN(types))];
    const struct record *record = message_row(type)->record;
    void *body = memory_zeroed(life->memory, 1, record->size, record->name);

    draw_record(&life->draw, record, body, body);
    hear(life, type, body);
}

static void do_end_child(struct life *life)
{
    struct order_id id = draw_id(life);
    struct task_outcome outcome = {
        .id = id, .outcome = (enum outcome)draw_below(&life->draw, OUTCOME_COUNT_)};
    struct session_event event = {.type = SESSION_CHILD_ENDED, .id = &id, .outcome = &outcome};

    handle(life, &event);
}

static void do_kill_child(struct life *life)
{
    struct order_id id = draw_id(life);
    struct session_event event = {.type = SESSION_CHILD_DIED, .id = &id};

    handle(life, &event);
}

static void do_inspect(struct life *life)
{
    struct order_id id = draw_id(life);
    struct finding_report finding = {.id = id,
                                     .finding =
                                         (enum finding)draw_below(&life->draw, FINDING_COUNT_),
                                     .of_replica = draw_byte(&life->draw) >= 192};
    struct session_event event = {.type = SESSION_INSPECTED, .id = &id, .finding = &finding};

    handle(life, &event);
}

static void do_wait(struct life *life)
{
    struct session_event event = {.type = SESSION_TICK};

    life->now_ms += draw_number(&life->draw);
    handle(life, &event);
}

static void do_connect(struct life *life)
{
    struct session_event event = {.type = SESSION_CONNECTED};

    handle(life, &event);
}

static void (*const deeds[])(struct life *) = {
    do_order,     do_order,      do_ask,     do_cancel, do_settle,  do_adopt,  do_hear_anything,
    do_end_child, do_kill_child, do_inspect, do_wait,   do_connect, do_restart};

static void begin(struct life *life)
{
    uint8_t byte = draw_byte(&life->draw);
    struct welcome welcome = {.kind = (enum node_kind)(byte >> 1 & 3)};
    struct adopt adopt = {.open_count = 0};

    (void)text_copy(adopt.journal, JOURNAL_SIZE, JOURNAL_ID);
    if ((byte & 0x80) != 0)
        return; /* nobody has spoken yet */
    handle(life, &(struct session_event){
                     .type = SESSION_MESSAGE,
                     .message = &(struct message){.type = MESSAGE_WELCOME, .body = &welcome}});
    handle(life, &(struct session_event){.type = SESSION_MESSAGE,
                                         .message = &(struct message){
                                             .type = MESSAGE_ADOPT, .term = 3, .body = &adopt}});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const words[] = {"main", "g1", "r1", "new", JOURNAL_ID};
    struct life life = {
        .memory = talloc_new(NULL),
        .draw = {
            .next = bytes, .end = bytes + size, .words = words, .word_count = ARRAY_LEN(words)}};

    life.session = agent_session_new(life.memory);
    life.effects = session_effects_new(life.memory);
    (void)text_copy(life.session->ledger, IDENTITY_SIZE, "ledger");
    begin(&life);
    for (int i = 0; i < EVENTS_MAX && !draw_is_empty(&life.draw); i++)
        deeds[draw_below(&life.draw, ARRAY_LEN(deeds))](&life);
    do_restart(&life);
    talloc_free(life.memory);
    return 0;
}
