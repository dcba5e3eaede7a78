/* policy.h: what is asked of a change of a database where it matters: a rehearsal, a backup. */
#ifndef COORDINATOR_CLI_POLICY_H
#define COORDINATOR_CLI_POLICY_H

#include "coordinator/cli/cli.h"
#include "proto/plan.h"

#define POLICY_FLAGS                                                                               \
    {.name = "--backup", .doc = "back every database up that is changed, before that"},            \
        {.name = "--no-backup", .value = "REASON", .doc = "in production, without a backup"},      \
        {.name = "--backups-policy",                                                               \
         .value = "true|false",                                                                    \
         .environment = "ENABLE_MIGRATION_BACKUPS",                                                \
         .doc = "whether backups are made when neither flag is given"},                            \
    {                                                                                              \
        .name = "--environment", .value = "NAME", .environment = "MIGRATION_ENV",                  \
        .doc = "development, staging or production: that asks for a rehearsal of rollouts, and "   \
               "for backups"                                                                       \
    }

enum error_code policy_read_environment(const struct cli *cli, bool *ret_in_production,
                                        struct error *err);
/* Into backup and no_backup: what a flag says, else what the variable does. */
enum error_code policy_read_backups(const struct cli *cli, struct rollout_options *options,
                                    struct error *err);

#endif
