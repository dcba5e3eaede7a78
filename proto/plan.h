/* plan.h: a rollout compiled: what an operator approves, what the journal keeps. */
#ifndef PROTO_PLAN_H
#define PROTO_PLAN_H

#include "proto/rehearsal.h"
#include "proto/report.h"
#include "proto/window.h"

#define PLAN_STEPS_MAX        131072
#define KEPT_WHY_SIZE         400
#define PLAN_NEEDS_MAX        10240 /* the hold's: the last soak of every game node */
#define PLAN_REVISIONS_MAX    64    /* that one rollout expands or contracts */
#define PLAN_SHARDS_MAX       1024
#define PLAN_GAMES_MAX        4096 /* of a shard */
#define PLAN_WAVES_MAX        16
#define PLAN_SHARES_MAX       16
#define CATALOG_REVISIONS_MAX 4096
#define CATALOG_RELEASES_MAX  1024
#define CATALOG_PARENTS_MAX   8

/* What a step is for, in the words of the strategy's table. */
#define STAGES(X)                                                                                  \
    X(NONE, "none")                                                                                \
    X(PREFLIGHT, "preflight")                                                                      \
    X(CATCH_UP, "catch_up")                                                                        \
    X(EXPAND, "expand")                                                                            \
    X(BACKFILL, "backfill")                                                                        \
    X(REPLAY, "replay")                                                                            \
    X(AGREE, "agree")                                                                              \
    X(VERIFY, "verify")                                                                            \
    X(ISOLATE, "isolate")                                                                          \
    X(SWITCH, "switch")                                                                            \
    X(SMOKE, "smoke")                                                                              \
    X(SEVER, "sever")                                                                              \
    X(DRAIN, "drain")                                                                              \
    X(OUT, "out")                                                                                  \
    X(RELEASE, "release")                                                                          \
    X(HEALTHY, "healthy")                                                                          \
    X(ADMIT, "admit")                                                                              \
    X(SOAK, "soak")                                                                                \
    X(HOLD, "hold")                                                                                \
    X(CONTRACT, "contract")                                                                        \
    X(REVERT, "revert")                                                                            \
    X(ALLOW, "allow")                                                                              \
    X(CLONE, "clone")                                                                              \
    X(REHEARSE, "rehearse")                                                                        \
    X(DISCARD, "discard")                                                                          \
    X(ANNOUNCE, "announce")                                                                        \
    X(PAUSE, "pause")                                                                              \
    X(RESUME, "resume")                                                                            \
    X(NOTIFY, "notify")                                                                            \
    X(RECALL, "recall")                                                                            \
    X(FOLLOW, "follow")                                                                            \
    X(COMPARE, "compare")                                                                          \
    X(CLOSE_WRITES, "close_writes")                                                                \
    X(DRAIN_WAL, "drain_wal")                                                                      \
    X(SEQUENCES, "sequences")                                                                      \
    X(REVERSE, "reverse")                                                                          \
    X(OPEN_WRITES, "open_writes")                                                                  \
    X(POINT, "point")                                                                              \
    X(CLOSE, "close")                                                                              \
    X(BACKUP, "backup")                                                                            \
    X(RESTORE, "restore")
#define STAGE_VALUE(upper, text) STAGE_##upper,
enum stage { STAGES(STAGE_VALUE) STAGE_COUNT };
extern const struct field_names stage_names;

struct rollout_options {
    uint32_t *waves; /* cumulative: N > 0 nodes, or PLAN_SHARE + percent */
    size_t wave_count;
    uint32_t *shares; /* blue-green: of the traffic, ascending, in permille; then all of it */
    size_t share_count;
    uint64_t max_unavailable;
    uint64_t min_ready;
    uint64_t soak_ms;
    uint64_t steady_ms; /* of the gates before admit */
    uint64_t gate_ms;   /* a gate's deadline, beyond steady or soak */
    uint64_t drain_ms;
    uint64_t drain_max_ms; /* on_drain_late wait: how long beyond drain_ms before it fails */
    uint64_t replay_ms;
    uint64_t retries;      /* beyond the first attempt, per direction */
    uint64_t failures_max; /* failing samples in a row that a gate forgives */
    uint64_t hold_ms;      /* with hold: released by itself after this; 0: by `complete` alone */
    uint64_t budget_ms;    /* maintenance: how long players may be without the game; 0: no limit */
    uint64_t max_pause_ms; /* database-blue-green: how long pools may hold queries back */
    uint64_t latency_max_percent; /* of before, that a soak lets pass; 0: it does not compare */
    uint64_t errors_max_permille; /* likewise, more than before */
    bool must_compare;            /* too little to compare is inconclusive */
    bool is_exact;                /* 0 means 0: nothing of it is filled in by defaults */
    bool hold;
    bool accept_data_loss;
    bool shadow;                            /* rehearsed on a shadow first */
    char no_rehearsal[REHEARSAL_TEXT_SIZE]; /* why production goes without one; "": it does not */
    bool backup;                            /* every database that is changed is backed up first */
    char no_backup[REHEARSAL_TEXT_SIZE];    /* why production goes without; "": it does not */
    char override_window[WINDOW_WHY_SIZE];  /* why it goes outside its window; "": it does not */
    enum failure_policy on_failure;
    enum lost_policy on_lost;
    enum inconclusive_policy on_inconclusive;
    enum drain_policy on_drain_late;
    char canary[NAME_SIZE];   /* a node or a shard, or "" */
    struct name_item *except; /* game nodes left out */
    size_t except_count;
};
#define PLAN_SHARE 0x10000u

struct plan_revision {
    char name[NAME_SIZE];
    bool has_backfill;
    bool has_verify;
    bool has_contract;
    bool has_contract_verify;
    bool irreversible;
};

/* What a game node ran when the plan was made, left out or not. */
struct plan_game {
    char node[NAME_SIZE];
    char release[NAME_SIZE];
};

/* How a shard stood when the plan was made: where it goes back to. */
struct plan_shard {
    char name[NAME_SIZE];
    char primary[NAME_SIZE];
    char system_id[SYSTEM_ID_SIZE];
    uint64_t timeline;
    char fingerprint[FINGERPRINT_SIZE];
    char release[NAME_SIZE];
    struct name_item *expanded;
    size_t expanded_count;
    struct name_item *contracted;
    size_t contracted_count;
    struct plan_game *games;
    size_t game_count;
    char live[NAME_SIZE];   /* the colour that got all traffic; "": it has none */
    char colour[NAME_SIZE]; /* the one that is to get it; "": nothing is switched */
    /* Its databases: the colour that its pools point at ("": they have none), the one that they are
     * to point at ("": they stay), and that one's primary. */
    char side_before[NAME_SIZE];
    char side[NAME_SIZE];
    char twin[NAME_SIZE];
    char twin_system_id[SYSTEM_ID_SIZE];
    uint64_t twin_timeline;
};

struct plan_step {
    uint64_t id; /* from 1, in an order in which they could run one by one */
    enum stage stage;
    enum task task; /* NONE: a gate */
    enum task undo;
    enum gate gate;      /* in the do direction */
    enum gate undo_gate; /* in the undo direction; NONE: nothing to wait for */
    bool undo_only;      /* nothing to do going forward */
    char shard[NAME_SIZE];
    char node[NAME_SIZE];   /* for primary's tasks: the primary when planned */
    char target[NAME_SIZE]; /* edge tasks, session tasks: the game node meant */
    char revision[NAME_SIZE];
    char release[NAME_SIZE];
    char release_before[NAME_SIZE];
    char colour[NAME_SIZE];        /* switch: who gets traffic; soak after it: who must have it */
    char colour_before[NAME_SIZE]; /* who gets all of it, going back */
    uint64_t share_permille;       /* how much of it; 0: all, and the other colour none */
    char side[NAME_SIZE]; /* databases: the colour of those meant; "": whichever is live then */
    bool is_closed;       /* compare: writes are closed meanwhile, it must be quick, and exact */
    bool of_contract;     /* verify: verify.contract.sql */
    uint64_t wave;        /* game nodes: from 1 */
    uint64_t deadline_ms;
    uint64_t steady_ms; /* gates */
    uint32_t *needs;    /* ids of the steps before it, ascending */
    size_t need_count;
};

struct plan {
    uint64_t rollout;
    enum strategy strategy;
    uint64_t inverse_of; /* rollout that it takes back, or 0 */
    char revision[NAME_SIZE];
    char release[NAME_SIZE];
    char bundle[DIGEST_SIZE];
    char digest[DIGEST_SIZE]; /* of all the rest but rollout */
    char created_by[NAME_SIZE];
    char contracts_for[NAME_SIZE]; /* the release that contracts are chosen for */
    uint64_t rehearsed_by;         /* the rollout that rehearsed the same before; 0: none */
    struct rollout_options options;
    struct plan_revision *revisions; /* that it expands (or reverts), in topological order */
    size_t revision_count;
    struct plan_shard *shards;
    size_t shard_count;
    struct plan_step *steps;
    size_t step_count;
};

/* ---- the catalog: what revisions and releases there are ---- */

#define BREAKS_SIZE 700

struct catalog_revision {
    char name[NAME_SIZE];
    char checksum[DIGEST_SIZE];
    char meaning[DIGEST_SIZE]; /* likewise, without comments and white space */
    struct name_item *parents;
    size_t parent_count;
    struct name_item *contracted; /* revisions whose contract its expand builds on */
    size_t contracted_count;
    bool has_backfill;
    bool has_verify;
    bool has_contract;
    bool has_contract_verify;
    bool irreversible;
    char breaks[BREAKS_SIZE]; /* why the release before cannot live with it; "": it can */
};

struct catalog_release {
    char name[NAME_SIZE];
    char needs[NAME_SIZE];
    struct name_item *tolerates;
    size_t tolerate_count;
};

struct catalog {
    char bundle[DIGEST_SIZE];
    struct catalog_revision *revisions; /* in topological order */
    size_t revision_count;
    struct catalog_release *releases;
    size_t release_count;
};

/* Left expanded by a rollback: taken back, it would have destroyed something. */
struct kept_revision {
    char shard[NAME_SIZE];
    char revision[NAME_SIZE];
    char why[KEPT_WHY_SIZE];
};

/* What stays of a rollout when it is closed. */
struct summary {
    uint64_t rollout;
    enum strategy strategy;
    enum rollout_state state;
    uint64_t inverse_of;
    char revision[NAME_SIZE];
    char release[NAME_SIZE];
    char created_by[NAME_SIZE];
    char bundle[DIGEST_SIZE];
    bool is_rehearsed; /* on a shadow, to its end */
    bool is_backed_up; /* every database whose schema it moved, before that */
    char contracts_for[NAME_SIZE];
    uint64_t planned_at_ms;
    uint64_t closed_at_ms;
    bool has_contracted; /* no way back */
    uint64_t pause_ms;   /* players were held back for so long while databases were switched */
    struct rollout_options options;
    struct plan_revision *revisions;
    size_t revision_count;
    struct plan_shard *shards; /* as before it */
    size_t shard_count;
    struct kept_revision *kept;
    size_t kept_count;
    char why[SENTENCE_SIZE];
};

extern const struct record rollout_options_record;
extern const struct record plan_record;
extern const struct record plan_step_record;
extern const struct record catalog_record;
extern const struct record summary_record;

#endif
