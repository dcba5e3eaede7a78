/* migration_new.h: the folder of a new revision. */
#ifndef COORDINATOR_CLI_MIGRATION_NEW_H
#define COORDINATOR_CLI_MIGRATION_NEW_H

#include "common/base/file.h"
#include "coordinator/cli/cli.h"

/* Numbered behind all others and called as the verb's argument says, with that migration.yaml. */
enum error_code migration_new_folder(struct cli *cli, const char *yaml,
                                     char ret_path[static FILE_PATH_MAX], struct error *err);

#endif
