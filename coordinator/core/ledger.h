/* ledger.h: whose words a node's are: one agent has its key, and a second one with the same key is
 * told from it by its ledger.
 */
#ifndef COORDINATOR_CORE_LEDGER_H
#define COORDINATOR_CORE_LEDGER_H

#include "coordinator/core/run.h"

/* A hello names the ledger from now on: a new host, a new disk. The one before the last is no move.
 */
void ledger_hear_hello(struct run *run, const struct node *node, const char *ledger);

/* A beat of another ledger than that: two agents, if both go on speaking; "" (an older agent's)
 * says nothing. True: the other one is silent, and the node is this agent's from now on. */
bool ledger_hear_beat(struct run *run, const struct node *node, const char *ledger);

/* Both have spoken just now. */
bool ledger_is_doubted(const struct control *control, const struct node *node);

#endif
