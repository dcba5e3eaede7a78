/* remains.c: what statements outside of transactions leave behind: looked at, and taken away, by
 * whom they run as.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/segment.h"

#include <string.h>

static const char *subject_text(struct migrator *m, const struct split_statement *statement)
{
    return sql_identifier(m->scratch, statement->subject.schema, statement->subject.name);
}

enum index_state { INDEX_ABSENT, INDEX_INVALID, INDEX_VALID };

static enum error_code look_at_index(struct migrator *m, const char *name, enum index_state *ret,
                                     struct error *err)
{
    struct rows *rows;

    if (session_query(m->session,
                      SQL_WITH("SELECT indisvalid AND indisready AND indislive"
                               " FROM pg_catalog.pg_index"
                               " WHERE indexrelid = pg_catalog.to_regclass($1)",
                               name),
                      &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) == 0)
        *ret = INDEX_ABSENT;
    else
        *ret = rows_bool(rows, 0, 0) ? INDEX_VALID : INDEX_INVALID;
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code drop_index(struct migrator *m, const char *name, const char *where,
                                  struct error *err)
{
    struct sql_call call = {
        .text = memory_format(m->scratch, "DROP INDEX CONCURRENTLY IF EXISTS %s", name),
        .where = where};

    return session_query(m->session, call, NULL, err);
}

static enum error_code inspect_nothing(struct migrator *m, const struct split_statement *statement,
                                       const char *where, bool *ret_did, struct error *err)
{
    (void)m;
    (void)statement;
    (void)where;
    (void)err;
    *ret_did = false;
    return ERROR_OK;
}

static enum error_code inspect_index(struct migrator *m, const struct split_statement *statement,
                                     const char *where, bool *ret_did, struct error *err)
{
    const char *name = subject_text(m, statement);
    enum index_state state = INDEX_ABSENT;

    if (look_at_index(m, name, &state, err) != ERROR_OK)
        return err->code;
    *ret_did = state == INDEX_VALID;
    return state == INDEX_INVALID ? drop_index(m, name, where, err) : ERROR_OK;
}

static enum error_code inspect_drop(struct migrator *m, const struct split_statement *statement,
                                    const char *where, bool *ret_did, struct error *err)
{
    enum index_state state = INDEX_ABSENT;

    (void)where;
    if (look_at_index(m, subject_text(m, statement), &state, err) != ERROR_OK)
        return err->code;
    *ret_did = state == INDEX_ABSENT;
    return ERROR_OK;
}

/* What a dead REINDEX CONCURRENTLY leaves: invalid indexes called NAME_ccnew, on an index's own
 * table, or on the table and what it keeps its long values in. */
static enum error_code inspect_reindex(struct migrator *m, const struct split_statement *statement,
                                       const char *where, bool *ret_did, struct error *err)
{
    struct rows *rows;
    enum error_code code = ERROR_OK;

    *ret_did = false;
    if (session_query(
            m->session,
            SQL_WITH(
                "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)"
                " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
                " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
                " WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'"
                " AND i.indrelid IN (SELECT pg_catalog.to_regclass($1)::oid UNION"
                " SELECT reltoastrelid FROM pg_catalog.pg_class"
                " WHERE oid = pg_catalog.to_regclass($1) UNION"
                " SELECT indrelid FROM pg_catalog.pg_index"
                " WHERE indexrelid = pg_catalog.to_regclass($1))",
                subject_text(m, statement)),
            &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows) && code == ERROR_OK; i++)
        code = drop_index(m, rows_text(rows, i, 0), where, err);
    rows_free(rows);
    return code;
}

static enum error_code inspect_detach(struct migrator *m, const struct split_statement *statement,
                                      const char *where, bool *ret_did, struct error *err)
{
    const char *partition =
        sql_identifier(m->scratch, statement->partition.schema, statement->partition.name);
    struct sql_call finalize = {.text = memory_format(m->scratch,
                                                      "ALTER TABLE %s DETACH PARTITION %s FINALIZE",
                                                      subject_text(m, statement), partition),
                                .where = where};
    struct rows *rows;
    bool is_attached, is_pending;

    if (session_query(m->session,
                      SQL_WITH("SELECT inhdetachpending FROM pg_catalog.pg_inherits"
                               " WHERE inhrelid = pg_catalog.to_regclass($1)",
                               partition),
                      &rows, err) != ERROR_OK)
        return err->code;
    is_attached = rows_count(rows) > 0;
    is_pending = is_attached && rows_bool(rows, 0, 0);
    rows_free(rows);
    if (is_pending && session_query(m->session, finalize, NULL, err) != ERROR_OK)
        return err->code;
    *ret_did = !is_attached || is_pending;
    return ERROR_OK;
}

static enum error_code (*const inspections[SPLIT_REMAINS_COUNT])(struct migrator *,
                                                                 const struct split_statement *,
                                                                 const char *, bool *,
                                                                 struct error *) = {
    [SPLIT_REMAINS_NOTHING] = inspect_nothing,    [SPLIT_REMAINS_INDEX] = inspect_index,
    [SPLIT_REMAINS_INDEX_TO_DROP] = inspect_drop, [SPLIT_REMAINS_REINDEX] = inspect_reindex,
    [SPLIT_REMAINS_DETACH] = inspect_detach,
};

enum error_code remains_inspect(struct migrator *m, const struct split_statement *statement,
                                const char *where, bool *ret_did, struct error *err)
{
    enum error_code code = surroundings_begin_role(m, err);

    if (code != ERROR_OK)
        return code;
    code = inspections[statement->remains](m, statement, where, ret_did, err);
    surroundings_end_role(m);
    return code;
}

static enum error_code look_by_role(struct migrator *m, const char *name, enum index_state *ret,
                                    struct error *err)
{
    enum error_code code = surroundings_begin_role(m, err);

    if (code != ERROR_OK)
        return code;
    code = look_at_index(m, name, ret, err);
    surroundings_end_role(m);
    return code;
}

enum error_code remains_confirm(struct migrator *m, const struct split_statement *statement,
                                const char *where, struct error *err)
{
    enum index_state state = INDEX_ABSENT;

    if (statement->remains != SPLIT_REMAINS_INDEX)
        return ERROR_OK;
    if (look_by_role(m, subject_text(m, statement), &state, err) != ERROR_OK)
        return err->code;
    if (state == INDEX_VALID)
        return ERROR_OK;
    /* IF NOT EXISTS succeeds over an invalid index, and leaves it so. */
    return error_set(err, ERROR_SQL,
                     "%s: the index %s is not valid although the statement succeeded: an older, "
                     "invalid one of that name is in the way; drop it",
                     where, statement->subject.name);
}
