-- Whoever has been waiting for a lock for longer than $1 s, and for whom.
SELECT string_agg(format('pid %s of %s for %s', pid, usename, pg_catalog.pg_blocking_pids(pid)), ', ')
  FROM (SELECT pid, usename
          FROM pg_catalog.pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'
           AND query_start < clock_timestamp() - make_interval(secs => $1::integer)
         ORDER BY query_start LIMIT 3) AS longest
