/* migration_repeatable.h: the repeatables of a folder, as a database has them. */
#ifndef COORDINATOR_CLI_MIGRATION_REPEATABLE_H
#define COORDINATOR_CLI_MIGRATION_REPEATABLE_H

#include "coordinator/cli/database.h"

/* Says and answers them ("repeatables"): all, or those that are to be applied; *ret_count of them.
 */
enum error_code migration_show_repeatables(struct cli *cli, const struct database *db,
                                           bool is_pending_only, size_t *ret_count,
                                           struct error *err);

#endif
