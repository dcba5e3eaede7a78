#include "coordinator/core/ledger.h"

#include "coordinator/core/node.h"

#include <assert.h>
#include <string.h>

/* A beat of an agent that has ended may still be on its way, late; nobody beats for so long
 * afterwards. */
#define DOUBT_MS 5000

static const char sentence[] = "two agents with two ledgers use this node's key";

static void take(struct run *run, const struct node *node, const char *ledger)
{
    struct fact_ledger *fact = run_body(run, fact_row(FACT_LEDGER)->record);

    (void)text_copy(fact->name, NAME_SIZE, node->identity.name);
    (void)text_copy(fact->ledger, IDENTITY_SIZE, ledger);
    run_emit(run, FACT_LEDGER, fact);
}

static void note(struct run *run, const struct node *node, bool is_strangers)
{
    struct fact_ledger_heard *fact = run_body(run, fact_row(FACT_LEDGER_HEARD)->record);

    (void)text_copy(fact->name, NAME_SIZE, node->identity.name);
    fact->is_strangers = is_strangers;
    run_emit(run, FACT_LEDGER_HEARD, fact);
}

void ledger_hear_hello(struct run *run, const struct node *node, const char *ledger)
{
    assert(run != NULL && node != NULL && ledger != NULL);
    if (strcmp(node->ledger, ledger) == 0) {
        note(run, node, false);
        return;
    }
    if (node->ledger_before[0] != '\0' && strcmp(node->ledger_before, ledger) == 0)
        node_quarantine(run, node, QUARANTINE_IDENTITY, sentence);
    take(run, node, ledger);
}

bool ledger_hear_beat(struct run *run, const struct node *node, const char *ledger)
{
    uint64_t now_ms = run->control->now_ms;

    assert(node != NULL && ledger != NULL);
    if (ledger[0] == '\0')
        return false;
    note(run, node, strcmp(node->ledger, ledger) != 0);
    if (strcmp(node->ledger, ledger) == 0 || now_ms - node->stranger_since_ms < DOUBT_MS)
        return false;
    if (now_ms - node->ledger_heard_at_ms > SUSPECT_MS) {
        take(run, node, ledger);
        return true;
    }
    if (node->quarantine != QUARANTINE_IDENTITY)
        node_quarantine(run, node, QUARANTINE_IDENTITY, sentence);
    return false;
}

bool ledger_is_doubted(const struct control *control, const struct node *node)
{
    assert(control != NULL && node != NULL);
    assert(node->stranger_at_ms <= control->now_ms);
    return node->stranger_at_ms != 0 && control->now_ms - node->stranger_at_ms <= SUSPECT_MS;
}
