/* loop.h: the agent's one loop: the line to the coordinator, the ledger, the children. */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H

#include "agent/config.h"

/* Runs until agent_stop(). An error means that the ledger could not be written, or that nothing
 * could be begun: the process must end at once. */
enum error_code agent_run(const struct agent_config *config, struct error *err);

/* From a signal handler. */
void agent_stop(void);

/* `hakem-agent adopt-journal`: another journal is obeyed from now on. */
enum error_code agent_adopt_journal(const struct agent_config *config, const char *journal,
                                    struct error *err);

#endif
