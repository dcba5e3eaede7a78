/* watch_backup.h: the newest backup from before a rollout, and what was written since. */
#ifndef AGENT_WATCH_BACKUP_H
#define AGENT_WATCH_BACKUP_H

#include "agent/config.h"
#include "common/postgres/session.h"

struct backup_watch;

/* A talloc child of parent. */
struct backup_watch *backup_watch_new(const void *parent, const struct agent_config *config);

/* Looks now and then, and says in between what it saw last. */
void backup_watch_look(struct backup_watch *watch, struct session *session,
                       struct backup_report *ret);

#endif
