-- Of which database a backup is, as of when; statistics: since when the server counts, which a crash
-- begins anew without a word in pg_stat_database.
SELECT current_database()::text,
       (SELECT system_identifier::text FROM pg_control_system()),
       current_setting('server_version_num')::bigint,
       to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD"T"HH24MISS"Z"'),
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_insert_lsn() END)::text,
       (SELECT concat_ws(' ', (SELECT stats_reset FROM pg_stat_database
                                WHERE datname = current_database()),
                         (SELECT stats_reset FROM pg_stat_bgwriter))),
       pg_export_snapshot(),
       pg_database_size(current_database())
