#include "common/migration/rebless.h"

#include "common/base/memory.h"
#include "common/migration/marks.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static const struct split *script_of(const struct migration_revision *revision, const char *phase)
{
    if (strcmp(phase, migration_phase_name(MIGRATION_CONTRACT)) == 0)
        return revision->scripts[MIGRATION_SCRIPT_CONTRACT];
    if (strcmp(phase, migration_phase_name(MIGRATION_REVERT)) == 0)
        return revision->scripts[MIGRATION_SCRIPT_REVERT];
    return revision->scripts[MIGRATION_SCRIPT_EXPAND];
}

static enum error_code check_statement(const struct migration_revision *revision,
                                       const struct rows *rows, size_t row, struct error *err)
{
    const char *phase = rows_text(rows, row, 0);
    const struct split *split = script_of(revision, phase);
    uint64_t number = rows_number(rows, row, 1);

    if (split != NULL && number <= split->count &&
        strcmp(split->statements[number - 1].hash, rows_text(rows, row, 2)) == 0)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s is half applied, and statement %" PRIu64 " of its %s is not the one that "
                     "was done: a run goes on by their numbers, so put those that are done back, "
                     "or revert with the old files",
                     revision->name, number, phase);
}

/* Of one that is half applied what is done has to stand where it stood. */
static enum error_code check_done(struct session *session,
                                  const struct migration_revision *revision, struct error *err)
{
    enum error_code code = ERROR_OK;
    struct rows *rows = NULL;

    if (session_query(session,
                      SQL_WITH("SELECT l.phase, l.statement, l.hash FROM hakem.migration_log l"
                               " JOIN hakem.mark m USING (revision, generation)"
                               " WHERE l.revision = $1 AND m.partial AND l.statement > 0"
                               " AND l.outcome IN ('intent', 'done')"
                               " AND l.phase IN ('expand', 'contract', 'revert')"
                               " AND NOT EXISTS (SELECT FROM hakem.schema_version v"
                               " WHERE (v.revision, v.phase, v.generation)"
                               " = (l.revision, l.phase, l.generation)) ORDER BY l.id",
                               revision->name),
                      &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows) && code == ERROR_OK; i++)
        code = check_statement(revision, rows, i, err);
    rows_free(rows);
    return code;
}

enum error_code rebless(struct session *session, const struct migration_revision *revision,
                        const struct migration_run *run, const char *reason, struct error *err)
{
    const char *by = run->operator_name != NULL ? run->operator_name : "";
    struct marks *marks = NULL;
    const struct mark *mark;
    struct error ignored;
    bool is_applied;

    assert(run->hold != NULL);
    if (marks_read(session, NULL, &marks, err) != ERROR_OK)
        return err->code;
    mark = marks_find(marks, revision->name);
    is_applied = mark != NULL && mark->checksum[0] != '\0';
    if (is_applied && strcmp(mark->checksum, revision->checksum) == 0)
        (void)error_set(err, ERROR_REFUSED, "the files of %s are those that were applied",
                        revision->name);
    else if (!is_applied)
        (void)error_set(err, ERROR_REFUSED, "%s is not applied to this database", revision->name);
    else
        err->code = ERROR_OK;
    talloc_free(marks);
    if (err->code != ERROR_OK || check_done(session, revision, err) != ERROR_OK)
        return err->code;
    if (session_run(session, "BEGIN; SELECT hakem.enter('', 0)", err) == ERROR_OK &&
        session_query(session,
                      SQL_WITH(embedded_rebless, revision->name, revision->checksum,
                               revision->meaning, reason, by),
                      NULL, err) == ERROR_OK &&
        session_run(session, "COMMIT", err) == ERROR_OK)
        return ERROR_OK;
    (void)session_run(session, "ROLLBACK", &ignored);
    return err->code;
}
