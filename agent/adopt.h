/* adopt.h: another coordinator's journal is obeyed from now on: the database's part of it. */
#ifndef AGENT_ADOPT_H
#define AGENT_ADOPT_H

#include "agent/config.h"

/* Tells a primary's term row; a replica has it by replication, a database that Hakem never touched
 * needs nothing.  ERROR_CONNECTION, ERROR_SQL. */
enum error_code adopt_in_database(const struct agent_config *config, const char *journal,
                                  struct error *err);

#endif
