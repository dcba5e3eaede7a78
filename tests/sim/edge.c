/* edge.c: who gets traffic at which edge, and what a reload remembers: its state file. */
#include "tests/sim/world.h"

static enum traffic_state state_of(enum task task)
{
    switch ((int)task) {
    case TASK_DRAIN:
        return TRAFFIC_DRAIN;
    case TASK_ADMIT:
        return TRAFFIC_READY;
    case TASK_ISOLATE:
        return TRAFFIC_MAINTENANCE;
    default:
        return TRAFFIC_UNKNOWN;
    }
}

bool edge_sends(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_EDGE && sim->nodes[i].traffic[game] == TRAFFIC_READY)
            return true;
    return false;
}

bool edge_has_left_out(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].kind == KIND_EDGE && sim->nodes[i].traffic[game] != TRAFFIC_READY)
            return true;
    return false;
}

/* First at the running process, a moment later in the file, and read back until it is so. */
void edge_act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *edge = &sim->nodes[at];
    int game = sim_node_at(sim, child->order.arguments.target);
    enum traffic_state wanted = state_of(child->order.task);

    if (game < 0 || wanted == TRAFFIC_UNKNOWN)
        return;
    if (edge->traffic[game] != wanted) {
        edge->traffic[game] = wanted;
        if (wanted != TRAFFIC_READY)
            watch_drain(sim, game, &child->order);
        else if (!edge_has_left_out(sim, game))
            sim->nodes[game].is_out_by_plan = false;
    }
    if (child->has_effect)
        edge->file[game] = wanted;
}

/* Looking at what was done keeps it, too: whoever did it may have died before. */
bool edge_shows(const struct sim *sim, struct sim_node *edge, const struct order *order)
{
    int game = sim_node_at(sim, order->arguments.target);
    enum traffic_state wanted = state_of(order->task);

    if (game < 0 || wanted == TRAFFIC_UNKNOWN)
        return false;
    if (edge->traffic[game] != wanted &&
        !(wanted == TRAFFIC_DRAIN && edge->traffic[game] == TRAFFIC_MAINTENANCE))
        return false;
    edge->file[game] = edge->traffic[game];
    return true;
}

void edge_reload(struct sim *sim, int at)
{
    struct sim_node *edge = &sim->nodes[at];

    sim_trace(sim, "%s is reloaded", edge->name);
    for (int i = 0; i < sim->node_count; i++)
        edge->traffic[i] = edge->file[i];
}
