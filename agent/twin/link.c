/* link.c: publications, slots and subscriptions: what a database is followed by.
 *
 * A publication comes before its slot: what was written between the two could not be decoded. A
 * slot is made and dropped by hand, so that a subscription can be made and dropped within a
 * transaction, together with what is recorded of it.
 */
#include "agent/twin/twin_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

#define POLL_MS          20
#define WORKER_CONNECT_S "10"
#define CONNINFO_MAX     4096

enum error_code twin_has_subscription(struct session *session, const char *name, bool *ret,
                                      struct error *err)
{
    return session_ask_bool(session,
                            SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_subscription AS s"
                                     " WHERE " TWIN_IS_SUBSCRIPTION ")",
                                     name),
                            ret, err);
}

enum error_code twin_make_publication(struct session *publisher, const char *name,
                                      const char *make_sql, struct error *err)
{
    bool exists = false;
    char *statement = NULL;

    if (session_ask_bool(
            publisher,
            SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = $1)",
                     name),
            &exists, err) != ERROR_OK)
        return err->code;
    if (exists)
        return ERROR_OK;
    if (session_ask_text(publisher, SQL_WITH(make_sql, name), publisher, &statement, err) !=
        ERROR_OK)
        return err->code;
    err->code = session_run(publisher, statement, err);
    talloc_free(statement);
    return err->code;
}

static enum error_code slot_exists(struct session *publisher, const char *name, bool *ret,
                                   struct error *err)
{
    return session_ask_bool(publisher,
                            SQL_WITH("SELECT EXISTS (SELECT FROM pg_catalog.pg_replication_slots"
                                     " WHERE slot_name = $1)",
                                     name),
                            ret, err);
}

enum error_code twin_make_slot(struct twin *t, struct session *publisher, const char *name,
                               struct error *err)
{
    bool exists = false;

    if (slot_exists(publisher, name, &exists, err) != ERROR_OK || exists)
        return err->code;
    t->hooks.progress(t->hooks.context, 0, 0, "the slot waits for open transactions to end");
    return session_query(
        publisher,
        SQL_WITH("SELECT pg_catalog.pg_create_logical_replication_slot($1, 'pgoutput')", name),
        NULL, err);
}

/* What libpq's own form has no limit for: an unreachable publisher would hold a worker up for ever.
 */
static char *conninfo(const void *parent, const char *url)
{
    char *plain = session_plain_url(parent, url);
    PQconninfoOption *options = PQconninfoParse(plain, NULL);
    struct text *text = text_new(parent, CONNINFO_MAX);

    text_append(text, "connect_timeout='" WORKER_CONNECT_S "'");
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++) {
        if (o->val == NULL || strcmp(o->keyword, "application_name") == 0)
            continue;
        text_append_format(text, " %s='", o->keyword);
        for (const char *p = o->val; *p != '\0'; p++)
            text_append_format(text, "%s%c", *p == '\'' || *p == '\\' ? "\\" : "", *p);
        text_append(text, "'");
    }
    PQconninfoFree(options);
    return text->data;
}

enum error_code twin_make_subscription(struct twin *t, struct session *subscriber, const char *name,
                                       const char *url, bool with_copy, struct error *err)
{
    return twin_run_each(
        subscriber,
        SQL_WITH("SELECT pg_catalog.format('CREATE SUBSCRIPTION %I CONNECTION %L PUBLICATION %I"
                 " WITH (slot_name = %L, create_slot = false, copy_data = %s, streaming = on)',"
                 " $1::text, $2::text, $1, $1, $3::text)",
                 name, conninfo(t->memory, url), with_copy ? "true" : "false"),
        err);
}

/* Left to itself, an idle worker looks up to a second later whether it is still wanted. */
static enum error_code end_workers(struct session *subscriber, const char *name, bool *ret_is_none,
                                   struct error *err)
{
    return session_ask_bool(subscriber,
                            SQL_WITH("SELECT count(pg_catalog.pg_terminate_backend(w.pid)) = 0"
                                     " FROM pg_catalog.pg_stat_subscription AS w"
                                     " JOIN pg_catalog.pg_subscription AS s ON s.oid = w.subid"
                                     " WHERE w.pid IS NOT NULL AND " TWIN_IS_SUBSCRIPTION,
                                     name),
                            ret_is_none, err);
}

enum error_code twin_stop_subscription(struct twin *t, struct session *subscriber, const char *name,
                                       struct error *err)
{
    bool stopped = false;

    if (twin_run_each(subscriber,
                      SQL_WITH("SELECT pg_catalog.format('ALTER SUBSCRIPTION %I DISABLE', subname)"
                               " FROM pg_catalog.pg_subscription AS s"
                               " WHERE subenabled AND " TWIN_IS_SUBSCRIPTION,
                               name),
                      err) != ERROR_OK)
        return err->code;
    for (;;) {
        if (end_workers(subscriber, name, &stopped, err) != ERROR_OK || stopped)
            return err->code;
        if (twin_pause(t, POLL_MS, "the end of the subscription's worker", err) != ERROR_OK)
            return err->code;
    }
}

enum error_code twin_drop_subscription(struct session *subscriber, const char *name,
                                       struct error *err)
{
    return twin_run_each(
        subscriber,
        SQL_WITH("SELECT pg_catalog.format(f, subname) FROM pg_catalog.pg_subscription AS s,"
                 " (VALUES (1, 'ALTER SUBSCRIPTION %I SET (slot_name = NONE)'),"
                 " (2, 'DROP SUBSCRIPTION %I')) AS v (at, f)"
                 " WHERE " TWIN_IS_SUBSCRIPTION " ORDER BY at",
                 name),
        err);
}

/* A walsender notices late that its client is gone. */
static enum error_code free_slot(struct twin *t, struct session *publisher, const char *name,
                                 struct error *err)
{
    static const char active[] =
        "SELECT active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND active";

    for (;;) {
        struct rows *rows = NULL;
        bool is_free;

        if (session_query(publisher, SQL_WITH(active, name), &rows, err) != ERROR_OK)
            return err->code;
        is_free = rows_count(rows) == 0;
        if (!is_free)
            err->code =
                session_query(publisher,
                              SQL_WITH("SELECT pg_catalog.pg_terminate_backend($1::integer)",
                                       rows_text(rows, 0, 0)),
                              NULL, err);
        rows_free(rows);
        if (is_free || err->code != ERROR_OK ||
            twin_pause(t, POLL_MS, "the slot to be let go of", err) != ERROR_OK)
            return err->code;
    }
}

/* Tables that were still being copied have slots of their own, named by the subscriber's system. */
static enum error_code drop_copy_slots(struct session *publisher, const char *subscriber_id,
                                       struct error *err)
{
    return session_query(publisher,
                         SQL_WITH("SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                                  " FROM pg_catalog.pg_replication_slots"
                                  " WHERE slot_name ~ ('^pg_[0-9]+_sync_[0-9]+_' || $1 || '$')"
                                  " AND database = pg_catalog.current_database() AND NOT active",
                                  subscriber_id),
                         NULL, err);
}

enum error_code twin_drop_publisher(struct twin *t, struct session *publisher, const char *name,
                                    struct error *err)
{
    char id[SYSTEM_ID_SIZE];

    if (free_slot(t, publisher, name, err) != ERROR_OK ||
        session_query(publisher,
                      SQL_WITH("SELECT pg_catalog.pg_drop_replication_slot(slot_name)"
                               " FROM pg_catalog.pg_replication_slots WHERE slot_name = $1",
                               name),
                      NULL, err) != ERROR_OK ||
        twin_read_id(publisher == t->own && t->peer != NULL ? t->peer : t->own, id, err) !=
            ERROR_OK ||
        drop_copy_slots(publisher, id, err) != ERROR_OK)
        return err->code;
    return twin_run_each(publisher,
                         SQL_WITH("SELECT pg_catalog.format('DROP PUBLICATION %I', pubname)"
                                  " FROM pg_catalog.pg_publication WHERE pubname = $1",
                                  name),
                         err);
}

enum error_code twin_link_fault(struct session *subscriber, const char *name, char *ret,
                                size_t size, struct error *err)
{
    struct rows *rows = NULL;
    uint64_t errors;

    if (session_query(subscriber,
                      SQL_WITH("SELECT s.subenabled, c.apply_error_count + c.sync_error_count,"
                               " EXISTS (SELECT FROM pg_catalog.pg_stat_subscription AS w"
                               " WHERE w.subid = s.oid AND w.pid IS NOT NULL)"
                               " FROM pg_catalog.pg_subscription AS s"
                               " JOIN pg_catalog.pg_stat_subscription_stats AS c"
                               " ON c.subid = s.oid WHERE " TWIN_IS_SUBSCRIPTION,
                               name),
                      &rows, err) != ERROR_OK)
        return err->code;
    ret[0] = '\0';
    if (rows_count(rows) == 0) {
        (void)text_format(ret, size, "the subscription %s is gone", name);
    } else if (!rows_bool(rows, 0, 0)) {
        (void)text_format(ret, size, "the subscription %s is disabled", name);
    } else {
        errors = rows_number(rows, 0, 1);
        if (errors > 0 || !rows_bool(rows, 0, 2))
            (void)text_format(
                ret, size, "the subscription %s %s, after %llu errors: the server's log says why",
                name, rows_bool(rows, 0, 2) ? "works" : "has no worker",
                (unsigned long long)errors);
    }
    rows_free(rows);
    return ERROR_OK;
}
