/* marker.c: a row that is written at the publisher, and seen here once everything before it is. */
#include "agent/twin/twin_internal.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#define POLL_MS 20

static enum error_code write_marker(struct session *publisher, const char *name, uint64_t *ret_n,
                                    struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(
            publisher,
            SQL_WITH("INSERT INTO hakem.heartbeat AS h (name, position)"
                     " VALUES ($1 || '_marker', pg_catalog.pg_current_wal_insert_lsn() - '0/0')"
                     " ON CONFLICT (name) DO UPDATE SET n = h.n + 1,"
                     " at = pg_catalog.clock_timestamp(), position = EXCLUDED.position"
                     " RETURNING n",
                     name),
            &rows, err) != ERROR_OK)
        return err->code;
    *ret_n = rows_number(rows, 0, 0);
    rows_free(rows);
    return ERROR_OK;
}

/* A table that is still being copied may lack what came before the marker. */
static enum error_code has_come(struct session *subscriber, const char *name, uint64_t n, bool *ret,
                                struct error *err)
{
    return session_ask_bool(
        subscriber,
        SQL_WITH("SELECT EXISTS (SELECT FROM hakem.heartbeat WHERE name = $1 || '_marker'"
                 " AND n >= $2::bigint)"
                 " AND NOT EXISTS (SELECT FROM pg_catalog.pg_subscription_rel AS r"
                 " JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid"
                 " WHERE r.srsubstate <> 'r' AND " TWIN_IS_SUBSCRIPTION ")",
                 name, twin_number(n).text),
        ret, err);
}

static enum error_code say_late(struct session *subscriber, const char *name, struct error *err)
{
    char fault[SENTENCE_SIZE / 2];
    struct error ignored;

    if (err->code != ERROR_TIMEOUT ||
        twin_link_fault(subscriber, name, fault, sizeof(fault), &ignored) != ERROR_OK)
        return err->code;
    return error_set(err, ERROR_TIMEOUT, "a marker that was written has not come in time%s%s",
                     fault[0] == '\0' ? ": the subscriber is behind" : ": ", fault);
}

enum error_code twin_await_marker(struct twin *t, struct session *publisher,
                                  struct session *subscriber, const char *name, struct error *err)
{
    uint64_t n = 0;
    bool is_there = false;

    if (write_marker(publisher, name, &n, err) != ERROR_OK)
        return err->code;
    for (;;) {
        if (has_come(subscriber, name, n, &is_there, err) != ERROR_OK)
            return err->code;
        if (is_there)
            break;
        if (twin_pause(t, POLL_MS, "a marker", err) != ERROR_OK)
            return say_late(subscriber, name, err);
    }
    return ERROR_OK;
}

/* Where the own database has its rows from. */
enum error_code twin_drain(struct twin *t, struct error *err)
{
    static const enum twin_direction directions[] = {TWIN_FORWARD, TWIN_BACK};

    if (twin_open_peer(t, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
        struct twin_object link = twin_object(t->rollout, directions[i]);
        bool is_there = false;

        if (twin_has_subscription(t->own, link.name, &is_there, err) != ERROR_OK)
            return err->code;
        if (is_there)
            return twin_await_marker(t, t->peer, t->own, link.name, err);
    }
    return error_set(err, ERROR_REFUSED, "this database does not follow %s in rollout %llu",
                     t->other->node, (unsigned long long)t->rollout);
}
