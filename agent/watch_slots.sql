-- The oldest rollout that has left, or keeps, a slot in this database; what WAL it keeps.
SELECT number, (CASE WHEN pg_is_in_recovery() THEN 0 ELSE coalesce(pg_current_wal_lsn() - restart_lsn, 0) END)::bigint,
       wal_status IS NOT DISTINCT FROM 'lost'
  FROM (SELECT substring(slot_name FROM '^hakem_([0-9]{1,18})_(?:forward|back)$')::bigint AS number, restart_lsn, wal_status
          FROM pg_catalog.pg_replication_slots WHERE database = current_database()) AS slot
 WHERE number IS NOT NULL
 ORDER BY number LIMIT 1
