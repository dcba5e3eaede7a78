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

/* Forward: the old release over every expand, the new one over the whole and every contract.  Back
 * from any point is the same states in the other order. */
static enum error_code walk_game(struct planner *p, const struct compile_shard *shard,
                                 const struct plan_shard *before, const struct node *game)
{
    const char *old = game->report->release;
    const char *new = shard->release[0] != '\0' ? shard->release : old;
    size_t most = before->expanded_count + shard->revision_count;
    struct name_item *expanded = memory_array(p->parent, struct name_item, most);
    struct name_item *contracted =
        memory_array(p->parent, struct name_item, before->contracted_count + shard->contract_count);
    struct schema schema = {expanded, before->expanded_count, contracted, before->contracted_count};
    bool rests = colour_rests(p->control, game); /* what it runs meanwhile breaks nobody */

    memcpy(expanded, before->expanded, before->expanded_count * sizeof(expanded[0]));
    memcpy(contracted, before->contracted, before->contracted_count * sizeof(contracted[0]));
    if (!rests && planner_walk_step(p, game, old, &schema, "as it stands now") != ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < shard->revision_count; i++) {
        (void)text_copy(expanded[schema.expanded_count++].name, NAME_SIZE,
                        shard->revisions[i].name);
        if (!rests &&
            planner_walk_step(p, game, old, &schema, "while the schema is expanded") != ERROR_OK)
            return p->err->code;
    }
    if (planner_walk_step(p, game, new, &schema, "after its release is switched") != ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < shard->contract_count; i++) {
        (void)text_copy(contracted[schema.contracted_count++].name, NAME_SIZE,
                        shard->contracts[i].name);
        if (planner_walk_step(p, game, new, &schema, "while the schema is contracted") != ERROR_OK)
            return p->err->code;
    }
    return ERROR_OK;
}

enum error_code planner_walk(struct planner *p)
{
    for (size_t s = 0; s < p->shard_count; s++)
        for (size_t g = 0; g < p->shards[s].game_count; g++)
            if (walk_game(p, &p->shards[s], &p->plan->shards[s], p->shards[s].games[g]) != ERROR_OK)
                return p->err->code;
    return ERROR_OK;
}
