/* programs.h: PostgreSQL's own programs, run against a database that a session is open to. */
#ifndef AGENT_PROGRAMS_H
#define AGENT_PROGRAMS_H

#include "agent/config.h"
#include "common/postgres/session.h"

#define PROGRAMS_ENVIRONMENT_MAX 64

/* The folder that has all of them (names, NULL at the end), of that major version.  A talloc child
 * of parent, or the configuration's. */
enum error_code programs_find(const struct agent_config *config, uint64_t version,
                              const char *const *names, const void *parent, const char **ret,
                              struct error *err);

/* How to connect, as NAME=VALUE for libpq's programs: a password on a command line could be read by
 * everybody. NULL at the end. */
void programs_environment(struct session *session, const char *application_name, const void *parent,
                          const char *ret[static PROGRAMS_ENVIRONMENT_MAX]);

#endif
