/* hear.h: what agents say, as facts and as events of the machines. */
#ifndef COORDINATOR_CORE_HEAR_H
#define COORDINATOR_CORE_HEAR_H

#include "coordinator/core/run.h"

/* event->message came from the agent of event->node. */
void hear_message(struct run *run, const struct event *event);

#endif
