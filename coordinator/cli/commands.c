#include "coordinator/cli/commands.h"

#include "common/base/text.h"

#include <string.h>

/* NAME=PATH,NAME=PATH, cut into its words. */
static enum error_code take_command(char *word, struct migration_command *ret, struct error *err)
{
    char *equals = strchr(word, '=');

    if (equals != NULL)
        *equals = '\0';
    if (equals == NULL || !text_is_name(word, MIGRATION_NAME_MAX) || equals[1] != '/')
        return error_set(err, ERROR_USAGE,
                         "--command %s%s%s: give NAME=PATH, the path from the root on", word,
                         equals != NULL ? "=" : "", equals != NULL ? equals + 1 : "");
    *ret = (struct migration_command){.name = word, .path = equals + 1};
    return ERROR_OK;
}

enum error_code commands_read(const struct cli *cli, struct commands *ret, struct error *err)
{
    const char *flag = cli_flag(cli, "--command");
    char *word = ret->words;

    ret->count = 0;
    if (flag == NULL)
        return ERROR_OK;
    (void)text_copy(ret->words, sizeof(ret->words), flag);
    while (word != NULL) {
        char *comma = strchr(word, ',');

        if (comma != NULL)
            *comma = '\0';
        if (ret->count == COMMANDS_MAX)
            return error_set(err, ERROR_USAGE, "--command names more than %d", COMMANDS_MAX);
        if (take_command(word, &ret->list[ret->count++], err) != ERROR_OK)
            return err->code;
        word = comma != NULL ? comma + 1 : NULL;
    }
    return ERROR_OK;
}
