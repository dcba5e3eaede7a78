-- Whoever has been in a transaction for longer than $1 s: a lock that waits for one has everybody else wait behind it.
SELECT string_agg(format('pid %s of %s%s for %s s', pid, usename,
                         CASE WHEN application_name = '' THEN '' ELSE format(' (%s)', application_name) END, age_s),
                  ', ' ORDER BY age_s DESC)
  FROM (SELECT pid, usename, application_name, extract(epoch FROM clock_timestamp() - xact_start)::bigint AS age_s
          FROM pg_catalog.pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend'
           AND pid <> pg_catalog.pg_backend_pid() AND application_name NOT LIKE 'hakem:%'
           AND xact_start < clock_timestamp() - make_interval(secs => $1::integer)
         ORDER BY xact_start LIMIT 3) AS oldest
