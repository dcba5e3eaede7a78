-- What this database is to the other one of its pair, and how its subscription does.
SELECT t.state, t.rollout, t.node, t.closed_by, t.yielded, t.fault,
       link.name, s.oid IS NOT NULL AS is_linked, coalesce(s.subenabled, false), coalesce(w.pid, 0),
       coalesce(c.apply_error_count + c.sync_error_count, 0),
       coalesce(h.n, 0), coalesce(h.position, 0),
       coalesce(greatest(extract(epoch FROM clock_timestamp() - coalesce(h.at, t.since)) * 1000, 0), 0)::bigint,
       clock_timestamp()::text
  FROM hakem.twin AS t
 CROSS JOIN LATERAL (SELECT 'hakem_' || t.rollout || CASE t.state WHEN 'following_back' THEN '_back' ELSE '_forward' END) AS link (name)
  LEFT JOIN pg_catalog.pg_subscription AS s
         ON s.subname = link.name AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  LEFT JOIN pg_catalog.pg_stat_subscription AS w ON w.subid = s.oid AND w.relid IS NULL
  LEFT JOIN pg_catalog.pg_stat_subscription_stats AS c ON c.subid = s.oid
  LEFT JOIN hakem.heartbeat AS h ON h.name = link.name
