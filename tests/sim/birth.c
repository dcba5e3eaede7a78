/* birth.c: what a seed makes: a cluster, a history, and what is to befall them. */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LATENCY_MIN_MS  30
#define LATENCY_MORE_MS 100

const char *sim_revision_name(unsigned revision)
{
    static const char *const names[SIM_REVISIONS_MAX] = {"r1", "r2", "r3"};

    assert(revision < SIM_REVISIONS_MAX);
    return names[revision];
}

unsigned sim_revision_bit(const char *name)
{
    return name[0] == 'r' && name[1] >= '1' ? 1u << (name[1] - '1') : 0;
}

unsigned sim_all_revisions(const struct sim *sim)
{
    return (1u << sim->revision_count) - 1;
}

/* ---- nodes ---- */

static int add_node(struct sim *sim, const char *kind_name, int number, enum node_kind kind,
                    int shard)
{
    int at = sim->node_count++;
    struct sim_node *node = &sim->nodes[at];

    (void)text_format(node->name, NAME_SIZE, "%s-%d", kind_name, number);
    node->kind = kind;
    node->shard = shard;
    node->timeline = 1;
    node->beat_at_ms = sim_below(sim, BEAT_MS);
    /* The servers of a cluster are alike. */
    node->latency_ms = LATENCY_MIN_MS + sim->seed % LATENCY_MORE_MS;
    if (kind == KIND_EDGE && sim->has_colours)
        node->split.live = node->split_file.live = node->split_meant.live = COLOUR_BLUE;
    node->ledger = memory_array(sim, struct entry, SIM_LEDGER_MAX);
    (void)text_format(node->identity, IDENTITY_SIZE, "%032d", at);
    for (int i = 0; i < SIM_NODES_MAX; i++)
        node->traffic[i] = node->file[i] = node->meant[i] = TRAFFIC_READY;
    return at;
}

/* With twins, the first side is blue, and the second is empty at first. */
static struct sim_side add_side(struct sim *sim, int number, int count, int after)
{
    struct sim_side side = {sim->node_count, sim->node_count, count};

    for (int i = 0; i < count; i++) {
        int at = add_node(sim, "db", number * 10 + after + i + 1, KIND_DATABASE, number);

        sim->nodes[at].can_shadow = i == 0 || sim_below(sim, 2) == 0;
        if (sim->has_twins)
            sim->nodes[at].colour = after == 0 ? COLOUR_BLUE : COLOUR_GREEN;
        if (sim->has_twins && after == 0)
            sim->nodes[at].database.position = SIM_OLD_POSITION;
    }
    sim->nodes[side.primary].believes = true;
    return side;
}

static void add_shard(struct sim *sim, int number)
{
    struct sim_shard *shard = &sim->shards[number];
    int databases = 1 + (int)sim_below(sim, 3);
    int games = (2 + (int)sim_below(sim, 2)) * (sim->has_colours ? 2 : 1);

    (void)text_format(shard->name, NAME_SIZE, "shard-%d", number + 1);
    shard->live = add_side(sim, number, databases, 0);
    shard->truth = shard->live.primary;
    shard->backup.position = sim->nodes[shard->truth].database.position;
    shard->has_twins = sim->has_twins;
    shard->side_before = shard->has_twins ? COLOUR_BLUE : COLOUR_NONE;
    if (shard->has_twins)
        shard->rest = add_side(sim, number, 1 + (int)sim_below(sim, 2), databases);
    shard->first_game = sim->node_count;
    shard->game_count = games;
    for (int i = 0; i < games; i++) {
        int game = add_node(sim, "game", number * 10 + i + 1, KIND_GAME, number);

        if (sim->has_colours)
            sim->nodes[game].colour = i % 2 == 0 ? COLOUR_BLUE : COLOUR_GREEN;
    }
}

/* Twins are switched by them. */
static int pools_for(struct sim *sim, int most)
{
    int count = (int)sim_below(sim, (uint64_t)most + 1);

    return count == 0 && sim->has_twins ? 1 : count;
}

/* Before some shards' primaries there are pools; where there is room, one shard has two. */
static void add_poolers(struct sim *sim)
{
    int most = sim->shard_count == 1 ? 2 : 1;
    int number = 0;

    for (int shard = 0; shard < sim->shard_count; shard++)
        for (int i = pools_for(sim, most); i > 0; i--)
            sim->nodes[add_node(sim, "pool", ++number, KIND_EDGE, shard)].is_pooler = true;
}

void sim_enroll(struct sim *sim, int at)
{
    struct request request = {
        .verb = "accept", .kind = sim->nodes[at].kind, .is_pooler = sim->nodes[at].is_pooler};

    (void)text_copy(request.node, NAME_SIZE, sim->nodes[at].name);
    (void)text_format(request.key, KEY_TEXT_SIZE, "%040d", at);
    (void)text_copy(request.application, NAME_SIZE, sim->nodes[at].name);
    (void)text_copy(request.colour, NAME_SIZE, sim_colour_name(sim->nodes[at].colour));
    if (sim->nodes[at].shard >= 0)
        (void)text_copy(request.shard, NAME_SIZE, sim->shards[sim->nodes[at].shard].name);
    office_ask(sim, &request);
    sim->nodes[at].is_enrolled =
        sim->control != NULL && control_node(sim->control, sim->nodes[at].name) != NULL;
}

/* Its host is there, and nobody has let it in yet; its server starts in maintenance. */
static void keep_for_later(struct sim *sim, int at)
{
    sim->nodes[at].starts_out = true;
    sim->nodes[at].joins_at_ms = sim->nodes[at].back_at_ms = 5000 + sim_below(sim, 80000);
    for (int i = 0; i < sim->node_count; i++)
        sim->nodes[i].traffic[at] = sim->nodes[i].file[at] = sim->nodes[i].meant[at] =
            TRAFFIC_MAINTENANCE;
}

/* ---- revisions: r0 was there before; the old release needs it, the new one the last ---- */

static void add_revision(struct sim *sim, unsigned number)
{
    struct catalog_revision *row = &sim->catalog.revisions[sim->catalog.revision_count++];
    unsigned bit = 1u << number;

    (void)text_copy(row->name, NAME_SIZE, sim_revision_name(number));
    row->parent_count = 1;
    row->parents = memory_array(sim, struct name_item, 1);
    (void)text_copy(row->parents[0].name, NAME_SIZE,
                    number == 0 ? "r0" : sim_revision_name(number - 1));
    row->has_backfill = sim_below(sim, 2) == 0;
    row->has_contract = sim_below(sim, 2) == 0;
    row->has_verify = sim_below(sim, 2) == 0;
    row->has_contract_verify = sim_below(sim, 2) == 0;
    sim->has_backfill |= row->has_backfill ? bit : 0;
    sim->lossy |= sim_below(sim, 5) == 0 ? bit : 0;
}

static void make_catalog(struct sim *sim)
{
    struct catalog *catalog = &sim->catalog;

    sim->revision_count = 1 + (unsigned)sim_below(sim, SIM_REVISIONS_MAX);
    catalog->revisions = memory_array(sim, struct catalog_revision, SIM_REVISIONS_MAX + 1);
    (void)text_copy(catalog->revisions[catalog->revision_count++].name, NAME_SIZE, "r0");
    for (unsigned i = 0; i < sim->revision_count; i++)
        add_revision(sim, i);
    catalog->releases = memory_array(sim, struct catalog_release, 2);
    catalog->release_count = 2;
    (void)text_copy(catalog->releases[0].name, NAME_SIZE, "old");
    (void)text_copy(catalog->releases[0].needs, NAME_SIZE, "r0");
    (void)text_copy(catalog->releases[1].name, NAME_SIZE, "new");
    (void)text_copy(catalog->releases[1].needs, NAME_SIZE,
                    sim_revision_name(sim->revision_count - 1));
}

/* ---- fate ---- */

static enum task any_of(struct sim *sim, unsigned percent, const enum task *tasks, size_t count)
{
    return sim_below(sim, 100) < percent ? tasks[sim_below(sim, count)] : TASK_NONE;
}

/* What befalls those who rehearse. */
static void make_shadows_fate(struct sim *sim)
{
    static const enum task hated[] = {TASK_CLONE, TASK_REHEARSE, TASK_DISCARD};
    struct sim_fate *fate = &sim->fate;

    fate->rehearses = sim_below(sim, 4) == 0;
    if (!fate->rehearses || sim_below(sim, 2) == 0)
        return;
    fate->grudge = hated[sim_below(sim, ARRAY_LEN(hated))];
    fate->failing_task = any_of(sim, 50, hated, ARRAY_LEN(hated));
}

/* By the seed itself: the others go on as they did before there were backups. */
static void make_backups_fate(struct sim *sim)
{
    struct sim_fate *fate = &sim->fate;

    fate->backs_up = sim->seed % 4 == 3;
    if (!fate->backs_up || sim->seed % 3 != 0)
        return;
    fate->grudge = TASK_BACKUP;
    fate->failing_task = TASK_BACKUP;
}

/* What befalls those who have two databases. */
static void make_twins_fate(struct sim *sim)
{
    static const enum task hated[] = {TASK_FOLLOW,    TASK_CLOSE_WRITES, TASK_DRAIN_WAL,
                                      TASK_SEQUENCES, TASK_REVERSE,      TASK_OPEN_WRITES,
                                      TASK_UNREVERSE, TASK_POINT_POOL,   TASK_RESUME_POOL,
                                      TASK_UNFOLLOW,  TASK_CLOSE,        TASK_COMPARE};
    struct sim_fate *fate = &sim->fate;

    if (sim->has_twins && sim_below(sim, 2) == 0) { /* so that it comes as far as a switch */
        fate->crashes_in = 3000;
        fate->failing = 0;
        fate->grudge = fate->coup = TASK_NONE;
        fate->failing_task = TASK_PAUSE_POOL;
        fate->fails_back = true;
        return;
    }
    if (!sim->has_twins)
        return;
    fate->grudge = hated[sim_below(sim, ARRAY_LEN(hated))];
    fate->failing_task = any_of(sim, 50, hated, ARRAY_LEN(hated));
    fate->fails_back = sim_below(sim, 3) == 0;
}

static void make_fate(struct sim *sim)
{
    static const enum task hated[] = {TASK_EXPAND, TASK_BACKFILL, TASK_REVERT,   TASK_CONTRACT,
                                      TASK_DRAIN,  TASK_RELEASE,  TASK_CONTRACT, TASK_REVERT,
                                      TASK_SWITCH, TASK_ADMIT,    TASK_ADMIT,    TASK_PAUSE_POOL,
                                      TASK_NOTIFY, TASK_RECALL};
    static const enum task ending[] = {TASK_EXPAND, TASK_BACKFILL, TASK_REVERT, TASK_CONTRACT,
                                       TASK_VERIFY};
    struct sim_fate *fate = &sim->fate;

    fate->release_turns_bad = sim_below(sim, 4) == 0;
    fate->is_patient = sim_below(sim, 100) == 0;
    fate->is_long = sim_below(sim, 10) == 0;
    fate->late = sim_below(sim, 10) == 0 ? 30 : 5;
    fate->failing = sim_below(sim, 3) == 0 ? (unsigned)sim_below(sim, 20) : 2;
    fate->is_full_ledger = sim_below(sim, 200) < 2;
    fate->grudge = any_of(sim, fate->is_long ? 100 : 30, hated, ARRAY_LEN(hated));
    fate->slow = sim_below(sim, 10) == 0 ? 50 : 5;
    fate->crashes_in = sim_below(sim, 10) == 0 ? 150 : 1500;
    fate->failing_task = any_of(sim, 20, hated, ARRAY_LEN(hated));
    fate->failures = 1 + (unsigned)sim_below(sim, 3);
    fate->grudge_ms = fate->is_long ? SIM_LONG_FAULTS_MS : sim_below(sim, 30000);
    if (fate->is_long && sim_below(sim, 2) == 0)
        fate->grudge = TASK_CONTRACT;
    if (fate->is_long)
        fate->failing = 0;
    make_shadows_fate(sim);
    make_backups_fate(sim);
    fate->compares = sim_below(sim, 5) == 0;
    fate->slower = fate->compares && sim_below(sim, 2) == 0 ? 2 + (unsigned)sim_below(sim, 2) : 1;
    fate->fails_requests = fate->compares && sim_below(sim, 4) == 0;
    fate->games = sim_below(sim, 2) == 0;
    fate->long_games = fate->games && sim_below(sim, 2) == 0;
    fate->has_moves = sim_below(sim, 4) == 0;
    fate->coup_in_holding = sim_below(sim, 6) == 0;
    fate->coup = any_of(sim, 20, ending, ARRAY_LEN(ending));
    fate->meddling = sim_below(sim, 3) == 0 ? (unsigned)sim_below(sim, 20) : 1;
    make_twins_fate(sim);
}

/* What the strategy needs, and no fault but the cell's. */
static void make_calm(struct sim *sim, enum strategy strategy)
{
    sim->shard_count = 1;
    sim->has_colours = strategy == STRATEGY_BLUE_GREEN;
    sim->has_twins = strategy == STRATEGY_TWIN;
    sim->fate.slower = 1;
    sim->fate.compares = sim->cell.fault == CELL_PLAYERS_WAIT;
}

static void make_shape(struct sim *sim)
{
    sim->shard_count = sim_below(sim, 4) == 0 ? 2 : 1;
    sim->has_colours = sim->shard_count == 1 && sim_below(sim, 3) == 0; /* an edge has one map */
    sim->has_twins = sim->shard_count == 1 && !sim->has_colours && sim_below(sim, 2) == 0;
}

static void enroll_all(struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];

        if (sim->fate.has_moves && node->kind == KIND_GAME &&
            i == sim->shards[node->shard].first_game + 2 && sim_below(sim, 2) == 0) {
            keep_for_later(sim, i);
            continue;
        }
        sim_enroll(sim, i);
        post_start(sim, i);
    }
}

struct sim *sim_new_cell(uint64_t seed, const struct sim_cell *cell, bool is_traced)
{
    struct sim *sim = memory_new(NULL, struct sim);

    sim->seed = seed;
    sim->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    sim->is_traced = is_traced;
    sim->cell = *cell;
    sim->decisions = decisions_new(sim);
    make_catalog(sim);
    if (cell->fault == CELL_NONE)
        make_shape(sim);
    else
        make_calm(sim, cell->strategy);
    for (int i = 0; i < sim->shard_count; i++)
        add_shard(sim, i);
    for (int edges = 1 + (sim_below(sim, 4) == 0); edges > 0; edges--)
        (void)add_node(sim, "edge", edges, KIND_EDGE, -1);
    add_poolers(sim);
    if (cell->fault == CELL_NONE) {
        make_fate(sim);
        sim->fate.has_windows = sim_below(sim, 4) == 0;
    }
    if (sim->fate.has_windows)
        calendar_make(sim);
    office_start(sim);
    enroll_all(sim);
    sim->is_faulty = cell->fault == CELL_NONE;
    return sim;
}

struct sim *sim_new(uint64_t seed, bool is_traced)
{
    return sim_new_cell(seed, &(struct sim_cell){.fault = CELL_NONE}, is_traced);
}
