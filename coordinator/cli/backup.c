/* backup.c: `hakem backup`: a database, or tables of it, into a folder, and back; without a
 * coordinator.
 */
#include "coordinator/cli/backup.h"

#include "common/backup/backup.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/touched.h"
#include "common/proof/scratch.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define PROGRAMS_FLAG                                                                              \
    {                                                                                              \
        .name = "--programs", .value = "FOLDER",                                                   \
        .doc = "of pg_dump and pg_restore; default: found by the server's version"                 \
    }

const struct cli_flag backup_create_flags[] = {
    DATABASE_FLAG,
    BACKUP_PLACE_FLAGS,
    PROGRAMS_FLAG,
    {.name = "--name", .value = "NAME", .doc = "default: the database's name and the time"},
    {.name = "--tables",
     .value = "TABLE,TABLE",
     .doc = "only these, as schema.table; default: the whole database"},
    {.name = "--touched-by",
     .value = "REVISION",
     .doc = "only the tables that it, and what it needs and is not applied, would touch"},
    MIGRATIONS_FLAG,
    {.name = "--keep",
     .value = "NUMBER",
     .doc = "then remove the oldest ones of this database beyond so many; default: none"},
    {.name = NULL}};
const struct cli_flag backup_list_flags[] = {BACKUP_PLACE_FLAGS, {.name = NULL}};
const struct cli_flag backup_verify_flags[] = {
    BACKUP_PLACE_FLAGS,
    PROGRAMS_FLAG,
    {.name = "--test-database",
     .value = "URL",
     .environment = "TEST_DATABASE_URL",
     .doc = "a server to restore it on, in a new database; default: a temporary server"},
    {.name = "--files-only", .doc = "read every byte, and restore nothing"},
    {.name = NULL}};
const struct cli_flag backup_restore_flags[] = {
    DATABASE_FLAG,
    BACKUP_PLACE_FLAGS,
    PROGRAMS_FLAG,
    {.name = "--replace",
     .doc = "although the database is not empty: it is kept under another name"},
    {.name = "--into-another", .doc = "although the backup is of another database"},
    {.name = "--no-owners",
     .doc = "everything belongs to whoever restores; for servers without the roles"},
    {.name = NULL}};

/* What the verbs share. */
struct backup_call {
    struct cli *cli;
    struct backup_key key;
    struct backup_hooks hooks;
    struct backup_tools tools;
    struct session_options database;
    void *memory;
};

static void show_progress(void *context, uint64_t done, uint64_t total, const char *text)
{
    const struct backup_call *call = context;

    cli_progress(call->cli, done, total, text);
}

static enum error_code begin(struct cli *cli, struct backup_call *call, struct error *err)
{
    const char *folder = cli_flag(cli, "--backups");
    const char *key = cli_flag(cli, "--key");

    session_cancel_on_signal(SIGINT);
    session_cancel_on_signal(SIGTERM);
    *call = (struct backup_call){.cli = cli};
    if (key != NULL && backup_key_read(key, &call->key, err) != ERROR_OK)
        return err->code;
    call->hooks = (struct backup_hooks){.context = call, .progress = show_progress};
    call->tools =
        (struct backup_tools){.place = {.folder = folder != NULL ? folder : BACKUPS_FOLDER_DEFAULT,
                                        .key = key == NULL ? NULL : &call->key},
                              .hooks = &call->hooks};
    call->memory = memory_zeroed(NULL, 1, 1, "backup");
    return ERROR_OK;
}

static enum error_code end(struct backup_call *call, enum error_code code)
{
    cli_end_progress(call->cli);
    talloc_free(call->memory);
    return code;
}

/* ---- what is said of one ---- */

static uint64_t rows_of(const struct backup_manifest *manifest)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < manifest->table_count; i++)
        rows += manifest->tables[i].rows;
    return rows;
}

static uint64_t size_of(const struct backup_manifest *manifest)
{
    uint64_t size = 0;

    for (size_t i = 0; i < manifest->file_count; i++)
        size += manifest->files[i].size;
    return size;
}

static const char *or_none(const char *text)
{
    return text[0] == '\0' ? "none" : text;
}

static json_t *describe(const struct backup_manifest *manifest, const char *state)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:s}",
                     "name", manifest->name, "database", manifest->database, "system_identifier",
                     manifest->system_id, "created_at", manifest->created_at, "created_by",
                     manifest->created_by, "revision", manifest->revision, "fingerprint",
                     manifest->fingerprint, "wal_position", manifest->position, "encrypted",
                     (int)manifest->is_encrypted, "bytes", (json_int_t)size_of(manifest), "tables",
                     (json_int_t)manifest->table_count, "rows", (json_int_t)rows_of(manifest),
                     "only", (json_int_t)manifest->only_count, "state", state);
}

static void say_one(struct cli *cli, const struct backup_manifest *manifest, const char *state)
{
    cli_say(cli,
            "%s  of %s at %s%s%s, revision %s, %zu tables%s, %" PRIu64 " rows, %" PRIu64
            " KiB%s%s%s",
            manifest->name, manifest->database, manifest->created_at,
            manifest->rollout[0] == '\0' ? "" : ", before rollout ", manifest->rollout,
            or_none(manifest->revision), manifest->table_count,
            manifest->only_count == 0 ? "" : " only", rows_of(manifest),
            (size_of(manifest) + 1023) / 1024, manifest->is_encrypted ? ", encrypted" : "",
            state[0] == '\0' ? "" : ": ", state);
}

/* ---- create ---- */

static enum error_code read_tables(struct backup_call *call, const char ***ret, struct error *err)
{
    const char *text = cli_flag(call->cli, "--tables");
    const char **names = memory_array(call->memory, const char *, BACKUP_ONLY_MAX + 1);
    char *copy, *rest = NULL;
    size_t count = 0;

    if (text == NULL) {
        *ret = NULL;
        return ERROR_OK;
    }
    copy = memory_text(names, text);
    for (char *word = strtok_r(copy, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (count == BACKUP_ONLY_MAX)
            return error_set(err, ERROR_USAGE, "--tables takes at most %d tables", BACKUP_ONLY_MAX);
        names[count++] = word;
    }
    if (count == 0)
        return error_set(err, ERROR_USAGE, "--tables takes tables, such as public.players");
    *ret = names;
    return ERROR_OK;
}

static enum error_code read_touched(struct backup_call *call, const char *revision,
                                    const char ***ret, struct error *err)
{
    struct touched_by by = {.target = 0};
    struct database db;

    if (database_open(call->cli, &db, err) != ERROR_OK)
        return err->code;
    by = (struct touched_by){.set = db.set, .marks = db.marks};
    if (!migration_find(db.set, revision, &by.target))
        (void)error_set(err, ERROR_USAGE, "%s has no revision \"%s\"",
                        database_migrations_folder(call->cli), revision);
    else if (touched_tables(db.session, &by, call->memory, ret, err) == ERROR_OK &&
             (*ret)[0] == NULL)
        (void)error_set(err, ERROR_REFUSED,
                        "what is missing up to %s touches no table that the database has: there is "
                        "nothing to be backed up",
                        revision);
    database_close(&db);
    return err->code;
}

static enum error_code read_only(struct backup_call *call, const char ***ret, struct error *err)
{
    const char *revision = cli_flag(call->cli, "--touched-by");

    if (revision == NULL)
        return read_tables(call, ret, err);
    if (cli_flag(call->cli, "--tables") != NULL)
        return error_set(err, ERROR_USAGE, "--tables or --touched-by, not both");
    return read_touched(call, revision, ret, err);
}

static enum error_code create(struct backup_call *call, struct error *err)
{
    struct backup_order order = {.name = cli_flag(call->cli, "--name"),
                                 .created_by = database_operator()};
    struct backup_manifest *manifest = NULL;
    const char **only = NULL;

    if (cli_flag_number(call->cli, "--keep", &order.keep, err) != ERROR_OK ||
        read_only(call, &only, err) != ERROR_OK)
        return err->code;
    order.only = only;
    if (backup_create(&call->tools, &call->database, &order, call->memory, &manifest, err) !=
        ERROR_OK)
        return err->code;
    cli_end_progress(call->cli);
    say_one(call->cli, manifest, "");
    cli_answer(call->cli, "backup", describe(manifest, "made"));
    return ERROR_OK;
}

enum error_code backup_before_change(struct cli *cli, const struct session_options *database,
                                     struct error *err)
{
    struct backup_order order = {.created_by = database_operator()};
    struct backup_manifest *manifest = NULL;
    struct backup_call call;

    if (begin(cli, &call, err) != ERROR_OK)
        return err->code;
    err->code = backup_create(&call.tools, database, &order, call.memory, &manifest, err);
    cli_end_progress(cli);
    if (err->code == ERROR_OK) {
        cli_say(cli, "backed up as %s in %s", manifest->name, call.tools.place.folder);
        cli_answer(cli, "backup", describe(manifest, "made"));
    }
    return end(&call, err->code);
}

enum error_code backup_verb_create(struct cli *cli, struct error *err)
{
    struct backup_call call;

    if (begin(cli, &call, err) != ERROR_OK)
        return err->code;
    call.tools.programs = cli_flag(cli, "--programs");
    if (database_options(cli, &call.database, err) == ERROR_OK)
        err->code = create(&call, err);
    return end(&call, err->code);
}

/* ---- list ---- */

static void list_one(struct cli *cli, const struct backup_entry *entry, json_t *all)
{
    if (entry->manifest == NULL) {
        cli_say(cli, "%s  is no backup that can be used: %s", entry->name, entry->fault);
        (void)json_array_append_new(
            all, json_pack("{s:s, s:s}", "name", entry->name, "fault", entry->fault));
        return;
    }
    say_one(cli, entry->manifest, entry->is_proven ? "" : "read without its key");
    (void)json_array_append_new(
        all, describe(entry->manifest, entry->is_proven ? "sealed" : "read without its key"));
}

enum error_code backup_verb_list(struct cli *cli, struct error *err)
{
    struct backup_entry *entries = NULL;
    struct backup_call call;
    size_t count = 0;
    json_t *all;
    enum error_code code;

    if (begin(cli, &call, err) != ERROR_OK)
        return err->code;
    code = backup_place_list(&call.tools.place, call.memory, &entries, &count, err);
    if (code == ERROR_OK) {
        all = json_array();
        for (size_t i = 0; i < count; i++)
            list_one(cli, &entries[i], all);
        if (count == 0)
            cli_say(cli, "no backup is in %s", call.tools.place.folder);
        cli_answer(cli, "backups", all);
    }
    return end(&call, code);
}

/* ---- verify ---- */

static void say_differences(struct cli *cli, const struct text *differences)
{
    if (differences->size > 0)
        cli_say(cli, "%.*s", (int)differences->size - 1, differences->data);
    cli_answer(cli, "differences", json_string(differences->data));
}

static enum error_code verify_in(struct backup_call *call, const struct backup_manifest *manifest,
                                 const char *url, struct error *err)
{
    struct session_options options = {.url = url, .application_name = "hakem:verify"};
    struct session *session = NULL;
    struct text *differences = text_new(call->memory, BACKUP_DIFFERENCES_MAX);

    if (session_open(call->memory, &options, &session, err) != ERROR_OK)
        return err->code;
    err->code = backup_verify(&call->tools, manifest, session, differences, err);
    session_close(session);
    cli_end_progress(call->cli);
    say_differences(call->cli, differences);
    return err->code;
}

static enum error_code verify_on_scratch(struct backup_call *call,
                                         const struct backup_manifest *manifest, struct error *err)
{
    struct scratch_options options = {.url = cli_flag(call->cli, "--test-database"),
                                      .programs = call->tools.programs};
    struct scratch *scratch = NULL;
    struct error left;

    if (scratch_open(call->memory, &options, &scratch, err) != ERROR_OK)
        return err->code;
    err->code = verify_in(call, manifest, scratch_url(scratch), err);
    if (scratch_close(scratch, &left) != ERROR_OK && err->code == ERROR_OK)
        return error_set(err, left.code, "%s", left.detail);
    return err->code;
}

static enum error_code verify(struct backup_call *call, struct error *err)
{
    bool files_only = cli_is_set(call->cli, "--files-only");
    const char *state = files_only ? "its files are whole" : "whole, and restored equal";
    struct backup_manifest *manifest = NULL;

    if (backup_check(&call->tools, cli_argument(call->cli, 0), call->memory, &manifest, err) !=
            ERROR_OK ||
        (!files_only && verify_on_scratch(call, manifest, err) != ERROR_OK))
        return err->code;
    cli_end_progress(call->cli);
    say_one(call->cli, manifest, state);
    cli_answer(call->cli, "backup", describe(manifest, state));
    return ERROR_OK;
}

enum error_code backup_verb_verify(struct cli *cli, struct error *err)
{
    struct backup_call call;

    if (begin(cli, &call, err) != ERROR_OK)
        return err->code;
    call.tools.programs = cli_flag(cli, "--programs");
    return end(&call, verify(&call, err));
}

/* ---- restore ---- */

static enum error_code restore(struct backup_call *call, struct error *err)
{
    struct backup_restore order = {.name = cli_argument(call->cli, 0),
                                   .into_another = cli_is_set(call->cli, "--into-another"),
                                   .replace = cli_is_set(call->cli, "--replace"),
                                   .without_owners = cli_is_set(call->cli, "--no-owners")};
    struct backup_restored done = {.kept_as = ""};

    if (database_options(call->cli, &call->database, err) != ERROR_OK ||
        backup_restore(&call->tools, &call->database, &order, &done, err) != ERROR_OK)
        return err->code;
    cli_end_progress(call->cli);
    cli_say(call->cli,
            "restored in %" PRIu64 ".%" PRIu64 " s; the name led nowhere for %" PRIu64 " ms",
            done.took_ms / 1000, done.took_ms % 1000 / 100, done.away_ms);
    if (done.kept_as[0] != '\0')
        cli_say(call->cli,
                "what was there is the database %s now; when nobody misses it: "
                "DROP DATABASE \"%s\"",
                done.kept_as, done.kept_as);
    cli_answer(call->cli, "restored", json_string(order.name));
    cli_answer(call->cli, "kept_as", json_string(done.kept_as));
    cli_answer(call->cli, "took_ms", json_integer((json_int_t)done.took_ms));
    cli_answer(call->cli, "away_ms", json_integer((json_int_t)done.away_ms));
    return ERROR_OK;
}

enum error_code backup_verb_restore(struct cli *cli, struct error *err)
{
    struct backup_call call;

    if (begin(cli, &call, err) != ERROR_OK)
        return err->code;
    call.tools.programs = cli_flag(cli, "--programs");
    return end(&call, restore(&call, err));
}
