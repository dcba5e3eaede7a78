/* import: a folder of another tool as native ones. */
#include "common/base/memory.h"
#include "common/layout/layout.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

const struct cli_flag migration_import_flags[] = {
    {.name = "--into",
     .value = "FOLDER",
     .doc = "made, all of it or nothing; default: ./" MIGRATIONS_FOLDER_DEFAULT},
    LAYOUT_FLAG,
    {.name = NULL}};

static void say_what_came(struct cli *cli, const struct layout_content *content, const char *into)
{
    json_t *revisions = json_array(), *notes = json_array();

    for (size_t i = 0; i < content->version_count; i++) {
        const struct layout_version *version = &content->versions[i];

        cli_say(cli, "%-40s %s", version->revision, version->path);
        (void)json_array_append_new(revisions,
                                    json_pack("{s:s, s:s, s:s}", "name", version->revision,
                                              "version", version->version, "path", version->path));
    }
    for (size_t i = 0; i < content->note_count; i++) {
        cli_say(cli, "%s", content->notes[i]);
        (void)json_array_append_new(notes, json_string(content->notes[i]));
    }
    cli_say(cli, "%zu revisions of %s are in %s", content->version_count, content->layout, into);
    cli_answer(cli, "layout", json_string(content->layout));
    cli_answer(cli, "into", json_string(into));
    cli_answer(cli, "revisions", revisions);
    cli_answer(cli, "notes", notes);
}

enum error_code migration_import(struct cli *cli, struct error *err)
{
    const char *into = cli_flag(cli, "--into");
    const struct layout_import order = {.folder = cli_argument(cli, 0),
                                        .layout = cli_flag(cli, "--layout"),
                                        .into = into != NULL ? into : MIGRATIONS_FOLDER_DEFAULT};
    struct layout_content *content = NULL;

    if (layout_import(NULL, &order, &content, err) != ERROR_OK)
        return err->code;
    say_what_came(cli, content, order.into);
    talloc_free(content);
    return ERROR_OK;
}
