/* copy.c: a database is emptied, and given another one's schema, and what is recorded of that. */
#include "agent/twin/twin_internal.h"

#include "agent/hook.h"
#include "agent/programs.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>
#include <unistd.h>

#define DUMP_MS        600000
#define DUMP_BYTES_MAX (64u << 20)
#define PIECE_ROWS     "2000"

enum error_code twin_empty(struct twin *t, struct error *err)
{
    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    (void)twin_run_each(t->own, SQL(embedded_twin_empty), err);
    return twin_end(t->own, err);
}

/* ---- the schema ---- */

static enum error_code dump(struct twin *t, const char *path, struct error *err)
{
    static const char *const names[] = {"pg_dump", NULL};
    const char *const arguments[] = {"--schema-only",
                                     "--exclude-schema=hakem",
                                     "--no-publications",
                                     "--no-subscriptions",
                                     "--no-tablespaces",
                                     "--lock-wait-timeout=5000",
                                     "--no-password",
                                     "--encoding=UTF8",
                                     "--file",
                                     path,
                                     NULL};
    const char *environment[PROGRAMS_ENVIRONMENT_MAX];
    const char *folder = NULL;
    char program[FILE_PATH_MAX];
    struct hook hook = {.path = program,
                        .arguments = arguments,
                        .environment = environment,
                        .timeout_ms = DUMP_MS,
                        .own_session = true,
                        .is_cancelled = t->hooks.is_cancelled,
                        .context = t->hooks.context};
    uint64_t version = (uint64_t)PQserverVersion(session_connection(t->peer)) / 10000;

    if (programs_find(t->config, version, names, t->memory, &folder, err) != ERROR_OK)
        return err->code;
    programs_environment(t->peer, t->session_name, t->memory, environment);
    (void)text_format(program, sizeof(program), "%s/pg_dump", folder);
    return hook_run(&hook, t->memory, NULL, err);
}

/* What newer pg_dumps say to psql alone: \restrict KEY before everything, \unrestrict KEY after it.
 * The key is random, so nothing else in the file is that line. */
static void blank_restrictions(char *sql)
{
    char *line = strstr(sql, "\n\\restrict ");
    char key[128];
    char *end;

    if (line == NULL || strcspn(line + 11, "\n") >= sizeof(key))
        return;
    (void)text_format(key, sizeof(key), "\n\\unrestrict %.*s\n", (int)strcspn(line + 11, "\n"),
                      line + 11);
    memset(line + 1, ' ', strcspn(line + 1, "\n"));
    end = strstr(sql, key);
    if (end != NULL)
        memset(end + 1, ' ', strlen(key) - 2);
}

/* A session of its own: a dump leaves its settings behind. */
static enum error_code restore(struct twin *t, const char *path, struct error *err)
{
    struct session_options options = {.url = t->config->database.admin_url,
                                      .application_name = t->session_name};
    struct session *session = NULL;
    char *sql = NULL;
    size_t size = 0;

    if (file_read(t->memory, path, DUMP_BYTES_MAX, &sql, &size, err) != ERROR_OK ||
        session_open(t->memory, &options, &session, err) != ERROR_OK)
        return err->code;
    (void)session_set_watch(session, (struct session_watch){.context = t->hooks.context,
                                                            .is_cancelled = t->hooks.is_cancelled});
    blank_restrictions(sql);
    err->code = session_run(session, sql, err); /* several statements are one transaction */
    session_close(session);
    talloc_free(sql);
    return err->code;
}

/* ---- what is recorded of it ---- */

struct record_table {
    const char *count, *read, *write;
};

/* As JSON, in pieces: $1 rows from $2 on, in an order that stands. */
#define RECORDS_OF(table, key)                                                                     \
    {                                                                                              \
        .count = "SELECT count(*) FROM hakem." table,                                              \
        .read = "SELECT coalesce(pg_catalog.json_agg(r), '[]') FROM (SELECT * FROM hakem." table   \
                " ORDER BY " key " LIMIT $1::bigint OFFSET $2::bigint) AS r",                      \
        .write = "INSERT INTO hakem." table " OVERRIDING SYSTEM VALUE"                             \
                 " SELECT * FROM pg_catalog.json_populate_recordset(NULL::hakem." table            \
                 ", $1::json) ON CONFLICT DO NOTHING"                                              \
    }

static const struct record_table record_tables[] = {
    RECORDS_OF("mark", "revision"),    RECORDS_OF("schema_version", "id"),
    RECORDS_OF("migration_log", "id"), RECORDS_OF("backfill", "revision, generation, position"),
    RECORDS_OF("repeatable", "name"),  RECORDS_OF("repeatable_before", "name, times"),
};

static enum error_code copy_records(struct twin *t, const struct record_table *table,
                                    struct error *err)
{
    uint64_t count = 0;
    uint64_t step = 0;

    (void)text_to_number(PIECE_ROWS, UINT64_MAX, &step);
    if (session_ask_number(t->peer, SQL(table->count), &count, err) != ERROR_OK)
        return err->code;
    for (uint64_t from = 0; from < count; from += step) {
        char *piece = NULL;

        if (session_ask_text(t->peer, SQL_WITH(table->read, PIECE_ROWS, twin_number(from).text),
                             t->memory, &piece, err) != ERROR_OK ||
            session_query(t->own, SQL_WITH(table->write, piece), NULL, err) != ERROR_OK)
            return err->code;
        talloc_free(piece);
    }
    return ERROR_OK;
}

/* Numbers go on where the copied ones end. */
static const char go_on_from[] =
    "SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence('hakem.schema_version', 'id'),"
    " (SELECT coalesce(max(id), 0) + 1 FROM hakem.schema_version), false),"
    " pg_catalog.setval(pg_catalog.pg_get_serial_sequence('hakem.migration_log', 'id'),"
    " (SELECT coalesce(max(id), 0) + 1 FROM hakem.migration_log), false)";

enum error_code twin_copy_schema(struct twin *t, struct error *err)
{
    char path[FILE_PATH_MAX];

    (void)text_format(path, sizeof(path), "%s/twin-%llu.sql", t->config->state,
                      (unsigned long long)t->rollout);
    t->hooks.progress(t->hooks.context, 0, 0, "the schema is copied");
    err->code = ERROR_OK;
    if (dump(t, path, err) == ERROR_OK)
        (void)restore(t, path, err);
    (void)unlink(path);
    for (size_t i = 0; i < ARRAY_LEN(record_tables) && err->code == ERROR_OK; i++)
        (void)copy_records(t, &record_tables[i], err);
    return err->code == ERROR_OK ? session_query(t->own, SQL(go_on_from), NULL, err) : err->code;
}
