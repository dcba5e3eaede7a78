/* task.h: what an agent can do: one row a task.  Both sides read this table, so a plan cannot order
 * what no agent knows.
 */
#ifndef PROTO_TASK_H
#define PROTO_TASK_H

#include "proto/field.h"

enum node_kind { KIND_NONE, KIND_DATABASE, KIND_GAME, KIND_EDGE, KIND_COUNT };

/* Where a task is done: by the node itself; on its shard's primary, whichever that is then; there,
 * and with the other database of a pair, which the order names. */
enum task_place { ON_ITSELF, ON_PRIMARY, ON_TWIN };

/* name, kinds that do it, undo, where, may be cancelled, deadline in ms, what it is */
#define TASKS(X)                                                                                   \
    X(PREFLIGHT, preflight, ANY, NONE, ITSELF, true, 30000,                                        \
      "looks whether the node could take part: roles, versions, disk, lag, locks")                 \
    X(EXPAND, expand, DATABASE, REVERT, PRIMARY, true, 600000,                                     \
      "applies a revision's expand.sql on the primary")                                            \
    X(BACKFILL, backfill, DATABASE, NONE, PRIMARY, true, 86400000,                                 \
      "fills a revision's new columns in batches on the primary")                                  \
    X(CONTRACT, contract, DATABASE, NONE, PRIMARY, true, 600000,                                   \
      "applies a revision's contract.sql on the primary; there is no way back")                    \
    X(REVERT, revert, DATABASE, NONE, PRIMARY, true, 600000,                                       \
      "applies a revision's revert.sql on the primary, unless it would lose data")                 \
    X(AWAIT_REPLAY, await_replay, DATABASE, NONE, ITSELF, true, 60000,                             \
      "waits until the database has replayed a position")                                          \
    X(VERIFY, verify, DATABASE, NONE, ITSELF, true, 60000,                                         \
      "runs a revision's verify.sql or verify.contract.sql")                                       \
    X(BACKUP, backup, DATABASE, NONE, PRIMARY, true, 86400000,                                     \
      "backs the database up into the agent's folder, and counts what is in it")                   \
    X(RESTORE, restore, DATABASE, NONE, PRIMARY, true, 86400000,                                   \
      "puts the backup from before a rollout in the database's place, and keeps what was there")   \
    X(CLONE, clone, DATABASE, DISCARD, ITSELF, true, 3600000,                                      \
      "copies the database into a scratch folder and starts the copy aside: a shadow")             \
    X(REHEARSE, rehearse, DATABASE, NONE, ITSELF, true, 3600000,                                   \
      "brings the shadow's schema to the target, measures it, and runs the workload there")        \
    X(DISCARD, discard, DATABASE, NONE, ITSELF, false, 120000,                                     \
      "stops the shadow and removes its folder")                                                   \
    X(FOLLOW, follow, DATABASE, UNFOLLOW, TWIN, true, 86400000,                                    \
      "copies the other database into this empty one and follows it by logical replication")       \
    X(UNFOLLOW, unfollow, DATABASE, NONE, TWIN, false, 120000,                                     \
      "stops following: subscription, slot and publication are gone, the copy stays as it is")     \
    X(CLOSE_WRITES, close_writes, DATABASE, OPEN_WRITES, TWIN, false, 15000,                       \
      "lets no game role in, ends its sessions, and looks again for writers")                      \
    X(OPEN_WRITES, open_writes, DATABASE, CLOSE_WRITES, TWIN, false, 15000,                        \
      "lets the game roles in again")                                                              \
    X(DRAIN_WAL, drain_wal, DATABASE, NONE, TWIN, true, 30000,                                     \
      "writes a marker in the database that is followed, and waits until it has come")             \
    X(COMPARE, compare, DATABASE, NONE, TWIN, true, 86400000,                                      \
      "compares the rows of both databases by key range: counts and hashes")                       \
    X(SEQUENCES, sequences, DATABASE, NONE, TWIN, false, 30000,                                    \
      "sets every sequence beyond where the other database's stands")                              \
    X(REVERSE, reverse, DATABASE, UNREVERSE, TWIN, false, 30000,                                   \
      "follows the database that followed this one, so that no write is lost by going back")       \
    X(UNREVERSE, unreverse, DATABASE, NONE, TWIN, false, 60000,                                    \
      "takes over what the other database was given meanwhile, and stops following it")            \
    X(CLOSE, close, DATABASE, NONE, TWIN, false, 60000,                                            \
      "ends the replication back: the database that was left stays behind; there is no way back")  \
    X(END_SESSIONS, end_sessions, DATABASE, ALLOW_SESSIONS, PRIMARY, false, 30000,                 \
      "ends a game node's database sessions and keeps it out")                                     \
    X(ALLOW_SESSIONS, allow_sessions, DATABASE, END_SESSIONS, PRIMARY, false, 30000,               \
      "lets a game node's sessions in again")                                                      \
    X(RELEASE, release, GAME, RELEASE, ITSELF, false, 60000,                                       \
      "switches the game server to a release through the node's hook")                             \
    X(SMOKE, smoke, GAME, NONE, ITSELF, true, 30000,                                               \
      "runs the node's probes several times in a row")                                             \
    X(DRAIN, drain, EDGE, ADMIT, ITSELF, true, 60000,                                              \
      "takes a game node out of traffic and waits for its sessions to end")                        \
    X(ADMIT, admit, EDGE, DRAIN, ITSELF, false, 15000, "puts a game node into traffic")            \
    X(ISOLATE, isolate, EDGE, ADMIT, ITSELF, false, 15000,                                         \
      "cuts a game node off: maintenance, its sessions shut")                                      \
    X(SWITCH, switch, EDGE, SWITCH, ITSELF, false, 15000,                                          \
      "gives another colour all traffic, or a share")                                              \
    X(ANNOUNCE, announce, GAME, NONE, ITSELF, true, 60000,                                         \
      "tells a game server's players, through the node's hook, that it will be away for a while")  \
    X(NOTIFY, notify, GAME, RECALL, ITSELF, true, 30000,                                           \
      "tells a game server, through the node's hook, that it is being drained, and until when")    \
    X(RECALL, recall, GAME, NOTIFY, ITSELF, true, 30000,                                           \
      "tells a game server, through the node's hook, that it is no longer being drained")          \
    X(PAUSE_POOL, pause_pool, EDGE, RESUME_POOL, ITSELF, true, 45000,                              \
      "holds every query at the pool's PgBouncers back, once their transactions have ended")       \
    X(RESUME_POOL, resume_pool, EDGE, PAUSE_POOL, ITSELF, false, 15000,                            \
      "lets the pool's queries go on")                                                             \
    X(POINT_POOL, point_pool, EDGE, POINT_POOL, ITSELF, false, 45000,                              \
      "points the pool at another database, in its file and in every PgBouncer")

enum task {
    TASK_NONE,
#define X(upper, lower, kind, undo, place, cancel, deadline, doc) TASK_##upper,
    TASKS(X)
#undef X
        TASK_COUNT
};

struct task_row {
    const char *name;
    enum node_kind kind; /* KIND_NONE: any */
    enum task undo;      /* TASK_NONE: nothing undoes it, or nothing needs to */
    bool on_primary;
    bool names_twin;
    bool can_be_cancelled;
    uint64_t deadline_ms;
    const char *doc;
};

extern const struct field_names task_names;
extern const struct field_names node_kind_names;

const struct task_row *task_row(enum task task);
static inline bool task_suits(enum task task, enum node_kind kind)
{
    enum node_kind wanted = task_row(task)->kind;

    return wanted == KIND_NONE || wanted == kind;
}

#endif
