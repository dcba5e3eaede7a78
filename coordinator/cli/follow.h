/* follow.h: watching a rollout until it closes or waits for a person. */
#ifndef COORDINATOR_CLI_FOLLOW_H
#define COORDINATOR_CLI_FOLLOW_H

#include "coordinator/cli/connection.h"

/* How a reverted rollout is to be judged. */
enum follow_wish { FOLLOW_FORWARD, FOLLOW_BACK, FOLLOW_ONLY };

/* Returns what the command is to end with: OK, ROLLED_BACK, STUCK … Ctrl-C stops following only:
 * OK. */
enum error_code follow_rollout(struct cli *cli, struct connection *connection, uint64_t rollout,
                               enum follow_wish wish, struct error *err);

#endif
