#include "coordinator/core/machines.h"

#include "coordinator/core/node.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step.h"

/* ---- step ---- */

static const char *step_state_name_of(size_t state)
{
    static const char *const names[] = {
        "do_pending",   "do_due",       "do_ordered",     "do_running",   "do_succeeded",
        "do_failed",    "do_refused",   "do_cancelled",   "do_unknown",   "do_skipped",
        "undo_pending", "undo_due",     "undo_ordered",   "undo_running", "undo_succeeded",
        "undo_failed",  "undo_refused", "undo_cancelled", "undo_unknown", "undo_skipped",
    };

    return names[state];
}

static const char *step_event_name_of(unsigned event)
{
    return step_event_name((enum step_event_type)event);
}

static bool step_moves(const struct step_rule *rule)
{
    return rule->action != STEP_STAYS && rule->action != STEP_RESENDS && rule->action != STEP_ASKS;
}

static struct machine_rule step_rule_of(size_t at)
{
    size_t count;
    const struct step_rule *rule = &step_rules(&count)[at];
    bool moves = step_moves(rule);

    return (struct machine_rule){
        .id = rule->id,
        .from = rule->from,
        .event = rule->event,
        .is_guarded = rule->guard != NULL,
        .moves = moves,
        .acts = rule->action != STEP_STAYS || rule->refuses,
        .to = moves ? step_state_name_of((size_t)rule->direction * STEP_COUNT_ + rule->to) : "same",
        .why = rule->why,
    };
}

/* ---- rollout ---- */

static const char *rollout_state_name_of(size_t state)
{
    return word_of(&rollout_state_names, (unsigned)state);
}

static const char *rollout_event_name_of(unsigned event)
{
    return rollout_event_name((enum rollout_event_type)event);
}

static struct machine_rule rollout_rule_of(size_t at)
{
    size_t count;
    const struct rollout_rule *rule = &rollout_rules(&count)[at];
    bool moves = rule->to < ROLLOUT_COUNT_;

    return (struct machine_rule){
        .id = rule->id,
        .from = rule->from,
        .event = rule->event,
        .is_guarded = rule->guard != NULL,
        .moves = moves,
        .acts = rule->to != ROLLOUT_SAME || rule->notes || rule->refuses,
        .to = moves                        ? word_of(&rollout_state_names, rule->to)
              : rule->to == ROLLOUT_ORIGIN ? "where it came from"
                                           : "same",
        .why = rule->why,
    };
}

/* ---- node ---- */

static const char *node_state_name_of(size_t state)
{
    return word_of(&link_state_names, (unsigned)state);
}

static const char *node_event_name_of(unsigned event)
{
    return node_event_name((enum node_event_type)event);
}

static struct machine_rule node_rule_of(size_t at)
{
    size_t count;
    const struct node_rule *rule = &node_rules(&count)[at];
    bool moves = rule->action == NODE_LINKS || rule->action == NODE_RETURNS;

    return (struct machine_rule){
        .id = rule->id,
        .from = rule->from,
        .event = rule->event,
        .is_guarded = rule->guard != NULL,
        .moves = moves,
        .acts = rule->action != NODE_STAYS,
        .to = moves ? word_of(&link_state_names, rule->to) : "same",
        .why = rule->why,
    };
}

static struct machine machines[] = {
    {.name = "step",
     .state_count = (size_t)2 * STEP_COUNT_,
     .all_states = STEP_IN_ANY,
     .event_count = STEP_EVENT_COUNT,
     .state_name = step_state_name_of,
     .event_name = step_event_name_of,
     .rule = step_rule_of},
    {.name = "rollout",
     .state_count = ROLLOUT_COUNT_,
     .all_states = ROLLOUT_IN_ANY,
     .event_count = ROLLOUT_EVENT_COUNT,
     .state_name = rollout_state_name_of,
     .event_name = rollout_event_name_of,
     .rule = rollout_rule_of},
    {.name = "node",
     .state_count = LINK_COUNT_,
     .all_states = NODE_IN_ANY,
     .event_count = NODE_EVENT_COUNT,
     .state_name = node_state_name_of,
     .event_name = node_event_name_of,
     .rule = node_rule_of},
};

const struct machine *machine_list(size_t *ret_count)
{
    (void)step_rules(&machines[0].rule_count);
    (void)rollout_rules(&machines[1].rule_count);
    (void)node_rules(&machines[2].rule_count);
    *ret_count = ARRAY_LEN(machines);
    return machines;
}

static bool state_is_unanswered(const struct machine *machine, unsigned event, size_t state)
{
    for (size_t i = 0; i < machine->rule_count; i++) {
        struct machine_rule rule = machine->rule(i);

        if (rule.event == event && !rule.is_guarded && (rule.from & (UINT32_C(1) << state)) != 0)
            return false;
    }
    return true;
}

static bool rule_is_dead(const struct machine *machine, size_t at)
{
    struct machine_rule rule = machine->rule(at);
    uint32_t left = rule.from;

    for (size_t i = 0; i < at; i++) {
        struct machine_rule earlier = machine->rule(i);

        if (earlier.event == rule.event && !earlier.is_guarded)
            left &= ~earlier.from;
    }
    return left == 0;
}

bool machine_fault(const struct machine *machine, char *ret, size_t size)
{
    for (size_t i = 0; i < machine->rule_count; i++) {
        struct machine_rule rule = machine->rule(i);

        if (i > 0 && rule.id <= machine->rule(i - 1).id)
            return text_format(ret, size, "the id of row %u does not rise", rule.id);
        if (rule_is_dead(machine, i))
            return text_format(ret, size, "row %u can never fire", rule.id);
        if ((rule.from & ~machine->all_states) != 0 || rule.why == NULL)
            return text_format(ret, size, "row %u is malformed", rule.id);
    }
    for (unsigned event = 0; event < machine->event_count; event++)
        for (size_t state = 0; state < machine->state_count; state++)
            if (state_is_unanswered(machine, event, state))
                return text_format(ret, size, "%s while %s has no row without a guard",
                                   machine->event_name(event), machine->state_name(state));
    return false;
}
