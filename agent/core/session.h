/* session.h: what an agent answers, without doing any of it: the term it obeys, and a ledger of
 * every order it was given.
 *
 * Pure, like the coordinator's core.  The shell performs effects in order: a ledger write is
 * durable before the next effect happens, so that nothing is begun that the ledger does not know,
 * and nothing is reported that it could forget.
 */
#ifndef AGENT_CORE_SESSION_H
#define AGENT_CORE_SESSION_H

#include "agent/core/wish.h"
#include "common/base/error.h"
#include "proto/message.h"

#define SESSION_ENTRIES_MAX   4096 /* the oldest settled one makes room */
#define SESSION_RESEND_MS     2000
#define SESSION_LOOK_AGAIN_MS 2000
#define SESSION_LOOKS_MAX     30 /* then it counts as interrupted: a minute or more */
/* The coordinator believes nothing that was measured before an outcome, and the first look after it
 * may have begun before. */
#define SESSION_REPORTS_OWED       2
#define SESSION_TERM_RISE_MAX      1000
#define SESSION_CLEAR_PAUSE_MS     5000
#define SESSION_DISCARD_PAUSE_MS   5000
#define SESSION_REOPEN_PAUSE_MS    5000
#define SESSION_FOLLOWING_PAUSE_MS 5000
#define SESSION_SLOTS_PAUSE_MS     60000 /* one that is in use is looked at again and again */
#define SESSION_MENDS_MAX          8     /* at once: the next beat goes on */

enum entry_state {
    ENTRY_NONE,      /* never heard of */
    ENTRY_RUNNING,   /* accepted; a child is, or was, at it */
    ENTRY_LOOKING,   /* its child died, or the agent did: the node is being inspected */
    ENTRY_ENDED,     /* with an outcome */
    ENTRY_TOMBSTONE, /* "never heard of it" was answered: refused for ever */
    ENTRY_STATE_COUNT
};

struct entry {
    struct order order; /* the latest attempt */
    enum entry_state state;
    struct task_outcome outcome; /* ENDED */
    bool is_settled;             /* the coordinator has it in its journal */
    bool has_child;              /* in memory */
    bool is_cancelling;          /* in memory */
    unsigned looks;              /* in memory: inspections that told nothing, so far */
    bool is_mending;             /* in memory: the edge is being put right */
    uint64_t sent_at_ms;         /* in memory */
    uint64_t changed_at_ms;      /* in memory: what was measured before says nothing of it */
    uint64_t correction;         /* in memory: number of one that the coordinator has yet to hear */
    enum traffic_state strayed_to; /* in memory: what the edge had made of it */
    uint64_t age;                  /* rises with every write: the smallest is the oldest */
    uint64_t serial;               /* rises with every order taken: the greatest is the newest */
};

enum session_event_type {
    SESSION_STARTED,   /* once, after the ledger was loaded */
    SESSION_CONNECTED, /* a new connection to the coordinator */
    SESSION_MESSAGE,
    SESSION_CHILD_PROGRESS,
    SESSION_CHILD_ENDED, /* with an outcome */
    SESSION_CHILD_DIED,  /* without one */
    SESSION_INSPECTED,   /* an inspection ended, with a finding */
    SESSION_REPORTED,    /* the node was looked at */
    SESSION_MENDED,      /* a SESSION_MEND has ended, one way or the other */
    SESSION_TICK,
    SESSION_EVENT_COUNT
};

struct session_event {
    enum session_event_type type;
    uint64_t at_ms; /* monotonic */
    const struct message *message;
    const struct order_id *id;            /* CHILD_*, INSPECTED, MENDED */
    const struct task_outcome *outcome;   /* CHILD_ENDED, MENDED */
    const struct progress *progress;      /* CHILD_PROGRESS */
    const struct finding_report *finding; /* INSPECTED; its of_replica tells why it was asked for */
    const struct report *report;          /* REPORTED */
};

enum session_effect_type {
    SESSION_SAVE_ENTRY, /* put the entry into the ledger, durably */
    SESSION_SAVE_TERM,  /* put journal and term into the ledger, durably */
    SESSION_SEND,
    SESSION_START_CHILD,
    SESSION_CANCEL_CHILD,
    SESSION_INSPECT,      /* find out what the order did: answered by SESSION_INSPECTED */
    SESSION_TELL_TERM,    /* to every child */
    SESSION_TELL_PLAYERS, /* likewise: how long players wait for answers */
    SESSION_WATCH,        /* report at every beat, or no longer */
    SESSION_REPORT, /* what is known, and the next SESSION_REPORTS_OWED looks, changed or not */
    SESSION_MEND,   /* ask the edge again for what was ordered, or open its pool: answered by
                       SESSION_MENDED */
    SESSION_CLEAR_ROLLOUT,   /* from the database's term row, if it is still this one */
    SESSION_DISCARD_SHADOWS, /* of rollouts up to this one, which is over */
    SESSION_REOPEN,          /* the database that this order closed: nobody wants it closed */
    SESSION_DROP_SLOTS,      /* of rollouts up to this one, which is over */
    SESSION_END_FOLLOWING,   /* of a twin, for rollouts up to this one, which is over */
    SESSION_EFFECT_COUNT
};

struct session_effect {
    enum session_effect_type type;
    enum message_type message; /* SEND */
    void *body;                /* SEND: its record */
    struct entry entry;        /* SAVE_ENTRY, START_CHILD, CANCEL_CHILD, INSPECT, MEND, REOPEN */
    bool of_replica;           /* INSPECT */
    bool is_on;                /* WATCH */
    uint64_t players_ms, players_limit_ms; /* TELL_PLAYERS */
    uint64_t rollout; /* CLEAR_ROLLOUT, DISCARD_SHADOWS, DROP_SLOTS, END_FOLLOWING */
};

struct session_effects {
    struct session_effect *items;
    size_t count, capacity;
    void *memory;
    uint32_t *fired; /* rule ids */
    size_t fired_count, fired_capacity;
};

/* The newest order about a game node behind this edge. */
struct server_wish {
    char target[NAME_SIZE];
    struct order_id id;
    uint64_t serial;
    enum edge_wish wish;
};

/* The newest order that holds players back here, or lets them go on (this pooler's pool, this
 * database's writes), and since when nobody has said that it still stands. */
struct hold_wish {
    struct order_id id;
    uint64_t serial; /* 0: none was ordered yet */
    uint64_t said_at_ms;
};

/* What ENTRY_SEEN brings. */
struct sighting {
    const struct server_traffic *server; /* NULL: the pool, which is paused */
    uint64_t measured_at_ms;
};

struct agent_session {
    char ledger[IDENTITY_SIZE]; /* identity, made with the ledger */
    char journal[JOURNAL_SIZE]; /* "": none obeyed yet */
    uint64_t term;
    char node[NAME_SIZE]; /* as welcomed */
    enum node_kind kind;
    char shard[NAME_SIZE];
    bool is_welcome;
    struct entry *entries;
    size_t entry_count, entry_capacity;
    uint64_t age;
    uint64_t serial;
    struct server_wish *wishes; /* REPORT_SERVERS_MAX at most: beyond, edges are not kept right */
    size_t wish_count;
    struct hold_wish pool;
    struct hold_wish writes;
    size_t mending_count;
    uint64_t closed_rollout; /* the newest that the coordinator says is over */
    uint64_t clear_not_before_ms;
    uint64_t discard_not_before_ms;
    uint64_t reopen_not_before_ms;
    uint64_t slots_not_before_ms;
    uint64_t following_not_before_ms;
    uint64_t now_ms;
};

struct session_rule {
    uint16_t id;       /* stable */
    uint32_t from;     /* set of 1 << ENTRY_… */
    enum entry_event { /* what an order's entry hears */
                       ENTRY_ORDER,
                       ENTRY_CANCEL,
                       ENTRY_INQUIRY,
                       ENTRY_SETTLED,
                       ENTRY_CHILD_ENDED,
                       ENTRY_CHILD_DIED,
                       ENTRY_INSPECTED,
                       ENTRY_RESTART,
                       ENTRY_TICK,
                       ENTRY_SEEN, /* at the edge: not as it was ordered, or paused for too long */
                       ENTRY_MENDED, /* put right */
                       ENTRY_EVENT_COUNT
    } event;
    bool (*guard)(const struct agent_session *session, const struct entry *entry,
                  const void *detail);
    enum entry_action {
        ENTRY_IGNORES,
        ENTRY_ACCEPTS, /* into the ledger, a child is started */
        ENTRY_REPEATS, /* says accepted again */
        ENTRY_REFUSES, /* with the rule's code and words */
        ENTRY_TELLS_OUTCOME,
        ENTRY_TELLS_RUNNING,
        ENTRY_BURIES, /* tombstone, then "never heard of it" */
        ENTRY_STOPS_CHILD,
        ENTRY_LOOKS,             /* inspects its own node */
        ENTRY_LOSES_SIGHT,       /* the inspection told nothing: another one, a while later */
        ENTRY_LOOKS_FOR_ANOTHER, /* inspects the database's log for a lost primary's agent */
        ENTRY_ENDS,
        ENTRY_ENDS_AS_FOUND,
        ENTRY_TELLS_FINDING,
        ENTRY_IS_SETTLED,
        ENTRY_MENDS,
        ENTRY_NOTES_CORRECTION,
        ENTRY_TELLS_CORRECTION
    } action;
    enum error_code code; /* REFUSES */
    const char *why;
};

const struct session_rule *agent_session_rules(size_t *ret_count);
const char *agent_session_event_name(enum entry_event event);

struct agent_session *agent_session_new(const void *parent);
struct session_effects *session_effects_new(const void *parent);
void session_effects_clear(struct session_effects *effects);

/* What the ledger held. Before SESSION_STARTED. ERROR_CORRUPT names what does not fit. */
enum error_code agent_session_load(struct agent_session *session, const struct entry *entry,
                                   struct error *err);

/* Answers one event; never fails. */
void agent_session_handle(struct agent_session *session, const struct session_event *event,
                          struct session_effects *ret);

/* An operator on the node lets another journal be obeyed. */
void agent_session_adopt_journal(struct agent_session *session, const char *journal);

const struct entry *agent_session_entry(const struct agent_session *session,
                                        const struct order_id *id);
const char *agent_session_broken_invariant(const struct agent_session *session);

#endif
