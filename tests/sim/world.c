#include "tests/sim/world.h"

#include "common/base/memory.h"
#include "coordinator/core/rollout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* xorshift64*: the same everywhere. */
static uint64_t next_random(struct sim *sim)
{
    sim->random ^= sim->random >> 12;
    sim->random ^= sim->random << 25;
    sim->random ^= sim->random >> 27;
    return sim->random * UINT64_C(2685821657736338717);
}

uint64_t sim_below(struct sim *sim, uint64_t limit)
{
    return limit == 0 ? 0 : (next_random(sim) >> 16) % limit;
}

bool sim_chance(struct sim *sim, unsigned percent)
{
    bool happens = sim->is_faulty && sim_below(sim, 100) < percent;

    sim->faults += happens;
    return happens;
}

bool sim_rarely(struct sim *sim, uint64_t one_in)
{
    bool happens = sim->is_faulty && sim_below(sim, one_in) == 0;

    sim->faults += happens;
    return happens;
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->is_traced)
        return;
    (void)printf("%8" PRIu64 " ", sim->now_ms);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)putchar('\n');
}

void sim_break(struct sim *sim, const char *what)
{
    if (sim->violation[0] == '\0')
        (void)text_format(sim->violation, sizeof(sim->violation),
                          "seed %" PRIu64 " at %" PRIu64 " ms: %.400s", sim->seed, sim->now_ms,
                          what);
}

int sim_node_at(const struct sim *sim, const char *name)
{
    for (int i = 0; i < sim->node_count; i++)
        if (strcmp(sim->nodes[i].name, name) == 0)
            return i;
    return -1;
}

static bool has_closed(const struct sim *sim)
{
    return !sim->is_faulty && sim->rollouts > 0 && sim->control != NULL &&
           sim->control->open == NULL;
}

/* Every rollout is closed, and whoever had to be repaired is. */
static bool has_ended(struct sim *sim)
{
    if (!has_closed(sim)) {
        sim->ended_ms = sim->mended_ms = 0;
        return false;
    }
    if (sim->ended_ms == 0)
        sim->ended_ms = sim->now_ms;
    if (!invariant_is_mended(sim))
        sim->mended_ms = 0;
    else if (sim->mended_ms == 0)
        sim->mended_ms = sim->now_ms;
    /* Everybody has reported since, who has news or not. */
    return (sim->mended_ms != 0 && sim->now_ms - sim->mended_ms > CURRENT_MS) ||
           sim->now_ms - sim->ended_ms >= SIM_MENDED_MS;
}

static void say_why_it_waits(struct sim *sim)
{
    char why[SENTENCE_SIZE] = "no coordinator";

    if (sim->control != NULL && sim->control->open != NULL)
        rollout_reason(sim->control, why);
    sim_trace(sim, "it waits: %s", why);
    sim_break(sim, "I8: it did not end");
}

/* While a plan waits for nothing but its expiry, time may take larger steps. */
static uint64_t step_of(const struct sim *sim)
{
    return sim_is_waiting_for_expiry(sim) ? SIM_PATIENT_MS : SIM_STEP_MS;
}

static void step(struct sim *sim)
{
    const char *broken;

    sim->now_ms += step_of(sim);
    network_deliver(sim);
    faults_run(sim);
    for (int i = 0; i < sim->node_count; i++)
        post_run(sim, i);
    database_run(sim);
    players_run(sim);
    office_run(sim);
    operator_run(sim);
    if (sim->fate.has_windows)
        calendar_check_way_back(sim);
    broken = invariant_broken(sim);
    if (broken != NULL)
        sim_break(sim, broken);
}

bool sim_run(struct sim *sim)
{
    const char *broken;

    while (sim->violation[0] == '\0' && sim->now_ms < SIM_END_MS && !has_ended(sim))
        step(sim);
    if (sim->violation[0] == '\0' && !has_closed(sim))
        say_why_it_waits(sim);
    if (sim->violation[0] != '\0')
        return false;
    office_check_fold(sim);
    broken = invariant_ended(sim);
    if (broken != NULL)
        sim_break(sim, broken);
    return sim->violation[0] == '\0';
}
