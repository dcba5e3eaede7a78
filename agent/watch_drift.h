/* watch_drift.h: what of a database's schema is not as the last run or step left it. */
#ifndef AGENT_WATCH_DRIFT_H
#define AGENT_WATCH_DRIFT_H

#include "common/postgres/session.h"
#include "proto/report.h"

struct drift_watch;

struct drift_watch *drift_watch_new(const void *parent);

/* Looks anew only where the schema, or what is known of it, has changed since; what cannot be had
 * just now stays as it was. */
void drift_watch_look(struct drift_watch *watch, struct session *session, const char *signature,
                      struct database_report *ret);

#endif
