/* merge: the folder of a revision that requires all heads. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/migration_new.h"
#include "coordinator/cli/verbs.h"

static enum error_code write_merge(struct cli *cli, const char *const *heads, size_t count,
                                   struct error *err)
{
    struct text *yaml = text_new(heads, 4096);
    json_t *requires = json_array();
    char path[FILE_PATH_MAX];

    text_append(yaml, "description: \"\"\nrequires: [");
    for (size_t i = 0; i < count; i++) {
        text_append_format(yaml, "%s%s", i == 0 ? "" : ", ", heads[i]);
        (void)json_array_append_new(requires, json_string(heads[i]));
    }
    text_append(yaml, "]\n");
    cli_answer(cli, "requires", requires);
    if (migration_new_folder(cli, yaml->data, path, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s requires %zu revisions; what they need of each other belongs into it", path,
            count);
    return ERROR_OK;
}

enum error_code migration_merge(struct cli *cli, struct error *err)
{
    const char *folder = database_migrations_folder(cli);
    const char **heads = NULL;
    enum error_code code;
    size_t count = 0;

    if (migration_heads(NULL, folder, &heads, &count, err) != ERROR_OK)
        return err->code;
    if (count < 2)
        code = error_set(err, ERROR_REFUSED, "%s has one head, %s: there is nothing to merge",
                         folder, heads[0]);
    else if (count > GRAPH_PARENTS_MAX)
        code = error_set(err, ERROR_LIMIT, "%s has %zu heads; %d can be merged at once", folder,
                         count, GRAPH_PARENTS_MAX);
    else
        code = write_merge(cli, heads, count, err);
    talloc_free(heads);
    return code;
}
