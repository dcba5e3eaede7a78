-- What was received and is not replayed, if it is more than $1 bytes, or waits for longer than $2 s.
SELECT format('%s bytes, %s s', bytes, age_s)
  FROM (SELECT coalesce(pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn(), 0) AS bytes,
               CASE WHEN pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn()
                    THEN coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::bigint, 0)
                    ELSE 0 END AS age_s) AS lag
 WHERE bytes > $1::bigint OR age_s > $2::bigint
