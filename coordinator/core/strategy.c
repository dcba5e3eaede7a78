#include "coordinator/core/strategy.h"

#include "common/base/text.h"

#include <assert.h>

#define ON(section_, scope_) .section = SECTION_##section_, .scope = SCOPE_##scope_
#define DO(task_)            .task = TASK_##task_
#define UNDO(task_)          .undo = TASK_##task_
#define GATE(gate_)          .gate = GATE_##gate_
#define UNDO_GATE(gate_)     .undo_gate = GATE_##gate_
#define FOR(choice_)         .choice = FOR_##choice_
#define TWIN                 .side = SIDE_TWIN
#define DOC(text)            .doc = text

/* clang-format off */
#define DRAIN_STAGE(section)                                                                       \
    {STAGE_DRAIN, ON(section, EDGES), DO(DRAIN), UNDO(ADMIT),                                      \
        DOC("every edge takes the game node out and waits for its sessions to end")}

/* Side by side: whom no edge sends anybody any more is told so while its sessions end. */
#define TOLD_DRAIN_STAGES(section)                                                                 \
    DRAIN_STAGE(section),                                                                          \
    {STAGE_NOTIFY, ON(section, GAME), DO(NOTIFY), UNDO(RECALL), .beside = true,                    \
        DOC("the game server is told, through the node's hook; on the way back: told otherwise")}

#define GAME_SWITCH_STAGES                                                                         \
    {STAGE_OUT, ON(GAMES, GAME), GATE(OUT), UNDO_GATE(HEALTHY),                                    \
        DOC("every edge says so; on the way back: healthy on the old release")},                   \
    {STAGE_RELEASE, ON(GAMES, GAME), DO(RELEASE), UNDO(RELEASE),                                   \
        DOC("the game server is switched through the node's hook")},                               \
    {STAGE_HEALTHY, ON(GAMES, GAME), GATE(HEALTHY),                                                \
        DOC("the new release's probes pass, steadily")}

#define GAME_STAGES                                                                                \
    TOLD_DRAIN_STAGES(GAMES),                                                                      \
    GAME_SWITCH_STAGES,                                                                            \
    {STAGE_ADMIT, ON(GAMES, EDGES), DO(ADMIT), UNDO(DRAIN),                                        \
        DOC("every edge sends it traffic again")},                                                 \
    {STAGE_SOAK, ON(GAMES, GAME), GATE(SOAK),                                                      \
        DOC("it stays healthy under players' traffic")}

#define SWITCH_STAGES                                                                              \
    {STAGE_SWITCH, ON(SWITCH, SWITCHES), DO(SWITCH), UNDO(SWITCH),                                 \
        DOC("every edge gives all traffic to the other colour, and back")},                        \
    {STAGE_SOAK, ON(PROVE, GAME), GATE(SOAK),                                                      \
        DOC("the colour stays healthy under all of the players' traffic")}

#define PREFLIGHT_STAGE                                                                            \
    {STAGE_PREFLIGHT, ON(BEGIN, EVERY_NODE), DO(PREFLIGHT),                                        \
        DOC("every node says that it could take part")}

#define BACKUP_STAGE                                                                               \
    {STAGE_BACKUP, ON(BACKUP, ONE), DO(BACKUP),                                                    \
        DOC("with --backup: the way back that is left after the contracts")}

#define SCHEMA_STAGES                                                                              \
    {STAGE_AGREE, ON(SCHEMA, SHARD), GATE(AGREE), UNDO_GATE(AGREE),                                \
        DOC("every database has the primary's fingerprint, before anything and after going back")}, \
    {STAGE_CATCH_UP, ON(SCHEMA, REPLICAS), DO(AWAIT_REPLAY), UNDO(AWAIT_REPLAY),                   \
        DOC("replicas are near; on the way back: they have replayed the reverts")},                \
    {STAGE_EXPAND, ON(SCHEMA, PRIMARY), DO(EXPAND), UNDO(REVERT),                                  \
        DOC("what both releases can use")},                                                        \
    {STAGE_BACKFILL, ON(SCHEMA, PRIMARY), FOR(BACKFILL), DO(BACKFILL),                             \
        DOC("rows are filled in batches; taken back with its expand")},                            \
    {STAGE_REPLAY, ON(SCHEMA, REPLICAS), DO(AWAIT_REPLAY),                                         \
        DOC("every replica has replayed it")},                                                     \
    {STAGE_AGREE, ON(SCHEMA, SHARD), GATE(AGREE),                                                  \
        DOC("every database has the primary's fingerprint")},                                      \
    {STAGE_VERIFY, ON(SCHEMA, DATABASES), FOR(VERIFY), DO(VERIFY),                                 \
        DOC("every database passes verify.sql")}

#define GUARD_STAGES                                                                               \
    {STAGE_SEVER, ON(GUARD, GAME), UNDO(END_SESSIONS), .undo_only = true,                          \
        DOC("on the way back, if its agent is silent: its database sessions are ended")},          \
    {STAGE_ISOLATE, ON(GUARD, EDGES), UNDO(ISOLATE), .undo_only = true,                            \
        DOC("on the way back, if its agent is silent: it is cut off at every edge")}

/* Of every game node, where nobody plays meanwhile. */
#define TAKE_OUT_STAGES                                                                            \
    {STAGE_ANNOUNCE, ON(CLOSE, GAME), DO(ANNOUNCE),                                                \
        DOC("players are told, through the node's hook")},                                         \
    TOLD_DRAIN_STAGES(CLOSE)

#define LET_IN_STAGES                                                                              \
    {STAGE_RECALL, ON(OPEN, GAME), DO(RECALL),                                                     \
        DOC("its server is told: one that had the release already was not started anew")},         \
    {STAGE_ADMIT, ON(OPEN, EDGES), DO(ADMIT), UNDO(DRAIN),                                         \
        DOC("every edge sends it traffic again")},                                                 \
    {STAGE_SOAK, ON(OPEN, GAME), GATE(SOAK),                                                       \
        DOC("it stays healthy under players' traffic")}

#define CONTRACT_STAGES_ON(side_)                                                                  \
    {STAGE_CONTRACT, ON(FINISH, PRIMARY), FOR(CONTRACT), DO(CONTRACT), .side = (side_),            \
        DOC("what only old releases needed is removed: no way back")},                             \
    {STAGE_REPLAY, ON(FINISH, REPLICAS), DO(AWAIT_REPLAY), .side = (side_),                        \
        DOC("every replica has replayed it")},                                                     \
    {STAGE_AGREE, ON(FINISH, SHARD), GATE(AGREE), .side = (side_),                                 \
        DOC("every database has the primary's fingerprint")},                                      \
    {STAGE_VERIFY, ON(FINISH, DATABASES), FOR(CONTRACT_VERIFY), DO(VERIFY), .side = (side_),       \
        DOC("every database passes verify.contract.sql")}
#define CONTRACT_STAGES CONTRACT_STAGES_ON(SIDE_LIVE)

static const struct stage_row rolling[] = {
    PREFLIGHT_STAGE,
    BACKUP_STAGE,
    SCHEMA_STAGES,
    GUARD_STAGES,
    GAME_STAGES,
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to go back without a backup")},
    CONTRACT_STAGES,
};

static const struct stage_row blue_green[] = {
    PREFLIGHT_STAGE,
    BACKUP_STAGE,
    SCHEMA_STAGES,
    GUARD_STAGES,
    DRAIN_STAGE(GAMES), /* it rests: there is nobody whom it could tell */
    GAME_SWITCH_STAGES,
    {STAGE_SMOKE, ON(GAMES, GAME), DO(SMOKE),
        DOC("tried through the node's own path, while it takes no traffic")},
    {STAGE_ADMIT, ON(GAMES, EDGES), DO(ADMIT), UNDO(DRAIN),
        DOC("every edge has it ready, and its colour still gets no traffic")},
    SWITCH_STAGES,
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to go back, with one switch: the other colour is still warm")},
    TOLD_DRAIN_STAGES(RETIRE), /* the colour that was left */
    {STAGE_OUT, ON(RETIRE, GAME), GATE(OUT),
        DOC("every edge says so")},
    {STAGE_RELEASE, ON(RETIRE, GAME), DO(RELEASE), UNDO(RELEASE),
        DOC("what the contracts take away it can do without, too")},
    {STAGE_HEALTHY, ON(RETIRE, GAME), GATE(HEALTHY),
        DOC("the new release's probes pass, steadily")},
    {STAGE_ADMIT, ON(RETIRE, EDGES), DO(ADMIT), UNDO(DRAIN),
        DOC("every edge has it ready for the next switch")},
    CONTRACT_STAGES,
};

/* Its SECTION_SHADOW goes before the others of whatever strategy is rehearsed first. */
static const struct stage_row shadow[] = {
    {STAGE_PREFLIGHT, ON(BEGIN, EVERY_NODE), DO(PREFLIGHT),
        DOC("every node says that it could take part")},
    {STAGE_CLONE, ON(SHADOW, SHADOW), DO(CLONE), UNDO(DISCARD),
        DOC("the database is copied aside: a replica's, where one has a scratch folder")},
    {STAGE_REHEARSE, ON(SHADOW, SHADOW), DO(REHEARSE),
        DOC("expand, backfill, verify, the way back, contract and the workload, on the copy")},
    {STAGE_DISCARD, ON(SHADOW, SHADOW), DO(DISCARD),
        DOC("the copy is stopped and removed")},
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("nothing is left to do")},
};

/* The schema changes while nobody plays and no pool lets a query through. Pools are open while game
 * servers are switched: one that connects as it starts would hang. What contracts remove nobody may
 * still need, so that they come when the new release has been seen to be healthy everywhere; without
 * contracts, players are let in before the hold. The way back does not ask for a pause: nobody
 * plays, and a pool that cannot be paused must not stand in it. */
static const struct stage_row maintenance[] = {
    PREFLIGHT_STAGE,
    BACKUP_STAGE,
    TAKE_OUT_STAGES,
    {STAGE_OUT, ON(CLOSE, GAME), GATE(OUT), UNDO_GATE(HEALTHY),
        DOC("every edge says so; on the way back: healthy on the old release")},
    {STAGE_PAUSE, ON(SCHEMA, POOLERS), DO(PAUSE_POOL), UNDO(RESUME_POOL),
        DOC("every pooler holds queries back")},
    SCHEMA_STAGES,
    {STAGE_RESUME, ON(SCHEMA, POOLERS), DO(RESUME_POOL),
        DOC("queries go on: game servers may connect as they start")},
    GUARD_STAGES,
    {STAGE_RELEASE, ON(GAMES, GAME), DO(RELEASE), UNDO(RELEASE),
        DOC("the game server is switched through the node's hook")},
    {STAGE_HEALTHY, ON(GAMES, GAME), GATE(HEALTHY),
        DOC("the new release's probes pass, steadily")},
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to go back without a backup")},
    {STAGE_PAUSE, ON(FINISH, POOLERS), DO(PAUSE_POOL), UNDO(RESUME_POOL),
        DOC("every pooler holds queries back")},
    CONTRACT_STAGES,
    {STAGE_RESUME, ON(FINISH, POOLERS), DO(RESUME_POOL),
        DOC("queries go on")},
    {STAGE_HEALTHY, ON(OPEN, GAME), GATE(HEALTHY),
        DOC("its probes pass, steadily, on the schema as it is now")},
    LET_IN_STAGES,
};

/* The other side is copied, migrated and compared while nobody uses it.  Then writes are closed for
 * a moment: a marker, the sequences, and a replication back are in place before the first write on
 * the other side, so that going back is the same in mirror, and loses nothing either way.  Undone
 * from the end to the beginning. */
static const struct stage_row database_blue_green[] = {
    PREFLIGHT_STAGE,
    BACKUP_STAGE,
    {STAGE_AGREE, ON(TWIN, SHARD), GATE(AGREE), UNDO_GATE(AGREE),
        DOC("every database has the primary's fingerprint, before anything and after going back")},
    {STAGE_FOLLOW, ON(TWIN, ONE), DO(FOLLOW), UNDO(UNFOLLOW), TWIN,
        DOC("the other side is a copy, and follows")},
    {STAGE_CATCH_UP, ON(TWIN, REPLICAS), DO(AWAIT_REPLAY), TWIN,
        DOC("its replicas have replayed the copy")},
    {STAGE_EXPAND, ON(TWIN, PRIMARY), DO(EXPAND), TWIN,
        DOC("on the copy; taken back with it")},
    {STAGE_BACKFILL, ON(TWIN, PRIMARY), FOR(BACKFILL), DO(BACKFILL), TWIN,
        DOC("rows are filled in batches")},
    {STAGE_REPLAY, ON(TWIN, REPLICAS), DO(AWAIT_REPLAY), TWIN,
        DOC("every replica of it has replayed it")},
    {STAGE_AGREE, ON(TWIN, SHARD), GATE(AGREE), TWIN,
        DOC("every database of that side has its primary's fingerprint")},
    {STAGE_VERIFY, ON(TWIN, DATABASES), FOR(VERIFY), DO(VERIFY), TWIN,
        DOC("every database of that side passes verify.sql")},
    {STAGE_COMPARE, ON(TWIN, ONE), DO(COMPARE), TWIN,
        DOC("the rows of both sides are the same, while writes go on")},
    {STAGE_PAUSE, ON(TWIN, POOLERS), DO(PAUSE_POOL), UNDO(RESUME_POOL),
        DOC("every pooler holds queries back: players wait from here")},
    {STAGE_CLOSE_WRITES, ON(TWIN, ONE), DO(CLOSE_WRITES), UNDO(OPEN_WRITES),
        DOC("nobody writes to the side that is left")},
    {STAGE_DRAIN_WAL, ON(TWIN, ONE), DO(DRAIN_WAL), TWIN,
        DOC("the last write has come over")},
    {STAGE_COMPARE, ON(TWIN, ONE), DO(COMPARE), TWIN, .is_closed = true,
        DOC("the rows of both sides are the same, as far as there is time")},
    {STAGE_SEQUENCES, ON(TWIN, ONE), DO(SEQUENCES), TWIN,
        DOC("sequences go on beyond where they stood")},
    {STAGE_REVERSE, ON(TWIN, ONE), DO(REVERSE), UNDO(UNREVERSE),
        DOC("the side that is left follows, before the other's first write")},
    {STAGE_OPEN_WRITES, ON(TWIN, ONE), DO(OPEN_WRITES), UNDO(CLOSE_WRITES), TWIN,
        DOC("the other side lets players in: from here on it may have writes of its own")},
    {STAGE_POINT, ON(TWIN, POOLERS), DO(POINT_POOL), UNDO(POINT_POOL),
        DOC("every pool points at the other side, and back")},
    {STAGE_RESUME, ON(TWIN, POOLERS), DO(RESUME_POOL), UNDO(PAUSE_POOL),
        DOC("queries go on, there")},
    {STAGE_DRAIN_WAL, ON(TWIN, ONE), UNDO(DRAIN_WAL), .undo_only = true,
        DOC("on the way back, before anybody is held back: what players write there comes over")},
    {STAGE_SOAK, ON(PROVE, GAME), GATE(SOAK),
        DOC("every game node stays healthy on the other side")},
    GUARD_STAGES,
    GAME_STAGES,
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to go back: the side that was left still follows")},
    {STAGE_CLOSE, ON(FINISH, ONE), DO(CLOSE),
        DOC("the side that was left stays behind: no way back")},
    CONTRACT_STAGES_ON(SIDE_TWIN),
};

static const struct stage_row inverse[] = {
    {STAGE_PREFLIGHT, ON(BEGIN, EVERY_NODE), DO(PREFLIGHT),
        DOC("every node says that it could take part")},
    SWITCH_STAGES,
    GAME_STAGES,
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to go forward again")},
    {STAGE_REVERT, ON(FINISH, PRIMARY_BACKWARD), DO(REVERT),
        DOC("the schema is taken back where nothing is lost by it")},
    {STAGE_REPLAY, ON(FINISH, REPLICAS), DO(AWAIT_REPLAY),
        DOC("every replica has replayed it")},
    {STAGE_AGREE, ON(FINISH, SHARD), GATE(AGREE),
        DOC("every database has the primary's fingerprint")},
};

/* Behind the contracts there is only this: what was written since the backup is lost from the
 * database (it is kept beside it). The new release cannot use the old schema nor the old release the
 * new one: everybody is out meanwhile, and switched only then. */
static const struct stage_row restore[] = {
    PREFLIGHT_STAGE,
    TAKE_OUT_STAGES,
    {STAGE_OUT, ON(CLOSE, GAME), GATE(OUT), UNDO_GATE(HEALTHY),
        DOC("every edge says so; on the way back: healthy as it is")},
    {STAGE_HOLD, ON(HOLD, CLUSTER), GATE(HOLD),
        DOC("the last moment to leave the databases as they are")},
    {STAGE_RESTORE, ON(FINISH, ONE), DO(RESTORE),
        DOC("the backup takes the database's place, which is kept under another name")},
    {STAGE_REPLAY, ON(FINISH, REPLICAS), DO(AWAIT_REPLAY),
        DOC("every replica has replayed it")},
    {STAGE_AGREE, ON(FINISH, SHARD), GATE(AGREE),
        DOC("every database has the primary's fingerprint")},
    {STAGE_RELEASE, ON(OPEN, GAME), DO(RELEASE), UNDO(RELEASE),
        DOC("the game server is switched through the node's hook")},
    {STAGE_HEALTHY, ON(OPEN, GAME), GATE(HEALTHY),
        DOC("the old release's probes pass, steadily")},
    LET_IN_STAGES,
};

static const struct stage_row repair[] = {
    {STAGE_DRAIN, ON(GAMES, EDGES), DO(DRAIN),
        DOC("out of traffic, whatever became of it meanwhile")},
    {STAGE_ALLOW, ON(GAMES, GAME), DO(ALLOW_SESSIONS),
        DOC("its database sessions are let in again")},
    {STAGE_RELEASE, ON(GAMES, GAME), DO(RELEASE),
        DOC("its goal's release")},
    {STAGE_HEALTHY, ON(GAMES, GAME), GATE(HEALTHY),
        DOC("its probes pass, steadily")},
    {STAGE_RECALL, ON(GAMES, GAME), DO(RECALL),
        DOC("its server is told, should it believe that it is being drained")},
    {STAGE_ADMIT, ON(GAMES, EDGES), DO(ADMIT),
        DOC("into traffic again")},
};
/* clang-format on */

static const struct {
    const struct stage_row *stages;
    size_t count;
} strategies[] = {
    [STRATEGY_ROLLING] = {rolling, ARRAY_LEN(rolling)},
    [STRATEGY_INVERSE] = {inverse, ARRAY_LEN(inverse)},
    [STRATEGY_REPAIR] = {repair, ARRAY_LEN(repair)},
    [STRATEGY_BLUE_GREEN] = {blue_green, ARRAY_LEN(blue_green)},
    [STRATEGY_SHADOW] = {shadow, ARRAY_LEN(shadow)},
    [STRATEGY_MAINTENANCE] = {maintenance, ARRAY_LEN(maintenance)},
    [STRATEGY_TWIN] = {database_blue_green, ARRAY_LEN(database_blue_green)},
    [STRATEGY_RESTORE] = {restore, ARRAY_LEN(restore)},
};
static_assert(ARRAY_LEN(strategies) == STRATEGY_COUNT_, "a strategy has no stages");

const struct stage_row *strategy_stages(enum strategy strategy, size_t *ret_count)
{
    assert(strategy < STRATEGY_COUNT_);
    *ret_count = strategies[strategy].count;
    return strategies[strategy].stages;
}

bool strategy_closes(enum strategy strategy)
{
    return strategy == STRATEGY_MAINTENANCE || strategy == STRATEGY_RESTORE;
}

bool strategy_leads_back(enum strategy strategy)
{
    return strategy == STRATEGY_INVERSE || strategy == STRATEGY_RESTORE;
}
