-- $1 name, $2 revision, $3 its generation, $4 its file, $5 by whom, $6 why it stays ('': hakem.said knows,
-- if it does): else it is what it was before that revision was expanded.
WITH said AS (
    SELECT coalesce(nullif($6, ''), nullif(pg_catalog.current_setting('hakem.said'), '')) AS why
), gone AS (
    DELETE FROM hakem.repeatable_before
     WHERE name = $1 AND revision = $2 AND (SELECT why IS NULL FROM said)
    RETURNING times, checksum, sql
), noted AS (
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, hash, detail,
                                     rollout, term, operator_name)
    SELECT $2, 'repeatable', $3::bigint, 0, 'note', '',
           $4 || coalesce(' stays: ' || said.why, ' is put back'),
           rollout, term, $5
      FROM hakem.term, said
)
UPDATE hakem.repeatable
   SET checksum = oldest.checksum, sql = oldest.sql, applied_at = pg_catalog.clock_timestamp()
  FROM (SELECT checksum, sql FROM gone ORDER BY times LIMIT 1) AS oldest, said
 WHERE name = $1 AND said.why IS NULL
