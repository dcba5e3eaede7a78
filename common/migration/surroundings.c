/* surroundings.c: the search_path of a revision's phases, and the role of its statements. */
#include "common/base/memory.h"
#include "common/migration/segment.h"
#include "common/postgres/quote.h"

/* For the session: statements outside of transactions find their tables by it, too. */
enum error_code surroundings_enter(struct migrator *m, struct error *err)
{
    struct rows *rows = NULL;

    if (m->revision->search_path == NULL)
        return ERROR_OK;
    if (session_query(m->session, SQL("SELECT pg_catalog.current_setting('search_path')"), &rows,
                      err) != ERROR_OK)
        return err->code;
    m->search_path_before = memory_text(m->scratch, rows_text(rows, 0, 0));
    rows_free(rows);
    return session_query(m->session,
                         SQL_WITH("SELECT pg_catalog.set_config('search_path', $1, false)",
                                  m->revision->search_path),
                         NULL, err);
}

void surroundings_leave(struct migrator *m)
{
    struct error ignored;

    if (m->search_path_before == NULL || session_is_lost(m->session))
        return;
    if (session_is_in_transaction(m->session))
        (void)session_run(m->session, "ROLLBACK", &ignored);
    (void)session_query(
        m->session,
        SQL_WITH("SELECT pg_catalog.set_config('search_path', $1, false)", m->search_path_before),
        NULL, &ignored);
}

const char *surroundings_role(const struct migrator *m)
{
    return m->revision->role != NULL ? m->revision->role : m->run->role;
}

const char *surroundings_role_sql(const struct migrator *m, const char *role)
{
    return memory_format(m->scratch, "SET ROLE %s", sql_identifier(m->scratch, NULL, role));
}

void surroundings_add_by(struct migrator *m, struct transaction *t, const char *role,
                         const char *where, const char *sql)
{
    if (role != NULL)
        transaction_add(t, "the role", surroundings_role_sql(m, role), 0, NULL);
    transaction_add(t, where, sql, 0, NULL);
    if (role != NULL)
        transaction_add_plain(t, "RESET ROLE");
}

enum error_code surroundings_begin_role(struct migrator *m, struct error *err)
{
    const char *role = surroundings_role(m);

    return role == NULL ? ERROR_OK : session_run(m->session, surroundings_role_sql(m, role), err);
}

void surroundings_end_role(struct migrator *m)
{
    struct session_watch before;
    struct error ignored;

    if (surroundings_role(m) == NULL || session_is_lost(m->session))
        return;
    /* A cancel that is still wanted must not leave the session to the role. */
    before = session_set_watch(m->session, (struct session_watch){.context = NULL});
    (void)session_run(m->session, "RESET ROLE", &ignored);
    (void)session_set_watch(m->session, before);
}
