/* message.h: everything that is said between coordinator, agents and operators.
 *
 * On the wire a message is the msgpack array [version, type, id, term, body]; body is the record of
 * the message's row.  Only durations travel, never points in time.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "proto/plan.h"

#define MESSAGE_VERSION    1
#define MESSAGE_BYTES_MAX  (1 << 20)
#define CHUNK_BYTES_MAX    (256 << 10)
#define DOCUMENT_BYTES_MAX (900 << 10)
#define OPEN_ORDERS_MAX    1024

enum role { ROLE_NONE, ROLE_AGENT, ROLE_OPERATOR, ROLE_COORDINATOR, ROLE_COUNT };
extern const struct field_names role_names;

/* Names one sending of a step; an agent does it once. */
struct order_id {
    uint64_t rollout; /* 0: a repair */
    uint64_t step;
    enum direction direction;
    uint64_t attempt;
};

/* Of a database in its shard, as the coordinator takes it. */
enum database_part { PART_NOT_KNOWN, PART_PRIMARY, PART_REPLICA, PART_COUNT };
extern const struct field_names database_part_names;

struct task_arguments {
    char shard[NAME_SIZE];
    char target[NAME_SIZE];
    char application[NAME_SIZE];
    char role[NAME_SIZE]; /* database application_name of the target's sessions */
    char revision[NAME_SIZE];
    char bundle[DIGEST_SIZE];
    char release[NAME_SIZE];
    char system_id[SYSTEM_ID_SIZE];
    uint64_t timeline;
    uint64_t position; /* await_replay */
    uint64_t drain_ms; /* notify: what is left of it */
    uint64_t drain_max_ms;
    enum drain_policy on_drain_late;
    uint64_t pause_ms;  /* how long a pool stays paused without a word from the coordinator */
    uint64_t budget_ms; /* announce: how long the game may be away; 0: nobody said.
                         * compare: how long it may take with writes closed; 0: writes go on */
    uint64_t backup_of; /* of a restore: the rollout before which it was made; 0: it is none */
    bool of_contract;
    bool accept_data_loss;
    bool has_writes; /* unreverse: players may have written to the database that is followed */
    enum database_part part; /* preflight */
    char colour[NAME_SIZE];  /* switch: who gets traffic */
    uint64_t share_permille; /* switch: how much of it; 0: all, and the other colour none */
    /* preflight of an edge; a talloc child of the order, and only as long-lived as what brought it:
     * order_for_keeps() */
    struct name_item *games;
    size_t game_count;
};

struct hello {
    char program[NAME_SIZE];
    char ledger[IDENTITY_SIZE]; /* made with the ledger; another one: its memory is gone */
};
struct beat {
    bool is_up;
    char ledger[IDENTITY_SIZE];
};
struct order {
    struct order_id id;
    char journal[JOURNAL_SIZE];
    enum task task;
    uint64_t ttl_ms;
    struct task_arguments arguments;
};
struct accepted {
    struct order_id id;
    bool is_accepted;
    char code[NAME_SIZE]; /* error code's name */
    char detail[SENTENCE_SIZE];
};
struct progress {
    struct order_id id;
    uint64_t done;
    uint64_t total;
    char text[128];
};
struct task_outcome {
    struct order_id id;
    enum outcome outcome;
    char code[NAME_SIZE];
    char detail[SENTENCE_SIZE];
    bool is_retryable;
    bool is_kept; /* revert: the schema stays expanded */
    uint64_t position;
    uint64_t duration_ms;
    /* rehearse; a talloc child of what brought it: outcome_for_keeps() */
    struct rehearsed *rehearsal;
    size_t rehearsal_count;
    uint64_t rehearsal_left_out; /* rows that were too many */
};
struct inquiry {
    struct order order;
    bool of_replica; /* asked of a replica's agent: only the database's log can tell */
};
struct finding_report {
    struct order_id id;
    enum finding finding;
    bool of_replica;
    char detail[SENTENCE_SIZE];
};
struct correction {
    struct order_id id; /* the edge's newest order about the target */
    char target[NAME_SIZE];
    uint64_t number; /* of one node, they rise */
    char detail[SENTENCE_SIZE];
};
struct order_ref {
    struct order_id id;
};
struct welcome {
    char journal[JOURNAL_SIZE];
    char node[NAME_SIZE];
    enum node_kind kind;
    char shard[NAME_SIZE];
    uint64_t beat_ms;
};
struct adopt {
    char journal[JOURNAL_SIZE];
    struct order_ref *open; /* steps that this node was ordered and whose end is not known */
    size_t open_count;
};
struct adopted {
    char ledger[IDENTITY_SIZE];
    bool is_refused;
    char detail[SENTENCE_SIZE];
};
struct watch {
    bool is_on;
    uint64_t closed; /* the newest rollout that is over; 0: none */
    uint64_t pauses; /* the rollout whose pauses of pools still stand; 0: none */
    /* to a database that is being filled: how long players' game servers take to answer just now,
     * and what is not too long; 0: nobody knows */
    uint64_t players_ms;
    uint64_t players_limit_ms;
};
struct fetch {
    char digest[DIGEST_SIZE];
    uint64_t offset;
};
struct chunk {
    char digest[DIGEST_SIZE];
    uint64_t offset;
    uint64_t total;
    const uint8_t *bytes;
    size_t byte_count;
};
/* One operator's wish: `verb` is a row of the coordinator's request table. */
struct request {
    char verb[NAME_SIZE];
    uint64_t rollout;
    uint64_t step;
    char node[NAME_SIZE];
    char revision[NAME_SIZE];
    char release[NAME_SIZE];
    char reason[SENTENCE_SIZE];
    char digest[DIGEST_SIZE];
    char key[KEY_TEXT_SIZE];
    enum node_kind kind;
    char shard[NAME_SIZE];
    char db_role[NAME_SIZE];
    char application[NAME_SIZE];
    char colour[NAME_SIZE];
    bool schema_too;
    enum strategy strategy;
    bool in_production; /* a plan needs a rehearsal, or a reason to go without */
    bool is_pooler;
    bool for_window; /* a plan is made for the next window, should it be shut now */
    struct rollout_options options;
};
struct reply {
    char code[NAME_SIZE]; /* error code's name */
    char detail[SENTENCE_SIZE];
    uint64_t rollout;
    const char *document; /* JSON */
};

/* type, name, record, who says it, what it is */
#define MESSAGES(X)                                                                                \
    X(HELLO, hello, hello, AGENT, "here I am: the first thing on a connection")                    \
    X(BEAT, beat, beat, AGENT, "every second: alive")                                              \
    X(REPORT, report, report, AGENT, "on change, every ten beats, every beat while watched")       \
    X(ACCEPTED, accepted, accepted, AGENT, "the order is in the ledger, or refused")               \
    X(PROGRESS, progress, progress, AGENT, "how far a long task is")                               \
    X(OUTCOME, outcome, task_outcome, AGENT, "a task's last word; repeated until settled")         \
    X(FINDING, finding, finding_report, AGENT, "what became of an order")                          \
    X(CORRECTED, corrected, correction, AGENT,                                                     \
      "an edge did not do what was ordered, and was put right; repeated until settled")            \
    X(ADOPTED, adopted, adopted, AGENT, "the new term is stored and every child knows it")         \
    X(FETCH, fetch, fetch, AGENT, "the piece of a bundle that is missing here")                    \
    X(WELCOME, welcome, welcome, COORDINATOR, "who you are")                                       \
    X(ADOPT, adopt, adopt, COORDINATOR, "a new term, and what is open here")                       \
    X(ORDER, order, order, COORDINATOR, "do this")                                                 \
    X(CANCEL, cancel, order_ref, COORDINATOR, "stop doing it, and say what became of it")          \
    X(INQUIRY, inquiry, inquiry, COORDINATOR, "what became of it?")                                \
    X(SETTLED, settled, order_ref, COORDINATOR, "the outcome is in the journal")                   \
    X(WATCH, watch, watch, COORDINATOR, "report at every beat, or no longer")                      \
    X(CHUNK, chunk, chunk, COORDINATOR, "a piece of a bundle")                                     \
    X(REQUEST, request, request, OPERATOR, "an operator's wish")                                   \
    X(REPLY, reply, reply, COORDINATOR, "what came of it")

enum message_type {
#define X(upper, lower, record, role, doc) MESSAGE_##upper,
    MESSAGES(X)
#undef X
        MESSAGE_COUNT
};

struct message {
    enum message_type type;
    uint64_t id;   /* of a request and its reply; an agent's rise with every message */
    uint64_t term; /* the coordinator's; 0 from others */
    void *body;    /* the row's record; a talloc child of whoever owns the message */
};

struct message_row {
    const char *name;
    const struct record *record;
    enum role role;
    const char *doc;
};

const struct message_row *message_row(enum message_type type);

/* Appends the frame to ret; body is the row's record. */
void message_encode(enum message_type type, uint64_t id, uint64_t term, const void *body,
                    struct text *ret);

/* What a peer with that role sent. ERROR_PROTOCOL: malformed, another version, an unknown type;
 * ERROR_AUTHORITY: a type that this role may not send. The body is a talloc child of parent. */
enum error_code message_decode(const void *bytes, size_t size, enum role sender, const void *parent,
                               struct message *ret, struct error *err);

/* An order without its list: a preflight that was interrupted is ordered anew, with the list. */
static inline struct order order_for_keeps(const struct order *order)
{
    struct order kept = *order;

    kept.arguments.games = NULL;
    kept.arguments.game_count = 0;
    return kept;
}

/* An outcome without its list, which is kept beside the ledger. */
static inline struct task_outcome outcome_for_keeps(const struct task_outcome *outcome)
{
    struct task_outcome kept = *outcome;

    kept.rehearsal = NULL;
    kept.rehearsal_count = 0;
    return kept;
}

bool order_id_equals(const struct order_id *a, const struct order_id *b);

/* A repair belongs to no rollout: its steps are numbered on from repair to repair. */
#define ORDER_REPAIR_STEPS_MAX 65536u /* as many as a plan may have, and no step 0 */
static inline uint64_t order_id_repair(const struct order_id *id)
{
    return id->rollout == 0 ? id->step / ORDER_REPAIR_STEPS_MAX : 0;
}

extern const struct record order_id_record;
extern const struct record order_record;
extern const struct record task_outcome_record;

#endif
