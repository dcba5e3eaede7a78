/* watch.h: the child that looks at the node once a beat, so that the agent's own loop never waits
 * for a database, a server or an edge.
 */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "agent/channel.h"
#include "agent/config.h"

#define WATCH_BEAT_MS 1000

/* Sends a report up the channel once a beat, until the agent is gone. */
void watch_run(const struct agent_config *config, struct channel *channel, const char *node);

/* What the game server says it runs. False (and "" in ret) if it does not say. */
bool watch_release(const struct agent_config *config, char ret[static NAME_SIZE]);

/* watch_database.c: keeps a session between beats. */
struct database_watch;
struct database_watch *database_watch_new(const struct agent_config *config);
/* False, with the sentence in ret->fault, if the database does not answer. */
bool database_watch_look(struct database_watch *watch, const void *parent, struct report *ret);

#endif
