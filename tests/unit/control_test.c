/* The coordinator's core with a small cluster around it: what it plans, what it waits for, whom it
 * believes, and what it never takes for undone. */
#include "common/base/memory.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/step.h"
#include "fuzz/cast.h"
#include "support/suite.h"

#include <stdio.h>
#include <string.h>

#define DB1   0
#define DB2   1
#define G1    2
#define EDGE1 5
#define EDGE2 6

static void *memory;
static struct control *control;
static struct decisions *decisions;
static struct cast cast;
static uint64_t now_ms;
static char reply[SENTENCE_SIZE];
static enum error_code reply_code;

static void take_decisions(void)
{
    for (size_t i = 0; i < decisions->effect_count; i++) {
        const struct effect *effect = &decisions->effects[i];

        if (effect->type == EFFECT_SEND && effect->message == MESSAGE_ORDER)
            cast_note_order(&cast, effect->node, effect->body);
        if (effect->type == EFFECT_REPLY) {
            reply_code = effect->code;
            (void)text_copy(reply, sizeof(reply), effect->text);
        }
    }
    decisions_clear(decisions);
}

static void handle(struct event *event)
{
    event->at_ms = now_ms;
    control_handle(control, event, decisions);
    take_decisions();
}

static void settle(void)
{
    control_settle(control, now_ms, decisions);
    take_decisions();
}

static void say(size_t node, enum message_type type, void *body)
{
    struct message message = {.type = type, .term = control->term, .body = body};

    handle(
        &(struct event){.type = EVENT_MESSAGE, .node = cast.nodes[node].name, .message = &message});
}

static void wish(const char *verb, struct request request)
{
    (void)text_copy(request.verb, NAME_SIZE, verb);
    handle(&(struct event){
        .type = EVENT_REQUEST, .operator_name = "anna", .request_id = 1, .request = &request});
    settle();
}

static void report_one(size_t node)
{
    struct adopted adopted = {.is_refused = false};
    struct report report;

    (void)text_copy(adopted.ledger, IDENTITY_SIZE, cast.nodes[node].name);
    cast_fill_report(&cast, node, memory, &report);
    say(node, MESSAGE_ADOPTED, &adopted);
    say(node, MESSAGE_REPORT, &report);
}

/* A beat: everybody who is not silent reports. */
static void beat(void)
{
    now_ms += BEAT_MS;
    for (size_t i = 0; i < CAST_NODES; i++)
        if (!cast.nodes[i].is_silent)
            report_one(i);
    settle();
}

static void beats(int count)
{
    for (int i = 0; i < count; i++)
        beat();
}

static void end_order(size_t at, enum outcome how, bool is_retryable)
{
    struct order order = cast.orders[at];
    struct accepted accepted = {.id = order.id, .is_accepted = true};
    struct task_outcome outcome = {.id = order.id,
                                   .outcome = how,
                                   .code = "LOCK",
                                   .is_retryable = is_retryable,
                                   .position = cast.position};
    size_t node = 0;

    while (strcmp(cast.nodes[node].name, cast.ordered[at]) != 0)
        node++;
    say(node, MESSAGE_ACCEPTED, &accepted);
    if (how == OUTCOME_SUCCEEDED)
        cast_perform(&cast, &order);
    cast_drop_order(&cast, at);
    say(node, MESSAGE_OUTCOME, &outcome);
    settle();
}

/* Everything that is ordered succeeds, until an order of that task waits. */
static bool go_on_until(enum task task)
{
    for (int i = 0; i < 300; i++) {
        for (size_t at = 0; at < cast.order_count; at++)
            if (cast.orders[at].task == task)
                return true;
        while (cast.order_count > 0 && cast.orders[0].task != task)
            end_order(0, OUTCOME_SUCCEEDED, false);
        beat();
    }
    return false;
}

static const struct step *step_of(enum stage stage, const char *target)
{
    const struct work *work = &control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == stage &&
            (target == NULL || strcmp(work->steps[i].plan->target, target) == 0))
            return &work->steps[i];
    ck_abort_msg("no such step");
    return NULL;
}

static void set_up(void)
{
    struct catalog catalog;
    struct event catalog_read = {.type = EVENT_CATALOG, .catalog = &catalog};

    memory = talloc_new(NULL);
    control = control_new(memory);
    decisions = decisions_new(memory);
    now_ms = 1000000;
    cast_set(&cast);
    cast_fill_catalog(&catalog, memory, false);
    handle(&(struct event){.type = EVENT_STARTED, .journal = "j", .outage_from_ms = now_ms});
    handle(&catalog_read);
    for (size_t i = 0; i < CAST_NODES; i++) {
        struct request request = {.verb = ""};

        cast_fill_node(&cast, i, &request);
        wish("accept", request);
    }
    beats(15);
}

static void tear_down(void)
{
    talloc_free(memory);
}

static struct request to_new(void)
{
    return (struct request){.release = "new", .options = {.soak_ms = 2000, .steady_ms = 1000}};
}

static void start(struct request request)
{
    wish("plan", request);
    ck_assert_msg(reply_code == ERROR_OK, "%s", reply);
    wish("start", (struct request){.step = 0});
    ck_assert_msg(reply_code == ERROR_OK, "%s", reply);
}

/* ---- plans as text: stage, shard or node, what it needs ---- */

static const char *plan_text(void)
{
    const struct plan *plan = control->open->work.plan;
    struct text *text = text_new(memory, 1 << 16);

    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];

        text_append_format(text, "%s", word_of(&stage_names, step->stage));
        if (step->target[0] != '\0')
            text_append_format(text, " %s", step->target);
        if (step->node[0] != '\0' && strcmp(step->node, step->target) != 0)
            text_append_format(text, " at %s", step->node);
        if (step->revision[0] != '\0')
            text_append_format(text, " %s", step->revision);
        text_append(text, "\n");
    }
    return text->data;
}

/* Where the line stands in the plan; it must be there. */
static size_t place_of(const char *line)
{
    char whole[128];
    const char *text = plan_text();
    const char *found;

    (void)text_format(whole, sizeof(whole), "\n%s\n", line);
    found = strstr(text, whole);
    ck_assert_msg(found != NULL, "no \"%s\" in\n%s", line, text);
    return (size_t)(found - text);
}

START_TEST(a_rolling_plan_expands_first_goes_node_by_node_and_contracts_last)
{
    static const char *const order[] = {"expand at db1 r1",
                                        "backfill at db1 r1",
                                        "replay at db2",
                                        "verify at db2 r1",
                                        "drain g1 at edge1",
                                        "out g1",
                                        "release g1",
                                        "healthy g1",
                                        "admit g1 at edge1",
                                        "soak g1",
                                        "drain g2 at edge1",
                                        "soak g3",
                                        "hold",
                                        "contract at db1 r1"};

    wish("plan", to_new());
    ck_assert_msg(reply_code == ERROR_OK, "%s", reply);
    for (size_t i = 1; i < ARRAY_LEN(order); i++)
        ck_assert_msg(place_of(order[i - 1]) < place_of(order[i]), "%s comes before %s", order[i],
                      order[i - 1]);
    ck_assert(place_of("drain g1 at edge2") < place_of("out g1"));
    ck_assert(place_of("admit g1 at edge2") < place_of("soak g1"));
}
END_TEST

/* Whether `later` waits for `earlier`, directly or not. */
static bool waits_for(const struct step *later, const struct step *earlier)
{
    const struct work *work = &control->open->work;

    if (later == earlier)
        return true;
    for (size_t i = 0; i < later->plan->need_count; i++)
        if (waits_for(&work->steps[later->plan->needs[i] - 1], earlier))
            return true;
    return false;
}

START_TEST(the_canary_s_soak_comes_before_anybody_else_is_drained)
{
    struct request request = to_new();

    (void)text_copy(request.options.canary, NAME_SIZE, "g2");
    wish("plan", request);
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_SOAK, "g2")));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_SOAK, "g2")));
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_SOAK, "g1")));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_SOAK, "g3")));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_EXPAND, NULL)));
}
END_TEST

START_TEST(within_a_wave_nobody_waits_for_the_others)
{
    uint32_t waves[] = {3};
    struct request request = to_new();

    request.options.waves = waves;
    request.options.wave_count = 1;
    wish("plan", request);
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_SOAK, "g1")));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_SOAK, "g1")));
}
END_TEST

START_TEST(a_plan_that_changes_nothing_or_leads_nowhere_is_refused)
{
    wish("plan", (struct request){.release = "old"});
    ck_assert_int_ne(reply_code, ERROR_OK);
    wish("plan", (struct request){.release = "unheard-of"});
    ck_assert_int_ne(reply_code, ERROR_OK);
    wish("plan", (struct request){.revision = "unheard-of"});
    ck_assert_int_ne(reply_code, ERROR_OK);
    ck_assert_ptr_null(control->open);
}
END_TEST

START_TEST(zero_is_the_default_unless_the_options_say_that_they_are_exact)
{
    struct rollout_options options = {.retries = 0};

    planner_defaults(&options);
    ck_assert_uint_gt(options.retries, 0);
    options = (struct rollout_options){.is_exact = true, .soak_ms = 5};
    planner_defaults(&options);
    ck_assert_uint_eq(options.retries, 0);
    ck_assert_uint_eq(options.soak_ms, 5);
}
END_TEST

START_TEST(without_retries_the_first_failure_turns_the_rollout_back)
{
    struct request request = to_new();

    planner_defaults(&request.options);
    request.options.is_exact = true;
    request.options.retries = 0;
    start(request);
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_FAILED, true);
    ck_assert_int_eq(control->open->state, ROLLOUT_REVERTING);
}
END_TEST

/* ---- compatibility, forward and back ---- */

/* Loop test: a release on a schema. */
START_TEST(a_release_fits_a_schema_with_what_it_needs_and_nothing_that_it_does_not_know)
{
    static const struct {
        const char *release;
        const char *expanded, *contracted;
        bool fits;
    } rows[] = {
        {"old", "r0", "", true},       {"old", "r0 r1", "", true},   {"new", "r0 r1", "", true},
        {"new", "r0", "", false},      {"new", "r0 r1", "r1", true}, {"old", "r0 r1", "r1", false},
        {"old", "r0 r1", "r0", true},  {"old", "", "", false},       {"?", "r0 r1", "", false},
        {"new", "r0 r1", "r9", false},
    };
    struct name_item expanded[2], contracted[1];
    struct schema schema = {.expanded = expanded, .contracted = contracted};
    char copy[32], why[SENTENCE_SIZE];
    char *rest = copy;

    (void)text_copy(copy, sizeof(copy), rows[_i].expanded);
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
        (void)text_copy(expanded[schema.expanded_count++].name, NAME_SIZE, name);
    schema.contracted_count = rows[_i].contracted[0] != '\0';
    (void)text_copy(contracted[0].name, NAME_SIZE, rows[_i].contracted);
    ck_assert((compat_fault(control->catalog, rows[_i].release, &schema, why) == NULL) ==
              rows[_i].fits);
}
END_TEST

/* ---- gates ---- */

/* Silence of an edge that still counted as known let it pass on what it had said long before. */
START_TEST(a_soak_does_not_pass_on_an_edge_s_stale_word)
{
    struct request request = to_new();

    request.options.soak_ms = 6000; /* longer than a word stays fresh */
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    while (cast.order_count > 0)
        end_order(0, OUTCOME_SUCCEEDED, false);
    beat();
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    cast.nodes[EDGE2].is_silent = true;
    for (int i = 0; i < 12; i++) {
        struct beat alive = {.is_up = true};

        beat();
        say(EDGE2, MESSAGE_BEAT, &alive); /* it lives, but reports nothing */
        settle();
    }
    ck_assert_int_ne(step_of(STAGE_SOAK, "g1")->state, STEP_SUCCEEDED);
    ck_assert_int_ne(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_PASS);
    cast.nodes[EDGE2].is_silent = false;
    beats(10);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(a_gate_that_fails_turns_everything_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    while (cast.order_count > 0)
        end_order(0, OUTCOME_SUCCEEDED, false);
    cast.nodes[G1].is_sick = true;
    beats(6);
    ck_assert_int_eq(control->open->state, ROLLOUT_REVERTING);
    ck_assert_ptr_nonnull(strstr(control->open->cause, "g1"));
}
END_TEST

/* ---- whom it believes ---- */

static void make_expand_unknown(void)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    cast.nodes[DB1].is_silent = true;
    beats(20);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
}

START_TEST(what_a_lost_primary_did_only_a_database_of_its_shard_can_prove)
{
    struct finding_report did = {.finding = FINDING_DID, .of_replica = true};
    struct finding_report did_not = {.finding = FINDING_DID_NOT, .of_replica = true};

    make_expand_unknown();
    did.id = did_not.id = cast.orders[0].id;
    say(G1, MESSAGE_FINDING, &did);
    say(EDGE1, MESSAGE_FINDING, &did);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB2, MESSAGE_FINDING, &did_not); /* its absence there means nothing */
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB2, MESSAGE_FINDING, &did);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_SUCCEEDED);
}
END_TEST

START_TEST(another_node_s_words_about_an_order_are_not_heard)
{
    struct task_outcome outcome = {.outcome = OUTCOME_SUCCEEDED};

    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    outcome.id = cast.orders[0].id;
    say(DB2, MESSAGE_OUTCOME, &outcome);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_ORDERED);
    outcome.id.attempt++;
    say(DB1, MESSAGE_OUTCOME, &outcome);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_ORDERED);
}
END_TEST

/* ---- what may have had an effect ---- */

/* Failed for now and waiting for its next attempt, it was passed over as "never ordered": what the
 * first attempt had done stayed. */
START_TEST(an_attempt_that_failed_for_now_is_taken_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    wish("pause", (struct request){.step = 0});
    end_order(0, OUTCOME_FAILED, true);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_DUE);
    wish("rollback", (struct request){.step = 0});
    ck_assert(go_on_until(TASK_REVERT));
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->direction, DIRECTION_UNDO);
}
END_TEST

START_TEST(what_was_never_ordered_is_not_taken_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    end_order(0, OUTCOME_CANCELLED, false);
    ck_assert_int_eq(control->open->state, ROLLOUT_REVERTING);
    beats(3);
    ck_assert_int_eq(step_of(STAGE_RELEASE, "g1")->direction, DIRECTION_UNDO);
    ck_assert_int_eq(step_of(STAGE_RELEASE, "g1")->state, STEP_SKIPPED);
    for (size_t i = 0; i < cast.order_count; i++)
        ck_assert_int_ne(cast.orders[i].task, TASK_RELEASE);
}
END_TEST

START_TEST(a_cancelled_step_is_unknown_until_its_agent_has_answered)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    wish("rollback", (struct request){.step = 0});
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    ck_assert(step_of(STAGE_EXPAND, NULL)->had_effect);
}
END_TEST

START_TEST(a_deadline_makes_a_step_unknown_and_never_succeeded)
{
    start(to_new());
    ck_assert(go_on_until(TASK_EXPAND));
    now_ms = step_of(STAGE_EXPAND, NULL)->deadline_at_ms;
    for (size_t i = 0; i < CAST_NODES; i++)
        report_one(i);
    settle();
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
}
END_TEST

START_TEST(an_order_that_never_arrived_is_no_success_on_the_way_back)
{
    struct finding_report unheard = {.finding = FINDING_NEVER_HEARD};

    make_expand_unknown();
    unheard.id = cast.orders[0].id;
    wish("rollback", (struct request){.step = 0});
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_UNKNOWN);
    say(DB1, MESSAGE_FINDING, &unheard);
    ck_assert_int_eq(step_of(STAGE_EXPAND, NULL)->state, STEP_CANCELLED);
    ck_assert(!step_of(STAGE_EXPAND, NULL)->had_effect);
}
END_TEST

/* ---- evidence ---- */

START_TEST(what_a_gate_saw_grows_old_when_those_concerned_are_silent)
{
    struct request request = to_new();

    request.options.soak_ms = 20000;
    start(request);
    ck_assert(go_on_until(TASK_ADMIT));
    while (cast.order_count > 0)
        end_order(0, OUTCOME_SUCCEEDED, false);
    beats(2);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_PASS);
    cast.nodes[G1].is_silent = cast.nodes[EDGE1].is_silent = cast.nodes[EDGE2].is_silent = true;
    beats(5);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->state, STEP_RUNNING);
    ck_assert_int_eq(step_of(STAGE_SOAK, "g1")->gate_record.verdict, VERDICT_INCONCLUSIVE);
}
END_TEST

static void report_drift(void)
{
    struct report report;

    cast_fill_report(&cast, DB2, memory, &report);
    (void)text_copy(report.database.fingerprint, FINGERPRINT_SIZE, "drifted");
    say(DB2, MESSAGE_REPORT, &report);
    settle();
}

START_TEST(databases_do_not_agree_while_one_has_another_fingerprint)
{
    cast.nodes[DB2].is_silent = true; /* but for what follows */
    report_drift();
    start(to_new());
    for (int i = 0; i < 8; i++) {
        while (cast.order_count > 0)
            end_order(0, OUTCOME_SUCCEEDED, false);
        beat();
        report_drift();
    }
    ck_assert_int_eq(step_of(STAGE_AGREE, NULL)->state, STEP_RUNNING);
    ck_assert_int_eq(step_of(STAGE_AGREE, NULL)->gate_record.verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(a_replica_that_was_left_behind_stays_out_until_it_has_replayed_what_it_missed)
{
    struct fact_quarantine behind = {
        .name = "db2", .cause = QUARANTINE_BEHIND, .position = cast.position + 500};
    struct fact fact = {.type = FACT_QUARANTINE, .at_ms = now_ms, .body = &behind};
    struct error err;

    ck_assert_int_eq(control_apply(control, &fact, &err), ERROR_OK);
    beats(2);
    ck_assert_int_eq(control_node(control, "db2")->quarantine, QUARANTINE_BEHIND);
    cast.position += 500;
    beats(2);
    ck_assert_int_eq(control_node(control, "db2")->quarantine, QUARANTINE_NONE);
}
END_TEST

/* ---- the point of no return ---- */

static void go_to_holding(void)
{
    struct request request = to_new();

    request.options.hold = true;
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(control->open->state, ROLLOUT_HOLDING);
}

START_TEST(a_released_holding_waits_until_every_precondition_is_met)
{
    go_to_holding();
    cast.nodes[DB1].is_silent = true;
    beats(20);
    wish("complete", (struct request){.step = 0});
    ck_assert_int_eq(reply_code, ERROR_OK);
    beats(2);
    ck_assert_int_eq(control->open->state, ROLLOUT_HOLDING);
    cast.nodes[DB1].is_silent = false;
    beats(2);
    ck_assert_int_eq(control->open->state, ROLLOUT_COMPLETING);
}
END_TEST

START_TEST(there_is_no_way_back_once_a_contract_is_about_to_begin)
{
    struct adopted adopted = {.is_refused = true};

    go_to_holding();
    say(DB1, MESSAGE_ADOPTED, &adopted); /* so that the contract cannot be ordered yet */
    wish("complete", (struct request){.step = 0});
    ck_assert_int_eq(control->open->state, ROLLOUT_COMPLETING);
    ck_assert(!control->open->has_contracted);
    wish("rollback", (struct request){.step = 0});
    ck_assert_int_eq(reply_code, ERROR_REFUSED);
    ck_assert_int_eq(control->open->state, ROLLOUT_COMPLETING);
}
END_TEST

/* ---- nodes ---- */

START_TEST(silence_is_suspect_after_three_beats_and_lost_after_fifteen_seconds)
{
    const struct node *g1 = control_node(control, "g1");

    ck_assert_int_eq(g1->link, LINK_ONLINE);
    cast.nodes[G1].is_silent = true;
    beats(2);
    ck_assert_int_eq(g1->link, LINK_ONLINE);
    beat();
    ck_assert_int_eq(g1->link, LINK_SUSPECT);
    beats(11);
    ck_assert_int_eq(g1->link, LINK_SUSPECT);
    beat();
    ck_assert_int_eq(g1->link, LINK_LOST);
    ck_assert_int_eq(g1->quarantine, QUARANTINE_ABSENCE);
    cast.nodes[G1].is_silent = false;
    beat();
    ck_assert_int_eq(g1->link, LINK_ONLINE);
}
END_TEST

START_TEST(two_agents_with_one_database_instance_are_both_quarantined)
{
    struct report report;

    cast_fill_report(&cast, DB2, memory, &report);
    (void)text_copy(report.database.instance, DIGEST_SIZE, "db1");
    say(DB2, MESSAGE_REPORT, &report);
    ck_assert_int_eq(control_node(control, "db1")->quarantine, QUARANTINE_IDENTITY);
    ck_assert_int_eq(control_node(control, "db2")->quarantine, QUARANTINE_IDENTITY);
}
END_TEST

/* ---- the rollout ---- */

START_TEST(a_rollout_of_everybody_ends_completed_and_its_contract_comes_after_the_last_soak)
{
    start(to_new());
    ck_assert(go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(step_of(STAGE_SOAK, "g3")->state, STEP_SUCCEEDED);
    ck_assert_int_eq(control->open->state, ROLLOUT_COMPLETING);
    wish("rollback", (struct request){.step = 0});
    ck_assert_int_eq(reply_code, ERROR_REFUSED);
    ck_assert(!go_on_until(TASK_REVERT));
    ck_assert_uint_eq(control->summary_count, 1);
    ck_assert_int_eq(control->summaries[0]->state, ROLLOUT_COMPLETED);
}
END_TEST

START_TEST(a_rollback_brings_everybody_and_the_schema_back)
{
    start(to_new());
    ck_assert(go_on_until(TASK_ADMIT));
    wish("rollback", (struct request){.step = 0});
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_uint_eq(control->summary_count, 1);
    ck_assert_int_eq(control->summaries[0]->state, ROLLOUT_REVERTED);
    ck_assert_uint_eq(cast.nodes[DB1].applied, 1);
    for (size_t i = G1; i < G1 + CAST_GAMES; i++) {
        ck_assert_str_eq(cast.nodes[i].release, "old");
        ck_assert_int_eq(cast.nodes[i].traffic, TRAFFIC_READY);
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_rolling_plan_expands_first_goes_node_by_node_and_contracts_last);
    tcase_add_test(tcase, the_canary_s_soak_comes_before_anybody_else_is_drained);
    tcase_add_test(tcase, within_a_wave_nobody_waits_for_the_others);
    tcase_add_test(tcase, a_plan_that_changes_nothing_or_leads_nowhere_is_refused);
    tcase_add_test(tcase, zero_is_the_default_unless_the_options_say_that_they_are_exact);
    tcase_add_test(tcase, without_retries_the_first_failure_turns_the_rollout_back);
    tcase_add_loop_test(
        tcase, a_release_fits_a_schema_with_what_it_needs_and_nothing_that_it_does_not_know, 0, 10);
    tcase_add_test(tcase, a_soak_does_not_pass_on_an_edge_s_stale_word);
    tcase_add_test(tcase, a_gate_that_fails_turns_everything_back);
    tcase_add_test(tcase, what_a_lost_primary_did_only_a_database_of_its_shard_can_prove);
    tcase_add_test(tcase, another_node_s_words_about_an_order_are_not_heard);
    tcase_add_test(tcase, an_attempt_that_failed_for_now_is_taken_back);
    tcase_add_test(tcase, what_was_never_ordered_is_not_taken_back);
    tcase_add_test(tcase, a_cancelled_step_is_unknown_until_its_agent_has_answered);
    tcase_add_test(tcase, a_deadline_makes_a_step_unknown_and_never_succeeded);
    tcase_add_test(tcase, an_order_that_never_arrived_is_no_success_on_the_way_back);
    tcase_add_test(tcase, what_a_gate_saw_grows_old_when_those_concerned_are_silent);
    tcase_add_test(tcase, databases_do_not_agree_while_one_has_another_fingerprint);
    tcase_add_test(tcase,
                   a_replica_that_was_left_behind_stays_out_until_it_has_replayed_what_it_missed);
    tcase_add_test(tcase, a_released_holding_waits_until_every_precondition_is_met);
    tcase_add_test(tcase, there_is_no_way_back_once_a_contract_is_about_to_begin);
    tcase_add_test(tcase, silence_is_suspect_after_three_beats_and_lost_after_fifteen_seconds);
    tcase_add_test(tcase, two_agents_with_one_database_instance_are_both_quarantined);
    tcase_add_test(
        tcase, a_rollout_of_everybody_ends_completed_and_its_contract_comes_after_the_last_soak);
    tcase_add_test(tcase, a_rollback_brings_everybody_and_the_schema_back);
}

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 30);
    add_all(tcase);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
