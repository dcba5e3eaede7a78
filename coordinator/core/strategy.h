/* strategy.h: what a strategy does, as a table of stages.  The planner expands stages x shards x
 * waves into steps; a new strategy is a new table.
 */
#ifndef COORDINATOR_CORE_STRATEGY_H
#define COORDINATOR_CORE_STRATEGY_H

#include "proto/plan.h"

/* Which steps a stage becomes. */
enum scope {
    SCOPE_EVERY_NODE,
    SCOPE_PRIMARY,          /* one for each revision, one after another */
    SCOPE_PRIMARY_BACKWARD, /* the same, the last revision first */
    SCOPE_REPLICAS,         /* side by side */
    SCOPE_DATABASES,        /* side by side, for each revision */
    SCOPE_SHARD,            /* one gate */
    SCOPE_GAME,             /* one for each game node of the wave */
    SCOPE_EDGES,            /* for each game node of the wave, at every edge that carries it */
    SCOPE_SWITCHES,         /* one for every edge that carries the shard, side by side */
    SCOPE_POOLERS,          /* side by side, at every pooler of the shard */
    SCOPE_CLUSTER,          /* one gate, after everything before it */
    SCOPE_ONE,              /* one, on the primary */
    SCOPE_SHADOW,           /* one, on the database of the shard that a shadow is made from */
    SCOPE_COUNT
};

/* When a stage's steps come about. */
enum section {
    SECTION_BEGIN,  /* once, before any shard */
    SECTION_SHADOW, /* per shard that has revisions to move, side by side, before any shard */
    SECTION_BACKUP, /* likewise, after that, if the plan asks for it */
    SECTION_CLOSE,  /* per shard, for all its game nodes side by side, whatever they run */
    SECTION_SCHEMA, /* per shard, if it has revisions to move */
    SECTION_TWIN,   /* per shard, if its databases' other side is to have its writes */
    SECTION_GUARD,  /* per shard and game node, beside the waves: for the way back only */
    SECTION_GAMES,  /* per shard and wave, if there is a release to switch */
    SECTION_SWITCH, /* per shard, if another colour is to get its traffic */
    SECTION_PROVE,  /* likewise, for each game node of that colour */
    SECTION_HOLD,   /* once, after all shards */
    SECTION_RETIRE, /* per shard with contracts, for each game node of the colour that was left */
    SECTION_FINISH, /* per shard, after that */
    SECTION_OPEN,   /* per shard, for all its game nodes side by side, after everything else */
    SECTION_COUNT
};
/* A shard's sections come in the order of the table: BEGIN, HOLD, RETIRE and FINISH are the plan's.
 */

/* Which databases, where a shard has two sides. */
enum side { SIDE_LIVE, SIDE_TWIN };

/* Which revisions a stage is for. */
enum choice { FOR_ALL, FOR_BACKFILL, FOR_VERIFY, FOR_CONTRACT, FOR_CONTRACT_VERIFY };

struct stage_row {
    enum stage stage;
    enum section section;
    enum scope scope;
    enum choice choice;
    enum side side;
    bool is_closed; /* writes are closed meanwhile */
    enum task task;
    enum task undo;
    enum gate gate;
    enum gate undo_gate;
    bool undo_only;
    bool beside; /* the stage before it, not after it: what comes next waits for both */
    const char *doc;
};

/* Everybody is taken out of traffic first, and let in when all of it is done. */
bool strategy_closes(enum strategy strategy);
/* It brings back, and so is not bound by what binds going forward. */
bool strategy_leads_back(enum strategy strategy);

const struct stage_row *strategy_stages(enum strategy strategy, size_t *ret_count);

#endif
