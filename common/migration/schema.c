#include "common/migration/schema.h"

#include "embedded_hakem_migration.h"

enum error_code schema_exists(struct session *session, bool *ret, struct error *err)
{
    return session_ask_bool(
        session,
        SQL("SELECT pg_catalog.to_regprocedure('hakem.take_over(text, text)') IS NOT NULL"), ret,
        err);
}

/* One of an earlier version lacks what came since. */
static enum error_code is_complete(struct session *session, bool *ret, struct error *err)
{
    return session_ask_bool(
        session,
        SQL("SELECT EXISTS (SELECT FROM pg_catalog.pg_proc"
            " WHERE oid = pg_catalog.to_regprocedure('hakem.raise_trigger()') AND prosecdef)"
            " AND pg_catalog.to_regclass('hakem.schema_known') IS NOT NULL"
            " AND pg_catalog.to_regclass('hakem.repeatable_before') IS NOT NULL"
            " AND EXISTS (SELECT FROM pg_catalog.pg_attribute"
            " WHERE attrelid = pg_catalog.to_regclass('hakem.mark') AND attname = 'meaning')"),
        ret, err);
}

enum error_code schema_ensure(struct session *session, struct error *err)
{
    bool exists, is_standby;

    if (session_ask_bool(session, SQL("SELECT pg_catalog.pg_is_in_recovery()"), &is_standby, err) !=
            ERROR_OK ||
        is_complete(session, &exists, err) != ERROR_OK)
        return err->code;
    if (exists)
        return ERROR_OK;
    if (is_standby)
        return error_set(err, ERROR_REFUSED,
                         "this database is a standby: the schema hakem is made on its primary");
    return session_run(session, embedded_schema, err);
}
