/* step_fault.c: what stands in the way of an order, in a sentence. */
#include "coordinator/core/step_scene.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/twin.h"

#include <string.h>

#define LET_IN_AGAIN_MS 10000 /* an edge that is kept right is right by then */

/* Ready or not: what the edges still send traffic to is not taken away while nobody else is there.
 */
static bool is_last_in_traffic(const struct scene *scene, const struct node *game)
{
    struct shard_count count = fleet_count(scene->control, game->identity.shard);
    enum traffic_state traffic = fleet_traffic(scene->control, game, NULL);

    return (traffic == TRAFFIC_READY || traffic == TRAFFIC_UNKNOWN) &&
           count.in_traffic - node_is_in_traffic(scene->control, game) <
               scene->work->plan->options.min_ready;
}

/* It rests as yet, and all traffic is on its way to it. */
static bool is_being_switched_to(const struct control *control, const struct node *game)
{
    const struct work *work = control_work(control, 0);

    for (size_t i = 0; work != NULL && i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage == STAGE_SWITCH && step_is_open(step) &&
            strcmp(step->plan->shard, game->identity.shard) == 0 &&
            strcmp(step->direction == DIRECTION_DO ? step->plan->colour : step->plan->colour_before,
                   game->identity.colour) == 0)
            return true;
    }
    return false;
}

static const char *drain_fault(const struct scene *scene, char *ret)
{
    const struct control *control = scene->control;
    const struct rollout_options *options = &scene->work->plan->options;
    const struct node *game = control_node(control, scene->step->plan->target);
    struct shard_count count = fleet_count(control, scene->step->plan->shard);
    bool is_ready = game != NULL && node_is_ready(control, game);
    bool is_moved = game != NULL && node_is_being_moved(control, game);

    if (game == NULL)
        return NULL;
    if (scene->work->repair == 0 && game->repair != NULL) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is being repaired: that ends first",
                          game->identity.name);
        return ret;
    }
    if (scene->work->repair != 0 && is_being_switched_to(control, game)) {
        (void)text_format(ret, SENTENCE_SIZE, "all traffic is being switched to %s's colour",
                          game->identity.name);
        return ret;
    }
    if (is_ready && !is_moved && count.ready <= options->min_ready) {
        (void)text_format(ret, SENTENCE_SIZE, "%s stays in traffic: %llu ready, and %llu must stay",
                          game->identity.name, (unsigned long long)count.ready,
                          (unsigned long long)options->min_ready);
        return ret;
    }
    if (scene->step->direction == DIRECTION_DO && scene->work->repair == 0 && !is_moved &&
        !colour_rests(control, game) && !step_is_second_drain(scene) &&
        count.unavailable - !is_ready >= options->max_unavailable) {
        (void)text_format(ret, SENTENCE_SIZE,
                          "%llu of the shard's game nodes are not ready, and %llu may be",
                          (unsigned long long)(count.unavailable - !is_ready),
                          (unsigned long long)options->max_unavailable);
        return ret;
    }
    if (is_last_in_traffic(scene, game)) {
        (void)text_format(ret, SENTENCE_SIZE, "nobody else would be left in traffic beside %s",
                          game->identity.name);
        return ret;
    }
    return NULL;
}

static bool speaks_of_same_server(const struct step *step, const struct step *other)
{
    return other != step && step_is_open(other) && step_is_task(other) &&
           strcmp(other->plan->node, step->plan->node) == 0 &&
           strcmp(other->plan->target, step->plan->target) == 0;
}

static bool work_speaks_of_same_server(const struct work *work, const struct step *step)
{
    struct target_steps steps = {.ids = NULL};

    if (work != NULL)
        steps = work_steps_of_target(work, step->plan->target);
    for (size_t i = 0; i < steps.count; i++)
        if (speaks_of_same_server(step, work_target_step(work, &steps, i)))
            return true;
    return false;
}

/* Two orders about one server have no order among themselves: the second waits for the first. */
static const char *edge_fault(const struct scene *scene, char *ret)
{
    const struct control *control = scene->control;
    const struct node *game = control_node(control, scene->step->plan->target);

    if (!work_speaks_of_same_server(control_work(control, 0), scene->step) &&
        !(game != NULL && work_speaks_of_same_server(game->repair, scene->step)))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "%s has not answered the order before about %s",
                      scene->step->plan->node, scene->step->plan->target);
    return ret;
}

/* Cut off at the edges, but not at the database yet: begun is gone through with. */
static bool is_being_cut_off(const struct work *work, const char *game)
{
    bool is_begun = false;
    bool is_settled = true;

    struct target_steps steps = work_steps_of_target(work, game);

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(work, &steps, i);

        if (step->direction != DIRECTION_UNDO)
            continue;
        if (step->plan->stage == STAGE_ISOLATE)
            is_begun |= step_is_open(step) || step->state == STEP_SUCCEEDED;
        if (step->plan->stage == STAGE_ISOLATE || step->plan->stage == STAGE_SEVER)
            is_settled &= step_is_settled(step);
    }
    return is_begun && !is_settled;
}

/* No node enters traffic on a schema that it cannot use. */
static const char *admit_fault(const struct scene *scene, char *ret)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);
    const struct plan_step *plan = scene->step->plan;
    const char *wanted =
        scene->step->direction == DIRECTION_DO ? plan->release : plan->release_before;

    if (scene->work->repair != 0 && fleet_is_closed(scene->control, plan->shard)) {
        (void)text_format(
            ret, SENTENCE_SIZE, "shard %s is closed for maintenance: rollout %llu ends first",
            plan->shard, (unsigned long long)scene->control->open->work.plan->rollout);
        return ret;
    }
    if (is_being_cut_off(scene->work, plan->target)) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is being cut off: that ends first", plan->target);
        return ret;
    }
    if (game == NULL || game->link != LINK_ONLINE || game->report == NULL) {
        (void)text_format(ret, SENTENCE_SIZE, "%s does not report", plan->target);
        return ret;
    }
    if (wanted[0] != '\0' && strcmp(game->report->release, wanted) != 0) {
        (void)text_format(ret, SENTENCE_SIZE, "%s runs release \"%s\", not %s", plan->target,
                          game->report->release, wanted);
        return ret;
    }
    return compat_node_fault(scene->control, game, game->report->release, ret);
}

/* Whatever was skipped: a server is not switched under players. */
static const char *release_fault(const struct scene *scene, char *ret)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);

    if (game == NULL || fleet_is_out(scene->control, game))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "no edge must send %s traffic while it is switched",
                      game->identity.name);
    return ret;
}

/* Its agent answers, but an edge has let it in again and nobody there knows better: as long as
 * players are sent to it, its release cannot be taken back.  An edge's agent that still has its
 * ledger puts that right within a beat or two. */
static bool was_let_in_again(const struct scene *scene, const struct node *game)
{
    struct target_steps steps = work_steps_of_target(scene->work, game->identity.name);

    if (fleet_is_out(scene->control, game))
        return false;
    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(scene->work, &steps, i);

        if (step->plan->stage == STAGE_RELEASE && step->direction == DIRECTION_UNDO &&
            step->state == STEP_DUE &&
            scene->control->now_ms - step->changed_at_ms >= LET_IN_AGAIN_MS)
            return true;
    }
    return false;
}

static const char *isolate_fault(const struct scene *scene, char *ret)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);

    if (game == NULL)
        return NULL;
    if (game->link != LINK_LOST && !was_let_in_again(scene, game)) {
        (void)text_format(ret, SENTENCE_SIZE, "%s answers: its release is taken back",
                          game->identity.name);
        return ret;
    }
    if (!is_last_in_traffic(scene, game))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "nobody else would be left in traffic beside %s",
                      game->identity.name);
    return ret;
}

/* Only what its edges say after that counts: they may be about to let it in. */
static bool all_drains_are_ordered(const struct scene *scene)
{
    struct target_steps steps = work_steps_of_target(scene->work, scene->step->plan->target);

    for (size_t i = 0; i < steps.count; i++) {
        const struct step *step = work_target_step(scene->work, &steps, i);

        if (step->plan->stage == STAGE_DRAIN && step->state != STEP_SKIPPED &&
            (step->state == STEP_PENDING || step->state == STEP_DUE))
            return false;
    }
    return true;
}

/* Told while new games still come in, it would turn them away, or end before its turn. */
static const char *notify_fault(const struct scene *scene, char *ret)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);

    if (game == NULL || (all_drains_are_ordered(scene) && fleet_is_out(scene->control, game)))
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "%s is told once no edge sends it anybody new",
                      game->identity.name);
    return ret;
}

/* Who then gets all traffic must be able to take it, going either way. */
static const char *switch_fault(const struct scene *scene, char *ret)
{
    const struct plan_step *plan = scene->step->plan;
    bool is_forward = scene->step->direction == DIRECTION_DO;

    return colour_fault(scene->control, plan->shard,
                        is_forward ? plan->colour : plan->colour_before,
                        is_forward && scene->work->plan->strategy == STRATEGY_BLUE_GREEN
                            ? scene->work->plan->release
                            : NULL,
                        scene->work->plan->options.min_ready, ret);
}

static const char *node_fault(const struct scene *scene, char *ret)
{
    const char *name = step_node(scene->control, scene->step);
    const struct node *node = control_node(scene->control, name);
    const struct plan_shard *shard = work_shard(scene->work, scene->step->plan->shard);

    if (name[0] == '\0') {
        (void)text_format(ret, SENTENCE_SIZE, "shard %s has no single primary that reports",
                          scene->step->plan->shard);
        return ret;
    }
    if (node == NULL || node->link != LINK_ONLINE || !node->is_adopted) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is %s", name,
                          node == NULL                ? "not enrolled"
                          : node->link == LINK_ONLINE ? "online, but has not adopted this term"
                                                      : word_of(&link_state_names, node->link));
        return ret;
    }
    if (node->quarantine == QUARANTINE_IDENTITY) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is quarantined: %.800s", name,
                          text_kept(&node->quarantine_why));
        return ret;
    }
    if (node->identity.kind == KIND_DATABASE && node->report != NULL && shard != NULL &&
        shard->system_id[0] != '\0' &&
        strcmp(node->report->database.system_id, twin_system_id(shard, node->identity.colour)) !=
            0) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is another database than the one planned for",
                          name);
        return ret;
    }
    return NULL;
}

/* Quarantined and out: what the contract takes away it will not miss before it is repaired. */
static bool is_set_aside(const struct scene *scene, const struct step *step)
{
    const struct node *game = control_node(scene->control, step->plan->target);

    return game == NULL ||
           (game->quarantine != QUARANTINE_NONE && fleet_is_out(scene->control, game));
}

static const char *contract_fault(const struct scene *scene, char *ret)
{
    const char *fault = step_pool_fault(scene, ret);

    if (fault != NULL)
        return fault;
    if (scene->control->open->state != ROLLOUT_COMPLETING)
        return "the rollout is not completing";
    /* A pool may have had to be paused since the holding ended. */
    if (!scene->control->open->has_contracted &&
        rollout_contract_fault(scene->control, ret) != NULL)
        return ret;
    for (size_t i = 0; i < scene->work->count; i++) {
        const struct step *step = &scene->work->steps[i];

        if (step->plan->stage == STAGE_RELEASE && step->is_left_out && !is_set_aside(scene, step)) {
            (void)text_format(ret, SENTENCE_SIZE,
                              "%s was left on another release, which may need what this removes: "
                              "skip the contracts, too",
                              step->plan->target);
            return ret;
        }

        if ((step->plan->task != TASK_EXPAND && step->plan->task != TASK_BACKFILL) ||
            step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED)
            continue;
        (void)text_format(ret, SENTENCE_SIZE, "%s of %s is not there again yet on shard %s",
                          word_of(&stage_names, step->plan->stage), step->plan->revision,
                          step->plan->shard);
        return ret;
    }
    return NULL;
}

/* Begun is gone through with: at the edges it is cut off already. */
static const char *end_sessions_fault(const struct scene *scene, char *ret)
{
    return work_steps_of_target_are(scene->work, scene->step->plan->target, STAGE_ISOLATE,
                                    STEP_SUCCEEDED)
               ? NULL
               : isolate_fault(scene, ret);
}

/* What stands in the way of a task, beyond its node; NULL: nothing does. */
static const char *(*const task_faults[TASK_COUNT])(const struct scene *scene, char *ret) = {
    [TASK_DRAIN] = drain_fault,           [TASK_ADMIT] = admit_fault,
    [TASK_REVERT] = clear_fault,          [TASK_RELEASE] = release_fault,
    [TASK_ISOLATE] = isolate_fault,       [TASK_END_SESSIONS] = end_sessions_fault,
    [TASK_SWITCH] = switch_fault,         [TASK_NOTIFY] = notify_fault,
    [TASK_EXPAND] = step_pool_fault,      [TASK_BACKFILL] = step_pool_fault,
    [TASK_CONTRACT] = contract_fault,     [TASK_CLOSE] = contract_fault,
    [TASK_RESTORE] = contract_fault,      [TASK_FOLLOW] = twin_step_fault,
    [TASK_UNFOLLOW] = twin_step_fault,    [TASK_CLOSE_WRITES] = twin_step_fault,
    [TASK_OPEN_WRITES] = twin_step_fault, [TASK_DRAIN_WAL] = twin_step_fault,
    [TASK_COMPARE] = twin_step_fault,     [TASK_SEQUENCES] = twin_step_fault,
    [TASK_REVERSE] = twin_step_fault,     [TASK_UNREVERSE] = twin_step_fault,
};

static const char *task_fault(const struct scene *scene, char *ret)
{
    enum task task = step_task(scene->step);

    if (task_row(task)->kind == KIND_EDGE && edge_fault(scene, ret) != NULL)
        return ret;
    return task_faults[task] == NULL ? NULL : task_faults[task](scene, ret);
}

/* A promotion may have undone what was done: it is done again in the plan's order, a backfill not
 * before its expand. */
static const char *need_fault(const struct scene *scene, char *ret)
{
    const struct step *need =
        scene->step->direction == DIRECTION_DO ? step_that_is_needed(scene) : NULL;

    if (need == NULL)
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "step %llu, %s, is done again first",
                      (unsigned long long)need->plan->id, word_of(&stage_names, need->plan->stage));
    return ret;
}

const char *step_order_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    const char *fault = step_window_fault(scene, ret);

    if (fault == NULL)
        fault = node_fault(scene, ret);
    if (fault == NULL)
        fault = need_fault(scene, ret);
    return fault != NULL ? fault : task_fault(scene, ret);
}
