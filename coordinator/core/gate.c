#include "coordinator/core/gate.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_scene.h"
#include "coordinator/core/vitals.h"

#include <assert.h>
#include <string.h>

typedef enum verdict look_fn(const struct control *control, const struct step *step,
                             char why[static SENTENCE_SIZE]);

static enum verdict say(char *why, enum verdict verdict, const char *text, const char *name)
{
    (void)text_format(why, SENTENCE_SIZE, "%.63s: %.800s", name, text);
    return verdict;
}

static const char *wanted_release(const struct step *step)
{
    return step->direction == DIRECTION_DO ? step->plan->release : step->plan->release_before;
}

/* Silence is not health: what an edge said beats ago is no evidence. NULL if every edge is fresh.
 */
static const struct node *stale_edge(const struct control *control, const struct node *game)
{
    for (size_t i = 0; i < control->node_count; i++)
        if (edge_carries(control->nodes[i], game->identity.shard) &&
            !node_is_fresh(control, control->nodes[i]))
            return control->nodes[i];
    return NULL;
}

static const char *unknown_traffic(const struct control *control, const struct node *game)
{
    return fleet_traffic_is_known(control, game) ? "its edges do not agree"
                                                 : "its edges have not reported since";
}

static enum verdict look_out(const struct control *control, const struct step *step, char *why)
{
    const struct node *game = control_node(control, step->plan->target);
    const struct node *edge;
    uint64_t sessions = 0;
    enum traffic_state state;

    if (game == NULL)
        return say(why, VERDICT_FAIL, "no longer enrolled", step->plan->target);
    edge = stale_edge(control, game);
    if (edge != NULL)
        return say(why, VERDICT_INCONCLUSIVE, "no fresh report", edge->identity.name);
    state = fleet_traffic(control, game, &sessions);
    if (state == TRAFFIC_READY || state == TRAFFIC_DOWN)
        return say(why, VERDICT_FAIL, "an edge still sends it traffic", step->plan->target);
    if (state == TRAFFIC_UNKNOWN)
        return say(why, VERDICT_ERROR, unknown_traffic(control, game), step->plan->target);
    if (sessions != 0)
        return say(why, VERDICT_FAIL, "it still has sessions", step->plan->target);
    return say(why, VERDICT_PASS, "out of traffic, no sessions", step->plan->target);
}

static enum verdict look_healthy(const struct control *control, const struct step *step, char *why)
{
    const struct node *game = control_node(control, step->plan->target);
    const char *wanted = wanted_release(step);
    char fault[SENTENCE_SIZE];

    if (game == NULL)
        return say(why, VERDICT_FAIL, "no longer enrolled", step->plan->target);
    if (!node_is_fresh(control, game))
        return say(why, VERDICT_INCONCLUSIVE, "no fresh report", step->plan->target);
    if (wanted[0] != '\0' && strcmp(game->report->release, wanted) != 0) {
        (void)text_format(why, SENTENCE_SIZE, "%s runs release \"%s\", not %s", game->identity.name,
                          game->report->release, wanted);
        return VERDICT_FAIL;
    }
    if (!compat_node_is_judgeable(control, game))
        return say(why, VERDICT_ERROR, "a database that it reads does not report",
                   step->plan->target);
    if (compat_node_fault(control, game, game->report->release, fault) != NULL)
        return say(why, VERDICT_FAIL, fault, step->plan->target);
    return node_probes(game, why);
}

static enum verdict look_soak(const struct control *control, const struct step *step, char *why)
{
    const struct node *game = control_node(control, step->plan->target);
    enum verdict verdict = look_healthy(control, step, why);
    const struct node *edge;

    if (verdict != VERDICT_PASS)
        return verdict;
    edge = stale_edge(control, game);
    if (edge != NULL)
        return say(why, VERDICT_INCONCLUSIVE, "no fresh report", edge->identity.name);
    if (step->plan->colour[0] == '\0' && colour_is_warm(control, game))
        return VERDICT_PASS; /* it takes no traffic, and is not meant to */
    if (step->plan->colour[0] != '\0' &&
        !colour_has_share(control, step->plan->shard, step->plan->colour,
                          step->plan->share_permille))
        return say(why, VERDICT_ERROR, "not every edge gives its colour the traffic",
                   step->plan->target);
    switch (fleet_traffic(control, game, NULL)) {
    case TRAFFIC_READY:
        return vitals_compare(control, step, why);
    case TRAFFIC_UNKNOWN:
        return say(why, VERDICT_ERROR, unknown_traffic(control, game), step->plan->target);
    case TRAFFIC_IDLE:
    case TRAFFIC_DRAIN:
    case TRAFFIC_MAINTENANCE:
    case TRAFFIC_DOWN:
    case TRAFFIC_COUNT_:
        break;
    }
    return say(why, VERDICT_FAIL, "an edge does not send it traffic", step->plan->target);
}

static enum verdict agrees(const struct control *control, const struct step *step,
                           const struct node *database, const struct node *primary, char *why)
{
    const struct report *report = database->report;
    const char *wanted = primary->report->database.fingerprint;
    uint64_t age;

    if (!node_is_fresh(control, database))
        return say(why, VERDICT_INCONCLUSIVE, "no fresh report", database->identity.name);
    if (!report->could_measure)
        return say(why, VERDICT_INCONCLUSIVE, report->fault, database->identity.name);
    age = control->now_ms - database->report_at_ms + report->database.fingerprint_age_ms;
    if (report->database.fingerprint[0] == '\0' || age > control->now_ms - step->changed_at_ms)
        return say(why, VERDICT_INCONCLUSIVE, "its fingerprint is from before the gate opened",
                   database->identity.name);
    if (strcmp(report->database.fingerprint, wanted) != 0)
        return say(why, VERDICT_FAIL, "its fingerprint is not the primary's",
                   database->identity.name);
    return VERDICT_PASS;
}

/* Kept because a revert would lose something, or left by an operator: his business now. */
static bool keeps_schema(const struct work *work, const char *shard)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->task == TASK_EXPAND && strcmp(step->plan->shard, shard) == 0 &&
            (step->is_kept || step->is_left_out))
            return true;
    }
    return false;
}

/* The databases that the gate is about: what was done to a copy is taken back with the copy. */
static bool was_expanded(const struct work *work, const struct plan_step *gate)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->task == TASK_EXPAND && step->had_effect &&
            strcmp(step->plan->shard, gate->shard) == 0 &&
            strcmp(step->plan->side, gate->side) == 0)
            return true;
    }
    return false;
}

/* The gate that a shard's schema steps begin with closes them, too, on the way back: nothing was
 * changed since the plan was made; nothing is left of what was. */
static bool must_be_as_before(const struct control *control, const struct step *step)
{
    return step->plan->undo_gate == GATE_AGREE &&
           (step->direction == DIRECTION_DO ||
            (was_expanded(control_work(control, 0), step->plan) &&
             !keeps_schema(control_work(control, 0), step->plan->shard)));
}

static enum verdict is_as_before(const struct control *control, const struct step *step,
                                 const struct node *primary, char *why)
{
    const struct plan_shard *before = work_shard(control_work(control, 0), step->plan->shard);
    const char *now = primary->report->database.fingerprint;

    if (!must_be_as_before(control, step) || before == NULL || before->fingerprint[0] == '\0' ||
        strcmp(before->fingerprint, now) == 0)
        return VERDICT_PASS;
    (void)text_format(why, SENTENCE_SIZE,
                      "%s: the schema is not what it was when the rollout was planned (fingerprint "
                      "%.12s then, %.12s now): %s",
                      primary->identity.name, before->fingerprint, now,
                      step->direction == DIRECTION_DO
                          ? "plan again"
                          : "a revert.sql takes back less or more than its expand did, or somebody "
                            "changed it by hand; compare, then retry or abandon");
    return VERDICT_FAIL;
}

static enum verdict look_agree(const struct control *control, const struct step *step, char *why)
{
    const struct node *primary = step_primary(control, step);
    const struct node *database;
    size_t cursor = 0;

    if (primary == NULL)
        return say(why, VERDICT_INCONCLUSIVE, "no primary reports", step->plan->shard);
    while ((database = fleet_next(control, KIND_DATABASE, step->plan->shard, &cursor)) != NULL) {
        enum verdict verdict;

        if (database->quarantine == QUARANTINE_BEHIND ||
            database->quarantine == QUARANTINE_IDENTITY ||
            !fleet_is_of_side(control, database, step->plan->side))
            continue;
        verdict = agrees(control, step, database, primary, why);
        if (verdict != VERDICT_PASS)
            return verdict;
    }
    if (is_as_before(control, step, primary, why) != VERDICT_PASS)
        return VERDICT_FAIL;
    return say(why, VERDICT_PASS, "every database has the primary's fingerprint",
               step->plan->shard);
}

static enum verdict look_never(const struct control *control, const struct step *step, char *why)
{
    (void)control;
    return say(why, VERDICT_INCONCLUSIVE, "released by the rollout itself", step->plan->shard);
}

/* Whose reports a gate looks at. */
enum concern { CONCERNS_NOBODY, CONCERNS_TARGET, CONCERNS_TARGET_AND_EDGES, CONCERNS_DATABASES };

static const struct {
    look_fn *look;
    enum concern concern;
} gates[] = {
    [GATE_NONE] = {look_never, CONCERNS_NOBODY},
    [GATE_AGREE] = {look_agree, CONCERNS_DATABASES},
    [GATE_OUT] = {look_out, CONCERNS_TARGET_AND_EDGES},
    [GATE_HEALTHY] = {look_healthy, CONCERNS_TARGET},
    [GATE_SOAK] = {look_soak, CONCERNS_TARGET_AND_EDGES},
    [GATE_HOLD] = {look_never, CONCERNS_NOBODY},
};
static_assert(ARRAY_LEN(gates) == GATE_COUNT_, "a gate has no row");

bool gate_concerns(const struct control *control, const struct step *step, const struct node *node)
{
    enum concern concern = gates[step_gate(step)].concern;

    switch (concern) {
    case CONCERNS_NOBODY:
        return false;
    case CONCERNS_TARGET:
        return strcmp(node->identity.name, step->plan->target) == 0;
    case CONCERNS_TARGET_AND_EDGES:
        return strcmp(node->identity.name, step->plan->target) == 0 ||
               edge_carries(node, step->plan->shard);
    case CONCERNS_DATABASES:
        return node->identity.kind == KIND_DATABASE &&
               strcmp(node->identity.shard, step->plan->shard) == 0 &&
               fleet_is_of_side(control, node, step->plan->side);
    }
    return false;
}

static bool has_new_evidence(const struct control *control, const struct step *step)
{
    for (size_t i = 0; i < control->node_count; i++)
        if (control->nodes[i]->report_number > step->gate_record.evidence &&
            node_measured_at_ms(control->nodes[i]) >= step->changed_at_ms &&
            gate_concerns(control, step, control->nodes[i]))
            return true;
    return false;
}

static bool evidence_is_old(const struct control *control, const struct step *step)
{
    return step->gate_record.verdict == VERDICT_PASS &&
           control->now_ms - step->gate_record.sampled_at_ms > SUSPECT_MS;
}

bool gate_holds(const struct control *control, const struct step *step)
{
    char why[SENTENCE_SIZE];

    return gates[step_gate(step)].look(control, step, why) == VERDICT_PASS;
}

void gate_sample(struct run *run, const struct work *work, const struct step *step)
{
    const struct control *control = run->control;
    struct fact_sample *fact;
    bool is_new;

    if (step_gate(step) == GATE_NONE || step_gate(step) == GATE_HOLD)
        return;
    is_new = has_new_evidence(control, step);
    if (!is_new && !evidence_is_old(control, step))
        return;
    fact = run_body(run, fact_row(FACT_SAMPLE)->record);
    fact->repair = work->repair;
    fact->step = step->plan->id;
    if (is_new)
        fact->verdict = gates[step_gate(step)].look(control, step, fact->why);
    else
        fact->verdict =
            say(fact->why, VERDICT_INCONCLUSIVE, "no report for three beats", step->plan->target);
    run_emit(run, FACT_SAMPLE, fact);
}
