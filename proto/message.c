#include "proto/message.h"

#include "common/base/memory.h"
#include "proto/pack.h"
#include "proto/scan.h"

#include <assert.h>

static const char *const roles[] = {[ROLE_NONE] = "none",
                                    [ROLE_AGENT] = "agent",
                                    [ROLE_OPERATOR] = "operator",
                                    [ROLE_COORDINATOR] = "coordinator"};
const struct field_names role_names = {"role", roles, ROLE_COUNT};

static const struct field order_id_fields[] = {
    NUMBER_FIELD(order_id, rollout, "0: a repair"),
    NUMBER_FIELD(order_id, step, "of its plan"),
    ENUM_FIELD(order_id, direction, direction_names, "forward, or taking it back"),
    NUMBER_FIELD(order_id, attempt, "in that direction, from 1"),
};
const struct record order_id_record = RECORD(order_id, order_id_fields, "one sending of a step");

static const char *const parts[] = {
    [PART_NOT_KNOWN] = "not_known", [PART_PRIMARY] = "primary", [PART_REPLICA] = "replica"};
const struct field_names database_part_names = {"database_part", parts, PART_COUNT};

static const struct field argument_fields[] = {
    TEXT_FIELD(task_arguments, shard, "where"),
    TEXT_FIELD(task_arguments, target, "the game node meant"),
    TEXT_FIELD(task_arguments, application, "application_name of the target's sessions"),
    TEXT_FIELD(task_arguments, role, "database role of the target's own"),
    TEXT_FIELD(task_arguments, revision, "which revision"),
    TEXT_FIELD(task_arguments, bundle, "digest of the migration files"),
    TEXT_FIELD(task_arguments, release, "which release"),
    TEXT_FIELD(task_arguments, system_id, "of the database meant"),
    NUMBER_FIELD(task_arguments, timeline, "of the database meant"),
    NUMBER_FIELD(task_arguments, position, "to be replayed"),
    NUMBER_FIELD(task_arguments, drain_ms, "how long sessions may take to end"),
    NUMBER_FIELD(task_arguments, drain_max_ms, "how much longer, where they are waited for"),
    ENUM_FIELD(task_arguments, on_drain_late, drain_policy_names, "what becomes of them then"),
    NUMBER_FIELD(task_arguments, pause_ms, "how long a pool stays paused without another word"),
    NUMBER_FIELD(task_arguments, budget_ms, "announce: how long it may take; 0: not said"),
    NUMBER_FIELD(task_arguments, backup_of, "of a restore: the rollout before which it was made"),
    BOOL_FIELD(task_arguments, of_contract, "verify.contract.sql rather than verify.sql"),
    BOOL_FIELD(task_arguments, has_writes,
               "unreverse: the other database may have been written to"),
    BOOL_FIELD(task_arguments, accept_data_loss, "revert even what players would lose"),
    ENUM_FIELD(task_arguments, part, database_part_names, "preflight: what the database is"),
    TEXT_FIELD(task_arguments, colour, "switch: the colour that is to get traffic"),
    NUMBER_FIELD(task_arguments, share_permille, "switch: how much of it; 0: all"),
    LIST_FIELD(task_arguments, games, game_count, name_item_record, REPORT_SERVERS_MAX,
               "preflight of an edge: the game nodes that it must know"),
};
static const struct record argument_record =
    RECORD(task_arguments, argument_fields, "what a task is to work on");

static const struct field hello_fields[] = {
    TEXT_FIELD(hello, program, "name and version"),
    TEXT_FIELD(hello, ledger, "identity of the agent's ledger"),
};
static const struct record hello_record = RECORD(hello, hello_fields, "an agent's greeting");

static const struct field beat_fields[] = {
    BOOL_FIELD(beat, is_up, "the agent's word for its node"),
    TEXT_FIELD(beat, ledger, "as in its hello: another one is another agent"),
};
static const struct record beat_record = RECORD(beat, beat_fields, "a sign of life");

static const struct field order_fields[] = {
    RECORD_FIELD(order, id, order_id_record, "which order"),
    TEXT_FIELD(order, journal, "the coordinator's"),
    ENUM_FIELD(order, task, task_names, "what to do"),
    NUMBER_FIELD(order, ttl_ms, "not to be begun later than this"),
    RECORD_FIELD(order, arguments, argument_record, "on what"),
};
const struct record order_record = RECORD(order, order_fields, "an order");

static const struct field accepted_fields[] = {
    RECORD_FIELD(accepted, id, order_id_record, "which order"),
    BOOL_FIELD(accepted, is_accepted, "false: refused"),
    TEXT_FIELD(accepted, code, "why not"),
    TEXT_FIELD(accepted, detail, "why not, in a sentence"),
};
static const struct record accepted_record =
    RECORD(accepted, accepted_fields, "the answer to an order");

static const struct field progress_fields[] = {
    RECORD_FIELD(progress, id, order_id_record, "which order"),
    NUMBER_FIELD(progress, done, "units of work"),
    NUMBER_FIELD(progress, total, "0: not known"),
    TEXT_FIELD(progress, text, "what it is at, or waits for"),
};
static const struct record progress_record = RECORD(progress, progress_fields, "how far it is");

static const struct field outcome_fields[] = {
    RECORD_FIELD(task_outcome, id, order_id_record, "which order"),
    ENUM_FIELD(task_outcome, outcome, outcome_names, "how it ended"),
    TEXT_FIELD(task_outcome, code, "error code's name"),
    TEXT_FIELD(task_outcome, detail, "what happened, in a sentence"),
    BOOL_FIELD(task_outcome, is_retryable, "the same may succeed later"),
    BOOL_FIELD(task_outcome, is_kept, "the schema stays expanded: a revert would lose data"),
    NUMBER_FIELD(task_outcome, position, "WAL position after it"),
    NUMBER_FIELD(task_outcome, duration_ms, "how long it took"),
    LIST_FIELD(task_outcome, rehearsal, rehearsal_count, rehearsed_record, REHEARSAL_ROWS_MAX,
               "rehearse: what was measured"),
    NUMBER_FIELD(task_outcome, rehearsal_left_out, "rows that were too many"),
};
const struct record task_outcome_record = RECORD(task_outcome, outcome_fields, "how a task ended");

static const struct field inquiry_fields[] = {
    RECORD_FIELD(inquiry, order, order_record, "the whole order: a new ledger does not know it"),
    BOOL_FIELD(inquiry, of_replica, "asked of a replica: look into the database's log"),
};
static const struct record inquiry_record = RECORD(inquiry, inquiry_fields, "what became of it?");

static const struct field finding_fields[] = {
    RECORD_FIELD(finding_report, id, order_id_record, "which order"),
    ENUM_FIELD(finding_report, finding, finding_names, "what became of it"),
    BOOL_FIELD(finding_report, of_replica, "a replica's word: only did means something"),
    TEXT_FIELD(finding_report, detail, "in a sentence"),
};
static const struct record finding_report_record =
    RECORD(finding_report, finding_fields, "what became of an order");

static const struct field correction_fields[] = {
    RECORD_FIELD(correction, id, order_id_record, "the edge's newest order about the target"),
    TEXT_FIELD(correction, target, "the game node meant"),
    NUMBER_FIELD(correction, number, "of one node, they rise"),
    TEXT_FIELD(correction, detail, "what was found, in a sentence"),
};
static const struct record correction_record =
    RECORD(correction, correction_fields, "what an edge was found to do");

static const struct field order_ref_fields[] = {
    RECORD_FIELD(order_ref, id, order_id_record, "which order")};
static const struct record order_ref_record = RECORD(order_ref, order_ref_fields, "an order");

static const struct field welcome_fields[] = {
    TEXT_FIELD(welcome, journal, "the coordinator's"),
    TEXT_FIELD(welcome, node, "the name that an operator gave"),
    ENUM_FIELD(welcome, kind, node_kind_names, "the kind that an operator gave"),
    TEXT_FIELD(welcome, shard, "the shard that an operator gave"),
    NUMBER_FIELD(welcome, beat_ms, "how often to beat"),
};
static const struct record welcome_record = RECORD(welcome, welcome_fields, "who you are");

static const struct field adopt_fields[] = {
    TEXT_FIELD(adopt, journal, "the coordinator's"),
    LIST_FIELD(adopt, open, open_count, order_ref_record, OPEN_ORDERS_MAX, "orders without an end"),
};
static const struct record adopt_record = RECORD(adopt, adopt_fields, "a new term");

static const struct field adopted_fields[] = {
    TEXT_FIELD(adopted, ledger, "identity of the agent's ledger"),
    BOOL_FIELD(adopted, is_refused, "another journal, or a lower term"),
    TEXT_FIELD(adopted, detail, "why, and what to do"),
};
static const struct record adopted_record = RECORD(adopted, adopted_fields, "the term is stored");

static const struct field watch_fields[] = {
    BOOL_FIELD(watch, is_on, "report at every beat"),
    NUMBER_FIELD(watch, closed, "the newest rollout that is over; 0: none"),
    NUMBER_FIELD(watch, pauses, "the rollout whose pauses of pools still stand; 0: none"),
    NUMBER_FIELD(watch, players_ms, "beside a backfill: how long game servers take to answer"),
    NUMBER_FIELD(watch, players_limit_ms, "and what is not too long; 0: nobody knows"),
};
static const struct record watch_record = RECORD(watch, watch_fields, "a gate is open");

static const struct field fetch_fields[] = {
    TEXT_FIELD(fetch, digest, "of the bundle"),
    NUMBER_FIELD(fetch, offset, "the first byte wanted"),
};
static const struct record fetch_record = RECORD(fetch, fetch_fields, "a piece is missing");

static const struct field chunk_fields[] = {
    TEXT_FIELD(chunk, digest, "of the bundle"),
    NUMBER_FIELD(chunk, offset, "of the first byte"),
    NUMBER_FIELD(chunk, total, "bytes of the bundle; 0: not known here"),
    BYTES_FIELD(chunk, bytes, byte_count, CHUNK_BYTES_MAX, "the piece"),
};
static const struct record chunk_record = RECORD(chunk, chunk_fields, "a piece of a bundle");

static const struct field request_fields[] = {
    TEXT_FIELD(request, verb, "what is wished"),
    NUMBER_FIELD(request, rollout, "which rollout; 0: the open or newest one"),
    NUMBER_FIELD(request, step, "which step"),
    TEXT_FIELD(request, node, "which node"),
    TEXT_FIELD(request, revision, "where the databases go"),
    TEXT_FIELD(request, release, "where the game servers go"),
    TEXT_FIELD(request, reason, "for the record"),
    TEXT_FIELD(request, digest, "the plan that was approved"),
    TEXT_FIELD(request, key, "a node's public key"),
    ENUM_FIELD(request, kind, node_kind_names, "of a node to accept"),
    TEXT_FIELD(request, shard, "of a node to accept"),
    TEXT_FIELD(request, db_role, "database role of a game node's own"),
    TEXT_FIELD(request, application, "application_name of a game node's sessions"),
    TEXT_FIELD(request, colour, "of a game node, where one colour gets all traffic"),
    BOOL_FIELD(request, is_pooler, "of an edge to accept: a connection pooler"),
    BOOL_FIELD(request, for_window, "plan for the next window, should it be shut now"),
    BOOL_FIELD(request, schema_too, "of a rollback: revert the kept schema"),
    ENUM_FIELD(request, strategy, strategy_names, "how a rollout is to go, as a whole"),
    BOOL_FIELD(request, in_production, "a plan needs a rehearsal, or a reason to go without"),
    RECORD_FIELD(request, options, rollout_options_record, "how a rollout is to go"),
};
static const struct record request_record = RECORD(request, request_fields, "an operator's wish");

static const struct field reply_fields[] = {
    TEXT_FIELD(reply, code, "error code's name; OK: done"),
    TEXT_FIELD(reply, detail, "in a sentence"),
    NUMBER_FIELD(reply, rollout, "the rollout meant"),
    STRING_FIELD(reply, document, DOCUMENT_BYTES_MAX, "JSON"),
};
static const struct record reply_record = RECORD(reply, reply_fields, "what came of it");

static const struct message_row rows[] = {
#define X(upper, lower, record_, role_, doc_)                                                      \
    [MESSAGE_##upper] = {                                                                          \
        .name = #lower, .record = &record_##_record, .role = ROLE_##role_, .doc = (doc_)},
    MESSAGES(X)
#undef X
};

const struct message_row *message_row(enum message_type type)
{
    assert(type < MESSAGE_COUNT);
    return &rows[type];
}

bool order_id_equals(const struct order_id *a, const struct order_id *b)
{
    return a->rollout == b->rollout && a->step == b->step && a->direction == b->direction &&
           a->attempt == b->attempt;
}

static int append(void *context, const char *bytes, size_t size)
{
    text_append_bytes(context, bytes, size);
    return 0;
}

void message_encode(enum message_type type, uint64_t id, uint64_t term, const void *body,
                    struct text *ret)
{
    msgpack_packer out;

    msgpack_packer_init(&out, ret, append);
    (void)msgpack_pack_array(&out, 5);
    (void)msgpack_pack_uint64(&out, MESSAGE_VERSION);
    (void)msgpack_pack_uint64(&out, type);
    (void)msgpack_pack_uint64(&out, id);
    (void)msgpack_pack_uint64(&out, term);
    pack_record(message_row(type)->record, body, ret);
}

static enum error_code read_envelope(const msgpack_object *tree, enum role sender,
                                     struct message *ret, struct error *err)
{
    const msgpack_object *items = tree->via.array.ptr;

    if (tree->type != MSGPACK_OBJECT_ARRAY || tree->via.array.size != 5)
        return error_set(err, ERROR_PROTOCOL, "a message is a list of five");
    for (int i = 0; i < 4; i++)
        if (items[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return error_set(err, ERROR_PROTOCOL, "a message begins with four numbers");
    if (items[0].via.u64 != MESSAGE_VERSION)
        return error_set(err, ERROR_PROTOCOL, "wire version %llu; this program speaks %d",
                         (unsigned long long)items[0].via.u64, MESSAGE_VERSION);
    if (items[1].via.u64 >= MESSAGE_COUNT)
        return error_set(err, ERROR_PROTOCOL, "no message has the type %llu",
                         (unsigned long long)items[1].via.u64);
    ret->type = (enum message_type)items[1].via.u64;
    ret->id = items[2].via.u64;
    ret->term = items[3].via.u64;
    if (rows[ret->type].role != sender)
        return error_set(err, ERROR_AUTHORITY, "role=%s may not send %s",
                         field_name_of(&role_names, sender), rows[ret->type].name);
    return ERROR_OK;
}

enum error_code message_decode(const void *bytes, size_t size, enum role sender, const void *parent,
                               struct message *ret, struct error *err)
{
    const char *fault;
    struct message message = {.type = MESSAGE_COUNT};
    msgpack_unpacked tree;
    size_t offset = 0;

    if (size > MESSAGE_BYTES_MAX)
        return error_set(err, ERROR_LIMIT, "a message of %zu bytes, and the limit is %d", size,
                         MESSAGE_BYTES_MAX);
    fault = scan_fault(bytes, size, &scan_of_peer);
    if (fault != NULL)
        return error_set(err, ERROR_PROTOCOL, "a malformed message: %s", fault);
    msgpack_unpacked_init(&tree);
    if (msgpack_unpack_next(&tree, bytes, size, &offset) != MSGPACK_UNPACK_SUCCESS) {
        msgpack_unpacked_destroy(&tree);
        return error_set(err, ERROR_PROTOCOL, "a message that cannot be unpacked");
    }
    err->code = ERROR_OK;
    if (read_envelope(&tree.data, sender, &message, err) == ERROR_OK) {
        const struct record *record = rows[message.type].record;

        message.body = memory_zeroed(parent, 1, record->size, record->name);
        if (unpack_map(record, &tree.data.via.array.ptr[4], message.body, message.body, err) !=
            ERROR_OK)
            talloc_free(message.body);
        else
            *ret = message;
    }
    msgpack_unpacked_destroy(&tree);
    return err->code;
}
