/* backup.c: what create, check and restore share, and what a restore would lose. */
#include "common/backup/backup_internal.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/programs.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_backup.h"

#include <string.h>

uint64_t backup_timeout(const struct backup_tools *tools)
{
    return tools->timeout_ms != 0 ? tools->timeout_ms : BACKUP_TIMEOUT_MS_DEFAULT;
}

/* For whoever runs long: the context is the tools. */
bool backup_is_cancelled(void *context)
{
    const struct backup_tools *tools = context;

    return session_was_signalled() || (tools->hooks->is_cancelled != NULL &&
                                       tools->hooks->is_cancelled(tools->hooks->context));
}

void backup_progress(const struct backup_tools *tools, uint64_t done, uint64_t total,
                     const char *text)
{
    if (tools->hooks->progress != NULL)
        tools->hooks->progress(tools->hooks->context, done, total, text);
}

void backup_watch(struct session *session, struct backup_tools *tools)
{
    (void)session_set_watch(
        session, (struct session_watch){.context = tools, .is_cancelled = backup_is_cancelled});
}

enum error_code backup_count_rows(struct session *session, const char *table, uint64_t *ret,
                                  struct error *err)
{
    char *sql = memory_format(NULL, "SELECT count(*) FROM ONLY %s", table);
    enum error_code code = session_ask_number(session, SQL(sql), ret, err);

    talloc_free(sql);
    return code;
}

enum error_code backup_find_program(const struct backup_tools *tools, struct session *session,
                                    const char *name, const void *parent, const char **ret,
                                    struct error *err)
{
    const char *const names[] = {name, NULL};
    uint64_t version = (uint64_t)PQserverVersion(session_connection(session)) / 10000;
    const char *folder = tools->programs;

    if (folder == NULL)
        folder = programs_place(version, names, parent);
    if (folder == NULL || !programs_are_in(folder, names))
        return error_set(err, ERROR_CONFIG,
                         "%s of PostgreSQL %llu was not found%s%s: install its client programs, or "
                         "say where they are",
                         name, (unsigned long long)version, folder == NULL ? "" : " in ",
                         folder == NULL ? "" : folder);
    *ret = folder;
    return ERROR_OK;
}

/* ---- loss ---- */

static enum error_code ask_changes(struct session *session, const struct backup_manifest *manifest,
                                   void *memory, struct rows **ret, struct error *err)
{
    const char **names = memory_array(memory, const char *, manifest->table_count + 1);
    const char **changes = memory_array(memory, const char *, manifest->table_count + 1);

    for (size_t i = 0; i < manifest->table_count; i++) {
        names[i] = manifest->tables[i].name;
        changes[i] = memory_format(memory, "%llu", (unsigned long long)manifest->tables[i].changes);
    }
    return session_query(
        session,
        SQL_WITH(embedded_backup_loss, sql_array(memory, names, manifest->table_count),
                 sql_array(memory, changes, manifest->table_count), manifest->position),
        ret, err);
}

enum error_code backup_ask_loss(struct session *session, const struct backup_manifest *manifest,
                                struct backup_loss *ret, struct error *err)
{
    void *memory = memory_new(NULL, char);
    struct rows *rows = NULL;

    err->code = ERROR_OK;
    if (ask_changes(session, manifest, memory, &rows, err) == ERROR_OK) {
        ret->is_known =
            strcmp(rows_text(rows, 0, 0), manifest->statistics) == 0 && rows_bool(rows, 0, 1);
        ret->changes = rows_number(rows, 0, 2);
        ret->wal_bytes = rows_number(rows, 0, 3);
    }
    rows_free(rows);
    talloc_free(memory);
    return err->code;
}
