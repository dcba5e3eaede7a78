-- What this server does for everybody, and who is behind with what it makes: for each of pace.h's
-- signals a number and a name; one row. $1: the table that is gone through. An archiver that has
-- never archived is behind by what it last failed at.
WITH here AS (
    SELECT pg_catalog.pg_current_wal_lsn() AS lsn,
           (SELECT setting::bigint FROM pg_catalog.pg_settings
             WHERE name = 'wal_segment_size') AS segment_bytes
), archived AS (
    SELECT ('x' || substr(wal, 9, 8))::bit(32)::bigint * (4294967296 / here.segment_bytes)
               + ('x' || substr(wal, 17, 8))::bit(32)::bigint + 1 AS next_segment,
           here.segment_bytes
      FROM here,
           (SELECT coalesce(last_archived_wal, last_failed_wal) AS wal
              FROM pg_catalog.pg_stat_archiver) AS archiver
     WHERE wal ~ '^[0-9A-F]{24}$' AND pg_catalog.current_setting('archive_mode') <> 'off'
)
SELECT (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_catalog.pg_stat_database),
       coalesce(standby.lag, 0), coalesce(standby.name, ''),
       coalesce((SELECT greatest(pg_catalog.pg_wal_lsn_diff(here.lsn, '0/0')
                                     - next_segment * archived.segment_bytes, 0)::bigint
                   FROM archived), 0), '',
       coalesce(slot.lag, 0), coalesce(slot.name, ''),
       (SELECT count(*) FROM pg_catalog.pg_stat_progress_vacuum
         WHERE relid = pg_catalog.to_regclass($1)), ''
  FROM here
  LEFT JOIN LATERAL
       (SELECT pg_catalog.pg_wal_lsn_diff(here.lsn, replay_lsn)::bigint AS lag,
               application_name AS name
          FROM pg_catalog.pg_stat_replication
         WHERE state = 'streaming' AND replay_lsn < here.lsn
         ORDER BY 1 DESC LIMIT 1) AS standby ON true
  LEFT JOIN LATERAL
       (SELECT pg_catalog.pg_wal_lsn_diff(here.lsn, restart_lsn)::bigint AS lag,
               'slot ' || slot_name AS name
          FROM pg_catalog.pg_replication_slots
         WHERE NOT active AND restart_lsn IS NOT NULL
         ORDER BY 1 DESC LIMIT 1) AS slot ON true
