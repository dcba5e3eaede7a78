#include "common/layout/baseline.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/reading.h"
#include "common/migration/marks.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_layout.h"

#include <assert.h>
#include <string.h>

#define COLUMNS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define COLUMNS_MAX  8

/* Of two rows for one table the first whose columns are there counts. */
static const struct baseline_tool tools[] = {
    {.tool = "golang-migrate",
     .table = "schema_migrations",
     .columns = COLUMNS("version", "dirty"),
     .query = "SELECT version::text, CASE WHEN dirty THEN 'failed' ELSE 'upto' END"
              " FROM schema_migrations"},
    {.tool = "dbmate or Rails",
     .table = "schema_migrations",
     .columns = COLUMNS("version"),
     .query = "SELECT version::text, 'applied' FROM schema_migrations"},
    {.tool = "goose",
     .table = "goose_db_version",
     .columns = COLUMNS("id", "version_id", "is_applied"),
     .query = embedded_history_goose},
    {.tool = "Flyway",
     .table = "flyway_schema_history",
     .columns = COLUMNS("installed_rank", "version", "description", "type", "success"),
     .query = embedded_history_flyway},
    {.tool = "Alembic",
     .table = "alembic_version",
     .columns = COLUMNS("version_num"),
     .query = "SELECT version_num, 'upto' FROM alembic_version"},
    {.tool = "Sqitch",
     .table = "sqitch.changes",
     .columns = COLUMNS("change", "project", "committed_at"),
     .query = embedded_history_sqitch},
    {.tool = "sql-migrate",
     .table = "gorp_migrations",
     .columns = COLUMNS("id", "applied_at"),
     .query = "SELECT coalesce(substring(id FROM '^[0-9]+'), id), 'applied' FROM gorp_migrations"},
    {.tool = "Diesel",
     .table = "__diesel_schema_migrations",
     .columns = COLUMNS("version", "run_on"),
     .query = "SELECT replace(version, '-', ''), 'applied' FROM __diesel_schema_migrations"},
};

const struct baseline_tool *baseline_tool(size_t i)
{
    return i < ARRAY_LEN(tools) ? &tools[i] : NULL;
}

/* ---- which tool ---- */

static enum error_code has_table(struct session *session, const struct baseline_tool *tool,
                                 bool *ret, struct error *err)
{
    void *scratch = talloc_new(NULL);
    size_t count = 0;
    enum error_code code;

    while (count < COLUMNS_MAX && tool->columns[count] != NULL)
        count++;
    code = session_ask_bool(
        session,
        SQL_WITH(embedded_history_columns, tool->table, sql_array(scratch, tool->columns, count)),
        ret, err);
    talloc_free(scratch);
    return code;
}

static enum error_code find_tool(struct session *session, const struct baseline_tool **ret,
                                 struct error *err)
{
    const struct baseline_tool *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(tools); i++) {
        bool is_there = false;

        if (found != NULL && strcmp(found->table, tools[i].table) == 0)
            continue;
        if (has_table(session, &tools[i], &is_there, err) != ERROR_OK)
            return err->code;
        if (is_there && found != NULL)
            return error_set(err, ERROR_REFUSED,
                             "%s of %s and %s of %s are both here: name the revision that the "
                             "database is at, with --ignore-table",
                             found->table, found->tool, tools[i].table, tools[i].tool);
        if (is_there)
            found = &tools[i];
    }
    *ret = found;
    return ERROR_OK;
}

/* ---- a version as a revision ---- */

/* "2024-01-31-120000_users", "0007_rating": what stands before the '_', without dashes. */
static bool has_version(const char *name, const char *version)
{
    char own[LAYOUT_VERSION_MAX + 1];
    size_t used = 0;

    for (; *name != '\0' && *name != '_' && used < LAYOUT_VERSION_MAX; name++)
        if (*name != '-')
            own[used++] = *name;
    own[used] = '\0';
    return used > 0 && strspn(own, "0123456789.") == used &&
           strspn(version, "0123456789.") == strlen(version) && version[0] != '\0' &&
           reading_compare_versions(own, version) == 0;
}

/* An Alembic id at either end: "0007_ae1027a6acf", "ae1027a6acf_rating". */
static bool has_word(const char *name, const char *version)
{
    size_t name_length = strlen(name), length = strlen(version);

    if (length == 0 || length >= name_length)
        return false;
    return (text_starts_with(name, version) && name[length] == '_') ||
           (text_ends_with(name, version) && name[name_length - length - 1] == '_');
}

static bool find_revision(const struct migration_set *set, const char *version, size_t *ret)
{
    if (migration_find(set, version, ret))
        return true;
    for (size_t i = 0; i < set->revision_count; i++) {
        if (!has_version(set->revisions[i].name, version) &&
            !has_word(set->revisions[i].name, version))
            continue;
        *ret = i;
        return true;
    }
    return false;
}

/* ---- what the table says ---- */

static void mark_up_to(const struct migration_set *set, size_t revision, bool *ret_is_applied)
{
    size_t *history = memory_array(NULL, size_t, set->revision_count);
    size_t count = migration_history_of(set, revision, history);

    for (size_t i = 0; i < count; i++)
        ret_is_applied[history[i]] = true;
    talloc_free(history);
}

static enum error_code take_row(const struct baseline_tool *tool, const struct migration_set *set,
                                const char *version, const char *state, bool *ret_is_applied,
                                struct error *err)
{
    size_t revision = 0;

    if (strcmp(state, "failed") == 0)
        return error_set(err, ERROR_REFUSED,
                         "%s says that %s failed half-way: bring it to an end with %s first",
                         tool->table, version, tool->tool);
    if (strcmp(state, "mixed") == 0)
        return error_set(err, ERROR_REFUSED,
                         "%s has the changes of several projects: name the revision that the "
                         "database is at, with --ignore-table",
                         tool->table);
    if (!find_revision(set, version, &revision))
        return error_set(err, ERROR_REFUSED,
                         "%s says that %s is applied, and no revision of the folder is that: add "
                         "its file",
                         tool->table, version);
    if (strcmp(state, "upto") == 0)
        mark_up_to(set, revision, ret_is_applied);
    ret_is_applied[revision] = true;
    return ERROR_OK;
}

static enum error_code read_rows(struct session *session, const struct baseline_tool *tool,
                                 const struct migration_set *set, bool *ret_is_applied,
                                 struct error *err)
{
    struct rows *rows = NULL;
    enum error_code code = session_query(
        session, (struct sql_call){.text = tool->query, .where = tool->table}, &rows, err);

    if (code != ERROR_OK)
        return code;
    for (size_t i = 0; i < rows_count(rows) && code == ERROR_OK; i++)
        code =
            take_row(tool, set, rows_text(rows, i, 0), rows_text(rows, i, 1), ret_is_applied, err);
    rows_free(rows);
    return code;
}

static enum error_code check_parents(const struct baseline_tool *tool,
                                     const struct migration_set *set, const bool *is_applied,
                                     struct error *err)
{
    for (size_t i = 0; i < set->revision_count; i++)
        for (size_t p = 0; is_applied[i] && p < set->revisions[i].parent_count; p++)
            if (!is_applied[set->revisions[i].parents[p]])
                return error_set(err, ERROR_REFUSED,
                                 "%s says that %s is applied, and %s, which it stands on, is not: "
                                 "apply that with %s first",
                                 tool->table, set->revisions[i].name,
                                 set->revisions[set->revisions[i].parents[p]].name, tool->tool);
    return ERROR_OK;
}

enum error_code baseline_look(struct session *session, const struct migration_set *set,
                              const void *parent, struct baseline_standing **ret, struct error *err)
{
    struct baseline_standing *standing = memory_new(parent, struct baseline_standing);

    standing->is_applied = memory_array(standing, bool, set->revision_count);
    if (find_tool(session, &standing->tool, err) != ERROR_OK ||
        (standing->tool != NULL &&
         (read_rows(session, standing->tool, set, standing->is_applied, err) != ERROR_OK ||
          check_parents(standing->tool, set, standing->is_applied, err) != ERROR_OK))) {
        talloc_free(standing);
        return err->code;
    }
    for (size_t i = 0; i < set->revision_count; i++)
        standing->count += standing->is_applied[i];
    *ret = standing;
    return ERROR_OK;
}

/* ---- taking it over ---- */

static enum error_code check_marks(struct session *session, const void *parent, struct error *err)
{
    struct marks *marks = NULL;

    if (marks_read(session, parent, &marks, err) != ERROR_OK)
        return err->code;
    assert(marks != NULL);
    for (size_t i = 0; i < marks->count; i++)
        if (marks->marks[i].checksum[0] != '\0')
            return error_set(err, ERROR_REFUSED,
                             "this database is Hakem's already: %s is applied to it",
                             marks->marks[i].revision);
    return ERROR_OK;
}

enum adopted_column {
    ADOPTED_NAME,
    ADOPTED_CHECKSUM,
    ADOPTED_BACKFILL,
    ADOPTED_CONTRACT,
    ADOPTED_MEANING,
    ADOPTED
};

static enum error_code write_marks(struct session *session, const struct migration_set *set,
                                   const bool *is_applied, const struct sql_call *rest,
                                   struct error *err)
{
    void *scratch = talloc_new(NULL);
    const char **columns[ADOPTED];
    char *arrays[ADOPTED];
    size_t count = 0;
    enum error_code code;

    for (size_t c = 0; c < ADOPTED; c++)
        columns[c] = memory_array(scratch, const char *, set->revision_count);
    for (size_t i = 0; i < set->revision_count; i++) {
        const struct migration_revision *revision = &set->revisions[i];

        if (!is_applied[i])
            continue;
        columns[ADOPTED_NAME][count] = revision->name;
        columns[ADOPTED_CHECKSUM][count] = revision->checksum;
        columns[ADOPTED_MEANING][count] = revision->meaning;
        columns[ADOPTED_BACKFILL][count] = revision->backfill_count > 0 ? "true" : "false";
        columns[ADOPTED_CONTRACT][count++] =
            revision->scripts[MIGRATION_SCRIPT_CONTRACT] != NULL ? "true" : "false";
    }
    for (size_t c = 0; c < ADOPTED; c++)
        arrays[c] = sql_array(scratch, columns[c], count);
    code = session_query(session,
                         SQL_WITH(embedded_baseline_mark, arrays[ADOPTED_NAME],
                                  arrays[ADOPTED_CHECKSUM], arrays[ADOPTED_BACKFILL],
                                  arrays[ADOPTED_CONTRACT], rest->params[0], rest->params[1],
                                  arrays[ADOPTED_MEANING]),
                         NULL, err);
    talloc_free(scratch);
    return code;
}

enum error_code baseline_adopt(struct session *session, const struct migration_set *set,
                               const struct migration_run *run, const bool *is_applied,
                               const char *why, struct error *err)
{
    const struct sql_call rest = SQL_WITH("", run->operator_name, why);
    void *scratch = talloc_new(NULL);
    enum error_code code = check_marks(session, scratch, err);
    struct error ignored;

    talloc_free(scratch);
    if (code != ERROR_OK)
        return code;
    assert(run->hold != NULL);
    if (session_run(session, "BEGIN; SELECT hakem.enter('', 0)", err) == ERROR_OK &&
        write_marks(session, set, is_applied, &rest, err) == ERROR_OK &&
        session_run(session, "COMMIT", err) == ERROR_OK)
        return ERROR_OK;
    (void)session_run(session, "ROLLBACK", &ignored);
    return err->code;
}
