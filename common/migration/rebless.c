#include "common/migration/rebless.h"

#include "common/base/memory.h"
#include "common/migration/marks.h"
#include "embedded_hakem_migration.h"

#include <assert.h>
#include <string.h>

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
    if (err->code != ERROR_OK)
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
