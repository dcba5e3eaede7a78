/* backup.c: what create, check and restore share, and what a restore would lose. */
#include "common/backup/backup_internal.h"

#include "common/base/memory.h"
#include "common/base/run.h"
#include "common/base/text.h"
#include "common/postgres/programs.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_backup.h"

#include <string.h>

#define VERSION_BYTES_MAX 256
#define VERSION_MS        10000

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

/* "pg_dump (PostgreSQL) 15.14 (Debian …)"; 0: it says something else. */
static uint64_t major_in(const char *said)
{
    static const char before[] = "(PostgreSQL) ";
    const char *at = strstr(said, before);
    char digits[4] = "";
    uint64_t major = 0;

    if (at == NULL)
        return 0;
    at += strlen(before);
    (void)text_format(digits, sizeof(digits), "%.*s", (int)strspn(at, "0123456789"), at);
    return text_to_number(digits, 999, &major) ? major : 0;
}

enum error_code backup_check_program(const char *folder, const char *name, uint64_t major,
                                     struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "version");
    char *path = memory_format(memory, "%s/%s", folder, name);
    char *argv[] = {path, memory_text(memory, "--version"), NULL};
    char *environment[] = {NULL};
    struct text *said = text_new(memory, VERSION_BYTES_MAX);
    struct run run = {.name = name,
                      .command = {.path = path, .argv = argv, .environment = environment},
                      .timeout_ms = VERSION_MS};

    err->code = run_to_end(&run, said, err);
    if (err->code == ERROR_OK && major_in(said->data) != major)
        (void)error_set(err, ERROR_CONFIG,
                        "%s/%s is of PostgreSQL %llu, and the server of %llu: what one writes the "
                        "other may not read; install the server's client programs, or say where "
                        "they are",
                        folder, name, (unsigned long long)major_in(said->data),
                        (unsigned long long)major);
    talloc_free(memory);
    return err->code;
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
    return backup_check_program(folder, name, version, err);
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
