/* step.h: how one step lives, from pending to settled: a table of rules. */
#ifndef COORDINATOR_CORE_STEP_H
#define COORDINATOR_CORE_STEP_H

#include "coordinator/core/run.h"

enum step_event_type {
    STEP_TICK,
    STEP_ACCEPTED,
    STEP_REFUSED_IT, /* the agent did not take the order */
    STEP_DONE,
    STEP_WENT_WRONG,
    STEP_WAS_CANCELLED,
    STEP_WAS_INTERRUPTED,
    STEP_WAS_SUPERSEDED,
    STEP_FOUND_DONE, /* it did */
    STEP_FOUND_RUNNING,
    STEP_FOUND_UNHEARD, /* the order never arrived, and never will */
    STEP_RETRY,         /* an operator's wish */
    STEP_SKIP,          /* an operator's wish */
    STEP_EVENT_COUNT
};

struct step_event {
    enum step_event_type type;
    const char *code;
    const char *detail;
    bool is_retryable;
    bool is_kept;
    uint64_t position;
};

/* What the guards look at. */
struct scene {
    const struct control *control;
    const struct work *work;
    const struct step *step;
    const struct step_event *event;
};

enum movement { MOVES_NOT, MOVES_FORWARD, MOVES_BACK };

struct step_rule {
    uint16_t id;   /* stable: journal, log and bug reports cite it */
    uint32_t from; /* set of STEP_IN(direction, state) */
    enum step_event_type event;
    bool (*guard)(const struct scene *scene); /* NULL: always */
    enum step_action {
        STEP_STAYS,      /* nothing */
        STEP_MOVES,      /* into direction and state */
        STEP_ORDERS,     /* sends the next attempt */
        STEP_RESENDS,    /* sends the same attempt again */
        STEP_CANCELS,    /* asks the agent to stop, and moves */
        STEP_ASKS,       /* sends an inquiry */
        STEP_OPENS,      /* a gate: begins to look */
        STEP_ENDS,       /* moves, and keeps what the event says */
        STEP_GIVES_UP,   /* moves, and says why the guard did */
        STEP_QUARANTINES /* moves on without its node */
    } action;
    enum direction direction;
    enum step_state to;
    bool counts;  /* the attempt counts against the retries */
    bool refuses; /* an operator's wish is refused */
    const char *why;
};

#define STEP_IN(direction, state) (UINT32_C(1) << ((direction)*STEP_COUNT_ + (state)))
#define STEP_IN_ANY               ((UINT32_C(1) << (2 * STEP_COUNT_)) - 1)

const struct step_rule *step_rules(size_t *ret_count);
const char *step_event_name(enum step_event_type type);

/* Fires the first row that matches. True if it was not a row that refuses; *ret_why is the row's.
 */
bool step_fire(struct run *run, const struct work *work, struct step *step,
               const struct step_event *event, const char **ret_why);

/* Whether its owner goes on, goes back, or stands still. */
enum movement work_movement(const struct control *control, const struct work *work);

/* Undone, or never in need of it. */
bool step_is_settled(const struct step *step);

/* Ordered and without an end, as far as is known. */
bool step_is_open(const struct step *step);

/* Its agent does things, unlike a gate's. */
bool step_is_task(const struct step *step);

/* In its present direction: what is ordered, and whom. */
enum task step_task(const struct step *step);
enum gate step_gate(const struct step *step);

/* Why it waits, for people: always a sentence. */
void step_reason(const struct control *control, const struct work *work, const struct step *step,
                 char ret[static SENTENCE_SIZE]);

/* The order as it would be sent now. */
void step_order(const struct control *control, const struct work *work, const struct step *step,
                uint64_t attempt, struct order *ret);

#endif
