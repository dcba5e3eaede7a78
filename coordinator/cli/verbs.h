/* verbs.h: the verbs' functions and flags, by noun; the table itself is in verbs.c. */
#ifndef COORDINATOR_CLI_VERBS_H
#define COORDINATOR_CLI_VERBS_H

#include "coordinator/cli/cli.h"

/* migration.c, migration_up.c: on a folder, and on a database alone */
extern const struct cli_flag migration_folder_flags[];
extern const struct cli_flag migration_status_flags[];
extern const struct cli_flag migration_up_flags[];
extern const struct cli_flag migration_down_flags[];
enum error_code migration_new(struct cli *cli, struct error *err);
enum error_code migration_list(struct cli *cli, struct error *err);
enum error_code migration_show(struct cli *cli, struct error *err);
enum error_code migration_status(struct cli *cli, struct error *err);
enum error_code migration_up(struct cli *cli, struct error *err);
enum error_code migration_down(struct cli *cli, struct error *err);
enum error_code migration_verify(struct cli *cli, struct error *err);

/* history.c */
extern const struct cli_flag history_flags[];
enum error_code history_show(struct cli *cli, struct error *err);

#endif
