/* generate.c: docs/lint-rules.md, docs/protocol.md and docs/state-machines.md, from the tables that
 * the programs run by.
 *
 *     hakem-docs lint-rules|protocol|state-machines > FILE
 */
#include "agent/core/session.h"
#include "common/lint/rules.h"
#include "coordinator/core/machines.h"
#include "proto/fact.h"
#include "proto/message.h"
#include "proto/scan.h"

#include <stdio.h>
#include <string.h>

static const char *kind_name(enum field_kind kind)
{
    static const char *const names[] = {
        [FIELD_BOOL] = "bool",    [FIELD_NUMBER] = "number",
        [FIELD_ENUM] = "one of",  [FIELD_TEXT] = "text",
        [FIELD_STRING] = "text",  [FIELD_RECORD] = "record",
        [FIELD_LIST] = "list of", [FIELD_NUMBERS] = "list of numbers",
        [FIELD_BYTES] = "bytes",
    };

    return names[kind];
}

static void print_limit(const struct field *field)
{
    if (field->kind == FIELD_TEXT)
        (void)printf("%zu bytes", field->max - 1);
    else if (field->kind == FIELD_ENUM)
        for (size_t i = 0; i < field->names->count; i++)
            (void)printf("%s%s", i == 0 ? "" : ", ", field->names->names[i]);
    else if (field->max > 0)
        (void)printf("%zu", field->max);
}

static void print_record(const struct record *record)
{
    (void)printf("| field | kind | limit | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];

        (void)printf("| `%s` | %s%s%s | ", field->name, kind_name(field->kind),
                     field->record != NULL ? " " : "",
                     field->record != NULL ? field->record->name : "");
        print_limit(field);
        (void)printf(" | %s |\n", field->doc);
    }
    (void)printf("\n");
}

#define RECORDS_MAX 64

struct records {
    const struct record *items[RECORDS_MAX];
    size_t count;
};

/* Records within records, each once, after those that name them. */
static void collect(struct records *records, const struct record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct record *inner = record->fields[i].record;
        bool is_known = inner == NULL;

        for (size_t r = 0; r < records->count; r++)
            is_known |= records->items[r] == inner;
        if (is_known || records->count == RECORDS_MAX)
            continue;
        records->items[records->count++] = inner;
        collect(records, inner);
    }
}

static void print_messages(struct records *records)
{
    (void)printf("## Messages\n\n");
    for (int i = 0; i < MESSAGE_COUNT; i++) {
        const struct message_row *row = message_row((enum message_type)i);

        (void)printf("### %d `%s`, said by the %s\n\n%s.\n\n", i, row->name,
                     field_name_of(&role_names, row->role), row->doc);
        print_record(row->record);
        collect(records, row->record);
    }
}

static void print_facts(struct records *records)
{
    (void)printf("## Facts\n\nA fact in the journal is `[name, at_ms, body]`.\n\n");
    for (int i = 0; i < FACT_COUNT; i++) {
        const struct fact_row *row = fact_row((enum fact_type)i);

        (void)printf("### `%s`%s\n\n%s.\n\n", row->name, row->is_durable ? "" : " (in memory only)",
                     row->doc);
        print_record(row->record);
        collect(records, row->record);
    }
}

static void print_protocol(void)
{
    struct records records = {.count = 0};

    (void)printf(
        "# Protocol\n\nGenerated from the tables in `proto/`; do not edit.\n\n"
        "A message is the msgpack array `[%d, type, id, term, body]`; body is a map by field "
        "name, in which defaults are left out and unknown keys are passed over. At most %d "
        "bytes, %d levels, %d keys a map; no extension types, no duplicate keys, nothing "
        "behind it. Times are durations in milliseconds.\n\n",
        MESSAGE_VERSION, MESSAGE_BYTES_MAX, SCAN_DEPTH_MAX, SCAN_KEYS_MAX);
    print_messages(&records);
    print_facts(&records);
    (void)printf("## Records\n\n");
    for (size_t i = 0; i < records.count; i++) {
        (void)printf("### `%s`\n\n%s.\n\n", records.items[i]->name, records.items[i]->doc);
        print_record(records.items[i]);
    }
}

static void print_from(const struct machine *machine, uint32_t from)
{
    bool is_first = true;

    if (from == machine->all_states) {
        (void)printf("any");
        return;
    }
    for (size_t i = 0; i < machine->state_count; i++) {
        if ((from & (UINT32_C(1) << i)) == 0)
            continue;
        (void)printf("%s%s", is_first ? "" : ", ", machine->state_name(i));
        is_first = false;
    }
}

static void print_machine(const struct machine *machine)
{
    (void)printf(
        "## The %s machine\n\n| id | event | in | if | to | why |\n|---|---|---|---|---|---|\n",
        machine->name);
    for (size_t i = 0; i < machine->rule_count; i++) {
        struct machine_rule rule = machine->rule(i);

        (void)printf("| %u | %s | ", (unsigned)rule.id, machine->event_name(rule.event));
        print_from(machine, rule.from);
        (void)printf(" | %s | %s | %s |\n", rule.is_guarded ? "guarded" : "", rule.to, rule.why);
    }
    (void)printf("\n");
}

static void print_session(void)
{
    static const char *const states[] = {"none", "running", "looking", "ended", "tombstone"};
    size_t count;
    const struct session_rule *rules = agent_session_rules(&count);

    (void)printf("## The agent's session machine\n\nOf each order in an agent's ledger.\n\n"
                 "| id | event | in | if | why |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        (void)printf("| %u | %s |", rules[i].id, agent_session_event_name(rules[i].event));
        for (size_t s = 0; s < ENTRY_STATE_COUNT; s++)
            if ((rules[i].from & (UINT32_C(1) << s)) != 0)
                (void)printf(" %s", states[s]);
        (void)printf(" | %s | %s |\n", rules[i].guard != NULL ? "guarded" : "", rules[i].why);
    }
}

static void print_machines(void)
{
    size_t count;
    const struct machine *machines = machine_list(&count);

    (void)printf(
        "# State machines\n\nGenerated from the tables that run them; do not edit. `hakem fsm` "
        "prints the same, `hakem fsm mermaid` draws them. The first row whose state, event "
        "and guard match is the one that fires; its id stands in the journal and the "
        "log.\n\n");
    for (size_t i = 0; i < count; i++)
        print_machine(&machines[i]);
    print_session();
}

static void print_rule(const struct rule_row *row)
{
    (void)printf("### `%s` (%s)\n\n%s%s%s\n\nSaid as: %s.\n\n```sql\n%s\n```\n\n", row->name,
                 rule_severity_name(row->severity), row->why,
                 row->breaks ? " It breaks the release before." : "",
                 row->loses ? " It loses what was stored." : "", row->what, row->instead);
}

static void print_rules(void)
{
    (void)printf(
        "# Lint rules\n\nGenerated from the table in `common/lint/rules.c`; do not edit. "
        "`hakem migration lint` says for each statement which of them it breaks, and what to "
        "write instead, with the statement's own names for what stands in braces here.\n\n"
        "An error makes it exit with 5. With a database at hand (`--database`, `DATABASE_URL`), "
        "what only costs time is a note where the table is small. Tables that no release uses yet "
        "(`releases.yaml`, or `--from REVISION`) are not spoken of. In `contract.sql` and "
        "`revert.sql` nothing is said of what breaks a release. `-- hakem:allow RULE reason` "
        "before "
        "a statement silences a rule for it; before the first statement, with an empty line behind "
        "it, for the file.\n\n");
    for (size_t i = 0; i < RULE_COUNT; i++)
        print_rule(rule_row((enum rule_id)i));
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "lint-rules") == 0)
        print_rules();
    else if (argc == 2 && strcmp(argv[1], "protocol") == 0)
        print_protocol();
    else if (argc == 2 && strcmp(argv[1], "state-machines") == 0)
        print_machines();
    else
        return 2;
    return 0;
}
