-- How far the copy through the subscription $1 is: tables, those that are there, bytes of this database.
SELECT count(*), count(*) FILTER (WHERE r.srsubstate = 'r'), pg_catalog.pg_database_size(current_database()),
       coalesce(max(c.apply_error_count + c.sync_error_count), 0)
  FROM pg_catalog.pg_subscription_rel AS r
  JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid
  JOIN pg_catalog.pg_stat_subscription_stats AS c ON c.subid = s.oid
 WHERE s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
