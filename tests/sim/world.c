#include "tests/sim/world.h"

#include "common/base/memory.h"
#include "coordinator/core/control.h"
#include "coordinator/core/rollout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL "00112233445566778899aabbccddeeff"

unsigned sim_fired[3000];

static uint64_t next_random(struct sim *sim)
{
    /* xorshift64*: the same everywhere. */
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return sim->random * UINT64_C(2685821657736338717);
}

uint64_t sim_below(struct sim *sim, uint64_t limit)
{
    return limit == 0 ? 0 : next_random(sim) % limit;
}

bool sim_chance(struct sim *sim, unsigned percent)
{
    bool happens = sim->is_faulty && sim_below(sim, 100) < percent;

    sim->faults += happens;
    return happens;
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->is_traced)
        return;
    (void)printf("%8" PRIu64 " ", sim->now_ms);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

void sim_break(struct sim *sim, const char *what)
{
    if (sim->violation[0] == '\0')
        (void)text_format(sim->violation, sizeof(sim->violation),
                          "seed %" PRIu64 " at %" PRIu64 " ms: %s", sim->seed, sim->now_ms, what);
}

/* ---- the network ---- */

static void post(struct sim *sim, int from, int to, const struct text *bytes)
{
    int copies = sim_chance(sim, 3) ? 2 : 1;
    int agent = from < 0 ? to : from;

    if (from >= 0 && sim->nodes[agent].is_cut)
        return;
    for (; copies > 0 && sim->packet_count < SIM_PACKETS_MAX; copies--) {
        struct sim_packet packet = {.from = from, .to = to, .size = bytes->size};

        if (sim_chance(sim, 4))
            continue; /* lost */
        packet.due_ms = sim->now_ms + 1 + sim_below(sim, sim_chance(sim, 5) ? 3000 : 40);
        packet.bytes = memory_copy(sim, bytes->data, bytes->size);
        sim->packets[sim->packet_count++] = packet;
    }
}

static void post_message(struct sim *sim, int from, int to, enum message_type type, uint64_t term,
                         const void *body)
{
    struct text *bytes = text_new(sim, MESSAGE_BYTES_MAX);

    message_encode(type, 0, term, body, bytes);
    post(sim, from, to, bytes);
    talloc_free(bytes);
}

static int node_at(const struct sim *sim, const char *name)
{
    for (int i = 0; i < sim->node_count; i++)
        if (strcmp(sim->nodes[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- agents ---- */

/* Unsynced writes are lost at a crash; a SAVE effect is synced before the next effect happens. */
static void save_entry(struct sim_node *node, const struct entry *entry)
{
    for (size_t i = 0; i < node->ledger_count; i++) {
        const struct order_id *id = &node->ledger[i].order.id;

        if (id->rollout == entry->order.id.rollout && id->step == entry->order.id.step &&
            id->direction == entry->order.id.direction) {
            node->ledger[i] = *entry;
            return;
        }
    }
    if (node->ledger_count < SIM_LEDGER_MAX)
        node->ledger[node->ledger_count++] = *entry;
}

static void crash_agent(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    sim_trace(sim, "%s: its agent dies", node->name);
    node->is_alive = false;
    node->back_at_ms = sim->now_ms + sim_below(sim, 20000);
    memset(node->children, 0, sizeof(node->children));
    talloc_free(node->session);
    node->session = NULL;
}

static void cancel_child(struct sim_node *node, const struct order_id *id)
{
    for (int i = 0; i < SIM_CHILDREN_MAX; i++)
        if (node->children[i].is_used && order_id_equals(&node->children[i].order.id, id))
            node->children[i].is_cancelled = true;
}

static void perform_agent(struct sim *sim, int at, const struct session_effect *effect)
{
    struct sim_node *node = &sim->nodes[at];

    switch (effect->type) {
    case SESSION_SAVE_ENTRY:
        save_entry(node, &effect->entry);
        break;
    case SESSION_SAVE_TERM:
        node->term = node->session->term;
        (void)text_copy(node->journal, JOURNAL_SIZE, node->session->journal);
        break;
    case SESSION_SEND:
        post_message(sim, at, -1, effect->message, node->session->term, effect->body);
        break;
    case SESSION_START_CHILD:
        sim_start_child(sim, at, &effect->entry, false, false);
        break;
    case SESSION_INSPECT:
        sim_start_child(sim, at, &effect->entry, true, effect->of_replica);
        break;
    case SESSION_CANCEL_CHILD:
        cancel_child(node, &effect->entry.order.id);
        break;
    case SESSION_TELL_TERM:
    case SESSION_WATCH:
    case SESSION_EFFECT_COUNT:
        break;
    }
}

void sim_agent_event(struct sim *sim, int at, const struct session_event *event)
{
    struct sim_node *node = &sim->nodes[at];
    struct session_effects *effects = session_effects_new(sim);

    agent_session_handle(node->session, event, effects);
    for (size_t i = 0; i < effects->fired_count; i++)
        sim_fired[effects->fired[i]]++;
    for (size_t i = 0; i < effects->count && node->is_alive; i++) {
        perform_agent(sim, at, &effects->items[i]);
        if (sim_below(sim, 1000) < 2 && sim_chance(sim, 50))
            crash_agent(sim, at); /* between any two effects */
    }
    talloc_free(effects);
}

static void simple_event(struct sim *sim, int at, enum session_event_type type)
{
    struct session_event event = {.type = type, .at_ms = sim->now_ms};

    if (sim->nodes[at].is_alive)
        sim_agent_event(sim, at, &event);
}

static void start_agent(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];
    struct error err;

    node->is_alive = true;
    node->session = agent_session_new(sim);
    node->session->kind = node->kind;
    (void)text_copy(node->session->ledger, IDENTITY_SIZE, node->identity);
    (void)text_copy(node->session->journal, JOURNAL_SIZE, node->journal);
    node->session->term = node->term;
    for (size_t i = 0; i < node->ledger_count; i++)
        if (agent_session_load(node->session, &node->ledger[i], &err) != ERROR_OK)
            sim_break(sim, err.detail);
    simple_event(sim, at, SESSION_STARTED);
    simple_event(sim, at, SESSION_CONNECTED);
}

static void beat(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];
    struct report *report = memory_new(sim, struct report);
    struct beat body = {.is_up = true};

    node->beat_at_ms = sim->now_ms + BEAT_MS;
    sim_fill_report(sim, at, report);
    if (!node->session->is_welcome)
        simple_event(sim, at, SESSION_CONNECTED);
    if (node->is_alive) {
        post_message(sim, at, -1, MESSAGE_BEAT, node->session->term, &body);
        post_message(sim, at, -1, MESSAGE_REPORT, node->session->term, report);
        simple_event(sim, at, SESSION_TICK);
    }
    talloc_free(report);
}

static void run_agent(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    if (!node->is_alive) {
        if (sim->now_ms >= node->back_at_ms)
            start_agent(sim, at);
        return;
    }
    if (node->is_stopped && sim->now_ms >= node->back_at_ms)
        node->is_stopped = false;
    if (!node->is_stopped && sim_below(sim, 3000) < 2 && sim_chance(sim, 60)) {
        node->is_stopped = sim_below(sim, 2) == 0;
        node->back_at_ms = sim->now_ms + sim_below(sim, 30000);
        if (!node->is_stopped)
            crash_agent(sim, at);
    }
    sim_run_children(sim, at);
    if (node->is_alive && !node->is_stopped && sim->now_ms >= node->beat_at_ms)
        beat(sim, at);
}

/* ---- the coordinator ---- */

static void append(struct sim *sim, const struct fact *fact)
{
    if (sim->journal_count == sim->journal_capacity) {
        size_t capacity = sim->journal_capacity == 0 ? 256 : sim->journal_capacity * 2;

        sim->journal = memory_grow(sim, sim->journal, sim->journal_capacity, capacity);
        sim->journal_capacity = capacity;
    }
    sim->journal[sim->journal_count] = text_new(sim, 1 << 22);
    fact_encode(fact, sim->journal[sim->journal_count]);
    sim->journal_count++;
}

static struct control *fold(struct sim *sim)
{
    struct control *control = control_new(sim);
    struct error err;

    for (size_t i = 0; i < sim->journal_count; i++) {
        struct fact fact;

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
static void check_fold(struct sim *sim)
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

/* I4: facts are durable before any effect leaves; a crash may fall between. */
static void commit(struct sim *sim)
{
    struct decisions *decisions = sim->decisions;

    for (size_t i = 0; i < decisions->fired_count; i++)
        sim_fired[decisions->fired[i]]++;
    for (size_t i = 0; i < decisions->fact_count; i++) {
        const struct fact *fact = &decisions->facts[i];

        if (!fact_row(fact->type)->is_durable)
            continue;
        append(sim, fact);
        if (fact->type == FACT_STEP) {
            const struct fact_step *step = fact->body;

            sim_trace(sim, "step %" PRIu64 "/%" PRIu64 " %s %s rule %" PRIu64 " %s", step->repair,
                      step->step, word_of(&direction_names, step->direction),
                      word_of(&step_state_names, step->state), step->rule, step->node);
        } else if (fact->type == FACT_ROLLOUT) {
            const struct fact_rollout *rollout = fact->body;

            sim_trace(sim, "rollout %s rule %" PRIu64 ": %s",
                      word_of(&rollout_state_names, rollout->state), rollout->rule, rollout->why);
        } else {
            sim_trace(sim, "fact %s", fact_row(fact->type)->name);
        }
    }
    for (size_t i = 0; i < decisions->effect_count; i++) {
        const struct effect *effect = &decisions->effects[i];
        int to = effect->type == EFFECT_SEND ? node_at(sim, effect->node) : -1;

        if (to >= 0 && !(sim_below(sim, 500) == 0 && sim_chance(sim, 50)))
            post_message(sim, -1, to, effect->message, control_term(sim->control), effect->body);
        if (effect->type == EFFECT_REPLY && strstr(effect->text, "skipped it") != NULL)
            sim->was_overruled = true;
        if (effect->type == EFFECT_REPLY)
            sim_trace(sim, "reply %s: %s", error_code_name(effect->code), effect->text);
    }
    decisions_clear(decisions);
}

static void start_coordinator(struct sim *sim)
{
    struct event started = {.type = EVENT_STARTED, .journal = JOURNAL};
    struct event catalog = {.type = EVENT_CATALOG, .catalog = &sim->catalog};

    sim->control = fold(sim);
    started.outage_from_ms = sim->control->now_ms;
    started.at_ms = catalog.at_ms = sim->now_ms;
    control_handle(sim->control, &started, sim->decisions);
    control_handle(sim->control, &catalog, sim->decisions);
    commit(sim);
}

static void crash_coordinator(struct sim *sim)
{
    sim_trace(sim, "the coordinator dies");
    check_fold(sim);
    talloc_free(sim->control);
    sim->control = NULL;
    sim->control_back_at_ms = sim->now_ms + sim_below(sim, 8000);
}

static void ask(struct sim *sim, struct request *request)
{
    struct event event = {.type = EVENT_REQUEST,
                          .at_ms = sim->now_ms,
                          .operator_name = "operator",
                          .request = request};

    if (sim->control == NULL)
        return;
    sim_trace(sim, "operator: %s", request->verb);
    control_handle(sim->control, &event, sim->decisions);
    commit(sim);
}

static void ask_for(struct sim *sim, const char *verb)
{
    struct request request = {.step = 0};

    (void)text_copy(request.verb, sizeof(request.verb), verb);
    (void)text_copy(request.reason, sizeof(request.reason), "simulated");
    if (sim->control != NULL && sim->control->open != NULL)
        request.step = 1 + sim_below(sim, sim->control->open->work.count);
    ask(sim, &request);
}

/* ---- time ---- */

static void deliver(struct sim *sim, const struct sim_packet *packet)
{
    void *memory = memory_zeroed(sim, 1, 1, "delivery");
    struct message message;
    struct error err;
    enum role role = packet->from < 0 ? ROLE_COORDINATOR : ROLE_AGENT;

    if (message_decode(packet->bytes, packet->size, role, memory, &message, &err) != ERROR_OK) {
        sim_break(sim, err.detail);
    } else if (packet->to < 0 && sim->control != NULL) {
        struct event event = {.type = EVENT_MESSAGE,
                              .at_ms = sim->now_ms,
                              .node = sim->nodes[packet->from].name,
                              .message = &message};

        control_handle(sim->control, &event, sim->decisions);
        commit(sim);
    } else if (packet->to >= 0 && sim->nodes[packet->to].is_alive &&
               !sim->nodes[packet->to].is_stopped) {
        struct session_event event = {
            .type = SESSION_MESSAGE, .at_ms = sim->now_ms, .message = &message};

        sim_agent_event(sim, packet->to, &event);
    }
    talloc_free(memory);
}

static void deliver_due(struct sim *sim)
{
    for (size_t i = 0; i < sim->packet_count;) {
        struct sim_packet packet = sim->packets[i];

        if (packet.due_ms > sim->now_ms) {
            i++;
            continue;
        }
        sim->packets[i] = sim->packets[--sim->packet_count];
        deliver(sim, &packet);
        talloc_free(packet.bytes);
    }
}

static void replicate(struct sim *sim)
{
    const struct sim_node *primary = &sim->nodes[sim->primary];

    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_DATABASE && i != sim->primary && !sim_chance(sim, 30))
            sim->nodes[i].database = primary->database;
}

static void run_coordinator(struct sim *sim)
{
    if (sim->control == NULL) {
        if (sim->now_ms >= sim->control_back_at_ms)
            start_coordinator(sim);
        return;
    }
    control_settle(sim->control, sim->now_ms, sim->decisions);
    commit(sim);
    if (sim_below(sim, 2000) < 2 && sim_chance(sim, 60))
        crash_coordinator(sim);
}

static void meddle(struct sim *sim)
{
    static const char *const verbs[] = {"pause", "resume", "complete", "rollback", "retry",
                                        "skip",  "start",  "plan",     "abandon",  "admit"};

    if (sim_below(sim, 1500) < 2 && sim_chance(sim, 50))
        ask_for(sim, verbs[sim_below(sim, ARRAY_LEN(verbs) - 2)]);
    if (sim_below(sim, 2000) < 2 && sim_chance(sim, 50)) {
        struct sim_node *node = &sim->nodes[sim_below(sim, (uint64_t)sim->node_count)];

        node->is_cut = !node->is_cut;
    }
}

/* Once the faults are over an operator answers the rings. */
static void answer_rings(struct sim *sim)
{
    struct rollout *open = sim->control == NULL ? NULL : sim->control->open;
    struct request request = {.reason = "simulated"};

    if (open == NULL || sim->is_faulty || sim->now_ms % 5000 != 0)
        return;
    if (open->state == ROLLOUT_PLANNED)
        ask_for(sim, "start");
    else if (open->state == ROLLOUT_PAUSED)
        ask_for(sim, "resume");
    else if (open->state == ROLLOUT_HALTED)
        ask_for(sim, "rollback");
    else if (open->state == ROLLOUT_HOLDING && open->work.plan->options.hold)
        ask_for(sim, "complete");
    for (size_t i = 0; open->state == ROLLOUT_STUCK && i < open->work.count; i++) {
        if (open->work.steps[i].state != STEP_FAILED && open->work.steps[i].state != STEP_REFUSED &&
            open->work.steps[i].state != STEP_CANCELLED)
            continue;
        (void)text_copy(request.verb, sizeof(request.verb), "retry");
        request.step = i + 1;
        ask(sim, &request);
        return;
    }
}

static void begin_rollout(struct sim *sim)
{
    struct request request = {.verb = "plan", .release = "new"};

    if (sim->control == NULL || sim->control->open != NULL || sim->rollouts > 0)
        return;
    request.options.soak_ms = 2000;
    request.options.steady_ms = 1000;
    request.options.drain_ms = 5000;
    request.options.hold = sim_below(sim, 3) == 0;
    request.options.on_failure = sim_below(sim, 6) == 0 ? ON_FAILURE_HALT : ON_FAILURE_REVERT;
    ask(sim, &request);
    if (sim->control->open == NULL)
        return;
    sim->rollouts++;
    sim->before = sim->nodes[sim->primary].database;
    ask_for(sim, "start");
}

static void heal(struct sim *sim)
{
    sim->is_faulty = false;
    for (int i = 0; i < sim->node_count; i++) {
        sim->nodes[i].is_cut = false;
        sim->nodes[i].is_stopped = false;
        sim->nodes[i].is_sick = false;
        sim->nodes[i].back_at_ms = 0;
    }
}

static const char *first_fault(const struct sim *sim)
{
    const char *fault = invariant_compatible(sim);

    if (fault == NULL)
        fault = invariant_ready(sim);
    return fault != NULL ? fault : invariant_core(sim);
}

static void check(struct sim *sim)
{
    const char *fault = first_fault(sim);

    if (fault != NULL)
        sim_break(sim, fault);
}

static bool has_ended(const struct sim *sim)
{
    return !sim->is_faulty && sim->rollouts > 0 && sim->control != NULL &&
           sim->control->open == NULL;
}

bool sim_run(struct sim *sim)
{
    while (sim->violation[0] == '\0' && sim->now_ms < SIM_END_MS && !has_ended(sim)) {
        sim->now_ms += SIM_STEP_MS;
        deliver_due(sim);
        for (int i = 0; i < sim->node_count; i++)
            run_agent(sim, i);
        replicate(sim);
        run_coordinator(sim);
        if (sim->now_ms >= 15000)
            begin_rollout(sim);
        meddle(sim);
        answer_rings(sim);
        if (sim->is_faulty && sim->now_ms >= SIM_FAULTS_MS)
            heal(sim);
        check(sim);
    }
    if (sim->violation[0] == '\0' && !has_ended(sim)) {
        char why[SENTENCE_SIZE] = "no coordinator";

        if (sim->control != NULL && sim->control->open != NULL)
            rollout_reason(sim->control, why);
        sim_trace(sim, "it waits: %s", why);
        sim_break(sim, "I8: it did not end");
    }
    if (sim->violation[0] == '\0') {
        const char *fault = invariant_ended(sim);

        check_fold(sim);
        if (fault != NULL)
            sim_break(sim, fault);
    }
    return sim->violation[0] == '\0';
}

/* ---- the beginning ---- */

static int add_node(struct sim *sim, const char *name, enum node_kind kind)
{
    struct sim_node *node = &sim->nodes[sim->node_count];

    (void)text_copy(node->name, NAME_SIZE, name);
    node->kind = kind;
    node->traffic = TRAFFIC_READY;
    node->beat_at_ms = sim_below(sim, BEAT_MS);
    (void)text_format(node->identity, IDENTITY_SIZE, "%032d", sim->node_count);
    return sim->node_count++;
}

static void enroll(struct sim *sim, int at)
{
    struct request request = {.verb = "accept", .kind = sim->nodes[at].kind};

    (void)text_copy(request.node, NAME_SIZE, sim->nodes[at].name);
    (void)text_format(request.key, KEY_TEXT_SIZE, "%040d", at);
    (void)text_copy(request.application, NAME_SIZE, sim->nodes[at].name);
    if (sim->nodes[at].kind != KIND_EDGE)
        (void)text_copy(request.shard, NAME_SIZE, "main");
    ask(sim, &request);
}

static void make_catalog(struct sim *sim)
{
    struct catalog *catalog = &sim->catalog;

    sim->revision_count = 1 + (unsigned)sim_below(sim, SIM_REVISIONS_MAX - 1);
    catalog->revisions = memory_array(sim, struct catalog_revision, SIM_REVISIONS_MAX);
    catalog->revision_count = sim->revision_count;
    for (unsigned i = 0; i < sim->revision_count; i++) {
        struct catalog_revision *row = &catalog->revisions[i];

        (void)text_copy(row->name, NAME_SIZE, sim_revision_name(i));
        row->parent_count = i > 0;
        row->parents = memory_array(sim, struct name_item, 1);
        if (i > 0)
            (void)text_copy(row->parents[0].name, NAME_SIZE, sim_revision_name(i - 1));
        row->has_backfill = sim_below(sim, 2) == 0;
        row->has_contract = sim_below(sim, 2) == 0;
        row->has_verify = sim_below(sim, 2) == 0;
        sim->has_backfill |= row->has_backfill ? 1u << i : 0;
        sim->has_contract |= row->has_contract ? 1u << i : 0;
        sim->lossy |= sim_below(sim, 5) == 0 ? 1u << i : 0;
    }
    catalog->releases = memory_array(sim, struct catalog_release, 2);
    catalog->release_count = 2;
    (void)text_copy(catalog->releases[0].name, NAME_SIZE, "old");
    (void)text_copy(catalog->releases[1].name, NAME_SIZE, "new");
    (void)text_copy(catalog->releases[0].needs, NAME_SIZE, "r0");
    (void)text_copy(catalog->releases[1].needs, NAME_SIZE,
                    sim_revision_name(sim->revision_count - 1));
}

/* A revision that was there before, which the old release needs. */
static void add_base(struct sim *sim)
{
    struct catalog *catalog = &sim->catalog;
    struct catalog_revision *rows =
        memory_array(sim, struct catalog_revision, catalog->revision_count + 1);

    for (size_t i = 0; i < catalog->revision_count; i++)
        rows[i + 1] = catalog->revisions[i];
    (void)text_copy(rows[0].name, NAME_SIZE, "r0");
    rows[1].parents[0] = (struct name_item){.name = "r0"};
    rows[1].parent_count = 1;
    catalog->revisions = rows;
    catalog->revision_count++;
}

struct sim *sim_new(uint64_t seed, bool is_traced)
{
    struct sim *sim = memory_new(NULL, struct sim);
    int databases, games;

    sim->seed = seed;
    sim->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    sim->is_traced = is_traced;
    sim->decisions = decisions_new(sim);
    make_catalog(sim);
    add_base(sim);
    databases = 1 + (int)sim_below(sim, 3);
    games = 2 + (int)sim_below(sim, 2);
    for (int i = 0; i < databases; i++)
        (void)add_node(sim, (const char *const[]){"db-1", "db-2", "db-3"}[i], KIND_DATABASE);
    sim->nodes[0].is_primary = true;
    sim->first_game = sim->node_count;
    sim->game_count = games;
    for (int i = 0; i < games; i++)
        (void)add_node(sim, (const char *const[]){"game-1", "game-2", "game-3"}[i], KIND_GAME);
    sim->edge = add_node(sim, "edge-1", KIND_EDGE);
    sim->new_release_turns_bad = sim_below(sim, 4) == 0;
    start_coordinator(sim);
    for (int i = 0; i < sim->node_count; i++) {
        enroll(sim, i);
        start_agent(sim, i);
    }
    sim->is_faulty = true;
    return sim;
}
