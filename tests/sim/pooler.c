/* pooler.c: pools before the primaries: a pause waits for transactions, which may be long; what is
 * not had in time is undone; a PgBouncer that is restarted has forgotten that it was paused.
 */
#include "coordinator/core/control.h"
#include "tests/sim/world.h"

#include <string.h>

#define PAUSE_MAX_MS   20000
#define BUSY_ONE_IN    600 /* steps */
#define BUSY_MS        40000
#define RESTART_ONE_IN 1200
#define OPENS_MS       40000 /* a child may still be at a pause; then a beat, and tries that fail */

static void let_go(const struct sim *sim, struct sim_node *pooler)
{
    if (pooler->is_paused) {
        pooler->was_let_go = true;
        pooler->let_go_at_ms = sim->now_ms;
    }
    pooler->is_paused = false;
}

static bool is_busy(const struct sim *sim, const struct sim_node *pooler)
{
    return sim->now_ms < pooler->busy_until_ms;
}

void pooler_act(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *pooler = &sim->nodes[at];

    if (child->is_mend) {
        let_go(sim, pooler);
    } else if (child->order.task == TASK_PAUSE_POOL) {
        pooler->is_paused = true;
        pooler->was_let_go = pooler->has_forgotten = false;
    } else if (child->order.task == TASK_RESUME_POOL) {
        pooler->is_paused = false;
    } else if (child->order.task == TASK_POINT_POOL) {
        twin_point(sim, at, &child->order);
    }
}

bool pooler_waits(const struct sim *sim, const struct sim_node *pooler,
                  const struct sim_child *child)
{
    return child->order.task == TASK_PAUSE_POOL && !child->is_mend && !child->is_cancelled &&
           is_busy(sim, pooler) && sim->now_ms < child->effect_at_ms + PAUSE_MAX_MS;
}

/* What was not had is undone. */
void pooler_end(struct sim *sim, int at, struct sim_child *child)
{
    struct sim_node *pooler = &sim->nodes[at];

    if (child->is_mend || child->order.task != TASK_PAUSE_POOL)
        return;
    if (is_busy(sim, pooler)) {
        child->fails = true;
        child->is_retryable = false;
    }
    if (child->fails || child->is_cancelled) {
        let_go(sim, pooler);
        if (child->is_cancelled)
            child->has_effect = false;
    }
}

bool pooler_shows(const struct sim *sim, const struct sim_node *pooler, const struct order *order)
{
    if (order->task == TASK_PAUSE_POOL)
        return pooler->is_paused && !is_busy(sim, pooler);
    if (order->task == TASK_POINT_POOL)
        return pooler->points_at_green ==
               (strcmp(order->arguments.target, "") != 0 &&
                sim->nodes[sim_node_at(sim, order->arguments.target)].colour == COLOUR_GREEN);
    return order->task == TASK_RESUME_POOL && !pooler->is_paused;
}

bool pooler_holds_back(const struct sim *sim, int shard)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].is_pooler && sim->nodes[i].shard == shard && sim->nodes[i].is_paused)
            return true;
    return false;
}

void pooler_break(struct sim *sim, int at)
{
    struct sim_node *pooler = &sim->nodes[at];

    if (sim_rarely(sim, BUSY_ONE_IN) && !pooler->is_paused)
        pooler->busy_until_ms = sim->now_ms + sim_below(sim, BUSY_MS);
    if (!sim_rarely(sim, RESTART_ONE_IN))
        return;
    sim_trace(sim, "%s: its PgBouncer is restarted%s", pooler->name,
              pooler->is_paused ? ", and has forgotten that it was paused" : "");
    let_go(sim, pooler);
    pooler->busy_until_ms = 0;
}

/* From outside: as long as the coordinator says so, or nobody could know better, a pause stands. */
void pooler_hear(struct sim *sim, int at, const struct message *message)
{
    const struct watch *watch = message->body;

    if (sim->nodes[at].is_pooler &&
        (message->type == MESSAGE_ORDER || (message->type == MESSAGE_WATCH && watch->pauses != 0)))
        sim->nodes[at].word_at_ms = sim->now_ms;
}

void pooler_run(struct sim *sim, int at)
{
    struct sim_node *pooler = &sim->nodes[at];

    if (!pooler->is_paused || !pooler->is_alive || pooler->is_stopped || pooler->is_blind)
        pooler->word_at_ms = sim->now_ms;
}

const char *pooler_fault(const struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++)
        if (sim->nodes[i].is_pooler && sim->nodes[i].is_paused && !sim->nodes[i].has_forgotten &&
            sim->now_ms - sim->nodes[i].word_at_ms > PAUSE_LEASE_MS + OPENS_MS)
            return "a pool is paused, and for longer than its budget nobody has said so";
    return NULL;
}
