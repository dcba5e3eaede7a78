/* look.h: what a database's watcher says of it and the other one of its pair, once a beat. */
#ifndef AGENT_TWIN_LOOK_H
#define AGENT_TWIN_LOOK_H

#include "agent/config.h"
#include "common/postgres/session.h"

/* Keeps what earlier beats saw, and the connection for heartbeats. A talloc child of parent. */
struct twin_watch;
struct twin_watch *twin_watch_new(const void *parent, const struct agent_config *config);

/* Never waits for the other one. What cannot be looked at is UNKNOWN, with the reason as fault. */
void twin_watch_look(struct twin_watch *watch, struct session *session, const void *parent,
                     struct twin_report *ret);

#endif
