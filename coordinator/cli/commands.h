/* commands.h: the commands that backfills of a stand-alone run may ask: --command
 * NAME=PATH,NAME=PATH. */
#ifndef COORDINATOR_CLI_COMMANDS_H
#define COORDINATOR_CLI_COMMANDS_H

#include "common/migration/phase.h"
#include "coordinator/cli/cli.h"

#define COMMANDS_MAX 64

#define COMMANDS_FLAG                                                                              \
    {                                                                                              \
        .name = "--command", .value = "NAME=PATH",                                                 \
        .doc = "executable that backfills ask for by this name; several with commas between"       \
    }

struct commands {
    char words[CLI_WORD_MAX];
    struct migration_command list[COMMANDS_MAX];
    size_t count;
};

/* ERROR_USAGE says what is wrong. What it lists points into it. */
enum error_code commands_read(const struct cli *cli, struct commands *ret, struct error *err);

#endif
