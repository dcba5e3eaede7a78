/* What people are shown, as JSON, from the core's state. */
#include "coordinator/server/view.h"
#include "proto/message.h"
#include "support/core.h"

static json_t *document; /* of the running test */

static void tear_down(void)
{
    json_decref(document);
    document = NULL;
    core_tear_down();
}

static void look(json_t *shown)
{
    json_decref(document);
    document = shown;
}

/* ---- words about JSON ---- */

static const char *text_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    ck_assert_msg(json_is_string(value), "%s is no text, or not there", key);
    return json_string_value(value);
}

static long long number_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    ck_assert_msg(json_is_integer(value), "%s is no number, or not there", key);
    return json_integer_value(value);
}

static bool is_true_in(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    ck_assert_msg(json_is_boolean(value), "%s is neither true nor false, or not there", key);
    return json_is_true(value);
}

/* The first of a list's objects with that text under that key; NULL if there is none. */
static const json_t *found(const char *list, const char *key, const char *text)
{
    const json_t *items = json_object_get(document, list);

    ck_assert_msg(json_is_array(items), "%s is no list, or not there", list);
    for (size_t i = 0; i < json_array_size(items); i++)
        if (strcmp(text_in(json_array_get(items, i), key), text) == 0)
            return json_array_get(items, i);
    return NULL;
}

static void look_at_node(const char *name)
{
    look(view_node(core.control, control_node(core.control, name)));
}

/* ---- nodes ---- */

START_TEST(a_game_node_is_shown_with_what_it_runs_what_it_should_run_and_its_traffic)
{
    const json_t *probe;

    core.cast.nodes[G2].is_sick = true;
    core.cast.nodes[G2].traffic = TRAFFIC_DRAIN;
    beat();
    look_at_node("g2");
    ck_assert_str_eq(text_in(document, "name"), "g2");
    ck_assert_str_eq(text_in(document, "kind"), "game");
    ck_assert_str_eq(text_in(document, "shard"), "main");
    ck_assert_str_eq(text_in(document, "link"), "online");
    ck_assert_str_eq(text_in(document, "release"), "old");
    ck_assert_str_eq(text_in(document, "traffic"), "drain");
    ck_assert(!is_true_in(document, "ready"));
    probe = found("probes", "name", "health");
    ck_assert_str_eq(text_in(probe, "result"), "fail");
    look_at_node("g1");
    ck_assert_str_eq(text_in(document, "traffic"), "ready");
    ck_assert(is_true_in(document, "ready"));
    ck_assert_str_eq(text_in(found("probes", "name", "health"), "result"), "pass");
}
END_TEST

START_TEST(a_probe_that_could_not_be_measured_is_neither_passed_nor_failed)
{
    struct report report;

    cast_fill_report(&core.cast, G1, core.memory, &report);
    report.probes[0].could_measure = false;
    say(G1, MESSAGE_REPORT, &report);
    look_at_node("g1");
    ck_assert_str_eq(text_in(found("probes", "name", "health"), "result"), "error");
}
END_TEST

START_TEST(a_database_is_shown_with_its_role_marks_and_lag)
{
    struct report report;

    cast_fill_report(&core.cast, DB2, core.memory, &report);
    report.database.lag_bytes = 77;
    say(DB2, MESSAGE_REPORT, &report);
    look_at_node("db2");
    ck_assert_str_eq(text_in(document, "role"), "replica");
    ck_assert_str_eq(text_in(document, "schema"), "r0");
    ck_assert_str_eq(text_in(document, "fingerprint"), report.database.fingerprint);
    ck_assert_int_eq(number_in(document, "lag_bytes"), 77);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "expanded")), 1);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "contracted")), 0);
    ck_assert_ptr_null(json_object_get(document, "release"));
    core.cast.nodes[DB1].applied = core.cast.nodes[DB1].expanded = 3;
    beat();
    look_at_node("db1");
    ck_assert_str_eq(text_in(document, "role"), "primary");
    ck_assert_str_eq(text_in(document, "schema"), "r1");
}
END_TEST

START_TEST(a_database_without_any_revision_has_no_schema_to_show)
{
    core.cast.nodes[DB1].applied = core.cast.nodes[DB1].expanded = 0;
    beat();
    look_at_node("db1");
    ck_assert_str_eq(text_in(document, "schema"), "");
}
END_TEST

START_TEST(an_edge_is_shown_with_what_it_says_of_each_server)
{
    core.cast.nodes[G3].traffic = TRAFFIC_MAINTENANCE;
    beat();
    look_at_node("edge1");
    ck_assert_uint_eq(json_array_size(json_object_get(document, "servers")), CAST_GAMES);
    ck_assert_str_eq(text_in(found("servers", "node", "g1"), "state"), "ready");
    ck_assert_str_eq(text_in(found("servers", "node", "g3"), "state"), "maintenance");
    ck_assert(is_true_in(found("servers", "node", "g3"), "check_passes"));
    ck_assert_int_eq(number_in(document, "corrections"), 0);
}
END_TEST

START_TEST(a_pooler_is_shown_with_what_every_console_says)
{
    const json_t *pool;

    core.cast.nodes[POOL1].is_paused = true;
    beat();
    look_at_node("pool1");
    ck_assert(is_true_in(document, "pooler"));
    ck_assert_str_eq(text_in(document, "shard"), "main");
    pool = found("pools", "console", "127.0.0.1:6432");
    ck_assert(is_true_in(pool, "paused"));
    ck_assert(is_true_in(pool, "could_measure"));
    look_at_node("edge1");
    ck_assert(!is_true_in(document, "pooler"));
    ck_assert_ptr_null(json_object_get(document, "pools"));
}
END_TEST

START_TEST(a_node_that_has_said_nothing_is_shown_without_a_report)
{
    struct request request = {.node = "g9", .shard = "main", .kind = KIND_GAME};

    memset(request.key, '9', KEY_TEXT_SIZE - 1);
    wish("accept", request);
    look_at_node("g9");
    ck_assert_str_eq(text_in(document, "release"), "");
    ck_assert_str_eq(text_in(document, "traffic"), "unknown");
    ck_assert_ptr_null(json_object_get(document, "probes"));
    ck_assert_ptr_null(json_object_get(document, "report_age_ms"));
}
END_TEST

START_TEST(a_word_s_age_is_ours_and_the_agent_s_together)
{
    struct report report;

    cast_fill_report(&core.cast, G1, core.memory, &report);
    report.age_ms = 300;
    say(G1, MESSAGE_REPORT, &report);
    core.now_ms += 450;
    settle();
    look_at_node("g1");
    ck_assert_int_eq(number_in(document, "report_age_ms"), 750);
}
END_TEST

START_TEST(a_quarantine_is_shown_with_its_cause_until_it_is_lifted)
{
    core.cast.nodes[G1].is_silent = true;
    beats(16);
    look_at_node("g1");
    ck_assert_str_eq(text_in(document, "link"), "lost");
    ck_assert_str_eq(text_in(document, "quarantine"), "absence");
    ck_assert_str_ne(text_in(document, "quarantine_why"), "");
    look_at_node("g2");
    ck_assert_str_eq(text_in(document, "quarantine"), "none");
    ck_assert_str_eq(text_in(document, "quarantine_why"), "");
}
END_TEST

/* ---- the cluster ---- */

START_TEST(without_a_rollout_the_cluster_is_idle)
{
    look(view_status(core.control));
    ck_assert_str_eq(text_in(document, "journal"), "j");
    ck_assert_int_eq(number_in(document, "term"), 1);
    ck_assert_int_eq(number_in(document, "rollout"), 0);
    ck_assert_str_eq(text_in(document, "state"), "idle");
    ck_assert_str_eq(text_in(document, "why"), "");
    ck_assert_uint_eq(json_array_size(json_object_get(document, "nodes")), CAST_NODES);
}
END_TEST

START_TEST(with_one_it_says_which_how_it_stands_and_why)
{
    start(to_new());
    look(view_status(core.control));
    ck_assert_int_eq(number_in(document, "rollout"), 1);
    ck_assert_str_eq(text_in(document, "state"), "advancing");
    ck_assert_str_ne(text_in(document, "why"), "");
}
END_TEST

/* ---- rollouts ---- */

/* Rule 5: whatever waits says why. */
static void check_that_everything_says_why(void)
{
    const json_t *steps = json_object_get(document, "steps");

    ck_assert_str_ne(text_in(document, "why"), "");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const char *state = text_in(step, "state");
        bool is_over = strcmp(state, "succeeded") == 0 || strcmp(state, "skipped") == 0 ||
                       strcmp(state, "cancelled") == 0;

        ck_assert_msg(is_over || text_in(step, "why")[0] != '\0',
                      "step %lld, %s %s, is %s and "
                      "does not say why",
                      number_in(step, "id"), text_in(step, "stage"), text_in(step, "direction"),
                      state);
    }
}

/* To its end, an order a beat at the most. */
static void watch_until_closed(void)
{
    for (int i = 0; i < 400 && core.control->open != NULL; i++) {
        char *bytes;

        look(view_open(core.control));
        check_that_everything_says_why();
        bytes = json_dumps(document, JSON_COMPACT);
        ck_assert_uint_lt(strlen(bytes), DOCUMENT_BYTES_MAX);
        free(bytes);
        if (core.cast.order_count > 0)
            end_order(0, OUTCOME_SUCCEEDED, false);
        else
            beat();
    }
    ck_assert_ptr_null(core.control->open);
}

START_TEST(from_beginning_to_end_every_step_that_waits_says_why)
{
    start(to_new());
    watch_until_closed();
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_COMPLETED);
}
END_TEST

START_TEST(so_it_does_on_the_way_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("rollback");
    watch_until_closed();
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_REVERTED);
}
END_TEST

START_TEST(so_it_does_in_a_pause)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    say_verb("pause");
    end_all_orders();
    beats(3);
    look(view_open(core.control));
    ck_assert_str_eq(text_in(document, "state"), "paused");
    check_that_everything_says_why();
}
END_TEST

START_TEST(what_runs_shows_how_far_it_is_or_at_least_that_it_runs)
{
    struct accepted accepted = {.is_accepted = true};
    struct progress progress = {.done = 3, .total = 9, .text = "a third"};

    start(to_new());
    ck_assert(go_on_until(TASK_BACKFILL));
    accepted.id = progress.id = core.cast.orders[0].id;
    say(DB1, MESSAGE_ACCEPTED, &accepted);
    look(view_open(core.control));
    ck_assert_str_eq(text_in(found("steps", "stage", "backfill"), "state"), "running");
    ck_assert_str_eq(text_in(found("steps", "stage", "backfill"), "why"), "at work");
    say(DB1, MESSAGE_PROGRESS, &progress);
    look(view_open(core.control));
    ck_assert_str_eq(text_in(found("steps", "stage", "backfill"), "why"), "a third");
    ck_assert_int_eq(number_in(found("steps", "stage", "backfill"), "done"), 3);
    ck_assert_int_eq(number_in(found("steps", "stage", "backfill"), "total"), 9);
}
END_TEST

START_TEST(a_step_is_shown_with_what_it_needs_and_a_gate_with_what_it_saw)
{
    const json_t *soak, *gate;

    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    end_all_orders();
    beats(2);
    look(view_open(core.control));
    ck_assert_uint_eq(json_array_size(json_object_get(document, "steps")),
                      core.control->open->work.count);
    ck_assert_str_eq(text_in(document, "release"), "new");
    ck_assert_str_eq(text_in(document, "revision"), "r1");
    ck_assert_uint_eq(json_array_size(json_object_get(document, "shards")), 1);
    soak = found("steps", "stage", "soak");
    ck_assert_str_eq(text_in(soak, "target"), "g1");
    ck_assert_uint_eq(json_array_size(json_object_get(soak, "needs")), 2); /* both admits */
    gate = json_object_get(soak, "gate");
    ck_assert_str_eq(text_in(gate, "kind"), "soak");
    ck_assert_str_eq(text_in(gate, "verdict"), "pass");
    ck_assert_int_eq(number_in(gate, "passing_ms"), 1000);
    ck_assert_int_eq(number_in(gate, "steady_ms"), 2000);
    ck_assert_ptr_null(json_object_get(found("steps", "stage", "expand"), "gate"));
}
END_TEST

START_TEST(how_long_a_step_took_stands_still_once_it_is_over)
{
    long long took;

    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    core.now_ms += 500;
    settle();
    look(view_open(core.control));
    took = number_in(found("steps", "stage", "expand"), "elapsed_ms");
    ck_assert_int_ge(took, 500);
    end_order(0, OUTCOME_SUCCEEDED, false);
    beats(3);
    look(view_open(core.control));
    ck_assert_int_eq(number_in(found("steps", "stage", "expand"), "elapsed_ms"), took);
    ck_assert_int_eq(number_in(found("steps", "stage", "contract"), "elapsed_ms"), 0);
}
END_TEST

START_TEST(it_waits_for_complete_only_while_it_holds_without_an_end)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    look(view_open(core.control));
    ck_assert(!is_true_in(document, "waits_for_complete"));
    ck_assert(!go_on_until(TASK_CONTRACT));
    look(view_open(core.control));
    ck_assert_str_eq(text_in(document, "state"), "holding");
    ck_assert(is_true_in(document, "waits_for_complete"));
    ck_assert(!is_true_in(document, "past_return"));
    core.cast.nodes[DB1].is_silent = true; /* so that the contract cannot begin */
    beats(20);
    say_verb("complete");
    look(view_open(core.control));
    ck_assert(!is_true_in(document, "waits_for_complete"));
}
END_TEST

START_TEST(a_hold_that_ends_by_itself_waits_for_nobody)
{
    struct request request = to_new();

    request.options.hold = true;
    request.options.hold_ms = 3600000;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    look(view_open(core.control));
    ck_assert_str_eq(text_in(document, "state"), "holding");
    ck_assert(!is_true_in(document, "waits_for_complete"));
}
END_TEST

START_TEST(past_the_first_contract_it_says_so_open_and_closed)
{
    start(to_new());
    ck_assert(go_on_until(TASK_CONTRACT));
    look(view_open(core.control));
    ck_assert(is_true_in(document, "past_return"));
    watch_until_closed();
    look(view_summary(core.control->summaries[0]));
    ck_assert(is_true_in(document, "past_return") && is_true_in(document, "closed"));
    ck_assert_str_eq(text_in(document, "state"), "completed");
    ck_assert_str_eq(text_in(document, "created_by"), "anna");
    ck_assert_int_eq(number_in(document, "elapsed_ms"),
                     number_in(document, "closed_at_ms") - number_in(document, "planned_at_ms"));
}
END_TEST

START_TEST(rollouts_are_listed_by_age_the_open_one_last)
{
    const json_t *list;

    look(view_rollouts(core.control));
    ck_assert_uint_eq(json_array_size(json_object_get(document, "rollouts")), 0);
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    say_verb("rollback");
    watch_until_closed();
    wish("plan", to_new());
    look(view_rollouts(core.control));
    list = json_object_get(document, "rollouts");
    ck_assert_uint_eq(json_array_size(list), 2);
    ck_assert_int_eq(number_in(json_array_get(list, 0), "rollout"), 1);
    ck_assert(is_true_in(json_array_get(list, 0), "closed"));
    ck_assert_int_eq(number_in(json_array_get(list, 1), "rollout"), 2);
    ck_assert(!is_true_in(json_array_get(list, 1), "closed"));
    ck_assert_str_eq(text_in(json_array_get(list, 1), "state"), "planned");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase,
                   a_game_node_is_shown_with_what_it_runs_what_it_should_run_and_its_traffic);
    tcase_add_test(tcase, a_probe_that_could_not_be_measured_is_neither_passed_nor_failed);
    tcase_add_test(tcase, a_database_is_shown_with_its_role_marks_and_lag);
    tcase_add_test(tcase, a_database_without_any_revision_has_no_schema_to_show);
    tcase_add_test(tcase, an_edge_is_shown_with_what_it_says_of_each_server);
    tcase_add_test(tcase, a_node_that_has_said_nothing_is_shown_without_a_report);
    tcase_add_test(tcase, a_pooler_is_shown_with_what_every_console_says);
    tcase_add_test(tcase, a_word_s_age_is_ours_and_the_agent_s_together);
    tcase_add_test(tcase, a_quarantine_is_shown_with_its_cause_until_it_is_lifted);
    tcase_add_test(tcase, without_a_rollout_the_cluster_is_idle);
    tcase_add_test(tcase, with_one_it_says_which_how_it_stands_and_why);
    tcase_add_test(tcase, from_beginning_to_end_every_step_that_waits_says_why);
    tcase_add_test(tcase, so_it_does_on_the_way_back);
    tcase_add_test(tcase, so_it_does_in_a_pause);
    tcase_add_test(tcase, what_runs_shows_how_far_it_is_or_at_least_that_it_runs);
    tcase_add_test(tcase, a_step_is_shown_with_what_it_needs_and_a_gate_with_what_it_saw);
    tcase_add_test(tcase, how_long_a_step_took_stands_still_once_it_is_over);
    tcase_add_test(tcase, it_waits_for_complete_only_while_it_holds_without_an_end);
    tcase_add_test(tcase, a_hold_that_ends_by_itself_waits_for_nobody);
    tcase_add_test(tcase, past_the_first_contract_it_says_so_open_and_closed);
    tcase_add_test(tcase, rollouts_are_listed_by_age_the_open_one_last);
}

SUITE("view", {.add = add_all, .set_up = core_set_up, .tear_down = tear_down})
