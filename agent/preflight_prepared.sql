-- Prepared for longer than $1 s: their locks outlive every session, and a restart.
SELECT string_agg(format('%L of %s for %s s', gid, owner, age_s), ', ' ORDER BY age_s DESC)
  FROM (SELECT gid, owner, extract(epoch FROM clock_timestamp() - prepared)::bigint AS age_s
          FROM pg_catalog.pg_prepared_xacts
         WHERE database = current_database() AND prepared < clock_timestamp() - make_interval(secs => $1::integer)
         ORDER BY prepared LIMIT 3) AS oldest
