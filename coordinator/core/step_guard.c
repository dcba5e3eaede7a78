#include "coordinator/core/step_guard.h"

#include "coordinator/core/compat.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/gate.h"

#include <string.h>

#define GATE_SAMPLES_MIN 2
#define GATE_REPEAT_MS   SUSPECT_MS
#define PATIENCE_MS      60000 /* of a step that could be ordered but for its node */

/* ---- what a step is ---- */

enum movement work_movement(const struct control *control, const struct work *work)
{
    if (work->repair != 0)
        return MOVES_FORWARD;
    switch (control->open->state) {
    case ROLLOUT_ADVANCING:
    case ROLLOUT_COMPLETING:
        return MOVES_FORWARD;
    case ROLLOUT_REVERTING:
        return MOVES_BACK;
    case ROLLOUT_PLANNED:
    case ROLLOUT_PAUSED:
    case ROLLOUT_HALTED:
    case ROLLOUT_HOLDING:
    case ROLLOUT_COMPLETED:
    case ROLLOUT_REVERTED:
    case ROLLOUT_STUCK:
    case ROLLOUT_ABANDONED:
    case ROLLOUT_CANCELLED:
    case ROLLOUT_COUNT_:
        break;
    }
    return MOVES_NOT;
}

static bool is_turned_back(const struct scene *scene)
{
    return scene->work->repair == 0 && fleet_is_going_back(scene->control);
}

bool step_is_settled(const struct step *step)
{
    return step->direction == DIRECTION_UNDO &&
           (step->state == STEP_SUCCEEDED || step->state == STEP_SKIPPED);
}

bool step_is_open(const struct step *step)
{
    return step->state == STEP_ORDERED || step->state == STEP_RUNNING ||
           step->state == STEP_UNKNOWN;
}

enum task step_task(const struct step *step)
{
    return step->direction == DIRECTION_DO ? step->plan->task : step->plan->undo;
}

enum gate step_gate(const struct step *step)
{
    return step->direction == DIRECTION_DO ? step->plan->gate : step->plan->undo_gate;
}

bool step_is_task(const struct step *step)
{
    return step_task(step) != TASK_NONE;
}

const char *step_node(const struct control *control, const struct step *step)
{
    const struct node *primary;

    if (!task_row(step_task(step))->on_primary)
        return step->plan->node;
    primary = fleet_primary(control, step->plan->shard);
    return primary == NULL ? "" : primary->identity.name;
}

uint64_t step_number(const struct work *work, const struct step *step)
{
    return work->repair == 0 ? step->plan->id : work->repair * ORDER_REPAIR_STEPS_MAX + step->plan->id;
}

uint64_t step_deadline_ms(const struct step *step)
{
    if (step->direction == DIRECTION_UNDO && step_is_task(step))
        return task_row(step_task(step))->deadline_ms;
    return step->plan->deadline_ms;
}

uint64_t step_patience_ms(const struct step *step, enum step_state state)
{
    if (state == STEP_DUE)
        return PATIENCE_MS;
    return step->plan->deadline_ms + (step->direction == DIRECTION_DO ? step->plan->steady_ms : 0);
}

uint64_t shard_position(const struct control *control, const struct work *work,
                        const struct step *step)
{
    const struct node *primary = fleet_primary(control, step->plan->shard);
    uint64_t position = 0;

    for (size_t i = 0; i < work->count; i++)
        if (strcmp(work->steps[i].plan->shard, step->plan->shard) == 0 &&
            work->steps[i].position > position)
            position = work->steps[i].position;
    if (position == 0 && primary != NULL)
        position = primary->report->database.position;
    return position;
}

static const struct plan_shard *shard_of(const struct work *work, const char *name)
{
    for (size_t i = 0; i < work->plan->shard_count; i++)
        if (strcmp(work->plan->shards[i].name, name) == 0)
            return &work->plan->shards[i];
    return NULL;
}

static void fill_database(const struct control *control, const struct work *work,
                          const struct step *step, struct task_arguments *ret)
{
    const struct node *node = control_node(control, step->node);
    const struct plan_shard *shard = shard_of(work, step->plan->shard);

    if (shard != NULL)
        (void)text_copy(ret->system_id, sizeof(ret->system_id), shard->system_id);
    if (node != NULL && node->report != NULL)
        ret->timeline = node->report->database.timeline;
    if (step_task(step) == TASK_AWAIT_REPLAY)
        ret->position = shard_position(control, work, step);
}

void step_order(const struct control *control, const struct work *work, const struct step *step,
                uint64_t attempt, struct order *ret)
{
    const struct plan_step *plan = step->plan;
    const struct node *target = control_node(control, plan->target);
    struct task_arguments *arguments = &ret->arguments;

    ret->id = (struct order_id){.rollout = work->repair != 0 ? 0 : work->plan->rollout,
                                .step = step_number(work, step),
                                .direction = step->direction,
                                .attempt = attempt};
    ret->task = step_task(step);
    ret->ttl_ms = step_deadline_ms(step);
    (void)text_copy(ret->journal, sizeof(ret->journal), control->journal);
    (void)text_copy(arguments->shard, NAME_SIZE, plan->shard);
    (void)text_copy(arguments->target, NAME_SIZE, plan->target);
    (void)text_copy(arguments->revision, NAME_SIZE, plan->revision);
    (void)text_copy(arguments->bundle, DIGEST_SIZE, work->plan->bundle);
    (void)text_copy(arguments->release, NAME_SIZE,
                    step->direction == DIRECTION_DO ? plan->release : plan->release_before);
    if (target != NULL)
        (void)text_copy(arguments->application, NAME_SIZE, target->identity.application);
    arguments->drain_ms = work->plan->options.drain_ms;
    arguments->of_contract = plan->of_contract;
    arguments->accept_data_loss = work->plan->options.accept_data_loss;
    if (task_row(ret->task)->kind == KIND_DATABASE)
        fill_database(control, work, step, arguments);
}

/* ---- movement ---- */

static bool forward(const struct scene *scene)
{
    return scene->step->direction == DIRECTION_DO &&
           work_movement(scene->control, scene->work) == MOVES_FORWARD;
}

bool goes_back(const struct scene *scene)
{
    return work_movement(scene->control, scene->work) == MOVES_BACK;
}

/* An earlier attempt may have done something, even if the next one was never ordered. */
bool goes_back_untouched(const struct scene *scene)
{
    return goes_back(scene) && !scene->step->had_effect;
}

bool goes_on(const struct scene *scene)
{
    return !(is_turned_back(scene) && scene->step->direction == DIRECTION_DO);
}

/* Whether leaving `need` out leaves `step` without ground: a schema carries the whole shard, a game
 * node's chain only itself. */
static bool skip_spreads(const struct step *need, const struct step *step)
{
    if (need->state != STEP_SKIPPED || !need->is_left_out)
        return false;
    if (need->plan->target[0] != '\0')
        return strcmp(need->plan->target, step->plan->target) == 0 &&
               (need->plan->stage == STAGE_RELEASE || need->plan->stage == STAGE_HEALTHY ||
                need->plan->stage == STAGE_ADMIT);
    return need->plan->stage == STAGE_EXPAND || need->plan->stage == STAGE_BACKFILL;
}

static bool needs_are_over(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    for (size_t i = 0; i < plan->need_count; i++) {
        const struct step *need = work_step(scene->work, plan->needs[i]);

        if (need->direction != DIRECTION_DO ||
            (need->state != STEP_SUCCEEDED && need->state != STEP_SKIPPED))
            return false;
    }
    return true;
}

static bool has_lost_ground(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    for (size_t i = 0; i < plan->need_count; i++)
        if (skip_spreads(work_step(scene->work, plan->needs[i]), scene->step))
            return true;
    return false;
}

bool goes_forward_over_undo_only(const struct scene *scene)
{
    return forward(scene) && scene->step->plan->undo_only && needs_are_over(scene);
}

bool goes_forward_over_left_out(const struct scene *scene)
{
    return forward(scene) && scene->step->is_left_out && needs_are_over(scene);
}

bool goes_forward_over_skipped(const struct scene *scene)
{
    return forward(scene) && needs_are_over(scene) && has_lost_ground(scene);
}

bool goes_forward_with_needs_met(const struct scene *scene)
{
    return forward(scene) && needs_are_over(scene);
}

bool may_open_gate(const struct scene *scene)
{
    if (step_gate(scene->step) == GATE_NONE)
        return false;
    return scene->step->direction == DIRECTION_DO ? forward(scene) : goes_back(scene);
}

/* ---- ordering ---- */

static bool steps_of_target_are(const struct work *work, const char *target, enum stage stage,
                                enum step_state state)
{
    bool has_one = false;

    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage != stage || strcmp(step->plan->target, target) != 0)
            continue;
        has_one = true;
        if (step->direction != DIRECTION_UNDO || step->state != state)
            return false;
    }
    return has_one;
}

static bool game_is_isolated(const struct work *work, const char *game)
{
    return game[0] != '\0' && steps_of_target_are(work, game, STAGE_ISOLATE, STEP_SUCCEEDED) &&
           steps_of_target_are(work, game, STAGE_SEVER, STEP_SUCCEEDED);
}

/* Its release step leaves no doubt that it runs what the revert leaves ground for. Going back that
 * is a step that never had an effect, or was undone; in an inverse it is one that succeeded. */
static bool release_is_sure(const struct work *work, const char *game)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (step->plan->stage != STAGE_RELEASE || strcmp(step->plan->target, game) != 0)
            continue;
        if (work->plan->strategy == STRATEGY_INVERSE)
            return step->direction == DIRECTION_DO && step->state == STEP_SUCCEEDED;
        return !step->had_effect || step_is_settled(step);
    }
    return true;
}

static bool plan_has_release(const struct work *work, const char *game)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == STAGE_RELEASE &&
            strcmp(work->steps[i].plan->target, game) == 0)
            return true;
    return false;
}

/* Its present release can use what the revert leaves. */
static bool release_suits_revert(const struct scene *scene, const struct node *game)
{
    const struct work *work = scene->work;
    const struct node *primary = fleet_primary(scene->control, game->identity.shard);
    struct name_item left[PLAN_REVISIONS_MAX * 2];
    const struct database_report *database;
    struct schema schema = {.expanded = left};
    char why[SENTENCE_SIZE];
    const struct catalog_release *release;

    if (primary == NULL || game->report == NULL)
        return false;
    release = catalog_release(scene->control->catalog, game->report->release);
    if (release == NULL)
        return false;
    /* Of E only `needs` matters: it must be there, and not among what is taken back. */
    database = &primary->report->database;
    for (size_t i = 0; i < work->plan->revision_count; i++)
        if (strcmp(work->plan->revisions[i].name, release->needs) == 0)
            return false;
    if (!names_contain(database->applied, database->applied_count, release->needs))
        return false;
    (void)text_copy(left[0].name, NAME_SIZE, release->needs);
    schema.expanded_count = 1;
    schema.contracted = database->contracted;
    schema.contracted_count = database->contracted_count;
    return compat_fault(scene->control->catalog, game->report->release, &schema, why) == NULL;
}

/* The game node can't be running what the revert would break: design, section 4. */
static bool game_is_clear(const struct scene *scene, const struct node *game)
{
    const struct work *work = scene->work;
    const char *name = game->identity.name;

    if (game_is_isolated(work, name))
        return true;
    if (!release_is_sure(work, name))
        return false;
    if (plan_has_release(work, name) && game->link != LINK_ONLINE)
        return true; /* never ordered to change, or taken back for sure */
    return game->report != NULL && release_suits_revert(scene, game);
}

static const struct node *unclear_game(const struct scene *scene)
{
    const struct node *game;
    size_t cursor = 0;

    while ((game = fleet_next(scene->control, KIND_GAME, scene->step->plan->shard, &cursor)) !=
           NULL)
        if (!game_is_clear(scene, game))
            return game;
    return NULL;
}

/* Ready or not: what the edges still send traffic to is not taken away while nobody else is there.
 */
static bool is_last_in_traffic(const struct scene *scene, const struct node *game)
{
    struct shard_count count = fleet_count(scene->control, game->identity.shard);
    enum traffic_state traffic = fleet_traffic(scene->control, game, NULL);
    bool is_counted = traffic == TRAFFIC_READY && !node_is_being_moved(scene->control, game);

    return (traffic == TRAFFIC_READY || traffic == TRAFFIC_UNKNOWN) &&
           count.in_traffic - is_counted < scene->work->plan->options.min_ready;
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
    if (is_ready && !is_moved && count.ready <= options->min_ready) {
        (void)text_format(ret, SENTENCE_SIZE, "%s stays in traffic: %llu ready, and %llu must stay",
                          game->identity.name, (unsigned long long)count.ready,
                          (unsigned long long)options->min_ready);
        return ret;
    }
    if (scene->step->direction == DIRECTION_DO && scene->work->repair == 0 && !is_moved &&
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
    for (size_t i = 0; work != NULL && i < work->count; i++)
        if (speaks_of_same_server(step, &work->steps[i]))
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

    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (strcmp(step->plan->target, game) != 0 || step->direction != DIRECTION_UNDO)
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

static const char *revert_fault(const struct scene *scene, char *ret)
{
    const struct node *game = unclear_game(scene);

    if (game == NULL)
        return NULL;
    (void)text_format(
        ret, SENTENCE_SIZE,
        "%s could still run the new release: it must be taken back, or cut off, first",
        game->identity.name);
    return ret;
}

static const char *isolate_fault(const struct scene *scene, char *ret)
{
    const struct node *game = control_node(scene->control, scene->step->plan->target);

    if (game != NULL && is_last_in_traffic(scene, game)) {
        (void)text_format(ret, SENTENCE_SIZE, "nobody else would be left in traffic beside %s",
                          game->identity.name);
        return ret;
    }
    if (game == NULL || game->link == LINK_LOST)
        return NULL;
    (void)text_format(ret, SENTENCE_SIZE, "%s answers: its release is taken back",
                      scene->step->plan->target);
    return ret;
}

static const char *node_fault(const struct scene *scene, char *ret)
{
    const char *name = step_node(scene->control, scene->step);
    const struct node *node = control_node(scene->control, name);
    const struct plan_shard *shard = shard_of(scene->work, scene->step->plan->shard);

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
                          node->quarantine_why);
        return ret;
    }
    if (node->identity.kind == KIND_DATABASE && node->report != NULL && shard != NULL &&
        shard->system_id[0] != '\0' &&
        strcmp(node->report->database.system_id, shard->system_id) != 0) {
        (void)text_format(ret, SENTENCE_SIZE, "%s is another database than the one planned for",
                          name);
        return ret;
    }
    return NULL;
}

static const char *contract_fault(const struct scene *scene, char *ret)
{
    if (scene->control->open->state != ROLLOUT_COMPLETING)
        return "the rollout is not completing";
    for (size_t i = 0; i < scene->work->count; i++) {
        const struct step *step = &scene->work->steps[i];

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

/* What stands in the way of a stage, beyond its node. */
static const char *stage_fault(const struct scene *scene, char *ret)
{
    const struct plan_step *plan = scene->step->plan;

    if (task_row(step_task(scene->step))->kind == KIND_EDGE && edge_fault(scene, ret) != NULL)
        return ret;
    switch (step_task(scene->step)) {
    case TASK_DRAIN:
        return drain_fault(scene, ret);
    case TASK_ADMIT:
        return admit_fault(scene, ret);
    case TASK_REVERT:
        return revert_fault(scene, ret);
    case TASK_RELEASE:
        return release_fault(scene, ret);
    case TASK_ISOLATE:
        return isolate_fault(scene, ret);
    case TASK_END_SESSIONS:
        /* Begun is gone through with: at the edges it is cut off already. */
        return steps_of_target_are(scene->work, plan->target, STAGE_ISOLATE, STEP_SUCCEEDED)
                   ? NULL
                   : isolate_fault(scene, ret);
    case TASK_CONTRACT:
        return contract_fault(scene, ret);
    case TASK_NONE:
    case TASK_PREFLIGHT:
    case TASK_EXPAND:
    case TASK_BACKFILL:
    case TASK_AWAIT_REPLAY:
    case TASK_VERIFY:
    case TASK_ALLOW_SESSIONS:
    case TASK_SMOKE:
    case TASK_COUNT:
        break;
    }
    return NULL;
}

const char *step_order_fault(const struct scene *scene, char ret[static SENTENCE_SIZE])
{
    const char *fault = node_fault(scene, ret);

    return fault != NULL ? fault : stage_fault(scene, ret);
}

bool may_order(const struct scene *scene)
{
    char why[SENTENCE_SIZE];
    bool moves = scene->step->direction == DIRECTION_DO ? forward(scene) : goes_back(scene);

    return moves && step_is_task(scene->step) && step_order_fault(scene, why) == NULL;
}

static bool work_has_open_step(const struct work *work)
{
    for (size_t i = 0; i < work->count; i++)
        if (step_is_open(&work->steps[i]))
            return true;
    return false;
}

bool step_waits_for_lost(const struct control *control, const struct work *work,
                         const struct step *step)
{
    const char *name = step_is_open(step) ? step->node : step_node(control, step);
    const struct node *node = control_node(control, name);

    return step->direction == DIRECTION_DO && work->repair == 0 && step_is_task(step) &&
           (step->state == STEP_DUE || step->state == STEP_UNKNOWN) &&
           work->plan->options.on_lost == ON_LOST_WAIT && control->now_ms >= step->deadline_at_ms &&
           (node == NULL || node->link != LINK_ONLINE);
}

/* Waiting for others is fine as long as something goes on. */
bool waited_too_long(const struct scene *scene)
{
    const struct step *step = scene->step;
    bool moves = step->direction == DIRECTION_DO ? forward(scene) : goes_back(scene);

    return moves && scene->control->now_ms >= step->deadline_at_ms &&
           !step_waits_for_lost(scene->control, scene->work, step) &&
           !work_has_open_step(scene->work);
}

/* ---- gates ---- */

static bool is_gate(const struct scene *scene)
{
    return step_gate(scene->step) != GATE_NONE;
}

bool gate_is_hold(const struct scene *scene)
{
    return scene->step->plan->gate == GATE_HOLD;
}

bool gate_goes_back(const struct scene *scene)
{
    return is_gate(scene) && goes_back(scene);
}

bool gate_passes(const struct scene *scene)
{
    const struct gate_record *gate = &scene->step->gate_record;
    const struct step *step = scene->step;

    if (step_gate(step) == GATE_NONE)
        return false;
    if (step_gate(step) == GATE_HOLD)
        return scene->control->open->state == ROLLOUT_COMPLETING;
    if (gate->verdict != VERDICT_PASS || !gate_holds(scene->control, step) ||
        (step->direction == DIRECTION_DO ? !forward(scene) : !goes_back(scene)))
        return false;
    if (step->direction == DIRECTION_UNDO || step_gate(step) == GATE_OUT)
        return true; /* one healthy sample; being out needs no steadiness */
    return gate->passing_count >= GATE_SAMPLES_MIN &&
           scene->control->now_ms - gate->passing_since_ms >= step->plan->steady_ms;
}

static bool is_late(const struct scene *scene)
{
    bool moves = scene->step->direction == DIRECTION_DO ? forward(scene) : goes_back(scene);

    return is_gate(scene) && step_gate(scene->step) != GATE_HOLD && moves &&
           scene->control->now_ms >= scene->step->deadline_at_ms;
}

bool gate_fails(const struct scene *scene)
{
    const struct gate_record *gate = &scene->step->gate_record;

    /* What is not out yet is waited for: only time fails it. */
    if (step_gate(scene->step) != GATE_HOLD && is_gate(scene) && forward(scene) &&
        step_gate(scene->step) != GATE_OUT && step_gate(scene->step) != GATE_AGREE &&
        gate->failing_count > scene->work->plan->options.failures_max)
        return true;
    return is_late(scene) && gate->verdict == VERDICT_FAIL;
}

bool gate_is_late(const struct scene *scene)
{
    return is_late(scene);
}

bool gate_is_late_for_one_of_several(const struct scene *scene)
{
    return is_late(scene) && scene->step->plan->target[0] != '\0' &&
           fleet_count(scene->control, scene->step->plan->shard).ready >=
               (scene->work->plan->options.min_ready > 0 ? scene->work->plan->options.min_ready
                                                         : 1);
}

/* ---- orders under way ---- */

bool goes_back_and_can_cancel(const struct scene *scene)
{
    return goes_back(scene) && step_is_task(scene->step) && !scene->step->is_cancelling &&
           task_row(step_task(scene->step))->can_be_cancelled;
}

bool goes_back_over_harmless(const struct scene *scene)
{
    enum task task = scene->step->plan->task;

    return goes_back(scene) && (task == TASK_PREFLIGHT || task == TASK_VERIFY ||
                                task == TASK_AWAIT_REPLAY || task == TASK_SMOKE);
}

bool primary_has_changed(const struct scene *scene)
{
    const struct node *primary;

    if (!step_is_task(scene->step) || !task_row(step_task(scene->step))->on_primary)
        return false;
    primary = fleet_primary(scene->control, scene->step->plan->shard);
    return primary != NULL && strcmp(primary->identity.name, scene->step->node) != 0;
}

bool deadline_has_passed(const struct scene *scene)
{
    return step_is_task(scene->step) && scene->control->now_ms >= scene->step->deadline_at_ms;
}

bool has_time_left(const struct scene *scene)
{
    return !scene->step->is_cancelling && scene->control->now_ms < scene->step->deadline_at_ms &&
           goes_on(scene);
}

bool node_is_lost(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->node);

    return step_is_task(scene->step) && (node == NULL || node->link == LINK_LOST);
}

bool is_time_to_resend(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->node);

    return step_is_task(scene->step) && node != NULL && node->link == LINK_ONLINE &&
           node->is_adopted && scene->control->now_ms - scene->step->sent_at_ms >= RESEND_MS;
}

bool is_time_to_ask(const struct scene *scene)
{
    return step_is_task(scene->step) &&
           scene->control->now_ms - scene->step->asked_at_ms >= INQUIRE_MS;
}

/* This process has not sent the order: another term did. */
bool step_was_ordered_by_predecessor(const struct scene *scene)
{
    return scene->step->sent_at_ms == 0 && goes_on(scene);
}

bool may_try_again(const struct scene *scene)
{
    const struct step_event *event = scene->event;
    bool may_help = event->is_retryable || event->type == STEP_WAS_INTERRUPTED ||
                    event->type == STEP_WAS_SUPERSEDED;

    return may_help && goes_on(scene) && !scene->step->is_cancelling &&
           scene->step->tries <= scene->work->plan->options.retries;
}

/* ---- primaries ---- */

static bool primary_has(const struct scene *scene, const struct node *primary)
{
    const struct database_report *database = &primary->report->database;
    const char *revision = scene->step->plan->revision;

    switch (step_task(scene->step)) {
    case TASK_EXPAND:
        return names_contain(database->applied, database->applied_count, revision);
    case TASK_BACKFILL:
        return names_contain(database->expanded, database->expanded_count, revision);
    case TASK_REVERT:
        return !names_contain(database->applied, database->applied_count, revision);
    case TASK_CONTRACT:
        return names_contain(database->contracted, database->contracted_count, revision);
    case TASK_NONE:
    case TASK_PREFLIGHT:
    case TASK_AWAIT_REPLAY:
    case TASK_VERIFY:
    case TASK_END_SESSIONS:
    case TASK_ALLOW_SESSIONS:
    case TASK_RELEASE:
    case TASK_SMOKE:
    case TASK_DRAIN:
    case TASK_ADMIT:
    case TASK_ISOLATE:
    case TASK_COUNT:
        break;
    }
    return false;
}

/* Another database than the one that was ordered: what is not there will not come by itself. */
static const struct node *successor(const struct scene *scene)
{
    const struct node *primary;

    if (!primary_has_changed(scene))
        return NULL;
    primary = fleet_primary(scene->control, scene->step->plan->shard);
    return node_measured_at_ms(primary) >= scene->step->changed_at_ms ? primary : NULL;
}

bool primary_shows_it_done(const struct scene *scene)
{
    const struct node *primary = successor(scene);

    return primary != NULL && primary_has(scene, primary);
}

bool new_primary_lacks_it(const struct scene *scene)
{
    const struct node *primary = successor(scene);

    return primary != NULL && !primary_has(scene, primary) && goes_on(scene);
}

/* It was done, and a database that never received it has become the primary. */
bool step_was_forgotten(const struct control *control, const struct work *work,
                        const struct step *step)
{
    const struct scene scene = {.control = control, .work = work, .step = step};
    const struct plan_shard *shard = shard_of(work, step->plan->shard);
    const struct node *primary = fleet_primary(control, step->plan->shard);

    return step_is_task(step) && task_row(step_task(step))->on_primary &&
           step->plan->revision[0] != '\0' && step->state == STEP_SUCCEEDED && !step->is_kept &&
           primary != NULL && shard != NULL &&
           primary->report->database.timeline > shard->timeline &&
           node_measured_at_ms(primary) >= step->changed_at_ms && !primary_has(&scene, primary);
}

bool primary_forgot_it(const struct scene *scene)
{
    return forward(scene) && scene->work->repair == 0 &&
           step_was_forgotten(scene->control, scene->work, scene->step);
}

/* A promotion undid the undoing. */
bool primary_has_it_again(const struct scene *scene)
{
    return goes_back(scene) && step_was_forgotten(scene->control, scene->work, scene->step);
}

/* ---- the way back ---- */

bool target_is_isolated(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    return goes_back(scene) && plan->stage != STAGE_ISOLATE && plan->stage != STAGE_SEVER &&
           game_is_isolated(scene->work, plan->target);
}

bool isolation_is_not_needed(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;
    const struct node *game = control_node(scene->control, plan->target);

    if (!goes_back(scene) || (plan->stage != STAGE_ISOLATE && plan->stage != STAGE_SEVER))
        return false;
    if (plan->stage == STAGE_SEVER &&
        steps_of_target_are(scene->work, plan->target, STAGE_ISOLATE, STEP_SUCCEEDED))
        return false; /* begun is gone through with */
    return game == NULL || game_is_clear(scene, game);
}

bool replica_may_be_left(const struct scene *scene)
{
    const struct node *node = control_node(scene->control, scene->step->plan->node);

    if (!goes_back(scene) || scene->step->direction != DIRECTION_UNDO ||
        scene->step->plan->undo != TASK_AWAIT_REPLAY)
        return false;
    if (scene->step->state == STEP_DUE)
        return node == NULL || node->link == LINK_LOST;
    return true;
}

static bool has_nothing_to_undo(const struct step *step)
{
    if (step->plan->undo == TASK_NONE)
        return step->plan->undo_gate == GATE_NONE;
    return !step->had_effect && !step->plan->undo_only;
}

/* Game nodes go back side by side: only going forward do waves wait for each other. */
static bool is_of_another_game(const struct step *step, const struct step *dependent)
{
    return step->plan->target[0] != '\0' && dependent->plan->target[0] != '\0' &&
           strcmp(step->plan->target, dependent->plan->target) != 0;
}

static bool dependents_are_settled(const struct scene *scene)
{
    for (size_t i = 0; i < scene->step->dependent_count; i++) {
        const struct step *dependent = work_step(scene->work, scene->step->dependents[i]);
        bool is_last_resort =
            scene->step->plan->stage == STAGE_DRAIN && dependent->plan->stage == STAGE_OUT &&
            dependent->direction == DIRECTION_UNDO && dependent->state == STEP_FAILED;

        /* The last node is admitted even if it is unhealthy: better than nobody. */
        if (!step_is_settled(dependent) && !is_last_resort &&
            !is_of_another_game(scene->step, dependent))
            return false;
    }
    return true;
}

/* Not before what depends on it: what has nothing to take back still stands between others. */
bool goes_back_without_undo(const struct scene *scene)
{
    return goes_back(scene) && has_nothing_to_undo(scene->step) && dependents_are_settled(scene);
}

bool goes_back_with_dependents_settled(const struct scene *scene)
{
    return goes_back(scene) && !has_nothing_to_undo(scene->step) && dependents_are_settled(scene);
}

bool later_one_was_kept(const struct scene *scene)
{
    const struct plan_step *plan = scene->step->plan;

    for (size_t i = plan->id;
         goes_back(scene) && plan->task == TASK_EXPAND && i < scene->work->count; i++) {
        const struct step *later = &scene->work->steps[i];

        if (later->plan->task == TASK_EXPAND && later->is_kept &&
            strcmp(later->plan->shard, plan->shard) == 0)
            return true;
    }
    return false;
}
