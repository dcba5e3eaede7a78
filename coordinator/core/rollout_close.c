/* rollout_close.c: what stays of a rollout: its summary, and every node's goal. */
#include "common/base/memory.h"
#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step_scene.h"
#include "coordinator/core/twin.h"
#include "proto/copy.h"

#include <assert.h>
#include <string.h>

static void add_kept(struct summary *summary, const struct control *control)
{
    const struct work *work = &control->open->work;
    size_t count = 0;

    for (size_t i = 0; i < work->count; i++)
        count += work->steps[i].is_kept;
    summary->kept = memory_array(summary, struct kept_revision, count);
    for (size_t i = 0; i < work->count; i++) {
        const struct step *step = &work->steps[i];
        struct kept_revision *kept = &summary->kept[summary->kept_count];

        if (!step->is_kept)
            continue;
        (void)text_copy(kept->shard, NAME_SIZE, step->plan->shard);
        (void)text_copy(kept->revision, NAME_SIZE, step->plan->revision);
        (void)text_format(kept->why, KEPT_WHY_SIZE, "%.390s", text_kept(&step->detail));
        summary->kept_count++;
    }
    assert(summary->kept_count == count);
}

/* ---- what is not as one would think ---- */

/* "; LEAD: a, b, c": the lead comes with the first. */
struct remark {
    struct text *out;
    const char *lead;
    bool has_begun;
};

static void add_name(struct remark *remark, const char *name)
{
    text_append(remark->out, remark->has_begun ? ", " : "; ");
    if (!remark->has_begun)
        text_append_format(remark->out, "%s: ", remark->lead);
    text_append(remark->out, name);
    remark->has_begun = true;
}

static void say_left_undone(struct text *out, const struct work *work)
{
    struct remark remark = {.out = out, .lead = "contracts left undone"};

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->task == TASK_CONTRACT && work->steps[i].state != STEP_SUCCEEDED)
            add_name(&remark, work->steps[i].plan->revision);
}

static void say_quarantined(struct text *out, const struct control *control)
{
    struct remark remark = {.out = out, .lead = "quarantined"};

    for (size_t i = 0; i < control->node_count; i++)
        if (control->nodes[i]->quarantine != QUARANTINE_NONE)
            add_name(&remark, control->nodes[i]->identity.name);
}

/* Where everybody stands, for whom has to bring them together again. */
static void say_mixed(struct text *out, const struct control *control)
{
    const struct work *work = &control->open->work;
    struct remark remark = {.out = out, .lead = "as it stands"};
    char name[NAME_SIZE * 3];

    for (size_t i = 0; i < work->count; i++) {
        const struct plan_step *plan = work->steps[i].plan;

        if (plan->task != TASK_EXPAND || !work->steps[i].had_effect ||
            step_is_settled(&work->steps[i]))
            continue;
        (void)text_format(name, sizeof(name), "%s on %s", plan->revision, plan->shard);
        add_name(&remark, name);
    }
    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *game = control->nodes[i];

        if (game->identity.kind != KIND_GAME || work_shard(work, game->identity.shard) == NULL)
            continue;
        (void)text_format(name, sizeof(name), "%s runs %s", game->identity.name,
                          game->report == NULL || game->report->release[0] == '\0'
                              ? "nothing that is known"
                              : game->report->release);
        add_name(&remark, name);
    }
}

static void say_last_word(struct summary *summary, const struct control *control)
{
    struct text *out = text_new(summary, SENTENCE_SIZE - 1);

    text_append(out, control->open->why);
    if (summary->state == ROLLOUT_COMPLETED)
        say_left_undone(out, &control->open->work);
    if (summary->state == ROLLOUT_ABANDONED)
        say_mixed(out, control);
    if (summary->state != ROLLOUT_CANCELLED)
        say_quarantined(out, control);
    (void)text_copy(summary->why, sizeof(summary->why), out->data);
    talloc_free(out);
}

/* Abandoned, every node's goal is what it runs; taken back, it is what it was. */
static const char *goal_after(const struct control *control, const struct plan_shard *shard)
{
    const struct rollout *open = control->open;
    const struct goal *before = control_goal(control, shard->name, "");

    if (open->state == ROLLOUT_COMPLETED && fleet_arrival(control, shard->name)[0] != '\0')
        return fleet_arrival(control, shard->name);
    if (open->state == ROLLOUT_ABANDONED)
        return "";
    return before != NULL && before->release[0] != '\0' ? before->release : shard->release;
}

static void set_goal(struct run *run, const char *shard, const char *node, const char *release)
{
    struct fact_goal *goal = run_body(run, fact_row(FACT_GOAL)->record);

    (void)text_copy(goal->shard, NAME_SIZE, shard);
    (void)text_copy(goal->node, NAME_SIZE, node);
    (void)text_copy(goal->release, NAME_SIZE, release);
    run_emit(run, FACT_GOAL, goal);
}

/* Who was left out stays where it was, until a later rollout takes it along; who ran something else
 * than the others before what was taken back, does so again. */
static void set_own_goals(struct run *run)
{
    const struct control *control = run->control;
    const struct plan *plan = control->open->work.plan;

    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *game = control->nodes[i];
        const struct goal *own = control_goal(control, game->identity.shard, game->identity.name);

        if (game->identity.kind != KIND_GAME ||
            work_shard(&control->open->work, game->identity.shard) == NULL)
            continue;
        if (fleet_leaves_out(plan, game->identity.name))
            set_goal(run, game->identity.shard, game->identity.name,
                     fleet_goal(control, game)[0] != '\0' ? fleet_goal(control, game)
                     : game->report != NULL               ? game->report->release
                                                          : "");
        else if (strcmp(fleet_own_arrival(control, game),
                        fleet_arrival(control, game->identity.shard)) != 0)
            set_goal(run, game->identity.shard, game->identity.name,
                     fleet_own_arrival(control, game));
        else if (own != NULL && own->release[0] != '\0')
            set_goal(run, game->identity.shard, game->identity.name, "");
    }
}

static bool took_part(const struct work *work, const struct node *node)
{
    for (size_t i = 0; i < work->count; i++)
        if (work->plan->steps[i].task == TASK_PREFLIGHT &&
            strcmp(work->plan->steps[i].node, node->identity.name) == 0)
            return true;
    return false;
}

/* Who gave the traffic away stays warm on what it ran; taken back, so does everybody.  Who was
 * quarantined then ran whatever it was. */
static bool keeps_its_own(const struct rollout *open, const struct node *game)
{
    if (!took_part(&open->work, game))
        return false;
    return open->state != ROLLOUT_COMPLETED ||
           (colour_is_left(open->work.plan, game) && !open->has_contracted &&
            !colour_is_retired(&open->work, game));
}

static void set_goals_of_colours(struct run *run)
{
    const struct control *control = run->control;
    const struct work *work = &control->open->work;
    bool is_over = control->open->state == ROLLOUT_COMPLETED;

    for (size_t i = control->kind_begin[KIND_GAME]; i < control->kind_begin[KIND_EDGE]; i++) {
        const struct node *game = control->nodes[i];
        const struct plan_shard *shard = work_shard(work, game->identity.shard);
        bool keeps = keeps_its_own(control->open, game);
        const char *own;

        if (shard == NULL || shard->colour[0] == '\0' || (!keeps && !is_over) ||
            fleet_leaves_out(work->plan, game->identity.name))
            continue;
        own = keeps ? fleet_release_before(shard, game->identity.name) : "";
        set_goal(run, shard->name, game->identity.name,
                 strcmp(own, goal_after(control, shard)) == 0 ? "" : own);
    }
}

static void set_goals(struct run *run)
{
    const struct plan *plan = run->control->open->work.plan;

    if (run->control->open->state == ROLLOUT_COMPLETED)
        set_own_goals(run);
    if (plan->strategy == STRATEGY_BLUE_GREEN && run->control->open->state != ROLLOUT_ABANDONED)
        set_goals_of_colours(run);
    for (size_t i = 0; i < plan->shard_count; i++)
        set_goal(run, plan->shards[i].name, "", goal_after(run->control, &plan->shards[i]));
}

static void stop_watching(struct run *run)
{
    for (size_t i = 0; i < run->control->node_count; i++)
        run_send(run, run->control->nodes[i]->identity.name, MESSAGE_WATCH,
                 run_body(run, message_row(MESSAGE_WATCH)->record));
}

/* A start does not read the steps of a closed rollout. */
static void note_standings(struct run *run)
{
    const struct control *control = run->control;

    for (size_t i = 0; i < control->node_count; i++) {
        const struct node *node = control->nodes[i];
        struct fact_standing *fact;

        if (!node->was_marked)
            continue;
        fact = run_body(run, fact_row(FACT_STANDING)->record);
        (void)text_copy(fact->name, NAME_SIZE, node->identity.name);
        fact->is_severed = node->is_severed;
        fact->is_told = node->is_told;
        fact->is_taken_out = node->is_taken_out;
        run_emit(run, FACT_STANDING, fact);
    }
}

static bool was_rehearsed(const struct rollout *open)
{
    bool has_one = false;

    for (size_t i = 0; i < open->work.count; i++) {
        const struct step *step = &open->work.steps[i];

        if (step->plan->stage != STAGE_REHEARSE)
            continue;
        if (step->direction != DIRECTION_DO || step->state != STEP_SUCCEEDED)
            return false;
        has_one = true;
    }
    return has_one && open->state == ROLLOUT_COMPLETED;
}

/* A backup is of the side that a change of databases leaves: it brings nobody back there. */
static bool was_backed_up(const struct rollout *open)
{
    bool has_one = false;

    for (size_t i = 0; i < open->work.count; i++) {
        const struct step *step = &open->work.steps[i];

        if (step->plan->stage != STAGE_BACKUP)
            continue;
        if (step->direction != DIRECTION_DO || step->state != STEP_SUCCEEDED)
            return false;
        has_one = true;
    }
    return has_one && open->work.plan->strategy != STRATEGY_TWIN;
}

void rollout_close(struct run *run)
{
    const struct control *control = run->control;
    const struct rollout *open = control->open;
    const struct plan *plan = open->work.plan;
    struct summary *summary = run_body(run, &summary_record);

    summary->rollout = plan->rollout;
    summary->strategy = plan->strategy;
    summary->state = open->state;
    summary->inverse_of = plan->inverse_of;
    (void)text_copy(summary->revision, NAME_SIZE, plan->revision);
    (void)text_copy(summary->release, NAME_SIZE, plan->release);
    (void)text_copy(summary->created_by, NAME_SIZE, plan->created_by);
    (void)text_copy(summary->bundle, DIGEST_SIZE, plan->bundle);
    (void)text_copy(summary->contracts_for, NAME_SIZE, plan->contracts_for);
    summary->is_rehearsed = was_rehearsed(open);
    summary->is_backed_up = was_backed_up(open);
    summary->planned_at_ms = open->planned_at_ms;
    summary->closed_at_ms = control->now_ms;
    summary->has_contracted = open->has_contracted;
    summary->pause_ms = twin_pause_ms(control);
    record_copy(&rollout_options_record, &plan->options, summary, &summary->options);
    summary->revisions =
        plan->revisions; /* lives as long as the decisions' use of it: copied now */
    summary->revision_count = plan->revision_count;
    summary->shards = plan->shards;
    summary->shard_count = plan->shard_count;
    add_kept(summary, control);
    say_last_word(summary, control);
    summary = record_clone(&summary_record, summary, run->decisions->memory);
    if (open->state != ROLLOUT_CANCELLED && plan->strategy != STRATEGY_SHADOW)
        set_goals(run);
    note_standings(run);
    stop_watching(run);
    run_emit(run, FACT_CLOSED, summary);
}
