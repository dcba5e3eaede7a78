/* control.h: everything the coordinator decides, without doing any of it.
 *
 * No I/O, no clock, no randomness, no log: time arrives in events, actions leave as effects.  The
 * shell's loop is: take events -> control_handle() each -> control_settle() -> append the durable
 * facts in one synced transaction -> perform the effects.  The same core runs in production and in
 * the simulator.
 *
 * Every change of the state is a fact that control_apply() applies; folding the durable facts of a
 * journal gives back the durable state.
 */
#ifndef COORDINATOR_CORE_CONTROL_H
#define COORDINATOR_CORE_CONTROL_H

#include "common/base/error.h"
#include "proto/fact.h"
#include "proto/message.h"

#define BEAT_MS           1000
#define SUSPECT_MS        3000 /* three beats */
#define LOST_MS           15000
#define CURRENT_MS        13000 /* an agent with no news reports every ten beats */
#define GRACE_MS          10000 /* after a start: agents come back within 5 s */
#define RESEND_MS         2000
#define INQUIRE_MS        2000
#define UNKNOWN_MAX_MS    300000
#define RING_MS           60000
#define PAUSE_LEASE_MS    30000 /* a pooler keeps its pool paused so long without our word */
#define PLAN_TTL_MS       3600000
#define REPAIR_TRIES_MAX  3
#define REPAIR_PAUSE_MS   10000 /* times the number of tries */
#define FLEET_NODES_MAX   16384
#define SUMMARIES_MAX     1024
#define SETTLE_PASSES_MAX 64

struct control;

enum event_type {
    EVENT_TICK,
    EVENT_STARTED, /* once, first: a new process on this journal */
    EVENT_CATALOG, /* the migrations folder was read */
    EVENT_WINDOWS, /* the configuration was read */
    EVENT_MESSAGE, /* from an enrolled agent */
    EVENT_REQUEST, /* from an operator */
    EVENT_COUNT
};

struct event {
    enum event_type type;
    uint64_t at_ms;          /* never earlier than an earlier event's */
    const char *journal;     /* STARTED: its identity when it is new */
    uint64_t outage_from_ms; /* STARTED: time of the last fact */
    const struct catalog *catalog;
    const struct windows *windows;
    const char *node; /* MESSAGE: as ZAP's key says; never what the message claims */
    const struct message *message;
    const char *operator_name; /* REQUEST */
    uint64_t request_id;
    const struct request *request;
};

enum effect_type { EFFECT_SEND, EFFECT_REPLY, EFFECT_RING, EFFECT_COUNT };

struct effect {
    enum effect_type type;
    char node[NAME_SIZE];      /* SEND */
    enum message_type message; /* SEND */
    void *body;                /* SEND: the message's record */
    uint64_t request_id;       /* REPLY */
    enum error_code code;      /* REPLY */
    uint64_t rollout;          /* REPLY */
    char text[SENTENCE_SIZE];  /* REPLY, RING */
};

/* What a batch of events led to: owned by the caller, emptied by decisions_clear(). */
struct decisions {
    struct fact *facts; /* all of them, durable or not, in order */
    size_t fact_count, fact_capacity;
    struct effect *effects; /* to be performed in order, once the facts are durable */
    size_t effect_count, effect_capacity;
    void *memory;    /* bodies */
    uint32_t *fired; /* rule ids that fired, for logs and for the simulator's coverage */
    size_t fired_count, fired_capacity;
};

struct decisions *decisions_new(const void *parent);
void decisions_clear(struct decisions *decisions);

/* Owned by the caller; talloc_free() it. */
struct control *control_new(const void *parent);

/* Answers one event. Never fails: what cannot be done is refused in a reply, or ignored. */
void control_handle(struct control *control, const struct event *event, struct decisions *ret);

/* Decides what follows from what is known at at_ms, until nothing more does. */
void control_settle(struct control *control, uint64_t at_ms, struct decisions *ret);

/* The only function that changes the state. ERROR_CORRUPT for a fact from a journal that does not
 * fit what came before it; never for one that this program decided. */
enum error_code control_apply(struct control *control, const struct fact *fact, struct error *err);

/* When control_settle() has something to do at the latest, without another event. */
uint64_t control_wake_at_ms(const struct control *control);

/* The first broken invariant, or NULL: asserted on our own memory, reported on stored data. */
const char *control_broken_invariant(const struct control *control);

/* A hash over the durable state: equal after folding the same facts (invariant I10). */
void control_digest(const struct control *control, char ret[static DIGEST_SIZE]);

uint64_t control_term(const struct control *control);
const char *control_journal(const struct control *control);

#endif
