/* assertion.c: what must be true before a phase begins and after it has ended. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/segment.h"
#include "common/migration/verify.h"

#include <inttypes.h>
#include <string.h>

enum error_code question_begin(struct migrator *m, struct error *err)
{
    char lock[MIGRATOR_NUMBER_SIZE], statement[MIGRATOR_NUMBER_SIZE];

    (void)text_format(lock, sizeof(lock), "%" PRIu64, migrator_lock_budget(m));
    (void)text_format(statement, sizeof(statement), "%" PRIu64, migrator_statement_timeout(m));
    if (session_run(m->session, "BEGIN READ ONLY", err) != ERROR_OK)
        return err->code;
    return session_query(m->session,
                         SQL_WITH("SELECT pg_catalog.set_config('lock_timeout', $1, true),"
                                  " pg_catalog.set_config('statement_timeout', $2, true)",
                                  lock, statement),
                         NULL, err);
}

void question_end(struct migrator *m)
{
    struct error ignored;

    if (session_is_in_transaction(m->session))
        (void)session_run(m->session, "ROLLBACK", &ignored);
}

static bool is_about(const struct migration_assertion *assertion, enum migration_phase phase,
                     bool is_before)
{
    const char *name = is_before ? assertion->before : assertion->after;

    return name != NULL && strcmp(name, migration_phase_name(phase)) == 0;
}

static enum error_code ask(struct migrator *m, const struct migration_assertion *assertion,
                           struct error *err)
{
    bool is_before = assertion->before != NULL;
    struct sql_call call = {
        .text = assertion->query,
        .where = memory_format(m->scratch, "%s/migration.yaml: assert %s %s (%.200s)",
                               m->revision->name, is_before ? "before" : "after",
                               is_before ? assertion->before : assertion->after,
                               assertion->says[0] != '\0' ? assertion->says : assertion->query)};

    return verify_ask(m->session, call, err);
}

static bool has_any(const struct migration_revision *revision, enum migration_phase phase)
{
    for (size_t i = 0; i < revision->assertion_count; i++)
        if (is_about(&revision->assertions[i], phase, false))
            return true;
    return false;
}

#define HOLD_NOTE "assertions hold"

enum error_code assertions_are_open(struct session *session,
                                    const struct migration_revision *revision,
                                    enum migration_phase phase, bool *ret, struct error *err)
{
    *ret = false;
    if (!has_any(revision, phase))
        return ERROR_OK;
    return session_ask_bool(
        session,
        SQL_WITH("SELECT NOT EXISTS (SELECT FROM hakem.migration_log l"
                 " WHERE l.revision = $1 AND l.phase = $2 AND l.statement = 0"
                 " AND l.outcome = 'note' AND l.detail = '" HOLD_NOTE "' AND l.generation ="
                 " coalesce((SELECT generation FROM hakem.mark WHERE revision = $1), 0)"
                 " - ($2 = 'revert')::integer)", /* its end began the next one */
                 revision->name, migration_phase_name(phase)),
        ret, err);
}

/* What a later phase, or revision, makes of the schema is no matter any more. */
static enum error_code note_that_they_hold(struct migrator *m, enum migration_phase phase,
                                           struct error *err)
{
    const struct log_row row = {
        .phase = migration_phase_name(phase), .outcome = "note", .hash = "", .detail = HOLD_NOTE};
    struct transaction *t = transaction_new(m->scratch);
    enum error_code code;

    transaction_begin(m, t, LADDER_PATIENCE_MIN_MS);
    transaction_log(m, t, &row);
    transaction_commit(m, t, false);
    code = transaction_run(m, t, NULL, err);
    talloc_free(t);
    return code;
}

enum error_code assertions_ask_after(struct migrator *m, enum migration_phase phase,
                                     struct error *err)
{
    bool are_open = false;

    if (assertions_are_open(m->session, m->revision, phase, &are_open, err) != ERROR_OK)
        return err->code;
    if (!are_open)
        return ERROR_OK;
    if (assertions_ask(m, phase, false, err) != ERROR_OK)
        return err->code;
    return note_that_they_hold(m, phase, err);
}

enum error_code assertions_ask(struct migrator *m, enum migration_phase phase, bool is_before,
                               struct error *err)
{
    enum error_code code = ERROR_OK;

    for (size_t i = 0; i < m->revision->assertion_count && code == ERROR_OK; i++) {
        if (!is_about(&m->revision->assertions[i], phase, is_before))
            continue;
        code = question_begin(m, err);
        if (code == ERROR_OK)
            code = ask(m, &m->revision->assertions[i], err);
        question_end(m);
    }
    return code;
}
