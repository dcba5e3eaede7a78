/* programs.h: PostgreSQL's own programs, where an agent's configuration says that they are. */
#ifndef AGENT_PROGRAMS_H
#define AGENT_PROGRAMS_H

#include "agent/config.h"
#include "common/postgres/programs.h"

/* The folder that has all of them (names, NULL at the end), of that major version.  A talloc child
 * of parent, or the configuration's. */
enum error_code programs_find(const struct agent_config *config, uint64_t version,
                              const char *const *names, const void *parent, const char **ret,
                              struct error *err);

#endif
