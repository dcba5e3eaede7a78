/* roles.c: a database closed for its game roles, and opened again.
 *
 * A role that may not log in is a fence that no client can take down, as it could a setting; what
 * it was is remembered in hakem.twin, in the same transaction. Whether green was opened or refused
 * is one guarded update of its row: whoever comes second sees what the first one made of it.
 */
#include "agent/twin/twin_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define CLEAR_MS      250 /* who was let in just before the fence shows up within */
#define CLEAR_POLL_MS 50
#define NAMES_SHOWN   200
#define SESSIONS_OF                                                                                \
    " FROM pg_catalog.pg_stat_activity WHERE usename = ANY ($1::text[])"                           \
    " AND datname = pg_catalog.current_database()"

static char *game_roles(const struct twin *t)
{
    const struct database_config *database = &t->config->database;

    return twin_array(t->memory, database->game_roles, database->game_role_count);
}

static enum error_code check_roles(struct twin *t, struct error *err)
{
    struct rows *rows = NULL;

    if (t->config->database.game_role_count == 0)
        return error_set(err, ERROR_REFUSED,
                         "database.game_roles names nobody: who is to be kept out is not known");
    if (session_query(t->own, SQL_WITH(embedded_twin_roles, game_roles(t)), &rows, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    for (size_t i = 0; i < rows_count(rows) && err->code == ERROR_OK; i++)
        if (rows_bool(rows, i, 2))
            error_set(err, ERROR_REFUSED,
                      "the game role %s is a superuser, or the agent's own: it cannot be kept out",
                      rows_text(rows, i, 0));
    rows_free(rows);
    return err->code;
}

/* Their writes are not over, and no session of theirs is there to be ended. */
static enum error_code check_prepared(struct twin *t, struct error *err)
{
    char *names = NULL;

    if (session_ask_text(t->own,
                         SQL_WITH("SELECT coalesce((SELECT pg_catalog.string_agg(gid, ', ')"
                                  " FROM pg_catalog.pg_prepared_xacts"
                                  " WHERE owner = ANY ($1::text[])"
                                  " AND database = pg_catalog.current_database()), '')",
                                  game_roles(t)),
                         t->memory, &names, err) != ERROR_OK)
        return err->code;
    if (names[0] == '\0')
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "prepared transactions of game roles are open: %.*s; COMMIT PREPARED or "
                     "ROLLBACK PREPARED",
                     NAMES_SHOWN, names);
}

enum error_code twin_shut_roles(struct twin *t, struct error *err)
{
    char *roles = game_roles(t);
    bool did = false;

    if (check_roles(t, err) != ERROR_OK ||
        twin_changes(t->own, SQL_WITH(embedded_twin_closed, twin_number(t->rollout).text, roles),
                     &did, err) != ERROR_OK)
        return err->code;
    if (!did)
        return error_set(err, ERROR_CONFLICT, "the row of hakem.twin is another rollout's by now");
    return twin_run_each(
        t->own,
        SQL_WITH("SELECT pg_catalog.format('ALTER ROLE %I NOLOGIN', rolname)"
                 " FROM pg_catalog.pg_roles WHERE rolname = ANY ($1::text[]) AND rolcanlogin",
                 roles),
        err);
}

enum error_code twin_admit_roles(struct twin *t, struct error *err)
{
    if (twin_run_each(
            t->own,
            SQL("SELECT pg_catalog.format('ALTER ROLE %I LOGIN', r.rolname) FROM hakem.twin AS t"
                " JOIN pg_catalog.pg_roles AS r ON r.rolname = ANY (t.closed_roles)"),
            err) != ERROR_OK)
        return err->code;
    return session_run(t->own,
                       "UPDATE hakem.twin SET closed_by = 0, closed_roles = '{}', fault = ''", err);
}

static enum error_code end_once(struct twin *t, const char *roles, uint64_t *ret_left,
                                struct error *err)
{
    if (session_query(t->own,
                      SQL_WITH("SELECT pg_catalog.pg_terminate_backend(pid)" SESSIONS_OF, roles),
                      NULL, err) != ERROR_OK)
        return err->code;
    return session_ask_number(t->own, SQL_WITH("SELECT count(*)" SESSIONS_OF, roles), ret_left,
                              err);
}

enum error_code twin_end_sessions(struct twin *t, struct error *err)
{
    char *roles = game_roles(t);
    uint64_t clear_ms = 0;
    uint64_t left = 0;

    while (clear_ms < CLEAR_MS) {
        if (end_once(t, roles, &left, err) != ERROR_OK ||
            twin_pause(t, CLEAR_POLL_MS, "the end of the game roles' sessions", err) != ERROR_OK)
            return err->code;
        clear_ms = left == 0 ? clear_ms + CLEAR_POLL_MS : 0;
    }
    return check_prepared(t, err);
}

/* ---- closing ---- */

/* A row of an earlier rollout that closed nothing makes room. */
static enum error_code take_row(struct twin *t, const struct twin_row *row, struct error *err)
{
    char id[SYSTEM_ID_SIZE] = "";

    if (row->rollout == t->rollout)
        return ERROR_OK;
    if (row->closed_by != 0 ||
        (row->stage != AS_NONE && row->stage != AS_FOLLOWED && row->stage != AS_UNREVERSED))
        return error_set(err, ERROR_REFUSED, "this database is \"%s\" of rollout %llu with %s",
                         twin_stage_name(row->stage), (unsigned long long)row->rollout, row->node);
    return session_query(
        t->own,
        SQL_WITH("INSERT INTO hakem.twin (rollout, node, system_id, state)"
                 " VALUES ($1, $2, $3, 'followed') ON CONFLICT (one) DO UPDATE SET"
                 " rollout = EXCLUDED.rollout, node = EXCLUDED.node, state = EXCLUDED.state,"
                 " system_id = EXCLUDED.system_id, switch = '', since = DEFAULT",
                 twin_number(t->rollout).text, t->other->node, id),
        NULL, err);
}

static enum error_code shut(struct twin *t, const struct twin_row *row, struct error *err)
{
    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (take_row(t, row, err) == ERROR_OK)
        err->code = twin_shut_roles(t, err);
    return twin_end(t->own, err);
}

enum error_code twin_close_writes(struct twin *t, struct error *err)
{
    struct twin_row row;

    if (twin_read_row(t->own, &row, err) != ERROR_OK || check_prepared(t, err) != ERROR_OK)
        return err->code;
    if (row.rollout == t->rollout && row.stage == AS_LEFT)
        return error_set(err, ERROR_REFUSED, "this database was left in rollout %llu already",
                         (unsigned long long)t->rollout);
    if (shut(t, &row, err) != ERROR_OK)
        return err->code;
    return twin_end_sessions(t, err);
}

/* ---- opening ---- */

/* ret: green says that it has been opened. Otherwise it never will be in this rollout. */
static enum error_code refuse_green(struct twin *t, bool *ret_is_opened, struct error *err)
{
    struct twin_row row;
    bool did = false;

    if (twin_open_peer(t, err) != ERROR_OK ||
        twin_changes(t->peer,
                     SQL_WITH("UPDATE hakem.twin SET switch = 'refused'"
                              " WHERE rollout = $1::bigint AND switch <> 'opened' RETURNING 1",
                              twin_number(t->rollout).text),
                     &did, err) != ERROR_OK ||
        twin_read_row(t->peer, &row, err) != ERROR_OK)
        return err->code;
    if (!did && !(row.rollout == t->rollout && row.is_opened))
        return error_set(err, ERROR_REFUSED, "%s does not know of rollout %llu: is it open?",
                         t->other->node, (unsigned long long)t->rollout);
    *ret_is_opened = !did;
    return ERROR_OK;
}

/* One transaction; the row is as it was read, or this comes too late. */
static enum error_code admit(struct twin *t, const struct twin_row *row, struct error *err)
{
    bool did = false;

    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (twin_changes(t->own,
                     SQL_WITH("UPDATE hakem.twin SET switch = CASE state WHEN 'reversed'"
                              " THEN 'opened' ELSE switch END, yielded = false"
                              " WHERE rollout = $1::bigint AND state = $2 AND closed_by <> 0"
                              " AND NOT (state = 'reversed' AND switch = 'refused') RETURNING 1",
                              twin_number(t->rollout).text, twin_stage_name(row->stage)),
                     &did, err) == ERROR_OK) {
        if (did)
            err->code = twin_admit_roles(t, err);
        else
            error_set(err, ERROR_CONFLICT, "somebody else has changed hakem.twin just now");
    }
    return twin_end(t->own, err);
}

static enum error_code check_green(const struct twin *t, const struct twin_row *row,
                                   struct error *err)
{
    if (row->is_refused)
        return error_set(err, ERROR_REFUSED,
                         "%s has said that this database must not be opened in rollout %llu: it "
                         "takes the writes itself again",
                         t->other->node, (unsigned long long)t->rollout);
    return ERROR_OK;
}

/* Blue, whose place green may have taken. */
static enum error_code check_blue(struct twin *t, bool accept_data_loss, struct error *err)
{
    bool is_opened = false;

    if (refuse_green(t, &is_opened, err) != ERROR_OK) {
        if (accept_data_loss && err->code == ERROR_CONNECTION)
            err->code = ERROR_OK;
        return err->code;
    }
    if (is_opened)
        return error_set(err, ERROR_REFUSED,
                         "%s has been opened in this one's place: close it, then take over from it "
                         "(unreverse), before this one is opened",
                         t->other->node);
    return ERROR_OK;
}

static enum error_code may_open(struct twin *t, const struct twin_row *row, bool accept_data_loss,
                                struct error *err)
{
    switch (row->stage) {
    case AS_REVERSED:
        return check_green(t, row, err);
    case AS_REVERSING:
    case AS_FOLLOWING_BACK:
        return check_blue(t, accept_data_loss, err);
    case AS_NONE:
    case AS_FOLLOWED: /* without a word of this side's agent green is not opened */
    case AS_UNREVERSED:
        return ERROR_OK;
    case AS_COPYING:
    case AS_FOLLOWING:
        return error_set(err, ERROR_REFUSED,
                         "%s does not follow this database yet: reverse comes first, or writes "
                         "would be lost by going back",
                         t->other->node);
    case AS_LEFT:
    case AS_COUNT:
        break;
    }
    return error_set(err, ERROR_REFUSED, "this database was left: it lacks what came since");
}

enum error_code twin_open_writes(struct twin *t, bool accept_data_loss, struct error *err)
{
    struct twin_row row;

    err->code = ERROR_OK;
    if (twin_read_row(t->own, &row, err) != ERROR_OK || row.stage == AS_NONE)
        return err->code;
    if (row.rollout != t->rollout)
        return row.closed_by == 0
                   ? ERROR_OK
                   : error_set(err, ERROR_REFUSED, "it is rollout %llu that has closed it",
                               (unsigned long long)row.closed_by);
    if (row.closed_by == 0 && row.stage != AS_LEFT)
        return ERROR_OK;
    if (may_open(t, &row, accept_data_loss, err) != ERROR_OK)
        return err->code;
    return admit(t, &row, err);
}

/* ---- nobody has said for long that it should stay closed ---- */

static enum error_code note_fault(struct twin *t, bool has_yielded, const char *fault,
                                  struct error *err)
{
    return session_query(t->own,
                         SQL_WITH("UPDATE hakem.twin SET yielded = $2::boolean, fault = $3"
                                  " WHERE rollout = $1::bigint AND closed_by = rollout",
                                  twin_number(t->rollout).text, has_yielded ? "true" : "false",
                                  fault),
                         NULL, err);
}

static enum error_code reopen_blue(struct twin *t, const struct twin_row *row, struct error *err)
{
    bool is_opened = false;
    struct error why = {.code = ERROR_OK};
    char sentence[SENTENCE_SIZE];

    if (refuse_green(t, &is_opened, &why) != ERROR_OK) {
        (void)text_format(sentence, sizeof(sentence),
                          "nobody says any more that it should be closed, and it stays closed: %s",
                          why.detail);
        text_mend(sentence);
        if (note_fault(t, false, sentence, err) == ERROR_OK)
            *err = why;
        return err->code;
    }
    if (!is_opened)
        return admit(t, row, err);
    (void)text_format(sentence, sizeof(sentence), "%s is open in its place", t->other->node);
    return note_fault(t, true, sentence, err);
}

enum error_code twin_reopen(struct twin *t, struct error *err)
{
    struct twin_row row;

    err->code = ERROR_OK;
    if (twin_read_row(t->own, &row, err) != ERROR_OK || row.rollout != t->rollout ||
        row.closed_by != t->rollout)
        return err->code;
    if (row.stage == AS_REVERSING || row.stage == AS_FOLLOWING_BACK)
        return reopen_blue(t, &row, err);
    if (row.stage == AS_FOLLOWED || row.stage == AS_UNREVERSED ||
        (row.stage == AS_REVERSED && row.is_opened))
        return admit(t, &row, err);
    return ERROR_OK; /* a follower, or left: closed is what it should be */
}
