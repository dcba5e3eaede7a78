#include "coordinator/core/hear.h"

#include "coordinator/core/colour.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/gate.h"
#include "coordinator/core/ledger.h"
#include "coordinator/core/node.h"
#include "coordinator/core/step.h"
#include "coordinator/core/step_guard.h"
#include "coordinator/core/twin.h"
#include "coordinator/core/vitals.h"
#include "coordinator/core/work.h"
#include "proto/copy.h"

#include <assert.h>
#include <string.h>

struct letter {
    struct run *run;
    struct node *node;
    const void *body;
    uint64_t term;
    uint64_t number; /* rises with everything that an agent says */
    bool is_greeting;
};

static void set_link(const struct letter *letter, bool is_adopted)
{
    struct fact_link *fact = run_body(letter->run, fact_row(FACT_LINK)->record);

    (void)text_copy(fact->name, NAME_SIZE, letter->node->identity.name);
    fact->state = letter->node->link;
    fact->is_adopted = is_adopted;
    fact->is_heard = true;
    run_emit(letter->run, FACT_LINK, fact);
}

static bool is_ordered_to(const struct step *step, const struct node *node)
{
    return step_is_open(step) && step_is_task(step) && strcmp(step->node, node->identity.name) == 0;
}

static void list_open(const struct control *control, const struct work *work,
                      const struct node *node, struct adopt *ret)
{
    (void)control;
    for (size_t i = 0; work != NULL && i < work->count; i++) {
        const struct step *step = &work->steps[i];

        if (is_ordered_to(step, node) && ret->open_count < OPEN_ORDERS_MAX)
            ret->open[ret->open_count++].id =
                (struct order_id){.rollout = work->repair != 0 ? 0 : work->plan->rollout,
                                  .step = step_number(work, step),
                                  .direction = step->direction,
                                  .attempt = step->attempt};
    }
}

static void send_adopt(const struct letter *letter)
{
    struct run *run = letter->run;
    struct adopt *adopt = run_body(run, message_row(MESSAGE_ADOPT)->record);

    (void)text_copy(adopt->journal, JOURNAL_SIZE, run->control->journal);
    adopt->open = run_body_array(run, sizeof(struct order_ref), OPEN_ORDERS_MAX);
    list_open(run->control, control_work(run->control, 0), letter->node, adopt);
    for (size_t i = 0; i < run->control->node_count; i++)
        list_open(run->control, run->control->nodes[i]->repair, letter->node, adopt);
    run_send(run, letter->node->identity.name, MESSAGE_ADOPT, adopt);
}

static void hear_hello(const struct letter *letter)
{
    const struct hello *hello = letter->body;
    struct run *run = letter->run;
    struct welcome *welcome = run_body(run, message_row(MESSAGE_WELCOME)->record);

    ledger_hear_hello(run, letter->node, hello->ledger);
    set_link(letter, false);
    (void)text_copy(welcome->journal, JOURNAL_SIZE, run->control->journal);
    (void)text_copy(welcome->node, NAME_SIZE, letter->node->identity.name);
    (void)text_copy(welcome->shard, NAME_SIZE, letter->node->identity.shard);
    welcome->kind = letter->node->identity.kind;
    welcome->beat_ms = BEAT_MS;
    run_send(run, letter->node->identity.name, MESSAGE_WELCOME, welcome);
    send_adopt(letter);
}

static bool work_watches(const struct control *control, const struct work *work,
                         const struct node *node)
{
    const struct step *step;
    struct target_steps own;
    size_t cursor = 0;

    if (work == NULL)
        return false;
    /* Before the first contract everybody attests where it stands. */
    if (work->repair == 0 &&
        (control->open->state == ROLLOUT_HOLDING ||
         (control->open->state == ROLLOUT_COMPLETING && !control->open->has_contracted)))
        return true;
    if (node->identity.kind != KIND_GAME) {
        while ((step = work_next_awake(work, &cursor)) != NULL)
            if (step->state == STEP_RUNNING && gate_concerns(control, step, node))
                return true;
        return false;
    }
    own = work_steps_of_target(work, node->identity.name);
    for (size_t i = 0; i < own.count; i++)
        if (work_target_step(work, &own, i)->state == STEP_RUNNING &&
            gate_concerns(control, work_target_step(work, &own, i), node))
            return true;
    return false;
}

/* A game node's repair looks at itself, and at what edges and databases say. */
static bool repairs_watch(const struct control *control, const struct node *node)
{
    if (node->identity.kind == KIND_GAME)
        return work_watches(control, node->repair, node);
    for (size_t i = control->kind_begin[KIND_GAME]; i < control->kind_begin[KIND_EDGE]; i++)
        if (work_watches(control, control->nodes[i]->repair, node))
            return true;
    return false;
}

/* The answer to a beat: an agent that hears nothing for long rebuilds its connection. It says what
 * the node is to do about reports, so that a lost word is made good within a beat. */
static void answer_beat(const struct letter *letter)
{
    const struct control *control = letter->run->control;
    struct watch *watch = run_body(letter->run, message_row(MESSAGE_WATCH)->record);
    struct players_word players = vitals_players_of(control, letter->node);

    watch->is_on = work_watches(control, control_work(control, 0), letter->node) ||
                   repairs_watch(control, letter->node) || vitals_are_wanted(control, letter->node);
    watch->closed = fleet_closed_rollout(control);
    watch->pauses = fleet_standing_pauses(control);
    watch->players_ms = players.now_ms;
    watch->players_limit_ms = players.limit_ms;
    run_send(letter->run, letter->node->identity.name, MESSAGE_WATCH, watch);
}

static void hear_beat(const struct letter *letter)
{
    const struct beat *body = letter->body;

    if (ledger_hear_beat(letter->run, letter->node, body->ledger))
        set_link(letter, false); /* what was adopted was the other one's */
    /* It must adopt this term first. A refusal may have been about an older one that came late:
     * asked again. */
    if (!letter->node->is_adopted)
        send_adopt(letter);
    else
        answer_beat(letter);
}

static void hear_adopted(const struct letter *letter)
{
    const struct adopted *adopted = letter->body;

    text_keep(letter->node, &letter->node->refusal, adopted->is_refused ? adopted->detail : "");
    if (letter->term == letter->run->control->term)
        set_link(letter, !adopted->is_refused);
}

static void check_identity(const struct letter *letter)
{
    const struct control *control = letter->run->control;
    const char *instance = letter->node->report->database.instance;

    for (size_t i = 0; i < control->node_count && instance[0] != '\0'; i++) {
        const struct node *other = control->nodes[i];

        if (other == letter->node || other->report == NULL || other->link != LINK_ONLINE ||
            strcmp(other->report->database.instance, instance) != 0)
            continue;
        if (letter->node->quarantine != QUARANTINE_IDENTITY)
            node_quarantine(letter->run, letter->node, QUARANTINE_IDENTITY,
                            "another agent reports the same database instance");
        if (other->quarantine != QUARANTINE_IDENTITY)
            node_quarantine(letter->run, other, QUARANTINE_IDENTITY,
                            "another agent reports the same database instance");
    }
}

static void hear_report(const struct letter *letter)
{
    struct fact_reported *fact;

    if (letter->number < letter->node->said)
        return; /* something that it said later has come already */
    fact = run_body(letter->run, fact_row(FACT_REPORTED)->record);
    (void)text_copy(fact->name, NAME_SIZE, letter->node->identity.name);
    fact->report = *(const struct report *)letter->body;
    run_emit(letter->run, FACT_REPORTED, fact);
    if (letter->node->identity.kind == KIND_DATABASE)
        check_identity(letter);
    if (letter->node->identity.is_pooler)
        twin_heard(letter->run, letter->node);
    else if (letter->node->identity.kind == KIND_EDGE)
        colour_heard(letter->run, letter->node);
}

/* The step that an agent speaks of, if its words are about the present attempt, from who was
 * ordered. */
static struct step *find_step(const struct letter *letter, const struct order_id *id,
                              bool of_replica, struct work **ret_work)
{
    const struct control *control = letter->run->control;
    uint64_t repair = order_id_repair(id);
    uint64_t number = id->rollout == 0 ? id->step % ORDER_REPAIR_STEPS_MAX : id->step;
    struct work *work = control_work(control, repair);
    struct step *step;

    if (work == NULL || (id->rollout == 0) != (repair != 0) ||
        (repair == 0 && work->plan->rollout != id->rollout))
        return NULL;
    step = work_step(work, number);
    if (step == NULL || step->direction != id->direction || step->attempt != id->attempt ||
        (!of_replica && strcmp(step->node, letter->node->identity.name) != 0))
        return NULL;
    *ret_work = work;
    return step;
}

static void tell_step(const struct letter *letter, const struct order_id *id,
                      const struct step_event *event, bool of_replica)
{
    struct work *work = NULL;
    struct step *step = find_step(letter, id, of_replica, &work);

    if (step != NULL)
        (void)step_fire(letter->run, work, step, event, NULL);
}

static bool code_is_retryable(const char *name)
{
    enum error_code code;

    return error_code_from_name(name, &code) && error_code_is_retryable(code);
}

static void hear_accepted(const struct letter *letter)
{
    const struct accepted *accepted = letter->body;
    struct step_event event = {.type = accepted->is_accepted ? STEP_ACCEPTED : STEP_REFUSED_IT,
                               .code = accepted->code,
                               .detail = accepted->detail,
                               .is_retryable = code_is_retryable(accepted->code)};

    tell_step(letter, &accepted->id, &event, false);
}

static void hear_progress(const struct letter *letter)
{
    const struct progress *progress = letter->body;
    struct work *work = NULL;
    const struct step *step = find_step(letter, &progress->id, false, &work);
    struct fact_progress *fact;

    if (step == NULL)
        return;
    fact = run_body(letter->run, fact_row(FACT_PROGRESS)->record);
    fact->repair = work->repair;
    fact->step = step->plan->id;
    fact->done = progress->done;
    fact->total = progress->total;
    (void)text_copy(fact->text, sizeof(fact->text), progress->text);
    run_emit(letter->run, FACT_PROGRESS, fact);
}

/* In the journal before the step's end, which may close the rollout. */
static void note_rehearsal(const struct letter *letter, const struct task_outcome *outcome)
{
    struct work *work = NULL;
    const struct step *step = find_step(letter, &outcome->id, false, &work);
    struct fact_rehearsed fact = {.attempt = outcome->id.attempt,
                                  .rows = outcome->rehearsal,
                                  .row_count = outcome->rehearsal_count,
                                  .left_out = outcome->rehearsal_left_out};

    if (step == NULL || work->repair != 0 || step_task(step) != TASK_REHEARSE ||
        !step_is_open(step) || outcome->rehearsal_count == 0)
        return;
    fact.step = step->plan->id;
    (void)text_copy(fact.shard, NAME_SIZE, step->plan->shard);
    (void)text_copy(fact.node, NAME_SIZE, letter->node->identity.name);
    run_emit(letter->run, FACT_REHEARSED,
             record_clone(&fact_rehearsed_record, &fact, letter->run->decisions->memory));
}

static void hear_outcome(const struct letter *letter)
{
    static const enum step_event_type events[] = {
        [OUTCOME_NONE] = STEP_WAS_INTERRUPTED,        [OUTCOME_SUCCEEDED] = STEP_DONE,
        [OUTCOME_FAILED] = STEP_WENT_WRONG,           [OUTCOME_CANCELLED] = STEP_WAS_CANCELLED,
        [OUTCOME_INTERRUPTED] = STEP_WAS_INTERRUPTED, [OUTCOME_SUPERSEDED] = STEP_WAS_SUPERSEDED,
    };
    const struct task_outcome *outcome = letter->body;
    struct step_event event = {.type = events[outcome->outcome],
                               .code = outcome->code,
                               .detail = outcome->detail,
                               .is_retryable = outcome->is_retryable,
                               .is_kept = outcome->is_kept,
                               .position = outcome->position};
    struct order_ref *ref = run_body(letter->run, message_row(MESSAGE_SETTLED)->record);

    static_assert(ARRAY_LEN(events) == OUTCOME_COUNT_, "an outcome has no event");
    note_rehearsal(letter, outcome);
    tell_step(letter, &outcome->id, &event, false);
    ref->id = outcome->id; /* known or not, it need not be said again */
    run_send(letter->run, letter->node->identity.name, MESSAGE_SETTLED, ref);
}

/* The log row travels with the DDL: a database of the step's shard, on the newest timeline, has it
 * or has not. */
static bool may_have_the_row(const struct letter *letter, const struct step *step)
{
    const struct node *node = letter->node;

    return task_row(step_task(step))->on_primary && node->identity.kind == KIND_DATABASE &&
           node->quarantine != QUARANTINE_IDENTITY &&
           strcmp(node->identity.shard, step->plan->shard) == 0 && node_is_known(node) &&
           fleet_is_of_side(letter->run->control, node, step->plan->side) &&
           node->report->database.timeline ==
               fleet_timeline(letter->run->control, node->identity.shard, step->plan->side);
}

static void hear_finding(const struct letter *letter)
{
    static const enum step_event_type events[] = {
        [FINDING_NOTHING] = STEP_TICK,
        [FINDING_DID] = STEP_FOUND_DONE,
        [FINDING_DID_NOT] = STEP_WAS_INTERRUPTED, /* it did not, and will not */
        [FINDING_STILL_RUNNING] = STEP_FOUND_RUNNING,
        [FINDING_NEVER_HEARD] = STEP_FOUND_UNHEARD,
    };
    const struct finding_report *finding = letter->body;
    struct step_event event = {.type = events[finding->finding],
                               .code = "OK",
                               .detail = finding->detail,
                               .is_retryable = true};
    const struct control *control = letter->run->control;
    struct work *work = NULL;
    const struct step *step = find_step(letter, &finding->id, finding->of_replica, &work);
    const struct node *owner = step == NULL ? NULL : control_node(control, step->node);

    static_assert(ARRAY_LEN(events) == FINDING_COUNT_, "a finding has no event");
    if (step == NULL || finding->finding == FINDING_NOTHING)
        return;
    /* A replica that has the row proves it; one that has not proves nothing, and neither does one
     * of a timeline that was left.  While the primary's agent answers for itself, a replica need
     * not. */
    if (finding->of_replica &&
        (finding->finding != FINDING_DID || !may_have_the_row(letter, step) ||
         (owner != NULL && owner->link == LINK_ONLINE)))
        return;
    (void)step_fire(letter->run, work, work_step(work, step->plan->id), &event, NULL);
}

/* It is in the journal once; it is said until it is. */
static void hear_corrected(const struct letter *letter)
{
    const struct correction *correction = letter->body;
    struct order_ref *ref = run_body(letter->run, message_row(MESSAGE_SETTLED)->record);
    struct fact_corrected *fact;

    ref->id = correction->id;
    run_send(letter->run, letter->node->identity.name, MESSAGE_SETTLED, ref);
    if (correction->number <= letter->node->correction)
        return;
    fact = run_body(letter->run, fact_row(FACT_CORRECTED)->record);
    (void)text_copy(fact->name, NAME_SIZE, letter->node->identity.name);
    (void)text_copy(fact->target, NAME_SIZE, correction->target);
    (void)text_copy(fact->why, sizeof(fact->why), correction->detail);
    fact->number = correction->number;
    run_emit(letter->run, FACT_CORRECTED, fact);
}

/* Fetched pieces of bundles are the server's business: it has the files. */
static void hear_nothing(const struct letter *letter)
{
    (void)letter;
}

static void (*const ears[MESSAGE_COUNT])(const struct letter *letter) = {
    [MESSAGE_HELLO] = hear_hello,         [MESSAGE_BEAT] = hear_beat,
    [MESSAGE_REPORT] = hear_report,       [MESSAGE_ACCEPTED] = hear_accepted,
    [MESSAGE_PROGRESS] = hear_progress,   [MESSAGE_OUTCOME] = hear_outcome,
    [MESSAGE_FINDING] = hear_finding,     [MESSAGE_ADOPTED] = hear_adopted,
    [MESSAGE_CORRECTED] = hear_corrected, [MESSAGE_FETCH] = hear_nothing,
};

/* A new host counts anew: it says hello first. */
static void note_number(const struct letter *letter)
{
    if (letter->is_greeting || letter->number > letter->node->said)
        letter->node->said = letter->number;
}

void hear_message(struct run *run, const struct event *event)
{
    struct letter letter = {.run = run,
                            .node = control_node(run->control, event->node),
                            .body = event->message->body,
                            .term = event->message->term,
                            .number = event->message->id,
                            .is_greeting = event->message->type == MESSAGE_HELLO};

    if (letter.node == NULL || ears[event->message->type] == NULL)
        return; /* removed since, or not an agent's message: the wire refuses those */
    (void)node_fire(run, letter.node, NODE_HEARD, NULL);
    if (event->message->type != MESSAGE_BEAT)
        note_number(&letter);
    ears[event->message->type](&letter);
}
