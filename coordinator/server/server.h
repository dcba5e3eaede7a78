/* server.h: the coordinator's process: journal, ports, core, and the one loop around them. */
#ifndef COORDINATOR_SERVER_SERVER_H
#define COORDINATOR_SERVER_SERVER_H

#include "common/base/error.h"
#include "coordinator/server/config.h"

struct server;

/* Folds the journal, begins a new term, binds the ports and tests that strangers are turned away.
 */
enum error_code server_open(const struct server_config *config, struct server **ret,
                            struct error *err);
void server_close(struct server *server); /* NULL is fine */

/* Serves until server_stop(). An error means that the journal could not be written: the process
 * must end at once. */
enum error_code server_run(struct server *server, struct error *err);

/* From a signal handler: ends the loop after the present batch; or has the migrations folder read.
 */
void server_stop(void);
void server_reload(void);

const char *server_agents_endpoint(const struct server *server);
const char *server_operators_endpoint(const struct server *server);

#endif
