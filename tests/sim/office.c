/* office.c: the coordinator's process: facts are durable before their effects leave, and it may die
 * before, between and after.
 */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <string.h>

#define JOURNAL        "00112233445566778899aabbccddeeff"
#define FACT_BYTES_MAX (1 << 22)
#define CRASHES_ONE_IN 6000 /* commits */

/* ---- the journal ---- */

static void append(struct sim *sim, const struct fact *fact)
{
    if (sim->journal_count == sim->journal_capacity) {
        size_t capacity = sim->journal_capacity == 0 ? 256 : sim->journal_capacity * 2;

        sim->journal = memory_grow(sim, sim->journal, sim->journal_capacity, capacity);
        sim->journal_of = memory_grow(sim, sim->journal_of, sim->journal_capacity, capacity);
        sim->journal_capacity = capacity;
    }
    if (fact->type == FACT_PLANNED)
        sim->journal_open = ((const struct plan *)fact->body)->rollout;
    sim->journal_of[sim->journal_count] = fact_is_of_rollout(fact) ? sim->journal_open : 0;
    if (fact->type == FACT_CLOSED)
        sim->journal_open = 0;
    sim->journal[sim->journal_count] = text_new(sim, FACT_BYTES_MAX);
    fact_encode(fact, sim->journal[sim->journal_count]);
    sim->journal_count++;
    watch_fact(sim, fact);
}

/* As the journal is read at a start: what was a closed rollout's own is left out. */
static struct control *fold(struct sim *sim)
{
    struct control *control = control_new(sim);
    struct error err;

    for (size_t i = 0; i < sim->journal_count; i++) {
        struct fact fact;

        if (sim->journal_of[i] != 0 && sim->journal_of[i] != sim->journal_open)
            continue;
        if (fact_decode(sim->journal[i]->data, sim->journal[i]->size, control, &fact, &err) !=
                ERROR_OK ||
            control_apply(control, &fact, &err) != ERROR_OK)
            sim_break(sim, err.detail);
        else
            talloc_free(fact.body);
    }
    return control;
}

/* I10: folding the journal gives the state in memory. */
void office_check_fold(struct sim *sim)
{
    char memory[DIGEST_SIZE];
    char folded[DIGEST_SIZE];
    struct control *control = fold(sim);

    control_digest(sim->control, memory);
    control_digest(control, folded);
    if (strcmp(memory, folded) != 0)
        sim_break(sim, "I10: the folded journal is another state");
    talloc_free(control);
}

/* ---- life and death ---- */

static void crash(struct sim *sim, const char *when)
{
    sim_trace(sim, "the coordinator dies %s", when);
    talloc_free(sim->control);
    sim->control = NULL;
    sim->control_back_at_ms = sim->now_ms + sim_below(sim, 8000);
    decisions_clear(sim->decisions);
}

static void trace_fact(const struct sim *sim, const struct fact *fact)
{
    if (fact->type == FACT_STEP) {
        const struct fact_step *step = fact->body;

        sim_trace(sim, "step %" PRIu64 "/%" PRIu64 " %s %s rule %" PRIu64 " %s %.100s",
                  step->repair, step->step, word_of(&direction_names, step->direction),
                  word_of(&step_state_names, step->state), step->rule, step->node, step->detail);
    } else if (fact->type == FACT_ROLLOUT) {
        const struct fact_rollout *rollout = fact->body;

        sim_trace(sim, "rollout %s rule %" PRIu64 ": %s",
                  word_of(&rollout_state_names, rollout->state), rollout->rule, rollout->why);
    } else if (fact->type == FACT_QUARANTINE) {
        const struct fact_quarantine *quarantine = fact->body;

        sim_trace(sim, "quarantine of %s %s: %s", quarantine->name,
                  word_of(&quarantine_cause_names, quarantine->cause), quarantine->why);
    } else if (fact->type != FACT_SAMPLE && fact->type != FACT_REPORTED) {
        sim_trace(sim, "fact %s", fact_row(fact->type)->name);
    }
}

static void perform(struct sim *sim, const struct effect *effect)
{
    int to = effect->type == EFFECT_SEND ? sim_node_at(sim, effect->node) : -1;

    if (to >= 0)
        network_post(sim, -1, to, effect->message, control_term(sim->control), effect->body);
    if (effect->type == EFFECT_REPLY)
        sim_trace(sim, "reply %s: %s", error_code_name(effect->code), effect->text);
    if (effect->type == EFFECT_RING)
        sim_trace(sim, "ring: %s", effect->text);
}

/* I4: facts are durable before any effect leaves. */
static void commit(struct sim *sim)
{
    struct decisions *decisions = sim->decisions;
    bool dies_before = decisions->fact_count > 0 && sim_rarely(sim, CRASHES_ONE_IN);
    bool dies_between = decisions->effect_count > 0 && sim_rarely(sim, CRASHES_ONE_IN);
    size_t performed =
        dies_between ? sim_below(sim, decisions->effect_count) : decisions->effect_count;

    coverage_note(decisions->fired, decisions->fired_count);
    if (dies_before) {
        crash(sim, "with unsynced facts, which are lost");
        return;
    }
    for (size_t i = 0; i < decisions->fact_count; i++) {
        if (!fact_row(decisions->facts[i].type)->is_durable)
            continue;
        trace_fact(sim, &decisions->facts[i]);
        append(sim, &decisions->facts[i]);
    }
    for (size_t i = 0; i < performed; i++)
        perform(sim, &decisions->effects[i]);
    decisions_clear(decisions);
    if (dies_between)
        crash(sim, "between two effects");
}

void office_start(struct sim *sim)
{
    struct event started = {.type = EVENT_STARTED, .journal = JOURNAL};
    struct event catalog = {.type = EVENT_CATALOG, .catalog = &sim->catalog};
    struct event windows = {.type = EVENT_WINDOWS, .windows = &sim->windows};

    sim->control = fold(sim);
    started.outage_from_ms = sim->control->now_ms;
    started.at_ms = catalog.at_ms = windows.at_ms = sim->now_ms;
    control_handle(sim->control, &started, sim->decisions);
    control_handle(sim->control, &catalog, sim->decisions);
    control_handle(sim->control, &windows, sim->decisions);
    commit(sim);
}

void office_kill(struct sim *sim)
{
    if (sim->control != NULL)
        crash(sim, "in the middle of a stage");
}

void office_restart(struct sim *sim)
{
    crash(sim, "because a person restarts it");
    sim->control_back_at_ms = sim->now_ms;
}

void office_run(struct sim *sim)
{
    if (sim->control == NULL) {
        if (sim->now_ms >= sim->control_back_at_ms)
            office_start(sim);
        return;
    }
    control_settle(sim->control, sim->now_ms, sim->decisions);
    commit(sim);
    if (sim->control != NULL && sim_rarely(sim, sim->fate.crashes_in)) {
        office_check_fold(sim);
        crash(sim, "while idle");
    }
}

void office_hear(struct sim *sim, int from, const struct message *message)
{
    struct event event = {.type = EVENT_MESSAGE,
                          .at_ms = sim->now_ms,
                          .node = sim->nodes[from].name,
                          .message = message};

    if (sim->control == NULL)
        return;
    if (message->type == MESSAGE_REPORT)
        watch_report(sim, from);
    control_handle(sim->control, &event, sim->decisions);
    commit(sim);
}

void office_ask(struct sim *sim, struct request *request)
{
    struct event event = {.type = EVENT_REQUEST,
                          .at_ms = sim->now_ms,
                          .operator_name = "operator",
                          .request = request};

    if (sim->control == NULL)
        return;
    sim_trace(sim, "operator: %s %s step %" PRIu64, request->verb, request->node, request->step);
    control_handle(sim->control, &event, sim->decisions);
    commit(sim);
}
