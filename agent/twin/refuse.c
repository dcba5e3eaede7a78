/* refuse.c: what stands in the way of following, all of it at once, before anything is touched. */
#include "agent/twin/twin_internal.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "embedded_hakem_agent_shell.h"

#define SAID_MAX (SENTENCE_SIZE - 128)

static enum error_code add_faults(struct session *session, const char *node, struct sql_call call,
                                  struct text *said, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, call, &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < rows_count(rows); i++)
        text_append_format(said, "%s%s: %s", said->size > 0 ? ". " : "", node,
                           rows_text(rows, i, 0));
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code check_part(struct twin *t, struct error *err)
{
    bool is_standby = false;

    if (session_ask_bool(t->peer, SQL("SELECT pg_catalog.pg_is_in_recovery()"), &is_standby, err) !=
        ERROR_OK)
        return err->code;
    if (is_standby)
        return error_set(err, ERROR_REFUSED,
                         "%s is a replica: database.twins must lead to its shard's primary",
                         t->other->node);
    return ERROR_OK;
}

/* What this version keeps in a database may be missing there: it is made as whom the rest belongs
 * to.
 */
static enum error_code check_records(struct twin *t, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(t->peer,
                      SQL("SELECT pg_catalog.set_config('role',"
                          " pg_catalog.pg_get_userbyid(nspowner), false)"
                          " FROM pg_catalog.pg_namespace WHERE nspname = 'hakem'"),
                      &rows, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    if (rows_count(rows) == 0)
        error_set(err, ERROR_REFUSED,
                  "%s has no schema hakem: `hakem migration up` must have run there",
                  t->other->node);
    rows_free(rows);
    if (err->code != ERROR_OK || schema_ensure(t->peer, err) != ERROR_OK)
        return err->code;
    return session_run(t->peer, "RESET ROLE", err);
}

static enum error_code compare_needs(struct twin *t, struct text *said, struct error *err)
{
    const struct database_config *database = &t->config->database;
    struct rows *rows = NULL;

    if (session_query(t->peer, SQL(embedded_twin_needs), &rows, err) != ERROR_OK)
        return err->code;
    err->code =
        add_faults(t->own, t->node,
                   SQL_WITH(embedded_twin_refuse_green, rows_text(rows, 0, 0),
                            rows_text(rows, 0, 1), rows_text(rows, 0, 2), rows_text(rows, 0, 3),
                            twin_array(t->memory, database->game_roles, database->game_role_count)),
                   said, err);
    rows_free(rows);
    return err->code;
}

enum error_code twin_check(struct twin *t, struct error *err)
{
    struct text *said = text_new(t->memory, SAID_MAX);

    if (check_part(t, err) != ERROR_OK || check_records(t, err) != ERROR_OK ||
        add_faults(t->peer, t->other->node,
                   SQL_WITH(embedded_twin_refuse_blue, twin_number(t->rollout).text), said,
                   err) != ERROR_OK ||
        compare_needs(t, said, err) != ERROR_OK)
        return err->code;
    if (said->size == 0)
        return ERROR_OK;
    text_mend(said->data);
    return error_set(err, ERROR_REFUSED, "%s%s", said->data, said->is_cut ? " …" : "");
}
