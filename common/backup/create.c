/* create.c: a backup is made, in one snapshot, under a name that it has only once it is whole. */
#include "common/backup/backup_internal.h"

#include "common/backup/program.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/marks.h"
#include "common/postgres/programs.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_backup.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#define DUMP_ARGUMENTS_MAX (2 * BACKUP_ONLY_MAX + 16)

static const char begin_sql[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                                " SET LOCAL search_path = '';"
                                " SET LOCAL row_security = off;"
                                " SET LOCAL statement_timeout = 0;"
                                " SET LOCAL idle_in_transaction_session_timeout = 0";

/* One on its way. */
struct making {
    struct backup_tools *tools;
    const struct backup_order *order;
    struct session *session;  /* the snapshot's */
    struct session *observer; /* sees what is committed since */
    struct backup_manifest *manifest;
    const char *stamp;
    const char *snapshot;
    char folder[FILE_PATH_MAX]; /* while it is made */
    struct stream_writer *writer;
    uint64_t written;
    struct backup_file *files; /* the manifest's */
};

#define FILES_MAX 2

/* ---- what the snapshot says ---- */

static enum error_code read_origin(struct making *m, struct error *err)
{
    struct backup_manifest *manifest = m->manifest;
    struct rows *rows = NULL;

    if (session_run(m->session, begin_sql, err) != ERROR_OK ||
        session_query(m->session, SQL(embedded_backup_origin), &rows, err) != ERROR_OK)
        return err->code;
    manifest->database = memory_text(manifest, rows_text(rows, 0, 0));
    manifest->system_id = memory_text(manifest, rows_text(rows, 0, 1));
    manifest->server_version = rows_number(rows, 0, 2);
    manifest->created_at = memory_text(manifest, rows_text(rows, 0, 3));
    m->stamp = memory_text(manifest, rows_text(rows, 0, 4));
    manifest->position = memory_text(manifest, rows_text(rows, 0, 5));
    manifest->statistics = memory_text(manifest, rows_text(rows, 0, 6));
    m->snapshot = memory_text(manifest, rows_text(rows, 0, 7));
    rows_free(rows);
    if (strpbrk(manifest->database, "'\\") != NULL)
        return error_set(err, ERROR_REFUSED,
                         "the name of database %s has a quote or a backslash: it could not be "
                         "restored",
                         manifest->database);
    return ERROR_OK;
}

static enum error_code read_roles(struct making *m, struct error *err)
{
    struct backup_manifest *manifest = m->manifest;
    struct rows *rows = NULL;
    const char **roles;

    if (session_query(m->session, SQL(embedded_backup_roles), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > MANIFEST_ROLES_MAX) {
        rows_free(rows);
        return error_set(err, ERROR_LIMIT, "objects of the database belong to more than %d roles",
                         MANIFEST_ROLES_MAX);
    }
    roles = memory_array(manifest, const char *, rows_count(rows) + 1);
    for (size_t i = 0; i < rows_count(rows); i++)
        roles[i] = memory_text(roles, rows_text(rows, i, 0));
    manifest->roles = roles;
    manifest->role_count = rows_count(rows);
    rows_free(rows);
    return ERROR_OK;
}

static void take_marks(struct backup_manifest *manifest, const struct marks *marks)
{
    const char **expanded = memory_array(manifest, const char *, marks->count + 1);
    const char **contracted = memory_array(manifest, const char *, marks->count + 1);

    for (size_t i = 0; i < marks->count; i++) {
        const struct mark *mark = &marks->marks[i];

        if (mark->is_expanded)
            expanded[manifest->expanded_count++] = memory_text(expanded, mark->revision);
        if (mark->is_contracted)
            contracted[manifest->contracted_count++] = memory_text(contracted, mark->revision);
    }
    manifest->expanded = expanded;
    manifest->contracted = contracted;
    manifest->revision =
        manifest->expanded_count == 0 ? "" : expanded[manifest->expanded_count - 1];
}

/* By a second session: these take transactions of their own. */
static enum error_code read_schema(struct making *m, struct error *err)
{
    char fingerprint[HASH_HEX_SIZE];
    struct marks *marks = NULL;

    if (fingerprint_take(m->observer, BACKUP_FINGERPRINT_LOCK_MS, fingerprint, err) != ERROR_OK ||
        marks_read(m->observer, m->manifest, &marks, err) != ERROR_OK)
        return err->code;
    m->manifest->fingerprint = memory_text(m->manifest, fingerprint);
    take_marks(m->manifest, marks);
    return ERROR_OK;
}

static size_t only_count(const struct backup_order *order)
{
    size_t count = 0;

    while (order->only != NULL && order->only[count] != NULL)
        count++;
    return count;
}

/* As pg_dump's patterns want them: quoted, so that nothing in a name is a wildcard. */
static enum error_code take_only(struct making *m, size_t found, struct error *err)
{
    const struct backup_order *order = m->order;
    size_t count = only_count(order);
    const char **only = memory_array(m->manifest, const char *, count + 1);

    if (count > 0 && (found > BACKUP_ONLY_MAX || count > BACKUP_ONLY_MAX))
        return error_set(err, ERROR_LIMIT,
                         "more than %d tables with their partitions: take the whole database",
                         BACKUP_ONLY_MAX);
    for (size_t i = 0; i < count; i++) {
        char *name = NULL;

        if (session_ask_text(m->session, SQL_WITH("SELECT to_regclass($1)::text", order->only[i]),
                             only, &name, err) == ERROR_NOT_FOUND)
            return error_set(err, ERROR_NOT_FOUND, "database %s has no table %s: say schema.table",
                             m->manifest->database, order->only[i]);
        if (name == NULL)
            return err->code;
        only[i] = name;
    }
    m->manifest->only = only;
    m->manifest->only_count = count;
    return ERROR_OK;
}

/* Counting takes ACCESS SHARE, which is kept until the end: nobody changes what pg_dump is going to
 * copy. */
static enum error_code count_tables(struct making *m, const struct rows *rows, struct error *err)
{
    struct backup_manifest *manifest = m->manifest;
    struct backup_table *tables = memory_array(manifest, struct backup_table, rows_count(rows) + 1);

    for (size_t i = 0; i < rows_count(rows); i++) {
        tables[i].name = memory_text(tables, rows_text(rows, i, 0));
        tables[i].changes = rows_number(rows, i, 1);
        if (backup_count_rows(m->session, tables[i].name, &tables[i].rows, err) != ERROR_OK)
            return err->code;
        backup_progress(m->tools, i + 1, rows_count(rows), "tables counted");
    }
    manifest->tables = tables;
    manifest->table_count = rows_count(rows);
    return ERROR_OK;
}

static enum error_code read_tables(struct making *m, struct error *err)
{
    size_t count = only_count(m->order);
    char *only = count == 0 ? NULL : sql_array(m->manifest, m->order->only, count);
    struct rows *rows = NULL;

    if (session_query(m->session, SQL_WITH(embedded_backup_tables, only), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > MANIFEST_TABLES_MAX)
        (void)error_set(err, ERROR_LIMIT, "database %s has more than %d tables",
                        m->manifest->database, MANIFEST_TABLES_MAX);
    else if (take_only(m, rows_count(rows), err) == ERROR_OK)
        (void)count_tables(m, rows, err);
    rows_free(rows);
    return err->code;
}

/* ---- the files ---- */

static enum error_code file_path(const struct making *m, const char *file,
                                 char ret[static FILE_PATH_MAX], struct error *err)
{
    if (!text_format(ret, FILE_PATH_MAX, "%s/%s", m->folder, file))
        return error_set(err, ERROR_INVALID, "the path %.200s is too long", m->folder);
    return ERROR_OK;
}

static enum error_code begin_file(struct making *m, const char *file, struct error *err)
{
    char path[FILE_PATH_MAX];

    if (file_path(m, file, path, err) != ERROR_OK)
        return err->code;
    return stream_create(m->manifest, path, backup_place_stream(&m->tools->place), &m->writer, err);
}

static enum error_code end_file(struct making *m, const char *file, struct error *err)
{
    struct backup_manifest *manifest = m->manifest;
    struct stream_sum sum;

    assert(manifest->file_count < FILES_MAX);
    if (stream_finish(m->writer, &sum, err) != ERROR_OK)
        return err->code;
    talloc_free(m->writer);
    m->writer = NULL;
    m->files[manifest->file_count++] =
        (struct backup_file){file, sum.size, memory_text(m->files, sum.hash)};
    manifest->plain_size += sum.plain_size;
    return ERROR_OK;
}

static enum error_code write_catalog(struct making *m, struct error *err)
{
    char *text = NULL;

    if (fingerprint_describe(m->observer, m->manifest, &text, err) != ERROR_OK ||
        begin_file(m, PLACE_CATALOG, err) != ERROR_OK ||
        stream_write(m->writer, text, strlen(text), err) != ERROR_OK)
        return err->code;
    talloc_free(text);
    return end_file(m, PLACE_CATALOG, err);
}

static enum error_code take_piece(void *context, const void *bytes, size_t size, struct error *err)
{
    struct making *m = context;

    m->written += size;
    return stream_write(m->writer, bytes, size, err);
}

static void show_written(void *context)
{
    const struct making *m = context;

    backup_progress(m->tools, m->written, 0, "bytes of the dump written");
}

static bool asks_cancel(void *context)
{
    struct making *m = context;

    return backup_is_cancelled(m->tools);
}

static void dump_arguments(const struct making *m, const char **ret)
{
    size_t count = 0;

    ret[count++] = "--format=custom";
    ret[count++] = "--no-password";
    ret[count++] = memory_format(m->manifest, "--snapshot=%s", m->snapshot);
    ret[count++] = memory_format(m->manifest, "--lock-wait-timeout=%d", BACKUP_LOCK_MS_DEFAULT);
    for (size_t i = 0; i < m->manifest->only_count; i++)
        ret[count++] = memory_format(m->manifest, "--table=%s", m->manifest->only[i]);
    for (size_t i = 0; m->manifest->only_count > 0 && i < m->manifest->table_count; i++)
        ret[count++] = memory_format(m->manifest, "--table=%s", m->manifest->tables[i].name);
    ret[count] = NULL;
}

static enum error_code write_dump(struct making *m, struct error *err)
{
    const char *arguments[DUMP_ARGUMENTS_MAX], *environment[PROGRAMS_ENVIRONMENT_MAX];
    const char *folder = NULL;

    if (backup_find_program(m->tools, m->session, "pg_dump", m->manifest, &folder, err) !=
            ERROR_OK ||
        begin_file(m, PLACE_DUMP, err) != ERROR_OK)
        return err->code;
    dump_arguments(m, arguments);
    programs_environment(m->session, "hakem:backup", m->manifest, environment);
    if (program_run(&(struct program){.folder = folder,
                                      .name = "pg_dump",
                                      .arguments = arguments,
                                      .environment = environment,
                                      .timeout_ms = backup_timeout(m->tools),
                                      .sink = take_piece,
                                      .stream = m,
                                      .is_cancelled = asks_cancel,
                                      .beat = show_written,
                                      .context = m},
                    err) != ERROR_OK)
        return err->code;
    return end_file(m, PLACE_DUMP, err);
}

/* ---- the whole ---- */

/* pg_dump asks the catalog as it is, whatever the snapshot says. */
static enum error_code check_unchanged(struct making *m, struct error *err)
{
    char fingerprint[HASH_HEX_SIZE];

    if (fingerprint_take(m->observer, BACKUP_FINGERPRINT_LOCK_MS, fingerprint, err) != ERROR_OK)
        return err->code;
    if (strcmp(fingerprint, m->manifest->fingerprint) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "the schema of %s was changed while it was backed up: try again when "
                         "nobody changes it",
                         m->manifest->database);
    return ERROR_OK;
}

static void name_it(struct making *m)
{
    const char *database = m->manifest->database;
    char *name = memory_format(m->manifest, "%.63s-%s", database, m->stamp);

    if (m->order->name != NULL)
        name = memory_text(m->manifest, m->order->name);
    else if (!text_is_name(name, MANIFEST_NAME_MAX))
        name = memory_format(m->manifest, "database-%s", m->stamp);
    m->manifest->name = name;
}

static enum error_code look(struct making *m, struct error *err)
{
    if (read_schema(m, err) != ERROR_OK || read_origin(m, err) != ERROR_OK ||
        read_roles(m, err) != ERROR_OK || read_tables(m, err) != ERROR_OK)
        return err->code;
    name_it(m);
    return ERROR_OK;
}

static enum error_code write_all(struct making *m, struct error *err)
{
    struct backup_place *place = &m->tools->place;
    size_t removed = 0;
    struct error ignored;

    if (backup_place_begin(place, m->manifest->name, m->folder, err) != ERROR_OK ||
        write_catalog(m, err) != ERROR_OK || write_dump(m, err) != ERROR_OK ||
        check_unchanged(m, err) != ERROR_OK ||
        backup_manifest_write(m->manifest, m->folder, backup_place_seal(place), err) != ERROR_OK ||
        backup_place_publish(place, m->manifest->name, err) != ERROR_OK)
        return err->code;
    /* What could not be removed is no fault of the new one, and is tried again by the next. */
    (void)backup_place_retain(place, m->manifest, m->order->keep, &removed, &ignored);
    return ERROR_OK;
}

static enum error_code open_sessions(struct making *m, const struct session_options *database,
                                     struct error *err)
{
    struct session_options options = *database;

    options.lock_timeout_ms = BACKUP_LOCK_MS_DEFAULT;
    if (session_open(m->manifest, &options, &m->session, err) != ERROR_OK ||
        session_open_beside(m->session, &m->observer, err) != ERROR_OK)
        return err->code;
    backup_watch(m->session, m->tools);
    backup_watch(m->observer, m->tools);
    return session_run(m->observer, "SET statement_timeout = 0", err);
}

static void end(struct making *m)
{
    session_close(m->observer);
    session_close(m->session);
    m->observer = m->session = NULL;
    talloc_free(m->writer);
}

enum error_code backup_create(const struct backup_tools *tools,
                              const struct session_options *database,
                              const struct backup_order *order, const void *parent,
                              struct backup_manifest **ret, struct error *err)
{
    struct backup_tools own = *tools;
    struct making m = {
        .tools = &own, .order = order, .manifest = memory_new(parent, struct backup_manifest)};
    int lock = -1;

    err->code = ERROR_OK;
    m.manifest->created_by =
        memory_text(m.manifest, order->created_by == NULL ? "" : order->created_by);
    m.manifest->rollout = memory_text(m.manifest, order->rollout == NULL ? "" : order->rollout);
    m.manifest->files = m.files = memory_array(m.manifest, struct backup_file, FILES_MAX);
    m.manifest->format = "custom";
    m.manifest->is_encrypted = tools->place.key != NULL;
    if (backup_place_lock(&tools->place, &lock, err) == ERROR_OK &&
        open_sessions(&m, database, err) == ERROR_OK && look(&m, err) == ERROR_OK)
        (void)write_all(&m, err);
    end(&m);
    if (lock >= 0)
        (void)close(lock);
    if (err->code == ERROR_OK)
        *ret = m.manifest;
    else
        talloc_free(m.manifest);
    return err->code;
}
