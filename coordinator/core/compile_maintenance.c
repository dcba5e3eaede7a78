/* compile_maintenance.c: the order of sections where nobody plays: all shards are closed, changed
 * and switched side by side; only when all of them are there are contracts begun, and players let
 * in.
 */
#include "coordinator/core/compile_internal.h"

#include "common/base/memory.h"

/* Who has nothing to be done is not closed for it. */
static bool is_concerned(const struct compile_shard *shard)
{
    return shard->revision_count > 0 || shard->contract_count > 0 || shard->release[0] != '\0';
}

/* Something behind the hold that is not taken back. */
static bool burns(const struct compiler *c, const struct compile_shard *shards, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (shards[i].contract_count > 0 ||
            (c->plan->strategy == STRATEGY_RESTORE && shards[i].revision_count > 0))
            return true;
    return false;
}

static void change(struct compiler *c, const struct compile_shard *shard)
{
    ids_set(c, &c->tail, &c->begin);
    compile_all_games(c, SECTION_CLOSE, shard);
    compile_schema(c, SECTION_SCHEMA, shard);
    compile_guards(c, shard);
    if (shard->release[0] != '\0')
        compile_waves(c, shard);
}

static void let_in(struct compiler *c, const struct compile_shard *shard, struct ids *ends)
{
    ids_set(c, &c->tail, &c->ends);
    compile_schema(c, SECTION_FINISH, shard);
    compile_all_games(c, SECTION_OPEN, shard);
    ids_add_all(c, ends, &c->tail);
}

void compile_maintenance(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    bool is_burning = burns(c, shards, count);
    struct ids ends = {NULL, 0, 0};

    for (size_t i = 0; i < count; i++) {
        if (!is_concerned(&shards[i]))
            continue;
        change(c, &shards[i]);
        ids_add_all(c, &ends, &c->tail);
    }
    ids_set(c, &c->ends, &ends);
    if (is_burning)
        compile_hold(c);
    ends.count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_concerned(&shards[i]))
            let_in(c, &shards[i], &ends);
    ids_set(c, &c->ends, &ends);
    if (!is_burning)
        compile_hold(c);
}
