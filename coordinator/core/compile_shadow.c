/* compile_shadow.c: the rehearsal before everything else. */
#include "coordinator/core/compile_internal.h"

#include <string.h>

static void name_target(const struct plan *plan, const struct compile_shard *shard,
                        struct plan_step *step)
{
    (void)text_copy(step->revision, NAME_SIZE, plan->revision);
    (void)text_copy(step->release, NAME_SIZE, plan->contracts_for);
    step->of_contract = shard->contract_count > 0;
}

void compile_shadow(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(STRATEGY_SHADOW, &row_count);
    struct ids ends = {NULL, 0, 0};

    for (size_t s = 0; s < count; s++) {
        if (shards[s].shadow_node == NULL)
            continue;
        ids_set(c, &c->tail, &c->begin);
        for (size_t i = 0; i < row_count; i++) {
            struct plan_step *step;

            if (rows[i].section != SECTION_SHADOW)
                continue;
            step = compile_add_step(c, &rows[i], shards[s].name, &c->tail);
            if (step == NULL)
                return;
            (void)text_copy(step->node, NAME_SIZE, shards[s].shadow_node);
            if (step->task == TASK_REHEARSE) /* no other needs the migration files */
                name_target(c->plan, &shards[s], step);
            c->tail.count = 0;
            ids_add(c, &c->tail, step->id);
        }
        ids_add_all(c, &ends, &c->tail);
    }
    if (ends.count > 0)
        ids_set(c, &c->begin, &ends);
}
