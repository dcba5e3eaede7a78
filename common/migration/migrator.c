#include "common/migration/migrator.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <string.h>

/* ---- what the run allows ---- */

uint64_t migrator_statement_timeout(const struct migrator *m)
{
    uint64_t own = m->revision->statement_timeout_ms;
    uint64_t ceiling = m->run->statement_timeout_ms;

    if (own == 0 || (ceiling != 0 && ceiling < own))
        return ceiling;
    return own;
}

uint64_t migrator_lock_budget(const struct migrator *m)
{
    if (m->revision != NULL && m->revision->lock_timeout_ms != 0)
        return m->revision->lock_timeout_ms;
    return m->run->lock_budget_ms != 0 ? m->run->lock_budget_ms : MIGRATION_LOCK_BUDGET_MS_DEFAULT;
}

void migrator_report(struct migrator *m, uint64_t done, uint64_t total, const char *text)
{
    const struct migration_hooks *hooks = m->run->hooks;

    if (hooks != NULL && hooks->progress != NULL)
        hooks->progress(hooks->context, done, total, text);
}

void migrator_begin(struct migrator *m, struct session *session, const struct migration_set *set,
                    const struct migration_run *run)
{
    *m = (struct migrator){.session = session, .set = set, .run = run};
    m->scratch = talloc_new(session);
    (void)text_format(m->step_text, sizeof(m->step_text), "%" PRIu64, run->step);
    (void)text_format(m->attempt_text, sizeof(m->attempt_text), "%" PRIu64, run->attempt);
    (void)session_set_watch(session, migrator_watch(m));
}

enum error_code migrator_open(struct migrator *m, struct session *session,
                              const struct migration_order *order, const struct migration_run *run,
                              struct error *err)
{
    migrator_begin(m, session, order->set, run);
    if (!migration_find(order->set, order->revision, &m->index))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s", order->revision);
    m->revision = &order->set->revisions[m->index];
    return state_read(m, order->phase, err);
}

void migrator_close(struct migrator *m, struct session_watch before)
{
    (void)session_set_watch(m->session, before);
    if (m->holds_lock)
        state_unlock(m->session);
    session_close(m->observer);
    talloc_free(m->scratch);
}
