/* shows.c: what an order that nobody heard of any more has done: it stands in the databases. */
#include "agent/twin/twin_internal.h"

enum error_code twin_has_followed(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row row;
    bool is_linked = false;

    if (twin_read_row(t->own, &row, err) != ERROR_OK ||
        twin_has_subscription(t->own, twin_object(t->rollout, TWIN_FORWARD).name, &is_linked,
                              err) != ERROR_OK)
        return err->code;
    *ret = is_linked && row.rollout == t->rollout && row.stage == AS_FOLLOWING;
    return ERROR_OK;
}

/* As long as the other one's slot may be there, it is not done. */
enum error_code twin_has_unfollowed(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row row;
    bool has_slot = false;

    if (twin_read_row(t->own, &row, err) != ERROR_OK)
        return err->code;
    *ret = false;
    if (row.rollout == t->rollout && row.stage != AS_LEFT)
        return ERROR_OK;
    if (twin_open_peer(t, err) != ERROR_OK ||
        session_ask_bool(t->peer,
                         SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots"
                                  " WHERE slot_name = $1)",
                                  twin_object(t->rollout, TWIN_FORWARD).name),
                         &has_slot, err) != ERROR_OK)
        return err->code;
    *ret = !has_slot;
    return ERROR_OK;
}

enum error_code twin_has_closed_writes(struct twin *t, bool *ret, struct error *err)
{
    const struct database_config *database = &t->config->database;
    struct twin_row row;
    uint64_t left = 0;

    if (twin_read_row(t->own, &row, err) != ERROR_OK ||
        session_ask_number(
            t->own,
            SQL_WITH("SELECT count(*) FROM pg_catalog.pg_stat_activity"
                     " WHERE usename = ANY ($1::text[])"
                     " AND datname = pg_catalog.current_database()",
                     twin_array(t->memory, database->game_roles, database->game_role_count)),
            &left, err) != ERROR_OK)
        return err->code;
    *ret = row.closed_by == t->rollout && left == 0;
    return ERROR_OK;
}

enum error_code twin_has_opened_writes(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row row;

    if (twin_read_row(t->own, &row, err) != ERROR_OK)
        return err->code;
    *ret = row.closed_by == 0;
    return ERROR_OK;
}

/* A marker of the way back has come. */
enum error_code twin_has_reversed(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row row;
    bool has_come = false;

    if (twin_read_row(t->own, &row, err) != ERROR_OK ||
        session_ask_bool(t->own,
                         SQL_WITH("SELECT EXISTS (SELECT FROM hakem.heartbeat"
                                  " WHERE name = $1 || '_marker')",
                                  twin_object(t->rollout, TWIN_BACK).name),
                         &has_come, err) != ERROR_OK)
        return err->code;
    *ret = has_come && row.rollout == t->rollout && row.stage == AS_FOLLOWING_BACK;
    return ERROR_OK;
}

enum error_code twin_has_unreversed(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row row;

    if (twin_read_row(t->own, &row, err) != ERROR_OK)
        return err->code;
    *ret = row.rollout != t->rollout || row.stage == AS_FOLLOWED || row.stage == AS_UNREVERSED;
    return ERROR_OK;
}

enum error_code twin_has_closed(struct twin *t, bool *ret, struct error *err)
{
    struct twin_row blue;
    struct twin_row green;

    if (twin_open_peer(t, err) != ERROR_OK || twin_read_row(t->own, &blue, err) != ERROR_OK ||
        twin_read_row(t->peer, &green, err) != ERROR_OK)
        return err->code;
    *ret = blue.rollout == t->rollout && blue.stage == AS_LEFT && green.rollout != t->rollout;
    return ERROR_OK;
}
