#include "coordinator/core/compile.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/strategy.h"
#include "proto/pack.h"
#include "proto/scan.h"

#include <assert.h>
#include <string.h>

#define ENVELOPE_MAX 4096 /* what a fact adds to its plan */

/* A list of step ids. */
struct ids {
    uint32_t *items;
    size_t count, capacity;
};

struct compiler {
    const struct control *control;
    struct plan *plan;
    const void *parent;
    void *scratch;
    size_t capacity;
    struct ids tail;  /* what the next step on this path must wait for */
    struct ids begin; /* SECTION_BEGIN's steps */
    struct ids ends;  /* the last steps of every shard: what the hold waits for */
    bool is_too_large;
};

static void add_id(struct compiler *c, struct ids *ids, uint64_t id)
{
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity == 0 ? 8 : ids->capacity * 2;

        ids->items = memory_grow(c->scratch, ids->items, ids->capacity, capacity);
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = (uint32_t)id;
}

static void set_ids(struct compiler *c, struct ids *ids, const struct ids *from)
{
    ids->count = 0;
    for (size_t i = 0; i < from->count; i++)
        add_id(c, ids, from->items[i]);
}

static void add_all(struct compiler *c, struct ids *ids, const struct ids *from)
{
    for (size_t i = 0; i < from->count; i++)
        add_id(c, ids, from->items[i]);
}

static uint64_t stage_deadline_ms(const struct compiler *c, const struct stage_row *row)
{
    const struct rollout_options *options = &c->plan->options;

    if (row->task == TASK_DRAIN || row->undo == TASK_DRAIN)
        return options->drain_ms + task_row(TASK_ADMIT)->deadline_ms;
    if (row->task == TASK_AWAIT_REPLAY)
        return options->replay_ms;
    if (row->task == TASK_NONE)
        return options->gate_ms;
    return task_row(row->task)->deadline_ms;
}

static uint64_t stage_steady_ms(const struct compiler *c, const struct stage_row *row)
{
    if (row->gate == GATE_SOAK)
        return c->plan->options.soak_ms;
    if (row->gate == GATE_HEALTHY)
        return c->plan->options.steady_ms;
    return 0;
}

/* Adds a step that waits for needs; returns NULL once the plan is too large. */
static struct plan_step *add_step(struct compiler *c, const struct stage_row *row,
                                  const char *shard, const struct ids *needs)
{
    struct plan *plan = c->plan;
    struct plan_step *step;

    if (plan->step_count == PLAN_STEPS_MAX || needs->count > PLAN_NEEDS_MAX) {
        c->is_too_large = true;
        return NULL;
    }
    if (plan->step_count == c->capacity) {
        size_t capacity = c->capacity == 0 ? 64 : c->capacity * 2;

        plan->steps = memory_grow(c->parent, plan->steps, c->capacity, capacity);
        c->capacity = capacity;
    }
    step = &plan->steps[plan->step_count++];
    *step = (struct plan_step){.id = plan->step_count,
                               .stage = row->stage,
                               .task = row->task,
                               .undo = row->undo,
                               .gate = row->gate,
                               .undo_gate = row->undo_gate,
                               .undo_only = row->undo_only,
                               .of_contract = row->choice == FOR_CONTRACT_VERIFY,
                               .deadline_ms = stage_deadline_ms(c, row),
                               .steady_ms = stage_steady_ms(c, row)};
    (void)text_copy(step->shard, NAME_SIZE, shard);
    step->need_count = needs->count;
    step->needs = memory_copy(c->parent, needs->items, needs->count * sizeof(uint32_t));
    return step;
}

static bool is_chosen(enum choice choice, const struct plan_revision *revision)
{
    switch (choice) {
    case FOR_ALL:
        return true;
    case FOR_BACKFILL:
        return revision->has_backfill;
    case FOR_VERIFY:
        return revision->has_verify;
    case FOR_CONTRACT:
        return revision->has_contract;
    case FOR_CONTRACT_VERIFY:
        return revision->has_contract_verify;
    }
    return false;
}

static bool is_chained(const struct stage_row *row)
{
    return row->scope == SCOPE_PRIMARY || row->scope == SCOPE_PRIMARY_BACKWARD;
}

/* A run of primary rows goes revision by revision: expand 1, backfill 1, expand 2 … */
static void chain_revision(struct compiler *c, const struct stage_row *rows, size_t count,
                           const char *shard, const struct plan_revision *revision)
{
    const struct node *primary = fleet_primary(c->control, shard);

    for (size_t i = 0; i < count; i++) {
        struct plan_step *step;

        if (!is_chosen(rows[i].choice, revision))
            continue;
        step = add_step(c, &rows[i], shard, &c->tail);
        if (step == NULL)
            return;
        (void)text_copy(step->revision, NAME_SIZE, revision->name);
        (void)text_copy(step->node, NAME_SIZE, primary == NULL ? "" : primary->identity.name);
        c->tail.count = 0;
        add_id(c, &c->tail, step->id);
    }
}

/* Side by side: all wait for the tail, and together become it. */
static void spread(struct compiler *c, const struct stage_row *row, const char *shard,
                   const struct plan_revision *revisions, size_t revision_count)
{
    bool is_per_revision = row->scope == SCOPE_DATABASES;
    size_t rounds = is_per_revision ? revision_count : 1;
    struct ids next = {NULL, 0, 0};

    for (size_t r = 0; r < rounds; r++) {
        const struct node *node;
        size_t cursor = 0;

        if (is_per_revision && !is_chosen(row->choice, &revisions[r]))
            continue;
        /* What a contract left may rightly be gone after the next one: only the last is asked. */
        if (row->choice == FOR_CONTRACT_VERIFY && r + 1 < rounds)
            continue;
        while ((node = fleet_next(c->control, KIND_DATABASE, shard, &cursor)) != NULL) {
            bool is_replica = node != fleet_primary(c->control, shard);
            struct plan_step *step;

            if ((row->scope == SCOPE_REPLICAS && !is_replica) ||
                node->quarantine != QUARANTINE_NONE)
                continue;
            step = add_step(c, row, shard, &c->tail);
            if (step == NULL)
                return;
            (void)text_copy(step->node, NAME_SIZE, node->identity.name);
            if (is_per_revision)
                (void)text_copy(step->revision, NAME_SIZE, revisions[r].name);
            add_id(c, &next, step->id);
        }
    }
    if (next.count > 0)
        set_ids(c, &c->tail, &next);
}

static void add_gate(struct compiler *c, const struct stage_row *row, const char *shard)
{
    struct plan_step *step = add_step(c, row, shard, &c->tail);

    if (step == NULL)
        return;
    c->tail.count = 0;
    add_id(c, &c->tail, step->id);
}

/* The rows of a section about databases. */
static void compile_schema(struct compiler *c, enum section section,
                           const struct compile_shard *shard)
{
    bool is_finish = section == SECTION_FINISH && c->plan->strategy == STRATEGY_ROLLING;
    const struct plan_revision *revisions = is_finish ? shard->contracts : shard->revisions;
    size_t count = is_finish ? shard->contract_count : shard->revision_count;
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    for (size_t i = 0; count > 0 && i < row_count; i++) {
        size_t run = 1;

        if (rows[i].section != section)
            continue;
        if (rows[i].scope == SCOPE_SHARD) {
            add_gate(c, &rows[i], shard->name);
            continue;
        }
        if (!is_chained(&rows[i])) {
            spread(c, &rows[i], shard->name, revisions, count);
            continue;
        }
        while (i + run < row_count && rows[i + run].section == section &&
               is_chained(&rows[i + run]))
            run++;
        for (size_t r = 0; r < count; r++)
            chain_revision(c, &rows[i], run, shard->name,
                           rows[i].scope == SCOPE_PRIMARY_BACKWARD ? &revisions[count - 1 - r]
                                                                   : &revisions[r]);
        i += run - 1;
    }
}

struct chain {
    const struct compile_shard *shard;
    const struct node *game;
    const char *release;
    uint64_t wave;
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
        step = add_step(c, row, chain->shard->name, path);
        if (step == NULL)
            return;
        name_game(chain, step, edge->identity.name);
        add_id(c, &next, step->id);
    }
    if (next.count > 0)
        set_ids(c, path, &next);
}

/* One game node's way through a section; path is what it waits for, and ends as its last steps. */
static void chain_game(struct compiler *c, enum section section, const struct chain *chain,
                       struct ids *path)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    for (size_t i = 0; i < row_count; i++) {
        struct plan_step *step;

        if (rows[i].section != section)
            continue;
        if (rows[i].scope == SCOPE_EDGES) {
            chain_edges(c, &rows[i], chain, path);
            continue;
        }
        step = add_step(c, &rows[i], chain->shard->name, path);
        if (step == NULL)
            return;
        name_game(chain, step, chain->game->identity.name);
        path->count = 0;
        add_id(c, path, step->id);
    }
}

/* Cumulative size of a wave, rounded up. */
static size_t wave_end(uint32_t wave, size_t games)
{
    size_t end = wave;

    if (wave >= PLAN_SHARE)
        end = (games * (wave - PLAN_SHARE) + 99) / 100;
    return end > games ? games : end;
}

static const char *release_for(const struct compile_shard *shard, size_t game)
{
    return shard->own_releases == NULL ? shard->release : shard->own_releases[game];
}

/* Places in shard->games, in their order. */
static size_t find_movers(const struct compiler *c, const struct compile_shard *shard, size_t *ret)
{
    size_t count = 0;

    for (size_t i = 0; i < shard->game_count; i++) {
        const struct report *report = shard->games[i]->report;
        const char *wanted = release_for(shard, i);
        bool is_there = report != NULL && strcmp(report->release, wanted) == 0;

        if (wanted[0] != '\0' && (!is_there || c->plan->strategy == STRATEGY_REPAIR))
            ret[count++] = i;
    }
    return count;
}

static void compile_waves(struct compiler *c, const struct compile_shard *shard)
{
    const struct rollout_options *options = &c->plan->options;
    size_t *movers = memory_array(c->scratch, size_t, shard->game_count);
    size_t count = find_movers(c, shard, movers);
    size_t done = 0;
    uint64_t number = 0;

    for (size_t w = 0; w <= options->wave_count && done < count; w++) {
        size_t end = w < options->wave_count ? wave_end(options->waves[w], count) : count;
        struct ids next = {NULL, 0, 0};

        if (end <= done)
            continue;
        number++;
        for (; done < end; done++) {
            struct chain chain = {shard, shard->games[movers[done]],
                                  release_for(shard, movers[done]), number};
            struct ids path = {NULL, 0, 0};

            set_ids(c, &path, &c->tail);
            chain_game(c, SECTION_GAMES, &chain, &path);
            add_all(c, &next, &path);
        }
        set_ids(c, &c->tail, &next);
    }
}

/* Beside the waves: nothing waits for them, but they wait for the schema, so that on the way back
 * the schema waits for them. */
static void compile_guards(struct compiler *c, const struct compile_shard *shard)
{
    for (size_t g = 0; shard->revision_count > 0 && g < shard->game_count; g++) {
        struct chain chain = {shard, shard->games[g], shard->release, 0};
        struct ids path = {NULL, 0, 0};

        set_ids(c, &path, &c->tail);
        chain_game(c, SECTION_GUARD, &chain, &path);
    }
}

static void compile_begin(struct compiler *c)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);
    struct ids nothing = {NULL, 0, 0};

    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].section != SECTION_BEGIN)
            continue;
        for (size_t n = 0; n < c->control->node_count; n++) {
            const struct node *node = c->control->nodes[n];
            struct plan_step *step;

            if (node->quarantine != QUARANTINE_NONE)
                continue;
            step = add_step(c, &rows[i], node->identity.shard, &nothing);
            if (step == NULL)
                return;
            (void)text_copy(step->node, NAME_SIZE, node->identity.name);
            add_id(c, &c->begin, step->id);
        }
    }
}

static void name_target(const struct plan *plan, const struct compile_shard *shard,
                        struct plan_step *step)
{
    (void)text_copy(step->revision, NAME_SIZE, plan->revision);
    (void)text_copy(step->release, NAME_SIZE, plan->contracts_for);
    step->of_contract = shard->contract_count > 0;
}

/* One after another on the shard's own node; what comes behind waits for all shards. */
static void compile_shadow(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(STRATEGY_SHADOW, &row_count);
    struct ids ends = {NULL, 0, 0};

    for (size_t s = 0; s < count; s++) {
        if (shards[s].shadow_node == NULL)
            continue;
        set_ids(c, &c->tail, &c->begin);
        for (size_t i = 0; i < row_count; i++) {
            struct plan_step *step;

            if (rows[i].section != SECTION_SHADOW)
                continue;
            step = add_step(c, &rows[i], shards[s].name, &c->tail);
            if (step == NULL)
                return;
            (void)text_copy(step->node, NAME_SIZE, shards[s].shadow_node);
            if (step->task == TASK_REHEARSE) /* no other needs the migration files */
                name_target(c->plan, &shards[s], step);
            c->tail.count = 0;
            add_id(c, &c->tail, step->id);
        }
        add_all(c, &ends, &c->tail);
    }
    if (ends.count > 0)
        set_ids(c, &c->begin, &ends);
}

static void compile_hold(struct compiler *c)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    set_ids(c, &c->tail, &c->ends);
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].section == SECTION_HOLD)
            add_gate(c, &rows[i], "");
    set_ids(c, &c->ends, &c->tail);
}

enum error_code compile_steps(const struct control *control, const struct compile_shard *shards,
                              size_t count, const void *parent, struct plan *plan,
                              struct error *err)
{
    struct compiler c = {.control = control, .plan = plan, .parent = parent};

    c.scratch = memory_zeroed(parent, 1, 1, "compiler");
    compile_begin(&c);
    compile_shadow(&c, shards, count);
    set_ids(&c, &c.ends, &c.begin);
    for (size_t i = 0; i < count; i++) {
        /* The first shard is the canary: the others wait for its last soak. */
        set_ids(&c, &c.tail, i == 0 ? &c.begin : &c.ends);
        compile_schema(&c, SECTION_SCHEMA, &shards[i]);
        compile_guards(&c, &shards[i]);
        if (shards[i].release[0] != '\0')
            compile_waves(&c, &shards[i]);
        set_ids(&c, &c.ends, &c.tail);
    }
    compile_hold(&c);
    for (size_t i = 0; i < count; i++) {
        set_ids(&c, &c.tail, &c.ends);
        compile_schema(&c, SECTION_FINISH, &shards[i]);
    }
    talloc_free(c.scratch);
    if (c.is_too_large)
        return error_set(err, ERROR_LIMIT,
                         "the plan would have more than %d steps, or %d before one of them",
                         PLAN_STEPS_MAX, PLAN_NEEDS_MAX);
    return ERROR_OK;
}

bool compile_digest(struct plan *plan)
{
    const struct scan_limits limits = {.bytes = scan_of_journal.bytes - ENVELOPE_MAX,
                                       .items = scan_of_journal.items - ENVELOPE_MAX};
    struct plan copy = *plan;
    struct text *bytes = text_new(NULL, limits.bytes + 1);
    bool fits;

    copy.rollout = 0;
    copy.digest[0] = '\0';
    copy.created_by[0] = '\0';
    pack_record(&plan_record, &copy, bytes);
    hash_bytes_hex(bytes->data, bytes->size, plan->digest);
    fits = scan_fault(bytes->data, bytes->size, &limits) == NULL;
    talloc_free(bytes);
    return fits;
}
