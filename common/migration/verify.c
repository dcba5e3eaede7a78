#include "common/migration/verify.h"

#include "common/base/clock.h"
#include "common/base/memory.h"

#define VERIFY_PAUSE_MS 200

static enum error_code judge(const struct rows *rows, const char *where, struct error *err)
{
    const char *answer;

    if (rows_count(rows) != 1 || rows_columns(rows) != 1)
        return error_set(err, ERROR_VERIFY,
                         "%s: a validation returns one row of one boolean, not %zu rows of %zu "
                         "columns",
                         where, rows_count(rows), rows_columns(rows));
    if (rows_is_null(rows, 0, 0))
        return error_set(err, ERROR_VERIFY, "%s: the validation says neither yes nor no (NULL)",
                         where);
    answer = rows_text(rows, 0, 0);
    if (answer[0] == 't' && answer[1] == '\0')
        return ERROR_OK;
    if (answer[0] == 'f' && answer[1] == '\0')
        return error_set(err, ERROR_VERIFY, "%s: the validation says no", where);
    return error_set(err, ERROR_VERIFY, "%s: \"%.60s\" is no boolean", where, answer);
}

enum error_code verify_ask(struct session *session, struct sql_call call, struct error *err)
{
    struct rows *rows = NULL;
    enum error_code code = session_query(session, call, &rows, err);

    if (code == ERROR_OK)
        code = judge(rows, call.where, err);
    rows_free(rows);
    return code;
}

static enum error_code run_query(struct session *session, const struct split *split, size_t i,
                                 struct error *err)
{
    char *where = memory_format(NULL, "%s:%zu", split->path, split->statements[i].line);
    struct sql_call call = {.text = split->statements[i].text, .where = where};
    enum error_code code =
        split->must_run ? session_query(session, call, NULL, err) : verify_ask(session, call, err);

    talloc_free(where);
    return code;
}

/* One snapshot for all, and nothing that they could change. */
static enum error_code run_all(struct session *session, const struct split *split,
                               struct error *err)
{
    if (session_run(session, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < split->count; i++)
        if (run_query(session, split, i, err) != ERROR_OK)
            return err->code;
    return session_run(session, "ROLLBACK", err);
}

static enum error_code try_once(const struct session_options *own_options,
                                const struct split *split, uint64_t left_ms, struct error *err)
{
    struct session_options own = *own_options;
    struct session *session;
    enum error_code code;

    if (own.statement_timeout_ms == 0 || own.statement_timeout_ms > left_ms)
        own.statement_timeout_ms = left_ms;
    if (own.connect_timeout_ms == 0 || own.connect_timeout_ms > left_ms)
        own.connect_timeout_ms = left_ms;
    if (session_open(NULL, &own, &session, err) != ERROR_OK)
        return err->code;
    code = run_all(session, split, err);
    session_close(session);
    return code;
}

enum error_code verify_run(const struct session_options *options,
                           const struct migration_revision *revision, enum migration_script script,
                           uint64_t deadline_ms, struct error *err)
{
    const struct split *split = revision->scripts[script];
    struct session_options own = *options;
    uint64_t end = clock_monotonic_ms() + deadline_ms;
    uint64_t now;

    if (split == NULL)
        return ERROR_OK;
    if (revision->search_path != NULL)
        own.search_path = revision->search_path;
    for (now = clock_monotonic_ms();; now = clock_monotonic_ms()) {
        enum error_code code = try_once(&own, split, end > now ? end - now : 1, err);

        if ((code != ERROR_CONFLICT && code != ERROR_CONNECTION) ||
            clock_monotonic_ms() + VERIFY_PAUSE_MS >= end)
            return code;
        clock_sleep_ms(VERIFY_PAUSE_MS);
    }
}
