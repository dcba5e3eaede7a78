#include "coordinator/core/request.h"

#include "coordinator/core/fleet.h"
#include "coordinator/core/ledger.h"
#include "coordinator/core/node.h"
#include "coordinator/core/planner.h"
#include "coordinator/core/rollout.h"
#include "coordinator/core/step.h"

#include <string.h>

void request_refuse(struct run *run, const struct wish *wish, enum error_code code,
                    const char *text)
{
    uint64_t rollout = run->control->open == NULL ? 0 : run->control->open->work.plan->rollout;

    run_reply(run, wish->id, code, rollout, text);
}

void request_accept(struct run *run, const struct wish *wish, uint64_t rollout, const char *text)
{
    run_reply(run, wish->id, ERROR_OK, rollout, text);
}

/* The open rollout, unless another one is meant; NULL once it has been refused. */
static struct rollout *the_rollout(struct run *run, const struct wish *wish)
{
    struct rollout *open = run->control->open;
    char text[SENTENCE_SIZE];

    if (open == NULL) {
        request_refuse(run, wish, ERROR_REFUSED, "no rollout is open");
        return NULL;
    }
    if (wish->request->rollout != 0 && wish->request->rollout != open->work.plan->rollout) {
        (void)text_format(text, sizeof(text), "rollout %llu is not open; %llu is",
                          (unsigned long long)wish->request->rollout,
                          (unsigned long long)open->work.plan->rollout);
        request_refuse(run, wish, ERROR_REFUSED, text);
        return NULL;
    }
    return open;
}

/* ---- planning and starting ---- */

/* A plan that was never started makes room for the next one; not for a wish that is refused. */
static void drop_unstarted(struct run *run, const struct wish *wish)
{
    if (run->control->open != NULL && run->control->open->state == ROLLOUT_PLANNED)
        (void)rollout_fire(run, ROLLOUT_ON_ROLLBACK, wish->operator_name, NULL);
}

bool request_is_free(struct run *run, const struct wish *wish)
{
    const struct rollout *open = run->control->open;
    char text[SENTENCE_SIZE];

    if (open == NULL || open->state == ROLLOUT_PLANNED)
        return true;
    (void)text_format(
        text, sizeof(text), "rollout %llu is %s; a cluster has one open rollout at most",
        (unsigned long long)open->work.plan->rollout, word_of(&rollout_state_names, open->state));
    request_refuse(run, wish, ERROR_REFUSED, text);
    return false;
}

void request_record_plan(struct run *run, const struct wish *wish, struct plan *plan)
{
    drop_unstarted(run, wish);
    (void)text_copy(plan->created_by, NAME_SIZE, wish->operator_name);
    run_emit(run, FACT_PLANNED, plan);
}

static void refuse_for_window(struct run *run, const struct wish *wish, const char *why)
{
    char text[SENTENCE_SIZE];

    request_say_window(run->control, why, text);
    request_refuse(run, wish, ERROR_REFUSED, text);
}

static void wish_plan(struct run *run, const struct wish *wish)
{
    struct plan *plan;
    struct error err;

    if (!request_is_free(run, wish))
        return;
    plan = run_body(run, &plan_record);
    if (planner_forward(run->control, wish->request, plan, plan, &err) != ERROR_OK) {
        request_refuse(run, wish, err.code, err.detail);
        return;
    }
    if (!request_may_be_planned(run->control, wish->request)) {
        refuse_for_window(run, wish,
                          "--window plans for then, --override-window REASON does not wait");
        return;
    }
    request_record_plan(run, wish, plan);
    request_accept(run, wish, plan->rollout, "planned");
}

static void wish_start(struct run *run, const struct wish *wish)
{
    struct rollout *open = the_rollout(run, wish);
    char text[SENTENCE_SIZE];
    const char *why;

    if (open == NULL)
        return;
    if (request_start_fault(run->control, text) != NULL) {
        request_refuse(run, wish, ERROR_REFUSED, text);
        return;
    }
    if (wish->request->digest[0] != '\0' &&
        strcmp(wish->request->digest, open->work.plan->digest) != 0) {
        request_refuse(
            run, wish, ERROR_CHANGED,
            "the plan has changed since it was approved: look at `hakem rollout plan` again");
        return;
    }
    if (rollout_fire(run, ROLLOUT_ON_START, wish->operator_name, &why))
        request_accept(run, wish, open->work.plan->rollout, why);
    else if (open->state == ROLLOUT_PLANNED)
        refuse_for_window(run, wish, why);
    else
        request_refuse(run, wish, ERROR_REFUSED, why);
}

/* ---- steering ---- */

void request_steer(struct run *run, const struct wish *wish, enum rollout_event_type event)
{
    struct rollout *open = the_rollout(run, wish);
    uint64_t number;
    const char *why;

    if (open == NULL)
        return;
    number = open->work.plan->rollout;
    if (rollout_fire(run, event, wish->operator_name, &why))
        request_accept(run, wish, number, why);
    else if (event == ROLLOUT_ON_RESUME && rollout_is_stopped_by_window(run->control))
        refuse_for_window(run, wish, why);
    else
        request_refuse(run, wish, ERROR_REFUSED, why);
}

static void wish_pause(struct run *run, const struct wish *wish)
{
    request_steer(run, wish, ROLLOUT_ON_PAUSE);
}

static void wish_resume(struct run *run, const struct wish *wish)
{
    request_override_window(run, wish);
    request_steer(run, wish, ROLLOUT_ON_RESUME);
}

static void wish_complete(struct run *run, const struct wish *wish)
{
    request_steer(run, wish, ROLLOUT_ON_COMPLETE);
}

static void wish_abandon(struct run *run, const struct wish *wish)
{
    request_steer(run, wish, ROLLOUT_ON_ABANDON);
}

static void steer_step(struct run *run, const struct wish *wish, enum rollout_event_type event,
                       const struct step_event *step_event)
{
    struct rollout *open = the_rollout(run, wish);
    struct step *step;
    const char *why;

    if (open == NULL)
        return;
    step = work_step(&open->work, wish->request->step);
    if (step == NULL) {
        request_refuse(run, wish, ERROR_NOT_FOUND,
                       "the rollout has no such step: see `hakem rollout show`");
        return;
    }
    /* Nothing is noted before both machines have agreed. */
    if ((!rollout_allows(run->control, event, &why) &&
         !rollout_fire(run, event, wish->operator_name, &why)) ||
        !step_fire(run, &open->work, step, step_event, &why)) {
        request_refuse(run, wish, ERROR_REFUSED, why);
        return;
    }
    (void)rollout_fire(run, event, wish->operator_name, NULL);
    request_accept(run, wish, open->work.plan->rollout, why);
}

static void wish_retry(struct run *run, const struct wish *wish)
{
    static const struct step_event event = {.type = STEP_RETRY};

    steer_step(run, wish, ROLLOUT_ON_RETRY, &event);
}

static void wish_skip(struct run *run, const struct wish *wish)
{
    struct step_event event = {.type = STEP_SKIP, .code = "OK", .detail = wish->request->reason};

    if (wish->request->reason[0] == '\0') {
        request_refuse(run, wish, ERROR_USAGE, "say why it is skipped: --reason TEXT");
        return;
    }
    steer_step(run, wish, ROLLOUT_ON_SKIP, &event);
}

/* ---- nodes ---- */

static void wish_accept(struct run *run, const struct wish *wish)
{
    const struct request *request = wish->request;
    const char *fault = request_node_fault(run->control, request);
    struct fact_node *fact;

    if (fault != NULL) {
        request_refuse(run, wish, ERROR_INVALID, fault);
        return;
    }
    fact = run_body(run, fact_row(FACT_NODE_ACCEPTED)->record);
    (void)text_copy(fact->name, NAME_SIZE, request->node);
    fact->kind = request->kind;
    (void)text_copy(fact->shard, NAME_SIZE, request->shard);
    (void)text_copy(fact->key, KEY_TEXT_SIZE, request->key);
    (void)text_copy(fact->db_role, NAME_SIZE, request->db_role);
    (void)text_copy(fact->application, NAME_SIZE, request->application);
    (void)text_copy(fact->colour, NAME_SIZE, request->colour);
    fact->is_pooler = request->is_pooler;
    run_emit(run, FACT_NODE_ACCEPTED, fact);
    if (fact->kind == KIND_GAME)
        node_quarantine(run, control_node(run->control, fact->name), QUARANTINE_ABSENCE,
                        "it joined: it is brought to its goal first");
    request_accept(run, wish, 0, "accepted");
}

static struct node *the_node(struct run *run, const struct wish *wish)
{
    struct node *node = control_node(run->control, wish->request->node);
    char text[SENTENCE_SIZE];

    if (node == NULL) {
        (void)text_format(text, sizeof(text), "no node is called \"%s\": see `hakem node list`",
                          wish->request->node);
        request_refuse(run, wish, ERROR_NOT_FOUND, text);
    }
    return node;
}

static bool work_needs(const struct work *work, const struct node *node)
{
    for (size_t i = 0; work != NULL && i < work->count; i++) {
        const struct step *step = &work->steps[i];
        bool is_its_own = strcmp(step->plan->target, node->identity.name) == 0 ||
                          strcmp(step->plan->node, node->identity.name) == 0 ||
                          strcmp(step->node, node->identity.name) == 0;

        if (is_its_own && !step_is_settled(step))
            return true;
    }
    return false;
}

/* Of the rollout, or of a repair that has an order out to it; who is lost will not answer that. */
static bool has_unsettled_steps(const struct control *control, const struct node *node)
{
    for (size_t i = 0; i < control->node_count; i++) {
        const struct work *repair = control->nodes[i]->repair;

        for (size_t s = 0; repair != NULL && s < repair->count && node->link != LINK_LOST; s++)
            if (step_is_open(&repair->steps[s]) &&
                strcmp(repair->steps[s].node, node->identity.name) == 0)
                return true;
    }
    return work_needs(control_work(control, 0), node);
}

static void wish_remove(struct run *run, const struct wish *wish)
{
    struct node *node = the_node(run, wish);
    struct fact_name *fact;

    if (node == NULL)
        return;
    if (has_unsettled_steps(run->control, node)) {
        request_refuse(
            run, wish, ERROR_REFUSED,
            "the open rollout, or a repair, has steps of that node that are not settled: let it "
            "end "
            "first");
        return;
    }
    fact = run_body(run, fact_row(FACT_NODE_REMOVED)->record);
    (void)text_copy(fact->name, NAME_SIZE, node->identity.name);
    run_emit(run, FACT_NODE_REMOVED, fact);
    request_accept(run, wish, 0, "removed: its key is no longer let in");
}

static void wish_drain(struct run *run, const struct wish *wish)
{
    struct node *node = the_node(run, wish);

    if (node == NULL)
        return;
    if (node->identity.kind != KIND_GAME) {
        request_refuse(run, wish, ERROR_REFUSED, "only game nodes take traffic");
        return;
    }
    if (node_is_the_plans(run->control, node)) {
        request_refuse(run, wish, ERROR_REFUSED, "the open rollout is moving that node");
        return;
    }
    /* IDENTITY waits for `node admit`; so does a node that a person took out. */
    node_quarantine(run, node, QUARANTINE_HELD, "an operator took it out of traffic");
    request_accept(run, wish, 0, "it is taken out of traffic, until `hakem node admit`");
}

static void wish_admit(struct run *run, const struct wish *wish)
{
    struct node *node = the_node(run, wish);
    const char *why;

    if (node == NULL)
        return;
    if (node->quarantine == QUARANTINE_IDENTITY && ledger_is_doubted(run->control, node)) {
        request_refuse(run, wish, ERROR_REFUSED,
                       "two agents with two ledgers speak for it just now: stop one of them first");
        return;
    }
    if (!node_fire(run, node, NODE_ADMIT_WISH, &why)) {
        request_refuse(run, wish, ERROR_REFUSED, why);
        return;
    }
    if (node->identity.kind == KIND_GAME)
        node_quarantine(run, node, QUARANTINE_ABSENCE, "an operator wants it back in traffic");
    request_accept(run, wish, 0, "it is brought to its goal, and into traffic");
}

static const struct request_row rows[] = {
    {"plan", wish_plan, "compile a rollout"},
    {"start", wish_start, "begin the compiled rollout"},
    {"pause", wish_pause, "order nothing new"},
    {"resume", wish_resume, "go on after a pause or a halt"},
    {"complete", wish_complete, "release the holding: contracts begin"},
    {"retry", wish_retry, "try a step again"},
    {"skip", wish_skip, "go on without a step"},
    {"abandon", wish_abandon, "leave everything as it is"},
    {"rollback", request_rollback, "bring the cluster back"},
    {"accept", wish_accept, "let a node in"},
    {"remove", wish_remove, "forget a node"},
    {"drain", wish_drain, "take a game node out of traffic"},
    {"admit", wish_admit, "lift a node's quarantine"},
};

const struct request_row *request_rows(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(rows);
    return rows;
}

void request_fulfil(struct run *run, const struct wish *wish)
{
    char text[SENTENCE_SIZE];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].verb, wish->request->verb) == 0) {
            rows[i].fulfil(run, wish);
            return;
        }
    }
    (void)text_format(text, sizeof(text), "this coordinator has no verb \"%s\"",
                      wish->request->verb);
    request_refuse(run, wish, ERROR_USAGE, text);
}
