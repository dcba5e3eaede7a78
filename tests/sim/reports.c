/* reports.c: what agents see of their nodes. */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#define TURNS_BAD_MS 6000 /* after the new release first ran in its shard */

static struct name_item *name_bits(unsigned bits, bool has_base, const void *parent,
                                   size_t *ret_count)
{
    struct name_item *items = memory_array(parent, struct name_item, SIM_REVISIONS_MAX + 1);

    *ret_count = 0;
    if (has_base)
        (void)text_copy(items[(*ret_count)++].name, NAME_SIZE, "r0");
    for (unsigned i = 0; i < SIM_REVISIONS_MAX; i++)
        if ((bits & 1u << i) != 0)
            (void)text_copy(items[(*ret_count)++].name, NAME_SIZE, sim_revision_name(i));
    return items;
}

/* Two agents that report one instance: a copied configuration. */
static const char *instance_of(const struct sim *sim, const struct sim_node *node)
{
    if (sim->now_ms < node->imposes_until_ms)
        return sim->nodes[sim->shards[node->shard].live.first].name; /* of its own side */
    return node->name;
}

static void report_database(const struct sim *sim, const struct sim_node *node, struct report *ret)
{
    struct database_report *database = &ret->database;
    const struct sim_database *from = &node->database;

    (void)text_format(database->system_id, SYSTEM_ID_SIZE, "70%d%s", node->shard,
                      node->colour == COLOUR_GREEN ? "9" : "");
    (void)text_copy(database->instance, DIGEST_SIZE, instance_of(sim, node));
    database->timeline = node->timeline;
    database->is_primary = node->believes;
    database->applied = name_bits(from->applied, true, ret, &database->applied_count);
    database->expanded = name_bits(from->expanded, true, ret, &database->expanded_count);
    database->contracted = name_bits(from->contracted, false, ret, &database->contracted_count);
    (void)text_format(database->fingerprint, FINGERPRINT_SIZE, "f%u.%u.%u", from->applied,
                      from->contracted, from->drift);
    database->position = from->position;
    database->open_rollout = from->open_rollout;
    database->can_shadow = node->can_shadow;
    database->can_back_up = true;
    database->backup.rollout = node->backup_of;
    (void)text_format(database->backup.journal, JOURNAL_SIZE, "%.8s", node->journal);
    database->backup.is_counted = true;
    database->backup.changes = from->writes - node->backup.writes;
    database->shadow_of = node->shadow_of;
}

static void report_edge(const struct sim *sim, const struct sim_node *edge, struct report *ret)
{
    int at = (int)(edge - sim->nodes);

    ret->servers = memory_array(ret, struct server_traffic, SIM_NODES_MAX);
    (void)text_copy(ret->live, NAME_SIZE, sim_colour_name(edge->split.live));
    ret->can_split = sim->has_colours;
    (void)text_copy(ret->next, NAME_SIZE, sim_colour_name(sim_other_colour(edge->split.live)));
    ret->share_permille = edge->split.share_permille;
    ret->live_is_kept = edge_split_equals(&edge->split, &edge->split_file);
    for (int i = 0; i < sim->node_count; i++) {
        struct server_traffic *server = &ret->servers[ret->server_count];

        if (sim->nodes[i].kind != KIND_GAME)
            continue;
        (void)text_copy(server->node, NAME_SIZE, sim->nodes[i].name);
        server->state = edge->traffic[i];
        server->sessions = players_are_in_a_game(sim, i, at);
        server->requests = edge->requests[i];
        server->errors = edge->errors[i];
        server->check_passes = !sim->nodes[i].is_dead;
        if (sim->nodes[i].is_dead && server->state == TRAFFIC_READY)
            server->state = TRAFFIC_DOWN;
        (void)text_copy(server->colour, NAME_SIZE, sim_colour_name(sim->nodes[i].colour));
        if (!edge_favours(edge, &sim->nodes[i]) &&
            (server->state == TRAFFIC_READY || server->state == TRAFFIC_DOWN))
            server->state = TRAFFIC_IDLE;
        ret->server_count++;
    }
}

/* A pool follows its side's primary. */
static const char *pointed_at(const struct sim *sim, const struct sim_node *pooler)
{
    const struct sim_shard *shard = &sim->shards[pooler->shard];
    bool is_live =
        pooler->points_at_green == (sim->nodes[shard->live.primary].colour == COLOUR_GREEN);

    return sim->nodes[is_live ? shard->live.primary : shard->rest.primary].name;
}

static void report_pool(const struct sim *sim, const struct sim_node *pooler, struct report *ret)
{
    ret->pools = memory_array(ret, struct pool_report, 1);
    ret->pool_count = 1;
    (void)text_copy(ret->pools[0].console, NAME_SIZE, pooler->name);
    ret->pools[0].could_measure = !pooler->is_blind;
    ret->pools[0].is_paused = !pooler->is_blind && pooler->is_paused;
    if (sim->has_twins)
        (void)text_copy(ret->pools[0].server, NAME_SIZE, pointed_at(sim, pooler));
    ret->pools[0].servers_active = sim->now_ms < pooler->busy_until_ms;
}

static void report_game(struct sim *sim, const struct sim_node *node, struct report *ret)
{
    bool turned_bad = node->release == RELEASE_NEW && sim->fate.release_turns_bad &&
                      sim->now_ms - sim->shards[node->shard].new_since_ms > TURNS_BAD_MS;

    ret->is_up = !node->is_dead;
    if (!node->is_dead)
        (void)text_copy(ret->release, NAME_SIZE, node->release == RELEASE_NEW ? "new" : "old");
    ret->probes = memory_array(ret, struct probe_result, 1);
    ret->probe_count = 1;
    (void)text_copy(ret->probes[0].name, NAME_SIZE, "health");
    ret->probes[0].could_measure = true;
    if (sim->fate.compares)
        ret->probes[0].latency_ms = players_wait_ms(sim, node);
    ret->probes[0].passes = !node->is_sick && !node->is_dead && !turned_bad &&
                            !(sim->has_twins && pooler_holds_back(sim, node->shard));
    if (!ret->probes[0].passes)
        sim->shards[node->shard].waited_at_ms = sim->now_ms;
}

void report_fill(struct sim *sim, int at, struct report *ret)
{
    const struct sim_node *node = &sim->nodes[at];

    ret->kind = node->kind;
    ret->is_up = true;
    ret->could_measure = !node->is_blind;
    ret->age_ms = sim_below(sim, 2) == 0 ? 0 : sim_below(sim, BEAT_MS);
    if (node->kind == KIND_DATABASE) {
        report_database(sim, node, ret);
        twin_report(sim, at, ret);
    } else if (node->is_pooler) {
        report_pool(sim, node, ret);
    } else if (node->kind == KIND_EDGE) {
        report_edge(sim, node, ret);
    } else {
        report_game(sim, node, ret);
    }
}
