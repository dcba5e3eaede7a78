#include "support/agent.h"

#include "common/base/memory.h"
#include "common/base/text.h"

const char agent_journal[] = "00112233445566778899aabbccddeeff";

struct agent agent;

void agent_set_up(enum node_kind kind)
{
    struct welcome welcome = {.kind = kind};
    struct adopt adopt = {.open_count = 0};

    agent.session = agent_session_new(NULL);
    agent.session->kind = kind;
    agent.effects = session_effects_new(agent.session);
    agent.now_ms = 1000;
    (void)text_copy(adopt.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_WELCOME, &welcome);
    agent_hear(MESSAGE_ADOPT, &adopt);
}

void agent_tear_down(void)
{
    talloc_free(agent.session);
}

void agent_happens(struct session_event event)
{
    event.at_ms = agent.now_ms;
    session_effects_clear(agent.effects);
    agent_session_handle(agent.session, &event, agent.effects);
}

void agent_hear(enum message_type type, void *body)
{
    struct message message = {.type = type, .term = AGENT_TERM, .body = body};

    agent_happens((struct session_event){.type = SESSION_MESSAGE, .message = &message});
}

struct order_id agent_order_id(uint64_t step)
{
    return (struct order_id){.rollout = AGENT_ROLLOUT, .step = step, .attempt = 1};
}

void agent_order(uint64_t step, enum task task, const struct task_arguments *arguments)
{
    struct order order = {.id = agent_order_id(step), .task = task, .arguments = *arguments};

    (void)text_copy(order.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_ORDER, &order);
}

void agent_end(enum session_event_type type, uint64_t step, enum outcome how)
{
    struct order_id id = agent_order_id(step);
    struct task_outcome outcome = {.id = id, .outcome = how};

    agent_happens((struct session_event){.type = type, .id = &id, .outcome = &outcome});
}

const struct session_effect *agent_effect(enum session_effect_type type)
{
    for (size_t i = 0; i < agent.effects->count; i++)
        if (agent.effects->items[i].type == type)
            return &agent.effects->items[i];
    return NULL;
}
