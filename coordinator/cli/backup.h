/* backup.h: what other verbs need of `hakem backup`. */
#ifndef COORDINATOR_CLI_BACKUP_H
#define COORDINATOR_CLI_BACKUP_H

#include "common/postgres/session.h"
#include "coordinator/cli/cli.h"

#define BACKUPS_FOLDER_DEFAULT "backups"
#define BACKUP_PLACE_FLAGS                                                                         \
    {.name = "--backups",                                                                          \
     .value = "FOLDER",                                                                            \
     .environment = "HAKEM_BACKUPS",                                                               \
     .doc = "default: ./" BACKUPS_FOLDER_DEFAULT},                                                 \
    {                                                                                              \
        .name = "--key", .value = "FILE", .environment = "HAKEM_BACKUP_KEY",                       \
        .doc = "encrypts and decrypts; made by `hakem key backup FILE`"                            \
    }

/* A backup of the whole database in the verb's folder, with its key: the verb has
 * BACKUP_PLACE_FLAGS. */
enum error_code backup_before_change(struct cli *cli, const struct session_options *database,
                                     struct error *err);

#endif
