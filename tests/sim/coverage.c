/* coverage.c: which rows of the machines any seed of this process has fired. */
#include "coordinator/core/machines.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t fired[SIM_RULES_MAX];

void coverage_note(const uint32_t *rules, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i] < SIM_RULES_MAX)
            fired[rules[i]]++;
}

static bool print_row(uint32_t id, bool has_missed)
{
    if (fired[id] != 0)
        return has_missed;
    (void)printf("%s %" PRIu32, has_missed ? "" : "rows that no seed fired:", id);
    return true;
}

bool coverage_print(void)
{
    bool has_missed = false;
    size_t count;
    const struct machine *machines = machine_list(&count);
    size_t session_count;
    const struct session_rule *session = agent_session_rules(&session_count);

    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < machines[m].rule_count; i++)
            if (machines[m].rule(i).acts)
                has_missed = print_row(machines[m].rule(i).id, has_missed);
    for (size_t i = 0; i < session_count; i++)
        if (session[i].action != ENTRY_IGNORES)
            has_missed = print_row(session[i].id, has_missed);
    if (has_missed)
        (void)putchar('\n');
    return !has_missed;
}
