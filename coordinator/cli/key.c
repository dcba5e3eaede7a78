/* key.c: hakem key new|show: the pair that an operator, an agent or a coordinator is known by; and
 * hakem key backup: the one key of encrypted backups. */
#include "common/wire/key.h"

#include "common/backup/key.h"
#include "coordinator/cli/verbs.h"

enum error_code key_new(struct cli *cli, struct error *err)
{
    struct key_pair pair;

    key_generate(&pair);
    if (key_write(cli_argument(cli, 0), &pair, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s", pair.public_key);
    cli_answer(cli, "public_key", json_string(pair.public_key));
    return ERROR_OK;
}

enum error_code key_show(struct cli *cli, struct error *err)
{
    struct key_pair pair;

    if (key_read(cli_argument(cli, 0), &pair, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s", pair.public_key);
    cli_answer(cli, "public_key", json_string(pair.public_key));
    return ERROR_OK;
}

enum error_code key_backup(struct cli *cli, struct error *err)
{
    const char *path = cli_argument(cli, 0);

    if (backup_key_make(path, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s: keep a copy where the backups are not; without it they cannot be read", path);
    cli_answer(cli, "path", json_string(path));
    return ERROR_OK;
}
