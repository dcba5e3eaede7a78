/* key.c: hakem key new|show: the pair that an operator, an agent or a coordinator is known by. */
#include "common/wire/key.h"

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
