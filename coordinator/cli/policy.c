#include "coordinator/cli/policy.h"

#include "common/base/text.h"

#include <string.h>

enum error_code policy_read_environment(const struct cli *cli, bool *ret_in_production,
                                        struct error *err)
{
    const char *name = cli_flag(cli, "--environment");

    if (name == NULL || strcmp(name, "development") == 0 || strcmp(name, "staging") == 0)
        return ERROR_OK;
    *ret_in_production = strcmp(name, "production") == 0;
    return *ret_in_production
               ? ERROR_OK
               : error_set(err, ERROR_USAGE,
                           "--environment (MIGRATION_ENV) is development, staging or production, "
                           "not \"%.64s\"",
                           name);
}

/* What the game's operators have set already, in the words that they use. */
static enum error_code read_variable(const struct cli *cli, struct rollout_options *options,
                                     struct error *err)
{
    static const char *const yes[] = {"true", "1", "yes", "on"};
    static const char *const no[] = {"false", "0", "no", "off"};
    const char *policy = cli_flag(cli, "--backups-policy");

    for (size_t i = 0; policy != NULL && i < ARRAY_LEN(yes); i++) {
        options->backup |= strcmp(policy, yes[i]) == 0;
        if (strcmp(policy, no[i]) == 0)
            (void)text_copy(options->no_backup, REHEARSAL_TEXT_SIZE,
                            "ENABLE_MIGRATION_BACKUPS is off");
    }
    if (policy != NULL && !options->backup && options->no_backup[0] == '\0')
        return error_set(err, ERROR_USAGE,
                         "ENABLE_MIGRATION_BACKUPS (--backups-policy) is true or false, not "
                         "\"%.64s\"",
                         policy);
    return ERROR_OK;
}

enum error_code policy_read_backups(const struct cli *cli, struct rollout_options *options,
                                    struct error *err)
{
    const char *reason = cli_flag(cli, "--no-backup");

    if (reason != NULL && cli_is_set(cli, "--backup"))
        return error_set(err, ERROR_USAGE, "--backup and --no-backup exclude each other");
    if (reason != NULL &&
        (reason[0] == '\0' || !text_copy(options->no_backup, REHEARSAL_TEXT_SIZE, reason)))
        return error_set(err, ERROR_USAGE, "--no-backup takes a reason of at most %d bytes",
                         REHEARSAL_TEXT_SIZE - 1);
    options->backup = cli_is_set(cli, "--backup");
    return reason != NULL || options->backup ? ERROR_OK : read_variable(cli, options, err);
}
