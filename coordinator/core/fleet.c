#include "coordinator/core/fleet.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/twin.h"
#include "coordinator/core/work.h"

#include <string.h>

bool node_is_known(const struct node *node)
{
    return (node->link == LINK_ONLINE || node->link == LINK_SUSPECT) && node->report != NULL &&
           node->report->could_measure;
}

static bool is_heard_within(const struct control *control, const struct node *node, uint64_t ms)
{
    return node->link == LINK_ONLINE && node->report != NULL &&
           control->now_ms - node->report_at_ms + node->report->age_ms <= ms;
}

bool node_is_fresh(const struct control *control, const struct node *node)
{
    return is_heard_within(control, node, SUSPECT_MS);
}

bool node_is_current(const struct control *control, const struct node *node)
{
    return is_heard_within(control, node, CURRENT_MS);
}

bool node_runs_nothing(const struct node *game)
{
    return node_is_known(game) && !game->report->is_up && game->report->release[0] == '\0';
}

uint64_t node_measured_at_ms(const struct node *node)
{
    uint64_t age = node->report == NULL ? 0 : node->report->age_ms;

    return node->report_at_ms > age ? node->report_at_ms - age : 0;
}

uint64_t fleet_closed_rollout(const struct control *control)
{
    return control->open != NULL ? control->open->work.plan->rollout - 1 : control->rollout_number;
}

static uint64_t newest_before(const struct control *control, uint64_t rollout, bool is_completed)
{
    for (size_t i = control->summary_count; i > 0; i--) {
        const struct summary *summary = control->summaries[i - 1];

        if (summary->rollout < rollout && summary->strategy != STRATEGY_SHADOW &&
            (!is_completed || summary->state == ROLLOUT_COMPLETED))
            return summary->rollout;
    }
    return 0;
}

uint64_t fleet_rollout_before(const struct control *control, uint64_t rollout)
{
    return newest_before(control, rollout, false);
}

uint64_t fleet_completed_before(const struct control *control, uint64_t rollout)
{
    return newest_before(control, rollout, true);
}

bool fleet_is_of_side(const struct control *control, const struct node *database, const char *side)
{
    return side[0] == '\0' ? !twin_rests(control, database)
                           : strcmp(database->identity.colour, side) == 0;
}

uint64_t fleet_timeline(const struct control *control, const char *shard, const char *side)
{
    const struct node *node;
    uint64_t newest = 0;
    size_t cursor = 0;

    while ((node = fleet_next(control, KIND_DATABASE, shard, &cursor)) != NULL)
        if (fleet_is_of_side(control, node, side) && node_is_known(node) &&
            node->report->database.timeline > newest)
            newest = node->report->database.timeline;
    return newest;
}

const struct node *fleet_primary_of(const struct control *control, const char *shard,
                                    const char *side)
{
    const struct node *primary = NULL;
    const struct node *node;
    size_t cursor = 0;

    while ((node = fleet_next(control, KIND_DATABASE, shard, &cursor)) != NULL) {
        if (!node_is_known(node) || !node->report->database.is_primary ||
            node->quarantine == QUARANTINE_IDENTITY || !fleet_is_of_side(control, node, side))
            continue;
        /* After a promotion the old primary may still believe in itself: the newer timeline is it.
         */
        if (primary == NULL || node->report->database.timeline > primary->report->database.timeline)
            primary = node;
        else if (node->report->database.timeline == primary->report->database.timeline)
            return NULL;
    }
    return primary;
}

const struct node *fleet_primary(const struct control *control, const char *shard)
{
    return fleet_primary_of(control, shard, "");
}

bool fleet_is_closed(const struct control *control, const char *shard)
{
    const struct rollout *open = control->open;

    return open != NULL && strategy_closes(open->work.plan->strategy) &&
           open->state != ROLLOUT_PLANNED && work_shard(&open->work, shard) != NULL;
}

enum verdict node_probes(const struct node *node, char why[static SENTENCE_SIZE])
{
    const struct report *report = node->report;

    if (report == NULL || !report->could_measure) {
        (void)text_format(why, SENTENCE_SIZE, "%s could not measure: %.800s", node->identity.name,
                          report == NULL ? "no report yet" : report->fault);
        return VERDICT_ERROR;
    }
    for (size_t i = 0; i < report->probe_count; i++) {
        const struct probe_result *probe = &report->probes[i];

        if (probe->could_measure && probe->passes)
            continue;
        (void)text_format(why, SENTENCE_SIZE, "%s: probe %s %s: %.127s", node->identity.name,
                          probe->name, probe->could_measure ? "fails" : "could not measure",
                          probe->text);
        return probe->could_measure ? VERDICT_FAIL : VERDICT_ERROR;
    }
    if (!report->is_up) {
        (void)text_format(why, SENTENCE_SIZE, "%s is down: %.800s", node->identity.name,
                          report->fault);
        return VERDICT_FAIL;
    }
    (void)text_format(why, SENTENCE_SIZE, "%s: %zu probes pass", node->identity.name,
                      report->probe_count);
    return VERDICT_PASS;
}

bool node_is_ready(const struct control *control, const struct node *node)
{
    char why[SENTENCE_SIZE];

    return node->link == LINK_ONLINE && node_probes(node, why) == VERDICT_PASS &&
           fleet_traffic(control, node, NULL) == TRAFFIC_READY;
}

bool node_is_being_moved(const struct control *control, const struct node *node)
{
    (void)control;
    return node->in_plan.is_out || node->repair != NULL;
}

const struct node *fleet_next(const struct control *control, enum node_kind kind, const char *shard,
                              size_t *cursor)
{
    size_t at = *cursor == 0 ? control_shard_place(control, kind, shard, "") : *cursor;

    if (at >= control->kind_begin[kind + 1] ||
        strcmp(control->by_shard[at]->identity.shard, shard) != 0)
        return NULL;
    *cursor = at + 1;
    return control->by_shard[at];
}

/* One bad sample is no verdict. */
static bool is_failing_briefly(const struct control *control, const struct node *node)
{
    return node->link == LINK_ONLINE && node->failing_since_ms != 0 &&
           control->now_ms - node->failing_since_ms < SUSPECT_MS &&
           fleet_traffic(control, node, NULL) == TRAFFIC_READY;
}

bool node_was_taken_out(const struct control *control, const struct node *game)
{
    struct edge_cursor cursor = {.own = 0};

    return game->is_taken_out && edge_next(control, game->identity.shard, &cursor) != NULL;
}

bool node_is_in_traffic(const struct control *control, const struct node *game)
{
    return game->quarantine != QUARANTINE_HELD &&
           fleet_traffic(control, game, NULL) == TRAFFIC_READY &&
           !node_was_taken_out(control, game) && !node_is_being_moved(control, game);
}

/* A repair, or the plan, has it out; or it does not pass, and not just for a moment. */
static bool node_serves(const struct control *control, const struct node *node)
{
    return node->quarantine != QUARANTINE_HELD && !node_is_being_moved(control, node) &&
           (node_is_ready(control, node) || is_failing_briefly(control, node));
}

bool fleet_is_starved(const struct control *control, const char *shard, uint64_t min_ready)
{
    const struct node *node;
    size_t cursor = 0;
    size_t games = 0;
    size_t serving = 0;

    while (serving < min_ready && (node = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL) {
        games++;
        serving += !colour_rests(control, node) && node_serves(control, node);
    }
    return games > 0 && serving < min_ready;
}

static struct shard_count count_shard(const struct control *control, const char *shard)
{
    struct shard_count count = {.games = 0};
    const struct node *node;
    size_t cursor = 0;

    while ((node = fleet_next(control, KIND_GAME, shard, &cursor)) != NULL) {
        bool is_ready = node_is_ready(control, node);
        bool is_moved;

        count.games++;
        if (colour_rests(control, node))
            continue;
        /* Whom a person took out does not serve, even where an edge has forgotten that. */
        if (node->quarantine == QUARANTINE_HELD) {
            count.unavailable++;
            continue;
        }
        is_moved = node_is_being_moved(control, node);
        count.ready += is_ready && !is_moved;
        count.in_traffic += node_is_in_traffic(control, node);
        count.unavailable += !is_ready || is_moved;
    }
    return count;
}

struct shard_count fleet_count(const struct control *control, const char *shard)
{
    struct counted *counted = control->counted;

    if (!counted->is_known || counted->changes != control->changes ||
        counted->now_ms != control->now_ms || strcmp(counted->shard, shard) != 0) {
        *counted = (struct counted){.is_known = true,
                                    .changes = control->changes,
                                    .now_ms = control->now_ms,
                                    .count = count_shard(control, shard)};
        (void)text_copy(counted->shard, NAME_SIZE, shard);
    }
    return counted->count;
}

static bool is_past_the_waves(const struct rollout *open)
{
    return open->state == ROLLOUT_HOLDING || open->state == ROLLOUT_COMPLETING ||
           open->came_from == ROLLOUT_HOLDING || open->came_from == ROLLOUT_COMPLETING;
}

/* The last wave has been admitted: every admit of the shard's plan has succeeded, or was skipped.
 * Without any, once the waves of the others are over. */
static bool shard_has_arrived(const struct rollout *open, const char *shard)
{
    const struct shard_progress *progress = work_progress(&open->work, shard);

    return progress != NULL && progress->admits > 0 ? progress->admitted == progress->admits
                                                    : is_past_the_waves(open);
}

bool fleet_is_out(const struct control *control, const struct node *game)
{
    struct edge_cursor cursor = {.own = 0};
    enum traffic_state state;

    if (edge_next(control, game->identity.shard, &cursor) == NULL)
        return true;
    state = fleet_traffic(control, game, NULL);
    return state == TRAFFIC_DRAIN || state == TRAFFIC_IDLE;
}

/* The shard before the rollout that the open one takes back; NULL if it takes back none. */
static const struct plan_shard *undone_shard(const struct control *control, const char *shard)
{
    const struct summary *undone = control_summary(control, control->open->work.plan->inverse_of);

    return undone == NULL ? NULL : plan_shard_named(undone->shards, undone->shard_count, shard);
}

const char *fleet_arrival(const struct control *control, const char *shard)
{
    const struct plan_shard *undone = undone_shard(control, shard);

    return undone != NULL && undone->release[0] != '\0' ? undone->release
                                                        : control->open->work.plan->release;
}

const char *fleet_release_before(const struct plan_shard *shard, const char *game)
{
    for (size_t i = 0; i < shard->game_count; i++)
        if (strcmp(shard->games[i].node, game) == 0 && shard->games[i].release[0] != '\0')
            return shard->games[i].release;
    return shard->release;
}

const char *fleet_own_arrival(const struct control *control, const struct node *game)
{
    const struct plan_shard *undone = undone_shard(control, game->identity.shard);
    const char *own = undone == NULL ? "" : fleet_release_before(undone, game->identity.name);

    return own[0] != '\0' ? own : fleet_arrival(control, game->identity.shard);
}

bool fleet_has_arrived(const struct control *control, const char *shard)
{
    const struct rollout *open = control->open;

    return open != NULL && open->state != ROLLOUT_PLANNED && !fleet_is_going_back(control) &&
           fleet_arrival(control, shard)[0] != '\0' && shard_has_arrived(open, shard);
}

bool fleet_is_going_back(const struct control *control)
{
    const struct rollout *open = control->open;

    return open != NULL && (open->state == ROLLOUT_REVERTING ||
                            (open->state == ROLLOUT_STUCK && open->came_from == ROLLOUT_REVERTING));
}

bool fleet_leaves_out(const struct plan *plan, const char *node)
{
    return names_contain(plan->options.except, plan->options.except_count, node);
}

/* As the last rollout left it. */
static const char *settled_goal(const struct control *control, const struct node *game)
{
    const struct goal *own = control_goal(control, game->identity.shard, game->identity.name);
    const struct goal *common = control_goal(control, game->identity.shard, "");

    if (own != NULL && own->release[0] != '\0')
        return own->release;
    return common == NULL ? "" : common->release;
}

static const char *release_before(const struct work *work, const char *shard)
{
    const struct plan_shard *before = work_shard(work, shard);

    return before == NULL ? "" : before->release;
}

/* Who gives the traffic away stays warm as it was, until nobody goes back any more. */
static const char *goal_of_colour(const struct control *control, const struct node *game,
                                  const char *settled)
{
    const struct work *work = &control->open->work;
    const struct plan_shard *before = work_shard(work, game->identity.shard);
    bool arrives = fleet_has_arrived(control, game->identity.shard);

    if (colour_is_left(work->plan, game))
        arrives = colour_is_beyond_the_plan(work, game)
                      ? is_past_the_waves(control->open) && control_hold_is_over(control)
                      : colour_is_retired(work, game);
    if (arrives && !fleet_is_going_back(control))
        return work->plan->release;
    if (settled[0] != '\0' || before == NULL)
        return settled;
    return fleet_release_before(before, game->identity.name);
}

const char *fleet_goal(const struct control *control, const struct node *game)
{
    const struct rollout *open = control->open;
    const char *settled = settled_goal(control, game);

    if (open == NULL || fleet_leaves_out(open->work.plan, game->identity.name))
        return settled;
    if (open->work.plan->strategy == STRATEGY_BLUE_GREEN)
        return goal_of_colour(control, game, settled);
    if (fleet_has_arrived(control, game->identity.shard))
        return fleet_own_arrival(control, game);
    return settled[0] != '\0' ? settled : release_before(&open->work, game->identity.shard);
}
