#include "coordinator/core/rollout.h"

#include "coordinator/core/rollout_guard.h"
#include "coordinator/core/step.h"
#include "coordinator/core/vitals.h"

#include <assert.h>
#include <string.h>

#define IN(state) ROLLOUT_IN(state)
#define ON(name)  .event = ROLLOUT_ON_##name
#define IF(test)  .guard = test
#define GO(state) .to = ROLLOUT_##state
#define RING      .rings = true
#define NOTE      .to = ROLLOUT_SAME, .notes = true
#define STAY      .to = ROLLOUT_SAME
#define REFUSE    .to = ROLLOUT_SAME, .refuses = true
#define WHY(text) .why = text
#define FORWARD   (IN(ADVANCING) | IN(HOLDING) | IN(PAUSED))
#define CLOSED    (IN(COMPLETED) | IN(REVERTED) | IN(ABANDONED) | IN(CANCELLED))

/* The behaviour of a rollout; first match wins, ids as in the step machine. */
/* clang-format off */
static const struct rollout_rule rules[] = {
    {1101, IN(PLANNED), ON(TICK), IF(is_expired), GO(CANCELLED),
        WHY("the plan was not started within its time to live")},
    {1102, FORWARD, ON(TICK), IF(fails_without_a_way_back), GO(HALTED), RING,
        WHY("something failed, and the database that was left no longer follows: going back would "
            "lose what players have written since; mend it, or roll on")},
    {1103, FORWARD, ON(TICK), IF(fails_and_halts), GO(HALTED), RING,
        WHY("a step or gate failed; the policy is to halt")},
    {1105, FORWARD | IN(HALTED) | IN(STUCK) | IN(COMPLETING), ON(TICK), IF(budget_is_nearly_used),
        GO(REVERTING),
        WHY("a third of the budget is left, and the way back needs it: everything goes back")},
    {1106, FORWARD | IN(HALTED) | IN(STUCK), ON(TICK), IF(players_wait_too_long), GO(REVERTING),
        WHY("players have been held back for two thirds of --max-pause: everything goes back")},
    {1107, FORWARD, ON(TICK), IF(fails_with_a_way_back), GO(REVERTING),
        WHY("a step or gate failed: everything goes back")},
    {1108, IN(ADVANCING), ON(TICK), IF(window_has_shut), GO(PAUSED), .awaits_window = true,
        WHY("paused at a safe point; it goes on by itself, or by `hakem rollout resume "
            "--override-window REASON`")},
    {1109, IN(ADVANCING), ON(TICK), IF(is_inconclusive), GO(HALTED), RING,
        WHY("a gate is inconclusive; the policy is to ask a person")},
    {1110, IN(PAUSED), ON(TICK), IF(window_opens_again), .to = ROLLOUT_ORIGIN,
        WHY("its window is open again")},
    {1111, IN(ADVANCING), ON(TICK), IF(has_reached_holding), GO(HOLDING),
        WHY("the last soak of the last shard has passed")},
    {1112, IN(HOLDING), ON(TICK), IF(has_lost_schema), GO(ADVANCING),
        WHY("a promoted primary does not have the schema: it is expanded there again")},
    {1113, IN(HOLDING), ON(TICK), IF(is_released_without_contracts), GO(COMPLETED),
        WHY("done, without a contract")},
    {1115, IN(HOLDING), ON(TICK), IF(may_contract), GO(COMPLETING),
        WHY("the holding is released and every contract precondition is met")},
    {1116, IN(COMPLETING), ON(TICK), IF(has_failed_before_contract), GO(REVERTING),
        WHY("it failed before any contract was ordered: everything goes back")},
    {1117, IN(COMPLETING), ON(TICK), IF(contract_has_failed), GO(STUCK), RING,
        WHY("a contract, or what comes after one, failed beyond its retries; nothing goes back")},
    {1119, IN(COMPLETING), ON(TICK), IF(has_unknown_too_long), GO(STUCK), RING,
        WHY("nobody can say what became of a contract")},
    {1121, IN(COMPLETING), ON(TICK), IF(all_is_done), GO(COMPLETED),
        WHY("done")},
    {1123, IN(REVERTING), ON(TICK), IF(all_is_settled), GO(REVERTED),
        WHY("everything is back")},
    {1125, IN(REVERTING), ON(TICK), IF(undo_has_failed), GO(STUCK), RING,
        WHY("something could not be taken back")},
    {1127, IN(REVERTING), ON(TICK), IF(has_unknown_too_long), GO(STUCK), RING,
        WHY("nobody can say what became of a step")},
    {1129, IN(STUCK), ON(TICK), IF(is_unstuck), .to = ROLLOUT_ORIGIN,
        WHY("a late answer, or an operator, resolved it")},
    {1199, ROLLOUT_IN_ANY, ON(TICK), STAY, WHY("nothing to decide")},

    {1200, IN(PLANNED), ON(START), IF(window_stops_it), REFUSE,
        WHY("it would begin outside its window (--override-window REASON)")},
    {1201, IN(PLANNED), ON(START), GO(ADVANCING), WHY("started")},
    {1203, ROLLOUT_IN_ANY, ON(START), REFUSE, WHY("it has been started already")},

    {1211, IN(ADVANCING) | IN(HOLDING), ON(PAUSE), GO(PAUSED), WHY("paused by an operator")},
    {1212, IN(PAUSED), ON(PAUSE), IF(waits_for_its_window), NOTE,
        WHY("paused by an operator: its window alone does not move it on")},
    {1213, ROLLOUT_IN_ANY, ON(PAUSE), REFUSE,
        WHY("only a rollout that is advancing or holding can be paused")},

    {1220, IN(PAUSED) | IN(HALTED), ON(RESUME), IF(window_stops_it), REFUSE,
        WHY("it would go on outside its window (--override-window REASON)")},
    {1221, IN(PAUSED), ON(RESUME), .to = ROLLOUT_ORIGIN, WHY("resumed by an operator")},
    {1223, IN(HALTED), ON(RESUME), IF(has_unresolved_step), REFUSE,
        WHY("a step is failed, refused or unknown, or a gate said fail: retry or skip it, or roll back")},
    {1225, IN(HALTED), ON(RESUME), .to = ROLLOUT_ORIGIN,
        WHY("resumed by an operator; an inconclusive gate starts anew")},
    {1227, ROLLOUT_IN_ANY, ON(RESUME), REFUSE, WHY("it is neither paused nor halted")},

    {1231, IN(HOLDING), ON(COMPLETE), NOTE, WHY("the holding is released by an operator")},
    {1233, ROLLOUT_IN_ANY, ON(COMPLETE), REFUSE, WHY("it is not holding")},

    {1241, IN(HALTED) | IN(PAUSED) | IN(STUCK), ON(RETRY), NOTE,
        WHY("an operator wants a step tried again")},
    {1243, ROLLOUT_IN_ANY, ON(RETRY), REFUSE,
        WHY("steps are tried again by hand only while it is halted, paused or stuck")},
    {1251, IN(HALTED) | IN(PAUSED) | IN(STUCK), ON(SKIP), NOTE,
        WHY("an operator skipped a step")},
    {1253, ROLLOUT_IN_ANY, ON(SKIP), REFUSE,
        WHY("steps are skipped only while it is halted, paused or stuck")},

    {1261, IN(STUCK) | IN(HALTED), ON(ABANDON), GO(ABANDONED),
        WHY("abandoned by an operator: nodes stay as they are")},
    {1263, ROLLOUT_IN_ANY, ON(ABANDON), REFUSE,
        WHY("only a rollout that is stuck or halted can be abandoned; try rollback first")},

    {1271, IN(PLANNED), ON(ROLLBACK), GO(CANCELLED), WHY("cancelled before it began")},
    {1273, IN(REVERTING), ON(ROLLBACK), STAY, WHY("it is being taken back already")},
    {1275, IN(STUCK), ON(ROLLBACK), IF(came_from_reverting), NOTE,
        WHY("what could not be taken back is tried again")},
    {1279, IN(ADVANCING) | IN(PAUSED) | IN(HALTED) | IN(HOLDING), ON(ROLLBACK),
        IF(way_back_would_lose), REFUSE,
        WHY("the database that was left does not say that it follows: going back could lose what "
            "players have written since; mend it and try again, or let the rollout complete")},
    {1281, IN(ADVANCING) | IN(PAUSED) | IN(HALTED) | IN(HOLDING), ON(ROLLBACK), IF(may_return),
        GO(REVERTING), WHY("rolled back by an operator")},
    {1283, ROLLOUT_IN_ANY, ON(ROLLBACK), REFUSE,
        WHY("a contract has begun, so old releases no longer fit: let it finish, or retry, and "
            "restore a backup if the data must go back")},
};
/* clang-format on */

const struct rollout_rule *rollout_rules(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rules);
    return rules;
}

const char *rollout_event_name(enum rollout_event_type type)
{
    static const char *const names[] = {
        [ROLLOUT_ON_TICK] = "tick",         [ROLLOUT_ON_START] = "start",
        [ROLLOUT_ON_PAUSE] = "pause",       [ROLLOUT_ON_RESUME] = "resume",
        [ROLLOUT_ON_COMPLETE] = "complete", [ROLLOUT_ON_RETRY] = "retry",
        [ROLLOUT_ON_SKIP] = "skip",         [ROLLOUT_ON_ABANDON] = "abandon",
        [ROLLOUT_ON_ROLLBACK] = "rollback",
    };

    static_assert(ARRAY_LEN(names) == ROLLOUT_EVENT_COUNT, "an event has no name");
    assert(type < ROLLOUT_EVENT_COUNT);
    return names[type];
}

static const struct rollout_rule *match(const struct control *control,
                                        enum rollout_event_type event)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].event == event &&
            (rules[i].from & (UINT32_C(1) << control->open->state)) != 0 &&
            (rules[i].guard == NULL || rules[i].guard(control)))
            return &rules[i];
    return NULL;
}

/* The row's words, with the step that made it fire where there is one. */
static void explain(const struct control *control, const struct rollout_rule *rule, char *ret)
{
    char failure[SENTENCE_SIZE];
    bool has_cause = rule->guard == fails_with_a_way_back ||
                     rule->guard == has_failed_before_contract || rule->guard == fails_and_halts ||
                     rule->guard == fails_without_a_way_back ||
                     rule->guard == contract_has_failed || rule->guard == undo_has_failed ||
                     rule->guard == has_unknown_too_long || rule->guard == is_inconclusive;

    if (rule->to == ROLLOUT_REVERTED) {
        (void)text_format(ret, SENTENCE_SIZE, "%.60s, after: %.900s", rule->why,
                          control->open->cause);
        return;
    }
    if (rule->awaits_window) {
        rollout_say_window(control, failure);
        (void)text_format(ret, SENTENCE_SIZE, "%.500s – %.300s", failure, rule->why);
        return;
    }
    if (!has_cause) {
        (void)text_copy(ret, SENTENCE_SIZE, rule->why);
        return;
    }
    rollout_explain_failure(control, failure);
    (void)text_format(ret, SENTENCE_SIZE, "%.800s – %.140s", failure, rule->why);
}

static unsigned state_after(const struct control *control, const struct rollout_rule *rule)
{
    if (rule->to == ROLLOUT_SAME)
        return control->open->state;
    if (rule->to == ROLLOUT_ORIGIN)
        return control->open->came_from;
    return rule->to;
}

/* Steps that a person has given another chance: failed ones on a rollback of a stuck way back,
 * undecided gates on resume. */
static void restart_steps(struct run *run,
                          bool (*holds)(const struct control *, const struct step *))
{
    static const struct step_event again = {.type = STEP_RETRY};
    struct work *work = &run->control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (holds(run->control, &work->steps[i]))
            (void)step_fire(run, work, &work->steps[i], &again, NULL);
}

/* An operator's pause is for the operator to end. */
static bool goes_on_waiting(const struct rollout *open, const struct rollout_rule *rule)
{
    return rule->awaits_window ||
           (open->waits_for_window && rule->to == ROLLOUT_SAME && rule->event != ROLLOUT_ON_PAUSE);
}

/* Who started it outside its window stands in the history, and not in the plan alone. */
static void note_override(struct run *run, const char *by)
{
    const char *why = run->control->open->work.plan->options.override_window;
    struct fact_override *fact;

    if (why[0] == '\0')
        return;
    fact = run_body(run, fact_row(FACT_OVERRIDE)->record);
    (void)text_copy(fact->why, WINDOW_WHY_SIZE, why);
    (void)text_copy(fact->by, NAME_SIZE, by);
    run_emit(run, FACT_OVERRIDE, fact);
}

static void change(struct run *run, const struct rollout_rule *rule, const char *by)
{
    struct fact_rollout *fact = run_body(run, fact_row(FACT_ROLLOUT)->record);
    enum rollout_state state = (enum rollout_state)state_after(run->control, rule);

    fact->state = state;
    fact->rule = rule->id;
    fact->waits_for_window = goes_on_waiting(run->control->open, rule);
    explain(run->control, rule, fact->why);
    (void)text_copy(fact->by, sizeof(fact->by), by);
    if (rule->event == ROLLOUT_ON_RESUME)
        restart_steps(run, step_is_undecided);
    run_emit(run, FACT_ROLLOUT, fact);
    if (rule->event == ROLLOUT_ON_START) {
        note_override(run, by);
        vitals_note_baselines(run);
    }
    if (rule->event == ROLLOUT_ON_ROLLBACK && rule->notes)
        restart_steps(run, step_failed_back);
    if (rule->rings)
        run_ring(run, "rollout", fact->why);
    if ((UINT32_C(1) << state & CLOSED) != 0)
        rollout_close(run);
}

bool rollout_allows(const struct control *control, enum rollout_event_type event,
                    const char **ret_why)
{
    const struct rollout_rule *rule = match(control, event);

    assert(rule != NULL);
    *ret_why = rule->why;
    return !rule->refuses;
}

bool rollout_fire(struct run *run, enum rollout_event_type event, const char *by,
                  const char **ret_why)
{
    const struct rollout_rule *rule = match(run->control, event);

    assert(rule != NULL);
    if (ret_why != NULL)
        *ret_why = rule->why;
    if (rule->to == ROLLOUT_SAME && !rule->notes && !rule->refuses)
        return true;
    run_fired(run, rule->id);
    if (rule->refuses)
        return false;
    change(run, rule, by);
    return true;
}
