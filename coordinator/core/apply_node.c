/* apply_node.c: facts about nodes. */
#include "common/base/memory.h"
#include "coordinator/core/apply.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/ledger.h"
#include "coordinator/core/vitals.h"
#include "coordinator/core/work.h"
#include "proto/copy.h"

#include <assert.h>
#include <string.h>

/* Its places in both orders. */
struct places {
    size_t by_name, by_shard;
};

static struct places places_of(const struct control *control, const struct node *node)
{
    const struct fact_node *identity = &node->identity;

    return (struct places){
        control_node_place(control, identity->kind, identity->name),
        control_shard_place(control, identity->kind, identity->shard, identity->name)};
}

static void close_gap(struct node **nodes, size_t at, size_t count)
{
    memmove(&nodes[at], &nodes[at + 1], (count - at) * sizeof(nodes[0]));
}

static void open_gap(struct node **nodes, size_t at, size_t count)
{
    memmove(&nodes[at + 1], &nodes[at], (count - at) * sizeof(nodes[0]));
}

static void take_out(struct control *control, const struct node *node)
{
    struct places at = places_of(control, node);

    assert(control->nodes[at.by_name] == node && control->by_shard[at.by_shard] == node);
    control->node_count--;
    close_gap(control->nodes, at.by_name, control->node_count);
    close_gap(control->by_shard, at.by_shard, control->node_count);
    for (unsigned kind = node->identity.kind + 1u; kind <= KIND_COUNT; kind++)
        control->kind_begin[kind]--;
}

static void put_in(struct control *control, struct node *node)
{
    struct places at = places_of(control, node);

    if (control->node_count == control->node_capacity) {
        size_t capacity = control->node_capacity == 0 ? 16 : control->node_capacity * 2;

        control->nodes = memory_grow(control, control->nodes, control->node_capacity, capacity);
        control->by_shard =
            memory_grow(control, control->by_shard, control->node_capacity, capacity);
        control->node_capacity = capacity;
    }
    open_gap(control->nodes, at.by_name, control->node_count);
    open_gap(control->by_shard, at.by_shard, control->node_count);
    control->nodes[at.by_name] = control->by_shard[at.by_shard] = node;
    control->node_count++;
    for (unsigned kind = node->identity.kind + 1u; kind <= KIND_COUNT; kind++)
        control->kind_begin[kind]++;
}

enum error_code apply_node_accepted(struct control *control, const void *body, struct error *err)
{
    const struct fact_node *fact = body;
    struct node *node = control_node(control, fact->name);

    if (fact->kind == KIND_NONE || fact->kind >= KIND_COUNT)
        return apply_corrupt(err, "the kind of", fact->name);
    if (node != NULL) {
        take_out(control, node);
    } else {
        node = memory_new(control, struct node);
        /* An edge may know it from before, and hold it out: each is told to let it in. */
        node->is_taken_out = fact->kind == KIND_GAME;
        node->is_told = fact->kind == KIND_GAME; /* so may its server */
    }
    node->identity = *fact;
    if (control->open != NULL)
        node->in_plan = work_node_in_plan(&control->open->work, fact->name);
    put_in(control, node);
    return ERROR_OK;
}

enum error_code apply_node_removed(struct control *control, const void *body, struct error *err)
{
    const struct fact_name *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    take_out(control, node);
    talloc_free(node);
    return ERROR_OK;
}

enum error_code apply_ledger(struct control *control, const void *body, struct error *err)
{
    const struct fact_ledger *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    (void)text_copy(node->ledger_before, sizeof(node->ledger_before), node->ledger);
    (void)text_copy(node->ledger, sizeof(node->ledger), fact->ledger);
    node->ledger_changed_at_ms = control->now_ms;
    node->ledger_heard_at_ms = control->now_ms;
    node->stranger_at_ms = 0;
    return ERROR_OK;
}

enum error_code apply_ledger_heard(struct control *control, const void *body, struct error *err)
{
    const struct fact_ledger_heard *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    if (!fact->is_strangers) {
        node->ledger_heard_at_ms = control->now_ms;
        return ERROR_OK;
    }
    if (!ledger_is_doubted(control, node))
        node->stranger_since_ms = control->now_ms;
    node->stranger_at_ms = control->now_ms;
    return ERROR_OK;
}

enum error_code apply_corrected(struct control *control, const void *body, struct error *err)
{
    const struct fact_corrected *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    node->correction = fact->number;
    node->corrections++;
    talloc_free(node->corrected.copy);
    node->corrected.copy = memory_format(node, "%s: %s", fact->target, fact->why);
    return ERROR_OK;
}

enum error_code apply_quarantine(struct control *control, const void *body, struct error *err)
{
    const struct fact_quarantine *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    node->quarantine = fact->cause;
    node->quarantine_position = fact->position;
    node->repair_tries = 0;
    node->repair_not_before_ms = 0;
    text_keep(node, &node->quarantine_why, fact->why);
    return ERROR_OK;
}

enum error_code apply_standing(struct control *control, const void *body, struct error *err)
{
    const struct fact_standing *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    node->is_severed = fact->is_severed;
    node->is_told = fact->is_told;
    node->is_taken_out = fact->is_taken_out;
    node->was_marked = false;
    return ERROR_OK;
}

enum error_code apply_repair(struct control *control, const void *body, struct error *err)
{
    const struct fact_repair *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL || !work_plan_is_sound(&fact->plan))
        return apply_corrupt(err, "node", fact->name);
    talloc_free(node->repair);
    node->repair = NULL;
    node->repair_tries = fact->tries;
    node->repair_not_before_ms = fact->not_before_ms;
    if (fact->number == 0)
        return ERROR_OK;
    node->repair = memory_new(node, struct work);
    node->repair->repair = fact->number;
    node->repair->plan = record_clone(&plan_record, &fact->plan, node->repair);
    work_build(node->repair, node->repair);
    if (fact->number > control->repair_number)
        control->repair_number = fact->number;
    return ERROR_OK;
}

enum error_code apply_link(struct control *control, const void *body, struct error *err)
{
    const struct fact_link *fact = body;
    struct node *node = control_node(control, fact->name);

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    node->link = fact->state;
    node->is_adopted = fact->is_adopted;
    if (fact->is_heard)
        node->heard_at_ms = control->now_ms;
    return ERROR_OK;
}

enum error_code apply_reported(struct control *control, const void *body, struct error *err)
{
    const struct fact_reported *fact = body;
    struct node *node = control_node(control, fact->name);
    char why[SENTENCE_SIZE];

    if (node == NULL)
        return apply_corrupt(err, "node", fact->name);
    talloc_free(node->report);
    node->report = record_clone(&report_record, &fact->report, node);
    edge_sort_servers(node->report);
    node->report_at_ms = control->now_ms;
    node->report_number = ++control->report_number;
    if (node->identity.kind == KIND_GAME)
        vitals_take(control, node);
    if (node_probes(node, why) == VERDICT_PASS)
        node->failing_since_ms = 0;
    else if (node->failing_since_ms == 0)
        node->failing_since_ms = control->now_ms;
    return ERROR_OK;
}
