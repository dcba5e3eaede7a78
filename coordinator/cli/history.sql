-- What was done to this database, newest first. $1: a revision, or NULL for all; $2: how many.
SELECT pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), revision, phase,
       generation, statement, outcome, coalesce(duration_us / 1000, 0),
       coalesce(nullif(operator_name, ''), '-'), coalesce(nullif(rollout, ''), '-'), step,
       coalesce(detail, '')
  FROM hakem.migration_log
 WHERE revision = coalesce($1, revision)
 ORDER BY id DESC
 LIMIT $2::bigint
