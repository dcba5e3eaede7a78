-- What this server does for everybody, and who is furthest behind it; one row.
SELECT (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_catalog.pg_stat_database),
       coalesce(worst.lag, 0), coalesce(worst.name, '')
  FROM (SELECT) AS one
  LEFT JOIN (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)::bigint AS lag,
                    application_name AS name
               FROM pg_catalog.pg_stat_replication
              WHERE state = 'streaming' AND replay_lsn < pg_catalog.pg_current_wal_lsn()
              ORDER BY 1 DESC LIMIT 1) AS worst ON true
