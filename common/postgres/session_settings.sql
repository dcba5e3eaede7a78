-- What a session of ours sets.  $1 statement_timeout, $2 lock_timeout, $3 search_path or NULL: then the
-- database's own, less the schema hakem, which "$user" means for a role of that name: what a migration
-- makes without naming a schema would land among our tables, where no fingerprint looks.
-- client_connection_check_interval came with PostgreSQL 14: then a backend whose client was killed stops its
-- statement by itself.  Our own statements are small and come again: what compiles or plans them anew each
-- time costs more than they do.  A scan of ours may take one processor, not all of them: players need those.
SELECT pg_catalog.set_config(s.name, w.value, false)
  FROM (VALUES ('client_connection_check_interval', '500'),
               ('statement_timeout', $1),
               ('lock_timeout', $2),
               ('search_path', coalesce($3, (
                    SELECT pg_catalog.string_agg(e, ', ' ORDER BY o)
                      FROM pg_catalog.unnest(pg_catalog.regexp_split_to_array(
                               pg_catalog.current_setting('search_path'), '\s*,\s*'))
                           WITH ORDINALITY AS x (e, o)
                     WHERE e NOT IN ('hakem', '"hakem"')
                       AND NOT (current_user = 'hakem' AND e IN ('"$user"', '$user'))))),
               ('DateStyle', 'ISO, MDY'),
               ('TimeZone', 'UTC'),
               ('jit', 'off'),
               ('max_parallel_workers_per_gather', '0'),
               ('plan_cache_mode', 'force_generic_plan'),
               ('idle_in_transaction_session_timeout', '0')) AS w (name, value)
  JOIN pg_catalog.pg_settings AS s ON s.name = w.name
 WHERE w.value IS NOT NULL
