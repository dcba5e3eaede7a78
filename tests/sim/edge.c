/* edge.c: who gets traffic at which edge, and what a reload remembers: its state file. */
#include "tests/sim/world.h"

#include <string.h>

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

const char *sim_colour_name(int colour)
{
    static const char *const names[] = {
        [COLOUR_NONE] = "", [COLOUR_BLUE] = "blue", [COLOUR_GREEN] = "green"};

    return names[colour];
}

int sim_colour_named(const char *name)
{
    return strcmp(name, "green") == 0 ? COLOUR_GREEN : COLOUR_BLUE;
}

int sim_other_colour(int colour)
{
    return colour == COLOUR_BLUE    ? COLOUR_GREEN
           : colour == COLOUR_GREEN ? COLOUR_BLUE
                                    : COLOUR_NONE;
}

bool edge_split_equals(const struct sim_split *a, const struct sim_split *b)
{
    return a->live == b->live && a->share_permille == b->share_permille;
}

static bool favours(const struct sim_split *split, const struct sim_node *game)
{
    return game->colour == COLOUR_NONE || game->colour == split->live || split->share_permille > 0;
}

bool edge_favours(const struct sim_node *edge, const struct sim_node *game)
{
    return favours(&edge->split, game);
}

/* As ordered. */
static bool is_meant_to_favour(const struct sim_node *edge, const struct sim_node *game)
{
    return favours(&edge->split_meant, game);
}

/* Back to its own configuration, where the server was not let in yet. */
static bool has_forgotten_to_send(const struct sim *sim, const struct sim_node *edge, int game)
{
    return sim->nodes[game].starts_out && edge->traffic[game] == TRAFFIC_MAINTENANCE;
}

bool edge_sends(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[game] == TRAFFIC_READY &&
            !sim->nodes[i].is_out_by_hand[game] &&
            !has_forgotten_to_send(sim, &sim->nodes[i], game) &&
            is_meant_to_favour(&sim->nodes[i], &sim->nodes[game]))
            return true;
    return false;
}

bool edge_has_left_out(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].traffic[game] != TRAFFIC_READY)
            return true;
    return false;
}

static bool is_meant_to_be_in(const struct sim *sim, int game)
{
    for (int i = 0; i < sim->node_count; i++)
        if (is_balancer(&sim->nodes[i]) && sim->nodes[i].meant[game] != TRAFFIC_READY)
            return false;
    return true;
}

static bool was_dead_when_ordered(const struct sim *sim, const struct sim_node *server)
{
    return server->is_dead ||
           (server->died_last_ms != 0 && sim->now_ms - server->died_last_ms < SIM_IN_FLIGHT_MS);
}

/* A share is what the colour gets that is not live. */
static struct sim_split split_of(const struct order *order)
{
    int colour = sim_colour_named(order->arguments.colour);
    uint64_t share = order->arguments.share_permille;

    return (struct sim_split){share == 0 ? colour : sim_other_colour(colour), share};
}

static void edge_switch(struct sim *sim, struct sim_node *edge, const struct sim_child *child)
{
    struct sim_split wanted = split_of(&child->order);

    if (!edge_split_equals(&edge->split, &wanted))
        sim_trace(sim, "%s has %s live, and gives %llu of 1000 to the other colour", edge->name,
                  sim_colour_name(wanted.live), (unsigned long long)wanted.share_permille);
    edge->split = edge->split_meant = wanted;
    if (child->has_effect)
        edge->split_file = wanted;
}

/* First at the running process, a moment later in the file, and read back until it is so. */
void edge_act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *edge = &sim->nodes[at];
    int game = sim_node_at(sim, child->order.arguments.target);
    enum traffic_state wanted = state_of(child->order.task);

    if (child->order.task == TASK_SWITCH) {
        edge_switch(sim, edge, child);
        return;
    }
    if (game < 0 || wanted == TRAFFIC_UNKNOWN)
        return;
    if (edge->traffic[game] != wanted || edge->meant[game] != wanted) {
        struct sim_node *server = &sim->nodes[game];
        bool is_no_loss = was_dead_when_ordered(sim, server);
        /* What the edge forgot and is told again was out before. */
        bool was_in = (child->is_mend ? edge->meant[game] : edge->traffic[game]) == TRAFFIC_READY &&
                      !is_no_loss && edge_favours(edge, server);

        edge->traffic[game] = edge->meant[game] = wanted;
        if (!child->is_mend || wanted == TRAFFIC_READY)
            server->was_taken_out_dead = wanted != TRAFFIC_READY && is_no_loss;
        if (wanted != TRAFFIC_READY && edge_favours(edge, server))
            watch_drain(sim, game, &child->order, was_in);
        else if (is_meant_to_be_in(sim, game))
            sim->nodes[game].is_out_by_plan = false;
    }
    if (wanted == TRAFFIC_MAINTENANCE && sim->nodes[game].plays_at == at)
        players_leave(sim, game);
    edge->is_out_by_hand[game] &= wanted != TRAFFIC_READY;
    if (wanted == TRAFFIC_READY && sim->nodes[game].is_dead && !child->is_mend)
        child->fails = true; /* its check has never passed by the deadline */
    if (child->has_effect)   /* the file is written as a whole */
        memcpy(edge->file, edge->traffic, sizeof(edge->file));
}

/* Looking at what was done keeps it, too: whoever did it may have died before. */
bool edge_shows(struct sim *sim, struct sim_node *edge, const struct order *order)
{
    int game = sim_node_at(sim, order->arguments.target);
    enum traffic_state wanted = state_of(order->task);

    if (order->task == TASK_SWITCH) {
        struct sim_split ordered = split_of(order);

        if (!edge_split_equals(&edge->split, &ordered))
            return false;
        edge->split_file = edge->split_meant = edge->split;
        return true;
    }
    if (game < 0 || wanted == TRAFFIC_UNKNOWN)
        return false;
    if (edge->traffic[game] != wanted &&
        !(wanted == TRAFFIC_DRAIN && edge->traffic[game] == TRAFFIC_MAINTENANCE))
        return false;
    if (wanted != TRAFFIC_READY && players_are_in_a_game(sim, game, (int)(edge - sim->nodes)))
        return false;
    memcpy(edge->file, edge->traffic, sizeof(edge->file));
    edge->meant[game] = edge->traffic[game];
    sim->nodes[game].is_out_by_plan &= !is_meant_to_be_in(sim, game);
    return true;
}

static void forget_figures(struct sim_node *edge)
{
    memset(edge->requests, 0, sizeof(edge->requests));
    memset(edge->errors, 0, sizeof(edge->errors));
}

void edge_reload(struct sim *sim, int at)
{
    struct sim_node *edge = &sim->nodes[at];

    sim_trace(sim, "%s is reloaded", edge->name);
    forget_figures(edge);
    edge->split = edge->split_file;
    for (int i = 0; i < sim->node_count; i++) {
        edge->traffic[i] = edge->file[i];
        /* An admission that had not reached the file is the edge's to lose, not ours. */
        if (edge->meant[i] != TRAFFIC_READY)
            edge->meant[i] = edge->file[i];
    }
}

void edge_forget(struct sim *sim, int at)
{
    struct sim_node *edge = &sim->nodes[at];

    sim_trace(sim, "%s is reloaded, and has forgotten who was out", edge->name);
    forget_figures(edge);
    edge->split = edge->split_file;
    for (int i = 0; i < sim->node_count; i++)
        edge->traffic[i] = sim->nodes[i].starts_out ? TRAFFIC_MAINTENANCE : TRAFFIC_READY;
    /* Whom an order took out after a hand had done it lost nothing by the order. */
    for (int i = 0; i < sim->node_count; i++)
        edge->is_out_by_hand[i] &= edge->meant[i] != TRAFFIC_READY;
}

static const struct entry *last_switch(const struct sim_node *edge)
{
    const struct agent_session *session = edge->session;

    for (size_t i = 0; session != NULL && i < session->wish_count; i++)
        if (session->wishes[i].wish == WISH_SWITCH)
            return agent_session_entry(session, &session->wishes[i].id);
    return NULL;
}

bool edge_strays(const struct sim_node *edge)
{
    const struct entry *entry = last_switch(edge);
    struct sim_split wanted;

    if (entry == NULL || entry->state != ENTRY_ENDED || entry->outcome.outcome != OUTCOME_SUCCEEDED)
        return false;
    wanted = split_of(&entry->order);
    return !edge_split_equals(&edge->split, &wanted) ||
           !edge_split_equals(&edge->split, &edge->split_file);
}

/* Where an agent knows better; elsewhere it is a person's decision. */
void edge_flip(struct sim *sim, int at)
{
    struct sim_node *edge = &sim->nodes[at];
    const struct entry *entry = last_switch(edge);

    if (entry == NULL || entry->state != ENTRY_ENDED || entry->outcome.outcome != OUTCOME_SUCCEEDED)
        return;
    sim_trace(sim, "%s: somebody flips its map by hand", edge->name);
    edge->split = (struct sim_split){.live = sim_other_colour(edge->split.live)};
}

/* Not the last one that it sends traffic to: who does that is beyond help. */
void edge_by_hand(struct sim *sim, int at)
{
    struct sim_node *edge = &sim->nodes[at];
    const struct sim_shard *shard = &sim->shards[sim_below(sim, (uint64_t)sim->shard_count)];
    int game = shard->first_game + (int)sim_below(sim, (uint64_t)shard->game_count);
    int others = 0;

    for (int i = shard->first_game; i < shard->first_game + shard->game_count; i++)
        others += i != game && edge->traffic[i] == TRAFFIC_READY;
    if (others == 0 || edge->traffic[game] != TRAFFIC_READY)
        return;
    sim_trace(sim, "%s: somebody takes %s out by hand", edge->name, sim->nodes[game].name);
    edge->is_out_by_hand[game] = true;
    edge->traffic[game] = sim_below(sim, 2) == 0 ? TRAFFIC_DRAIN : TRAFFIC_MAINTENANCE;
}

bool edge_was_told_out(const struct sim *sim, const struct sim_node *edge, int game)
{
    const struct agent_session *session = edge->session;

    for (size_t i = 0; session != NULL && i < session->wish_count; i++) {
        const struct server_wish *wish = &session->wishes[i];
        const struct entry *entry = agent_session_entry(session, &wish->id);

        if (sim_node_at(sim, wish->target) == game && entry != NULL &&
            entry->state == ENTRY_ENDED && entry->outcome.outcome == OUTCOME_SUCCEEDED &&
            wish->wish != WISH_ADMIT)
            return true;
    }
    return false;
}

bool edge_lets_in(const struct sim *sim, const struct sim_node *edge, int game)
{
    if (!is_meant_to_favour(edge, &sim->nodes[game]))
        return false;
    return edge->meant[game] == TRAFFIC_READY || edge->is_out_by_hand[game] ||
           (edge->traffic[game] == TRAFFIC_READY && !edge_was_told_out(sim, edge, game));
}

bool edge_obeys(const struct sim *sim, const struct sim_node *edge)
{
    for (int i = 0; i < sim->node_count; i++)
        if (edge->traffic[i] == TRAFFIC_READY && edge_was_told_out(sim, edge, i))
            return false;
    return true;
}
