/* planner_walk.c: compatibility, walked: what a game node in traffic stands on at each step of a
 * plan.
 */
#include "coordinator/core/planner_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/colour.h"

#include <string.h>

enum error_code planner_walk_step(struct planner *p, const struct node *game, const char *release,
                                  const struct schema *schema, const char *when)
{
    char why[SENTENCE_SIZE];

    if (compat_fault(p->control->catalog, release, schema, why) == NULL)
        return ERROR_OK;
    return error_set(p->err, ERROR_INCOMPATIBLE, "%s could not stay in traffic %s: %s",
                     game->identity.name, when, why);
}

/* A shard's schema at a moment of the plan. */
struct moment {
    struct schema schema;
    struct name_item *expanded, *contracted;
};

static struct moment moment_before(struct planner *p, const struct compile_shard *shard,
                                   const struct plan_shard *before)
{
    struct moment moment = {
        .expanded = memory_array(p->parent, struct name_item,
                                 before->expanded_count + shard->revision_count),
        .contracted = memory_array(p->parent, struct name_item,
                                   before->contracted_count + shard->contract_count)};

    memcpy(moment.expanded, before->expanded, before->expanded_count * sizeof(struct name_item));
    memcpy(moment.contracted, before->contracted,
           before->contracted_count * sizeof(struct name_item));
    moment.schema = (struct schema){moment.expanded, before->expanded_count, moment.contracted,
                                    before->contracted_count};
    return moment;
}

static void expand(struct moment *moment, const struct plan_revision *revision)
{
    (void)text_copy(moment->expanded[moment->schema.expanded_count++].name, NAME_SIZE,
                    revision->name);
}

static void contract(struct moment *moment, const struct plan_revision *revision)
{
    (void)text_copy(moment->contracted[moment->schema.contracted_count++].name, NAME_SIZE,
                    revision->name);
}

/* Forward: the old release over every expand, the new one over the whole and every contract.  Back
 * from any point is the same states in the other order. */
static enum error_code walk_game(struct planner *p, const struct compile_shard *shard,
                                 const struct plan_shard *before, const struct node *game)
{
    const char *old = game->report->release;
    const char *new = shard->release[0] != '\0' ? shard->release : old;
    struct moment moment = moment_before(p, shard, before);
    bool rests = colour_rests(p->control, game); /* what it runs meanwhile breaks nobody */

    if (!rests && planner_walk_step(p, game, old, &moment.schema, "as it stands now") != ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < shard->revision_count; i++) {
        expand(&moment, &shard->revisions[i]);
        if (!rests && planner_walk_step(p, game, old, &moment.schema,
                                        "while the schema is expanded") != ERROR_OK)
            return p->err->code;
    }
    if (planner_walk_step(p, game, new, &moment.schema, "after its release is switched") !=
        ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < shard->contract_count; i++) {
        contract(&moment, &shard->contracts[i]);
        if (planner_walk_step(p, game, new, &moment.schema, "while the schema is contracted") !=
            ERROR_OK)
            return p->err->code;
    }
    return ERROR_OK;
}

/* Nobody is in traffic before everything is done: what it is let in with, on what is there then, is
 * all that counts. */
static enum error_code walk_closed_game(struct planner *p, const struct compile_shard *shard,
                                        const struct plan_shard *before, const struct node *game)
{
    const char *new = shard->release[0] != '\0' ? shard->release : game->report->release;
    struct moment moment = moment_before(p, shard, before);

    for (size_t i = 0; i < shard->revision_count; i++)
        expand(&moment, &shard->revisions[i]);
    for (size_t i = 0; i < shard->contract_count; i++)
        contract(&moment, &shard->contracts[i]);
    return planner_walk_step(p, game, new, &moment.schema, "after the maintenance");
}

enum error_code planner_walk(struct planner *p)
{
    bool is_closed = p->plan->strategy == STRATEGY_MAINTENANCE;

    for (size_t s = 0; s < p->shard_count; s++)
        for (size_t g = 0; g < p->shards[s].game_count; g++)
            if ((is_closed ? walk_closed_game : walk_game)(p, &p->shards[s], &p->plan->shards[s],
                                                           p->shards[s].games[g]) != ERROR_OK)
                return p->err->code;
    return ERROR_OK;
}
