/* main.c: hakem-sim --seeds A..B | --seed N [--trace] | --matrix */
#include "common/base/memory.h"
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From so many seeds on a row that none fired is a row that nobody tests. */
#define COVERAGE_SEEDS_MIN 2000

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

static bool run_range(char *range, struct totals *totals)
{
    char *dots = strstr(range, "..");
    uint64_t first, last;

    if (dots == NULL)
        return false;
    *dots = '\0';
    if (!text_to_number(range, UINT32_MAX, &first) || !text_to_number(dots + 2, UINT32_MAX, &last))
        return false;
    for (uint64_t seed = first; seed <= last; seed++)
        run_one(seed, false, totals);
    return true;
}

static bool run_as_told(int argc, char *argv[], struct totals *totals)
{
    uint64_t seed;

    if (argc == 3 && strcmp(argv[1], "--seeds") == 0)
        return run_range(argv[2], totals);
    if (argc < 3 || argc > 4 || strcmp(argv[1], "--seed") != 0 ||
        (argc == 4 && strcmp(argv[3], "--trace") != 0) ||
        !text_to_number(argv[2], UINT64_MAX, &seed))
        return false;
    run_one(seed, argc == 4, totals);
    return true;
}

int main(int argc, char *argv[])
{
    struct totals totals = {.seeds = 0};
    bool is_covered;

    if (argc == 2 && strcmp(argv[1], "--matrix") == 0)
        return matrix_run_all() ? 0 : 1;
    if (!run_as_told(argc, argv, &totals)) {
        (void)fprintf(stderr, "usage: hakem-sim --seeds A..B | --seed N [--trace] | --matrix\n");
        return 2;
    }
    is_covered = totals.seeds == 1 || coverage_print() || totals.seeds < COVERAGE_SEEDS_MIN;
    (void)printf("seeds %" PRIu64 " rollouts %" PRIu64 " faults %" PRIu64 " violations %" PRIu64
                 "\n",
                 totals.seeds, totals.rollouts, totals.faults, totals.violations);
    return totals.violations == 0 && is_covered ? 0 : 1;
}
