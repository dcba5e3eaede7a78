/* Requests that only look, from an operator's line to its reply. */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/wire/line.h"
#include "coordinator/server/server_internal.h"
#include "support/core.h"
#include "support/scratch.h"

#include <jansson.h>
#include <zmq.h>

#define PATIENCE_MS 10000

static struct server server;
static struct line *line;
static struct parcel parcel; /* where answers go to */
static struct reply answer;
static json_t *document; /* the answer's; NULL: none */

/* ---- a port, and an operator who is connected to it ---- */

static void connect_operator(void)
{
    uint64_t end = clock_monotonic_ms() + PATIENCE_MS;

    do {
        zmq_pollitem_t items[] = {
            {.socket = gate_keeper_socket(server.keeper), .events = ZMQ_POLLIN},
            {.socket = port_socket(server.operators), .events = ZMQ_POLLIN}};

        ck_assert_uint_lt(clock_monotonic_ms(), end);
        (void)line_send(line, "hello", 5);
        (void)zmq_poll(items, 2, 20);
        gate_keeper_serve(server.keeper, 1);
    } while (!port_receive(server.operators, &parcel));
    ck_assert_str_eq(parcel.user, "o:anna");
}

static void set_up(void)
{
    struct key_pair operator_key;

    core_set_up();
    scratch_set_up();
    key_generate(&server.key);
    key_generate(&operator_key);
    server.control = core.control;
    server.zmq_context = zmq_ctx_new();
    assert_ok(journal_open(scratch_path("journal"), &server.journal, &failure));
    assert_ok(gate_keeper_open(server.zmq_context, &server.keeper, &failure));
    gate_keeper_allow(server.keeper, operator_key.public_key, ROLE_OPERATOR, "anna");
    assert_ok(port_open(server.zmq_context, "tcp://127.0.0.1:*", &server.key, &server.operators,
                        &failure));
    assert_ok(line_open(server.zmq_context, port_endpoint(server.operators), server.key.public_key,
                        &operator_key, &line, &failure));
    connect_operator();
}

static void tear_down(void)
{
    json_decref(document);
    line_close(line);
    port_close(server.operators);
    gate_keeper_close(server.keeper);
    journal_close(server.journal);
    (void)zmq_ctx_term(server.zmq_context);
    scratch_tear_down();
    core_tear_down();
}

static void receive_answer(uint64_t id)
{
    zmq_pollitem_t item = {.socket = line_socket(line), .events = ZMQ_POLLIN};
    struct message message;
    void *bytes = NULL;
    size_t size = 0;

    ck_assert_int_eq(zmq_poll(&item, 1, PATIENCE_MS), 1);
    ck_assert(line_receive(line, scratch.memory, &bytes, &size));
    assert_ok(message_decode(bytes, size, ROLE_COORDINATOR, scratch.memory, &message, &failure));
    ck_assert_int_eq(message.type, MESSAGE_REPLY);
    ck_assert_uint_eq(message.id, id);
    ck_assert_uint_eq(message.term, core.control->term);
    answer = *(const struct reply *)message.body;
    json_decref(document);
    document = NULL;
    if (answer.document != NULL && answer.document[0] != '\0')
        document = json_loads(answer.document, 0, NULL);
}

static void ask_for(const char *verb, struct request request)
{
    static uint64_t id;
    struct wish_slot slot = {.from = parcel, .request = &request, .only_looks = true};

    slot.id = ++id;
    (void)text_copy(request.verb, NAME_SIZE, verb);
    answer_look(&server, &slot);
    receive_answer(id);
}

static size_t count_in(const char *list)
{
    ck_assert_str_eq(answer.code, "OK");
    ck_assert_ptr_nonnull(document);
    return json_array_size(json_object_get(document, list));
}

static void assert_refused(const char *code, const char *part)
{
    ck_assert_str_eq(answer.code, code);
    ck_assert_msg(strstr(answer.detail, part) != NULL, "\"%s\" is not in: %s", part, answer.detail);
    ck_assert_ptr_null(document);
}

/* ---- what is asked ---- */

START_TEST(only_verbs_that_change_nothing_are_answered_here)
{
    static const char *const looks[] = {"status",   "nodes", "node",   "pending",
                                        "rollouts", "show",  "history"};
    static const char *const others[] = {"", "plan", "start", "rollback", "accept", "statuses"};

    for (size_t i = 0; i < ARRAY_LEN(looks); i++)
        ck_assert_msg(answer_knows(looks[i]), "%s", looks[i]);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        ck_assert_msg(!answer_knows(others[i]), "%s", others[i]);
}
END_TEST

START_TEST(status_and_nodes_are_documents_with_every_node)
{
    ask_for("status", (struct request){.step = 0});
    ck_assert_uint_eq(count_in("nodes"), CAST_NODES);
    ck_assert_str_eq(json_string_value(json_object_get(document, "state")), "idle");
    ask_for("nodes", (struct request){.step = 0});
    ck_assert_uint_eq(count_in("nodes"), CAST_NODES);
    ck_assert_ptr_null(json_object_get(document, "state"));
}
END_TEST

START_TEST(a_node_is_asked_for_by_name_and_a_stranger_is_not_found)
{
    ask_for("node", (struct request){.node = "g2"});
    ck_assert_str_eq(answer.code, "OK");
    ck_assert_str_eq(json_string_value(json_object_get(document, "name")), "g2");
    ask_for("node", (struct request){.node = "nobody"});
    assert_refused("NOT_FOUND", "hakem node list");
    ask_for("node", (struct request){.node = ""});
    assert_refused("NOT_FOUND", "hakem node list");
}
END_TEST

START_TEST(keys_that_knock_are_listed)
{
    struct key_pair stranger;
    struct line *knocking;
    size_t count = 0;

    ask_for("pending", (struct request){.step = 0});
    ck_assert_uint_eq(count_in("pending"), 0);
    key_generate(&stranger);
    assert_ok(line_open(server.zmq_context, port_endpoint(server.operators), server.key.public_key,
                        &stranger, &knocking, &failure));
    for (uint64_t end = clock_monotonic_ms() + PATIENCE_MS; count == 0;) {
        zmq_pollitem_t item = {.socket = gate_keeper_socket(server.keeper), .events = ZMQ_POLLIN};

        ck_assert_uint_lt(clock_monotonic_ms(), end);
        (void)zmq_poll(&item, 1, 20);
        gate_keeper_serve(server.keeper, 7);
        (void)gate_keeper_pending(server.keeper, &count);
    }
    line_close(knocking);
    ask_for("pending", (struct request){.step = 0});
    ck_assert_uint_eq(count_in("pending"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(
                         json_array_get(json_object_get(document, "pending"), 0), "key")),
                     stranger.public_key);
}
END_TEST

static long long shown_rollout(void)
{
    ck_assert_str_eq(answer.code, "OK");
    return json_integer_value(json_object_get(document, "rollout"));
}

START_TEST(without_a_rollout_there_is_none_to_show)
{
    ask_for("show", (struct request){.rollout = 0});
    assert_refused("NOT_FOUND", "there has been no rollout");
    ask_for("show", (struct request){.rollout = 7});
    assert_refused("NOT_FOUND", "there is no such rollout");
    ask_for("rollouts", (struct request){.rollout = 0});
    ck_assert_uint_eq(count_in("rollouts"), 0);
}
END_TEST

START_TEST(the_open_rollout_is_shown_unless_another_is_named)
{
    struct catalog longer;

    start(to_new());
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_ptr_null(core.control->open);
    ask_for("show", (struct request){.rollout = 0}); /* the newest */
    ck_assert_int_eq(shown_rollout(), 1);
    ck_assert_ptr_null(json_object_get(document, "steps"));
    cast_fill_catalog(&longer, core.memory, true);
    read_catalog(&longer);
    wish("plan", (struct request){.release = "newest"});
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ask_for("show", (struct request){.rollout = 0});
    ck_assert_int_eq(shown_rollout(), 2);
    ck_assert_ptr_nonnull(json_object_get(document, "steps"));
    ask_for("show", (struct request){.rollout = 2});
    ck_assert_int_eq(shown_rollout(), 2);
    ask_for("show", (struct request){.rollout = 1});
    ck_assert_int_eq(shown_rollout(), 1);
    ask_for("show", (struct request){.rollout = 3});
    assert_refused("NOT_FOUND", "there is no such rollout");
    say_verb("rollback");
    ck_assert_ptr_null(core.control->open);
    ask_for("show", (struct request){.rollout = 0});
    ck_assert_int_eq(shown_rollout(), 2);
}
END_TEST

static void append_fact(enum fact_type type, uint64_t at_ms, void *body)
{
    struct fact fact = {.type = type, .at_ms = at_ms, .body = body};

    assert_ok(journal_append(server.journal, &fact, 1, &failure));
}

static enum error_code pass_over(void *context, const struct fact *fact, struct error *err)
{
    (void)context;
    (void)fact;
    (void)err;
    return ERROR_OK;
}

/* Of a closed rollout only the journal has them; of a step, the last attempt's. */
START_TEST(a_closed_rollout_is_shown_with_what_its_rehearsals_measured)
{
    struct rehearsed rows[] = {{.revision = "r1", .phase = REHEARSED_EXPAND, .statement = 4}};
    struct fact_rehearsed fact = {.step = 9, .attempt = 1, .shard = "main", .node = "db2"};
    struct plan plan = {.rollout = 1, .strategy = STRATEGY_SHADOW};
    struct summary summary = {
        .rollout = 1, .strategy = STRATEGY_SHADOW, .state = ROLLOUT_COMPLETED};
    struct request request = to_new();
    const json_t *list;

    assert_ok(journal_read(server.journal, 0, pass_over, NULL, &failure));
    append_fact(FACT_PLANNED, 5, &plan);
    append_fact(FACT_REHEARSED, 6, &fact);
    fact.attempt = 2;
    fact.rows = rows;
    fact.row_count = 1;
    append_fact(FACT_REHEARSED, 7, &fact);
    append_fact(FACT_CLOSED, 8, &summary);
    request.strategy = STRATEGY_SHADOW;
    start(request);
    for (int i = 0; i < 50 && core.control->open != NULL; i++) {
        end_all_orders();
        beat();
    }
    ask_for("show", (struct request){.rollout = 1});
    list = json_object_get(document, "rehearsals");
    ck_assert_uint_eq(json_array_size(list), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 0), "attempt")), 2);
    ck_assert_uint_eq(json_array_size(json_object_get(json_array_get(list, 0), "rows")), 1);
}
END_TEST

START_TEST(rehearsals_of_many_shards_are_cut_until_they_fit_and_say_so)
{
    struct rehearsed *rows = memory_array(core.memory, struct rehearsed, REHEARSAL_ROWS_MAX);
    struct fact_rehearsed fact = {.rows = rows, .row_count = REHEARSAL_ROWS_MAX};
    struct plan plan = {.rollout = 1, .strategy = STRATEGY_SHADOW};
    struct summary summary = {
        .rollout = 1, .strategy = STRATEGY_SHADOW, .state = ROLLOUT_COMPLETED};
    struct request request = to_new();
    json_int_t rest = 0;
    const json_t *item;
    size_t i;

    for (size_t r = 0; r < REHEARSAL_ROWS_MAX; r++)
        memset(rows[r].text, 'x', REHEARSAL_TEXT_SIZE - 1);
    assert_ok(journal_read(server.journal, 0, pass_over, NULL, &failure));
    append_fact(FACT_PLANNED, 5, &plan);
    for (fact.step = 1; fact.step <= 6; fact.step++)
        append_fact(FACT_REHEARSED, 6, &fact);
    append_fact(FACT_CLOSED, 8, &summary);
    request.strategy = STRATEGY_SHADOW;
    start(request);
    for (int round = 0; round < 50 && core.control->open != NULL; round++) {
        end_all_orders();
        beat();
    }
    ask_for("show", (struct request){.rollout = 1});
    ck_assert_uint_eq(count_in("rehearsals"), 6);
    json_array_foreach(json_object_get(document, "rehearsals"), i, item)
    {
        rest += json_integer_value(json_object_get(item, "left_out")) +
                (json_int_t)json_array_size(json_object_get(item, "rows"));
    }
    ck_assert_int_eq(rest, (json_int_t)6 * REHEARSAL_ROWS_MAX);
}
END_TEST

START_TEST(history_is_the_journal_s_facts_without_what_is_too_long_to_read)
{
    struct fact_started started = {.journal = "j", .term = 1};
    struct fact_name gone = {.name = "g1"};
    struct catalog catalog = {.bundle = "b"};
    const json_t *facts;

    assert_ok(journal_read(server.journal, 0, pass_over, NULL, &failure));
    append_fact(FACT_STARTED, 5, &started);
    append_fact(FACT_CATALOG, 6, &catalog);
    append_fact(FACT_NODE_REMOVED, 7, &gone);
    ask_for("history", (struct request){.rollout = 0});
    ck_assert_uint_eq(count_in("facts"), 2);
    facts = json_object_get(document, "facts");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(facts, 0), "fact")),
                     "started");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(facts, 1), "name")), "g1");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(facts, 1), "at_ms")), 7);
    ask_for("history", (struct request){.rollout = 9});
    assert_refused("NOT_FOUND", "no such rollout");
}
END_TEST

START_TEST(a_long_history_is_cut_at_its_old_end)
{
    struct fact_quarantine fact = {.name = "g1", .cause = QUARANTINE_HEALTH};
    const json_t *left_out;
    size_t count;

    assert_ok(journal_read(server.journal, 0, pass_over, NULL, &failure));
    memset(fact.why, 'x', SENTENCE_SIZE - 1);
    for (uint64_t i = 1; i <= 1500; i++) {
        fact.position = i;
        append_fact(FACT_QUARANTINE, i, &fact);
    }
    ask_for("history", (struct request){.rollout = 0});
    count = count_in("facts");
    left_out = json_object_get(document, "older_left_out");
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_eq(count + (size_t)json_integer_value(left_out), 1500);
    ck_assert_int_eq(json_integer_value(json_object_get(
                         json_array_get(json_object_get(document, "facts"), count - 1), "at_ms")),
                     1500);
}
END_TEST

START_TEST(an_answer_that_would_be_too_large_is_refused_and_the_next_one_is_given)
{
    for (unsigned i = 0; i < 4000; i++) {
        struct fact_node node = {.kind = KIND_GAME, .shard = "main"};
        struct fact fact = {.type = FACT_NODE_ACCEPTED, .at_ms = core.now_ms, .body = &node};

        (void)text_format(node.name, NAME_SIZE, "another-%u", i);
        (void)text_format(node.key, KEY_TEXT_SIZE, "a%039u", i);
        assert_ok(control_apply(core.control, &fact, &failure));
    }
    ask_for("nodes", (struct request){.step = 0});
    assert_refused("LIMIT", "too large");
    ask_for("node", (struct request){.node = "another-3999"});
    ck_assert_str_eq(answer.code, "OK");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, only_verbs_that_change_nothing_are_answered_here);
    tcase_add_test(tcase, status_and_nodes_are_documents_with_every_node);
    tcase_add_test(tcase, a_node_is_asked_for_by_name_and_a_stranger_is_not_found);
    tcase_add_test(tcase, keys_that_knock_are_listed);
    tcase_add_test(tcase, without_a_rollout_there_is_none_to_show);
    tcase_add_test(tcase, the_open_rollout_is_shown_unless_another_is_named);
    tcase_add_test(tcase, a_closed_rollout_is_shown_with_what_its_rehearsals_measured);
    tcase_add_test(tcase, rehearsals_of_many_shards_are_cut_until_they_fit_and_say_so);
    tcase_add_test(tcase, history_is_the_journal_s_facts_without_what_is_too_long_to_read);
    tcase_add_test(tcase, a_long_history_is_cut_at_its_old_end);
    tcase_add_test(tcase, an_answer_that_would_be_too_large_is_refused_and_the_next_one_is_given);
}

SUITE("answer", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
