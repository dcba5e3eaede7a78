-- $1 name, $2 revision: it is what it was before that was expanded.
WITH gone AS (
    DELETE FROM hakem.repeatable_before WHERE name = $1 AND revision = $2
    RETURNING times, checksum, sql
)
UPDATE hakem.repeatable
   SET checksum = oldest.checksum, sql = oldest.sql, applied_at = pg_catalog.clock_timestamp()
  FROM (SELECT checksum, sql FROM gone ORDER BY times LIMIT 1) AS oldest
 WHERE name = $1
