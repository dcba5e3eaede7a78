#include "coordinator/server/view.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/twin.h"
#include "coordinator/core/window.h"
#include "proto/json.h"

#include <string.h>

static void put_text(json_t *object, const char *key, const char *text)
{
    (void)json_object_set_new(object, key, json_string(text));
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
    (void)json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void put_bool(json_t *object, const char *key, bool value)
{
    (void)json_object_set_new(object, key, json_boolean(value));
}

static json_t *names(const struct name_item *items, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, json_string(items[i].name));
    return list;
}

/* ---- nodes ---- */

static void put_database(json_t *object, const struct database_report *database)
{
    put_text(object, "role", database->is_primary ? "primary" : "replica");
    put_text(object, "system_id", database->system_id);
    put_number(object, "timeline", database->timeline);
    (void)json_object_set_new(object, "expanded",
                              names(database->expanded, database->expanded_count));
    (void)json_object_set_new(object, "contracted",
                              names(database->contracted, database->contracted_count));
    put_text(object, "schema",
             database->expanded_count == 0 ? ""
                                           : database->expanded[database->expanded_count - 1].name);
    put_text(object, "fingerprint", database->fingerprint);
    put_number(object, "fingerprint_age_ms", database->fingerprint_age_ms);
    if (database->drift_count > 0) {
        put_number(object, "drift_count", database->drift_count);
        put_text(object, "drift", database->drift);
    }
    put_number(object, "position", database->position);
    put_number(object, "lag_bytes", database->lag_bytes);
    put_number(object, "lag_ms", database->lag_ms);
    if (database->twin.node_count > 0)
        (void)json_object_set_new(object, "twin",
                                  json_from_record(&twin_report_record, &database->twin));
}

static json_t *probes(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->probe_count; i++) {
        const struct probe_result *probe = &report->probes[i];
        json_t *object = json_object();

        put_text(object, "name", probe->name);
        put_text(object, "result",
                 !probe->could_measure ? "error"
                 : probe->passes       ? "pass"
                                       : "fail");
        put_number(object, "latency_ms", probe->latency_ms);
        put_number(object, "age_ms", probe->age_ms);
        put_text(object, "text", probe->text);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *servers(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->server_count; i++) {
        const struct server_traffic *server = &report->servers[i];
        json_t *object = json_object();

        put_text(object, "node", server->node);
        put_text(object, "state", word_of(&traffic_state_names, server->state));
        put_bool(object, "check_passes", server->check_passes);
        put_bool(object, "asks_agent", server->asks_agent);
        put_number(object, "sessions", server->sessions);
        put_number(object, "requests", server->requests);
        put_number(object, "errors", server->errors);
        put_text(object, "colour", server->colour);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *pools(const struct report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->pool_count; i++) {
        const struct pool_report *pool = &report->pools[i];
        json_t *object = json_object();

        put_text(object, "console", pool->console);
        put_bool(object, "could_measure", pool->could_measure);
        put_bool(object, "paused", pool->is_paused);
        put_text(object, "server", pool->server);
        put_text(object, "host", pool->host);
        put_number(object, "port", pool->port);
        put_text(object, "database", pool->database);
        put_number(object, "clients_active", pool->clients_active);
        put_number(object, "clients_waiting", pool->clients_waiting);
        put_number(object, "servers_active", pool->servers_active);
        put_number(object, "servers_idle", pool->servers_idle);
        put_number(object, "longest_wait_ms", pool->longest_wait_ms);
        put_number(object, "wait_limit_ms", pool->wait_limit_ms);
        (void)json_array_append_new(list, object);
    }
    return list;
}

static void put_report(const struct control *control, json_t *object, const struct node *node)
{
    const struct report *report = node->report;

    put_number(object, "report_age_ms", control->now_ms - node->report_at_ms + report->age_ms);
    put_text(object, "fault", report->fault);
    put_number(object, "disk_free_bytes", report->disk_free_bytes);
    (void)json_object_set_new(object, "probes", probes(report));
    if (node->identity.kind == KIND_DATABASE)
        put_database(object, &report->database);
    if (node->identity.kind == KIND_EDGE) {
        (void)json_object_set_new(object, "servers", servers(report));
        put_text(object, "live", report->live);
        put_text(object, "next", report->next);
        put_number(object, "share_permille", report->share_permille);
    }
    if (node->identity.is_pooler)
        (void)json_object_set_new(object, "pools", pools(report));
}

json_t *view_node(const struct control *control, const struct node *node)
{
    json_t *object = json_object();
    uint64_t sessions = 0;

    put_text(object, "name", node->identity.name);
    put_text(object, "kind", word_of(&node_kind_names, node->identity.kind));
    put_text(object, "shard", node->identity.shard);
    put_text(object, "key", node->identity.key);
    put_text(object, "link", word_of(&link_state_names, node->link));
    put_bool(object, "adopted", node->is_adopted);
    put_text(object, "refusal", text_kept(&node->refusal));
    put_text(object, "quarantine", word_of(&quarantine_cause_names, node->quarantine));
    put_text(object, "quarantine_why",
             node->quarantine == QUARANTINE_NONE ? "" : text_kept(&node->quarantine_why));
    put_number(object, "repair_tries", node->repair_tries);
    if (node->identity.kind == KIND_EDGE) {
        put_bool(object, "pooler", node->identity.is_pooler);
        put_number(object, "corrections", node->corrections);
        put_text(object, "corrected", text_kept(&node->corrected));
    }
    if (node->identity.kind == KIND_DATABASE && node->identity.colour[0] != '\0') {
        put_text(object, "colour", node->identity.colour);
        put_bool(object, "rests", twin_rests(control, node));
    }
    if (node->identity.kind == KIND_GAME) {
        put_text(object, "release", node->report == NULL ? "" : node->report->release);
        put_text(object, "goal", fleet_goal(control, node));
        put_text(object, "colour", node->identity.colour);
        put_bool(object, "rests", colour_rests(control, node));
        put_bool(object, "ready", node_is_ready(control, node));
        put_text(object, "traffic",
                 word_of(&traffic_state_names, fleet_traffic(control, node, &sessions)));
        put_number(object, "sessions", sessions);
    }
    if (node->report != NULL)
        put_report(control, object, node);
    return object;
}

json_t *view_nodes(const struct control *control)
{
    json_t *object = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < control->node_count; i++)
        (void)json_array_append_new(list, view_node(control, control->nodes[i]));
    (void)json_object_set_new(object, "nodes", list);
    return object;
}

json_t *view_pending(const struct gate_keeper *keeper)
{
    json_t *object = json_object();
    json_t *list = json_array();
    size_t count;
    const struct pending_key *keys = gate_keeper_pending(keeper, &count);

    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();

        put_text(item, "key", keys[i].key);
        put_text(item, "address", keys[i].address);
        put_number(item, "seen_at_ms", keys[i].seen_at_ms);
        put_number(item, "tries", keys[i].tries);
        (void)json_array_append_new(list, item);
    }
    (void)json_object_set_new(object, "pending", list);
    return object;
}

/* ---- rollouts ---- */

static json_t *gate_of(const struct control *control, const struct step *step)
{
    const struct gate_record *gate = &step->gate_record;
    json_t *object = json_object();

    put_text(object, "kind", word_of(&gate_names, step_gate(step)));
    put_text(object, "verdict", word_of(&verdict_names, gate->verdict));
    put_text(object, "why", text_kept(&gate->why));
    put_number(object, "passing_ms",
               gate->passing_since_ms == 0 ? 0 : control->now_ms - gate->passing_since_ms);
    put_number(object, "steady_ms", step->plan->steady_ms);
    put_number(object, "failing_in_a_row", gate->failing_count);
    return object;
}

static uint64_t elapsed_ms(const struct control *control, const struct step *step)
{
    if (step->started_at_ms == 0)
        return 0;
    if (step_is_open(step))
        return control->now_ms - step->started_at_ms;
    return step->changed_at_ms > step->started_at_ms ? step->changed_at_ms - step->started_at_ms
                                                     : 0;
}

static json_t *needs_of(const struct plan_step *plan)
{
    json_t *list = json_array();

    for (size_t i = 0; i < plan->need_count; i++)
        (void)json_array_append_new(list, json_integer(plan->needs[i]));
    return list;
}

static json_t *step_of(const struct control *control, const struct work *work,
                       const struct step *step)
{
    const struct plan_step *plan = step->plan;
    json_t *object = json_object();
    char why[SENTENCE_SIZE];

    step_reason(control, work, step, why);
    put_number(object, "id", plan->id);
    put_text(object, "stage", word_of(&stage_names, plan->stage));
    put_text(object, "task", word_of(&task_names, plan->task));
    put_text(object, "undo", word_of(&task_names, plan->undo));
    put_text(object, "shard", plan->shard);
    put_text(object, "node", step->node[0] != '\0' ? step->node : plan->node);
    put_text(object, "target", plan->target);
    put_text(object, "revision", plan->revision);
    put_text(object, "release", plan->release);
    put_text(object, "colour", plan->colour);
    put_text(object, "colour_before", plan->colour_before);
    put_number(object, "share_permille", plan->share_permille);
    put_number(object, "wave", plan->wave);
    put_bool(object, "undo_only", plan->undo_only);
    put_text(object, "direction", word_of(&direction_names, step->direction));
    put_text(object, "state", word_of(&step_state_names, step->state));
    put_number(object, "attempt", step->attempt);
    put_number(object, "elapsed_ms", elapsed_ms(control, step));
    put_number(object, "done", step->done);
    put_number(object, "total", step->total);
    put_text(object, "progress", step->progress);
    put_text(object, "code", step->code);
    put_text(object, "detail", text_kept(&step->detail));
    put_bool(object, "kept", step->is_kept);
    put_text(object, "why", why);
    (void)json_object_set_new(object, "needs", needs_of(plan));
    if (step_gate(step) != GATE_NONE)
        (void)json_object_set_new(object, "gate", gate_of(control, step));
    return object;
}

static void put_plan(json_t *object, const struct plan *plan)
{
    json_t *revisions = json_array();
    json_t *shards = json_array();

    put_text(object, "strategy", word_of(&strategy_names, plan->strategy));
    put_number(object, "inverse_of", plan->inverse_of);
    put_text(object, "revision", plan->revision);
    put_text(object, "release", plan->release);
    put_text(object, "digest", plan->digest);
    put_text(object, "bundle", plan->bundle);
    put_text(object, "created_by", plan->created_by);
    put_text(object, "contracts_for", plan->contracts_for);
    put_number(object, "rehearsed_by", plan->rehearsed_by);
    (void)json_object_set_new(object, "options",
                              json_from_record(&rollout_options_record, &plan->options));
    for (size_t i = 0; i < plan->revision_count; i++)
        (void)json_array_append_new(revisions, json_string(plan->revisions[i].name));
    (void)json_object_set_new(object, "revisions", revisions);
    for (size_t i = 0; i < plan->shard_count; i++) {
        json_t *shard = json_object();

        put_text(shard, "name", plan->shards[i].name);
        put_text(shard, "primary", plan->shards[i].primary);
        put_text(shard, "release_before", plan->shards[i].release);
        put_text(shard, "fingerprint_before", plan->shards[i].fingerprint);
        (void)json_array_append_new(shards, shard);
    }
    (void)json_object_set_new(object, "shards", shards);
}

void view_add_rehearsal(json_t *show, const struct fact_rehearsed *rehearsal)
{
    json_t *list = json_object_get(show, "rehearsals");

    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(show, "rehearsals", list);
    }
    /* A later attempt's counts. */
    for (size_t i = 0; i < json_array_size(list); i++)
        if ((uint64_t)json_integer_value(json_object_get(json_array_get(list, i), "step")) ==
            rehearsal->step)
            (void)json_array_remove(list, i);
    (void)json_array_append_new(list, json_from_record(&fact_rehearsed_record, rehearsal));
}

/* How the operators' windows stand for it, and whether somebody goes without them. */
static void put_window(json_t *object, const struct control *control)
{
    const struct rollout *open = control->open;
    const char *planned = open->work.plan->options.override_window;
    char how[SENTENCE_SIZE];

    if (windows_are_none(control->windows) || strategy_leads_back(open->work.plan->strategy))
        return;
    rollout_say_window(control, how);
    put_text(object, "window", how);
    put_text(object, "override_window", planned[0] != '\0' ? planned : open->override_window);
}

json_t *view_open(const struct control *control)
{
    const struct rollout *open = control->open;
    json_t *object = json_object();
    json_t *steps = json_array();
    char why[SENTENCE_SIZE];

    rollout_reason(control, why);
    put_number(object, "rollout", open->work.plan->rollout);
    put_text(object, "state", word_of(&rollout_state_names, open->state));
    put_text(object, "why", why);
    put_text(object, "said", open->why);
    put_bool(object, "closed", false);
    put_bool(object, "past_return", open->has_contracted);
    put_bool(object, "waits_for_complete",
             open->state == ROLLOUT_HOLDING && open->work.plan->options.hold &&
                 open->work.plan->options.hold_ms == 0 && !open->hold_is_released);
    put_number(object, "elapsed_ms", control->now_ms - open->planned_at_ms);
    put_number(object, "pause_ms", twin_pause_ms(control));
    put_window(object, control);
    put_plan(object, open->work.plan);
    for (size_t i = 0; i < open->work.count; i++)
        (void)json_array_append_new(steps, step_of(control, &open->work, &open->work.steps[i]));
    (void)json_object_set_new(object, "steps", steps);
    for (size_t i = 0; i < open->rehearsal_count; i++)
        view_add_rehearsal(object, open->rehearsals[i]);
    (void)json_object_update_new(object, view_nodes(control));
    return object;
}

static json_t *kept(const struct summary *summary)
{
    json_t *list = json_array();

    for (size_t i = 0; i < summary->kept_count; i++) {
        json_t *item = json_object();

        put_text(item, "shard", summary->kept[i].shard);
        put_text(item, "revision", summary->kept[i].revision);
        put_text(item, "why", summary->kept[i].why);
        (void)json_array_append_new(list, item);
    }
    return list;
}

json_t *view_summary(const struct summary *summary)
{
    json_t *object = json_object();

    put_number(object, "rollout", summary->rollout);
    put_text(object, "state", word_of(&rollout_state_names, summary->state));
    put_text(object, "why", summary->why);
    put_bool(object, "closed", true);
    put_text(object, "strategy", word_of(&strategy_names, summary->strategy));
    put_number(object, "inverse_of", summary->inverse_of);
    put_text(object, "revision", summary->revision);
    put_text(object, "release", summary->release);
    put_text(object, "created_by", summary->created_by);
    put_number(object, "planned_at_ms", summary->planned_at_ms);
    put_number(object, "closed_at_ms", summary->closed_at_ms);
    put_number(object, "elapsed_ms", summary->closed_at_ms - summary->planned_at_ms);
    put_bool(object, "past_return", summary->has_contracted);
    put_number(object, "pause_ms", summary->pause_ms);
    put_bool(object, "rehearsed", summary->is_rehearsed);
    put_text(object, "no_rehearsal", summary->options.no_rehearsal);
    (void)json_object_set_new(object, "kept", kept(summary));
    return object;
}

json_t *view_rollouts(const struct control *control)
{
    json_t *object = json_object();
    json_t *list = json_array();

    for (size_t i = 0; i < control->summary_count; i++)
        (void)json_array_append_new(list, view_summary(control->summaries[i]));
    if (control->open != NULL) {
        json_t *open = json_object();
        char why[SENTENCE_SIZE];

        rollout_reason(control, why);
        put_number(open, "rollout", control->open->work.plan->rollout);
        put_text(open, "state", word_of(&rollout_state_names, control->open->state));
        put_text(open, "why", why);
        put_bool(open, "closed", false);
        put_number(open, "elapsed_ms", control->now_ms - control->open->planned_at_ms);
        put_plan(open, control->open->work.plan);
        (void)json_array_append_new(list, open);
    }
    (void)json_object_set_new(object, "rollouts", list);
    return object;
}

json_t *view_status(const struct control *control)
{
    json_t *object = view_nodes(control);
    char why[SENTENCE_SIZE] = "";

    put_text(object, "journal", control->journal);
    put_number(object, "term", control->term);
    put_number(object, "rollout", control->open == NULL ? 0 : control->open->work.plan->rollout);
    put_text(object, "state",
             control->open == NULL ? "idle" : word_of(&rollout_state_names, control->open->state));
    if (control->open != NULL)
        rollout_reason(control, why);
    put_text(object, "why", why);
    return object;
}
