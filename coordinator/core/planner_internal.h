/* planner_internal.h: what planning forward and planning back share. */
#ifndef COORDINATOR_CORE_PLANNER_INTERNAL_H
#define COORDINATOR_CORE_PLANNER_INTERNAL_H

#include "coordinator/core/compat.h"
#include "coordinator/core/compile.h"
#include "coordinator/core/planner.h"

struct planner {
    const struct control *control;
    const void *parent;
    struct plan *plan;
    struct compile_shard *shards;
    size_t shard_count;
    struct error *err;
};

/* Options, shards, who takes part; an error says who is missing. */
enum error_code planner_begin(struct planner *p, const struct request *request);

/* ---- planner_check.c: p->err says what is missing ---- */

bool planner_knows_shard(const struct planner *p, const char *name);
/* Everybody who takes part, and everybody who is named. */
enum error_code planner_check_presence(struct planner *p);
/* Enough game nodes that one could be taken out. */
enum error_code planner_check_capacity(struct planner *p);

struct plan_revision planner_revision(const struct catalog_revision *row);

/* ---- planner_colour.c: p->err says why there is nothing to switch to ---- */

/* The shard's other colour is to get its traffic, on the plan's release. */
enum error_code planner_choose_colour(struct planner *p, size_t at);
/* A rollout that switched is taken back by a switch first. */
enum error_code planner_choose_colour_back(struct planner *p, size_t at,
                                           const struct plan_shard *before);
/* ---- planner_twin.c: p->err says why there is no other database to switch to ---- */

/* The shard's pools are to point at its other databases. */
enum error_code planner_choose_side(struct planner *p, size_t at);
/* ---- planner_shadow.c ---- */

/* Which database each shard's shadow is made from, if the plan has one. */
enum error_code planner_choose_shadows(struct planner *p);
/* In production a plan that moves a schema has been rehearsed, is to be, or says why not. */
enum error_code planner_check_rehearsal(struct planner *p, const struct request *request);

/* Some shard has revisions to move, or contracts. */
bool planner_moves_schema(const struct planner *p);
/* ---- planner_backup.c ---- */

/* Whether the databases that are changed are backed up first, and by whom. */
enum error_code planner_choose_backups(struct planner *p, const struct request *request);

bool planner_has_nothing_to_do(const struct planner *p);

/* The plan's list: of every shard together, in topological order. */
void planner_collect_revisions(struct planner *p);

/* ERROR_INCOMPATIBLE if the game node could not stay in traffic with that release on that schema.
 */
enum error_code planner_walk_step(struct planner *p, const struct node *game, const char *release,
                                  const struct schema *schema, const char *when);

/* Every game node, forward over every step; back from any point is the same states in the other
 * order. */
enum error_code planner_walk(struct planner *p);

/* Compiles the steps and names the plan by its digest. */
enum error_code planner_finish(struct planner *p);

#endif
