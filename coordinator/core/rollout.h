/* rollout.h: how a rollout lives, from planned to closed: a table of rules. */
#ifndef COORDINATOR_CORE_ROLLOUT_H
#define COORDINATOR_CORE_ROLLOUT_H

#include "coordinator/core/run.h"

enum rollout_event_type {
    ROLLOUT_ON_TICK,
    ROLLOUT_ON_START,
    ROLLOUT_ON_PAUSE,
    ROLLOUT_ON_RESUME,
    ROLLOUT_ON_COMPLETE,
    ROLLOUT_ON_RETRY,
    ROLLOUT_ON_SKIP,
    ROLLOUT_ON_ABANDON,
    ROLLOUT_ON_ROLLBACK,
    ROLLOUT_EVENT_COUNT
};

#define ROLLOUT_IN(state) (UINT32_C(1) << ROLLOUT_##state)
#define ROLLOUT_IN_ANY    ((UINT32_C(1) << ROLLOUT_COUNT_) - 1)
#define ROLLOUT_SAME      ROLLOUT_COUNT_
#define ROLLOUT_ORIGIN    (ROLLOUT_COUNT_ + 1)

struct rollout_rule {
    uint16_t id; /* stable */
    uint32_t from;
    enum rollout_event_type event;
    bool (*guard)(const struct control *control); /* NULL: always */
    unsigned to;        /* a state, ROLLOUT_SAME, or ROLLOUT_ORIGIN: where it came from */
    bool notes;         /* SAME, but a fact all the same */
    bool refuses;       /* an operator's wish is refused */
    bool rings;         /* a person is needed */
    bool awaits_window; /* paused until that opens again */
    const char *why;
};

const struct rollout_rule *rollout_rules(size_t *ret_count);
const char *rollout_event_name(enum rollout_event_type type);

/* There must be an open rollout. True if the row does not refuse; *ret_why (may be NULL) is the
 * row's. It may close the rollout. */
bool rollout_fire(struct run *run, enum rollout_event_type event, const char *by,
                  const char **ret_why);

/* Whether the row that would fire does not refuse. */
bool rollout_allows(const struct control *control, enum rollout_event_type event,
                    const char **ret_why);

/* ---- rollout_window.c: of the open rollout ---- */

/* Neither node, pool nor shard is half done, and nothing is under way. */
bool rollout_is_at_safe_point(const struct control *control);
/* It may not go forward by the operators' table, and nobody has overridden that. */
bool rollout_window_is_shut(const struct control *control);
/* Likewise, and it can stay where it is. */
bool rollout_is_stopped_by_window(const struct control *control);
/* It is shut, and opens again. */
bool rollout_waits_for_window_alone(const struct control *control);
/* How the windows stand, in a clause. */
void rollout_say_window(const struct control *control, char ret[static SENTENCE_SIZE]);

/* Nobody needs to be called: it goes on when its window opens. */
bool rollout_waits_by_itself(const struct control *control);

/* Its last row has fired: writes the summary and the goals. */
void rollout_close(struct run *run);

/* Why it waits, or what it is doing, in a sentence. */
void rollout_reason(const struct control *control, char ret[static SENTENCE_SIZE]);

/* NULL, or why going back would lose writes: the database that was left follows no more. */
const char *rollout_way_back_fault(const struct control *control, char ret[static SENTENCE_SIZE]);

/* NULL if every shard's primary attests what it holds, else which does not. */
const char *rollout_primaries_fault(const struct control *control, char ret[static SENTENCE_SIZE]);

/* NULL if the first contract may be ordered, else what is not there yet. */
const char *rollout_contract_fault(const struct control *control, char ret[static SENTENCE_SIZE]);

#endif
