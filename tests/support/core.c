#include "support/core.h"

#include "common/base/memory.h"
#include "coordinator/core/step.h"

struct core core;

/* The list goes with the decisions. */
static void note_games(const struct order *order)
{
    struct text *text = text_new(NULL, sizeof(core.games) - 1);

    for (size_t i = 0; i < order->arguments.game_count; i++)
        text_append_format(text, "%s ", order->arguments.games[i].name);
    if (text->size > 0)
        (void)text_copy(core.games, sizeof(core.games), text->data);
    talloc_free(text);
}

static void take_decisions(void)
{
    for (size_t i = 0; i < core.decisions->effect_count; i++) {
        const struct effect *effect = &core.decisions->effects[i];

        if (effect->type == EFFECT_SEND && effect->message == MESSAGE_ORDER) {
            note_games(effect->body);
            cast_note_order(&core.cast, effect->node, effect->body);
        }
        if (effect->type == EFFECT_SEND && effect->message == MESSAGE_WATCH &&
            strcmp(effect->node, core.heard_by) == 0)
            core.word = *(const struct watch *)effect->body;
        if (effect->type == EFFECT_REPLY) {
            core.code = effect->code;
            (void)text_copy(core.reply, sizeof(core.reply), effect->text);
        }
        if (effect->type == EFFECT_RING) {
            core.rings++;
            (void)text_copy(core.ring, sizeof(core.ring), effect->text);
        }
    }
    decisions_clear(core.decisions);
}

static void handle(struct event *event)
{
    event->at_ms = core.now_ms;
    control_handle(core.control, event, core.decisions);
    take_decisions();
}

void settle(void)
{
    control_settle(core.control, core.now_ms, core.decisions);
    take_decisions();
}

void say_as(const char *node, enum message_type type, void *body)
{
    struct message message = {.type = type, .term = core.control->term, .body = body};

    handle(&(struct event){.type = EVENT_MESSAGE, .node = node, .message = &message});
}

void say(size_t node, enum message_type type, void *body)
{
    say_as(core.cast.nodes[node].name, type, body);
}

void wish(const char *verb, struct request request)
{
    (void)text_copy(request.verb, NAME_SIZE, verb);
    handle(&(struct event){
        .type = EVENT_REQUEST, .operator_name = "anna", .request_id = 1, .request = &request});
    settle();
}

void say_verb(const char *verb)
{
    wish(verb, (struct request){.step = 0});
}

void report_as(const char *node, struct report *report)
{
    struct adopted adopted = {.is_refused = false};

    (void)text_copy(adopted.ledger, IDENTITY_SIZE, node);
    say_as(node, MESSAGE_ADOPTED, &adopted);
    say_as(node, MESSAGE_REPORT, report);
}

void report_one(size_t node)
{
    struct report report;

    cast_fill_report(&core.cast, node, core.memory, &report);
    report_as(core.cast.nodes[node].name, &report);
}

void beat(void)
{
    core.now_ms += BEAT_MS;
    for (size_t i = 0; i < CAST_NODES; i++)
        if (!core.cast.nodes[i].is_silent)
            report_one(i);
    settle();
}

void beats(int count)
{
    for (int i = 0; i < count; i++)
        beat();
}

void restart_after(uint64_t ms)
{
    uint64_t from = core.now_ms;

    core.now_ms += ms;
    handle(&(struct event){.type = EVENT_STARTED, .journal = "j", .outage_from_ms = from});
}

void end_order(size_t at, enum outcome how, bool is_retryable)
{
    struct order order = core.cast.orders[at];
    char doer[NAME_SIZE];
    struct accepted accepted = {.id = order.id, .is_accepted = true};
    struct task_outcome outcome = {.id = order.id,
                                   .outcome = how,
                                   .code = "LOCK",
                                   .is_retryable = is_retryable,
                                   .position = core.cast.position};

    (void)text_copy(doer, sizeof(doer), core.cast.ordered[at]);
    say_as(doer, MESSAGE_ACCEPTED, &accepted);
    if (how == OUTCOME_SUCCEEDED)
        cast_perform(&core.cast, doer, &order);
    cast_drop_order(&core.cast, at);
    say_as(doer, MESSAGE_OUTCOME, &outcome);
    settle();
}

void end_all_orders(void)
{
    while (core.cast.order_count > 0)
        end_order(0, OUTCOME_SUCCEEDED, false);
}

bool go_on_until(enum task task)
{
    for (int i = 0; i < 300; i++) {
        for (size_t at = 0; at < core.cast.order_count; at++)
            if (core.cast.orders[at].task == task)
                return true;
        while (core.cast.order_count > 0 && core.cast.orders[0].task != task)
            end_order(0, OUTCOME_SUCCEEDED, false);
        beat();
    }
    return false;
}

const struct step *step_of(enum stage of, const char *target)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == of &&
            (target == NULL || strcmp(work->steps[i].plan->target, target) == 0))
            return &work->steps[i];
    ck_abort_msg("no such step");
    return NULL;
}

bool waits_for(const struct step *later, const struct step *earlier)
{
    const struct work *work = &core.control->open->work;

    if (later == earlier)
        return true;
    for (size_t i = 0; i < later->plan->need_count; i++)
        if (waits_for(&work->steps[later->plan->needs[i] - 1], earlier))
            return true;
    return false;
}

void read_catalog(const struct catalog *catalog)
{
    handle(&(struct event){.type = EVENT_CATALOG, .catalog = catalog});
    settle();
}

void core_set_up(void)
{
    struct catalog catalog;

    core.memory = talloc_new(NULL);
    core.control = control_new(core.memory);
    core.decisions = decisions_new(core.memory);
    core.now_ms = 1000000;
    core.rings = 0;
    cast_set(&core.cast);
    cast_fill_catalog(&catalog, core.memory, false);
    handle(&(struct event){.type = EVENT_STARTED, .journal = "j", .outage_from_ms = core.now_ms});
    read_catalog(&catalog);
    for (size_t i = 0; i < CAST_NODES; i++) {
        struct request request = {.verb = ""};

        cast_fill_node(&core.cast, i, &request);
        wish("accept", request);
    }
    for (int i = 0; i < 15; i++) {
        beat();
        end_all_orders(); /* the edges are told whom they let in */
    }
}

void core_tear_down(void)
{
    talloc_free(core.memory);
}

struct request to_new(void)
{
    return (struct request){.release = "new", .options = {.soak_ms = 2000, .steady_ms = 1000}};
}

void start(struct request request)
{
    wish("plan", request);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    say_verb("start");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
}

void have_twins(void)
{
    core.cast.has_twin = true;
    for (size_t i = DB1; i <= DB2; i++) {
        struct request request = {.verb = ""};

        core.cast.nodes[i].colour = i == DB1 ? "blue" : "green";
        cast_fill_node(&core.cast, i, &request);
        wish("accept", request);
        ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    }
    beats(3);
}

void plan(struct request request)
{
    wish("plan", request);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
}

void assert_no_plan(struct request request, enum error_code code, const char *part)
{
    wish("plan", request);
    ck_assert_msg(core.code == code, "%d: %s", core.code, core.reply);
    ck_assert_msg(strstr(core.reply, part) != NULL, "\"%s\" is not in: %s", part, core.reply);
    ck_assert_ptr_null(core.control->open);
}

void read_catalog_without_contracts(bool is_longer)
{
    struct catalog catalog;

    cast_fill_catalog(&catalog, core.memory, is_longer);
    for (size_t i = 0; i < catalog.revision_count; i++)
        catalog.revisions[i].has_contract = catalog.revisions[i].has_contract_verify = false;
    read_catalog(&catalog);
}
