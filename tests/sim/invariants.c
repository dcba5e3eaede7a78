/* invariants.c: what holds at every step of every seed, whatever breaks (design, section 10). */
#include "coordinator/core/control.h"
#include "tests/sim/world.h"

#include <string.h>

/* I1: no node in traffic stands on a schema that it is not compatible with. */
const char *invariant_compatible(const struct sim *sim)
{
    const struct sim_database *database = &sim->nodes[sim->primary].database;
    unsigned needed = (1u << sim->revision_count) - 1;

    for (int i = sim->first_game; i < sim->first_game + sim->game_count; i++) {
        const struct sim_node *game = &sim->nodes[i];

        if (game->traffic != TRAFFIC_READY)
            continue;
        if (game->release == 1 && (database->expanded & needed) != needed)
            return "I1: the new release is in traffic without its schema";
        if (game->release == 0 && database->contracted != sim->before.contracted)
            return "I1: the old release is in traffic on a contracted schema";
    }
    return NULL;
}

/* I2: never fewer than min_ready in traffic by our own doing. */
const char *invariant_ready(const struct sim *sim)
{
    int ready = 0;

    for (int i = sim->first_game; i < sim->first_game + sim->game_count; i++)
        ready += sim->nodes[i].traffic == TRAFFIC_READY;
    return ready == 0 ? "I2: nobody is left in traffic" : NULL;
}

const char *invariant_core(const struct sim *sim)
{
    const char *fault = sim->control == NULL ? NULL : control_broken_invariant(sim->control);

    for (int i = 0; i < sim->node_count && fault == NULL; i++)
        if (sim->nodes[i].is_alive)
            fault = agent_session_broken_invariant(sim->nodes[i].session);
    return fault;
}

static const char *games_fault(const struct sim *sim, unsigned release)
{
    for (int i = sim->first_game; i < sim->first_game + sim->game_count; i++) {
        const struct node *node = control_node(sim->control, sim->nodes[i].name);

        if (node->quarantine == QUARANTINE_NONE && sim->nodes[i].release != release)
            return "I8: a node that is not quarantined runs another release than the rest";
    }
    return NULL;
}

/* I8 and I9, once every rollout is closed. */
const char *invariant_ended(const struct sim *sim)
{
    const struct sim_database *database = &sim->nodes[sim->primary].database;
    const struct summary *last;

    if (sim->control->summary_count == 0)
        return "I8: no rollout ever ended";
    if (sim->was_overruled)
        return NULL;
    last = sim->control->summaries[sim->control->summary_count - 1];
    if (last->state == ROLLOUT_COMPLETED && last->strategy == STRATEGY_ROLLING)
        return games_fault(sim, 1);
    if (last->state != ROLLOUT_REVERTED || last->strategy != STRATEGY_ROLLING)
        return NULL;
    if (last->kept_count == 0 && (database->applied != sim->before.applied ||
                                  database->contracted != sim->before.contracted))
        return "I9: reverted, but the schema is not as before";
    return games_fault(sim, 0);
}
