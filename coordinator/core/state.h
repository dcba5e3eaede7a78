/* state.h: what the core remembers.  Read by everything in core/ and by the views; written by
 * apply.c alone.
 */
#ifndef COORDINATOR_CORE_STATE_H
#define COORDINATOR_CORE_STATE_H

#include "common/base/memory.h"
#include "coordinator/core/control.h"

/* How a gate has done so far. Lives in memory only: a restart begins anew. */
struct gate_record {
    uint64_t evidence;         /* sum of the reports' numbers that the last sample used */
    uint64_t passing_since_ms; /* 0: it does not pass */
    uint64_t passing_count;
    uint64_t failing_count; /* in a row */
    uint64_t sampled_at_ms;
    enum verdict verdict;
    struct kept_text why;
};

struct step {
    const struct plan_step *plan;
    uint32_t *dependents; /* ids of the steps that need it */
    size_t dependent_count;

    /* durable */
    enum direction direction;
    enum step_state state;
    uint64_t attempt; /* in this direction; 0: not ordered */
    uint64_t tries;   /* of those, that count against the retries */
    uint64_t changed_at_ms;
    uint64_t started_at_ms;  /* of this direction's first order */
    uint64_t deadline_at_ms; /* 0: none */
    uint64_t moved_ms;       /* by outages of ours, so far; at most the deadline's own length */
    char node[NAME_SIZE];    /* who was ordered */
    char code[NAME_SIZE];
    struct kept_text detail;
    bool is_kept;
    bool had_effect; /* going forward, it may have had one */
    bool is_cancelling;
    bool is_left_out; /* skipped by an operator, or because what it needs was */
    uint64_t position;
    uint64_t rule;

    /* in memory */
    uint64_t sent_at_ms;
    uint64_t asked_at_ms;
    uint64_t done, total;
    char progress[128];
    struct gate_record gate_record;
};

/* How many steps stand where: most questions about a plan are answered by a zero. */
struct census {
    size_t steps[2][STEP_COUNT_]; /* [direction][state] */
    size_t left_out, kept;
    size_t cut; /* that cut a game node off, done */
};

/* The steps for which a tick may decide something; the others sleep until a step that they wait
 * for changes, or the work moves otherwise than it did when they were looked at. */
struct vigil {
    uint64_t *awake; /* a bit a step, [id - 1] */
    bool goes_back, lost_ground;
};

/* A plan being carried out: the open rollout's, or a repair's. */
struct work {
    uint64_t repair; /* 0: the rollout's */
    struct plan *plan;
    struct step *steps; /* [id - 1] */
    size_t count;
    uint32_t *by_target; /* ids of the steps that have one, by target, then by id */
    size_t target_count;
    struct shard_progress *progress; /* of plan->shards, in their order */
    const struct plan_shard **shards_by_name;
    struct census census;
    struct vigil vigil; /* in memory */
    uint64_t hold;      /* id of the step that holds; 0: there is none */
};

/* How many of a shard's admits are done, or were skipped, going forward; where a colour is switched
 * on, how many of its switches. */
struct shard_progress {
    uint64_t admits, admitted;
};

/* The ids of a target's steps, in the plan's order. */
struct target_steps {
    const uint32_t *ids;
    size_t count;
};
struct target_steps work_steps_of_target(const struct work *work, const char *target);

struct rollout {
    struct work work;
    enum rollout_state state;
    enum rollout_state came_from; /* of paused, halted, stuck */
    uint64_t planned_at_ms;
    uint64_t changed_at_ms;
    uint64_t started_at_ms; /* 0: not yet */
    uint64_t holding_at_ms;
    uint64_t ring_at_ms; /* the next one; 0: none was rung yet in this state */
    bool hold_is_released;
    bool has_contracted;   /* a contract, or an inverse's revert, was ordered: no way back */
    bool waits_for_window; /* paused by it, to go on by it */
    char override_window[WINDOW_WHY_SIZE]; /* why it goes on outside of it, said on resume */
    uint64_t rule;
    char why[SENTENCE_SIZE];
    struct fact_rehearsed **rehearsals; /* by age; one a step */
    size_t rehearsal_count;
    struct fact_baseline *baselines;
    size_t baseline_count;
    char cause[SENTENCE_SIZE]; /* why it turned back; "" if it did not */
};

/* One look at a game server. */
struct vital {
    uint64_t at_ms;
    uint64_t latency_ms;
    uint64_t requests, errors; /* since the look before */
};

#define VITALS_MAX 128

/* The newest of them, of one release. */
struct vitals {
    char release[NAME_SIZE];
    struct vital ring[VITALS_MAX];
    size_t count, next;
    bool has_totals;
    uint64_t requests, errors; /* as its edges count */
};

/* What the open rollout's steps make of a game node; all false without one. */
struct node_in_plan {
    bool is_out;        /* taken out of traffic by it, and not let in again */
    bool was_touched;   /* something of it was begun, and is not all taken back */
    bool is_unfinished; /* touched, and not all of it is done, or taken back */
};

struct node {
    struct fact_node identity;
    char ledger[IDENTITY_SIZE];
    char ledger_before[IDENTITY_SIZE];
    uint64_t ledger_changed_at_ms;
    enum quarantine_cause quarantine;
    struct kept_text quarantine_why;
    uint64_t quarantine_position;
    bool is_severed;   /* its database sessions are kept out */
    bool is_told;      /* its server, that it is being drained, and nothing else since */
    bool is_taken_out; /* an edge was told to send it no traffic, and none to send it again since */
    bool was_marked;   /* the open rollout changed one of these: to be said when it closes */
    struct node_in_plan in_plan;
    struct work *repair; /* NULL: none going on */
    uint64_t repair_tries;
    uint64_t repair_not_before_ms;
    uint64_t ring_at_ms;
    uint64_t correction;  /* number of an edge's last; 0: none yet */
    uint64_t corrections; /* how often it did what nobody had ordered */
    struct kept_text corrected;

    /* in memory */
    enum link_state link;
    bool is_adopted;
    bool is_watched;
    uint64_t heard_at_ms;
    uint64_t ledger_heard_at_ms;                /* the agent whose ledger it is */
    uint64_t stranger_since_ms, stranger_at_ms; /* another ledger's beats; 0: none */
    struct report *report;                      /* NULL: none in this term */
    uint64_t report_at_ms;
    uint64_t report_number;
    uint64_t said; /* number of its last word: a report with a lower one was overtaken */
    uint64_t
        traffic_changed_at_ms; /* an edge was told something about it: older reports say nothing */
    struct vitals *vitals;     /* of a game node; NULL: none yet */
    uint64_t failing_since_ms; /* its probes; 0: they pass */
    struct kept_text refusal;  /* why it does not adopt this term */
};

struct goal {
    char shard[NAME_SIZE];
    char node[NAME_SIZE]; /* "": the shard's */
    char release[NAME_SIZE];
};

/* As every edge that carries it has said; of databases, every pooler. */
struct live_colour {
    char shard[NAME_SIZE];
    char colour[NAME_SIZE];
    bool of_databases;
};

struct shard_count {
    uint64_t games; /* enrolled; who rests while another colour has the traffic counts no further */
    uint64_t ready;
    uint64_t unavailable; /* not ready, or being taken out */
    uint64_t in_traffic;  /* as every edge says, and nobody is taking it out */
};

/* The shard that was counted last: every game node that waits to be drained asks for its shard. It
 * holds until a fact is applied, or the clock moves. */
struct counted {
    bool is_known;
    uint64_t changes, now_ms;
    char shard[NAME_SIZE];
    struct shard_count count;
};

struct control {
    /* durable */
    char journal[JOURNAL_SIZE];
    uint64_t term;
    uint64_t now_ms;         /* of the last fact or event */
    struct catalog *catalog; /* never NULL */
    struct windows *windows; /* never NULL */
    struct node **nodes;     /* by kind, then by name */
    size_t node_count, node_capacity;
    struct node **by_shard;            /* the same, by kind, shard and name */
    size_t kind_begin[KIND_COUNT + 1]; /* nodes of kind k: [kind_begin[k], kind_begin[k + 1]) */
    struct goal *goals;                /* by shard, then by node */
    size_t goal_count;
    struct live_colour *lives;
    size_t live_count;
    struct rollout *open;
    struct summary **summaries; /* by age */
    size_t summary_count, summary_capacity;
    uint64_t rollout_number; /* the last one given */
    uint64_t repair_number;

    /* in memory */
    uint64_t ready_at_ms; /* silence counts from here at the earliest */
    uint64_t report_number;
    uint64_t changes; /* facts applied */
    struct counted *counted;
};

/* ---- finding things; NULL if there is no such thing ---- */

/* Of the open rollout: nobody asked for one, or an operator, or the time, has released it. */
bool control_hold_is_over(const struct control *control);

struct node *control_node(const struct control *control, const char *name);
size_t control_node_place(const struct control *control, enum node_kind kind, const char *name);
/* In by_shard; of a shard's first node with the name "". */
size_t control_shard_place(const struct control *control, enum node_kind kind, const char *shard,
                           const char *name);
/* "": nobody has said. */
const char *control_live(const struct control *control, const char *shard, bool of_databases);
const struct goal *control_goal(const struct control *control, const char *shard, const char *node);
/* Where it stands, or would stand. */
size_t control_goal_place(const struct control *control, const char *shard, const char *node);
const struct catalog_release *catalog_release(const struct catalog *catalog, const char *name);
/* The index, or catalog->revision_count. */
size_t catalog_revision(const struct catalog *catalog, const char *name);
const struct summary *control_summary(const struct control *control, uint64_t rollout);
const struct plan_shard *plan_shard_named(const struct plan_shard *shards, size_t count,
                                          const char *name);
struct work *control_work(const struct control *control, uint64_t repair);
struct step *work_step(const struct work *work, uint64_t id);
/* The i-th of a target's. */
const struct step *work_target_step(const struct work *work, const struct target_steps *of,
                                    size_t i);
/* The step that changes what a game node runs; NULL: the plan has none. */
const struct step *work_release_step(const struct work *work, const char *game);
bool catalog_is_same(const struct catalog *a, const struct catalog *b);
bool names_contain(const struct name_item *items, size_t count, const char *name);

#endif
