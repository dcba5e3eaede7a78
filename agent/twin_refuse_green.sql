-- Why this database cannot become a follower, a sentence a row. $1 to $4: what twin_needs.sql says of the other
-- one; $5: the game roles.
WITH here AS (
    SELECT (SELECT pg_catalog.format('%s %s %s', pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype)
              FROM pg_catalog.pg_database WHERE datname = current_database()) AS texts,
           current_setting('server_version_num')::integer / 10000 AS version,
           EXISTS (SELECT FROM hakem.twin
                    WHERE switch <> 'opened' AND (state IN ('left', 'copying'))) AS is_copy
), user_object (name) AS (
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'hakem')
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT pg_catalog.format('it runs PostgreSQL %s, and the other one %s: the same major version is needed, 15 or newer',
                         version, $4::text)
  FROM here WHERE version::text <> $4::text OR version < 15
UNION ALL
SELECT pg_catalog.format('it is made for texts as %L, and the other one as %L', texts, $3::text) FROM here WHERE texts <> $3::text
UNION ALL
SELECT pg_catalog.format('its wal_level is %s: set it to logical, and restart it', current_setting('wal_level'))
 WHERE current_setting('wal_level') <> 'logical'
UNION ALL
SELECT pg_catalog.format('its %s is %s: raise it to %s', name, setting, least)
  FROM (VALUES ('max_logical_replication_workers', 4), ('max_replication_slots', 4), ('max_wal_senders', 2),
               ('max_worker_processes', 4)) AS v (name, least)
  JOIN pg_catalog.pg_settings USING (name) WHERE setting::integer < least
UNION ALL
SELECT pg_catalog.format('it lacks roles of the other one: %s', pg_catalog.string_agg(role, ', ' ORDER BY role))
  FROM pg_catalog.unnest($1::text[]) AS role
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role) HAVING count(*) > 0
UNION ALL
SELECT pg_catalog.format('extensions of the other one cannot be had here: %s', pg_catalog.string_agg(e, ', ' ORDER BY e))
  FROM pg_catalog.unnest($2::text[]) AS e
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = e) HAVING count(*) > 0
UNION ALL
SELECT pg_catalog.format('it is not empty, and no copy that was left (it has %s)',
                         (SELECT pg_catalog.string_agg(name, ', ') FROM (SELECT name FROM user_object ORDER BY name LIMIT 5) AS f))
  FROM here WHERE NOT is_copy AND EXISTS (SELECT FROM user_object)
UNION ALL
SELECT pg_catalog.format('it is "%s" of rollout %s with %s', state, rollout, node)
  FROM hakem.twin WHERE state NOT IN ('left', 'copying')
UNION ALL
SELECT pg_catalog.format('game roles have sessions in it: %s',
                         pg_catalog.string_agg(DISTINCT pg_catalog.format('%s (%s)', usename, application_name), ', '))
  FROM pg_catalog.pg_stat_activity
 WHERE usename = ANY ($5::text[]) AND datname = current_database() HAVING count(*) > 0
UNION ALL
SELECT pg_catalog.format('prepared transactions are open: %s', pg_catalog.string_agg(gid, ', '))
  FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() HAVING count(*) > 0
