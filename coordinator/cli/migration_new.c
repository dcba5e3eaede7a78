#include "coordinator/cli/migration_new.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

static unsigned next_number(char **names, size_t count)
{
    unsigned highest = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t number = 0;
        char digits[5];

        (void)text_copy(digits, sizeof(digits), names[i]);
        if (text_to_number(digits, 9999, &number) && number > highest)
            highest = (unsigned)number;
    }
    return highest + 1;
}

static enum error_code write_templates(const char *folder, const char *name, const char *yaml,
                                       struct error *err)
{
    const struct {
        const char *file, *text;
    } templates[] = {
        {"expand.sql", "-- Backward compatible: the release before works after it, too.\n"},
        {"revert.sql", "-- Takes expand.sql back.\n"},
        {"migration.yaml", yaml},
    };
    char path[FILE_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
        if (!text_format(path, sizeof(path), "%s/%s/%s", folder, name, templates[i].file))
            return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
        if (file_write_atomically(path, templates[i].text, strlen(templates[i].text), 0644, err) !=
            ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* A native folder among another tool's files would make the folder look like two. */
static enum error_code check_layout(const char *folder, struct error *err)
{
    struct layout_content *content = NULL;
    enum error_code code = layout_read(NULL, folder, NULL, &content, err);

    if (code != ERROR_OK)
        return code;
    if (strcmp(content->layout, LAYOUT_NATIVE) != 0)
        code = error_set(err, ERROR_REFUSED,
                         "%s is a folder of %s: write the file as its others are, or make the "
                         "folder native with hakem migration import",
                         folder, content->layout);
    talloc_free(content);
    return code;
}

static enum error_code name_folder(const struct cli *cli, const char *folder,
                                   char ret_name[static MIGRATION_NAME_MAX + 1], struct error *err)
{
    size_t count = 0;
    char **names;
    bool is_name;

    if (file_list(NULL, folder, &names, &count, err) != ERROR_OK)
        return err->code;
    is_name = text_format(ret_name, MIGRATION_NAME_MAX + 1, "%04u_%s", next_number(names, count),
                          cli_argument(cli, 0)) &&
              text_is_name(ret_name, MIGRATION_NAME_MAX);
    talloc_free(names);
    if (!is_name)
        return error_set(err, ERROR_USAGE,
                         "a revision's name is letters, digits, '_', '-' or '.', %d at most",
                         MIGRATION_NAME_MAX);
    return ERROR_OK;
}

enum error_code migration_new_folder(struct cli *cli, const char *yaml,
                                     char ret_path[static FILE_PATH_MAX], struct error *err)
{
    const char *folder = database_migrations_folder(cli);
    char name[MIGRATION_NAME_MAX + 1];

    if (file_make_folder(folder, 0755, err) != ERROR_OK || check_layout(folder, err) != ERROR_OK ||
        name_folder(cli, folder, name, err) != ERROR_OK)
        return err->code;
    if (!text_format(ret_path, FILE_PATH_MAX, "%s/%s", folder, name))
        return error_set(err, ERROR_INVALID, "the path %s is too long", folder);
    if (file_make_folder(ret_path, 0755, err) != ERROR_OK ||
        write_templates(folder, name, yaml, err) != ERROR_OK)
        return err->code;
    cli_answer(cli, "path", json_string(ret_path));
    cli_answer(cli, "revision", json_string(name));
    return ERROR_OK;
}

enum error_code migration_new(struct cli *cli, struct error *err)
{
    char path[FILE_PATH_MAX];

    if (migration_new_folder(cli, "description: \"\"\n", path, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s", path);
    return ERROR_OK;
}
