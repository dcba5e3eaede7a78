/* world.h: a cluster in one process, on simulated time, from one seed: the real cores of
 * coordinator and agents over a network that loses, delays, repeats and reorders, databases, an
 * edge, game servers, and processes that crash between any two of their steps.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "agent/core/session.h"
#include "coordinator/core/state.h"

#define SIM_NODES_MAX     8
#define SIM_REVISIONS_MAX 3
#define SIM_CHILDREN_MAX  16
#define SIM_PACKETS_MAX   4096
#define SIM_LEDGER_MAX    256
#define SIM_STEP_MS       100
#define SIM_FAULTS_MS     90000
#define SIM_END_MS        2400000

/* A task's child process: its effect falls somewhere between its start and its end. */
struct sim_child {
    bool is_used;
    struct order order;
    uint64_t effect_at_ms, ends_at_ms;
    bool has_effect, fails, is_retryable, is_inspection, of_replica, is_cancelled, is_kept;
    uint64_t position;
};

struct sim_database {
    unsigned applied, expanded, contracted; /* bits by revision */
    uint64_t position;
};

struct sim_node {
    char name[NAME_SIZE];
    enum node_kind kind;
    bool is_alive;   /* the agent's process */
    bool is_stopped; /* it does not run, but is not gone */
    uint64_t back_at_ms;
    struct agent_session *session;
    struct entry ledger[SIM_LEDGER_MAX];
    size_t ledger_count;
    char identity[IDENTITY_SIZE], journal[JOURNAL_SIZE];
    uint64_t term;
    struct sim_child children[SIM_CHILDREN_MAX];
    uint64_t beat_at_ms;
    struct sim_database database;
    bool is_primary;
    unsigned release;           /* 0 old, 1 new */
    bool is_sick;               /* its server, whatever the release */
    enum traffic_state traffic; /* of a game node, at the edge */
    bool is_cut;                /* one-way partition: it hears, but is not heard */
};

struct sim_packet {
    uint64_t due_ms;
    int from, to; /* node, or -1: the coordinator */
    char *bytes;
    size_t size;
};

struct sim {
    uint64_t seed, random, now_ms;
    bool is_faulty, is_traced;
    struct control *control; /* NULL: the coordinator is down */
    uint64_t control_back_at_ms;
    struct decisions *decisions;
    struct text **journal; /* encoded facts */
    size_t journal_count, journal_capacity;
    struct sim_node nodes[SIM_NODES_MAX];
    int node_count, edge, primary, first_game, game_count;
    struct sim_packet packets[SIM_PACKETS_MAX];
    size_t packet_count;
    struct catalog catalog;
    unsigned revision_count;
    unsigned lossy, has_backfill, has_contract; /* bits */
    bool new_release_turns_bad;
    uint64_t new_release_since_ms;
    struct sim_database before;
    uint64_t ended_ms;
    bool was_overruled; /* an operator skipped a step: what it was for is his business now */
    uint64_t faults;
    uint64_t rollouts;
    char violation[512];
    void *memory;
};

struct sim *sim_new(uint64_t seed, bool is_traced);
/* Runs it to its end. False, with the sentence in violation, if an invariant broke. */
bool sim_run(struct sim *sim);

extern unsigned sim_fired[3000]; /* rule ids, over all seeds of this process */

/* invariants.c: NULL, or what broke. */
const char *invariant_compatible(const struct sim *sim);
const char *invariant_ready(const struct sim *sim);
const char *invariant_core(const struct sim *sim);
const char *invariant_ended(const struct sim *sim);

/* tasks.c */
void sim_start_child(struct sim *sim, int at, const struct entry *entry, bool is_inspection,
                     bool of_replica);
void sim_run_children(struct sim *sim, int at);
void sim_agent_event(struct sim *sim, int at, const struct session_event *event);
void sim_fill_report(struct sim *sim, int at, struct report *ret);

uint64_t sim_below(struct sim *sim, uint64_t limit);
bool sim_chance(struct sim *sim, unsigned percent); /* only while faulty */
void sim_trace(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_break(struct sim *sim, const char *what);
const char *sim_revision_name(unsigned revision);

#endif
