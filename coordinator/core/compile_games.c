/* compile_games.c: game nodes: in waves, as a whole colour, and switched to. */
#include "coordinator/core/compile_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/fleet.h"

#include <string.h>

struct chain {
    const struct compile_shard *shard;
    const struct node *game;
    const char *release;
    uint64_t wave;
    uint64_t share_permille; /* of the traffic, that its colour has then; 0: all */
};

static void name_game(const struct chain *chain, struct plan_step *step, const char *node)
{
    (void)text_copy(step->node, NAME_SIZE, node);
    (void)text_copy(step->target, NAME_SIZE, chain->game->identity.name);
    (void)text_copy(step->release, NAME_SIZE, chain->release);
    if (chain->game->report != NULL)
        (void)text_copy(step->release_before, NAME_SIZE, chain->game->report->release);
    step->wave = chain->wave;
}

/* At every edge that carries the game node, side by side. */
static void chain_edges(struct compiler *c, const struct stage_row *row, const struct chain *chain,
                        struct ids *path)
{
    struct ids next = {NULL, 0, 0};

    for (size_t i = 0; i < c->control->node_count; i++) {
        const struct node *edge = c->control->nodes[i];
        struct plan_step *step;

        if (!edge_carries(edge, chain->shard->name))
            continue;
        step = compile_add_step(c, row, chain->shard->name, path);
        if (step == NULL)
            return;
        name_game(chain, step, edge->identity.name);
        ids_add(c, &next, step->id);
    }
    if (next.count > 0)
        ids_set(c, path, &next);
}

static void chain_own(struct compiler *c, const struct stage_row *row, const struct chain *chain,
                      struct ids *path)
{
    struct plan_step *step = compile_add_step(c, row, chain->shard->name, path);

    if (step == NULL)
        return;
    name_game(chain, step, chain->game->identity.name);
    if (row->section == SECTION_PROVE)
        (void)text_copy(step->colour, NAME_SIZE, chain->shard->colour);
    step->share_permille = chain->share_permille;
    path->count = 0;
    ids_add(c, path, step->id);
}

static void chain_stage(struct compiler *c, const struct stage_row *row, const struct chain *chain,
                        struct ids *path)
{
    if (row->scope == SCOPE_EDGES)
        chain_edges(c, row, chain, path);
    else
        chain_own(c, row, chain, path);
}

/* One game node's way through a section; path is what it waits for, and ends as its last steps. */
static void chain_game(struct compiler *c, enum section section, const struct chain *chain,
                       struct ids *path)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);
    struct ids before = {NULL, 0, 0}; /* what the last stage waited for */

    for (size_t i = 0; i < row_count; i++) {
        struct ids beside = {NULL, 0, 0};

        if (rows[i].section != section ||
            (rows[i].stage == STAGE_SOAK && section == SECTION_GAMES &&
             compile_switches(chain->shard)))
            continue;
        if (rows[i].beside) {
            ids_set(c, &beside, &before);
            chain_stage(c, &rows[i], chain, &beside);
            ids_add_all(c, path, &beside);
            continue;
        }
        ids_set(c, &before, path);
        chain_stage(c, &rows[i], chain, path);
    }
}

static const char *release_for(const struct compile_shard *shard, size_t game)
{
    return shard->own_releases == NULL ? shard->release : shard->own_releases[game];
}

bool compile_switches(const struct compile_shard *shard)
{
    return shard->colour != NULL && shard->colour[0] != '\0';
}

static void switch_edges(struct compiler *c, const struct compile_shard *shard,
                         uint64_t share_permille)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);
    struct ids next = {NULL, 0, 0};

    for (size_t i = 0; i < row_count * c->control->node_count; i++) {
        const struct stage_row *row = &rows[i / c->control->node_count];
        const struct node *edge = c->control->nodes[i % c->control->node_count];
        struct plan_step *step;

        if (row->section != SECTION_SWITCH || !edge_carries(edge, shard->name))
            continue;
        step = compile_add_step(c, row, shard->name, &c->tail);
        if (step == NULL)
            return;
        (void)text_copy(step->node, NAME_SIZE, edge->identity.name);
        (void)text_copy(step->colour, NAME_SIZE, shard->colour);
        (void)text_copy(step->colour_before, NAME_SIZE, shard->live);
        step->share_permille = share_permille;
        ids_add(c, &next, step->id);
    }
    ids_set(c, &c->tail, &next);
}

static void chain_colour(struct compiler *c, enum section section,
                         const struct compile_shard *shard, const char *colour,
                         uint64_t share_permille)
{
    struct ids next = {NULL, 0, 0};

    for (size_t i = 0; i < shard->game_count; i++) {
        struct chain chain = {shard, shard->games[i], release_for(shard, i), 0, share_permille};
        struct ids path = {NULL, 0, 0};

        if (strcmp(shard->games[i]->identity.colour, colour) != 0)
            continue;
        ids_set(c, &path, &c->tail);
        chain_game(c, section, &chain, &path);
        ids_add_all(c, &next, &path);
    }
    if (next.count > 0)
        ids_set(c, &c->tail, &next);
}

void compile_colour(struct compiler *c, enum section section, const struct compile_shard *shard,
                    const char *colour)
{
    chain_colour(c, section, shard, colour, 0);
}

void compile_switch(struct compiler *c, const struct compile_shard *shard)
{
    const struct rollout_options *options = &c->plan->options;

    for (size_t i = 0; i < options->share_count; i++) {
        switch_edges(c, shard, options->shares[i]);
        chain_colour(c, SECTION_PROVE, shard, shard->colour, options->shares[i]);
    }
    switch_edges(c, shard, 0);
}

void compile_all_games(struct compiler *c, enum section section, const struct compile_shard *shard)
{
    struct ids next = {NULL, 0, 0};

    for (size_t i = 0; i < shard->game_count; i++) {
        bool is_whatever = section == SECTION_PROVE; /* it runs: databases were switched under it */
        struct chain chain = {shard, shard->games[i], is_whatever ? "" : release_for(shard, i), 1,
                              0};
        struct ids path = {NULL, 0, 0};

        ids_set(c, &path, &c->tail);
        chain_game(c, section, &chain, &path);
        ids_add_all(c, &next, &path);
    }
    if (next.count > 0)
        ids_set(c, &c->tail, &next);
}

/* Cumulative size of a wave, rounded up. */
static size_t wave_end(uint32_t wave, size_t games)
{
    size_t end = wave;

    if (wave >= PLAN_SHARE)
        end = (games * (wave - PLAN_SHARE) + 99) / 100;
    return end > games ? games : end;
}

static bool is_of_colour(const struct compile_shard *shard, size_t game)
{
    return strcmp(shard->games[game]->identity.colour, shard->colour) == 0;
}

bool compile_moves_all(const struct compiler *c, const struct compile_shard *shard)
{
    return c->plan->strategy == STRATEGY_BLUE_GREEN && compile_switches(shard);
}

/* Places in shard->games, in their order. */
static size_t find_movers(const struct compiler *c, const struct compile_shard *shard, size_t *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < shard->game_count; i++) {
        const struct report *report = shard->games[i]->report;
        const char *wanted = release_for(shard, i);
        bool is_there = report != NULL && strcmp(report->release, wanted) == 0;

        if (compile_moves_all(c, shard)
                ? is_of_colour(shard, i)
                : wanted[0] != '\0' && (!is_there || c->plan->strategy == STRATEGY_REPAIR))
            ret[count++] = i;
    }
    return count;
}

void compile_waves(struct compiler *c, const struct compile_shard *shard)
{
    const struct rollout_options *options = &c->plan->options;
    size_t *movers = memory_array(c->scratch, size_t, shard->game_count);
    size_t count = find_movers(c, shard, movers);
    size_t done = 0;
    uint64_t number = 0;

    for (size_t w = 0; w <= options->wave_count && done < count; w++) {
        bool is_whole =
            w == options->wave_count || compile_switches(shard); /* they take no traffic */
        size_t end = is_whole ? count : wave_end(options->waves[w], count);
        struct ids next = {NULL, 0, 0};

        if (end <= done)
            continue;
        number++;
        for (; done < end; done++) {
            struct chain chain = {shard, shard->games[movers[done]],
                                  release_for(shard, movers[done]), number, 0};
            struct ids path = {NULL, 0, 0};

            ids_set(c, &path, &c->tail);
            chain_game(c, SECTION_GAMES, &chain, &path);
            ids_add_all(c, &next, &path);
        }
        ids_set(c, &c->tail, &next);
    }
}

void compile_guards(struct compiler *c, const struct compile_shard *shard)
{
    for (size_t g = 0; shard->revision_count > 0 && g < shard->game_count; g++) {
        struct chain chain = {shard, shard->games[g], shard->release, 0, 0};
        struct ids path = {NULL, 0, 0};

        ids_set(c, &path, &c->tail);
        chain_game(c, SECTION_GUARD, &chain, &path);
    }
}
