/* words.h: the states and verdicts that stand on the wire, in the journal and on people's screens:
 * enums and their names.
 */
#ifndef PROTO_WORDS_H
#define PROTO_WORDS_H

#include "proto/field.h"

#define NAME_SIZE        64 /* of a node, shard, revision, release, with the terminator */
#define NAME_MAX_LENGTH  (NAME_SIZE - 1)
#define DIGEST_SIZE      65
#define KEY_TEXT_SIZE    41 /* a CURVE key in Z85 */
#define JOURNAL_SIZE     33
#define IDENTITY_SIZE    33 /* of a ledger */
#define SYSTEM_ID_SIZE   24
#define SENTENCE_SIZE    1024
#define FINGERPRINT_SIZE 65

/* Each list: X(UPPER, "name"). */
#define LINK_STATES(X)                                                                             \
    X(ENROLLED, "enrolled") X(ONLINE, "online") X(SUSPECT, "suspect") X(LOST, "lost")

#define QUARANTINE_CAUSES(X)                                                                       \
    X(NONE, "none")                                                                                \
    X(ABSENCE, "absence")                                                                          \
    X(HEALTH, "health") X(BEHIND, "behind") X(IDENTITY, "identity") X(HELD, "held")

#define DIRECTIONS(X) X(DO, "do") X(UNDO, "undo")

#define STEP_STATES(X)                                                                             \
    X(PENDING, "pending")                                                                          \
    X(DUE, "due")                                                                                  \
    X(ORDERED, "ordered")                                                                          \
    X(RUNNING, "running")                                                                          \
    X(SUCCEEDED, "succeeded")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(REFUSED, "refused") X(CANCELLED, "cancelled") X(UNKNOWN, "unknown") X(SKIPPED, "skipped")

#define ROLLOUT_STATES(X)                                                                          \
    X(PLANNED, "planned")                                                                          \
    X(ADVANCING, "advancing")                                                                      \
    X(PAUSED, "paused")                                                                            \
    X(HALTED, "halted")                                                                            \
    X(HOLDING, "holding")                                                                          \
    X(COMPLETING, "completing")                                                                    \
    X(COMPLETED, "completed")                                                                      \
    X(REVERTING, "reverting")                                                                      \
    X(REVERTED, "reverted") X(STUCK, "stuck") X(ABANDONED, "abandoned") X(CANCELLED, "cancelled")

#define OUTCOMES(X)                                                                                \
    X(NONE, "none")                                                                                \
    X(SUCCEEDED, "succeeded")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(CANCELLED, "cancelled") X(INTERRUPTED, "interrupted") X(SUPERSEDED, "superseded")

#define FINDINGS(X)                                                                                \
    X(NOTHING, "nothing")                                                                          \
    X(DID, "did")                                                                                  \
    X(DID_NOT, "did_not") X(STILL_RUNNING, "still_running") X(NEVER_HEARD, "never_heard")

#define VERDICTS(X)                                                                                \
    X(NONE, "none")                                                                                \
    X(PASS, "pass") X(FAIL, "fail") X(ERROR, "error") X(INCONCLUSIVE, "inconclusive")

#define GATES(X)                                                                                   \
    X(NONE, "none")                                                                                \
    X(AGREE, "agree") X(OUT, "out") X(HEALTHY, "healthy") X(SOAK, "soak") X(HOLD, "hold")

#define TRAFFIC_STATES(X)                                                                          \
    X(UNKNOWN, "unknown")                                                                          \
    X(READY, "ready")                                                                              \
    X(DRAIN, "drain") X(MAINTENANCE, "maintenance") X(DOWN, "down") X(IDLE, "idle")

#define STRATEGIES(X)                                                                              \
    X(ROLLING, "rolling")                                                                          \
    X(INVERSE, "inverse")                                                                          \
    X(REPAIR, "repair")                                                                            \
    X(BLUE_GREEN, "blue-green")                                                                    \
    X(SHADOW, "shadow")                                                                            \
    X(MAINTENANCE, "maintenance") X(TWIN, "database-blue-green") X(RESTORE, "restore")

/* What a database is to the one that its agent can follow. */
#define TWIN_STATES(X)                                                                             \
    X(NONE, "none")                                                                                \
    X(COPYING, "copying")                                                                          \
    X(FOLLOWING, "following")                                                                      \
    X(BROKEN, "broken") X(LEFT, "left") X(UNKNOWN, "unknown")

#define FAILURE_POLICIES(X)      X(REVERT, "revert") X(HALT, "halt")
#define LOST_POLICIES(X)         X(REVERT, "revert") X(WAIT, "wait")
#define INCONCLUSIVE_POLICIES(X) X(REVERT, "revert") X(PAUSE, "pause")
#define DRAIN_POLICIES(X)        X(ABORT, "abort") X(WAIT, "wait") X(FORCE, "force")

/* What a rehearsal does with a revision. */
#define REHEARSED_PHASES(X)                                                                        \
    X(NONE, "none")                                                                                \
    X(EXPAND, "expand")                                                                            \
    X(BACKFILL, "backfill")                                                                        \
    X(VERIFY, "verify")                                                                            \
    X(REVERT, "revert")                                                                            \
    X(CONTRACT, "contract") X(VERIFY_CONTRACT, "verify_contract") X(WORKLOAD, "workload")

/* As PostgreSQL orders them: a later one excludes what an earlier one does, or more. */
#define LOCK_MODES(X)                                                                              \
    X(NONE, "none")                                                                                \
    X(ACCESS_SHARE, "access share")                                                                \
    X(ROW_SHARE, "row share")                                                                      \
    X(ROW_EXCLUSIVE, "row exclusive")                                                              \
    X(SHARE_UPDATE_EXCLUSIVE, "share update exclusive")                                            \
    X(SHARE, "share")                                                                              \
    X(SHARE_ROW_EXCLUSIVE, "share row exclusive")                                                  \
    X(EXCLUSIVE, "exclusive") X(ACCESS_EXCLUSIVE, "access exclusive")

#define WORDS(X)                                                                                   \
    X(LINK, link_state, LINK_STATES)                                                               \
    X(QUARANTINE, quarantine_cause, QUARANTINE_CAUSES)                                             \
    X(DIRECTION, direction, DIRECTIONS)                                                            \
    X(STEP, step_state, STEP_STATES)                                                               \
    X(ROLLOUT, rollout_state, ROLLOUT_STATES)                                                      \
    X(OUTCOME, outcome, OUTCOMES)                                                                  \
    X(FINDING, finding, FINDINGS)                                                                  \
    X(VERDICT, verdict, VERDICTS)                                                                  \
    X(GATE, gate, GATES)                                                                           \
    X(TRAFFIC, traffic_state, TRAFFIC_STATES)                                                      \
    X(STRATEGY, strategy, STRATEGIES)                                                              \
    X(ON_FAILURE, failure_policy, FAILURE_POLICIES)                                                \
    X(ON_LOST, lost_policy, LOST_POLICIES)                                                         \
    X(ON_INCONCLUSIVE, inconclusive_policy, INCONCLUSIVE_POLICIES)                                 \
    X(REHEARSED, rehearsed_phase, REHEARSED_PHASES)                                                \
    X(LOCK, lock_mode, LOCK_MODES)                                                                 \
    X(ON_DRAIN_LATE, drain_policy, DRAIN_POLICIES)                                                 \
    X(TWIN, twin_state, TWIN_STATES)

#define LINK_VALUE(upper, text)            LINK_##upper,
#define QUARANTINE_VALUE(upper, text)      QUARANTINE_##upper,
#define DIRECTION_VALUE(upper, text)       DIRECTION_##upper,
#define STEP_VALUE(upper, text)            STEP_##upper,
#define ROLLOUT_VALUE(upper, text)         ROLLOUT_##upper,
#define OUTCOME_VALUE(upper, text)         OUTCOME_##upper,
#define FINDING_VALUE(upper, text)         FINDING_##upper,
#define VERDICT_VALUE(upper, text)         VERDICT_##upper,
#define GATE_VALUE(upper, text)            GATE_##upper,
#define TRAFFIC_VALUE(upper, text)         TRAFFIC_##upper,
#define STRATEGY_VALUE(upper, text)        STRATEGY_##upper,
#define ON_FAILURE_VALUE(upper, text)      ON_FAILURE_##upper,
#define ON_LOST_VALUE(upper, text)         ON_LOST_##upper,
#define ON_INCONCLUSIVE_VALUE(upper, text) ON_INCONCLUSIVE_##upper,
#define REHEARSED_VALUE(upper, text)       REHEARSED_##upper,
#define LOCK_VALUE(upper, text)            LOCK_##upper,
#define TWIN_VALUE(upper, text)            TWIN_##upper,
#define ON_DRAIN_LATE_VALUE(upper, text)   ON_DRAIN_LATE_##upper,

#define X(prefix, name, list) enum name { list(prefix##_VALUE) prefix##_COUNT_ };
WORDS(X)
#undef X

#define X(prefix, name, list) extern const struct field_names name##_names;
WORDS(X)
#undef X

/* The name of a value of any of these enums; never NULL. */
const char *word_of(const struct field_names *names, unsigned value);

#endif
