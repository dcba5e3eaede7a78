-- Why this database cannot be followed by another, a sentence a row. $1: the rollout, whose own slots count as free.
WITH relation AS MATERIALIZED (
    SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relpersistence, c.relreplident
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'hakem')
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), bad (fault, name) AS (
    SELECT 'without a usable replica identity (give it a primary key; REPLICA IDENTITY FULL is not enough)', r.name
      FROM relation AS r
     WHERE r.relkind = 'r' AND r.relpersistence = 'p'
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i
                        WHERE i.indrelid = r.oid AND i.indisvalid
                          AND ((r.relreplident = 'd' AND i.indisprimary) OR (r.relreplident = 'i' AND i.indisreplident)))
    UNION ALL
    SELECT 'unlogged, which is never replicated', name FROM relation WHERE relkind IN ('r', 'p') AND relpersistence = 'u'
    UNION ALL
    SELECT 'foreign, whose rows are elsewhere', name FROM relation WHERE relkind = 'f'
), limits AS (
    SELECT current_setting('max_replication_slots')::integer
             - (SELECT count(*) FROM pg_catalog.pg_replication_slots
                 WHERE slot_name <> 'hakem_' || $1 || '_forward' AND slot_name !~ '^pg_[0-9]+_sync_') AS slots,
           current_setting('max_wal_senders')::integer
             - (SELECT count(*) FROM pg_catalog.pg_stat_replication
                 WHERE application_name <> 'hakem_' || $1 || '_forward' AND application_name !~ '^pg_[0-9]+_sync_') AS senders
)
SELECT pg_catalog.format('it runs PostgreSQL %s, and 15 is the least', current_setting('server_version'))
 WHERE current_setting('server_version_num')::integer < 150000
UNION ALL
SELECT pg_catalog.format('its wal_level is %s: set it to logical, and restart it', current_setting('wal_level'))
 WHERE current_setting('wal_level') <> 'logical'
UNION ALL
SELECT pg_catalog.format('it has %s replication slots free, and 4 are needed: raise max_replication_slots', slots)
  FROM limits WHERE slots < 4
UNION ALL
SELECT pg_catalog.format('it has %s WAL senders free, and 4 are needed: raise max_wal_senders', senders)
  FROM limits WHERE senders < 4
UNION ALL
SELECT pg_catalog.format('tables %s: %s%s', fault,
                         pg_catalog.string_agg(name, ', ' ORDER BY name) FILTER (WHERE at <= 5),
                         CASE WHEN count(*) > 5 THEN pg_catalog.format(' and %s more', count(*) - 5) END)
  FROM (SELECT fault, name, pg_catalog.row_number() OVER (PARTITION BY fault ORDER BY name) AS at FROM bad) AS b
 GROUP BY fault
UNION ALL
SELECT pg_catalog.format('it has %s large objects, which are never replicated', count(*))
  FROM pg_catalog.pg_largeobject_metadata HAVING count(*) > 0
UNION ALL
SELECT pg_catalog.format('a backfill of %s is unfinished: finish it, or revert the revision', revision)
  FROM hakem.backfill JOIN hakem.mark USING (revision, generation) WHERE finished_at IS NULL
UNION ALL
SELECT pg_catalog.format('it is "%s" of rollout %s itself', state, rollout)
  FROM hakem.twin
 WHERE state IN ('copying', 'following', 'reversing', 'following_back', 'left')
    OR (state = 'reversed' AND switch <> 'opened')
UNION ALL
SELECT pg_catalog.format('rollout %s has closed it', closed_by) FROM hakem.twin
 WHERE closed_by <> 0 AND state NOT IN ('copying', 'following', 'reversing', 'following_back', 'left')
