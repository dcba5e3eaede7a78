/* invariants.c: what holds at every step of every seed, whatever breaks, and what holds at its end
 * (design, section 10).
 */
#include "common/base/text.h"
#include "coordinator/core/control.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/strategy.h"
#include "coordinator/core/work.h"
#include "tests/sim/world.h"

#include <string.h>

/* I1: no node in traffic stands on a schema that it is not compatible with.  A promotion that lost
 * the new release's schema is nobody's doing: then it counts again once it is there. */
static const char *compatible_fault(struct sim *sim, int game)
{
    const struct sim_node *node = &sim->nodes[game];
    const struct sim_database *database = database_of(sim, node->shard);
    unsigned needed = sim_all_revisions(sim);

    if (!edge_sends(sim, game))
        return NULL;
    if (node->release == RELEASE_NEW && (database->expanded & needed) != needed &&
        !sim->shards[node->shard].lost_schema)
        return "I1: the new release is in traffic without its schema";
    if (node->release == RELEASE_OLD && database->contracted != 0)
        return "I1: the old release is in traffic on a contracted schema";
    if ((database->severed & 1u << game) != 0)
        return "I1: a server that the database does not let in gets traffic";
    return NULL;
}

/* I2: somebody is left in traffic. */
static const char *traffic_fault(const struct sim *sim, struct sim_shard *shard)
{
    for (int i = shard->first_game; i < shard->first_game + shard->game_count; i++) {
        if (sim->nodes[i].was_taken_out_dead)
            return NULL;
        for (int e = 0; e < sim->node_count; e++)
            if (is_balancer(&sim->nodes[e]) && edge_lets_in(sim, &sim->nodes[e], i)) {
                shard->is_closed &= sim->journal_open == sim->maintained_rollout;
                return NULL;
            }
    }
    /* A maintenance takes everybody out; one that was abandoned leaves them to their repairs. */
    return shard->is_closed ? NULL : "I2: nobody is left in traffic";
}

/* Asleep: done, or pending behind a step that is neither done nor skipped. */
static bool may_sleep(const struct work *work, const struct step *step)
{
    if (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED)
        return true;
    for (size_t i = 0; i < step->plan->need_count; i++) {
        const struct step *need = work_step(work, step->plan->needs[i]);

        if (need->direction != DIRECTION_DO ||
            (need->state != STEP_SUCCEEDED && need->state != STEP_SKIPPED))
            return step->direction == DIRECTION_DO && step->state == STEP_PENDING;
    }
    return false;
}

static const char *kept_fault(const struct work *work)
{
    struct census counted = work_recount(work);
    const struct step *awake;
    size_t cursor = 0;
    size_t next = 0;

    if (memcmp(&counted, &work->census, sizeof(counted)) != 0)
        return "the census of a plan's steps is not what the steps are";
    do {
        size_t end;

        awake = work_next_awake(work, &cursor);
        end = awake == NULL ? work->count : (size_t)(awake->plan->id - 1);
        for (; next < end; next++)
            if (!may_sleep(work, &work->steps[next]))
                return "a step sleeps that a tick could move";
        next = end + 1;
    } while (awake != NULL);
    return NULL;
}

/* What the core keeps, so as not to look it up, is what it would find. */
static const char *derived_fault(const struct control *control)
{
    const struct work *work = control->open == NULL ? NULL : &control->open->work;
    const char *fault = work == NULL ? NULL : kept_fault(work);

    for (size_t i = 0; i < control->node_count && fault == NULL; i++) {
        const struct node *node = control->nodes[i];
        struct node_in_plan in = {.is_out = false};

        if (work != NULL)
            in = work_node_in_plan(work, node->identity.name);
        if (memcmp(&in, &node->in_plan, sizeof(in)) != 0)
            fault = "a node is not where the plan's steps have it";
        else if (node->repair != NULL)
            fault = kept_fault(node->repair);
    }
    return fault;
}

static const char *core_fault(const struct sim *sim)
{
    const char *fault = sim->control == NULL ? NULL : control_broken_invariant(sim->control);

    if (fault == NULL && sim->control != NULL)
        fault = derived_fault(sim->control);

    for (int i = 0; i < sim->node_count && fault == NULL; i++)
        if (sim->nodes[i].is_alive)
            fault = agent_session_broken_invariant(sim->nodes[i].session);
    return fault;
}

const char *invariant_broken(struct sim *sim)
{
    const char *fault = core_fault(sim);

    for (int i = 0; i < sim->node_count && fault == NULL; i++)
        if (sim->nodes[i].kind == KIND_GAME)
            fault = compatible_fault(sim, i);
    if (fault == NULL)
        fault = pooler_fault(sim);
    for (int i = 0; i < sim->shard_count && fault == NULL; i++) {
        fault = traffic_fault(sim, &sim->shards[i]);
        if (fault == NULL)
            fault = twin_fault(sim, &sim->shards[i]);
    }
    return fault;
}

/* ---- the end ---- */

static const char *edge_upkeep_fault(const struct sim *sim, const struct sim_node *edge)
{
    if (edge->is_paused && !edge->has_forgotten)
        return "I8: a pool is left paused";
    if (is_balancer(edge) && !edge_obeys(sim, edge))
        return "I8: an edge still sends traffic to what it was told to take out";
    if (is_balancer(edge) && edge_strays(edge))
        return "I8: an edge gives its traffic to another colour than it was told";
    return NULL;
}

/* Whatever ended its rollout. */
static const char *twin_upkeep_fault(const struct sim *sim, int at)
{
    const struct sim_node *node = &sim->nodes[at];

    if (!node->is_enrolled || !node->believes || node->is_down)
        return NULL;
    if (node->database.slot_of != 0)
        return "I8: a logical slot is left over";
    if (node->database.twin == TWIN_FOLLOWING || node->database.twin == TWIN_BROKEN)
        return "I8: a database goes on following for a rollout that is over";
    return NULL;
}

static const char *node_upkeep_fault(const struct sim *sim, int at)
{
    const struct sim_node *node = &sim->nodes[at];

    const struct node *known =
        control_node(sim->control, node->name); /* it may be removed by now */

    if (node->kind == KIND_EDGE)
        return edge_upkeep_fault(sim, node);
    if (node->kind == KIND_DATABASE && twin_upkeep_fault(sim, at) != NULL)
        return twin_upkeep_fault(sim, at);
    if (node->kind == KIND_GAME && node->is_enrolled && edge_has_left_out(sim, at) &&
        known != NULL && known->quarantine == QUARANTINE_NONE)
        return "I8: a server that nobody took out gets no traffic";
    if (node->is_told && node->is_enrolled && !sim->was_overruled && known != NULL &&
        known->quarantine == QUARANTINE_NONE)
        return "I8: a server in traffic was left to believe that it is being drained";
    if (node->shadow_of != 0 && node->is_enrolled)
        return "I8: a shadow is left over";
    return NULL;
}

/* What a hand did at an edge, or what an edge forgot, is put right, no pool is left paused, no
 * shadow left over, and a database does not go on naming a rollout that is over. */
static const char *upkeep_fault(const struct sim *sim)
{
    const char *fault = NULL;

    for (int i = 0; i < sim->node_count && fault == NULL; i++)
        fault = node_upkeep_fault(sim, i);
    for (int i = 0; i < sim->shard_count && fault == NULL; i++)
        if (sim->nodes[sim->shards[i].live.primary].database.open_rollout != 0)
            fault = "I8: a database still says that a rollout is open";
    return fault;
}

bool invariant_is_mended(const struct sim *sim)
{
    if (upkeep_fault(sim) != NULL)
        return false;
    for (size_t i = 0; i < sim->control->node_count; i++)
        if (sim->control->nodes[i]->quarantine != QUARANTINE_NONE ||
            sim->control->nodes[i]->repair != NULL)
            return false;
    return true;
}

/* The one that has the traffic now, as every edge really is; COLOUR_NONE: they differ, or have
 * none. */
static int live_colour(const struct sim *sim)
{
    int live = -1;

    for (int i = 0; i < sim->node_count; i++) {
        if (!is_balancer(&sim->nodes[i]))
            continue;
        if ((live >= 0 && sim->nodes[i].split.live != live) ||
            sim->nodes[i].split.share_permille > 0)
            return COLOUR_NONE;
        live = sim->nodes[i].split.live;
    }
    return live < 0 ? COLOUR_NONE : live;
}

/* Half-switched is not a state, and a switch is taken back with the rest. */
static const char *colour_fault_at_end(const struct sim *sim, const struct summary *last)
{
    int live = live_colour(sim);
    int before = sim->shards[0].live_before;

    if (!sim->has_colours)
        return NULL;
    if (live == COLOUR_NONE)
        return "I8: both colours have traffic at the end";
    if (last->strategy != STRATEGY_BLUE_GREEN)
        return NULL;
    if (last->state == ROLLOUT_COMPLETED && live == before)
        return "I8: completed, and the old colour has the traffic";
    if (last->state == ROLLOUT_REVERTED && live != before)
        return "I9: reverted, and the new colour has the traffic";
    return NULL;
}

/* Whom an inverse brings back, and who joined since, ran whatever it was: their goal says it. */
static enum sim_release release_after(const struct sim *sim, const struct summary *last,
                                      const struct sim_node *game, const struct node *node)
{
    /* Who gave the traffic away stays warm, unless a contract takes away what it stands on. */
    if (last->state == ROLLOUT_COMPLETED && last->strategy == STRATEGY_BLUE_GREEN &&
        game->colour == sim->shards[game->shard].live_before && !last->has_contracted)
        return strcmp(fleet_goal(sim->control, node), "new") == 0 ? RELEASE_NEW : RELEASE_OLD;
    if (last->state == ROLLOUT_COMPLETED && !strategy_leads_back(last->strategy))
        return RELEASE_NEW;
    if (last->state != ROLLOUT_COMPLETED && game->was_there)
        return game->release_before;
    return strcmp(fleet_goal(sim->control, node), "new") == 0 ? RELEASE_NEW : RELEASE_OLD;
}

static const char *games_fault(const struct sim *sim, const struct summary *last)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *game = &sim->nodes[i];
        const struct node *node = control_node(sim->control, game->name);

        if (game->kind != KIND_GAME || node == NULL || node->quarantine != QUARANTINE_NONE)
            continue;
        if (game->release != release_after(sim, last, game, node))
            return "I8: a node that is not quarantined runs another release than the rest";
        if (edge_has_left_out(sim, i))
            return "I8: a node that is not quarantined gets no traffic";
    }
    return NULL;
}

/* What a promotion changed after a rollout was closed is not that rollout's fault. */
static const char *schema_fault(const struct sim *sim, const struct summary *last)
{
    for (int i = 0; i < sim->shard_count; i++) {
        const struct sim_database *before = &sim->shards[i].before;
        const struct sim_database *now = &sim->nodes[sim->shards[i].live.primary].database;

        if (sim->shards[i].promoted_at_ms >= last->closed_at_ms ||
            sim->shards[i].was_restored_at_ms >= last->planned_at_ms)
            continue;
        /* One that touched nothing need not take back what another primary brought along. */
        if (sim->shards[i].promoted_at_ms >= last->planned_at_ms &&
            sim->shards[i].expanded_in != last->rollout)
            continue;
        /* What an abandoned rollout left half done may be gone. */
        if ((now->applied & ~(before->applied & ~before->expanded)) != before->expanded ||
            now->expanded != before->expanded || now->contracted != before->contracted)
            return "I9: reverted, but the schema is not as before";
        /* What was done to a copy went with the copy. */
        if (last->strategy != STRATEGY_TWIN && now->drift != before->drift &&
            before->applied == before->expanded && sim->shards[i].expanded_in == last->rollout &&
            sim->shards[i].drifted_at_ms < sim->shards[i].agreed_at_ms)
            return "I9: reverted, though somebody had changed the schema by hand";
    }
    return NULL;
}

/* What three beats can't have told yet it can't have known. */
static const char *arrival_fault(const struct sim *sim, const struct summary *last)
{
    for (int i = 0; i < sim->shard_count; i++) {
        unsigned expanded = sim->nodes[sim->shards[i].live.primary].database.expanded;

        if ((expanded & sim_all_revisions(sim)) != sim_all_revisions(sim) &&
            sim->shards[i].promoted_at_ms + SUSPECT_MS < last->closed_at_ms)
            return "I8: completed, but a primary does not have the schema";
    }
    return NULL;
}

static bool has_left_out_nodes(const struct summary *summary)
{
    return summary->options.except_count > 0;
}

/* While the new release is bad, or a promotion took its ground away, nobody can repair it. */
static const char *mending_fault(const struct sim *sim)
{
    if (upkeep_fault(sim) != NULL)
        return upkeep_fault(sim);
    if (sim->fate.release_turns_bad || invariant_is_mended(sim))
        return NULL;
    for (int i = 0; i < sim->shard_count; i++)
        if (sim->shards[i].lost_schema)
            return NULL;
    for (size_t i = 0; i < sim->control->node_count; i++)
        sim_trace(sim, "%s: quarantine %s, %s", sim->control->nodes[i]->identity.name,
                  word_of(&quarantine_cause_names, sim->control->nodes[i]->quarantine),
                  text_kept(&sim->control->nodes[i]->quarantine_why));
    return "I8: long after the faults a node is still quarantined";
}

static const struct summary *newest_that_changed(const struct control *control)
{
    return control_summary(control, fleet_rollout_before(control, UINT64_MAX));
}

/* Rehearsals leave every schema and every server as they were. */
static const char *untouched_fault(const struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].release != RELEASE_OLD || sim->nodes[i].database.applied != 0)
            return "a rehearsal has changed something";
    return mending_fault(sim);
}

static bool is_planned_forward(const struct summary *summary)
{
    return !strategy_leads_back(summary->strategy);
}

/* Where nothing befell the shard since, what is there is what was backed up. */
static const char *restore_fault_at_end(const struct sim *sim, const struct summary *last)
{
    if (last->strategy != STRATEGY_RESTORE || last->state != ROLLOUT_COMPLETED)
        return NULL;
    for (int i = 0; i < sim->shard_count; i++) {
        const struct sim_node *primary = &sim->nodes[sim->shards[i].live.primary];
        const struct sim_database *now = &primary->database;

        if (sim->shards[i].promoted_at_ms != 0 || sim->shards[i].was_restored_at_ms != 0 ||
            primary->backup_of != last->inverse_of)
            continue;
        if (now->applied != primary->backup.applied || now->expanded != primary->backup.expanded ||
            now->contracted != primary->backup.contracted)
            return "I9: restored, but the schema is not the backup's";
    }
    return NULL;
}

/* I8 and I9, once every rollout is closed. */
const char *invariant_ended(const struct sim *sim)
{
    const struct summary *last;
    const char *fault = NULL;

    if (sim->control->summary_count == 0)
        return "I8: no rollout ever ended";
    last = newest_that_changed(sim->control);
    if (last == NULL) /* nothing but rehearsals */
        return untouched_fault(sim);
    if (sim->was_overruled || last->state == ROLLOUT_ABANDONED)
        return NULL;
    fault = restore_fault_at_end(sim, last);
    if (fault != NULL)
        return fault;
    fault = colour_fault_at_end(sim, last);
    if (fault == NULL)
        fault = twin_fault_at_end(sim, last);
    if (fault == NULL && last->state == ROLLOUT_COMPLETED && is_planned_forward(last))
        fault = arrival_fault(sim, last);
    if (fault == NULL && last->state == ROLLOUT_COMPLETED && !has_left_out_nodes(last))
        fault = games_fault(sim, last);
    if (fault == NULL && last->state == ROLLOUT_REVERTED && is_planned_forward(last)) {
        fault = last->kept_count == 0 ? schema_fault(sim, last) : NULL;
        fault = fault == NULL ? games_fault(sim, last) : fault;
    }
    return fault == NULL ? mending_fault(sim) : fault;
}
