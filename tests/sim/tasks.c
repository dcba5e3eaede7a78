/* tasks.c: what an agent's children do to the simulated nodes, and what the nodes report. */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <stdio.h>
#include <string.h>

const char *sim_revision_name(unsigned revision)
{
    static const char *const names[] = {"r1", "r2", "r3"};

    return names[revision];
}

static unsigned revision_bit(const char *name)
{
    return name[0] == 'r' ? 1u << (name[1] - '1') : 0;
}

static int find_node(const struct sim *sim, const char *name)
{
    for (int i = 0; i < sim->node_count; i++)
        if (strcmp(sim->nodes[i].name, name) == 0)
            return i;
    return -1;
}

/* I3: no phase takes effect twice on one database within a generation. */
static void once(struct sim *sim, unsigned marks, unsigned bit, const char *what)
{
    if ((marks & bit) != 0)
        sim_trace(sim, "%s was done before: the engine says so, and nothing is done twice", what);
}

static void take_effect(struct sim *sim, struct sim_node *node, struct sim_child *child)
{
    unsigned bit = revision_bit(child->order.arguments.revision);
    struct sim_database *database = &node->database;
    int target = find_node(sim, child->order.arguments.target);
    struct sim_node *game = target < 0 ? NULL : &sim->nodes[target];

    child->has_effect = true;
    switch ((int)child->order.task) {
    case TASK_EXPAND:
        once(sim, database->applied, bit, "expand");
        database->applied |= bit;
        if ((sim->has_backfill & bit) == 0)
            database->expanded |= bit;
        break;
    case TASK_BACKFILL:
        database->expanded |= bit;
        break;
    case TASK_CONTRACT:
        for (int i = sim->first_game; i < sim->first_game + sim->game_count; i++)
            if (sim->nodes[i].release == 0 && sim->nodes[i].traffic == TRAFFIC_READY)
                sim_break(sim, "I7: contract while an old release takes traffic");
        database->contracted |= bit;
        break;
    case TASK_REVERT:
        if (database->contracted != sim->before.contracted)
            sim_break(sim, "I7: a way back after a contract");
        child->is_kept = (sim->lossy & bit) != 0 && !child->order.arguments.accept_data_loss;
        if (!child->is_kept) {
            database->applied &= ~bit;
            database->expanded &= ~bit;
        }
        break;
    case TASK_RELEASE:
        if (node->traffic == TRAFFIC_READY)
            sim_break(sim, "a server is switched while it takes traffic");
        node->release = strcmp(child->order.arguments.release, "new") == 0;
        if (node->release == 1 && sim->new_release_since_ms == 0)
            sim->new_release_since_ms = sim->now_ms;
        break;
    case TASK_DRAIN:
        if (game != NULL)
            game->traffic = TRAFFIC_DRAIN;
        break;
    case TASK_ADMIT:
        if (game != NULL)
            game->traffic = TRAFFIC_READY;
        break;
    case TASK_ISOLATE:
        if (game != NULL)
            game->traffic = TRAFFIC_MAINTENANCE;
        break;
    default: /* the others only look */
        break;
    }
    if (node->kind == KIND_DATABASE)
        child->position = ++database->position;
    sim_trace(sim, "%s: %s %s%s takes effect", node->name, word_of(&task_names, child->order.task),
              child->order.arguments.revision, child->order.arguments.target);
}

static bool has_been_done(const struct sim *sim, const struct sim_node *node,
                          const struct order *order)
{
    unsigned bit = revision_bit(order->arguments.revision);
    int target = find_node(sim, order->arguments.target);
    enum traffic_state traffic = target < 0 ? TRAFFIC_UNKNOWN : sim->nodes[target].traffic;

    switch ((int)order->task) {
    case TASK_EXPAND:
        return (node->database.applied & bit) != 0;
    case TASK_BACKFILL:
        return (node->database.expanded & bit) != 0;
    case TASK_CONTRACT:
        return (node->database.contracted & bit) != 0;
    case TASK_REVERT:
        return (node->database.applied & bit) == 0;
    case TASK_RELEASE:
        return node->release == (strcmp(order->arguments.release, "new") == 0 ? 1u : 0u);
    case TASK_DRAIN:
        return traffic == TRAFFIC_DRAIN || traffic == TRAFFIC_MAINTENANCE;
    case TASK_ADMIT:
        return traffic == TRAFFIC_READY;
    case TASK_ISOLATE:
        return traffic == TRAFFIC_MAINTENANCE;
    default:
        return false;
    }
}

void sim_start_child(struct sim *sim, int at, const struct entry *entry, bool is_inspection,
                     bool of_replica)
{
    struct sim_node *node = &sim->nodes[at];

    for (int i = 0; i < SIM_CHILDREN_MAX; i++) {
        struct sim_child *child = &node->children[i];

        if (child->is_used)
            continue;
        *child = (struct sim_child){.is_used = true,
                                    .order = entry->order,
                                    .is_inspection = is_inspection,
                                    .of_replica = of_replica};
        child->effect_at_ms = sim->now_ms + sim_below(sim, 300);
        child->ends_at_ms = child->effect_at_ms + sim_below(sim, sim_chance(sim, 5) ? 8000 : 300);
        child->fails = !is_inspection && sim_chance(sim, 4);
        child->is_retryable = sim_below(sim, 2) == 0;
        return;
    }
}

static void end_inspection(struct sim *sim, int at, struct sim_child *child)
{
    struct finding_report finding = {.id = child->order.id, .of_replica = child->of_replica};
    struct session_event event = {.type = SESSION_INSPECTED,
                                  .at_ms = sim->now_ms,
                                  .id = &child->order.id,
                                  .finding = &finding};

    finding.finding =
        has_been_done(sim, &sim->nodes[at], &child->order) ? FINDING_DID : FINDING_DID_NOT;
    child->is_used = false;
    sim_agent_event(sim, at, &event);
}

/* What a task waits for has not come yet. */
static bool must_wait(const struct sim *sim, const struct sim_node *node,
                      const struct sim_child *child)
{
    (void)sim;
    return child->order.task == TASK_AWAIT_REPLAY && !child->is_cancelled && !child->fails &&
           node->database.position < child->order.arguments.position;
}

static void end_child(struct sim *sim, int at, struct sim_child *child)
{
    struct task_outcome outcome = {.id = child->order.id,
                                   .outcome = OUTCOME_SUCCEEDED,
                                   .code = "OK",
                                   .is_kept = child->is_kept,
                                   .position = child->position};
    struct session_event event = {.type = SESSION_CHILD_ENDED,
                                  .at_ms = sim->now_ms,
                                  .id = &child->order.id,
                                  .outcome = &outcome};
    struct order_id id = child->order.id;

    if (child->is_cancelled && !child->has_effect) {
        outcome.outcome = OUTCOME_CANCELLED;
        (void)text_copy(outcome.code, NAME_SIZE, "CANCELLED");
    } else if (child->fails) {
        outcome.outcome = OUTCOME_FAILED;
        outcome.is_retryable = child->is_retryable;
        (void)text_copy(outcome.code, NAME_SIZE, child->is_retryable ? "LOCK" : "FAILED");
        (void)text_copy(outcome.detail, SENTENCE_SIZE, "simulated");
    }
    event.id = &id;
    child->is_used = false;
    sim_agent_event(sim, at, &event);
}

void sim_run_children(struct sim *sim, int at)
{
    struct sim_node *node = &sim->nodes[at];

    for (int i = 0; i < SIM_CHILDREN_MAX && node->is_alive; i++) {
        struct sim_child *child = &node->children[i];

        if (!child->is_used || (node->is_stopped && !child->is_used))
            continue;
        if (child->is_inspection) {
            if (sim->now_ms >= child->ends_at_ms && !node->is_stopped)
                end_inspection(sim, at, child);
            continue;
        }
        if (!child->has_effect && !child->fails && !child->is_cancelled &&
            sim->now_ms >= child->effect_at_ms)
            take_effect(sim, node, child);
        if (!node->is_stopped && !must_wait(sim, node, child) &&
            (sim->now_ms >= child->ends_at_ms || child->is_cancelled))
            end_child(sim, at, child);
    }
}

/* ---- reports ---- */

static struct name_item *name_bits(unsigned bits, bool has_base, const void *parent,
                                   size_t *ret_count)
{
    struct name_item *items = memory_array(parent, struct name_item, SIM_REVISIONS_MAX + 1);

    *ret_count = 0;
    if (has_base)
        (void)text_copy(items[(*ret_count)++].name, NAME_SIZE, "r0");
    for (unsigned i = 0; i < SIM_REVISIONS_MAX; i++)
        if ((bits & 1u << i) != 0)
            (void)text_copy(items[(*ret_count)++].name, NAME_SIZE, sim_revision_name(i));
    return items;
}

static void report_database(const struct sim_node *node, struct report *ret)
{
    struct database_report *database = &ret->database;

    (void)text_copy(database->system_id, SYSTEM_ID_SIZE, "7001");
    (void)text_copy(database->instance, DIGEST_SIZE, node->name);
    database->timeline = 1;
    database->is_primary = node->is_primary;
    database->applied = name_bits(node->database.applied, true, ret, &database->applied_count);
    database->expanded = name_bits(node->database.expanded, true, ret, &database->expanded_count);
    database->contracted =
        name_bits(node->database.contracted, false, ret, &database->contracted_count);
    (void)text_format(database->fingerprint, FINGERPRINT_SIZE, "f%u.%u", node->database.applied,
                      node->database.contracted);
    database->position = node->database.position;
}

static void report_edge(const struct sim *sim, struct report *ret)
{
    ret->servers = memory_array(ret, struct server_traffic, SIM_NODES_MAX);
    for (int i = sim->first_game; i < sim->first_game + sim->game_count; i++) {
        struct server_traffic *server = &ret->servers[ret->server_count++];

        (void)text_copy(server->node, NAME_SIZE, sim->nodes[i].name);
        server->state = sim->nodes[i].traffic;
        server->check_passes = true;
    }
}

static void report_game(const struct sim *sim, const struct sim_node *node, struct report *ret)
{
    bool turned_bad = node->release == 1 && sim->new_release_turns_bad &&
                      sim->now_ms - sim->new_release_since_ms > 6000;

    (void)text_copy(ret->release, NAME_SIZE, node->release == 1 ? "new" : "old");
    ret->probes = memory_array(ret, struct probe_result, 1);
    ret->probe_count = 1;
    (void)text_copy(ret->probes[0].name, NAME_SIZE, "health");
    ret->probes[0].could_measure = true;
    ret->probes[0].passes = !node->is_sick && !turned_bad;
}

void sim_fill_report(struct sim *sim, int at, struct report *ret)
{
    const struct sim_node *node = &sim->nodes[at];

    ret->kind = node->kind;
    ret->is_up = true;
    ret->could_measure = true;
    if (node->kind == KIND_DATABASE)
        report_database(node, ret);
    else if (node->kind == KIND_EDGE)
        report_edge(sim, ret);
    else
        report_game(sim, node, ret);
}
