/* Bytes as a life of the coordinator's core: what agents and operators say, honest or not, clocks,
 * restarts, fail-overs; from an empty cluster, or from one that stands and is ready to roll.
 *
 * After every event: the invariants hold, settling again decides nothing, each durable fact and
 * each message can be read by whoever gets it, a request has one reply; and folding what was
 * written gives the state in memory.
 */
#include "common/base/memory.h"
#include "coordinator/core/request.h"
#include "proto/scan.h"
#include "tests/fuzz/cast.h"
#include "tests/fuzz/draw.h"

#include <assert.h>
#include <string.h>

#define JOURNAL_ID "00112233445566778899aabbccddeeff"
#define EVENTS_MAX 200
#define FACTS_MAX  20000 /* that one event may lead to */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct life {
    void *memory;
    struct draw draw;
    struct cast cast;
    struct control *control;
    struct control *folded; /* of the facts that were written */
    struct decisions *decisions;
    struct text **journal;
    size_t fact_count;
    uint64_t now_ms;
    uint64_t requests;
};

/* ---- what must be true of everything that was decided ---- */

static void apply_stored(struct control *control, const struct text *bytes)
{
    void *scratch = talloc_new(NULL);
    struct fact fact;
    struct error err;

    assert(fact_decode(bytes->data, bytes->size, scratch, &fact, &err) == ERROR_OK);
    assert(control_apply(control, &fact, &err) == ERROR_OK);
    talloc_free(scratch);
}

static void store_fact(struct life *life, const struct fact *fact)
{
    struct text *bytes;

    if (!fact_row(fact->type)->is_durable)
        return;
    bytes = text_new(life->memory, scan_of_journal.bytes);
    fact_encode(fact, bytes);
    apply_stored(life->folded, bytes);
    if ((life->fact_count & (life->fact_count - 1)) == 0)
        life->journal = memory_grow(life->memory, life->journal, life->fact_count,
                                    life->fact_count == 0 ? 1 : life->fact_count * 2);
    life->journal[life->fact_count++] = bytes;
}

static void check_message(struct life *life, const struct effect *effect)
{
    struct text *bytes = text_new(life->memory, MESSAGE_BYTES_MAX);
    struct message message;
    struct error err;

    message_encode(effect->message, 0, control_term(life->control), effect->body, bytes);
    assert(!bytes->is_cut);
    assert(message_decode(bytes->data, bytes->size, ROLE_COORDINATOR, bytes, &message, &err) ==
           ERROR_OK);
    if (effect->message == MESSAGE_ORDER)
        cast_note_order(&life->cast, effect->node, effect->body);
    talloc_free(bytes);
}

static size_t take_decisions(struct life *life)
{
    const struct decisions *decisions = life->decisions;
    size_t replies = 0;

    assert(decisions->fact_count < FACTS_MAX);
    for (size_t i = 0; i < decisions->fact_count; i++)
        store_fact(life, &decisions->facts[i]);
    for (size_t i = 0; i < decisions->effect_count; i++) {
        if (decisions->effects[i].type == EFFECT_SEND)
            check_message(life, &decisions->effects[i]);
        replies += decisions->effects[i].type == EFFECT_REPLY;
    }
    decisions_clear(life->decisions);
    return replies;
}

static void check_fold(const struct life *life)
{
    char memory[DIGEST_SIZE], folded[DIGEST_SIZE];

    control_digest(life->control, memory);
    control_digest(life->folded, folded);
    assert(strcmp(memory, folded) == 0);
}

static void settle(struct life *life)
{
    control_settle(life->control, life->now_ms, life->decisions);
    (void)take_decisions(life);
    control_settle(life->control, life->now_ms, life->decisions);
    assert(life->decisions->fact_count == 0);
    decisions_clear(life->decisions);
    assert(control_broken_invariant(life->control) == NULL);
}

static void handle(struct life *life, struct event *event)
{
    size_t replies;

    event->at_ms = life->now_ms;
    control_handle(life->control, event, life->decisions);
    replies = take_decisions(life);
    assert(replies == (event->type == EVENT_REQUEST));
    assert(control_broken_invariant(life->control) == NULL);
}

/* ---- events ---- */

static void say(struct life *life, const char *node, enum message_type type, void *body)
{
    struct message message = {.type = type, .term = control_term(life->control), .body = body};
    struct event event = {.type = EVENT_MESSAGE, .node = node, .message = &message};

    handle(life, &event);
}

static void wish(struct life *life, struct request *request)
{
    struct event event = {.type = EVENT_REQUEST,
                          .operator_name = "anna",
                          .request_id = ++life->requests,
                          .request = request};

    handle(life, &event);
}

static void start(struct life *life)
{
    struct event event = {
        .type = EVENT_STARTED, .journal = JOURNAL_ID, .outage_from_ms = life->now_ms};

    life->now_ms += 1000;
    handle(life, &event);
}

/* All that was written, and nothing else. */
static void restart(struct life *life)
{
    struct control *again = control_new(life->memory);

    check_fold(life);
    talloc_free(life->control);
    life->control = life->folded;
    for (size_t i = 0; i < life->fact_count; i++)
        apply_stored(again, life->journal[i]);
    life->folded = again;
    check_fold(life);
    start(life);
}

static void read_catalog(struct life *life, bool is_longer)
{
    struct catalog catalog;
    struct event event = {.type = EVENT_CATALOG, .catalog = &catalog};

    cast_fill_catalog(&catalog, life->memory, is_longer);
    handle(life, &event);
}

/* Every node that is not silent says what an honest agent would. */
static void report_all(struct life *life)
{
    for (size_t i = 0; i < CAST_NODES; i++) {
        const char *name = life->cast.nodes[i].name;
        struct report report;
        struct adopted adopted = {.ledger = ""};

        if (life->cast.nodes[i].is_silent)
            continue;
        (void)text_copy(adopted.ledger, IDENTITY_SIZE, name);
        cast_fill_report(&life->cast, i, life->memory, &report);
        if (control_node(life->control, name) != NULL &&
            !control_node(life->control, name)->is_adopted)
            say(life, name, MESSAGE_ADOPTED, &adopted);
        say(life, name, MESSAGE_REPORT, &report);
    }
    settle(life);
}

static void populate(struct life *life)
{
    read_catalog(life, true);
    for (size_t i = 0; i < CAST_NODES; i++) {
        struct request request = {.verb = ""};

        cast_fill_node(&life->cast, i, &request);
        wish(life, &request);
    }
    for (int i = 0; i < 4; i++) {
        life->now_ms += BEAT_MS;
        report_all(life);
    }
}

static void answer(struct life *life, size_t at, unsigned how)
{
    static const enum outcome outcomes[] = {OUTCOME_SUCCEEDED,   OUTCOME_FAILED,
                                            OUTCOME_INTERRUPTED, OUTCOME_CANCELLED,
                                            OUTCOME_SUPERSEDED,  OUTCOME_NONE};
    struct order order = life->cast.orders[at];
    struct accepted accepted = {.id = order.id, .is_accepted = how % 8 != 7, .code = "LOCK"};
    struct task_outcome outcome = {.id = order.id,
                                   .outcome = outcomes[how % ARRAY_LEN(outcomes)],
                                   .code = "LOCK",
                                   .detail = "drawn",
                                   .is_retryable = how % 16 < 8,
                                   .is_kept = order.task == TASK_REVERT && how >= 128,
                                   .position = life->cast.position};
    char node[NAME_SIZE];

    (void)text_copy(node, NAME_SIZE, life->cast.ordered[at]);
    say(life, node, MESSAGE_ACCEPTED, &accepted);
    if (how % 8 == 6)
        return;
    cast_drop_order(&life->cast, at);
    if (outcome.outcome == OUTCOME_SUCCEEDED)
        cast_perform(&life->cast, node, &order);
    say(life, node, MESSAGE_OUTCOME, &outcome);
}

/* ---- what a byte leads to ---- */

static void do_wait(struct life *life)
{
    static const uint64_t steps_ms[] = {0, 250, 1000, 3000, 15000, 60000, 300000, 3600000};

    life->now_ms += steps_ms[draw_below(&life->draw, ARRAY_LEN(steps_ms))];
}

static void do_report(struct life *life)
{
    life->now_ms += BEAT_MS;
    report_all(life);
}

static void do_report_for_long(struct life *life)
{
    for (int i = 0; i < 4; i++)
        do_report(life);
}

static void do_answer(struct life *life)
{
    if (life->cast.order_count > 0) {
        size_t at = draw_below(&life->draw, life->cast.order_count);

        answer(life, at, draw_byte(&life->draw));
    }
}

static void do_answer_all(struct life *life)
{
    for (size_t i = life->cast.order_count; i > 0 && life->cast.order_count > 0; i--)
        answer(life, 0, 0);
}

static void do_wish(struct life *life)
{
    size_t count;
    const struct request_row *rows = request_rows(&count);
    struct request request = {.verb = ""};

    (void)text_copy(request.verb, NAME_SIZE, rows[draw_below(&life->draw, count)].verb);
    request.step = draw_byte(&life->draw) % 64;
    (void)text_copy(request.node, NAME_SIZE, draw_word(&life->draw));
    (void)text_copy(request.reason, SENTENCE_SIZE, "drawn");
    request.options.on_failure = (enum failure_policy)draw_below(&life->draw, ON_FAILURE_COUNT_);
    request.options.on_inconclusive =
        (enum inconclusive_policy)draw_below(&life->draw, ON_INCONCLUSIVE_COUNT_);
    request.options.soak_ms = request.options.steady_ms = 2000;
    (void)text_copy(request.release, NAME_SIZE, "new");
    wish(life, &request);
}

static void do_any_wish(struct life *life)
{
    const struct record *record = message_row(MESSAGE_REQUEST)->record;
    struct request *request = memory_new(life->memory, struct request);
    size_t count;
    const struct request_row *rows = request_rows(&count);

    draw_record(&life->draw, record, request, request);
    (void)text_copy(request->verb, NAME_SIZE, rows[draw_below(&life->draw, count)].verb);
    wish(life, request);
}

static void do_say_anything(struct life *life)
{
    enum message_type type =
        (enum message_type)draw_below(&life->draw, MESSAGE_FETCH - MESSAGE_HELLO + 1);
    const struct record *record = message_row(type)->record;
    void *body = memory_zeroed(life->memory, 1, record->size, record->name);
    const char *node = life->cast.nodes[draw_below(&life->draw, CAST_NODES)].name;

    draw_record(&life->draw, record, body, body);
    say(life, node, type, body);
}

/* An agent that lies about its own node, in one place of an honest report. */
static void do_lie(struct life *life)
{
    size_t at = draw_below(&life->draw, CAST_NODES);
    struct report *report = memory_new(life->memory, struct report);

    if ((draw_byte(&life->draw) & 1) != 0)
        draw_record(&life->draw, &report_record, report, report);
    else
        cast_fill_report(&life->cast, at, report, report);
    report->age_ms = draw_number(&life->draw);
    report->database.is_primary = (draw_byte(&life->draw) & 1) != 0;
    say(life, life->cast.nodes[at].name, MESSAGE_REPORT, report);
}

static void do_find(struct life *life)
{
    struct finding_report finding = {.of_replica = (draw_byte(&life->draw) & 1) != 0};
    const char *node = life->cast.nodes[draw_below(&life->draw, CAST_NODES)].name;

    if (life->cast.order_count == 0)
        return;
    finding.id = life->cast.orders[draw_below(&life->draw, life->cast.order_count)].id;
    finding.finding = (enum finding)draw_below(&life->draw, FINDING_COUNT_);
    say(life, node, MESSAGE_FINDING, &finding);
}

static void do_silence(struct life *life)
{
    struct cast_node *node = &life->cast.nodes[draw_below(&life->draw, CAST_NODES)];

    node->is_silent = !node->is_silent;
}

static void do_sicken(struct life *life)
{
    struct cast_node *node = &life->cast.nodes[draw_below(&life->draw, CAST_NODES)];

    node->is_sick = !node->is_sick;
}

/* The new primary may lack what the old one had not sent yet. */
static void do_fail_over(struct life *life)
{
    size_t old = life->cast.primary;
    struct cast_node *primary = &life->cast.nodes[1 - old];

    *primary = (struct cast_node){.name = primary->name,
                                  .kind = KIND_DATABASE,
                                  .colour = primary->colour,
                                  .applied = life->cast.nodes[old].applied,
                                  .expanded = life->cast.nodes[old].expanded,
                                  .contracted = life->cast.nodes[old].contracted};
    if ((draw_byte(&life->draw) & 1) != 0)
        primary->applied = primary->expanded = 1;
    life->cast.primary = 1 - old;
    life->cast.timeline++;
}

static void do_read_catalog(struct life *life)
{
    read_catalog(life, (draw_byte(&life->draw) & 1) != 0);
}

/* Two databases instead of one with a replica, or one again; and where the pool points. */
static void do_pair(struct life *life)
{
    static const char *const colours[CAST_DATABASES] = {"blue", "green"};

    life->cast.has_twin = (draw_byte(&life->draw) & 3) != 0;
    life->cast.pointed = draw_below(&life->draw, CAST_DATABASES);
    for (size_t i = 0; i < CAST_DATABASES; i++) {
        struct request *request = memory_new(life->memory, struct request);

        life->cast.nodes[i].colour = life->cast.has_twin ? colours[i] : "";
        cast_fill_node(&life->cast, i, request);
        wish(life, request);
    }
}

static void do_switch_databases(struct life *life)
{
    struct request *request = memory_new(life->memory, struct request);

    (void)text_copy(request->verb, NAME_SIZE, "plan");
    (void)text_copy(request->release, NAME_SIZE, "new");
    request->strategy = STRATEGY_TWIN;
    wish(life, request);
    (void)text_copy(request->verb, NAME_SIZE, "start");
    wish(life, request);
}

static void do_break_pair(struct life *life)
{
    life->cast.nodes[draw_below(&life->draw, CAST_DATABASES)].twin =
        (enum twin_state)draw_below(&life->draw, TWIN_COUNT_);
}

static void (*const deeds[])(struct life *) = {
    do_wait,    do_report,     do_report,           do_report_for_long, do_answer, do_answer_all,
    do_wish,    do_wish,       do_any_wish,         do_say_anything,    do_lie,    do_find,
    do_silence, do_sicken,     do_fail_over,        do_read_catalog,    restart,   do_pair,
    do_pair,    do_break_pair, do_switch_databases,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct life life = {.memory = talloc_new(NULL),
                        .draw = {.next = bytes,
                                 .end = bytes + size,
                                 .words = cast_words,
                                 .word_count = cast_word_count},
                        .now_ms = 1000000};

    life.control = control_new(life.memory);
    life.folded = control_new(life.memory);
    life.decisions = decisions_new(life.memory);
    cast_set(&life.cast);
    start(&life);
    if ((draw_byte(&life.draw) & 1) != 0)
        populate(&life);
    for (int i = 0; i < EVENTS_MAX && !draw_is_empty(&life.draw); i++) {
        deeds[draw_below(&life.draw, ARRAY_LEN(deeds))](&life);
        settle(&life);
    }
    restart(&life);
    talloc_free(life.memory);
    return 0;
}
