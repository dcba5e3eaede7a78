/* main.c: hakem-sim --seeds A..B | --seed N [--trace] */
#include "common/base/memory.h"
#include "coordinator/core/machines.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct totals {
    uint64_t seeds, rollouts, faults, violations;
};

static void run_one(uint64_t seed, bool is_traced, struct totals *totals)
{
    struct sim *sim = sim_new(seed, is_traced);

    if (!sim_run(sim)) {
        (void)printf("%s\n", sim->violation);
        totals->violations++;
    }
    totals->seeds++;
    totals->rollouts += sim->rollouts;
    totals->faults += sim->faults;
    talloc_free(sim);
}

/* Rows that move something and that no seed fired. */
static void print_unfired(void)
{
    size_t count;
    const struct machine *machines = machine_list(&count);
    size_t session_count;
    const struct session_rule *session = agent_session_rules(&session_count);

    (void)printf("rows that no seed fired:");
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < machines[m].rule_count; i++)
            if (machines[m].rule(i).moves && sim_fired[machines[m].rule(i).id] == 0)
                (void)printf(" %" PRIu32, machines[m].rule(i).id);
    for (size_t i = 0; i < session_count; i++)
        if (session[i].action != ENTRY_IGNORES && sim_fired[session[i].id] == 0)
            (void)printf(" %u", session[i].id);
    (void)printf("\n");
}

int main(int argc, char *argv[])
{
    struct totals totals = {.seeds = 0};
    uint64_t first, last;

    if (argc >= 3 && strcmp(argv[1], "--seed") == 0 &&
        text_to_number(argv[2], UINT64_MAX, &first)) {
        run_one(first, argc > 3 && strcmp(argv[3], "--trace") == 0, &totals);
    } else if (argc == 3 && strcmp(argv[1], "--seeds") == 0 && strstr(argv[2], "..") != NULL) {
        char *dots = strstr(argv[2], "..");

        *dots = '\0';
        if (!text_to_number(argv[2], UINT32_MAX, &first) ||
            !text_to_number(dots + 2, UINT32_MAX, &last))
            return 2;
        for (uint64_t seed = first; seed <= last; seed++)
            run_one(seed, false, &totals);
        print_unfired();
    } else {
        (void)fprintf(stderr, "usage: hakem-sim --seeds A..B | --seed N [--trace]\n");
        return 2;
    }
    (void)printf("seeds %" PRIu64 " rollouts %" PRIu64 " faults %" PRIu64 " violations %" PRIu64
                 "\n",
                 totals.seeds, totals.rollouts, totals.faults, totals.violations);
    return totals.violations == 0 ? 0 : 1;
}
