/* back.c: blue follows green, so that going back loses no write; takes over from it again; or is
 * left behind.
 *
 * Everything here runs beside blue. It never works on green before hakem.twin in blue says
 * "reversing": from then on blue is opened only with green's word.
 */
#include "agent/twin/twin_internal.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

struct rows_of_both {
    struct twin_row blue;  /* own */
    struct twin_row green; /* the peer's */
};

static enum error_code read_both(struct twin *t, struct rows_of_both *ret, struct error *err)
{
    if (twin_open_peer(t, err) != ERROR_OK || twin_read_row(t->own, &ret->blue, err) != ERROR_OK)
        return err->code;
    return twin_read_row(t->peer, &ret->green, err);
}

/* ---- reverse ---- */

static enum error_code check_reverse(const struct twin *t, const struct rows_of_both *both,
                                     struct error *err)
{
    const struct twin_row *blue = &both->blue;
    const struct twin_row *green = &both->green;

    if (blue->rollout != t->rollout || (blue->stage != AS_FOLLOWED && blue->stage != AS_REVERSING &&
                                        blue->stage != AS_FOLLOWING_BACK))
        return error_set(
            err, ERROR_REFUSED, "this database is \"%s\" of rollout %llu: %s does not follow it",
            twin_stage_name(blue->stage), (unsigned long long)blue->rollout, t->other->node);
    if (blue->closed_by != t->rollout)
        return error_set(err, ERROR_REFUSED,
                         "its writes are open: close_writes, drain_wal and compare come first");
    if (green->rollout != t->rollout ||
        (green->stage != AS_FOLLOWING && green->stage != AS_REVERSED))
        return error_set(err, ERROR_REFUSED, "%s is \"%s\" of rollout %llu, and does not follow",
                         t->other->node, twin_stage_name(green->stage),
                         (unsigned long long)green->rollout);
    if (green->is_refused)
        return error_set(err, ERROR_REFUSED,
                         "this database took the writes itself again in rollout %llu: %s must "
                         "unfollow, and follow anew",
                         (unsigned long long)t->rollout, t->other->node);
    if (green->is_opened && blue->stage != AS_FOLLOWING_BACK)
        return error_set(
            err, ERROR_REFUSED,
            "%s has been opened before it was followed: what it was given since is not "
            "known here",
            t->other->node);
    return ERROR_OK;
}

static enum error_code begin_reversing(struct twin *t, struct error *err)
{
    bool did = false;

    if (twin_changes(t->own,
                     SQL_WITH("UPDATE hakem.twin SET state = 'reversing', fault = '',"
                              " since = pg_catalog.clock_timestamp() WHERE rollout = $1::bigint"
                              " AND closed_by = rollout AND state IN ('followed', 'reversing')"
                              " RETURNING 1",
                              twin_number(t->rollout).text),
                     &did, err) != ERROR_OK)
        return err->code;
    return did ? ERROR_OK : error_set(err, ERROR_REFUSED, "its writes were opened again just now");
}

static enum error_code publish_back(struct twin *t, const char *link, struct error *err)
{
    struct rows *rows = NULL;
    char *columns = NULL;

    if (session_ask_text(t->own, SQL(embedded_twin_columns), t->memory, &columns, err) !=
            ERROR_OK ||
        session_query(t->peer, SQL_WITH(embedded_twin_publish_back, link, columns), &rows, err) !=
            ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    if (rows_is_null(rows, 0, 1))
        err->code = session_run(t->peer, rows_text(rows, 0, 0), err);
    else
        error_set(err, ERROR_REFUSED,
                  "%s lacks tables of this database, so their writes could not come back: %s",
                  t->other->node, rows_text(rows, 0, 1));
    rows_free(rows);
    return err->code;
}

/* One transaction: it follows no longer, and is as if it had never. The commit also puts to disk
 * what its subscription applied, and did not wait for. */
static enum error_code release_green(struct twin *t, const char *forward, struct error *err)
{
    bool did = false;

    err->code = ERROR_OK;
    if (session_run(t->peer, "BEGIN; SET LOCAL synchronous_commit = on", err) != ERROR_OK)
        return err->code;
    if (twin_changes(t->peer,
                     SQL_WITH("UPDATE hakem.twin SET state = 'reversed',"
                              " since = pg_catalog.clock_timestamp() WHERE rollout = $1::bigint"
                              " AND state = 'following' AND switch = '' RETURNING 1",
                              twin_number(t->rollout).text),
                     &did, err) == ERROR_OK &&
        !did)
        error_set(err, ERROR_CONFLICT, "hakem.twin of %s was changed just now", t->other->node);
    if (err->code == ERROR_OK && twin_drop_subscription(t->peer, forward, err) == ERROR_OK &&
        session_run(t->peer, "DROP EVENT TRIGGER IF EXISTS hakem_raise_trigger", err) == ERROR_OK)
        (void)twin_run_each(t->peer, SQL(embedded_twin_lower), err);
    return twin_end(t->peer, err);
}

static enum error_code turn_green(struct twin *t, const char *forward, const char *back,
                                  struct error *err)
{
    /* An earlier attempt may have stopped it. */
    if (twin_run_each(t->peer,
                      SQL_WITH("SELECT pg_catalog.format('ALTER SUBSCRIPTION %I ENABLE', subname)"
                               " FROM pg_catalog.pg_subscription AS s"
                               " WHERE NOT subenabled AND " TWIN_IS_SUBSCRIPTION,
                               forward),
                      err) != ERROR_OK ||
        twin_await_marker(t, t->own, t->peer, forward, err) != ERROR_OK ||
        twin_stop_subscription(t, t->peer, forward, err) != ERROR_OK ||
        twin_drop_publisher(t, t->peer, back, err) != ERROR_OK ||
        publish_back(t, back, err) != ERROR_OK || twin_make_slot(t, t->peer, back, err) != ERROR_OK)
        return err->code;
    return release_green(t, forward, err);
}

static enum error_code follow_back(struct twin *t, const char *back, struct error *err)
{
    bool exists = false;

    err->code = ERROR_OK;
    if (twin_has_subscription(t->own, back, &exists, err) != ERROR_OK ||
        session_run(t->own, "BEGIN", err) != ERROR_OK)
        return err->code;
    if (exists || twin_make_subscription(t, t->own, back, t->other->url, false, err) == ERROR_OK)
        (void)twin_set_stage(t->own, t->rollout, AS_FOLLOWING_BACK, err);
    return twin_end(t->own, err);
}

enum error_code twin_reverse(struct twin *t, struct error *err)
{
    struct twin_object forward = twin_object(t->rollout, TWIN_FORWARD);
    struct twin_object back = twin_object(t->rollout, TWIN_BACK);
    struct rows_of_both both = {.blue = {.rollout = 0}};

    if (read_both(t, &both, err) != ERROR_OK || check_reverse(t, &both, err) != ERROR_OK)
        return err->code;
    if (both.blue.stage != AS_FOLLOWING_BACK && begin_reversing(t, err) != ERROR_OK)
        return err->code;
    if (both.green.stage == AS_FOLLOWING && turn_green(t, forward.name, back.name, err) != ERROR_OK)
        return err->code;
    if (both.blue.stage != AS_FOLLOWING_BACK && follow_back(t, back.name, err) != ERROR_OK)
        return err->code;
    if (twin_drop_publisher(t, t->own, forward.name, err) != ERROR_OK)
        return err->code;
    return twin_await_marker(t, t->peer, t->own, back.name, err);
}

/* ---- unreverse ---- */

/* What green was given has come, and it will not be opened again: from here on blue may be. */
static enum error_code take_over(struct twin *t, const struct twin_row *green, const char *back,
                                 struct error *err)
{
    uint64_t count = 0;
    bool did = false;

    if (green->is_opened && green->closed_by != t->rollout)
        return error_set(err, ERROR_REFUSED,
                         "%s is open: close its writes before this one takes over", t->other->node);
    if (green->is_opened && (twin_await_marker(t, t->peer, t->own, back, err) != ERROR_OK ||
                             twin_advance_sequences(t, &count, err) != ERROR_OK))
        return err->code;
    if (twin_changes(t->peer,
                     SQL_WITH("UPDATE hakem.twin SET switch = 'refused'"
                              " WHERE rollout = $1::bigint AND (switch <> 'opened'"
                              " OR ($2::boolean AND closed_by = rollout)) RETURNING 1",
                              twin_number(t->rollout).text, green->is_opened ? "true" : "false"),
                     &did, err) != ERROR_OK)
        return err->code;
    return did ? ERROR_OK
               : error_set(err, ERROR_CONFLICT, "%s was opened just now, or is another's",
                           t->other->node);
}

static enum error_code stop_following(struct twin *t, const char *back, enum twin_stage stage,
                                      struct error *err)
{
    if (twin_stop_subscription(t, t->own, back, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    if (session_run(t->own, "BEGIN; SET LOCAL synchronous_commit = on", err) != ERROR_OK)
        return err->code;
    if (twin_drop_subscription(t->own, back, err) == ERROR_OK)
        (void)twin_set_stage(t->own, t->rollout, stage, err);
    return twin_end(t->own, err);
}

enum error_code twin_unreverse(struct twin *t, bool accept_data_loss, struct error *err)
{
    struct twin_object back = twin_object(t->rollout, TWIN_BACK);
    struct rows_of_both both = {.blue = {.rollout = 0}};
    enum error_code reached;

    err->code = ERROR_OK;
    if (twin_read_row(t->own, &both.blue, err) != ERROR_OK || both.blue.rollout != t->rollout ||
        both.blue.stage == AS_FOLLOWED)
        return err->code; /* nothing was reversed */
    if (both.blue.stage == AS_LEFT)
        return error_set(err, ERROR_IRREVERSIBLE,
                         "this database was left: it lacks what came since");
    reached = twin_open_peer(t, err);
    if (reached != ERROR_OK && !(reached == ERROR_CONNECTION && accept_data_loss))
        return reached;
    if (reached == ERROR_OK && twin_read_row(t->peer, &both.green, err) != ERROR_OK)
        return err->code;
    if (reached == ERROR_OK && both.blue.stage != AS_UNREVERSED &&
        take_over(t, &both.green, back.name, err) != ERROR_OK)
        return err->code;
    if (stop_following(t, back.name, AS_UNREVERSED, err) != ERROR_OK)
        return err->code;
    return reached == ERROR_OK ? twin_drop_publisher(t, t->peer, back.name, err) : ERROR_OK;
}

/* ---- close ---- */

static enum error_code check_close(const struct twin *t, const struct rows_of_both *both,
                                   struct error *err)
{
    const struct twin_row *blue = &both->blue;
    const struct twin_row *green = &both->green;

    if (blue->rollout == t->rollout && blue->stage == AS_LEFT)
        return ERROR_OK; /* an earlier attempt came so far */
    if (blue->rollout != t->rollout || blue->stage != AS_FOLLOWING_BACK)
        return error_set(err, ERROR_REFUSED,
                         "this database is \"%s\" of rollout %llu: it was not "
                         "switched from",
                         twin_stage_name(blue->stage), (unsigned long long)blue->rollout);
    if (green->rollout != t->rollout || !green->is_opened || green->closed_by != 0)
        return error_set(err, ERROR_REFUSED,
                         "%s is not open in this one's place: nobody would be left",
                         t->other->node);
    return ERROR_OK;
}

enum error_code twin_close(struct twin *t, struct error *err)
{
    struct twin_object forward = twin_object(t->rollout, TWIN_FORWARD);
    struct twin_object back = twin_object(t->rollout, TWIN_BACK);
    struct rows_of_both both = {.blue = {.rollout = 0}};

    if (read_both(t, &both, err) != ERROR_OK || check_close(t, &both, err) != ERROR_OK)
        return err->code;
    if (both.blue.stage != AS_LEFT && stop_following(t, back.name, AS_LEFT, err) != ERROR_OK)
        return err->code;
    if (twin_drop_publisher(t, t->own, forward.name, err) != ERROR_OK ||
        twin_drop_publisher(t, t->peer, back.name, err) != ERROR_OK)
        return err->code;
    return session_query(t->peer,
                         SQL_WITH("DELETE FROM hakem.twin WHERE rollout = $1::bigint"
                                  " AND switch = 'opened'",
                                  twin_number(t->rollout).text),
                         NULL, err);
}
