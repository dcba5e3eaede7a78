#include "coordinator/core/step.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/gate.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/step_scene.h"

#include <assert.h>
#include <string.h>

#define DO(state)   STEP_IN(DIRECTION_DO, STEP_##state)
#define UNDO(state) STEP_IN(DIRECTION_UNDO, STEP_##state)
#define BOTH(state) (DO(state) | UNDO(state))

#define ON(name)         .event = STEP_##name
#define IF(test)         .guard = test
#define GO(dir, state)   .action = STEP_MOVES, .direction = DIRECTION_##dir, .to = STEP_##state
#define END(dir, state)  .action = STEP_ENDS, .direction = DIRECTION_##dir, .to = STEP_##state
#define GIVE_UP(dir, s)  .action = STEP_GIVES_UP, .direction = DIRECTION_##dir, .to = STEP_##s
#define ORDER(dir)       .action = STEP_ORDERS, .direction = DIRECTION_##dir, .to = STEP_ORDERED
#define OPEN(dir)        .action = STEP_OPENS, .direction = DIRECTION_##dir, .to = STEP_RUNNING
#define CANCEL(dir, s)   .action = STEP_CANCELS, .direction = DIRECTION_##dir, .to = STEP_##s
#define QUARANTINE(d, s) .action = STEP_QUARANTINES, .direction = DIRECTION_##d, .to = STEP_##s
#define RESEND           .action = STEP_RESENDS
#define ASK              .action = STEP_ASKS
#define STAY             .action = STEP_STAYS
#define REFUSE           .action = STEP_STAYS, .refuses = true
#define COUNTED          .counts = true
#define WHY(text)        .why = text

/* The behaviour of a step. The first row whose state, event and guard match is the one that fires.
 * Hundreds group the rows; ids rise by two, so that a row fits between two others. */
/* clang-format off */
static const struct step_rule rules[] = {
    /* Going forward. */
    {101, DO(PENDING), ON(TICK), IF(goes_forward_over_undo_only), GO(DO, SKIPPED),
        WHY("only needed on the way back")},
    {102, DO(PENDING), ON(TICK), IF(goes_forward_over_left_out), GO(DO, SKIPPED),
        WHY("its turn has come, and an operator skipped it")},
    {103, DO(PENDING), ON(TICK), IF(goes_forward_over_skipped), GIVE_UP(DO, SKIPPED),
        WHY("what it needs was skipped")},
    {105, DO(PENDING), ON(TICK), IF(goes_forward_with_needs_met), GO(DO, DUE),
        WHY("everything that it needs is done")},
    {106, DO(DUE), ON(TICK), IF(schema_is_back), GO(DO, SUCCEEDED),
        WHY("its schema is back: it need not be taken out again")},
    {107, DO(PENDING) | DO(DUE), ON(TICK), IF(goes_back_untouched), GO(UNDO, SKIPPED),
        WHY("never ordered: nothing to take back")},
    {108, DO(DUE) | DO(RUNNING), ON(TICK), IF(ground_is_gone), GO(DO, PENDING),
        WHY("the new primary lacks its schema: its turn comes again once that is expanded there")},
    {109, DO(DUE), ON(TICK), IF(may_open_gate), OPEN(DO),
        WHY("the gate opens")},
    {110, DO(DUE), ON(TICK), IF(database_was_overtaken), GO(DO, SKIPPED),
        WHY("another database was promoted: its own was left behind")},
    {111, DO(DUE), ON(TICK), IF(may_order), ORDER(DO),
        WHY("ordered")},
    {113, DO(DUE), ON(TICK), IF(waited_too_long), GIVE_UP(DO, FAILED),
        WHY("it could not be ordered in time")},
    {115, DO(FAILED) | DO(REFUSED) | DO(CANCELLED), ON(TICK), IF(rests_and_may_be_left),
        QUARANTINE(DO, SKIPPED),
        WHY("its node takes no traffic any more: quarantined, and repaired later")},

    /* Gates. */
    {201, DO(RUNNING), ON(TICK), IF(gate_goes_back), GO(UNDO, PENDING),
        WHY("turned back while looking")},
    {203, DO(RUNNING), ON(TICK), IF(gate_passes), GO(DO, SUCCEEDED),
        WHY("the gate passed")},
    {205, UNDO(RUNNING), ON(TICK), IF(gate_passes), GO(UNDO, SUCCEEDED),
        WHY("healthy again")},
    {207, DO(RUNNING), ON(TICK), IF(gate_fails), GIVE_UP(DO, FAILED),
        WHY("the gate failed")},
    {209, DO(RUNNING), ON(TICK), IF(gate_is_late), GIVE_UP(DO, REFUSED),
        WHY("the gate is inconclusive: not enough fresh evidence until its deadline")},
    {211, UNDO(RUNNING), ON(TICK), IF(gate_is_late_for_one_of_several), QUARANTINE(UNDO, SKIPPED),
        WHY("unhealthy on the old release: quarantined, the others go on")},
    {213, UNDO(RUNNING), ON(TICK), IF(gate_is_late), GIVE_UP(UNDO, FAILED),
        WHY("the last node is unhealthy on the old release, too")},

    /* Orders under way. */
    {301, DO(ORDERED) | DO(RUNNING), ON(TICK), IF(goes_back_and_can_cancel), CANCEL(DO, UNKNOWN),
        WHY("turned back: cancelled")},
    {303, BOTH(ORDERED) | BOTH(RUNNING), ON(TICK), IF(primary_has_changed), CANCEL(DO, UNKNOWN),
        WHY("its primary is no longer the primary")},
    {305, BOTH(ORDERED) | BOTH(RUNNING), ON(TICK), IF(deadline_has_passed), CANCEL(DO, UNKNOWN),
        WHY("not done by its deadline: cancelled, and asked about")},
    {306, BOTH(ORDERED) | BOTH(RUNNING), ON(TICK), IF(its_ledger_is_new), GO(DO, UNKNOWN),
        WHY("its agent has a new ledger, and knows of no order: it may have happened")},
    {307, BOTH(ORDERED) | BOTH(RUNNING), ON(TICK), IF(node_is_lost), GO(DO, UNKNOWN),
        WHY("its agent is silent: it may have happened")},
    {309, BOTH(ORDERED), ON(TICK), IF(is_time_to_resend), RESEND,
        WHY("the order was not answered: sent again")},
    {311, BOTH(ORDERED), ON(ACCEPTED), GO(DO, RUNNING),
        WHY("the agent has it in its ledger")},
    {315, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(REFUSED_IT), END(DO, REFUSED),
        WHY("the agent refused the order")},

    /* Last words. */
    {401, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(DONE), END(DO, SUCCEEDED),
        WHY("done")},
    {403, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WENT_WRONG), IF(may_try_again),
        END(DO, DUE), COUNTED, WHY("failed: tried again")},
    {405, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WENT_WRONG), END(DO, FAILED),
        WHY("failed")},
    {407, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_CANCELLED), END(DO, CANCELLED),
        WHY("cancelled")},
    {409, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_INTERRUPTED), IF(may_try_again),
        END(DO, DUE), COUNTED, WHY("its process died: tried again")},
    {411, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_INTERRUPTED), END(DO, FAILED),
        WHY("its process died, too often")},
    {413, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_SUPERSEDED),
        IF(step_was_ordered_by_predecessor), END(DO, DUE), WHY("aborted by a newer term: ordered anew")},
    {414, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_SUPERSEDED), IF(may_try_again),
        END(DO, DUE), COUNTED, WHY("the database obeys a newer term than this one: tried again")},
    {415, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(WAS_SUPERSEDED), END(DO, FAILED),
        WHY("the database obeys a newer term: somebody took it over; restart the coordinator to "
            "rule it again")},

    /* Unknown is not failed. */
    {501, BOTH(UNKNOWN), ON(TICK), IF(primary_shows_it_done), GO(DO, SUCCEEDED),
        WHY("the primary says that it is done")},
    {503, BOTH(UNKNOWN), ON(TICK), IF(new_primary_lacks_it), GO(DO, DUE),
        WHY("the new primary does not have it: ordered there")},
    {505, DO(UNKNOWN), ON(TICK), IF(goes_back_over_harmless), GO(UNDO, PENDING),
        WHY("it changes nothing, whatever became of it")},
    {507, BOTH(UNKNOWN), ON(TICK), IF(target_is_isolated), QUARANTINE(UNDO, SKIPPED),
        WHY("its node is cut off: repaired when it comes back")},
    {508, UNDO(DUE) | UNDO(UNKNOWN), ON(TICK), IF(copy_may_be_left), GO(UNDO, SKIPPED),
        WHY("its agent is lost: it gives the copy up by itself when it is back")},
    {509, UNDO(UNKNOWN), ON(TICK), IF(replica_may_be_left), QUARANTINE(UNDO, SKIPPED),
        WHY("the replica is left behind: quarantined until it has caught up")},
    {510, DO(UNKNOWN), ON(TICK), IF(database_was_overtaken), GO(DO, SKIPPED),
        WHY("another database was promoted: what became of it there no longer matters")},
    {511, BOTH(UNKNOWN), ON(TICK), IF(is_time_to_ask), ASK,
        WHY("asked what became of it")},
    {513, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(FOUND_DONE), END(DO, SUCCEEDED),
        WHY("found done")},
    {519, BOTH(UNKNOWN), ON(FOUND_RUNNING), IF(has_time_left), GO(DO, RUNNING),
        WHY("found still at it")},
    {521, BOTH(UNKNOWN), ON(FOUND_RUNNING), CANCEL(DO, UNKNOWN),
        WHY("still at it beyond its deadline: cancelled again")},
    {523, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(FOUND_UNHEARD), IF(goes_on),
        END(DO, DUE), WHY("the order never arrived: ordered anew")},
    {525, BOTH(ORDERED) | BOTH(RUNNING) | BOTH(UNKNOWN), ON(FOUND_UNHEARD), END(DO, CANCELLED),
        WHY("the order never arrived, and never will")},

    /* Turning back. */
    {603, DO(PENDING) | DO(DUE) | DO(SUCCEEDED) | DO(SKIPPED) | DO(FAILED) | DO(REFUSED) |
        DO(CANCELLED), ON(TICK), IF(goes_back), GO(UNDO, PENDING),
        WHY("to be taken back")},
    {605, UNDO(PENDING) | UNDO(DUE) | UNDO(FAILED), ON(TICK), IF(target_is_isolated),
        QUARANTINE(UNDO, SKIPPED),
        WHY("its node is cut off: repaired when it comes back")},
    {607, UNDO(PENDING) | UNDO(DUE), ON(TICK), IF(isolation_is_not_needed), GO(UNDO, SKIPPED),
        WHY("its node runs the old release: no need to cut it off")},
    {608, UNDO(PENDING) | UNDO(DUE) | UNDO(FAILED), ON(TICK), IF(target_is_still_unhealthy),
        GO(UNDO, SKIPPED), WHY("its node is still unhealthy: repaired before it is admitted")},
    {609, UNDO(PENDING), ON(TICK), IF(later_one_was_kept), GIVE_UP(UNDO, SKIPPED),
        WHY("a later revision was kept: this one stays, too")},
    {610, UNDO(PENDING), ON(TICK), IF(goes_back_without_undo), GO(UNDO, SKIPPED),
        WHY("nothing to take back")},
    {611, UNDO(PENDING), ON(TICK), IF(goes_back_with_dependents_settled), GO(UNDO, DUE),
        WHY("everything that depends on it is settled")},
    {612, UNDO(DUE) | UNDO(UNKNOWN) | UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED), ON(TICK),
        IF(server_cannot_be_told), QUARANTINE(UNDO, SKIPPED),
        WHY("its server cannot be told that it is no longer drained: repaired when it can be")},
    {613, UNDO(DUE), ON(TICK), IF(may_open_gate), OPEN(UNDO),
        WHY("looking whether the old release is healthy")},
    {615, UNDO(DUE), ON(TICK), IF(may_order), ORDER(UNDO),
        WHY("ordered to take it back")},
    {616, UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED), ON(TICK), IF(pause_may_be_left),
        GO(UNDO, SKIPPED), WHY("its pool could not be paused: clients are cut off, not held back")},
    {617, UNDO(DUE) | UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED), ON(TICK),
        IF(replica_may_be_left), QUARANTINE(UNDO, SKIPPED),
        WHY("the replica is left behind: quarantined until it has caught up")},
    {618, UNDO(DUE), ON(TICK), IF(cannot_be_admitted_in_time), QUARANTINE(UNDO, SKIPPED),
        WHY("its node cannot be admitted: repaired when it can, the others go on")},
    {619, UNDO(DUE), ON(TICK), IF(waited_too_long), GIVE_UP(UNDO, FAILED),
        WHY("it could not be taken back in time")},

    /* A database that forgot. */
    {701, DO(SUCCEEDED), ON(TICK), IF(primary_forgot_it), GO(DO, DUE),
        WHY("the new primary does not have it: expanded again")},
    {703, UNDO(SUCCEEDED), ON(TICK), IF(primary_has_it_again), GO(UNDO, DUE),
        WHY("the new primary still has it: taken back again")},
    {705, DO(SUCCEEDED), ON(TICK), IF(stands_on_lost_schema), GO(DO, DUE),
        WHY("the new primary lacks its schema: out of traffic until that is expanded there")},
    {707, DO(SUCCEEDED), ON(TICK), IF(was_taken_out_again), GO(DO, PENDING),
        WHY("taken out of traffic again: admitted once its schema is there")},
    {709, DO(SUCCEEDED), ON(TICK), IF(pool_was_resumed), GO(DO, DUE),
        WHY("its pool lets queries through again, and nobody ordered that: paused again")},

    {801, STEP_IN_ANY, ON(TICK), STAY, WHY("nothing to do")},
    {803, STEP_IN_ANY, ON(ACCEPTED), STAY, WHY("late or repeated: known already")},
    {805, STEP_IN_ANY, ON(REFUSED_IT), STAY, WHY("late or repeated: known already")},
    {807, STEP_IN_ANY, ON(DONE), STAY, WHY("late or repeated: known already")},
    {809, STEP_IN_ANY, ON(WENT_WRONG), STAY, WHY("late or repeated: known already")},
    {811, STEP_IN_ANY, ON(WAS_CANCELLED), STAY, WHY("late or repeated: known already")},
    {813, STEP_IN_ANY, ON(WAS_INTERRUPTED), STAY, WHY("late or repeated: known already")},
    {815, STEP_IN_ANY, ON(WAS_SUPERSEDED), STAY, WHY("late or repeated: known already")},
    {817, STEP_IN_ANY, ON(FOUND_DONE), STAY, WHY("late or repeated: known already")},
    {821, STEP_IN_ANY, ON(FOUND_RUNNING), STAY, WHY("late or repeated: known already")},
    {823, STEP_IN_ANY, ON(FOUND_UNHEARD), STAY, WHY("late or repeated: known already")},

    /* Operators. */
    {901, DO(FAILED) | DO(REFUSED) | DO(CANCELLED), ON(RETRY), GO(DO, DUE),
        WHY("an operator wants it tried again")},
    {903, UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED), ON(RETRY), GO(UNDO, DUE),
        WHY("an operator wants it tried again")},
    {905, BOTH(UNKNOWN), ON(RETRY), ASK,
        WHY("an operator wants it asked about again")},
    {907, STEP_IN_ANY, ON(RETRY), REFUSE,
        WHY("only a step that is failed, refused, cancelled or unknown can be tried again")},
    {908, STEP_IN_ANY, ON(SKIP), IF(gate_is_hold), REFUSE,
        WHY("the holding is not skipped: `hakem rollout complete` releases it")},
    {909, DO(PENDING), ON(SKIP), END(DO, PENDING), WHY("it is skipped when its turn comes")},
    {911, DO(DUE) | DO(FAILED) | DO(REFUSED) | DO(CANCELLED) | DO(UNKNOWN), ON(SKIP),
        END(DO, SKIPPED), WHY("an operator skipped it")},
    {913, UNDO(PENDING) | UNDO(DUE) | UNDO(FAILED) | UNDO(REFUSED) | UNDO(CANCELLED) | UNDO(UNKNOWN),
        ON(SKIP), END(UNDO, SKIPPED), WHY("an operator skipped it")},
    {915, STEP_IN_ANY, ON(SKIP), REFUSE,
        WHY("a step that is done or under way cannot be skipped")},
};
/* clang-format on */

const struct step_rule *step_rules(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rules);
    return rules;
}

const char *step_event_name(enum step_event_type type)
{
    static const char *const names[] = {
        [STEP_TICK] = "tick",
        [STEP_ACCEPTED] = "accepted",
        [STEP_REFUSED_IT] = "refused",
        [STEP_DONE] = "done",
        [STEP_WENT_WRONG] = "went_wrong",
        [STEP_WAS_CANCELLED] = "was_cancelled",
        [STEP_WAS_INTERRUPTED] = "was_interrupted",
        [STEP_WAS_SUPERSEDED] = "was_superseded",
        [STEP_FOUND_DONE] = "found_done",
        [STEP_FOUND_RUNNING] = "found_running",
        [STEP_FOUND_UNHEARD] = "found_unheard",
        [STEP_RETRY] = "retry",
        [STEP_SKIP] = "skip",
    };

    static_assert(ARRAY_LEN(names) == STEP_EVENT_COUNT, "an event has no name");
    assert(type < STEP_EVENT_COUNT);
    return names[type];
}

static const struct step_rule *match(const struct scene *scene)
{
    uint32_t in = STEP_IN(scene->step->direction, scene->step->state);

    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].event == scene->event->type && (rules[i].from & in) != 0 &&
            (rules[i].guard == NULL || rules[i].guard(scene)))
            return &rules[i];
    return NULL;
}

/* Rows for both directions name DO: an end, an order or a question does not turn a step around. */
static enum direction direction_after(const struct step_rule *rule, const struct step *step)
{
    bool is_of_both = (rule->from & STEP_IN_ANY) != 0 &&
                      (rule->from >> STEP_COUNT_) == (rule->from & ((1u << STEP_COUNT_) - 1));

    return is_of_both && rule->direction == DIRECTION_DO ? step->direction : rule->direction;
}

static struct fact_step *changed(struct run *run, const struct scene *scene,
                                 const struct step_rule *rule)
{
    const struct step *step = scene->step;
    struct fact_step *fact = run_body(run, fact_row(FACT_STEP)->record);

    fact->repair = scene->work->repair;
    fact->step = step->plan->id;
    fact->direction = direction_after(rule, step);
    fact->state = rule->to;
    fact->rule = rule->id;
    fact->attempt = fact->direction == step->direction ? step->attempt : 0;
    fact->tries = fact->direction == step->direction ? step->tries : 0;
    fact->deadline_ms = step->deadline_at_ms;
    fact->is_kept = step->is_kept;
    fact->had_effect = step->had_effect;
    fact->is_left_out = step->is_left_out;
    fact->position = step->position;
    (void)text_copy(fact->node, sizeof(fact->node), step->node);
    (void)text_copy(fact->code, sizeof(fact->code), step->code);
    (void)text_copy(fact->detail, sizeof(fact->detail), text_kept(&step->detail));
    return fact;
}

static void note_sent(struct run *run, const struct scene *scene, bool is_inquiry)
{
    struct fact_sent *fact = run_body(run, fact_row(FACT_SENT)->record);

    fact->repair = scene->work->repair;
    fact->step = scene->step->plan->id;
    fact->is_inquiry = is_inquiry;
    run_emit(run, FACT_SENT, fact);
}

static void send_order(struct run *run, const struct scene *scene)
{
    struct order *order = run_body(run, &order_record);

    step_order(scene->control, scene->work, scene->step, scene->step->attempt, order);
    step_order_games(scene, order);
    run_send(run, scene->step->node, MESSAGE_ORDER, order);
    note_sent(run, scene, false);
}

static void send_cancel(struct run *run, const struct scene *scene)
{
    struct order_ref *ref = run_body(run, message_row(MESSAGE_CANCEL)->record);

    ref->id =
        (struct order_id){.rollout = scene->work->repair != 0 ? 0 : scene->work->plan->rollout,
                          .step = step_number(scene->work, scene->step),
                          .direction = scene->step->direction,
                          .attempt = scene->step->attempt};
    run_send(run, scene->step->node, MESSAGE_CANCEL, ref);
}

/* Who could know: the node that was ordered; for a database's primary the shard's other databases,
 * too: the log row travels with the DDL. */
static void send_inquiries(struct run *run, const struct scene *scene)
{
    const struct control *control = scene->control;
    bool is_of_primary = task_row(step_task(scene->step))->on_primary;

    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *node = control->nodes[i];
        bool is_its_own = strcmp(node->identity.name, scene->step->node) == 0;
        struct inquiry *inquiry;

        if (node->link != LINK_ONLINE || !node->is_adopted ||
            !(is_its_own || (is_of_primary && node->identity.kind == KIND_DATABASE &&
                             strcmp(node->identity.shard, scene->step->plan->shard) == 0 &&
                             fleet_is_of_side(control, node, scene->step->plan->side))))
            continue;
        inquiry = run_body(run, message_row(MESSAGE_INQUIRY)->record);
        step_order(control, scene->work, scene->step, scene->step->attempt, &inquiry->order);
        inquiry->of_replica = !is_its_own;
        run_send(run, node->identity.name, MESSAGE_INQUIRY, inquiry);
    }
    note_sent(run, scene, true);
}

static void quarantine_node(struct run *run, const struct scene *scene)
{
    const struct step *step = scene->step;
    bool is_replica = step_task(step) == TASK_AWAIT_REPLAY;
    const char *name = is_replica ? step->plan->node : step->plan->target;
    const struct node *node = control_node(scene->control, name);
    struct fact_quarantine *fact;

    if (node == NULL || node->quarantine != QUARANTINE_NONE)
        return;
    fact = run_body(run, fact_row(FACT_QUARANTINE)->record);
    (void)text_copy(fact->name, sizeof(fact->name), name);
    fact->cause = is_replica                ? QUARANTINE_BEHIND
                  : node->link == LINK_LOST ? QUARANTINE_ABSENCE
                                            : QUARANTINE_HEALTH;
    fact->position = is_replica ? shard_position(scene->control, scene->work, step) : 0;
    (void)text_format(fact->why, sizeof(fact->why),
                      "step %llu (%s) of rollout %llu left it out: %s",
                      (unsigned long long)step->plan->id, word_of(&stage_names, step->plan->stage),
                      (unsigned long long)scene->work->plan->rollout,
                      step->detail.copy != NULL   ? text_kept(&step->detail)
                      : node->link == LINK_ONLINE ? "it was not done in time"
                                                  : "it was silent");
    run_emit(run, FACT_QUARANTINE, fact);
}

static void set_watch(struct run *run, const struct scene *scene)
{
    const struct control *control = scene->control;

    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *node = control->nodes[i];
        struct watch *watch;

        if (!gate_concerns(control, scene->step, node))
            continue;
        watch = run_body(run, message_row(MESSAGE_WATCH)->record);
        watch->is_on = true;
        watch->closed = fleet_closed_rollout(control);
        watch->pauses = fleet_standing_pauses(control);
        run_send(run, node->identity.name, MESSAGE_WATCH, watch);
    }
}

static void keep_words(struct fact_step *fact, const struct step_event *event)
{
    fact->is_kept = event->is_kept;
    if (event->position != 0)
        fact->position = event->position;
    (void)text_copy(fact->code, sizeof(fact->code), event->code == NULL ? "" : event->code);
    (void)text_copy(fact->detail, sizeof(fact->detail), event->detail == NULL ? "" : event->detail);
}

static void begin_attempt(struct fact_step *fact, const struct scene *scene)
{
    fact->attempt++;
    fact->had_effect = scene->step->had_effect || fact->direction == DIRECTION_DO;
    fact->deadline_ms = scene->control->now_ms + step_deadline_ms(scene->step);
    fact->is_kept = false;
    (void)text_copy(fact->node, sizeof(fact->node), step_node(scene->control, scene->step));
}

static void move(struct run *run, const struct scene *scene, const struct step_rule *rule)
{
    struct fact_step *fact = changed(run, scene, rule);

    if (rule->action == STEP_ORDERS)
        begin_attempt(fact, scene);
    if (rule->action == STEP_OPENS || rule->to == STEP_DUE)
        fact->deadline_ms = scene->control->now_ms + step_patience_ms(scene->step, rule->to);
    if (rule->action == STEP_CANCELS)
        fact->is_cancelling = true;
    if (rule->action == STEP_ENDS)
        keep_words(fact, scene->event);
    fact->tries += rule->counts;
    if (rule->action == STEP_GIVES_UP) {
        step_reason(scene->control, scene->work, scene->step, fact->detail);
        (void)text_copy(fact->code, sizeof(fact->code),
                        rule->to == STEP_SKIPPED ? "OK" : error_code_name(ERROR_VERIFY));
        fact->is_kept = scene->step->is_kept || rule->guard == later_one_was_kept;
    }
    if (rule->event == STEP_RETRY)
        fact->tries = 0;
    if (rule->event == STEP_SKIP || rule->guard == goes_forward_over_skipped ||
        rule->guard == rests_and_may_be_left)
        fact->is_left_out = true;
    /* It certainly never was, or certainly came to nothing. */
    if (rule->event == STEP_FOUND_UNHEARD && scene->step->attempt <= 1 &&
        scene->step->direction == DIRECTION_DO)
        fact->had_effect = false;
    run_emit(run, FACT_STEP, fact);
}

static void act(struct run *run, const struct scene *scene, const struct step_rule *rule)
{
    switch (rule->action) {
    case STEP_STAYS:
        return;
    case STEP_RESENDS:
        send_order(run, scene);
        return;
    case STEP_ASKS:
        send_inquiries(run, scene);
        return;
    case STEP_CANCELS:
        send_cancel(run, scene);
        move(run, scene, rule);
        return;
    case STEP_ORDERS:
        move(run, scene, rule);
        send_order(run, scene);
        return;
    case STEP_OPENS:
        move(run, scene, rule);
        set_watch(run, scene);
        return;
    case STEP_QUARANTINES:
        quarantine_node(run, scene);
        move(run, scene, rule);
        return;
    case STEP_MOVES:
    case STEP_ENDS:
    case STEP_GIVES_UP:
        move(run, scene, rule);
        return;
    }
}

bool step_fire(struct run *run, const struct work *work, struct step *step,
               const struct step_event *event, const char **ret_why)
{
    struct scene scene = {.control = run->control, .work = work, .step = step, .event = event};
    const struct step_rule *rule = match(&scene);

    assert(rule != NULL);
    if (rule->action != STEP_STAYS || rule->refuses)
        run_fired(run, rule->id);
    if (ret_why != NULL)
        *ret_why = rule->why;
    act(run, &scene, rule);
    return !rule->refuses;
}
