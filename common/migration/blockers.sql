-- Who keeps backend $1 waiting.
SELECT a.pid, coalesce(a.usename::text, '?'), coalesce(nullif(a.application_name, ''), '?'),
       (EXTRACT(epoch FROM clock_timestamp() - coalesce(a.xact_start, a.query_start)) * 1000)::bigint,
       a.state, pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200)
  FROM pg_catalog.pg_stat_activity a
 WHERE a.pid = ANY (pg_catalog.pg_blocking_pids($1))
 ORDER BY a.xact_start LIMIT 3
