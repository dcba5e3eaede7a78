#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/layout.h"
#include "common/migration/verify.h"
#include "common/postgres/term.h"
#include "coordinator/cli/migration_target.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

#define VERIFY_DEADLINE_MS 60000

const struct cli_flag migration_folder_flags[] = {MIGRATIONS_FLAG, {.name = NULL}};
const struct cli_flag migration_status_flags[] = {DATABASE_FLAG, MIGRATIONS_FLAG, {.name = NULL}};

/* ---- list ---- */

static json_t *names_of(const struct migration_set *set, const size_t *list, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(array, json_string(set->revisions[list[i]].name));
    return array;
}

static json_t *describe_revision(const struct migration_set *set,
                                 const struct migration_revision *revision)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:i, s:b, s:b}", "name", revision->name,
                     "description", revision->description, "checksum", revision->checksum,
                     "requires", names_of(set, revision->parents, revision->parent_count),
                     "contract", revision->scripts[MIGRATION_SCRIPT_CONTRACT] != NULL, "backfills",
                     (int)revision->backfill_count, "irreversible", (int)revision->is_irreversible,
                     "plain", (int)revision->is_plain);
}

static void list_releases(struct cli *cli, const struct migration_set *set)
{
    json_t *releases = json_array();

    for (size_t i = 0; i < set->release_count; i++) {
        const struct migration_release *release = &set->releases[i];

        cli_say(cli, "release %s needs %s", release->name, set->revisions[release->needs].name);
        (void)json_array_append_new(
            releases, json_pack("{s:s, s:s, s:o}", "name", release->name, "needs",
                                set->revisions[release->needs].name, "tolerates",
                                names_of(set, release->tolerates, release->tolerate_count)));
    }
    cli_answer(cli, "releases", releases);
}

/* Of another tool's folder: what has no way back, and what is left out. */
static enum error_code list_notes(struct cli *cli, const struct migration_set *set,
                                  struct error *err)
{
    struct layout_content *content = NULL;
    json_t *notes;

    cli_answer(cli, "layout", json_string(set->layout != NULL ? set->layout : LAYOUT_NATIVE));
    if (set->layout == NULL)
        return ERROR_OK;
    if (layout_read(NULL, database_migrations_folder(cli), set->layout, &content, err) != ERROR_OK)
        return err->code;
    notes = json_array();
    for (size_t i = 0; i < content->note_count; i++) {
        cli_say(cli, "%s", content->notes[i]);
        (void)json_array_append_new(notes, json_string(content->notes[i]));
    }
    cli_answer(cli, "notes", notes);
    talloc_free(content);
    return ERROR_OK;
}

enum error_code migration_list(struct cli *cli, struct error *err)
{
    json_t *revisions;
    struct migration_set *set;
    enum error_code code;

    if (database_load(cli, NULL, &set, err) != ERROR_OK)
        return err->code;
    revisions = json_array();
    for (size_t i = 0; i < set->revision_count; i++) {
        const struct migration_revision *revision = &set->revisions[i];

        cli_say(cli, "%-40s %.12s %s", revision->name, revision->checksum, revision->description);
        (void)json_array_append_new(revisions, describe_revision(set, revision));
    }
    cli_answer(cli, "revisions", revisions);
    list_releases(cli, set);
    code = list_notes(cli, set, err);
    talloc_free(set);
    return code;
}

/* ---- show ---- */

static json_t *show_script(struct cli *cli, const struct split *split)
{
    static const char *const classes[SPLIT_CLASS_COUNT] = {
        [SPLIT_TOGETHER] = "", [SPLIT_ALONE] = "alone", [SPLIT_OUTSIDE] = "outside"};
    json_t *statements = json_array();

    for (size_t i = 0; i < split->count; i++) {
        const struct split_statement *statement = &split->statements[i];

        cli_say(cli, "  %s:%zu %-8s %.120s", split->path, statement->line,
                classes[statement->class], statement->text);
        (void)json_array_append_new(
            statements, json_pack("{s:i, s:s, s:s, s:s, s:b}", "line", (int)statement->line,
                                  "class", classes[statement->class], "kind", statement->kind,
                                  "sql", statement->text, "harmless", (int)statement->is_harmless));
    }
    return statements;
}

enum error_code migration_show(struct cli *cli, struct error *err)
{
    const char *name = cli_argument(cli, 0);
    const struct migration_revision *revision;
    struct migration_set *set;
    size_t index;

    if (database_load(cli, NULL, &set, err) != ERROR_OK)
        return err->code;
    if (target_find(set, name, &index, err) != ERROR_OK) {
        talloc_free(set);
        return error_set(err, err->code, "%s in %s", err->detail, database_migrations_folder(cli));
    }
    revision = &set->revisions[index];
    cli_say(cli, "%s  %s", revision->name, revision->description);
    cli_answer(cli, "revision", describe_revision(set, revision));
    for (size_t i = 0; i < MIGRATION_SCRIPT_COUNT; i++)
        if (revision->scripts[i] != NULL)
            cli_answer(cli, migration_script_file((enum migration_script)i),
                       show_script(cli, revision->scripts[i]));
    talloc_free(set);
    return ERROR_OK;
}

/* ---- verify ---- */

/* A later contract may take away what an earlier one's validation speaks of: the newest counts. */
static bool is_newest_contracted(const struct database *db, size_t index)
{
    for (size_t i = index + 1; i < db->set->revision_count; i++)
        if (marks_is_contracted(db->marks, db->set->revisions[i].name))
            return false;
    return true;
}

static enum error_code verify_one(struct cli *cli, const struct database *db, size_t index,
                                  json_t *verified, struct error *err)
{
    const struct migration_revision *revision = &db->set->revisions[index];
    enum migration_script script = marks_is_contracted(db->marks, revision->name)
                                       ? MIGRATION_SCRIPT_VERIFY_CONTRACT
                                       : MIGRATION_SCRIPT_VERIFY;

    if (revision->scripts[script] == NULL ||
        (script == MIGRATION_SCRIPT_VERIFY_CONTRACT && !is_newest_contracted(db, index)))
        return ERROR_OK;
    if (verify_run(&db->options, revision, script, VERIFY_DEADLINE_MS, err) != ERROR_OK)
        return err->code;
    cli_say(cli, "%s says yes", revision->scripts[script]->path);
    (void)json_array_append_new(verified, json_string(revision->scripts[script]->path));
    return ERROR_OK;
}

enum error_code migration_verify(struct cli *cli, struct error *err)
{
    const char *wanted = cli_argument(cli, 0);
    enum error_code code = ERROR_OK;
    struct database db;
    json_t *verified;
    size_t found;

    if (database_open(cli, &db, err) != ERROR_OK)
        return err->code;
    verified = json_array();
    if (wanted != NULL && !migration_find(db.set, wanted, &found))
        code = error_set(err, ERROR_NOT_FOUND, "there is no revision %s", wanted);
    else if (wanted != NULL && !marks_is_expanded(db.marks, wanted))
        code = error_set(err, ERROR_REFUSED, "%s is not applied to this database", wanted);
    for (size_t i = 0; i < db.set->revision_count && code == ERROR_OK; i++)
        if (marks_is_expanded(db.marks, db.set->revisions[i].name) &&
            (wanted == NULL || strcmp(wanted, db.set->revisions[i].name) == 0))
            code = verify_one(cli, &db, i, verified, err);
    cli_answer(cli, "verified", verified);
    database_close(&db);
    return code;
}
