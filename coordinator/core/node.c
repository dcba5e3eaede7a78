#include "coordinator/core/node.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_scene.h"

#include <assert.h>
#include <string.h>

/* ---- guards ---- */

static bool is_game(const struct node *node)
{
    return node->identity.kind == KIND_GAME;
}

static uint64_t silent_ms(const struct control *control, const struct node *node)
{
    uint64_t since = node->heard_at_ms;

    /* Nobody is silent because we were away. */
    if (since < control->ready_at_ms + GRACE_MS - SUSPECT_MS)
        since = control->ready_at_ms + GRACE_MS - SUSPECT_MS;
    return control->now_ms > since ? control->now_ms - since : 0;
}

static bool is_silent(const struct control *control, const struct node *node)
{
    return silent_ms(control, node) >= SUSPECT_MS;
}

static bool is_silent_for_long(const struct control *control, const struct node *node)
{
    return silent_ms(control, node) >= LOST_MS;
}

static bool is_game_unquarantined(const struct control *control, const struct node *node)
{
    (void)control;
    return is_game(node) && node->quarantine == QUARANTINE_NONE;
}

bool node_is_the_plans(const struct control *control, const struct node *node)
{
    /* Until its shard has arrived, a node that was moved stays the plan's: repair would take it
     * back. */
    return node->in_plan.was_touched &&
           (node->in_plan.is_unfinished || !fleet_has_arrived(control, node->identity.shard));
}

/* Running what is taken back, it stands in the way of the schema, and no step of the plan moves it.
 */
static bool stands_in_the_way(const struct control *control, const struct node *node)
{
    const char *goal = fleet_goal(control, node);

    return fleet_is_going_back(control) && node->report != NULL && goal[0] != '\0' &&
           strcmp(node->report->release, goal) != 0;
}

/* Nobody is let in while a maintenance has its shard closed. */
static bool may_be_moved(const struct control *control, const struct node *node)
{
    return is_game(node) &&
           (node->quarantine == QUARANTINE_ABSENCE || node->quarantine == QUARANTINE_HEALTH) &&
           !node_is_the_plans(control, node) &&
           (!fleet_is_closed(control, node->identity.shard) || stands_in_the_way(control, node));
}

static bool is_lost_without_the_plan(const struct control *control, const struct node *node)
{
    return is_game_unquarantined(control, node) && !node_is_the_plans(control, node);
}

/* Not while the plan moves it from one release to another. */
static bool its_shard_has_a_goal(const struct control *control, const struct node *node)
{
    return control->open == NULL || fleet_is_going_back(control) ||
           fleet_has_arrived(control, node->identity.shard);
}

/* A server that was switched by somebody else, or missed its switch. */
static bool has_strayed(const struct control *control, const struct node *node)
{
    const char *goal;

    if (!is_game_unquarantined(control, node) || !node_is_current(control, node) ||
        !node->report->is_up || !its_shard_has_a_goal(control, node))
        return false;
    goal = fleet_goal(control, node);
    return goal[0] != '\0' && strcmp(node->report->release, goal) != 0 &&
           !node_is_the_plans(control, node);
}

/* Taken out by hand, or by an edge's own restart. */
static bool has_fallen_out(const struct control *control, const struct node *node)
{
    return is_game_unquarantined(control, node) && node_is_current(control, node) &&
           control->now_ms - node->traffic_changed_at_ms > SUSPECT_MS &&
           its_shard_has_a_goal(control, node) && fleet_some_edge_withholds(control, node) &&
           !node_is_the_plans(control, node);
}

/* Healthy, on the right release and a schema that suits it. */
static bool runs_its_goal(const struct control *control, const struct node *node)
{
    const char *goal;
    char why[SENTENCE_SIZE];

    if (!may_be_moved(control, node))
        return false;
    goal = fleet_goal(control, node);
    return node->repair == NULL && node_is_current(control, node) &&
           node_probes(node, why) == VERDICT_PASS && !node->is_severed &&
           (goal[0] == '\0' || strcmp(node->report->release, goal) == 0) &&
           compat_node_fault(control, node, node->report->release, why) == NULL;
}

static bool stands_at_its_goal(const struct control *control, const struct node *node)
{
    return runs_its_goal(control, node) &&
           (node_is_ready(control, node) || colour_is_warm(control, node));
}

static bool is_at_its_goal(const struct control *control, const struct node *node)
{
    return stands_at_its_goal(control, node) && !node_was_taken_out(control, node) &&
           !node->is_told;
}

static bool repair_is_due(const struct control *control, const struct node *node)
{
    return node->repair_tries < REPAIR_TRIES_MAX && control->now_ms >= node->repair_not_before_ms;
}

/* Its edges send it traffic all the same: one that has forgotten, or whose answer was lost. Or it
 * may believe that it is being drained. */
static bool is_at_its_goal_though_taken_out(const struct control *control, const struct node *node)
{
    return stands_at_its_goal(control, node) &&
           (node_was_taken_out(control, node) || node->is_told) && repair_is_due(control, node);
}

/* One edge sends it traffic and another does not: taken out everywhere first, it could be the last
 * one that an edge has.  Or players have nobody at all, and it could serve them. */
static bool is_at_its_goal_and_needed(const struct control *control, const struct node *node)
{
    return runs_its_goal(control, node) && repair_is_due(control, node) &&
           fleet_some_edge_withholds(control, node) &&
           (fleet_some_edge_sends(control, node) ||
            fleet_count(control, node->identity.shard).in_traffic == 0);
}

/* The plan's primary, or one that believes to be the primary still, once another was promoted. */
static bool was_overtaken(const struct control *control, const struct node *node)
{
    const struct work *work = control_work(control, 0);
    const struct plan_shard *before;
    const struct node *primary;
    bool was_the_plans, claims;

    if (node->identity.kind != KIND_DATABASE || node->quarantine != QUARANTINE_NONE ||
        (node_is_known(node) && !node->report->database.is_primary))
        return false;
    before = work == NULL ? NULL : work_shard(work, node->identity.shard);
    primary = fleet_primary_of(control, node->identity.shard, node->identity.colour);
    was_the_plans = before != NULL && strcmp(before->primary, node->identity.name) == 0;
    claims = node->report != NULL && node->report->database.is_primary;
    return primary != NULL && primary != node && (was_the_plans || claims);
}

static bool follows_again(const struct node *node, const struct node *primary)
{
    return !node->report->database.is_primary &&
           node->report->database.position >= node->quarantine_position &&
           strcmp(node->report->database.fingerprint, primary->report->database.fingerprint) == 0;
}

/* Or it was promoted itself. */
static bool has_caught_up(const struct control *control, const struct node *node)
{
    const struct node *primary;

    if (node->quarantine != QUARANTINE_BEHIND || node->link != LINK_ONLINE || !node_is_known(node))
        return false;
    primary = fleet_primary_of(control, node->identity.shard, node->identity.colour);
    return primary != NULL && (node == primary || follows_again(node, primary));
}

/* A lost node, or one that a person took out, has no business in traffic. */
static bool may_be_cut(const struct control *control, const struct node *node)
{
    bool is_held =
        is_game(node) && node->quarantine == QUARANTINE_HELD && !node_is_the_plans(control, node);

    return (is_held || (may_be_moved(control, node) && node->link == LINK_LOST)) &&
           node->repair == NULL && repair_is_due(control, node) &&
           fleet_some_edge_sends(control, node);
}

static bool may_be_repaired(const struct control *control, const struct node *node)
{
    /* First everybody who knows where it stands must have said so. */
    return may_be_moved(control, node) && node->repair == NULL && node->report != NULL &&
           fleet_traffic_is_known(control, node) &&
           fleet_primary(control, node->identity.shard) != NULL && repair_is_due(control, node);
}

static bool work_is_done(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].state != STEP_SUCCEEDED && work->steps[i].state != STEP_SKIPPED)
            return false;
    return true;
}

static bool is_answered_by_nobody(const struct control *control, const struct step *step)
{
    return step_is_open(step) && step_is_task(step) && control_node(control, step->node) == NULL;
}

/* An order to a node that was removed since is no longer waited for. */
static bool work_is_idle(const struct control *control, const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (step_is_open(&work->steps[i]) && step_is_task(&work->steps[i]) &&
            !is_answered_by_nobody(control, &work->steps[i]))
            return false;
    return true;
}

static bool work_has_lost_a_node(const struct control *control, const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (is_answered_by_nobody(control, &work->steps[i]))
            return true;
    return false;
}

static bool work_has_failed(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].state == STEP_FAILED || work->steps[i].state == STEP_REFUSED ||
            work->steps[i].state == STEP_CANCELLED)
            return true;
    return false;
}

static bool only_takes_out(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage != STAGE_DRAIN)
            return false;
    return true;
}

static uint64_t work_changed_at_ms(const struct work *work)
{
    uint64_t last = 0;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].changed_at_ms > last)
            last = work->steps[i].changed_at_ms;
    return last;
}

/* Once the edges that were told have said so themselves, too; not for ever, they may be silent. */
static bool is_repaired(const struct control *control, const struct node *node)
{
    return node->repair != NULL && work_is_done(node->repair) && !only_takes_out(node->repair) &&
           (node_is_ready(control, node) ||
            control->now_ms - work_changed_at_ms(node->repair) >= SUSPECT_MS);
}

static bool is_cut_off(const struct control *control, const struct node *node)
{
    (void)control;
    return node->repair != NULL && work_is_done(node->repair) && only_takes_out(node->repair);
}

static bool repair_is_in_vain(const struct control *control, const struct node *node)
{
    const char *goal;

    if (node->repair == NULL || !work_is_idle(control, node->repair))
        return false;
    goal = fleet_goal(control, node);
    return work_has_failed(node->repair) || work_has_lost_a_node(control, node->repair) ||
           node_is_the_plans(control, node) ||
           (goal[0] != '\0' && strcmp(goal, node->repair->plan->release) != 0) ||
           (node->link == LINK_LOST && !only_takes_out(node->repair));
}

static bool repairs_are_spent(const struct control *control, const struct node *node)
{
    return may_be_moved(control, node) && node->repair == NULL &&
           node->repair_tries >= REPAIR_TRIES_MAX && control->now_ms >= node->ring_at_ms;
}

static bool identity_is_in_doubt(const struct control *control, const struct node *node)
{
    return node->quarantine == QUARANTINE_IDENTITY && control->now_ms >= node->ring_at_ms;
}

/* Not while an order is under way: what becomes of it would be nobody's business. */
static bool may_be_vouched_for(const struct control *control, const struct node *node)
{
    return node->quarantine != QUARANTINE_NONE &&
           (node->repair == NULL || work_is_idle(control, node->repair));
}

static bool is_in_quarantine(const struct control *control, const struct node *node)
{
    (void)control;
    return node->quarantine != QUARANTINE_NONE;
}

#define IN(state) NODE_IN(state)
#define ON(name)  .event = NODE_##name
#define IF(test)  .guard = test
#define GO(state) .action = NODE_LINKS, .to = LINK_##state
#define DO(what)  .action = NODE_##what
#define WHY(text) .why = text

/* The behaviour of a node; first match wins, ids as in the step machine. */
/* clang-format off */
static const struct node_rule rules[] = {
    {1401, IN(LOST), ON(HEARD), IF(is_game_unquarantined), DO(RETURNS), .to = LINK_ONLINE,
        .cause = QUARANTINE_ABSENCE, WHY("it was lost and is back")},
    {1403, NODE_IN_ANY, ON(HEARD), GO(ONLINE), WHY("heard")},
    {1405, IN(ONLINE), ON(TICK), IF(is_silent), GO(SUSPECT), WHY("silent for three beats")},
    {1407, IN(SUSPECT) | IN(ENROLLED), ON(TICK), IF(is_silent_for_long), GO(LOST),
        WHY("silent for 15 s")},
    {1409, IN(ONLINE), ON(TICK), IF(has_fallen_out), DO(QUARANTINES), .cause = QUARANTINE_HEALTH,
        WHY("an edge keeps it out of traffic, and nobody ordered that")},
    {1410, NODE_IN_ANY, ON(TICK), IF(was_overtaken), DO(QUARANTINES), .cause = QUARANTINE_BEHIND,
        WHY("another database of its shard was promoted: it must follow that one first")},
    {1411, IN(LOST), ON(TICK), IF(is_lost_without_the_plan), DO(QUARANTINES),
        .cause = QUARANTINE_ABSENCE, WHY("its agent is lost")},
    {1412, IN(ONLINE), ON(TICK), IF(has_strayed), DO(QUARANTINES), .cause = QUARANTINE_HEALTH,
        WHY("it runs another release than its shard's goal")},
    {1413, IN(ONLINE), ON(TICK), IF(is_repaired), DO(FORGIVES), WHY("repaired and admitted")},
    {1415, NODE_IN_ANY, ON(TICK), IF(is_cut_off), DO(GIVES_UP), WHY("out at the edges")},
    {1417, NODE_IN_ANY, ON(TICK), IF(repair_is_in_vain), DO(GIVES_UP),
        WHY("the repair failed, or its goal has changed")},
    {1419, IN(ONLINE), ON(TICK), IF(is_at_its_goal), DO(FORGIVES),
        WHY("it is where it should be, and ready")},
    {1420, IN(ONLINE), ON(TICK), IF(is_at_its_goal_though_taken_out), DO(CONFIRMS),
        WHY("it is where it should be: its edges are told so")},
    {1421, IN(ONLINE), ON(TICK), IF(has_caught_up), DO(FORGIVES),
        WHY("the replica has caught up and agrees with its primary")},
    {1422, IN(ONLINE), ON(TICK), IF(is_at_its_goal_and_needed), DO(CONFIRMS),
        WHY("it is where it should be: the edges that hold it out let it in")},
    {1423, IN(ONLINE), ON(TICK), IF(may_be_repaired), DO(REPAIRS), WHY("it is brought to its goal")},
    {1425, IN(ONLINE) | IN(SUSPECT) | IN(LOST), ON(TICK), IF(may_be_cut), DO(CUTS),
        WHY("lost or held, and still in traffic")},
    {1427, NODE_IN_ANY, ON(TICK), IF(repairs_are_spent), DO(RINGS),
        WHY("it could not be repaired: look at the node, then `hakem node admit`")},
    {1429, NODE_IN_ANY, ON(TICK), IF(identity_is_in_doubt), DO(RINGS),
        WHY("two agents claim one identity: stop one, then `hakem node admit`")},
    {1499, NODE_IN_ANY, ON(TICK), DO(STAYS), WHY("nothing to do")},

    {1501, NODE_IN_ANY, ON(ADMIT_WISH), IF(may_be_vouched_for), DO(FORGIVES),
        WHY("an operator vouches for it")},
    {1502, NODE_IN_ANY, ON(ADMIT_WISH), IF(is_in_quarantine), DO(STAYS),
        WHY("it is being moved just now: ask again when that has ended")},
    {1503, NODE_IN_ANY, ON(ADMIT_WISH), DO(STAYS), WHY("it is not quarantined")},
};
/* clang-format on */

const struct node_rule *node_rules(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rules);
    return rules;
}

const char *node_event_name(enum node_event_type type)
{
    static const char *const names[] = {
        [NODE_TICK] = "tick", [NODE_HEARD] = "heard", [NODE_ADMIT_WISH] = "admit"};

    static_assert(ARRAY_LEN(names) == NODE_EVENT_COUNT, "an event has no name");
    assert(type < NODE_EVENT_COUNT);
    return names[type];
}

/* ---- actions ---- */

static void link_to(struct run *run, const struct node *node, enum link_state state, bool is_heard)
{
    struct fact_link *fact = run_body(run, fact_row(FACT_LINK)->record);

    (void)text_copy(fact->name, sizeof(fact->name), node->identity.name);
    fact->state = state;
    fact->is_adopted = node->is_adopted && state != LINK_LOST;
    fact->is_heard = is_heard;
    run_emit(run, FACT_LINK, fact);
}

void node_quarantine(struct run *run, const struct node *node, enum quarantine_cause cause,
                     const char *why)
{
    struct fact_quarantine *fact = run_body(run, fact_row(FACT_QUARANTINE)->record);

    (void)text_copy(fact->name, sizeof(fact->name), node->identity.name);
    (void)text_copy(fact->why, sizeof(fact->why), why);
    fact->cause = cause;
    run_emit(run, FACT_QUARANTINE, fact);
}

/* A cut that fails is never counted, it has to be made; but not as fast as the edge can refuse. */
static void end_repair(struct run *run, const struct node *node, uint64_t tries)
{
    struct fact_repair *fact = run_body(run, fact_row(FACT_REPAIR)->record);
    uint64_t pauses = tries == 0 ? work_has_failed(node->repair) : tries;

    (void)text_copy(fact->name, sizeof(fact->name), node->identity.name);
    fact->tries = tries;
    fact->not_before_ms = run->control->now_ms + pauses * REPAIR_PAUSE_MS;
    run_emit(run, FACT_REPAIR, fact);
}

static void forgive(struct run *run, const struct node *node, const char *why)
{
    if (node->repair != NULL)
        end_repair(run, node, 0);
    node_quarantine(run, node, QUARANTINE_NONE, why);
}

static void begin_repair(struct run *run, const struct node *node, enum repair_extent extent)
{
    struct fact_repair *fact = run_body(run, fact_row(FACT_REPAIR)->record);

    (void)text_copy(fact->name, sizeof(fact->name), node->identity.name);
    fact->number = run->control->repair_number + 1;
    fact->tries = node->repair_tries;
    planner_repair(run->control, node, extent, run->decisions->memory, &fact->plan);
    run_emit(run, FACT_REPAIR, fact);
}

static void act(struct run *run, const struct node *node, const struct node_rule *rule)
{
    switch (rule->action) {
    case NODE_STAYS:
        return;
    case NODE_LINKS:
        link_to(run, node, rule->to, rule->event == NODE_HEARD);
        return;
    case NODE_RETURNS:
        link_to(run, node, rule->to, true);
        node_quarantine(run, node, rule->cause, rule->why);
        return;
    case NODE_QUARANTINES:
        node_quarantine(run, node, rule->cause, rule->why);
        return;
    case NODE_FORGIVES:
        forgive(run, node, rule->why);
        return;
    case NODE_REPAIRS:
        begin_repair(run, node, REPAIR_WHOLE);
        return;
    case NODE_CUTS:
        begin_repair(run, node, REPAIR_OUT);
        return;
    case NODE_CONFIRMS:
        begin_repair(run, node, REPAIR_IN);
        return;
    case NODE_GIVES_UP:
        end_repair(run, node,
                   node->repair_tries +
                       (work_has_failed(node->repair) && !only_takes_out(node->repair)));
        return;
    case NODE_RINGS:
        run_ring(run, node->identity.name, rule->why);
        return;
    }
}

bool node_fire(struct run *run, struct node *node, enum node_event_type event, const char **ret_why)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct node_rule *rule = &rules[i];

        if (rule->event != event || (rule->from & (UINT32_C(1) << node->link)) == 0 ||
            (rule->guard != NULL && !rule->guard(run->control, node)))
            continue;
        if (ret_why != NULL)
            *ret_why = rule->why;
        if (rule->action == NODE_STAYS)
            return false;
        run_fired(run, rule->id);
        act(run, node, rule);
        return true;
    }
    return false;
}
