/* world.h: clusters in one process, on simulated time, from one seed: the real cores of coordinator
 * and agents over a network that loses, delays, repeats and reorders; databases that replicate and
 * are promoted, edges that reload, game servers, players who write, operators who meddle, and
 * processes that die between any two of their steps.
 *
 *   world.c        time, and the order in which things happen
 *   birth.c        what a seed makes: nodes, revisions, policies, faults to come
 *   network.c      packets between coordinator and agents
 *   office.c       the coordinator's process: journal, effects, crashes
 *   post.c         an agent's process: ledger, effects, crashes
 *   child.c        what an agent's children do, and when
 *   database.c     what is in the databases: schema, term, players' writes, replication, promotion
 *   edge.c         who gets traffic, and what a reload forgets
 *   twin.c         a second database that follows, is switched to, and is left
 *   players.c      games in progress, and who is cut off
 *   pooler.c       pools: held back, opened again by their agents, or by their own restart
 *   reports.c      what agents see of their nodes
 *   calendar.c     windows, freezes, and what is begun outside of them
 *   operator.c     what people ask for
 *   faults.c       what breaks
 *   watchers.c     what must hold at the moment something happens
 *   invariants.c   what must hold between any two moments, and at the end
 *   matrix.c       one fault at a time, in every stage of every strategy
 *   coverage.c     rows that fired
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "agent/core/session.h"
#include "coordinator/core/state.h"

/* Two systems count their WAL apart, and blue is old: nothing that green does comes so far. */
#define SIM_OLD_POSITION     1000000
#define SIM_SHARDS_MAX       2
#define SIM_NODES_MAX        16
#define SIM_REVISIONS_MAX    3
#define SIM_CHILDREN_MAX     16
#define SIM_PACKETS_MAX      8192
#define SIM_LEDGER_MAX       512
#define SIM_ORDERS_MAX       8192
#define SIM_STEP_MS          100
#define SIM_PATIENT_MS       1000 /* a step while nothing but a plan's expiry is waited for */
#define SIM_FAULTS_MS        90000
#define SIM_LONG_FAULTS_MS   460000 /* longer than an unknown step is waited for */
#define SIM_END_MS           6000000
#define SIM_MENDED_MS        300000 /* after the last rollout: repairs must have ended by then */
#define SIM_ROLLOUTS_MAX     4
#define SIM_RULES_MAX        3000
#define SIM_DRAIN_MS         5000
#define SIM_BEATS_PER_REPORT 10
#define SIM_REPORT_BYTES_MAX 65536
#define SIM_IN_FLIGHT_MS     10000 /* what is ordered takes effect within, almost always */

enum sim_colour { COLOUR_NONE, COLOUR_BLUE, COLOUR_GREEN };

enum sim_release { RELEASE_OLD, RELEASE_NEW };

/* A task's child process: its effect falls somewhere between its start and its end. */
struct sim_child {
    bool is_used;
    struct order order;
    uint64_t term, next_term, term_changes_at_ms; /* as the agent told it, after a while */
    uint64_t effect_at_ms, keeps_at_ms, ends_at_ms;
    bool has_effect, has_kept_file, fails, is_retryable, is_inspection, of_replica, is_cancelled;
    bool is_mend; /* nobody ordered it: the agent puts its edge right */
    bool is_kept, is_superseded, is_misplaced;
    bool is_late;   /* a drain: a game is in progress there */
    bool has_lock;  /* of the agent's shadows: one task at a time */
    unsigned rests; /* a backfill: how often it gave way to players */
    uint64_t rests_until_ms;
    uint64_t position;
};

/* What a database holds; a replica's is an earlier moment of its primary's. */
struct sim_database {
    unsigned applied, expanded, contracted; /* bits by revision */
    unsigned severed;                       /* bits by node: game servers that it does not let in */
    uint64_t reverted[SIM_REVISIONS_MAX];   /* the rollout whose revert has its row there */
    uint64_t term;
    uint64_t open_rollout; /* that its term row names */
    unsigned drift;        /* changes by hand, that no revision knows of */
    uint64_t position;
    uint64_t writes; /* acknowledged to players, and still there */
    uint64_t bound;  /* of those: values that only a lossy revision's columns hold */
    /* of one with a twin */
    enum twin_state twin;
    uint64_t twin_rollout; /* whose following that is */
    uint64_t closed_by;    /* the rollout that lets no game role in; 0: it is open */
    uint64_t slot_of;      /* the rollout whose slot it keeps for its follower; 0: none */
    bool is_opened;        /* to players, as the one that followed: the switch is decided */
    bool is_refused;       /* the other side has opened again: it must not be any more */
    bool has_yielded;      /* closed, with the other side open in its place */
    uint64_t restored_in;  /* the rollout that put a backup in its place; 0: none */
    bool follows_back;     /* it follows the one that followed it */
};

/* Which colour gets an edge's traffic, and how much of it the other one gets. */
struct sim_split {
    int live;
    uint64_t share_permille;
};

struct sim_node {
    char name[NAME_SIZE];
    enum node_kind kind;
    int shard;     /* -1: an edge, which carries all */
    bool is_alive; /* the agent's process */
    bool is_enrolled;
    bool starts_out;      /* in the edges' own configuration */
    uint64_t joins_at_ms; /* of one that is not */
    bool is_blind;        /* its agent cannot measure */
    bool is_stopped;      /* it does not run, but is not gone */
    bool is_cut;          /* one-way partition: it hears, but is not heard */
    uint64_t back_at_ms;
    struct agent_session *session;
    struct entry *ledger;
    size_t ledger_count;
    char identity[IDENTITY_SIZE], journal[JOURNAL_SIZE];
    uint64_t term;
    struct sim_child children[SIM_CHILDREN_MAX];
    bool is_watched, has_news; /* for its reports */
    unsigned owed_reports;
    unsigned beats;
    struct text *reported;            /* without what always changes */
    uint64_t beat_at_ms, heard_at_ms; /* the coordinator took its last report then */
    int colour;                       /* of a game server or a twin; COLOUR_NONE: it has none */

    /* a database */
    struct sim_database database;
    bool is_down;  /* the server, with its host */
    bool believes; /* that it is the primary */
    uint64_t timeline;
    uint64_t replays_at_ms;    /* it does not replay before */
    uint64_t imposes_until_ms; /* its agent reports another's instance */
    bool can_shadow;
    uint64_t backup_of;         /* the last rollout that backed it up … */
    struct sim_database backup; /* … and what it was then */
    uint64_t shadow_of;         /* the rollout whose shadow is in its scratch folder; 0: none */
    bool shadow_is_half;        /* begun, and never finished */

    /* a game server */
    enum sim_release release;
    bool is_sick;                    /* its probes fail, whatever the release */
    bool is_dead;                    /* its process, while its agent is there */
    uint64_t revives_at_ms;          /* somebody starts it again, as it was */
    uint64_t died_last_ms;           /* the last moment at which it was dead */
    bool was_taken_out_dead;         /* nobody lost anything by it */
    enum sim_release release_before; /* the present rollout */
    bool was_there;                  /* enrolled, when that was planned */
    uint64_t latency_ms;             /* of its answers, more or less */
    uint64_t plays_until_ms;         /* a game is in progress on it … */
    int plays_at;                    /* … by this edge */
    bool is_told;                    /* that it is being drained, and nothing else since */
    bool is_out_by_plan;             /* taken out by a rollout that goes forward */

    /* an edge */
    enum traffic_state traffic[SIM_NODES_MAX], file[SIM_NODES_MAX];
    enum traffic_state meant[SIM_NODES_MAX]; /* as ordered, whatever a hand made of it since */
    bool is_out_by_hand[SIM_NODES_MAX];
    uint64_t requests[SIM_NODES_MAX], errors[SIM_NODES_MAX]; /* since it was loaded */
    struct sim_split split, split_file, split_meant; /* as it is; in its map's file; as ordered */

    /* a pooler: an edge that carries no players */
    bool is_pooler;
    bool is_paused;
    uint64_t busy_until_ms; /* a transaction is open until then: no pause is had before */
    uint64_t word_at_ms;    /* the last moment when the agent could know that a pause stands */
    bool was_let_go;        /* by its agent, or by a restart: not by an order */
    uint64_t let_go_at_ms;
    bool has_forgotten;   /* its ledger was lost while it was paused */
    bool points_at_green; /* of a shard with twins */
};

/* A primary and its replicas. */
struct sim_side {
    int primary; /* the true one */
    int first, count;
};

struct sim_shard {
    char name[NAME_SIZE];
    struct sim_side live, rest; /* rest: with twins, the one that pools do not point at */
    bool has_twins, is_lossy;
    int truth; /* the database that acknowledged last */
    int first_game, game_count;
    int side_before;     /* the colour of its databases, when the present rollout was planned */
    int live_before;     /* the colour that had its traffic when the present rollout was planned */
    uint64_t dies_at_ms; /* its primary's host; 0: nothing is to come */
    uint64_t promotes_at_ms; /* 0: nothing is to come */
    uint64_t promoted_at_ms;
    uint64_t restored_at_ms;     /* its primary, from the backup; 0: nothing is to come */
    uint64_t was_restored_at_ms; /* to a moment that may be older than the rollout */
    struct sim_database backup;
    uint64_t acknowledged;  /* writes, less those that a promotion may lose */
    uint64_t new_since_ms;  /* the new release ran first: it turns bad a while later */
    uint64_t waited_at_ms;  /* its players: in vain, or for more than VITALS_FLOOR_MS */
    uint64_t agreed_at_ms;  /* the last gate that compared its databases passed */
    uint64_t drifted_at_ms; /* somebody changed the schema by hand */
    bool lost_schema;       /* a promotion lost what a release in traffic needs */
    bool loss_is_known;     /* the coordinator took a report of it */
    uint64_t loss_known_last_ms;
    struct sim_database before;
    uint64_t expanded_in;  /* the last rollout that expanded here */
    uint64_t backed_up_in; /* likewise */
    bool is_closed;        /* a maintenance took somebody out, and nobody has been let in since */
};

struct sim_packet {
    uint64_t due_ms;
    int from, to; /* node, or -1: the coordinator */
    char *bytes;
    size_t size;
};

/* What a seed has decided to let happen. */
struct sim_fate {
    bool release_turns_bad;
    bool is_patient;        /* a plan expires first */
    bool is_long;           /* faults go on for longer than an unknown step is waited for */
    enum task grudge;       /* whoever begins this task dies … */
    uint64_t grudge_ms;     /* … for so long */
    unsigned grudges;       /* so often */
    enum task coup;         /* once this task has begun, its database's host dies */
    enum task failing_task; /* fails so often, whoever does it */
    unsigned failures;
    bool fails_back;     /* on the way back only */
    unsigned late;       /* percent of packets */
    unsigned slow;       /* percent of children */
    unsigned crashes_in; /* steps, of the coordinator */
    bool coup_in_holding;
    unsigned meddling; /* per thousand steps */
    bool has_moves;    /* nodes leave the cluster, and join it */
    unsigned failing;  /* percent of children */
    bool rehearses;    /* its operators do, often */
    bool backs_up;     /* likewise */
    bool has_windows;
    bool compares;          /* soaks are long enough to be compared with what was before */
    unsigned slower;        /* so many times as slow is the new release; 1: it is not */
    bool fails_requests;    /* it answers some of them with a 5xx */
    bool games, long_games; /* players are in the middle of something */
    bool is_full_ledger;    /* a game agent's, until its disk is replaced */
};

/* One fault, in the middle of one stage, in a world in which nothing else breaks. */
enum sim_fault {
    CELL_NONE, /* a world of random faults */
    CELL_TASK_FAILS,
    CELL_AGENT_KILLED,
    CELL_COORDINATOR_KILLED,
    CELL_EDGES_UNREACHABLE,
    CELL_REPLICA_STOPS,
    CELL_PLAYERS_WAIT, /* twice as long as before */
    CELL_FAULT_COUNT
};
struct sim_cell {
    enum strategy strategy;
    enum stage stage;
    enum direction direction;
    enum sim_fault fault;
    bool is_met, is_due, is_slow;
    uint64_t step, heals_at_ms;
    int node; /* whose step it is; -1: a gate's, nobody's */
};

struct sim {
    uint64_t seed, random, now_ms, step_ms;
    uint64_t restored_after; /* the rollout that an operator last took back by its backups */
    bool is_faulty, is_traced;
    struct sim_fate fate;
    struct sim_cell cell;
    struct control *control; /* NULL: the coordinator is down */
    uint64_t control_back_at_ms;
    struct decisions *decisions;
    struct text **journal; /* encoded facts */
    uint64_t *journal_of;  /* the rollout whose own a fact is; 0: the cluster's */
    size_t journal_count, journal_capacity;
    uint64_t journal_open;                   /* the rollout whose facts come now; 0: none */
    struct order_id ordered[SIM_ORDERS_MAX]; /* what the journal says was ordered */
    size_t ordered_count;
    struct sim_node nodes[SIM_NODES_MAX];
    int node_count;
    struct sim_shard shards[SIM_SHARDS_MAX];
    int shard_count;
    struct sim_packet packets[SIM_PACKETS_MAX];
    size_t packet_count;
    struct catalog catalog;
    struct windows windows;
    unsigned revision_count;
    unsigned lossy, has_backfill;       /* bits */
    uint64_t acted_term[SIM_NODES_MAX]; /* the highest that took effect on a node */
    uint64_t maintained_rollout;        /* the last that takes everybody out */
    uint64_t contracted_rollout;        /* whose contract took effect */
    uint64_t shadow_rollout;            /* the newest that is a rehearsal by itself; 0: none was */
    uint64_t undone_rollout[SIM_SHARDS_MAX][SIM_REVISIONS_MAX];
    bool has_colours;
    bool has_twins;
    bool was_overruled; /* an operator skipped a step: what it was for is his business now */
    bool has_lost_data; /* an operator accepted it */
    uint64_t rang_at_ms;
    uint64_t ended_ms, mended_ms;
    uint64_t faults, rollouts;
    char violation[512];
};

struct sim *sim_new(uint64_t seed, bool is_traced);
struct sim *sim_new_cell(uint64_t seed, const struct sim_cell *cell, bool is_traced);
/* Runs it to its end. False, with the sentence in violation, if an invariant broke. */
bool sim_run(struct sim *sim);

/* ---- world.c ---- */
uint64_t sim_below(struct sim *sim, uint64_t limit);
bool sim_chance(struct sim *sim, unsigned percent); /* only while faulty */
bool sim_rarely(struct sim *sim, uint64_t one_in);  /* only while faulty */
void sim_trace(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_break(struct sim *sim, const char *what);
int sim_node_at(const struct sim *sim, const char *name); /* -1: nobody */

/* ---- birth.c ---- */
void sim_enroll(struct sim *sim, int at);
const char *sim_revision_name(unsigned revision);
unsigned sim_revision_bit(const char *name); /* 0: none of the plan's */
unsigned sim_all_revisions(const struct sim *sim);

/* ---- network.c ---- */
void network_post(struct sim *sim, int from, int to, enum message_type type, uint64_t term,
                  const void *body);
void network_deliver(struct sim *sim);

/* ---- office.c ---- */
void office_start(struct sim *sim);
void office_run(struct sim *sim);
void office_hear(struct sim *sim, int from, const struct message *message);
void office_ask(struct sim *sim, struct request *request);
void office_check_fold(struct sim *sim);
void office_restart(struct sim *sim);
void office_kill(struct sim *sim);

/* ---- post.c ---- */
void post_start(struct sim *sim, int at);
void post_kill(struct sim *sim, int at, uint64_t for_ms);
void post_run(struct sim *sim, int at);
void post_event(struct sim *sim, int at, const struct session_event *event);
void post_lose_ledger(struct sim *sim, int at);
void post_fill_ledger(struct sim *sim, int at);

/* ---- child.c ---- */
void child_start(struct sim *sim, int at, const struct entry *entry, bool is_inspection,
                 bool of_replica);
void child_mend(struct sim *sim, int at, const struct entry *entry);
void child_run_all(struct sim *sim, int at);
void child_tell_term(struct sim *sim, int at, uint64_t term);
void child_tell_players(struct sim *sim, int at, uint64_t wait_ms, uint64_t limit_ms);
/* A backfill that players feel is at work there. */
bool child_fills(const struct sim *sim, int shard);

/* ---- database.c ---- */
struct sim_database *database_of(struct sim *sim, int shard); /* its primary's */
void database_act(struct sim *sim, int at, struct sim_child *child);
bool database_is_shadow_task(enum task task);
bool database_shows(const struct sim_node *node, const struct order *order);
void database_run(struct sim *sim);
void database_fail_over(struct sim *sim, int shard);
void database_fail_soon(struct sim *sim, int shard);

/* ---- edge.c ---- */
void edge_act(struct sim *sim, int at, struct sim_child *child);
bool edge_shows(struct sim *sim, struct sim_node *edge, const struct order *order);
void edge_reload(struct sim *sim, int at);
void edge_forget(struct sim *sim, int at);  /* a reload without a state file */
void edge_by_hand(struct sim *sim, int at); /* somebody takes a server out of traffic */
/* Its agent was last told to take the game server out, and did. */
bool edge_was_told_out(const struct sim *sim, const struct sim_node *edge, int game);
/* As it was told, or by a hand's doing; or it forgot, and nobody there knows better. */
bool edge_lets_in(const struct sim *sim, const struct sim_node *edge, int game);
/* Its colour is the one that gets traffic there, as it really is. */
bool edge_favours(const struct sim_node *edge, const struct sim_node *game);
bool edge_split_equals(const struct sim_split *a, const struct sim_split *b);
int sim_other_colour(int colour);
/* It gives its traffic, or would after a reload, to another colour than its agent last saw to. */
bool edge_strays(const struct sim_node *edge);
/* Somebody flips its map by hand. */
void edge_flip(struct sim *sim, int at);
const char *sim_colour_name(int colour);
int sim_colour_named(const char *name);
/* It sends traffic to nobody whom its agent was last told to take out. */
bool edge_obeys(const struct sim *sim, const struct sim_node *edge);
bool edge_sends(const struct sim *sim, int game);        /* some edge sends it traffic */
bool edge_has_left_out(const struct sim *sim, int game); /* some edge does not */

/* ---- twin.c ---- */
void twin_act(struct sim *sim, int at, struct sim_child *child);
/* What its task waits for has not come yet. */
bool twin_is_early(const struct sim *sim, int at, const struct sim_child *child);
bool twin_waits(const struct sim *sim, int at, const struct sim_child *child);
bool twin_shows(const struct sim_node *node, const struct order *order);
/* Of its own WAL; of what is done with both, agents once said where the other one's stood. */
uint64_t twin_said_position(const struct sim *sim, int at, const struct sim_child *child);
bool twin_is_of_another_system(const struct sim_node *node, const struct order *order);
void twin_run(struct sim *sim, struct sim_shard *shard);
/* A game server's write, through one of the pools: where it is acknowledged, or -1. */
int twin_writes_to(struct sim *sim, struct sim_shard *shard);
bool twin_has_lost_mirror(const struct sim *sim);
/* An agent's own doing: nobody has said for long that it should be closed; a rollout is over. */
void twin_reopen(struct sim *sim, int at, const struct entry *entry);
void twin_end_following(struct sim *sim, int at, uint64_t rollout);
void twin_drop_slots(struct sim *sim, int at, uint64_t rollout);
void twin_point(struct sim *sim, int at, const struct order *order);
void twin_break(struct sim *sim, int at);
void twin_report(const struct sim *sim, int at, struct report *ret);
const char *twin_fault(const struct sim *sim, const struct sim_shard *shard);
const char *twin_fault_at_end(const struct sim *sim, const struct summary *last);
/* ---- calendar.c ---- */
void calendar_make(struct sim *sim);
void calendar_watch(struct sim *sim, const struct fact *fact);
void calendar_check_way_back(struct sim *sim);

/* ---- players.c ---- */
/* By that edge; -1: by any. */
bool players_are_in_a_game(const struct sim *sim, int game, int edge);
void players_leave(struct sim *sim, int game);
bool players_hold_up(struct sim *sim, int at, struct sim_child *child);
void players_run(struct sim *sim);
/* How long the game server takes for an answer, now. */
uint64_t players_wait_ms(struct sim *sim, const struct sim_node *game);
void players_watch(struct sim *sim, const struct fact_step *fact, const struct step *step);

/* ---- pooler.c ---- */
static inline bool is_balancer(const struct sim_node *node)
{
    return node->kind == KIND_EDGE && !node->is_pooler;
}
void pooler_act(struct sim *sim, int at, struct sim_child *child);
/* A pause has yet to be had. */
bool pooler_waits(const struct sim *sim, const struct sim_node *pooler,
                  const struct sim_child *child);
/* The child's last deed, before its last word. */
void pooler_end(struct sim *sim, int at, struct sim_child *child);
bool pooler_shows(const struct sim *sim, const struct sim_node *pooler, const struct order *order);
bool pooler_holds_back(const struct sim *sim, int shard); /* some pooler of it */
void pooler_break(struct sim *sim, int at);
void pooler_hear(struct sim *sim, int at, const struct message *message);
void pooler_run(struct sim *sim, int at);
const char *pooler_fault(const struct sim *sim); /* NULL, or what must not be */

/* ---- reports.c ---- */
void report_fill(struct sim *sim, int at, struct report *ret);

/* ---- operator.c ---- */
void operator_run(struct sim *sim);
/* A rollout was just planned: how everything stands. */
void operator_note_before(struct sim *sim);
bool sim_is_waiting_for_expiry(const struct sim *sim);

/* ---- faults.c ---- */
void faults_run(struct sim *sim);
void faults_at_task(struct sim *sim, int at, struct sim_child *child);
void faults_heal(struct sim *sim);

/* ---- watchers.c: sim_break() what must not happen ---- */
void watch_order(struct sim *sim, const struct order_id *id, uint64_t term);
void watch_fact(struct sim *sim, const struct fact *fact);
void watch_effect(struct sim *sim, int at, const struct sim_child *child);
/* was_in: it was in traffic there until now. */
/* The coordinator took a report. */
void watch_report(struct sim *sim, int from);
/* An agent is told how long players wait. */
void watch_players_word(struct sim *sim, const struct sim_node *node, uint64_t wait_ms,
                        uint64_t limit_ms);
void watch_drain(struct sim *sim, int game, const struct order *order, bool was_in);

/* ---- invariants.c: NULL, or what broke ---- */
const char *invariant_broken(struct sim *sim);
const char *invariant_ended(const struct sim *sim);
bool invariant_is_mended(const struct sim *sim); /* nobody waits to be repaired */

/* ---- matrix.c ---- */
void matrix_fact(struct sim *sim, const struct fact_step *fact);
void matrix_run(struct sim *sim);
bool matrix_fails(const struct sim *sim, const struct sim_child *child);
/* Every cell; prints those that break, or that no seed meets. True if there is none. */
bool matrix_run_all(void);

/* ---- coverage.c ---- */
void coverage_note(const uint32_t *rules, size_t count);
/* Prints the rows that no seed fired. True if there is none. */
bool coverage_print(void);

#endif
