-- A phase is complete: its row, and the marks.  $1 revision, $2 phase, $3 generation, $4 checksum,
-- $5 by, $6 journal, $7 term, $8 rollout, $9 step; the marks: $10 generation, $11 checksum,
-- $12 meaning, $13 expanded, $14 contracted, $15 partial.  And the log row of its last statement:
-- $16 number, 0: it has one, $17 hash, $18 attempt; one statement costs the server less than two.
WITH logged AS (
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, hash,
                                     duration_us, rollout, step, attempt, term, operator_name)
    SELECT $1, $2, $3::bigint, $16::integer, 'done', $17,
           extract(epoch FROM pg_catalog.clock_timestamp()
                              - pg_catalog.current_setting('hakem.lap')::timestamptz) * 1000000,
           $8, $9::bigint, $18::bigint, $7::bigint, $5
     WHERE $16::integer > 0
), version AS (
    INSERT INTO hakem.schema_version (revision, phase, generation, checksum, installed_by, journal,
                                      term, rollout, step)
    VALUES ($1, $2, $3::bigint, $4, $5, $6, $7::bigint, $8, $9::bigint)
)
INSERT INTO hakem.mark (revision, generation, checksum, meaning, expanded, contracted, partial)
VALUES ($1, $10::bigint, $11, $12, $13::boolean, $14::boolean, $15::boolean)
ON CONFLICT (revision) DO UPDATE
   SET generation = excluded.generation, checksum = excluded.checksum,
       meaning = excluded.meaning, expanded = excluded.expanded, contracted = excluded.contracted,
       partial = excluded.partial, changed_at = pg_catalog.clock_timestamp()
