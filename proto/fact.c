#include "proto/fact.h"

#include "common/base/memory.h"
#include "proto/pack.h"
#include "proto/scan.h"

#include <assert.h>
#include <string.h>

static const struct field started_fields[] = {
    TEXT_FIELD(fact_started, journal, "its identity"),
    NUMBER_FIELD(fact_started, term, "it only rises"),
    NUMBER_FIELD(fact_started, outage_ms, "since the last fact"),
};
static const struct record fact_started_record = RECORD(fact_started, started_fields, "a term");

static const struct field node_fields[] = {
    TEXT_FIELD(fact_node, name, "the node"),
    ENUM_FIELD(fact_node, kind, node_kind_names, "its kind"),
    TEXT_FIELD(fact_node, shard, "its shard; none for an edge"),
    TEXT_FIELD(fact_node, key, "its public key"),
    TEXT_FIELD(fact_node, db_role, "database role of its own"),
    TEXT_FIELD(fact_node, application, "application_name of its sessions"),
    TEXT_FIELD(fact_node, colour, "of a game node, where one colour gets all traffic"),
    BOOL_FIELD(fact_node, is_pooler, "an edge: a connection pooler"),
};
static const struct record fact_node_record = RECORD(fact_node, node_fields, "a node");

static const struct field name_fields[] = {TEXT_FIELD(fact_name, name, "the node")};
static const struct record fact_name_record = RECORD(fact_name, name_fields, "a node");

static const struct field quarantine_fields[] = {
    TEXT_FIELD(fact_quarantine, name, "the node"),
    ENUM_FIELD(fact_quarantine, cause, quarantine_cause_names, "none: lifted"),
    TEXT_FIELD(fact_quarantine, why, "in a sentence"),
    NUMBER_FIELD(fact_quarantine, position, "to be replayed first"),
};
static const struct record fact_quarantine_record =
    RECORD(fact_quarantine, quarantine_fields, "a node's quarantine");

static const struct field repair_fields[] = {
    TEXT_FIELD(fact_repair, name, "the node"),
    NUMBER_FIELD(fact_repair, number, "of this repair; 0: ended"),
    NUMBER_FIELD(fact_repair, tries, "so far"),
    NUMBER_FIELD(fact_repair, not_before_ms, "the next try"),
    RECORD_FIELD(fact_repair, plan, plan_record, "its steps"),
};
static const struct record fact_repair_record = RECORD(fact_repair, repair_fields, "a repair");

static const struct field standing_fields[] = {
    TEXT_FIELD(fact_standing, name, "the game node"),
    BOOL_FIELD(fact_standing, is_severed, "its database sessions are kept out"),
    BOOL_FIELD(fact_standing, is_told, "its server was told that it is being drained"),
    BOOL_FIELD(fact_standing, is_taken_out, "an edge was told to send it no traffic"),
};
static const struct record fact_standing_record =
    RECORD(fact_standing, standing_fields, "how a node was left");

static const struct field goal_fields[] = {
    TEXT_FIELD(fact_goal, shard, "the shard"),
    TEXT_FIELD(fact_goal, node, "one that was left out; empty: all others"),
    TEXT_FIELD(fact_goal, release, "that its game nodes should run"),
};
static const struct record fact_goal_record = RECORD(fact_goal, goal_fields, "a shard's goal");

static const struct field live_fields[] = {
    TEXT_FIELD(fact_live, shard, "the shard"),
    TEXT_FIELD(fact_live, colour, "whose nodes get all of its traffic"),
    BOOL_FIELD(fact_live, of_databases, "as its poolers point; else as its edges send players"),
};
static const struct record fact_live_record =
    RECORD(fact_live, live_fields, "which colour is live");

static const struct field rollout_fields[] = {
    ENUM_FIELD(fact_rollout, state, rollout_state_names, "from now on"),
    NUMBER_FIELD(fact_rollout, rule, "row of the rollout machine"),
    TEXT_FIELD(fact_rollout, why, "in a sentence"),
    TEXT_FIELD(fact_rollout, by, "operator"),
    BOOL_FIELD(fact_rollout, waits_for_window, "it goes on by itself when that opens"),
};
static const struct record fact_rollout_record =
    RECORD(fact_rollout, rollout_fields, "a rollout's state");

static const struct field baseline_fields[] = {
    TEXT_FIELD(fact_baseline, node, "the game node"),
    NUMBER_FIELD(fact_baseline, samples, "of its probes"),
    NUMBER_FIELD(fact_baseline, median_ms, "of their latency"),
    NUMBER_FIELD(fact_baseline, p99_ms, "of their latency"),
    NUMBER_FIELD(fact_baseline, requests, "that its edges sent it meanwhile"),
    NUMBER_FIELD(fact_baseline, errors, "of those, with a 5xx"),
};
const struct record fact_baseline_record =
    RECORD(fact_baseline, baseline_fields, "a game node before a rollout");

static const struct field override_fields[] = {
    TEXT_FIELD(fact_override, why, "in the operator's words"),
    TEXT_FIELD(fact_override, by, "operator"),
};
static const struct record fact_override_record =
    RECORD(fact_override, override_fields, "a window overridden");

static const struct field step_fields[] = {
    NUMBER_FIELD(fact_step, repair, "number of the repair; 0: of the open rollout"),
    NUMBER_FIELD(fact_step, step, "which"),
    ENUM_FIELD(fact_step, direction, direction_names, "forward or back"),
    ENUM_FIELD(fact_step, state, step_state_names, "from now on"),
    NUMBER_FIELD(fact_step, attempt, "in that direction"),
    NUMBER_FIELD(fact_step, tries, "attempts that count"),
    NUMBER_FIELD(fact_step, deadline_ms, "when it becomes unknown, or inconclusive"),
    TEXT_FIELD(fact_step, node, "who was ordered"),
    TEXT_FIELD(fact_step, code, "error code's name"),
    TEXT_FIELD(fact_step, detail, "what was said"),
    BOOL_FIELD(fact_step, is_kept, "the schema stays expanded"),
    BOOL_FIELD(fact_step, had_effect, "it may have had one"),
    BOOL_FIELD(fact_step, is_cancelling, "a cancel was ordered"),
    BOOL_FIELD(fact_step, is_left_out, "skipped by an operator, or with what it needs"),
    NUMBER_FIELD(fact_step, position, "WAL position after it"),
    NUMBER_FIELD(fact_step, rule, "row of the step machine"),
};
static const struct record fact_step_record = RECORD(fact_step, step_fields, "a step's state");

static const struct field fact_rehearsed_fields[] = {
    NUMBER_FIELD(fact_rehearsed, step, "which"),
    NUMBER_FIELD(fact_rehearsed, attempt, "of it"),
    TEXT_FIELD(fact_rehearsed, shard, "whose database was copied"),
    TEXT_FIELD(fact_rehearsed, node, "where the shadow was"),
    LIST_FIELD(fact_rehearsed, rows, row_count, rehearsed_record, REHEARSAL_ROWS_MAX,
               "in the order in which it was done"),
    NUMBER_FIELD(fact_rehearsed, left_out, "rows that were too many"),
};
const struct record fact_rehearsed_record =
    RECORD(fact_rehearsed, fact_rehearsed_fields, "a rehearsal");

static const struct field corrected_fields[] = {
    TEXT_FIELD(fact_corrected, name, "the edge"),
    TEXT_FIELD(fact_corrected, target, "the game node meant"),
    NUMBER_FIELD(fact_corrected, number, "as the agent counts"),
    TEXT_FIELD(fact_corrected, why, "what was found"),
};
static const struct record fact_corrected_record =
    RECORD(fact_corrected, corrected_fields, "an edge put right");

static const struct field ring_fields[] = {
    TEXT_FIELD(fact_ring, what, "who waits"),
    TEXT_FIELD(fact_ring, text, "for what"),
    NUMBER_FIELD(fact_ring, again_ms, "rung again at"),
};
static const struct record fact_ring_record = RECORD(fact_ring, ring_fields, "a ring");

static const struct field ledger_fields[] = {
    TEXT_FIELD(fact_ledger, name, "the node"),
    TEXT_FIELD(fact_ledger, ledger, "its agent's ledger"),
};
static const struct record fact_ledger_record = RECORD(fact_ledger, ledger_fields, "a ledger");

static const struct field link_fields[] = {
    TEXT_FIELD(fact_link, name, "the node"),
    ENUM_FIELD(fact_link, state, link_state_names, "from now on"),
    BOOL_FIELD(fact_link, is_adopted, "it knows this term"),
    BOOL_FIELD(fact_link, is_heard, "just now"),
};
static const struct record fact_link_record = RECORD(fact_link, link_fields, "a node's link");

static const struct field reported_fields[] = {
    TEXT_FIELD(fact_reported, name, "the node"),
    RECORD_FIELD(fact_reported, report, report_record, "what it said"),
};
static const struct record fact_reported_record =
    RECORD(fact_reported, reported_fields, "a node's report");

static const struct field sent_fields[] = {
    NUMBER_FIELD(fact_sent, repair, "number of the repair; 0: of the open rollout"),
    NUMBER_FIELD(fact_sent, step, "which"),
    BOOL_FIELD(fact_sent, is_inquiry, "else the order itself"),
};
static const struct record fact_sent_record = RECORD(fact_sent, sent_fields, "a sending");

static const struct field ledger_heard_fields[] = {
    TEXT_FIELD(fact_ledger_heard, name, "the node"),
    BOOL_FIELD(fact_ledger_heard, is_strangers, "not the ledger that the node is known by"),
};
static const struct record fact_ledger_heard_record =
    RECORD(fact_ledger_heard, ledger_heard_fields, "whose words a node's are");

static const struct field progress_fields[] = {
    NUMBER_FIELD(fact_progress, repair, "number of the repair; 0: of the open rollout"),
    NUMBER_FIELD(fact_progress, step, "which"),
    NUMBER_FIELD(fact_progress, done, "units of work"),
    NUMBER_FIELD(fact_progress, total, "0: not known"),
    TEXT_FIELD(fact_progress, text, "what it is at"),
};
static const struct record fact_progress_record =
    RECORD(fact_progress, progress_fields, "a step's progress");

static const struct field sample_fields[] = {
    NUMBER_FIELD(fact_sample, repair, "number of the repair; 0: of the open rollout"),
    NUMBER_FIELD(fact_sample, step, "which gate"),
    ENUM_FIELD(fact_sample, verdict, verdict_names, "what it saw"),
    TEXT_FIELD(fact_sample, why, "in a sentence"),
};
static const struct record fact_sample_record = RECORD(fact_sample, sample_fields, "a sample");

static const struct fact_row rows[] = {
#define X(upper, lower, record_, durable, doc_)                                                    \
    [FACT_##upper] = {                                                                             \
        .name = #lower, .record = &record_##_record, .is_durable = (durable), .doc = (doc_)},
    FACTS(X)
#undef X
};

static const char *const names[] = {
#define X(upper, lower, record, durable, doc) [FACT_##upper] = #lower,
    FACTS(X)
#undef X
};
static const struct field_names fact_names = {"fact", names, FACT_COUNT};

const struct fact_row *fact_row(enum fact_type type)
{
    assert(type < FACT_COUNT);
    return &rows[type];
}

static int append(void *context, const char *bytes, size_t size)
{
    text_append_bytes(context, bytes, size);
    return 0;
}

bool fact_is_of_rollout(const struct fact *fact)
{
    if (fact->type == FACT_STEP)
        return ((const struct fact_step *)fact->body)->repair == 0;
    return fact->type == FACT_PLANNED || fact->type == FACT_ROLLOUT ||
           fact->type == FACT_REHEARSED || fact->type == FACT_OVERRIDE ||
           fact->type == FACT_BASELINE;
}

void fact_encode(const struct fact *fact, struct text *ret)
{
    const char *name = fact_row(fact->type)->name;
    msgpack_packer out;

    msgpack_packer_init(&out, ret, append);
    (void)msgpack_pack_array(&out, 3);
    (void)msgpack_pack_str(&out, strlen(name));
    (void)msgpack_pack_str_body(&out, name, strlen(name));
    (void)msgpack_pack_uint64(&out, fact->at_ms);
    pack_record(fact_row(fact->type)->record, fact->body, ret);
}

static enum error_code read_fact(const msgpack_object *tree, const void *parent, struct fact *ret,
                                 struct error *err)
{
    const msgpack_object *items = tree->via.array.ptr;
    const struct record *record;
    unsigned type;
    void *body;

    if (tree->type != MSGPACK_OBJECT_ARRAY || tree->via.array.size != 3 ||
        items[0].type != MSGPACK_OBJECT_STR || items[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return error_set(err, ERROR_CORRUPT, "a fact is a list of name, time and body");
    if (!field_value_of(&fact_names, items[0].via.str.ptr, items[0].via.str.size, &type))
        return error_set(err, ERROR_CORRUPT, "no fact is called %.*s",
                         (int)(items[0].via.str.size > 32 ? 32 : items[0].via.str.size),
                         items[0].via.str.ptr);
    record = rows[type].record;
    body = memory_zeroed(parent, 1, record->size, record->name);
    if (unpack_map(record, &items[2], body, body, err) != ERROR_OK) {
        talloc_free(body);
        return err->code;
    }
    *ret = (struct fact){.type = (enum fact_type)type, .at_ms = items[1].via.u64, .body = body};
    return ERROR_OK;
}

enum error_code fact_decode(const void *bytes, size_t size, const void *parent, struct fact *ret,
                            struct error *err)
{
    const char *fault = scan_fault(bytes, size, &scan_of_journal);
    msgpack_unpacked tree;
    enum error_code code;
    size_t offset = 0;

    if (fault != NULL)
        return error_set(err, ERROR_CORRUPT, "a fact is malformed: %s", fault);
    msgpack_unpacked_init(&tree);
    if (msgpack_unpack_next(&tree, bytes, size, &offset) != MSGPACK_UNPACK_SUCCESS)
        code = error_set(err, ERROR_CORRUPT, "a fact cannot be unpacked");
    else
        code = read_fact(&tree.data, parent, ret, err);
    msgpack_unpacked_destroy(&tree);
    return code;
}
