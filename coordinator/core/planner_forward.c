/* planner_forward.c: plans that lead to a revision and a release: by turns while players play, or
 * with everybody out of traffic.
 */
#include "coordinator/core/planner_internal.h"

#include "common/base/memory.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/strategy.h"

#include <string.h>

#define BUDGET_DEFAULT_MS    600000 /* of a maintenance */
#define MAX_PAUSE_DEFAULT_MS 5000   /* of a switch of databases */
#define MAX_PAUSE_LEAST_MS   1000   /* less is not to be had */

/* ---- what to move ---- */

/* The release that will run lives with that revision contracted. A rehearsal for nobody in
 * particular does all. */
static bool may_be_contracted(const struct planner *p, const struct catalog_release *release,
                              const char *revision)
{
    if (release == NULL)
        return p->plan->strategy == STRATEGY_SHADOW;
    return compat_is_within(p->control->catalog, revision, release->needs) ||
           names_contain(release->tolerates, release->tolerate_count, revision);
}

/* Contracts come last in a rollout: what builds on one waits for the next. */
static enum error_code check_ground(const struct planner *p, const struct catalog_revision *row,
                                    const struct plan_shard *before)
{
    for (size_t i = 0; i < row->contracted_count; i++)
        if (!names_contain(before->contracted, before->contracted_count, row->contracted[i].name))
            return error_set(p->err, ERROR_REFUSED,
                             "%s builds on the contract of %s, which shard %s does not have: roll "
                             "to %s first",
                             row->name, row->contracted[i].name, before->name,
                             row->contracted[i].name);
    return ERROR_OK;
}

/* With everybody out of traffic there is no release before that it could break. */
static enum error_code check_breaks(const struct planner *p, const struct catalog_revision *row)
{
    if (row->breaks[0] == '\0' || strategy_closes(p->plan->strategy))
        return ERROR_OK;
    return error_set(
        p->err, ERROR_REFUSED,
        "%s breaks the release that runs meanwhile: %s; or give --strategy maintenance", row->name,
        row->breaks);
}

/* Backfilled or not. */
static bool has_applied(const struct planner *p, const struct plan_shard *before, const char *name)
{
    const struct node *primary = control_node(p->control, before->primary);

    return names_contain(before->expanded, before->expanded_count, name) ||
           (primary != NULL && primary->report != NULL &&
            names_contain(primary->report->database.applied,
                          primary->report->database.applied_count, name));
}

/* A database is never without what something of it stands on, unless that came afterwards. */
static enum error_code fail_late(const struct planner *p, const struct catalog_revision *late,
                                 const struct plan_shard *before)
{
    const struct catalog *catalog = p->control->catalog;
    size_t on = catalog_revision(catalog, late->name) + 1;

    while (!has_applied(p, before, catalog->revisions[on].name) ||
           !compat_is_within(catalog, late->name, catalog->revisions[on].name))
        on++;
    return error_set(p->err, ERROR_REFUSED,
                     "%s came too late: %s, which stands on it, is applied to shard %s; give it a "
                     "place behind the last one",
                     late->name, catalog->revisions[on].name, before->name);
}

static enum error_code check_order(const struct planner *p, const struct plan_shard *before)
{
    const struct catalog *catalog = p->control->catalog;
    bool is_needed[CATALOG_REVISIONS_MAX] = {false};

    for (size_t i = catalog->revision_count; i-- > 0;) {
        const struct catalog_revision *row = &catalog->revisions[i];
        bool is_there = has_applied(p, before, row->name);

        if (is_needed[i] && !is_there && compat_is_within(catalog, row->name, p->plan->revision))
            return fail_late(p, row, before);
        for (size_t n = 0; is_there && n < row->parent_count; n++) {
            size_t parent = catalog_revision(catalog, row->parents[n].name);

            if (parent < i)
                is_needed[parent] = true;
        }
    }
    return ERROR_OK;
}

static enum error_code choose_revisions(struct planner *p, struct compile_shard *shard,
                                        const struct plan_shard *before,
                                        const struct catalog_release *release)
{
    const struct catalog *catalog = p->control->catalog;
    struct plan_revision *expands =
        memory_array(p->parent, struct plan_revision, catalog->revision_count);
    struct plan_revision *contracts =
        memory_array(p->parent, struct plan_revision, catalog->revision_count);

    if (check_order(p, before) != ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < catalog->revision_count; i++) {
        const struct catalog_revision *row = &catalog->revisions[i];

        if (!compat_is_within(catalog, row->name, p->plan->revision))
            continue;
        if (!names_contain(before->expanded, before->expanded_count, row->name)) {
            if (check_ground(p, row, before) != ERROR_OK || check_breaks(p, row) != ERROR_OK)
                return p->err->code;
            expands[shard->revision_count++] = planner_revision(row);
        }
        if (row->has_contract &&
            !names_contain(before->contracted, before->contracted_count, row->name) &&
            may_be_contracted(p, release, row->name))
            contracts[shard->contract_count++] = planner_revision(row);
    }
    if (shard->revision_count > PLAN_REVISIONS_MAX || shard->contract_count > PLAN_REVISIONS_MAX)
        return error_set(p->err, ERROR_LIMIT,
                         "shard %s is more than %d revisions behind: roll to one in between first",
                         shard->name, PLAN_REVISIONS_MAX);
    shard->revisions = expands;
    shard->contracts = contracts;
    return ERROR_OK;
}

/* Only nodes that do not run it yet have to move. */
static void choose_games(struct planner *p, struct compile_shard *shard)
{
    bool differs = false;

    for (size_t i = 0; i < shard->game_count; i++)
        differs |= strcmp(shard->games[i]->report->release, p->plan->release) != 0;
    shard->release = differs && p->plan->release[0] != '\0' ? p->plan->release : "";
}

/* ---- the plan ---- */

static enum error_code choose_target(struct planner *p, const struct request *request,
                                     const struct catalog_release **ret)
{
    const struct catalog *catalog = p->control->catalog;
    const struct catalog_release *release = NULL;

    if (request->release[0] == '\0' && request->revision[0] == '\0')
        return error_set(p->err, ERROR_USAGE,
                         "say where to go: --to REVISION, --release R, or both");
    if (request->release[0] != '\0') {
        release = catalog_release(catalog, request->release);
        if (release == NULL)
            return error_set(p->err, ERROR_NOT_FOUND, "releases.yaml has no release \"%s\"",
                             request->release);
    }
    if (request->revision[0] == '\0' && release != NULL)
        (void)text_copy(p->plan->revision, NAME_SIZE, release->needs);
    else
        (void)text_copy(p->plan->revision, NAME_SIZE, request->revision);
    (void)text_copy(p->plan->release, NAME_SIZE, request->release);
    if (catalog_revision(catalog, p->plan->revision) == catalog->revision_count)
        return error_set(p->err, ERROR_NOT_FOUND, "the migrations folder has no revision \"%s\"",
                         p->plan->revision);
    if (release != NULL && !compat_is_within(catalog, release->needs, p->plan->revision))
        return error_set(p->err, ERROR_INCOMPATIBLE,
                         "release %s needs %s, which %s does not contain", release->name,
                         release->needs, p->plan->revision);
    *ret = release;
    return ERROR_OK;
}

/* Only maintenance may leave a shard without anybody in traffic: that is what it is for, announced
 * and within its budget.  So nobody has to stay ready, and everybody may be out at once. */
static enum error_code choose_maintenance(struct planner *p)
{
    struct rollout_options *options = &p->plan->options;

    if (options->except_count > 0)
        return error_set(p->err, ERROR_REFUSED,
                         "a maintenance takes every game node of a shard out of traffic, so that "
                         "none can be left out: roll without --except, or without maintenance");
    options->min_ready = 0;
    options->max_unavailable = PLAN_GAMES_MAX;
    options->waves = memory_array(p->parent, uint32_t, 1);
    options->waves[0] = PLAN_SHARE + 100;
    options->wave_count = 1;
    if (options->budget_ms == 0)
        options->budget_ms = BUDGET_DEFAULT_MS;
    return ERROR_OK;
}

static enum error_code check_budget(struct planner *p)
{
    return p->plan->options.budget_ms == 0
               ? ERROR_OK
               : error_set(p->err, ERROR_USAGE,
                           "--budget is a maintenance's: with any other strategy players go on "
                           "playing (--strategy maintenance)");
}

/* A shadow moves no game server, and leaves every schema as it is. */
static bool is_rehearsal_only(const struct planner *p)
{
    return p->plan->strategy == STRATEGY_SHADOW;
}

static enum error_code choose_rehearsal(struct planner *p)
{
    p->plan->options.hold = false; /* for what? nothing comes behind it */
    p->plan->release[0] = '\0';
    return check_budget(p);
}

/* Both sides are the operator's own databases, and everybody uses one of them. */
static enum error_code choose_twin(struct planner *p)
{
    if (p->plan->options.except_count > 0)
        return error_set(p->err, ERROR_REFUSED,
                         "every game node of a shard follows its pools to the other database, so "
                         "that none can be left out: go without --except");
    if (p->plan->options.max_pause_ms == 0)
        p->plan->options.max_pause_ms = MAX_PAUSE_DEFAULT_MS;
    if (p->plan->options.max_pause_ms < MAX_PAUSE_LEAST_MS ||
        p->plan->options.max_pause_ms > PAUSE_LEASE_MS)
        return error_set(
            p->err, ERROR_USAGE,
            "--max-pause is between %d and %d ms: less cannot be kept, and poolers let "
            "go of a longer one",
            MAX_PAUSE_LEAST_MS, PAUSE_LEASE_MS);
    return check_budget(p);
}

static const struct {
    enum strategy strategy;
    enum error_code (*choose)(struct planner *p); /* its own options */
} forward[] = {{STRATEGY_ROLLING, check_budget},
               {STRATEGY_BLUE_GREEN, check_budget},
               {STRATEGY_MAINTENANCE, choose_maintenance},
               {STRATEGY_TWIN, choose_twin},
               {STRATEGY_SHADOW, choose_rehearsal}};

static enum error_code check_shares(struct planner *p)
{
    const struct rollout_options *options = &p->plan->options;

    if (options->share_count > 0 && p->plan->strategy != STRATEGY_BLUE_GREEN)
        return error_set(p->err, ERROR_USAGE,
                         "--share is for the traffic that another colour of game servers gets: it "
                         "goes with --strategy blue-green");
    for (size_t i = 0; i < options->share_count; i++)
        if (options->shares[i] >= SHARE_ALL_PERMILLE ||
            options->shares[i] <= (i == 0 ? 0 : options->shares[i - 1]))
            return error_set(p->err, ERROR_USAGE,
                             "--share takes shares that grow, from 0.1%% to 99.9%%, such as "
                             "1%%,10%%,50%%; then all of the traffic follows");
    return ERROR_OK;
}

/* What a person can ask for: the others are Hakem's own. */
static enum error_code choose_strategy(struct planner *p)
{
    if (check_shares(p) != ERROR_OK)
        return p->err->code;
    for (size_t i = 0; i < ARRAY_LEN(forward); i++)
        if (forward[i].strategy == p->plan->strategy)
            return forward[i].choose(p);
    return error_set(
        p->err, ERROR_USAGE,
        "%s is no strategy to ask for: rolling, blue-green, database-blue-green, maintenance and "
        "shadow are",
        word_of(&strategy_names, p->plan->strategy));
}

static enum error_code choose_movers(struct planner *p, size_t at)
{
    if (p->plan->strategy == STRATEGY_BLUE_GREEN)
        return planner_choose_colour(p, at);
    choose_games(p, &p->shards[at]);
    return p->plan->strategy == STRATEGY_TWIN ? planner_choose_side(p, at) : ERROR_OK;
}

static enum error_code choose_all(struct planner *p, const struct catalog_release *release)
{
    for (size_t i = 0; i < p->shard_count; i++) {
        if (choose_movers(p, i) != ERROR_OK)
            return p->err->code;
        if (release == NULL)
            release = catalog_release(p->control->catalog, p->plan->shards[i].release);
        if (choose_revisions(p, &p->shards[i], &p->plan->shards[i], release) != ERROR_OK)
            return p->err->code;
    }
    if (release != NULL)
        (void)text_copy(p->plan->contracts_for, NAME_SIZE, release->name);
    return ERROR_OK;
}

enum error_code planner_forward(const struct control *control, const struct request *request,
                                const void *parent, struct plan *ret, struct error *err)
{
    struct plan plan = {.strategy = request->strategy};
    struct planner p = {.control = control, .parent = parent, .plan = &plan, .err = err};
    const struct catalog_release *release = NULL;

    if (choose_target(&p, request, &release) != ERROR_OK ||
        planner_begin(&p, request) != ERROR_OK || choose_strategy(&p) != ERROR_OK ||
        choose_all(&p, release) != ERROR_OK)
        return err->code;
    if (planner_has_nothing_to_do(&p))
        return error_set(err, ERROR_REFUSED, "nothing to do: every node is there already");
    planner_collect_revisions(&p);
    if ((!is_rehearsal_only(&p) && planner_walk(&p) != ERROR_OK) ||
        planner_choose_shadows(&p) != ERROR_OK ||
        planner_check_rehearsal(&p, request) != ERROR_OK ||
        planner_choose_backups(&p, request) != ERROR_OK || planner_finish(&p) != ERROR_OK)
        return err->code;
    *ret = plan;
    return ERROR_OK;
}
