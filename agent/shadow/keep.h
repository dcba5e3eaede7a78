/* keep.h: what rehearsals measured, beside the ledger: the rows of an outcome, which travel with it
 * as often as it is said.
 */
#ifndef AGENT_SHADOW_KEEP_H
#define AGENT_SHADOW_KEEP_H

#include "agent/config.h"
#include "proto/message.h"

#define KEEP_FILES_MAX 32 /* the oldest make room */

/* The outcome's rows, durable. */
enum error_code keep_rehearsal(const struct agent_config *config,
                               const struct task_outcome *outcome, struct error *err);

/* Adds the rows to an outcome that lost them on its way through the ledger; they are talloc
 * children of parent. None there: it stays as it is. */
void keep_attach(const struct agent_config *config, const void *parent,
                 struct task_outcome *outcome);

#endif
