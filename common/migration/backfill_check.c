/* backfill_check.c: what a backfill is asked before it begins and before it has ended. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/migration/verify.h"

#include <inttypes.h>

static enum error_code ask_each(struct filling *f, const char *when, const char *const *queries,
                                size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct sql_call call = {.text = queries[i],
                                .where = memory_format(f->m->scratch,
                                                       "%s: validate %s, query %zu (%.120s)",
                                                       f->where, when, i + 1, queries[i])};

        if (verify_ask(f->m->session, call, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

/* With a deadline, and with all the patience there is: a query queues in nobody's way. */
static enum error_code begin_asking(struct filling *f, struct error *err)
{
    char lock[MIGRATOR_NUMBER_SIZE], statement[MIGRATOR_NUMBER_SIZE];

    (void)text_format(lock, sizeof(lock), "%" PRIu64, migrator_lock_budget(f->m));
    (void)text_format(statement, sizeof(statement), "%" PRIu64, migrator_statement_timeout(f->m));
    if (session_run(f->m->session, "BEGIN READ ONLY", err) != ERROR_OK)
        return err->code;
    return session_query(f->m->session,
                         SQL_WITH("SELECT pg_catalog.set_config('lock_timeout', $1, true),"
                                  " pg_catalog.set_config('statement_timeout', $2, true)",
                                  lock, statement),
                         NULL, err);
}

enum error_code check_before(struct filling *f, struct error *err)
{
    const struct migration_validate *validate = &f->spec->validate;
    struct error ignored;
    enum error_code code;

    if (validate->before_count == 0)
        return ERROR_OK;
    code = begin_asking(f, err);
    if (code == ERROR_OK)
        code = ask_each(f, "before", validate->before, validate->before_count, err);
    if (session_is_in_transaction(f->m->session))
        (void)session_run(f->m->session, "ROLLBACK", &ignored);
    return code;
}

enum error_code check_after(struct filling *f, struct error *err)
{
    return ask_each(f, "after", f->spec->validate.after, f->spec->validate.after_count, err);
}
