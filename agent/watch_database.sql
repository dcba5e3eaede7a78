-- Everything cheap that a report says of a database, in one row.
SELECT control.system_identifier::text AS system_id,
       pg_is_in_recovery() AS in_recovery,
       CASE WHEN pg_is_in_recovery() THEN checkpoint.timeline_id::bigint
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
       END AS timeline,
       (CASE WHEN pg_is_in_recovery() THEN coalesce(pg_last_wal_replay_lsn(), '0/0')
             ELSE pg_current_wal_insert_lsn() END - '0/0'::pg_lsn)::bigint AS position,
       (CASE WHEN pg_is_in_recovery()
             THEN greatest(coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
                           - coalesce(pg_last_wal_replay_lsn(), '0/0'), 0)
             ELSE 0 END)::bigint AS lag_bytes,
       -- Without anything waiting there is no lag, however long ago the last transaction was.
       (CASE WHEN pg_is_in_recovery()
                  AND pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
             THEN greatest(extract(epoch FROM clock_timestamp()
                           - coalesce(pg_last_xact_replay_timestamp(), clock_timestamp())) * 1000, 0)
             ELSE 0 END)::bigint AS lag_ms,
       concat_ws(' ', control.system_identifier, current_database(), pg_postmaster_start_time(),
                 current_setting('data_directory', true)) AS instance,
       to_regclass('hakem.shadow') IS NOT NULL AS is_shadow,
       current_database()::text AS name
  FROM pg_control_system() AS control, pg_control_checkpoint() AS checkpoint
