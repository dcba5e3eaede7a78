#include "coordinator/core/twin_internal.h"

#include "coordinator/core/fleet.h"

#include <string.h>

const char *twin_live(const struct control *control, const char *shard)
{
    return control_live(control, shard, true);
}

/* The colour of the one database that all of its consoles point at, or "". */
static const char *pooler_colour(const struct control *control, const struct node *pooler)
{
    const struct report *report = pooler->report;
    const struct node *server;

    if (!node_is_known(pooler) || report->pool_count == 0)
        return "";
    for (size_t i = 0; i < report->pool_count; i++)
        if (!report->pools[i].could_measure ||
            strcmp(report->pools[i].server, report->pools[0].server) != 0)
            return "";
    server = control_node(control, report->pools[0].server);
    return server != NULL && server->identity.kind == KIND_DATABASE &&
                   strcmp(server->identity.shard, pooler->identity.shard) == 0
               ? server->identity.colour
               : "";
}

const char *twin_reported(const struct control *control, const char *shard)
{
    const char *common = "";

    for (size_t i = control->kind_begin[KIND_EDGE]; i < control->node_count; i++) {
        const char *colour;

        if (!node_is_pooler(control->nodes[i], shard))
            continue;
        colour = pooler_colour(control, control->nodes[i]);
        if (colour[0] == '\0' || (common[0] != '\0' && strcmp(common, colour) != 0))
            return "";
        common = colour;
    }
    return common;
}

bool twin_rests(const struct control *control, const struct node *database)
{
    const char *live = twin_live(control, database->identity.shard);

    return database->identity.kind == KIND_DATABASE && database->identity.colour[0] != '\0' &&
           live[0] != '\0' && strcmp(database->identity.colour, live) != 0;
}

bool twin_takes_part(const struct control *control, const struct plan *plan,
                     const struct node *node)
{
    return plan->strategy == STRATEGY_TWIN || !twin_rests(control, node);
}

void twin_heard(struct run *run, const struct node *pooler)
{
    const char *shard = pooler->identity.shard;
    const char *colour = twin_reported(run->control, shard);
    struct fact_live *fact;

    if (colour[0] == '\0' || strcmp(colour, twin_live(run->control, shard)) == 0)
        return;
    fact = run_body(run, fact_row(FACT_LIVE)->record);
    (void)text_copy(fact->shard, NAME_SIZE, shard);
    (void)text_copy(fact->colour, NAME_SIZE, colour);
    fact->of_databases = true;
    run_emit(run, FACT_LIVE, fact);
}

static bool is_of_twin(const struct plan_shard *shard, const char *side)
{
    return side[0] != '\0' && strcmp(shard->side, side) == 0;
}

const char *twin_system_id(const struct plan_shard *shard, const char *side)
{
    return is_of_twin(shard, side) ? shard->twin_system_id : shard->system_id;
}

uint64_t twin_timeline(const struct plan_shard *shard, const char *side)
{
    return is_of_twin(shard, side) ? shard->twin_timeline : shard->timeline;
}

const char *twin_other_side(const struct plan_shard *shard, const char *side)
{
    return strcmp(shard->side, side) == 0 ? shard->side_before : shard->side;
}

/* ---- how far a switch is ---- */

const struct plan_shard *twin_next_switched(const struct work *work, size_t *cursor)
{
    const struct plan *plan = work->plan;

    while (*cursor < plan->shard_count) {
        const struct plan_shard *shard = &plan->shards[(*cursor)++];

        if (shard->side[0] != '\0')
            return shard;
    }
    return NULL;
}

const struct step *twin_find_step(const struct work *work, const char *shard, enum stage stage,
                                  const char *side)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage == stage && strcmp(step->plan->shard, shard) == 0 &&
            strcmp(step->plan->side, side) == 0)
            return step;
    }
    return NULL;
}

bool twin_step_was_ordered(const struct step *step)
{
    return step != NULL && step->had_effect;
}

bool twin_step_is_done(const struct step *step)
{
    return step != NULL && step->direction == DIRECTION_DO && step->state == STEP_SUCCEEDED;
}

/* From the order that opens the new side on. */
bool twin_has_writes(const struct work *work, const struct step *step)
{
    const struct plan_shard *shard = work_shard(work, step->plan->shard);

    return shard != NULL && shard->side[0] != '\0' &&
           twin_step_was_ordered(twin_find_step(work, shard->name, STAGE_OPEN_WRITES, shard->side));
}
