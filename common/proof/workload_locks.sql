-- Who of the workload ($1: its application_name) waits for a lock now: pid and since when together name a
-- wait; how long it has lasted.
SELECT l.pid::text || ' ' || coalesce(extract(epoch FROM l.waitstart), 0)::text,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - l.waitstart) * 1000, 0), 0)::bigint
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = l.pid
 WHERE NOT l.granted AND a.application_name = $1
