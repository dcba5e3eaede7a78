/* follow.c: this database becomes a copy of another one and follows it, and ceases to.
 *
 * The subscription and the event trigger that raises triggers are made in one transaction, after
 * which the server goes on by itself: before it everything is done anew, after it it is waited for.
 */
#include "agent/twin/twin_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define COPY_POLL_MS        200
#define COPY_ERRORS_MAX     5 /* more than while it was started, and it is given up */
#define FINGERPRINT_LOCK_MS 5000

/* ---- a copy is begun ---- */

/* From here on it is a copy, whatever becomes of this: nobody else's data is in it. */
static enum error_code mark_as_copy(struct twin *t, struct error *err)
{
    char id[SYSTEM_ID_SIZE];

    err->code = ERROR_OK;
    if (twin_read_id(t->peer, id, err) != ERROR_OK || session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (session_query(t->own,
                      SQL_WITH("INSERT INTO hakem.twin (rollout, node, system_id, state)"
                               " VALUES ($1, $2, $3, 'copying') ON CONFLICT (one) DO UPDATE SET"
                               " rollout = EXCLUDED.rollout, node = EXCLUDED.node,"
                               " system_id = EXCLUDED.system_id, state = EXCLUDED.state,"
                               " switch = '', fingerprint = '', since = DEFAULT",
                               twin_number(t->rollout).text, t->other->node, id),
                      NULL, err) == ERROR_OK)
        (void)twin_shut_roles(t, err);
    return twin_end(t->own, err);
}

/* What earlier subscriptions of ours there are would go on writing. */
static enum error_code drop_old_links(struct twin *t, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(t->own,
                      SQL("SELECT subname FROM pg_catalog.pg_subscription"
                          " WHERE subname ~ '^hakem_[0-9]+_(forward|back)$'"
                          " AND subdbid = (SELECT oid FROM pg_catalog.pg_database"
                          " WHERE datname = pg_catalog.current_database())"),
                      &rows, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    for (size_t i = 0; i < rows_count(rows) && err->code == ERROR_OK; i++)
        if (twin_stop_subscription(t, t->own, rows_text(rows, i, 0), err) == ERROR_OK)
            err->code = twin_drop_subscription(t->own, rows_text(rows, i, 0), err);
    rows_free(rows);
    return err->code;
}

static enum error_code take_fingerprint(struct twin *t, char ret[static HASH_HEX_SIZE],
                                        struct error *err)
{
    return fingerprint_take(t->peer, FINGERPRINT_LOCK_MS, ret, err);
}

/* ---- blue is published ---- */

static enum error_code mark_peer(struct twin *t, struct error *err)
{
    char id[SYSTEM_ID_SIZE];

    if (twin_read_id(t->own, id, err) != ERROR_OK)
        return err->code;
    return session_query(t->peer,
                         SQL_WITH("INSERT INTO hakem.twin (rollout, node, system_id, state)"
                                  " VALUES ($1, $2, $3, 'followed') ON CONFLICT (one) DO UPDATE SET"
                                  " rollout = EXCLUDED.rollout, node = EXCLUDED.node,"
                                  " system_id = EXCLUDED.system_id, state = EXCLUDED.state,"
                                  " switch = '', yielded = false, fault = '', since = DEFAULT",
                                  twin_number(t->rollout).text, t->node, id),
                         NULL, err);
}

/* One of an earlier attempt may lack tables that came since. */
static enum error_code publish(struct twin *t, const char *link, struct error *err)
{
    if (mark_peer(t, err) != ERROR_OK || twin_drop_publisher(t, t->peer, link, err) != ERROR_OK ||
        twin_make_publication(t->peer, link, embedded_twin_publish, err) != ERROR_OK)
        return err->code;
    return twin_make_slot(t, t->peer, link, err);
}

static enum error_code subscribe(struct twin *t, const char *link, const char *fingerprint,
                                 struct error *err)
{
    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (session_query(t->own,
                      SQL_WITH("UPDATE hakem.twin SET fingerprint = $2"
                               " WHERE rollout = $1::bigint",
                               twin_number(t->rollout).text, fingerprint),
                      NULL, err) == ERROR_OK &&
        session_run(t->own,
                    "CREATE EVENT TRIGGER hakem_raise_trigger ON ddl_command_end"
                    " WHEN TAG IN ('CREATE TRIGGER', 'CREATE FUNCTION')"
                    " EXECUTE FUNCTION hakem.raise_trigger()",
                    err) == ERROR_OK)
        (void)twin_make_subscription(t, t->own, link, t->other->url, true, err);
    return twin_end(t->own, err);
}

static enum error_code begin(struct twin *t, const char *link, struct error *err)
{
    char before[HASH_HEX_SIZE];
    char after[HASH_HEX_SIZE];

    if (twin_check(t, err) != ERROR_OK || mark_as_copy(t, err) != ERROR_OK ||
        twin_end_sessions(t, err) != ERROR_OK || drop_old_links(t, err) != ERROR_OK ||
        twin_empty(t, err) != ERROR_OK || take_fingerprint(t, before, err) != ERROR_OK ||
        twin_copy_schema(t, err) != ERROR_OK || publish(t, link, err) != ERROR_OK ||
        take_fingerprint(t, after, err) != ERROR_OK)
        return err->code;
    if (strcmp(before, after) != 0)
        return error_set(err, ERROR_CONFLICT, "the schema of %s changed while it was copied",
                         t->other->node);
    return subscribe(t, link, after, err);
}

/* ---- it is waited for ---- */

struct copying {
    uint64_t tables;
    uint64_t ready;
    uint64_t bytes;
    uint64_t errors;
};

static enum error_code look(struct twin *t, const char *link, struct copying *ret,
                            struct error *err)
{
    struct rows *rows = NULL;
    char text[128];

    if (session_query(t->own, SQL_WITH(embedded_twin_progress, link), &rows, err) != ERROR_OK)
        return err->code;
    *ret = (struct copying){.tables = rows_number(rows, 0, 0),
                            .ready = rows_number(rows, 0, 1),
                            .bytes = rows_number(rows, 0, 2),
                            .errors = rows_number(rows, 0, 3)};
    rows_free(rows);
    (void)text_format(text, sizeof(text), "%llu of %llu tables copied, %llu MiB",
                      (unsigned long long)ret->ready, (unsigned long long)ret->tables,
                      (unsigned long long)ret->bytes >> 20);
    t->hooks.progress(t->hooks.context, ret->ready, ret->tables, text);
    return ERROR_OK;
}

static enum error_code check_slot(struct twin *t, const char *link, struct error *err)
{
    bool is_well = false;

    if (session_ask_bool(t->peer,
                         SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots"
                                  " WHERE slot_name = $1 AND wal_status IS DISTINCT FROM 'lost')",
                                  link),
                         &is_well, err) != ERROR_OK)
        return err->code;
    return is_well ? ERROR_OK
                   : error_set(err, ERROR_FAILED,
                               "what the slot %s on %s had kept is gone (max_slot_wal_keep_size): "
                               "unfollow, and follow anew",
                               link, t->other->node);
}

static enum error_code await_tables(struct twin *t, const char *link, struct error *err)
{
    struct copying first = {.tables = 0};
    struct copying now = {.tables = 0};

    if (look(t, link, &first, err) != ERROR_OK)
        return err->code;
    for (now = first; now.ready < now.tables;) {
        if (check_slot(t, link, err) != ERROR_OK)
            return err->code;
        if (now.errors > first.errors + COPY_ERRORS_MAX)
            return error_set(err, ERROR_FAILED,
                             "the copy fails again and again (%llu errors): the log of this node's "
                             "server says why",
                             (unsigned long long)now.errors);
        if (twin_pause(t, COPY_POLL_MS, "tables to be copied", err) != ERROR_OK ||
            look(t, link, &now, err) != ERROR_OK)
            return err->code;
    }
    return check_slot(t, link, err);
}

/* Queries of whoever comes here after the switch are planned well, and find what was materialized.
 */
static enum error_code finish_tables(struct twin *t, struct error *err)
{
    t->hooks.progress(t->hooks.context, 0, 0, "statistics are made");
    if (twin_run_each(t->own,
                      SQL("SELECT pg_catalog.format('REFRESH MATERIALIZED VIEW %s', oid::regclass)"
                          " FROM pg_catalog.pg_class WHERE relkind = 'm' AND NOT relispopulated "
                          "ORDER BY oid"),
                      err) != ERROR_OK)
        return err->code;
    return session_run(t->own, "ANALYZE", err);
}

static enum error_code finish(struct twin *t, const char *link, struct error *err)
{
    if (await_tables(t, link, err) != ERROR_OK || finish_tables(t, err) != ERROR_OK ||
        twin_await_marker(t, t->peer, t->own, link, err) != ERROR_OK)
        return err->code;
    return twin_set_stage(t->own, t->rollout, AS_FOLLOWING, err);
}

enum error_code twin_follow(struct twin *t, struct error *err)
{
    struct twin_object link = twin_object(t->rollout, TWIN_FORWARD);
    struct twin_row row;
    bool is_linked = false;

    err->code = ERROR_OK;
    if (twin_open_peer(t, err) != ERROR_OK || twin_read_row(t->own, &row, err) != ERROR_OK ||
        twin_has_subscription(t->own, link.name, &is_linked, err) != ERROR_OK)
        return err->code;
    is_linked = is_linked && row.rollout == t->rollout &&
                (row.stage == AS_COPYING || row.stage == AS_FOLLOWING);
    if (!is_linked && begin(t, link.name, err) != ERROR_OK)
        return err->code;
    return finish(t, link.name, err);
}

/* ---- and ceases to ---- */

static bool is_follower(enum twin_stage stage)
{
    return stage == AS_COPYING || stage == AS_FOLLOWING || stage == AS_REVERSED;
}

/* Never once it was opened: then it is the one that counts. */
static enum error_code leave(struct twin *t, struct error *err)
{
    struct twin_object links[] = {twin_object(t->rollout, TWIN_FORWARD),
                                  twin_object(t->rollout, TWIN_BACK)};
    bool did = false;

    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (twin_changes(t->own,
                     SQL_WITH("UPDATE hakem.twin SET state = 'left', switch = 'refused',"
                              " since = pg_catalog.clock_timestamp() WHERE rollout = $1::bigint"
                              " AND switch <> 'opened' RETURNING 1",
                              twin_number(t->rollout).text),
                     &did, err) == ERROR_OK &&
        !did)
        error_set(err, ERROR_REFUSED,
                  "this database has been opened in the place of %s: it cannot be left",
                  t->other->node);
    for (size_t i = 0; i < ARRAY_LEN(links) && err->code == ERROR_OK; i++)
        (void)twin_drop_subscription(t->own, links[i].name, err);
    if (err->code == ERROR_OK)
        (void)session_run(t->own, "DROP EVENT TRIGGER IF EXISTS hakem_raise_trigger", err);
    return twin_end(t->own, err);
}

static enum error_code clear_peer(struct twin *t, const char *link, struct error *err)
{
    if (twin_open_peer(t, err) != ERROR_OK ||
        twin_drop_publisher(t, t->peer, link, err) != ERROR_OK)
        return err->code;
    return session_query(t->peer,
                         SQL_WITH("DELETE FROM hakem.twin WHERE rollout = $1::bigint"
                                  " AND closed_by = 0 AND state IN ('followed', 'unreversed')",
                                  twin_number(t->rollout).text),
                         NULL, err);
}

enum error_code twin_unfollow(struct twin *t, char *ret_left_over, size_t size, struct error *err)
{
    struct twin_object forward = twin_object(t->rollout, TWIN_FORWARD);
    struct twin_object back = twin_object(t->rollout, TWIN_BACK);
    struct error fault = {.code = ERROR_OK};
    struct twin_row row;

    ret_left_over[0] = '\0';
    err->code = ERROR_OK;
    if (twin_read_row(t->own, &row, err) != ERROR_OK)
        return err->code;
    if (row.rollout == t->rollout && row.stage != AS_LEFT && !is_follower(row.stage))
        return error_set(err, ERROR_REFUSED, "this database is \"%s\" with %s, no follower",
                         twin_stage_name(row.stage), t->other->node);
    if (row.rollout == t->rollout && row.stage != AS_LEFT &&
        (twin_stop_subscription(t, t->own, forward.name, err) != ERROR_OK ||
         leave(t, err) != ERROR_OK))
        return err->code;
    if (twin_drop_publisher(t, t->own, back.name, err) != ERROR_OK)
        return err->code;
    if (clear_peer(t, forward.name, &fault) != ERROR_OK)
        (void)text_format(ret_left_over, size,
                          "the slot %s is left on %s, whose agent drops it once the rollout is "
                          "over: %.400s",
                          forward.name, t->other->node, fault.detail);
    text_mend(ret_left_over);
    return ERROR_OK;
}
