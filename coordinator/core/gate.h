/* gate.h: looks at reports on behalf of a gate step, and says pass, fail, error or inconclusive. */
#ifndef COORDINATOR_CORE_GATE_H
#define COORDINATOR_CORE_GATE_H

#include "coordinator/core/run.h"

/* The node's reports are evidence for this gate: it is to be watched. */
bool gate_concerns(const struct control *control, const struct step *step, const struct node *node);

/* If there is new evidence, or it has become too old, takes a sample. */
/* At this moment, by what was reported last: what passed a beat ago may be stale by now. */
bool gate_holds(const struct control *control, const struct step *step);

void gate_sample(struct run *run, const struct work *work, const struct step *step);

#endif
