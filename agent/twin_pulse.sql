-- A heartbeat at the publisher for the subscription $1, at $2 by the subscriber's clock; and what became of its slot.
INSERT INTO hakem.heartbeat AS h (name, at, position)
VALUES ($1, $2::timestamptz, pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_catalog.pg_lsn)
    ON CONFLICT (name) DO UPDATE SET n = h.n + 1, at = EXCLUDED.at, position = EXCLUDED.position
RETURNING n, position, coalesce((SELECT coalesce(wal_status, '') FROM pg_catalog.pg_replication_slots WHERE slot_name = $1), 'gone')
