/* backup.c: the database is backed up before a rollout changes it, and restored by the one that
 * takes that back; whether either was done. */
#include "agent/task/task.h"

#include "common/backup/backup.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define JOURNAL_PART 8 /* bytes: two coordinators count their rollouts each for itself */

/* What a later order finds it by. */
static void name_of(const struct order *order, uint64_t rollout,
                    char ret[static MANIFEST_NAME_MAX + 1])
{
    (void)text_format(ret, MANIFEST_NAME_MAX + 1, "rollout-%llu-%s-%.*s",
                      (unsigned long long)rollout, order->arguments.shard, JOURNAL_PART,
                      order->journal);
}

/* What the library needs, out of the agent's configuration. */
struct tools {
    struct backup_key key;
    struct backup_hooks hooks;
    struct backup_tools tools;
    struct session_options database;
};

static enum error_code prepare(struct task_context *task, struct tools *ret, struct error *err)
{
    const struct database_config *config = &task->config->database;

    if (config->backups == NULL)
        return error_set(err, ERROR_CONFIG,
                         "no folder for backups: set database.backups in this agent's "
                         "configuration");
    if (config->backup_key != NULL &&
        backup_key_read(config->backup_key, &ret->key, err) != ERROR_OK)
        return err->code;
    ret->hooks = (struct backup_hooks){
        .context = task, .is_cancelled = task_asks_cancel, .progress = task_passes_progress};
    ret->tools = (struct backup_tools){
        .place = {.folder = config->backups, .key = config->backup_key == NULL ? NULL : &ret->key},
        .programs = config->programs,
        .hooks = &ret->hooks,
        .timeout_ms = task->job->order.ttl_ms};
    ret->database =
        (struct session_options){.url = config->admin_url != NULL ? config->admin_url : config->url,
                                 .application_name = "hakem:backup"};
    return ERROR_OK;
}

/* The order is for the database of url; what is backed up and restored is admin_url's. */
static enum error_code check_admin(struct task_context *task, struct session *session,
                                   struct error *err)
{
    struct session *admin = NULL;
    char *name = NULL;
    bool is_same;

    if (task->config->database.admin_url == NULL)
        return ERROR_OK;
    if (task_open_admin_session(task, "hakem:backup", &admin, err) != ERROR_OK)
        return err->code;
    err->code = session_ask_text(admin, SQL("SELECT current_database()"), task->memory, &name, err);
    is_same = err->code == ERROR_OK && strcmp(name, PQdb(session_connection(session))) == 0;
    session_close(admin);
    if (err->code == ERROR_OK && !is_same)
        return error_set(err, ERROR_CONFIG,
                         "database.admin_url leads to database %s, and database.url to %s: mend "
                         "this agent's configuration",
                         name, PQdb(session_connection(session)));
    return err->code;
}

/* It is the database that the order means. */
static enum error_code check_database(struct task_context *task, struct error *err)
{
    struct session *session = NULL;
    enum error_code code;

    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    code = check_admin(task, session, err);
    session_close(session);
    return code;
}

static enum error_code make(struct task_context *task, const struct tools *tools,
                            struct task_outcome *ret, struct error *err)
{
    char name[MANIFEST_NAME_MAX + 1], rollout[32];
    struct backup_order order = {.name = name,
                                 .created_by = task->job->node,
                                 .rollout = rollout,
                                 .keep = task->config->database.backups_kept};
    struct backup_manifest *manifest = NULL;

    name_of(&task->job->order, task->job->order.id.rollout, name);
    (void)text_format(rollout, sizeof(rollout), "%llu",
                      (unsigned long long)task->job->order.id.rollout);
    if (backup_create(&tools->tools, &tools->database, &order, task->memory, &manifest, err) !=
        ERROR_OK)
        return err->code;
    (void)text_format(ret->detail, sizeof(ret->detail), "%s in %.200s", name,
                      tools->tools.place.folder);
    return ERROR_OK;
}

static enum error_code find(struct task_context *task, const struct tools *tools, bool *ret,
                            struct error *err)
{
    char name[MANIFEST_NAME_MAX + 1], folder[FILE_PATH_MAX];
    struct backup_manifest *manifest = NULL;

    name_of(&task->job->order, task->job->order.id.rollout, name);
    *ret = false;
    if (backup_place_path(&tools->tools.place, name, NULL, folder, err) != ERROR_OK)
        return err->code;
    if (!file_is_folder(folder))
        return ERROR_OK;
    if (backup_manifest_read(task->memory, folder, backup_place_seal(&tools->tools.place),
                             &manifest, err) != ERROR_OK)
        return err->code;
    *ret = true;
    return ERROR_OK;
}

/* An attempt whose outcome was lost may have made it. */
enum error_code task_backup(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct tools tools = {.hooks = {.context = task}};
    bool is_made = false;

    if (prepare(task, &tools, err) != ERROR_OK || check_database(task, err) != ERROR_OK)
        return err->code;
    if (find(task, &tools, &is_made, err) != ERROR_OK)
        return err->code;
    return is_made ? ERROR_OK : make(task, &tools, ret, err);
}

/* Its name comes with its last byte. */
enum error_code inspect_backup(struct task_context *task, enum finding *ret, struct error *err)
{
    struct tools tools = {.hooks = {.context = task}};
    bool is_made = false;

    if (prepare(task, &tools, err) != ERROR_OK || find(task, &tools, &is_made, err) != ERROR_OK)
        return err->code;
    *ret = is_made ? FINDING_DID : FINDING_DID_NOT;
    return ERROR_OK;
}

/* ---- restore ---- */

/* Of this rollout and no other: a later one may restore again. */
static void note_of(const struct order *order, char *ret, size_t size)
{
    (void)text_format(ret, size, "rollout %llu of %s", (unsigned long long)order->id.rollout,
                      order->journal);
}

static enum error_code is_restored(struct task_context *task, bool *ret, struct error *err)
{
    struct session *session = NULL;
    char note[96];

    note_of(&task->job->order, note, sizeof(note));
    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    err->code = backup_is_restored(session, note, ret, err);
    session_close(session);
    return err->code;
}

/* An older coordinator's orders are refused by it as they were by the one before. */
static enum error_code settle_in(struct task_context *task, struct task_outcome *ret,
                                 struct error *err)
{
    struct session *session = NULL;

    if (task_open_session(task, &session, err) != ERROR_OK)
        return err->code;
    if (task_raise_term(task, session, err) == ERROR_OK)
        err->code = session_ask_number(
            session, SQL("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"),
            &ret->position, err);
    session_close(session);
    return err->code;
}

static enum error_code restore(struct task_context *task, const struct tools *tools,
                               struct task_outcome *ret, struct error *err)
{
    const struct order *order = &task->job->order;
    char name[MANIFEST_NAME_MAX + 1], note[96];
    struct backup_restore wanted = {.name = name, .replace = true, .note = note};
    struct backup_restored done = {.kept_as = ""};

    name_of(order, order->arguments.backup_of, name);
    note_of(order, note, sizeof(note));
    if (backup_restore(&tools->tools, &tools->database, &wanted, &done, err) != ERROR_OK)
        return err->code;
    (void)text_format(ret->detail, sizeof(ret->detail),
                      "%s restored; what was there is the database %s now", name, done.kept_as);
    return ERROR_OK;
}

/* Twice would keep the first one's result as what was there. */
enum error_code task_restore(struct task_context *task, struct task_outcome *ret, struct error *err)
{
    struct tools tools = {.hooks = {.context = task}};
    bool is_done = false;

    if (!task->job->order.arguments.accept_data_loss)
        return error_set(err, ERROR_WOULD_LOSE_DATA,
                         "a restore loses what was written since, and nobody has accepted that");
    if (prepare(task, &tools, err) != ERROR_OK || check_database(task, err) != ERROR_OK ||
        is_restored(task, &is_done, err) != ERROR_OK ||
        (!is_done && restore(task, &tools, ret, err) != ERROR_OK))
        return err->code;
    return settle_in(task, ret, err);
}

enum error_code inspect_restore(struct task_context *task, enum finding *ret, struct error *err)
{
    bool is_done = false;

    if (is_restored(task, &is_done, err) != ERROR_OK)
        return err->code;
    *ret = is_done ? FINDING_DID : FINDING_DID_NOT;
    return ERROR_OK;
}
