#include "coordinator/cli/database.h"

#include "common/base/memory.h"
#include "common/layout/layout.h"

#include <signal.h>
#include <stdlib.h>

const char *database_migrations_folder(const struct cli *cli)
{
    const char *folder = cli_flag(cli, "--migrations");

    return folder != NULL ? folder : MIGRATIONS_FOLDER_DEFAULT;
}

enum error_code database_load(const struct cli *cli, const void *parent, struct migration_set **ret,
                              struct error *err)
{
    return layout_load(parent, database_migrations_folder(cli), cli_flag(cli, "--layout"), ret,
                       err);
}

enum error_code database_options(const struct cli *cli, struct session_options *ret,
                                 struct error *err)
{
    const char *url = cli_flag(cli, "--database");

    if (url == NULL)
        return error_set(err, ERROR_USAGE,
                         "which database? give --database URL, or set DATABASE_URL");
    *ret = (struct session_options){.url = url, .application_name = "hakem:cli"};
    return ERROR_OK;
}

enum error_code database_read_marks(struct database *db, struct error *err)
{
    talloc_free(db->marks);
    db->marks = NULL;
    return marks_read(db->session, db->context, &db->marks, err);
}

enum error_code database_open(const struct cli *cli, struct database *ret, struct error *err)
{
    struct database db = {.context = talloc_new(NULL)};

    session_cancel_on_signal(SIGINT);
    session_cancel_on_signal(SIGTERM);
    if (database_options(cli, &db.options, err) != ERROR_OK ||
        database_load(cli, db.context, &db.set, err) != ERROR_OK ||
        session_open(db.context, &db.options, &db.session, err) != ERROR_OK ||
        database_read_marks(&db, err) != ERROR_OK) {
        talloc_free(db.context);
        return err->code;
    }
    *ret = db;
    return ERROR_OK;
}

void database_close(struct database *db)
{
    talloc_free(db->context);
}

const char *database_operator(void)
{
    static const char *const variables[] = {"HAKEM_OPERATOR", "SUDO_USER", "USER", "LOGNAME"};

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);

        if (value != NULL && value[0] != '\0')
            return value;
    }
    return "unknown";
}
