/* fsm.c: hakem fsm: the state machines, as the tables that run them. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/verbs.h"
#include "coordinator/core/machines.h"

#include <string.h>

#define FROM_TEXT_MAX     512
#define DRAWING_BYTES_MAX 65536

static void list_states(const struct machine *machine, uint32_t from, char *ret, size_t size)
{
    size_t used = 0;

    ret[0] = '\0';
    if (from == machine->all_states) {
        (void)text_copy(ret, size, "any");
        return;
    }
    for (size_t i = 0; i < machine->state_count; i++) {
        if ((from & (UINT32_C(1) << i)) == 0)
            continue;
        (void)text_format(ret + used, size - used, "%s%s", used == 0 ? "" : " ",
                          machine->state_name(i));
        used = strlen(ret);
    }
}

static json_t *describe(const struct machine *machine, size_t at)
{
    struct machine_rule rule = machine->rule(at);
    char from[FROM_TEXT_MAX];

    list_states(machine, rule.from, from, sizeof(from));
    return json_pack("{s:i, s:s, s:s, s:b, s:s, s:s}", "id", (int)rule.id, "from", from, "event",
                     machine->event_name(rule.event), "guarded", rule.is_guarded, "to", rule.to,
                     "why", rule.why);
}

enum error_code fsm_print(struct cli *cli, struct error *err)
{
    size_t count;
    const struct machine *machines = machine_list(&count);

    (void)err;
    for (size_t m = 0; m < count; m++) {
        json_t *rules = json_array();

        cli_say(cli, "%s", machines[m].name);
        for (size_t i = 0; i < machines[m].rule_count; i++) {
            json_t *rule = describe(&machines[m], i);

            cli_say(cli, "  %lld  %-14s %s%s -> %s: %s",
                    (long long)json_integer_value(json_object_get(rule, "id")),
                    json_string_value(json_object_get(rule, "event")),
                    json_string_value(json_object_get(rule, "from")),
                    json_is_true(json_object_get(rule, "guarded")) ? " [if]" : "",
                    json_string_value(json_object_get(rule, "to")),
                    json_string_value(json_object_get(rule, "why")));
            (void)json_array_append_new(rules, rule);
        }
        cli_answer(cli, machines[m].name, rules);
    }
    return ERROR_OK;
}

enum error_code fsm_check(struct cli *cli, struct error *err)
{
    size_t count;
    const struct machine *machines = machine_list(&count);
    char fault[256];

    for (size_t m = 0; m < count; m++)
        if (machine_fault(&machines[m], fault, sizeof(fault)))
            return error_set(err, ERROR_CORRUPT, "%s: %s", machines[m].name, fault);
    cli_say(cli, "%zu machines: every event has an answer in every state, no row is dead, ids rise",
            count);
    cli_answer(cli, "machines", json_integer((json_int_t)count));
    return ERROR_OK;
}

static void draw(struct text *out, const struct machine *machine)
{
    text_append_format(out, "%%%% %s\nstateDiagram-v2", machine->name);
    for (size_t i = 0; i < machine->rule_count; i++) {
        struct machine_rule rule = machine->rule(i);

        for (size_t s = 0; s < machine->state_count; s++)
            if ((rule.from & (UINT32_C(1) << s)) != 0 && rule.moves &&
                rule.from != machine->all_states)
                text_append_format(out, "\n    %s --> %s: %u %s", machine->state_name(s), rule.to,
                                   (unsigned)rule.id, machine->event_name(rule.event));
    }
}

enum error_code fsm_mermaid(struct cli *cli, struct error *err)
{
    size_t count;
    const struct machine *machines = machine_list(&count);

    (void)err;
    for (size_t m = 0; m < count; m++) {
        struct text *out = text_new(NULL, DRAWING_BYTES_MAX);

        draw(out, &machines[m]);
        cli_say(cli, "%s", out->data);
        cli_answer(cli, machines[m].name, json_string(out->data));
        talloc_free(out);
    }
    return ERROR_OK;
}
