/* fact.h: what the journal consists of: things that were decided, or reported.
 *
 * Applying a fact needs no rules, so that a newer coordinator reads an older journal.  A fact that
 * is not durable (a report, a sample) lives only in memory: after a restart it is asked for anew.
 */
#ifndef PROTO_FACT_H
#define PROTO_FACT_H

#include "proto/message.h"
#include "proto/plan.h"

struct fact_started {
    char journal[JOURNAL_SIZE];
    uint64_t term;
    uint64_t outage_ms; /* since the last fact: what deadlines are moved by, at most their length */
};
struct fact_node {
    char name[NAME_SIZE];
    enum node_kind kind;
    char shard[NAME_SIZE];
    char key[KEY_TEXT_SIZE];
    char db_role[NAME_SIZE];
    char application[NAME_SIZE];
    char colour[NAME_SIZE]; /* a game node's; "": it has none */
    bool is_pooler;         /* an edge that carries database connections, not players */
};
struct fact_name {
    char name[NAME_SIZE];
};
struct fact_quarantine {
    char name[NAME_SIZE];
    enum quarantine_cause cause; /* NONE: lifted */
    char why[SENTENCE_SIZE];
    uint64_t position; /* BEHIND: to be replayed first */
};
/* What a closed rollout's steps left: they are not read again at a start. */
struct fact_standing {
    char name[NAME_SIZE];
    bool is_severed;
    bool is_told;
    bool is_taken_out;
};
struct fact_repair {
    char name[NAME_SIZE];
    uint64_t number; /* 0: none is going on */
    uint64_t tries;
    uint64_t not_before_ms;
    struct plan plan; /* its steps */
};
struct fact_goal {
    char shard[NAME_SIZE];
    char node[NAME_SIZE]; /* "": of every game node without a goal of its own */
    char release[NAME_SIZE];
};
struct fact_live {
    char shard[NAME_SIZE];
    char colour[NAME_SIZE];
    bool of_databases; /* as its poolers point; else as its edges send players */
};
struct fact_rollout {
    enum rollout_state state;
    uint64_t rule;
    char why[SENTENCE_SIZE];
    char by[NAME_SIZE];    /* operator, or "" */
    bool waits_for_window; /* paused by it, to go on by it */
};
/* How a game node was before the rollout, that its soak is compared with. */
struct fact_baseline {
    char node[NAME_SIZE];
    uint64_t samples;
    uint64_t median_ms;
    uint64_t p99_ms;
    uint64_t requests;
    uint64_t errors;
};
/* On resume; before, it stands in the plan's options. */
struct fact_override {
    char why[WINDOW_WHY_SIZE];
    char by[NAME_SIZE];
};
struct fact_step {
    uint64_t repair; /* 0: of the open rollout */
    uint64_t step;
    enum direction direction;
    enum step_state state;
    uint64_t attempt;
    uint64_t tries;       /* attempts that count against the retries */
    uint64_t deadline_ms; /* at; 0: none */
    char node[NAME_SIZE];
    char code[NAME_SIZE];
    char detail[SENTENCE_SIZE];
    bool is_kept;
    bool had_effect; /* it may have */
    bool is_cancelling;
    bool is_left_out;
    uint64_t position;
    uint64_t rule;
};
/* A later attempt's takes the place of an earlier one's. */
struct fact_rehearsed {
    uint64_t step;
    uint64_t attempt;
    char shard[NAME_SIZE];
    char node[NAME_SIZE];
    struct rehearsed *rows;
    size_t row_count;
    uint64_t left_out;
};
struct fact_corrected {
    char name[NAME_SIZE];
    char target[NAME_SIZE];
    uint64_t number;
    char why[SENTENCE_SIZE];
};
struct fact_ring {
    char what[NAME_SIZE];
    char text[SENTENCE_SIZE];
    uint64_t again_ms; /* at */
};
struct fact_ledger {
    char name[NAME_SIZE];
    char ledger[IDENTITY_SIZE];
};
struct fact_link {
    char name[NAME_SIZE];
    enum link_state state;
    bool is_adopted;
    bool is_heard;
};
struct fact_reported {
    char name[NAME_SIZE];
    struct report report;
};
struct fact_sent {
    uint64_t repair;
    uint64_t step;
    bool is_inquiry;
};
struct fact_ledger_heard {
    char name[NAME_SIZE];
    bool is_strangers; /* not the one that the node is known by */
};
struct fact_progress {
    uint64_t repair;
    uint64_t step;
    uint64_t done;
    uint64_t total;
    char text[128];
};
struct fact_sample {
    uint64_t repair;
    uint64_t step;
    enum verdict verdict;
    char why[SENTENCE_SIZE];
};

/* type, name, record, durable, what it is */
#define FACTS(X)                                                                                   \
    X(STARTED, started, fact_started, true, "the coordinator began a term")                        \
    X(CATALOG, catalog, catalog, true, "the revisions and releases known from now on")             \
    X(WINDOWS, windows, windows, true, "when rollouts may go forward, from now on")                \
    X(NODE_ACCEPTED, node_accepted, fact_node, true, "an operator accepted a node's key")          \
    X(NODE_REMOVED, node_removed, fact_name, true, "an operator removed a node")                   \
    X(LEDGER, ledger, fact_ledger, true, "the ledger that a node's agent keeps")                   \
    X(QUARANTINE, quarantine, fact_quarantine, true,                                               \
      "a node must be repaired first, or no longer")                                               \
    X(STANDING, standing, fact_standing, true, "how a closed rollout left a game node")            \
    X(REPAIR, repair, fact_repair, true, "a repair began, or ended")                               \
    X(GOAL, goal, fact_goal, true, "the release that a shard's game nodes should run")             \
    X(LIVE, live, fact_live, true, "every edge or pooler of a shard says which colour is live")    \
    X(PLANNED, planned, plan, true, "a rollout was compiled")                                      \
    X(ROLLOUT, rollout, fact_rollout, true, "the rollout changed its state")                       \
    X(BASELINE, baseline, fact_baseline, true, "how a game node did before the rollout")           \
    X(OVERRIDE, override, fact_override, true,                                                     \
      "an operator lets a rollout go on outside its window")                                       \
    X(STEP, step, fact_step, true, "a step changed its state")                                     \
    X(REHEARSED, rehearsed, fact_rehearsed, true, "what a rehearsal on a shadow measured")         \
    X(CLOSED, closed, summary, true, "the rollout is over")                                        \
    X(CORRECTED, corrected, fact_corrected, true,                                                  \
      "an edge did not do what was ordered, and was put right by its agent")                       \
    X(RING, ring, fact_ring, true, "a person was called")                                          \
    X(LINK, link, fact_link, false, "a node was heard, or not")                                    \
    X(LEDGER_HEARD, ledger_heard, fact_ledger_heard, false, "an agent spoke, known by its ledger") \
    X(REPORTED, reported, fact_reported, false, "a node's report")                                 \
    X(SENT, sent, fact_sent, false, "an order or an inquiry went out")                             \
    X(PROGRESS, progress, fact_progress, false, "how far a step is")                               \
    X(SAMPLE, sample, fact_sample, false, "what a gate saw")

enum fact_type {
#define X(upper, lower, record, durable, doc) FACT_##upper,
    FACTS(X)
#undef X
        FACT_COUNT
};

struct fact {
    enum fact_type type;
    uint64_t at_ms;
    void *body; /* the row's record */
};

struct fact_row {
    const char *name;
    const struct record *record;
    bool is_durable;
    const char *doc;
};

extern const struct record fact_rehearsed_record;
extern const struct record fact_baseline_record;

const struct fact_row *fact_row(enum fact_type type);

/* Its rollout's own, not the cluster's: not read any more once that is closed. */
bool fact_is_of_rollout(const struct fact *fact);

/* [type's name, at_ms, body] */
void fact_encode(const struct fact *fact, struct text *ret);
enum error_code fact_decode(const void *bytes, size_t size, const void *parent, struct fact *ret,
                            struct error *err);

#endif
