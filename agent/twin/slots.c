/* slots.c: what a rollout that is over has left in a database that was followed. */
#include "agent/twin/twin_internal.h"

#include "common/base/text.h"

/* Nobody uses them; an abandoned slot keeps WAL for ever. */
#define LEFT_SLOTS                                                                                 \
    " FROM pg_catalog.pg_replication_slots WHERE database = pg_catalog.current_database()"         \
    " AND NOT active AND substring(slot_name FROM '^hakem_([0-9]{1,18})_(?:forward|back)$')"       \
    "::bigint <= $1::bigint"

static const char drop_copy_slots[] =
    "SELECT pg_catalog.pg_drop_replication_slot(s.slot_name)"
    " FROM pg_catalog.pg_replication_slots AS s, hakem.twin AS t"
    " WHERE s.database = pg_catalog.current_database() AND NOT s.active"
    " AND t.rollout <= $1::bigint AND s.slot_name ~ ('^pg_[0-9]+_sync_[0-9]+_' || t.system_id || "
    "'$')"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots AS h"
    " WHERE h.slot_name ~ '^hakem_[0-9]+_forward$'"
    " AND h.database = pg_catalog.current_database())";

static const char drop_publications[] =
    "SELECT pg_catalog.format('DROP PUBLICATION %I', pubname) FROM pg_catalog.pg_publication"
    " WHERE substring(pubname FROM '^hakem_([0-9]{1,18})_(?:forward|back)$')::bigint <= $1::bigint"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_name = pubname)";

enum error_code twin_drop_slots(struct twin *t, struct error *err)
{
    struct twin_number closed = twin_number(t->rollout);

    if (session_query(t->own,
                      SQL_WITH("SELECT pg_catalog.pg_drop_replication_slot(slot_name)" LEFT_SLOTS,
                               closed.text),
                      NULL, err) != ERROR_OK ||
        session_query(t->own, SQL_WITH(drop_copy_slots, closed.text), NULL, err) != ERROR_OK)
        return err->code;
    return twin_run_each(t->own, SQL_WITH(drop_publications, closed.text), err);
}
