/* report.h: what an agent says of its node: everything that a gate, a guard or a person looks at.
 */
#ifndef PROTO_REPORT_H
#define PROTO_REPORT_H

#include "proto/task.h"
#include "proto/words.h"

#define REPORT_REVISIONS_MAX 4096
#define REPORT_PROBES_MAX    16
#define SHARE_ALL_PERMILLE   1000 /* of an edge's traffic */
#define REPORT_SERVERS_MAX   1024
#define REPORT_DATABASES_MAX 16
#define REPORT_TWINS_MAX     8
#define REPORT_POOLS_MAX     16 /* consoles of one agent */
#define POOL_HOST_SIZE       256

struct name_item {
    char name[NAME_SIZE];
};

struct probe_result {
    char name[NAME_SIZE];
    bool passes;
    bool could_measure; /* false: the verdict is error, not fail */
    uint64_t latency_ms;
    uint64_t age_ms; /* since it was measured, by the agent's monotonic clock */
    char text[128];
};

/* What a database was given under a revision's name. */
struct revision_checksum {
    char name[NAME_SIZE];
    char checksum[DIGEST_SIZE];
    char meaning[DIGEST_SIZE]; /* of it without comments and white space; "": not kept then */
};

/* A session of a game role. */
struct game_session {
    char role[NAME_SIZE];
    char application[NAME_SIZE];
};

/* Of a game node, as one edge says. */
struct server_traffic {
    char node[NAME_SIZE];
    enum traffic_state state;
    bool check_passes;
    bool asks_agent; /* the edge asks the node's agent, and obeys it: an agent-check */
    uint64_t sessions;
    uint64_t requests;      /* since the edge started */
    uint64_t errors;        /* 5xx among them */
    char colour[NAME_SIZE]; /* whose traffic it would get; "": the edge knows no colours */
};

/* Of a pool, as one PgBouncer's console says. */
struct pool_report {
    char console[NAME_SIZE]; /* HOST:PORT, or the folder of its socket; cut */
    bool could_measure;      /* false: it does not answer, and what follows is not known */
    bool is_paused;          /* queries are held back; transactions may still be under way */
    char
        server[NAME_SIZE]; /* the database node that it points at; "": at none that is configured */
    char host[POOL_HOST_SIZE];
    uint64_t port;
    char database[NAME_SIZE];
    uint64_t clients_active;
    uint64_t clients_waiting;
    uint64_t servers_active; /* in a transaction, or logging in */
    uint64_t servers_idle;
    uint64_t longest_wait_ms;
    uint64_t wait_limit_ms; /* query_wait_timeout; 0: clients wait for ever */
};

/* What a database has to do with the one on the other side of a blue-green pair. */
struct twin_report {
    struct name_item *nodes; /* whom its agent is configured to follow */
    size_t node_count;
    enum twin_state state;
    char follows[NAME_SIZE]; /* the node that it follows, or followed; "": none */
    uint64_t rollout;        /* whose following that is */
    uint64_t lag_bytes;      /* of the publisher's WAL, not applied here yet */
    uint64_t lag_ms;         /* since the last heartbeat that was seen to come */
    uint64_t closed_by;      /* the rollout that closed it for the game roles; 0: it is open */
    uint64_t slot_of;        /* the oldest rollout whose slot stands in this database; 0: none */
    uint64_t slot_bytes;     /* WAL that it keeps */
    bool slot_is_lost;
    char fault[SENTENCE_SIZE]; /* why it is broken */
    bool has_yielded;          /* the other one is open in its place: it stays closed */
};

/* The newest backup that was made before a rollout, in the folder of a primary's agent. */
struct backup_report {
    uint64_t rollout;           /* 0: none is there */
    char journal[JOURNAL_SIZE]; /* of the coordinator whose rollout that was; its first letters */
    char made_at[NAME_SIZE];
    bool is_counted;    /* what was written since; not: the server counts anew since */
    uint64_t changes;   /* rows, a row that was written twice twice */
    uint64_t wal_bytes; /* of the whole server */
};

struct database_report {
    char system_id[SYSTEM_ID_SIZE];
    char instance[DIGEST_SIZE]; /* hash of system id, database, postmaster start, data directory */
    uint64_t timeline;
    bool is_primary;           /* asked from the database, not configured */
    struct name_item *applied; /* expand.sql has run; backfilled or not */
    size_t applied_count;
    struct revision_checksum *checksums; /* of what has been applied, or begun to be */
    size_t checksum_count;
    struct name_item *expanded; /* E */
    size_t expanded_count;
    struct name_item *contracted; /* C */
    size_t contracted_count;
    uint64_t open_rollout; /* that its term row names; 0: none */
    bool can_shadow;       /* its agent has a scratch folder */
    bool can_back_up;      /* its agent has a folder for backups */
    uint64_t shadow_of;    /* the oldest rollout that has left a shadow here; 0: none */
    struct backup_report backup;
    struct twin_report twin;
    char fingerprint[FINGERPRINT_SIZE];
    uint64_t fingerprint_age_ms;
    uint64_t drift_count;      /* objects that are not as the last run left them */
    char drift[SENTENCE_SIZE]; /* which */
    uint64_t position;         /* insert (primary) or replay (standby) WAL position */
    uint64_t lag_bytes;
    uint64_t lag_ms;
    struct game_session *sessions; /* kinds of them, of the game roles */
    size_t session_count;
};

struct report {
    enum node_kind kind;
    bool is_up; /* the agent's own word; false: down at once */
    bool could_measure;
    char fault[SENTENCE_SIZE]; /* why not, or what is wrong */
    uint64_t age_ms;
    struct database_report database;
    char release[NAME_SIZE]; /* of a game node: what its server says it runs */
    uint64_t sessions;
    struct name_item *reads; /* database nodes that the game server uses */
    size_t read_count;
    struct probe_result *probes;
    size_t probe_count;
    struct server_traffic *servers;
    size_t server_count;
    struct pool_report *pools; /* of an edge that is a pooler: one for each console */
    size_t pool_count;
    uint64_t disk_free_bytes;
    char live[NAME_SIZE]; /* of an edge: the colour that it sends traffic to; "": it knows none */
    /* Of an edge that can split its traffic: the colour that gets a share of what the live one
     * would get; 0: none of it. */
    bool can_split;
    char next[NAME_SIZE];
    uint64_t share_permille;
    bool live_is_kept; /* after a reload all of it would be the same */
};

extern const struct record name_item_record;
extern const struct record twin_report_record;
extern const struct record report_record;

#endif
