/* rebless: the files of an applied revision are right as they are now. */
#include "common/base/memory.h"
#include "common/migration/rebless.h"
#include "coordinator/cli/migration_target.h"
#include "coordinator/cli/verbs.h"

const struct cli_flag migration_rebless_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    {.name = "--reason", .value = "TEXT", .doc = "why they changed; for the log"},
    {.name = NULL}};

static enum error_code rebless_revision(struct database *db,
                                        const struct migration_revision *revision,
                                        const char *reason, struct error *err)
{
    struct migration_run run = {.operator_name = database_operator()};
    struct error failure;
    enum error_code code;

    if (migration_hold_open(db->session, db->set, &run, &run.hold, err) != ERROR_OK)
        return err->code;
    code = rebless(db->session, revision, &run, reason, err);
    if (migration_hold_close(run.hold, &failure) != ERROR_OK && code == ERROR_OK)
        return error_set(err, failure.code, "%s", failure.detail);
    return code;
}

enum error_code migration_rebless(struct cli *cli, struct error *err)
{
    const char *reason = cli_flag(cli, "--reason");
    enum error_code code;
    struct database db;
    size_t index = 0;

    if (reason == NULL || reason[0] == '\0')
        return error_set(err, ERROR_USAGE, "say why: --reason TEXT");
    if (database_open(cli, &db, err) != ERROR_OK)
        return err->code;
    code = target_find(db.set, cli_argument(cli, 0), &index, err);
    if (code == ERROR_OK)
        code = rebless_revision(&db, &db.set->revisions[index], reason, err);
    if (code == ERROR_OK) {
        cli_say(cli, "%-8s %s", "rebless", db.set->revisions[index].name);
        cli_answer(cli, "revision", json_string(db.set->revisions[index].name));
        cli_answer(cli, "checksum", json_string(db.set->revisions[index].checksum));
    }
    database_close(&db);
    return code;
}
