/* The tables: no row is wrong, no event is without an answer, and an agent keeps its word. */
#include "agent/core/session.h"
#include "agent/task/task.h"
#include "common/base/memory.h"
#include "coordinator/core/machines.h"
#include "coordinator/core/strategy.h"
#include "proto/fact.h"
#include "proto/scan.h"
#include "support/suite.h"

#include <string.h>

START_TEST(every_machine_answers_every_event_and_has_no_dead_row)
{
    size_t count;
    const struct machine *machines = machine_list(&count);
    char fault[256] = "";

    for (size_t i = 0; i < count; i++)
        ck_assert_msg(!machine_fault(&machines[i], fault, sizeof(fault)), "%s: %s",
                      machines[i].name, fault);
}
END_TEST

START_TEST(every_session_event_has_an_answer_in_every_state)
{
    size_t count;
    const struct session_rule *rules = agent_session_rules(&count);
    unsigned state = (unsigned)_i % ENTRY_STATE_COUNT;
    unsigned event = (unsigned)_i / ENTRY_STATE_COUNT;
    bool is_answered = false;

    for (size_t i = 0; i < count; i++) {
        ck_assert(i == 0 || rules[i].id > rules[i - 1].id);
        is_answered |=
            rules[i].event == event && rules[i].guard == NULL && (rules[i].from & 1u << state) != 0;
    }
    /* A child's words and a tick are only about what is known. */
    ck_assert(is_answered);
}
END_TEST

START_TEST(every_field_of_every_message_and_fact_is_sound)
{
    for (int i = 0; i < MESSAGE_COUNT; i++)
        ck_assert_ptr_null(record_broken_rule(message_row((enum message_type)i)->record));
    for (int i = 0; i < FACT_COUNT; i++)
        ck_assert_ptr_null(record_broken_rule(fact_row((enum fact_type)i)->record));
}
END_TEST

START_TEST(every_task_of_every_strategy_is_one_that_an_agent_has)
{
    for (int s = 0; s < STRATEGY_COUNT_; s++) {
        size_t count;
        const struct stage_row *rows = strategy_stages((enum strategy)s, &count);

        for (size_t i = 0; i < count; i++) {
            ck_assert((rows[i].task == TASK_NONE) != (rows[i].gate == GATE_NONE) ||
                      rows[i].undo_only);
            if (rows[i].task != TASK_NONE && rows[i].undo != TASK_NONE &&
                rows[i].task != TASK_AWAIT_REPLAY)
                ck_assert_int_eq(task_row(rows[i].task)->undo, rows[i].undo);
        }
    }
}
END_TEST

/* Of what kind the node is that a step of that scope is for; KIND_NONE: any. */
static const enum node_kind kind_of_scope[SCOPE_COUNT] = {
    [SCOPE_EVERY_NODE] = KIND_NONE,
    [SCOPE_PRIMARY] = KIND_DATABASE,
    [SCOPE_PRIMARY_BACKWARD] = KIND_DATABASE,
    [SCOPE_REPLICAS] = KIND_DATABASE,
    [SCOPE_DATABASES] = KIND_DATABASE,
    [SCOPE_SHARD] = KIND_COUNT,
    [SCOPE_GAME] = KIND_GAME,
    [SCOPE_EDGES] = KIND_EDGE,
    [SCOPE_SWITCHES] = KIND_EDGE,
    [SCOPE_POOLERS] = KIND_EDGE,
    [SCOPE_CLUSTER] = KIND_COUNT,
    [SCOPE_SHADOW] = KIND_DATABASE,
    [SCOPE_ONE] = KIND_DATABASE,
};

/* TASK_END_SESSIONS and TASK_ALLOW_SESSIONS are about a game node, and done by its database. */
static bool is_done_by_the_database(enum task task)
{
    return task == TASK_END_SESSIONS || task == TASK_ALLOW_SESSIONS;
}

static void assert_agent_can_do(const struct stage_row *row, enum task task)
{
    enum node_kind kind = is_done_by_the_database(task) ? KIND_DATABASE : kind_of_scope[row->scope];
    enum task undo;

    if (task == TASK_NONE)
        return;
    ck_assert_int_ne(kind, KIND_COUNT); /* a shard or a cluster has no agent */
    ck_assert_int_eq(task_row(task)->kind, kind);
    ck_assert_msg(task_functions(task)->run != NULL, "%s: no agent has it", task_row(task)->name);
    undo = task_row(task)->undo;
    ck_assert(undo == TASK_NONE || task_functions(undo)->run != NULL);
}

/* Both sides' tables meet. */
START_TEST(whatever_a_stage_orders_or_takes_back_the_agent_of_its_node_can_do)
{
    for (int s = 0; s < STRATEGY_COUNT_; s++) {
        size_t count;
        const struct stage_row *rows = strategy_stages((enum strategy)s, &count);

        for (size_t i = 0; i < count; i++) {
            assert_agent_can_do(&rows[i], rows[i].task);
            assert_agent_can_do(&rows[i], rows[i].undo);
        }
    }
}
END_TEST

/* Loop test over message x role. */
START_TEST(a_message_is_taken_from_the_role_that_may_say_it_only)
{
    enum message_type type = (enum message_type)(_i / ROLE_COUNT);
    enum role role = (enum role)(_i % ROLE_COUNT);
    const struct record *record = message_row(type)->record;
    void *body = memory_zeroed(NULL, 1, record->size, "body");
    struct text *bytes = text_new(body, MESSAGE_BYTES_MAX);
    struct message message;
    struct error err;
    enum error_code code;

    message_encode(type, 7, 3, body, bytes);
    ck_assert_ptr_null(scan_fault(bytes->data, bytes->size, &scan_of_peer));
    code = message_decode(bytes->data, bytes->size, role, body, &message, &err);
    ck_assert_int_eq(code, message_row(type)->role == role ? ERROR_OK : ERROR_AUTHORITY);
    ck_assert(code != ERROR_OK || (message.id == 7 && message.term == 3 && message.type == type));
    for (size_t cut = 0; cut < bytes->size; cut++)
        ck_assert_int_ne(message_decode(bytes->data, cut, role, body, &message, &err), ERROR_OK);
    talloc_free(body);
}
END_TEST

START_TEST(lengths_that_a_peer_claims_are_not_believed)
{
    static const uint8_t huge[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t twice[] = {0x82, 0xa1, 'a', 0x01, 0xa1, 'a', 0x02};
    static const uint8_t extension[] = {0xd4, 0x01, 0x00};
    static const uint8_t behind[] = {0xc0, 0xc0};
    uint8_t deep[64];

    memset(deep, 0x91, sizeof(deep));
    ck_assert_ptr_nonnull(scan_fault(huge, sizeof(huge), &scan_of_peer));
    ck_assert_ptr_nonnull(scan_fault(twice, sizeof(twice), &scan_of_peer));
    ck_assert_ptr_nonnull(scan_fault(extension, sizeof(extension), &scan_of_peer));
    ck_assert_ptr_nonnull(scan_fault(behind, sizeof(behind), &scan_of_peer));
    ck_assert_ptr_nonnull(scan_fault(deep, sizeof(deep), &scan_of_peer));
}
END_TEST

/* ---- an agent's word ---- */

static struct agent_session *session;
static struct session_effects *effects;
static const char journal[] = "00112233445566778899aabbccddeeff";

static void hear(enum message_type type, uint64_t term, void *body)
{
    struct message message = {.type = type, .term = term, .body = body};
    struct session_event event = {.type = SESSION_MESSAGE, .message = &message};

    session_effects_clear(effects);
    agent_session_handle(session, &event, effects);
}

static void set_up(void)
{
    struct welcome welcome = {.kind = KIND_GAME};
    struct adopt adopt = {.open_count = 0};

    session = agent_session_new(NULL);
    effects = session_effects_new(session);
    (void)text_copy(adopt.journal, JOURNAL_SIZE, journal);
    hear(MESSAGE_WELCOME, 5, &welcome);
    hear(MESSAGE_ADOPT, 5, &adopt);
}

static void tear_down(void)
{
    talloc_free(session);
}

static struct order order_of(uint64_t attempt)
{
    struct order order = {.id = {.rollout = 2, .step = 2, .attempt = attempt},
                          .task = TASK_RELEASE};

    (void)text_copy(order.journal, JOURNAL_SIZE, journal);
    return order;
}

/* The only message among the effects, of that type. */
static const void *said(enum message_type type)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == SESSION_SEND && effects->items[i].message == type)
            return effects->items[i].body;
    return NULL;
}

static bool starts_child(void)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == SESSION_START_CHILD)
            return true;
    return false;
}

START_TEST(an_order_is_in_the_ledger_before_anything_happens)
{
    struct order order = order_of(1);

    hear(MESSAGE_ORDER, 5, &order);
    ck_assert_uint_ge(effects->count, 3);
    ck_assert_int_eq(effects->items[0].type, SESSION_SAVE_ENTRY);
    ck_assert(starts_child());
    hear(MESSAGE_ORDER, 5, &order);
    ck_assert(!starts_child());
    ck_assert(((const struct accepted *)said(MESSAGE_ACCEPTED))->is_accepted);
}
END_TEST

/* The simulator's seed 2527: "never heard of it", said by a ledger that had been lost. */
START_TEST(a_ledger_that_may_be_younger_than_the_order_looks_at_the_node)
{
    struct inquiry inquiry = {.order = order_of(1)};

    hear(MESSAGE_INQUIRY, 5, &inquiry);
    ck_assert(said(MESSAGE_FINDING) == NULL);
    ck_assert_int_eq(agent_session_entry(session, &inquiry.order.id)->state, ENTRY_LOOKING);
}
END_TEST

START_TEST(a_late_order_after_never_heard_of_it_is_refused)
{
    struct inquiry inquiry = {.order = order_of(1)};
    struct order order = order_of(1);

    order.id.rollout--;
    hear(MESSAGE_ORDER, 5, &order); /* the ledger is older than what it is asked about */
    order.id.rollout++;
    hear(MESSAGE_INQUIRY, 5, &inquiry);
    ck_assert_int_eq(((const struct finding_report *)said(MESSAGE_FINDING))->finding,
                     FINDING_NEVER_HEARD);
    hear(MESSAGE_ORDER, 5, &order);
    ck_assert(!starts_child());
    ck_assert(!((const struct accepted *)said(MESSAGE_ACCEPTED))->is_accepted);
    order = order_of(2);
    hear(MESSAGE_ORDER, 5, &order);
    ck_assert(starts_child());
}
END_TEST

/* It was ignored, and a step stayed unknown for ever: the simulator's seed 5321. */
START_TEST(a_later_attempt_than_the_one_that_ended_was_never_heard_of)
{
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED};
    struct order order = order_of(1);
    struct session_event ended = {
        .type = SESSION_CHILD_ENDED, .id = &order.id, .outcome = &outcome};
    struct inquiry inquiry = {.order = order_of(2)};

    hear(MESSAGE_ORDER, 5, &order);
    agent_session_handle(session, &ended, effects);
    hear(MESSAGE_INQUIRY, 5, &inquiry);
    ck_assert_int_eq(((const struct finding_report *)said(MESSAGE_FINDING))->finding,
                     FINDING_NEVER_HEARD);
}
END_TEST

START_TEST(an_earlier_attempt_that_comes_late_is_refused)
{
    struct task_outcome outcome = {.outcome = OUTCOME_FAILED};
    struct order second = order_of(2);
    struct order first = order_of(1);
    struct session_event ended = {
        .type = SESSION_CHILD_ENDED, .id = &second.id, .outcome = &outcome};

    hear(MESSAGE_ORDER, 5, &second);
    agent_session_handle(session, &ended, effects);
    hear(MESSAGE_ORDER, 5, &first);
    ck_assert(!starts_child());
    ck_assert(!((const struct accepted *)said(MESSAGE_ACCEPTED))->is_accepted);
}
END_TEST

static bool does(enum session_effect_type type)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == type)
            return true;
    return false;
}

static bool inspects(void)
{
    return does(SESSION_INSPECT);
}

/* What an unchanged edge looks like after an order is news for who gave it. */
START_TEST(what_was_looked_at_is_reported_after_a_task_and_to_who_says_welcome)
{
    struct order order = order_of(1);
    struct task_outcome outcome = {.outcome = OUTCOME_SUCCEEDED, .code = "OK"};
    struct session_event ended = {
        .type = SESSION_CHILD_ENDED, .id = &order.id, .outcome = &outcome};
    struct welcome welcome = {.node = "g1", .kind = KIND_GAME};

    hear(MESSAGE_ORDER, 5, &order);
    ck_assert(!does(SESSION_REPORT));
    agent_session_handle(session, &ended, effects);
    ck_assert(does(SESSION_REPORT));
    session_effects_clear(effects);
    hear(MESSAGE_WELCOME, 5, &welcome);
    ck_assert(does(SESSION_REPORT));
}
END_TEST

START_TEST(a_child_that_died_is_looked_into_and_what_it_did_is_its_outcome)
{
    struct order order = order_of(1);
    struct finding_report did = {.finding = FINDING_DID};
    struct session_event died = {.type = SESSION_CHILD_DIED, .id = &order.id};
    struct session_event looked = {.type = SESSION_INSPECTED, .id = &order.id, .finding = &did};

    hear(MESSAGE_ORDER, 5, &order);
    session_effects_clear(effects);
    agent_session_handle(session, &died, effects);
    ck_assert(inspects() && !starts_child());
    agent_session_handle(session, &looked, effects);
    ck_assert_int_eq(((const struct task_outcome *)said(MESSAGE_OUTCOME))->outcome,
                     OUTCOME_SUCCEEDED);
}
END_TEST

START_TEST(an_inspection_that_tells_nothing_is_made_again_a_while_later_and_not_for_ever)
{
    struct order order = order_of(1);
    struct finding_report nothing = {.finding = FINDING_NOTHING, .detail = "no route"};
    struct session_event died = {.type = SESSION_CHILD_DIED, .id = &order.id};
    struct session_event looked = {.type = SESSION_INSPECTED, .id = &order.id, .finding = &nothing};
    struct session_event tick = {.type = SESSION_TICK, .at_ms = 1};
    int looks = 1;

    hear(MESSAGE_ORDER, 5, &order);
    agent_session_handle(session, &died, effects);
    while (agent_session_entry(session, &order.id)->state == ENTRY_LOOKING && looks < 100) {
        session_effects_clear(effects);
        looked.at_ms = tick.at_ms;
        agent_session_handle(session, &looked, effects);
        agent_session_handle(session, &tick, effects);
        ck_assert(!inspects());
        tick.at_ms += SESSION_LOOK_AGAIN_MS;
        agent_session_handle(session, &tick, effects);
        looks += inspects();
    }
    ck_assert_int_eq(looks, SESSION_LOOKS_MAX + 1);
    ck_assert_int_eq(((const struct task_outcome *)said(MESSAGE_OUTCOME))->outcome,
                     OUTCOME_INTERRUPTED);
}
END_TEST

/* It stopped the agent: found by fuzz_session. */
START_TEST(a_child_that_ends_without_an_outcome_is_looked_into)
{
    struct task_outcome outcome = {.outcome = OUTCOME_NONE};
    struct order order = order_of(1);
    struct session_event ended = {
        .type = SESSION_CHILD_ENDED, .id = &order.id, .outcome = &outcome};

    hear(MESSAGE_ORDER, 5, &order);
    agent_session_handle(session, &ended, effects);
    ck_assert(inspects());
    ck_assert_int_eq(agent_session_entry(session, &order.id)->state, ENTRY_LOOKING);
}
END_TEST

START_TEST(a_ledger_row_that_ended_without_an_outcome_is_refused)
{
    struct entry entry = {.order = order_of(1), .state = ENTRY_ENDED};
    struct error err;

    ck_assert_int_eq(agent_session_load(session, &entry, &err), ERROR_CORRUPT);
    entry.outcome.outcome = OUTCOME_FAILED;
    ck_assert_int_eq(agent_session_load(session, &entry, &err), ERROR_OK);
}
END_TEST

START_TEST(an_older_term_a_foreign_journal_and_a_leap_are_refused)
{
    struct adopt adopt = {.open_count = 0};
    struct order order = order_of(1);

    (void)text_copy(adopt.journal, JOURNAL_SIZE, journal);
    hear(MESSAGE_ADOPT, 4, &adopt);
    ck_assert(((const struct adopted *)said(MESSAGE_ADOPTED))->is_refused);
    hear(MESSAGE_ADOPT, 5 + SESSION_TERM_RISE_MAX + 1, &adopt);
    ck_assert(((const struct adopted *)said(MESSAGE_ADOPTED))->is_refused);
    hear(MESSAGE_ORDER, 4, &order);
    ck_assert_uint_eq(effects->count, 0);
    order.journal[0] = 'f';
    hear(MESSAGE_ORDER, 5, &order);
    ck_assert(!((const struct accepted *)said(MESSAGE_ACCEPTED))->is_accepted);
}
END_TEST

static void add_tables(TCase *tcase)
{
    tcase_add_test(tcase, every_machine_answers_every_event_and_has_no_dead_row);
    tcase_add_loop_test(tcase, every_session_event_has_an_answer_in_every_state, 0,
                        ENTRY_INSPECTED * ENTRY_STATE_COUNT);
    tcase_add_test(tcase, every_field_of_every_message_and_fact_is_sound);
    tcase_add_test(tcase, every_task_of_every_strategy_is_one_that_an_agent_has);
    tcase_add_test(tcase, whatever_a_stage_orders_or_takes_back_the_agent_of_its_node_can_do);
    tcase_add_loop_test(tcase, a_message_is_taken_from_the_role_that_may_say_it_only, 0,
                        MESSAGE_COUNT * ROLE_COUNT);
    tcase_add_test(tcase, lengths_that_a_peer_claims_are_not_believed);
}

static void add_word(TCase *tcase)
{
    tcase_add_test(tcase, an_order_is_in_the_ledger_before_anything_happens);
    tcase_add_test(tcase, a_ledger_that_may_be_younger_than_the_order_looks_at_the_node);
    tcase_add_test(tcase, a_late_order_after_never_heard_of_it_is_refused);
    tcase_add_test(tcase, a_later_attempt_than_the_one_that_ended_was_never_heard_of);
    tcase_add_test(tcase, an_earlier_attempt_that_comes_late_is_refused);
    tcase_add_test(tcase, a_child_that_died_is_looked_into_and_what_it_did_is_its_outcome);
    tcase_add_test(tcase,
                   an_inspection_that_tells_nothing_is_made_again_a_while_later_and_not_for_ever);
    tcase_add_test(tcase, what_was_looked_at_is_reported_after_a_task_and_to_who_says_welcome);
    tcase_add_test(tcase, a_child_that_ends_without_an_outcome_is_looked_into);
    tcase_add_test(tcase, a_ledger_row_that_ended_without_an_outcome_is_refused);
    tcase_add_test(tcase, an_older_term_a_foreign_journal_and_a_leap_are_refused);
}

SUITE("tables", {.add = add_tables},
      {.name = "word", .add = add_word, .set_up = set_up, .tear_down = tear_down})
