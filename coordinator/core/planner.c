#include "coordinator/core/planner_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/compile.h"
#include "coordinator/core/fleet.h"

#include <assert.h>
#include <string.h>

#define MAX_UNAVAILABLE_DEFAULT 1
#define MIN_READY_DEFAULT       1
#define SOAK_DEFAULT_MS         10000
#define STEADY_DEFAULT_MS       2000
#define GATE_DEFAULT_MS         30000
#define DRAIN_DEFAULT_MS        30000
#define DRAIN_MAX_DEFAULT_MS    600000
#define RETRIES_DEFAULT         3
#define LATENCY_DEFAULT_PERCENT 150
#define ERRORS_DEFAULT_PERMILLE 10
#define FAILURES_DEFAULT        2

static void set_default(uint64_t *value, uint64_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

void planner_defaults(struct rollout_options *options)
{
    if (options->is_exact)
        return;
    set_default(&options->max_unavailable, MAX_UNAVAILABLE_DEFAULT);
    set_default(&options->min_ready, MIN_READY_DEFAULT);
    set_default(&options->soak_ms, SOAK_DEFAULT_MS);
    set_default(&options->steady_ms, STEADY_DEFAULT_MS);
    set_default(&options->gate_ms, GATE_DEFAULT_MS);
    set_default(&options->drain_ms, DRAIN_DEFAULT_MS);
    set_default(&options->drain_max_ms, DRAIN_MAX_DEFAULT_MS);
    set_default(&options->replay_ms, task_row(TASK_AWAIT_REPLAY)->deadline_ms);
    set_default(&options->retries, RETRIES_DEFAULT);
    set_default(&options->latency_max_percent, LATENCY_DEFAULT_PERCENT);
    set_default(&options->errors_max_permille, ERRORS_DEFAULT_PERMILLE);
    set_default(&options->failures_max, FAILURES_DEFAULT);
}

/* One canary node, then the rest. */
static void default_waves(struct planner *p)
{
    struct rollout_options *options = &p->plan->options;

    if (options->wave_count > 0)
        return;
    options->waves = memory_array(p->parent, uint32_t, 2);
    options->waves[0] = 1;
    options->waves[1] = PLAN_SHARE + 100;
    options->wave_count = 2;
}

static struct name_item *copy_names(struct planner *p, const struct name_item *items, size_t count)
{
    return memory_copy(p->parent, items, count * sizeof(items[0]));
}

/* ---- shards ---- */

static bool is_canary(const struct planner *p, const char *shard)
{
    const char *canary = p->plan->options.canary;
    const struct node *node = control_node(p->control, canary);

    return strcmp(canary, shard) == 0 || (node != NULL && strcmp(node->identity.shard, shard) == 0);
}

static void find_shards(struct planner *p)
{
    p->shards = memory_array(p->parent, struct compile_shard, p->control->node_count);
    for (size_t i = 0; i < p->control->node_count; i++) {
        const struct node *node = p->control->nodes[i];
        size_t at = p->shard_count;

        if (node->identity.kind != KIND_DATABASE || planner_knows_shard(p, node->identity.shard))
            continue;
        if (is_canary(p, node->identity.shard)) {
            memmove(&p->shards[1], &p->shards[0], p->shard_count * sizeof(p->shards[0]));
            at = 0;
        }
        p->shards[at] = (struct compile_shard){
            .name = node->identity.shard, .release = "", .live = "", .colour = "", .side = ""};
        p->shard_count++;
    }
}

static bool is_excepted(const struct planner *p, const char *game)
{
    const struct rollout_options *options = &p->plan->options;

    return names_contain(options->except, options->except_count, game);
}

static void find_games(struct planner *p, struct compile_shard *shard)
{
    const struct node *game;
    size_t cursor = 0;

    shard->games = memory_array(p->parent, const struct node *, p->control->node_count);
    while ((game = fleet_next(p->control, KIND_GAME, shard->name, &cursor)) != NULL) {
        size_t at = shard->game_count;

        if (is_excepted(p, game->identity.name) || game->quarantine != QUARANTINE_NONE)
            continue;
        if (strcmp(game->identity.name, p->plan->options.canary) == 0) {
            memmove(&shard->games[1], &shard->games[0], at * sizeof(shard->games[0]));
            at = 0;
        }
        shard->games[at] = game;
        shard->game_count++;
    }
}

/* What most of its game nodes run that are not resting. */
static const char *common_release(const struct planner *p, const struct compile_shard *shard)
{
    const char *best = "";
    size_t best_count = 0;

    for (size_t i = 0; i < shard->game_count; i++) {
        size_t count = 0;

        for (size_t j = 0; j < shard->game_count; j++)
            count +=
                !colour_rests(p->control, shard->games[j]) &&
                strcmp(shard->games[i]->report->release, shard->games[j]->report->release) == 0;
        if (count > best_count) {
            best = shard->games[i]->report->release;
            best_count = count;
        }
    }
    return best;
}

/* What the way back brings the shard to. If the plan moves none of its game nodes, or it has none
 * yet, that is what it would have brought them to if they came. */
static const char *release_of(const struct planner *p, const struct compile_shard *shard)
{
    const char *common = common_release(p, shard);
    const struct goal *goal = control_goal(p->control, shard->name, "");
    const struct node *game = NULL;
    size_t cursor = 0;

    if (common[0] != '\0' || (goal != NULL && goal->release[0] != '\0'))
        return common[0] != '\0' ? common : goal->release;
    while ((game = fleet_next(p->control, KIND_GAME, shard->name, &cursor)) != NULL)
        if (game->report != NULL && game->report->release[0] != '\0')
            return game->report->release;
    return "";
}

static void record_games(const struct planner *p, const char *shard, struct plan_shard *ret)
{
    const struct node *game;
    size_t cursor = 0;

    ret->games = memory_array(p->parent, struct plan_game, p->control->node_count);
    while ((game = fleet_next(p->control, KIND_GAME, shard, &cursor)) != NULL) {
        struct plan_game *as_it_is = &ret->games[ret->game_count];

        if (game->report == NULL || ret->game_count == PLAN_GAMES_MAX)
            continue;
        (void)text_copy(as_it_is->node, NAME_SIZE, game->identity.name);
        (void)text_copy(as_it_is->release, NAME_SIZE, game->report->release);
        ret->game_count++;
    }
}

/* Comments and white space may have changed since. */
static bool is_what_was_applied(const struct catalog_revision *row,
                                const struct revision_checksum *applied)
{
    return strcmp(row->checksum, applied->checksum) == 0 ||
           (applied->meaning[0] != '\0' && strcmp(row->meaning, applied->meaning) == 0);
}

/* What was applied under a name is what the name still means. */
static enum error_code check_files(struct planner *p, const struct node *primary)
{
    const struct database_report *database = &primary->report->database;
    const struct catalog *catalog = p->control->catalog;

    for (size_t i = 0; i < database->checksum_count; i++) {
        const struct revision_checksum *applied = &database->checksums[i];
        size_t at = catalog_revision(catalog, applied->name);

        if (at < catalog->revision_count && !is_what_was_applied(&catalog->revisions[at], applied))
            return error_set(p->err, ERROR_CHANGED,
                             "the files of %s are not those that %s was given: put them back, and "
                             "make a new revision of what is to change (or `hakem migration "
                             "rebless %s --reason TEXT`)",
                             applied->name, primary->identity.name, applied->name);
    }
    return ERROR_OK;
}

/* Half of a revision there makes no state that anybody could want back. */
static bool is_whole(const struct database_report *database)
{
    for (size_t i = 0; i < database->applied_count; i++)
        if (!names_contain(database->expanded, database->expanded_count, database->applied[i].name))
            return false;
    for (size_t i = 0; i < database->checksum_count; i++)
        if (!names_contain(database->expanded, database->expanded_count,
                           database->checksums[i].name))
            return false;
    return true;
}

static enum error_code record_shard(struct planner *p, const struct compile_shard *shard,
                                    struct plan_shard *ret)
{
    const struct node *primary = fleet_primary(p->control, shard->name);
    const struct database_report *database;

    if (primary == NULL)
        return error_set(p->err, ERROR_REFUSED,
                         "shard %s has no single primary that reports: see `hakem node list`",
                         shard->name);
    if (p->plan->strategy != STRATEGY_RESTORE && check_files(p, primary) != ERROR_OK)
        return p->err->code; /* a restore needs none of them */
    database = &primary->report->database;
    (void)text_copy(ret->name, NAME_SIZE, shard->name);
    (void)text_copy(ret->primary, NAME_SIZE, primary->identity.name);
    (void)text_copy(ret->system_id, SYSTEM_ID_SIZE, database->system_id);
    ret->timeline = database->timeline;
    (void)text_copy(ret->fingerprint, FINGERPRINT_SIZE,
                    is_whole(database) ? database->fingerprint : "");
    (void)text_copy(ret->release, NAME_SIZE, release_of(p, shard));
    record_games(p, shard->name, ret);
    ret->expanded = copy_names(p, database->expanded, database->expanded_count);
    ret->expanded_count = database->expanded_count;
    ret->contracted = copy_names(p, database->contracted, database->contracted_count);
    ret->contracted_count = database->contracted_count;
    (void)text_copy(ret->live, NAME_SIZE, colour_live(p->control, shard->name));
    return ERROR_OK;
}

enum error_code planner_begin(struct planner *p, const struct request *request)
{
    p->plan->options = request->options;
    planner_defaults(&p->plan->options);
    default_waves(p);
    find_shards(p);
    if (p->shard_count == 0)
        return error_set(p->err, ERROR_REFUSED, "no database node is enrolled");
    if (p->shard_count > PLAN_SHARDS_MAX)
        return error_set(p->err, ERROR_LIMIT, "more than %d shards", PLAN_SHARDS_MAX);
    if (planner_check_presence(p) != ERROR_OK)
        return p->err->code;
    p->plan->shards = memory_array(p->parent, struct plan_shard, p->shard_count);
    for (size_t i = 0; i < p->shard_count; i++) {
        find_games(p, &p->shards[i]);
        if (record_shard(p, &p->shards[i], &p->plan->shards[i]) != ERROR_OK)
            return p->err->code;
        p->plan->shard_count++;
    }
    (void)text_copy(p->plan->bundle, DIGEST_SIZE, p->control->catalog->bundle);
    return ERROR_OK;
}

/* ---- what to move ---- */

struct plan_revision planner_revision(const struct catalog_revision *row)
{
    struct plan_revision revision = {.has_backfill = row->has_backfill,
                                     .has_verify = row->has_verify,
                                     .has_contract = row->has_contract,
                                     .has_contract_verify = row->has_contract_verify,
                                     .irreversible = row->irreversible};

    (void)text_copy(revision.name, NAME_SIZE, row->name);
    return revision;
}

/* The plan's list: of every shard together, in topological order. */
void planner_collect_revisions(struct planner *p)
{
    const struct catalog *catalog = p->control->catalog;

    p->plan->revisions = memory_array(p->parent, struct plan_revision, PLAN_REVISIONS_MAX);
    for (size_t i = 0; i < catalog->revision_count; i++) {
        bool is_wanted = false;

        for (size_t s = 0; s < p->shard_count; s++)
            for (size_t r = 0; r < p->shards[s].revision_count; r++)
                is_wanted |=
                    strcmp(p->shards[s].revisions[r].name, catalog->revisions[i].name) == 0;
        if (is_wanted && p->plan->revision_count < PLAN_REVISIONS_MAX)
            p->plan->revisions[p->plan->revision_count++] =
                planner_revision(&catalog->revisions[i]);
    }
}

bool planner_has_nothing_to_do(const struct planner *p)
{
    for (size_t s = 0; s < p->shard_count; s++)
        if (p->shards[s].revision_count > 0 || p->shards[s].contract_count > 0 ||
            p->shards[s].release[0] != '\0' ||
            (p->shards[s].colour != NULL && p->shards[s].colour[0] != '\0') ||
            compile_changes_side(&p->shards[s]))
            return false;
    return true;
}

enum error_code planner_finish(struct planner *p)
{
    if (planner_check_capacity(p) != ERROR_OK ||
        compile_steps(p->control, p->shards, p->shard_count, p->parent, p->plan, p->err) !=
            ERROR_OK)
        return p->err->code;
    p->plan->rollout = p->control->rollout_number + 1;
    if (!compile_digest(p->plan))
        return error_set(p->err, ERROR_LIMIT,
                         "the plan is too large for the journal: leave shards "
                         "or nodes for another rollout");
    return ERROR_OK;
}
