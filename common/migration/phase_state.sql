-- All that phases need to know of the revisions $1, a row each, in one round trip; the second column
-- tries for the migrator's lock (polled: the blocking form deadlocks with concurrent index builds)
-- unless $2 says that it is held already.
WITH place AS MATERIALIZED (
    SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
           CASE WHEN pg_catalog.pg_is_in_recovery() THEN false
                WHEN $2::boolean THEN true
                ELSE pg_catalog.pg_try_advisory_lock(7521902, 2) END AS is_locked
)
SELECT place.is_standby, place.is_locked, t.rollout, asked.revision, coalesce(m.generation, 0),
       coalesce(m.checksum, ''), coalesce(m.expanded, false), coalesce(m.contracted, false),
       coalesce(m.partial, false),
       EXISTS (SELECT FROM hakem.schema_version v
                WHERE v.revision = asked.revision AND v.phase = 'expand'
                  AND v.generation = coalesce(m.generation, 0)),
       EXISTS (SELECT FROM hakem.schema_version v
                WHERE v.revision = asked.revision AND v.phase = 'contract'
                  AND v.generation = coalesce(m.generation, 0)),
       EXISTS (SELECT FROM hakem.migration_log l
                WHERE l.revision = asked.revision AND l.phase = 'revert'
                  AND l.generation = coalesce(m.generation, 0) AND l.outcome = 'done'
                  AND l.statement > 0)
       OR EXISTS (SELECT FROM hakem.migration_log l
                   WHERE l.revision = asked.revision AND l.phase = 'revert'
                     AND l.generation = coalesce(m.generation, 0) AND l.outcome = 'intent'),
       coalesce(m.meaning, '')
  FROM place CROSS JOIN hakem.term t CROSS JOIN pg_catalog.unnest($1::text[]) AS asked (revision)
  LEFT JOIN hakem.mark m ON m.revision = asked.revision
