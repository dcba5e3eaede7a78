#include "coordinator/core/vitals.h"

#include "common/base/memory.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/step.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/work.h"

#include <string.h>

#define POOLED_MAX  1024 /* samples of a colour */
#define TAIL_SHARE  8    /* with few samples the tail is one in so many, */
#define TAIL_MIN    3    /* and never one or two slow answers */
#define PERMILLE    1000u
#define ERRORS_MIN  5 /* fewer are no rate */
#define COMPARE_MAX 400

/* ---- samples ---- */

/* The slowest of the node's own probes: what could not be measured says nothing. */
static bool report_latency(const struct report *report, uint64_t *ret)
{
    bool has_any = false;

    *ret = 0;
    for (size_t i = 0; i < report->probe_count; i++) {
        if (!report->probes[i].could_measure)
            continue;
        has_any = true;
        if (report->probes[i].latency_ms > *ret)
            *ret = report->probes[i].latency_ms;
    }
    return has_any;
}

/* What all of its edges have counted so far; false: one of them has not said anything yet. */
static bool count_requests(const struct control *control, const struct node *game, uint64_t *ret,
                           uint64_t *ret_errors)
{
    struct edge_cursor cursor = {.own = 0};
    const struct node *edge;

    *ret = *ret_errors = 0;
    while ((edge = edge_next(control, game->identity.shard, &cursor)) != NULL) {
        const struct server_traffic *server = edge_server(edge, game->identity.name);

        if (server == NULL)
            return false;
        *ret += server->requests;
        *ret_errors += server->errors;
    }
    return true;
}

/* An edge that was restarted counts from zero: what it had is begun anew, not lost or found. */
static void add_requests(const struct control *control, const struct node *game,
                         struct vitals *vitals, struct vital *ret)
{
    uint64_t requests, errors;

    if (!count_requests(control, game, &requests, &errors)) {
        vitals->has_totals = false;
        return;
    }
    if (vitals->has_totals && requests >= vitals->requests && errors >= vitals->errors) {
        ret->requests = requests - vitals->requests;
        ret->errors = errors - vitals->errors;
    }
    vitals->has_totals = true;
    vitals->requests = requests;
    vitals->errors = errors;
}

void vitals_take(const struct control *control, struct node *game)
{
    struct vitals *vitals = game->vitals;
    struct vital vital = {.at_ms = node_measured_at_ms(game)};

    if (!game->report->could_measure || !report_latency(game->report, &vital.latency_ms))
        return;
    if (vitals == NULL)
        vitals = game->vitals = memory_new(game, struct vitals);
    /* Of another release they say nothing about this one. */
    if (strcmp(vitals->release, game->report->release) != 0)
        vitals->count = vitals->next = 0;
    (void)text_copy(vitals->release, NAME_SIZE, game->report->release);
    add_requests(control, game, vitals, &vital);
    vitals->ring[vitals->next] = vital;
    vitals->next = (vitals->next + 1) % VITALS_MAX;
    if (vitals->count < VITALS_MAX)
        vitals->count++;
}

/* ---- summaries ---- */

struct pool {
    uint64_t latencies[POOLED_MAX]; /* ascending */
    size_t count;
    uint64_t requests, errors;
};

static void pool_insert(struct pool *pool, uint64_t latency_ms)
{
    size_t at = pool->count++;

    for (; at > 0 && pool->latencies[at - 1] > latency_ms; at--)
        pool->latencies[at] = pool->latencies[at - 1];
    pool->latencies[at] = latency_ms;
}

static void pool_add(struct pool *pool, const struct node *game, uint64_t since_ms)
{
    for (size_t i = 0; game->vitals != NULL && i < game->vitals->count; i++) {
        const struct vital *vital = &game->vitals->ring[i];

        if (vital->at_ms < since_ms || pool->count == POOLED_MAX)
            continue;
        pool_insert(pool, vital->latency_ms);
        pool->requests += vital->requests;
        pool->errors += vital->errors;
    }
}

static struct vitals_summary pool_sum_up(struct pool *pool)
{
    struct vitals_summary summary = {
        .samples = pool->count, .requests = pool->requests, .errors = pool->errors};

    if (pool->count == 0)
        return summary;
    summary.median_ms = pool->latencies[pool->count / 2];
    summary.p99_ms = pool->latencies[(pool->count * 99 + 99) / 100 - 1];
    return summary;
}

struct vitals_summary vitals_since(const struct node *game, uint64_t since_ms)
{
    struct pool pool = {.count = 0};

    pool_add(&pool, game, since_ms);
    return pool_sum_up(&pool);
}

/* ---- the baseline ---- */

struct vitals_summary vitals_of_shard(const struct control *control, const char *shard,
                                      uint64_t since_ms)
{
    struct pool pool = {.count = 0};
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL)
        if (!colour_rests(control, game))
            pool_add(&pool, game, since_ms);
    return pool_sum_up(&pool);
}

/* Who takes no traffic as yet is measured by those who do: it will get what they have. */
static struct vitals_summary summary_before(const struct control *control, const struct node *game)
{
    return colour_rests(control, game) ? vitals_of_shard(control, game->identity.shard, 0)
                                       : vitals_since(game, 0);
}

static bool is_soaked(const struct work *work, const struct node *game)
{
    struct target_steps own = work_steps_of_target(work, game->identity.name);

    for (size_t i = 0; i < own.count; i++)
        if (work_target_step(work, &own, i)->plan->gate == GATE_SOAK)
            return true;
    return false;
}

static bool is_filled(const struct work *work, const char *shard)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->task == TASK_BACKFILL &&
            strcmp(work->steps[i].plan->shard, shard) == 0)
            return true;
    return false;
}

static void note_baseline(struct run *run, const struct node *game)
{
    struct vitals_summary before = summary_before(run->control, game);
    struct fact_baseline *fact = run_body(run, fact_row(FACT_BASELINE)->record);

    (void)text_copy(fact->node, NAME_SIZE, game->identity.name);
    fact->samples = before.samples;
    fact->median_ms = before.median_ms;
    fact->p99_ms = before.p99_ms;
    fact->requests = before.requests;
    fact->errors = before.errors;
    run_emit(run, FACT_BASELINE, fact);
}

void vitals_note_baselines(struct run *run)
{
    const struct control *control = run->control;
    const struct work *work = &control->open->work;

    for (size_t i = control->kind_begin[KIND_GAME]; i < control->kind_begin[KIND_EDGE]; i++) {
        const struct node *game = control->nodes[i];

        if (is_soaked(work, game) || is_filled(work, game->identity.shard))
            note_baseline(run, game);
    }
}

bool vitals_are_missing(const struct control *control, char ret_name[static NAME_SIZE])
{
    const struct work *work = &control->open->work;

    for (size_t i = 0; work->plan->options.must_compare && i < work->count; i++) {
        const struct node *game = control_node(control, work->steps[i].plan->target);

        if (work->steps[i].plan->gate != GATE_SOAK || game == NULL ||
            summary_before(control, game).samples >= VITALS_BEFORE_MIN)
            continue;
        (void)text_copy(ret_name, NAME_SIZE, game->identity.name);
        return true;
    }
    return false;
}

static const struct fact_baseline *baseline_of(const struct rollout *open, const char *game)
{
    for (size_t i = 0; i < open->baseline_count; i++)
        if (strcmp(open->baselines[i].node, game) == 0)
            return &open->baselines[i];
    return NULL;
}

/* ---- the comparison ---- */

struct comparison {
    const struct rollout_options *options;
    const struct fact_baseline *before;
    struct vitals_summary since;
    uint64_t tail; /* of the samples since: how many are over the limit of the p99 */
};

static uint64_t latency_limit_ms(uint64_t before_ms, uint64_t percent)
{
    uint64_t times = before_ms * percent / 100;

    return times > before_ms + VITALS_FLOOR_MS ? times : before_ms + VITALS_FLOOR_MS;
}

static uint64_t count_over(const struct node *game, uint64_t since_ms, uint64_t limit_ms)
{
    uint64_t count = 0;

    for (size_t i = 0; game->vitals != NULL && i < game->vitals->count; i++)
        count +=
            game->vitals->ring[i].at_ms >= since_ms && game->vitals->ring[i].latency_ms > limit_ms;
    return count;
}

/* Below a hundred samples the p99 is the slowest one, and one slow answer is no verdict. */
static bool has_slow_tail(const struct comparison *c)
{
    return c->tail >= TAIL_MIN && c->tail * TAIL_SHARE > c->since.samples;
}

static bool is_slower(const struct comparison *c)
{
    return has_slow_tail(c) ||
           c->since.median_ms >
               latency_limit_ms(c->before->median_ms, c->options->latency_max_percent);
}

static uint64_t permille(uint64_t errors, uint64_t requests)
{
    return requests == 0 ? 0 : errors * PERMILLE / requests;
}

static bool fails_more_often(const struct comparison *c)
{
    return c->since.requests >= VITALS_REQUESTS_MIN && c->since.errors >= ERRORS_MIN &&
           permille(c->since.errors, c->since.requests) >
               permille(c->before->errors, c->before->requests) + c->options->errors_max_permille;
}

static bool has_enough(const struct comparison *c)
{
    return c->before->samples >= VITALS_BEFORE_MIN && c->since.samples >= VITALS_SINCE_MIN;
}

static void say_figures(const struct comparison *c, char *ret)
{
    (void)text_format(ret, COMPARE_MAX,
                      "answers in %llu ms, p99 %llu ms (before: %llu and %llu ms); %llu of %llu "
                      "requests failed (before: %llu of %llu)",
                      (unsigned long long)c->since.median_ms, (unsigned long long)c->since.p99_ms,
                      (unsigned long long)c->before->median_ms,
                      (unsigned long long)c->before->p99_ms, (unsigned long long)c->since.errors,
                      (unsigned long long)c->since.requests, (unsigned long long)c->before->errors,
                      (unsigned long long)c->before->requests);
}

/* Whoever asked for it gets no pass without it. */
static enum verdict say_too_little(const struct comparison *c, const char *name, char *why)
{
    (void)text_format(
        why, SENTENCE_SIZE,
        "%.63s: healthy; not compared: %llu samples from before (%d are needed), %llu "
        "since (%d)",
        name, (unsigned long long)c->before->samples, VITALS_BEFORE_MIN,
        (unsigned long long)c->since.samples, VITALS_SINCE_MIN);
    return c->options->must_compare ? VERDICT_INCONCLUSIVE : VERDICT_PASS;
}

static enum verdict judge(const struct comparison *c, const char *name, char *why)
{
    char figures[COMPARE_MAX];
    bool compares_latency = c->options->latency_max_percent != 0;

    if (compares_latency && !has_enough(c) && !fails_more_often(c))
        return say_too_little(c, name, why);
    say_figures(c, figures);
    if (fails_more_often(c))
        (void)text_format(why, SENTENCE_SIZE, "%.63s fails more often than before: %s", name,
                          figures);
    else if (compares_latency && is_slower(c))
        (void)text_format(why, SENTENCE_SIZE,
                          "%.63s is slower than before (--latency-max %llu.%02llu): %s", name,
                          (unsigned long long)c->options->latency_max_percent / 100,
                          (unsigned long long)c->options->latency_max_percent % 100, figures);
    else {
        (void)text_format(why, SENTENCE_SIZE, "%.63s: %s", name, figures);
        return VERDICT_PASS;
    }
    return VERDICT_FAIL;
}

enum verdict vitals_compare(const struct control *control, const struct step *step,
                            char why[static SENTENCE_SIZE])
{
    const struct node *game = control_node(control, step->plan->target);
    const struct rollout *open = control->open;
    struct comparison c = {.before = NULL};

    /* Going back is not measured by what it goes away from. */
    if (open == NULL || game == NULL || strategy_leads_back(open->work.plan->strategy))
        return VERDICT_PASS;
    c.options = &open->work.plan->options;
    c.before = baseline_of(open, game->identity.name);
    if (c.before == NULL) /* an older journal's */
        return VERDICT_PASS;
    c.since = vitals_since(game, step->changed_at_ms);
    c.tail = count_over(game, step->changed_at_ms,
                        latency_limit_ms(c.before->p99_ms, c.options->latency_max_percent));
    return judge(&c, game->identity.name, why);
}

/* ---- beside a backfill ---- */

static bool is_being_filled(const struct control *control, const char *shard)
{
    const struct step *step;
    size_t cursor = 0;

    if (control->open == NULL)
        return false;
    while ((step = work_next_awake(&control->open->work, &cursor)) != NULL)
        if (step_task(step) == TASK_BACKFILL && step->state == STEP_RUNNING &&
            strcmp(step->plan->shard, shard) == 0)
            return true;
    return false;
}

/* By the slowest of those who were there before: what players were used to is no reason to wait.
 * 0: too little is known of all of them. */
static uint64_t limit_beside_backfill_ms(const struct control *control, const char *shard)
{
    const struct rollout *open = control->open;
    uint64_t samples = 0, median_ms = 0;

    for (size_t i = 0; i < open->baseline_count; i++) {
        const struct fact_baseline *before = &open->baselines[i];
        const struct node *game = control_node(control, before->node);

        if (game == NULL || strcmp(game->identity.shard, shard) != 0)
            continue;
        samples += before->samples;
        if (before->samples > 0 && before->median_ms > median_ms)
            median_ms = before->median_ms;
    }
    return samples < VITALS_BEFORE_MIN
               ? 0
               : latency_limit_ms(median_ms, open->work.plan->options.latency_max_percent);
}

/* The last few of each: who answers slowly is asked seldom. */
static struct vitals_summary newest_of_shard(const struct control *control, const char *shard)
{
    uint64_t since_ms = control->now_ms > VITALS_NOW_MS ? control->now_ms - VITALS_NOW_MS : 0;
    struct pool pool = {.count = 0};
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL) {
        const struct vitals *vitals = game->vitals;

        for (size_t i = 1; vitals != NULL && !colour_rests(control, game) && i <= vitals->count &&
                           i <= VITALS_SINCE_MIN && pool.count < POOLED_MAX;
             i++) {
            const struct vital *vital = &vitals->ring[(vitals->next + VITALS_MAX - i) % VITALS_MAX];

            if (vital->at_ms >= since_ms)
                pool_insert(&pool, vital->latency_ms);
        }
    }
    return pool_sum_up(&pool);
}

static bool fails_now(const struct control *control, const struct node *game)
{
    if (game->report == NULL || game->report_at_ms + VITALS_NOW_MS < control->now_ms ||
        !node_is_in_traffic(control, game) || colour_rests(control, game))
        return false;
    for (size_t i = 0; i < game->report->probe_count; i++)
        if (game->report->probes[i].could_measure && !game->report->probes[i].passes)
            return true;
    return false;
}

/* Whoever fails its probes keeps players waiting, however soon it says so. */
static bool is_failing(const struct control *control, const char *shard)
{
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL)
        if (fails_now(control, game))
            return true;
    return false;
}

struct players_word vitals_players_of(const struct control *control, const struct node *database)
{
    const char *shard = database->identity.shard;
    struct players_word word = {.limit_ms = 0};
    struct vitals_summary now;

    if (database->identity.kind != KIND_DATABASE || !is_being_filled(control, shard) ||
        control->open->work.plan->options.latency_max_percent == 0 ||
        strategy_closes(control->open->work.plan->strategy)) /* nobody plays */
        return word;
    now = newest_of_shard(control, shard);
    if (now.samples < VITALS_SINCE_MIN)
        return word;
    word.limit_ms = limit_beside_backfill_ms(control, shard);
    word.now_ms = word.limit_ms != 0 ? now.median_ms : 0;
    if (word.limit_ms != 0 && word.now_ms <= word.limit_ms && is_failing(control, shard))
        word.now_ms = word.limit_ms + 1;
    return word;
}

bool vitals_are_wanted(const struct control *control, const struct node *game)
{
    return game->identity.kind == KIND_GAME && is_being_filled(control, game->identity.shard);
}
