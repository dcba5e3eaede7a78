#include "coordinator/core/compile_internal.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/twin.h"
#include "proto/pack.h"
#include "proto/scan.h"

#include <assert.h>
#include <string.h>

#define ENVELOPE_MAX 4096 /* what a fact adds to its plan */

/* No step needs more; whoever collects more has a plan that is too large already, and stops. */
void ids_add(struct compiler *c, struct ids *ids, uint64_t id)
{
    if (ids->count >= PLAN_STEPS_MAX)
        c->is_too_large = true;
    if (c->is_too_large)
        return;
    if (ids->count == ids->capacity) {
        size_t capacity = ids->capacity == 0 ? 8 : ids->capacity * 2;

        ids->items = memory_grow(c->scratch, ids->items, ids->capacity, capacity);
        ids->capacity = capacity;
    }
    ids->items[ids->count++] = (uint32_t)id;
}

void ids_set(struct compiler *c, struct ids *ids, const struct ids *from)
{
    ids->count = 0;
    for (size_t i = 0; i < from->count; i++)
        ids_add(c, ids, from->items[i]);
}

void ids_add_all(struct compiler *c, struct ids *ids, const struct ids *from)
{
    for (size_t i = 0; i < from->count; i++)
        ids_add(c, ids, from->items[i]);
}

static uint64_t stage_deadline_ms(const struct compiler *c, const struct stage_row *row)
{
    const struct rollout_options *options = &c->plan->options;

    if (row->task == TASK_DRAIN || row->undo == TASK_DRAIN)
        return options->drain_ms + task_row(TASK_ADMIT)->deadline_ms +
               (row->task == TASK_DRAIN && options->on_drain_late == ON_DRAIN_LATE_WAIT
                    ? options->drain_max_ms
                    : 0);
    if (row->task == TASK_AWAIT_REPLAY)
        return options->replay_ms;
    if (row->task == TASK_COMPARE && row->is_closed)
        return COMPARE_OVERHEAD * (options->max_pause_ms / CLOSED_COMPARE_SHARE);
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

struct plan_step *compile_add_step(struct compiler *c, const struct stage_row *row,
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

bool compile_changes_side(const struct compile_shard *shard)
{
    return shard->side != NULL && shard->side[0] != '\0';
}

/* The colour of the databases that a row means; "": the shard has one side, or keeps it. */
static const char *side_of(const struct compile_shard *shard, const struct stage_row *row)
{
    if (!compile_changes_side(shard))
        return "";
    return row->side == SIDE_TWIN ? shard->side : shard->side_before;
}

static struct plan_step *add_database_step(struct compiler *c, const struct stage_row *row,
                                           const struct compile_shard *shard,
                                           const struct node *node)
{
    struct plan_step *step = compile_add_step(c, row, shard->name, &c->tail);

    if (step == NULL)
        return NULL;
    (void)text_copy(step->side, NAME_SIZE, side_of(shard, row));
    (void)text_copy(step->node, NAME_SIZE, node == NULL ? "" : node->identity.name);
    step->is_closed = row->is_closed;
    return step;
}

static const struct node *primary_of(const struct compiler *c, const struct compile_shard *shard,
                                     const struct stage_row *row)
{
    return fleet_primary_of(c->control, shard->name, side_of(shard, row));
}

/* A run of primary rows goes revision by revision: expand 1, backfill 1, expand 2 … */
static void chain_revision(struct compiler *c, const struct stage_row *rows, size_t count,
                           const struct compile_shard *shard, const struct plan_revision *revision)
{
    for (size_t i = 0; i < count; i++) {
        struct plan_step *step;

        if (!is_chosen(rows[i].choice, revision))
            continue;
        step = add_database_step(c, &rows[i], shard, primary_of(c, shard, &rows[i]));
        if (step == NULL)
            return;
        (void)text_copy(step->revision, NAME_SIZE, revision->name);
        c->tail.count = 0;
        ids_add(c, &c->tail, step->id);
    }
}

/* Every database that the row means, for one revision; NULL: for none. */
static void spread_revision(struct compiler *c, const struct stage_row *row,
                            const struct compile_shard *shard, const struct plan_revision *revision,
                            struct ids *next)
{
    const struct node *node;
    size_t cursor = 0;

    while ((node = fleet_next(c->control, KIND_DATABASE, shard->name, &cursor)) != NULL) {
        bool is_replica = node != primary_of(c, shard, row);
        struct plan_step *step;

        if ((row->scope == SCOPE_REPLICAS && !is_replica) || node->quarantine != QUARANTINE_NONE ||
            !fleet_is_of_side(c->control, node, side_of(shard, row)))
            continue;
        step = add_database_step(c, row, shard, node);
        if (step == NULL)
            return;
        if (revision != NULL)
            (void)text_copy(step->revision, NAME_SIZE, revision->name);
        ids_add(c, next, step->id);
    }
}

/* Side by side: all wait for the tail, and together become it. */
static void spread(struct compiler *c, const struct stage_row *row,
                   const struct compile_shard *shard, const struct plan_revision *revisions,
                   size_t revision_count)
{
    struct ids next = {NULL, 0, 0};

    if (row->scope != SCOPE_DATABASES)
        spread_revision(c, row, shard, NULL, &next);
    for (size_t r = 0; row->scope == SCOPE_DATABASES && r < revision_count; r++) {
        /* What a contract left may rightly be gone after the next one: only the last is asked. */
        bool is_last = r + 1 == revision_count;

        if (is_chosen(row->choice, &revisions[r]) &&
            (row->choice != FOR_CONTRACT_VERIFY || is_last))
            spread_revision(c, row, shard, &revisions[r], &next);
    }
    if (next.count > 0)
        ids_set(c, &c->tail, &next);
}

static void spread_poolers(struct compiler *c, const struct stage_row *row, const char *shard)
{
    struct ids next = {NULL, 0, 0};

    for (size_t i = 0; i < c->control->node_count; i++) {
        const struct node *node = c->control->nodes[i];
        struct plan_step *step;

        if (!node_is_pooler(node, shard))
            continue;
        step = compile_add_step(c, row, shard, &c->tail);
        if (step == NULL)
            return;
        (void)text_copy(step->node, NAME_SIZE, node->identity.name);
        ids_add(c, &next, step->id);
    }
    if (next.count > 0)
        ids_set(c, &c->tail, &next);
}

/* A gate, or a step of one primary: everything behind waits for it. */
static void add_one(struct compiler *c, const struct stage_row *row,
                    const struct compile_shard *shard)
{
    const struct node *node = row->scope == SCOPE_ONE ? primary_of(c, shard, row) : NULL;
    struct plan_step *step = add_database_step(c, row, shard, node);

    if (step == NULL)
        return;
    c->tail.count = 0;
    ids_add(c, &c->tail, step->id);
}

static void compile_row(struct compiler *c, const struct stage_row *row,
                        const struct compile_shard *shard, const struct plan_revision *revisions,
                        size_t count)
{
    switch ((int)row->scope) {
    case SCOPE_SHARD:
    case SCOPE_ONE:
        add_one(c, row, shard);
        break;
    case SCOPE_POOLERS:
        spread_poolers(c, row, shard->name);
        break;
    default:
        spread(c, row, shard, revisions, count);
        break;
    }
}

/* The rows of a section about databases. */
void compile_schema(struct compiler *c, enum section section, const struct compile_shard *shard)
{
    bool is_finish = section == SECTION_FINISH && !strategy_leads_back(c->plan->strategy);
    const struct plan_revision *revisions = is_finish ? shard->contracts : shard->revisions;
    size_t count = is_finish ? shard->contract_count : shard->revision_count;
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    for (size_t i = 0; (count > 0 || compile_changes_side(shard)) && i < row_count; i++) {
        size_t run = 1;

        if (rows[i].section != section)
            continue;
        if (!is_chained(&rows[i])) {
            compile_row(c, &rows[i], shard, revisions, count);
            continue;
        }
        while (i + run < row_count && rows[i + run].section == section &&
               is_chained(&rows[i + run]))
            run++;
        for (size_t r = 0; r < count; r++)
            chain_revision(c, &rows[i], run, shard,
                           rows[i].scope == SCOPE_PRIMARY_BACKWARD ? &revisions[count - 1 - r]
                                                                   : &revisions[r]);
        i += run - 1;
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

            if (node->quarantine != QUARANTINE_NONE || !twin_takes_part(c->control, c->plan, node))
                continue;
            step = compile_add_step(c, &rows[i], node->identity.shard, &nothing);
            if (step == NULL)
                return;
            (void)text_copy(step->node, NAME_SIZE, node->identity.name);
            ids_add(c, &c->begin, step->id);
        }
    }
}

static bool has_changes(const struct compile_shard *shard)
{
    return shard->revision_count > 0 || shard->contract_count > 0;
}

/* Side by side; nothing is changed anywhere before every shard has its own. */
static void compile_backups(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);
    struct ids ends = {NULL, 0, 0};

    for (size_t i = 0; c->plan->options.backup && i < row_count; i++) {
        if (rows[i].section != SECTION_BACKUP)
            continue;
        for (size_t s = 0; s < count; s++) {
            if (!has_changes(&shards[s]))
                continue;
            ids_set(c, &c->tail, &c->begin);
            add_one(c, &rows[i], &shards[s]);
            ids_add_all(c, &ends, &c->tail);
        }
    }
    if (ends.count > 0)
        ids_set(c, &c->begin, &ends);
}

void compile_hold(struct compiler *c)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    ids_set(c, &c->tail, &c->ends);
    for (size_t i = 0; i < row_count; i++)
        if (rows[i].section == SECTION_HOLD)
            add_one(c, &rows[i], &(struct compile_shard){.name = ""});
    ids_set(c, &c->ends, &c->tail);
}

static void compile_section(struct compiler *c, enum section section,
                            const struct compile_shard *shard)
{
    switch (section) {
    case SECTION_SCHEMA:
    case SECTION_TWIN:
        compile_schema(c, section, shard);
        break;
    case SECTION_GUARD:
        compile_guards(c, shard);
        break;
    case SECTION_GAMES:
        if (shard->release[0] != '\0' || compile_moves_all(c, shard))
            compile_waves(c, shard);
        break;
    case SECTION_SWITCH:
        if (compile_switches(shard))
            compile_switch(c, shard);
        break;
    case SECTION_PROVE:
        if (compile_switches(shard))
            compile_colour(c, section, shard, shard->colour);
        else if (compile_changes_side(shard))
            compile_all_games(c, section, shard);
        break;
    case SECTION_BEGIN:
    case SECTION_SHADOW:
    case SECTION_BACKUP:
    case SECTION_CLOSE:
    case SECTION_OPEN:
    case SECTION_HOLD:
    case SECTION_RETIRE:
    case SECTION_FINISH:
    case SECTION_COUNT:
        break; /* the plan's */
    }
}

/* The shard's own sections before the hold, as they come in the table. */
static void compile_shard(struct compiler *c, const struct compile_shard *shard)
{
    size_t row_count;
    const struct stage_row *rows = strategy_stages(c->plan->strategy, &row_count);

    for (size_t i = 0; i < row_count && rows[i].section != SECTION_HOLD; i++)
        if (i == 0 || rows[i].section != rows[i - 1].section)
            compile_section(c, rows[i].section, shard);
}

/* No contract anywhere before the colours that were left are retired everywhere. */
static void compile_retire(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    struct ids retired = {NULL, 0, 0};

    for (size_t i = 0; i < count; i++) {
        if (!compile_switches(&shards[i]) || shards[i].contract_count == 0)
            continue;
        ids_set(c, &c->tail, &c->ends);
        compile_colour(c, SECTION_RETIRE, &shards[i], shards[i].live);
        ids_add_all(c, &retired, &c->tail);
    }
    if (retired.count > 0)
        ids_set(c, &c->ends, &retired);
}

static void compile_in_turn(struct compiler *c, const struct compile_shard *shards, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* The first shard is the canary: the others wait for its last soak. */
        ids_set(c, &c->tail, i == 0 ? &c->begin : &c->ends);
        compile_shard(c, &shards[i]);
        ids_set(c, &c->ends, &c->tail);
    }
    compile_hold(c);
    if (c->plan->strategy == STRATEGY_BLUE_GREEN)
        compile_retire(c, shards, count);
    for (size_t i = 0; i < count; i++) {
        ids_set(c, &c->tail, &c->ends);
        compile_schema(c, SECTION_FINISH, &shards[i]);
    }
}

enum error_code compile_steps(const struct control *control, const struct compile_shard *shards,
                              size_t count, const void *parent, struct plan *plan,
                              struct error *err)
{
    struct compiler c = {.control = control, .plan = plan, .parent = parent};

    c.scratch = memory_zeroed(parent, 1, 1, "compiler");
    compile_begin(&c);
    compile_shadow(&c, shards, count);
    compile_backups(&c, shards, count);
    ids_set(&c, &c.ends, &c.begin);
    if (strategy_closes(plan->strategy))
        compile_maintenance(&c, shards, count);
    else
        compile_in_turn(&c, shards, count);
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
