-- A phase is complete: its row, and the marks.  $1 revision, $2 phase, $3 generation, $4 checksum,
-- $5 by, $6 journal, $7 term, $8 rollout, $9 step; the marks: $10 generation, $11 checksum,
-- $12 meaning, $13 expanded, $14 contracted, $15 partial.  And the log rows of its last statements:
-- $16 numbers, $17 hashes, $18 attempt, with when each but the last of them ended in hakem.laps; one
-- statement costs the server less than several.
WITH logged AS (
    INSERT INTO hakem.migration_log (at, revision, phase, generation, statement, outcome, hash,
                                     duration_us, rollout, step, attempt, term, operator_name)
    SELECT laps[place + 1], $1, $2, $3::bigint, statement, 'done', hash,
           extract(epoch FROM laps[place + 1] - laps[place]) * 1000000,
           $8, $9::bigint, $18::bigint, $7::bigint, $5
      FROM (SELECT pg_catalog.string_to_array(
                       concat_ws(',', pg_catalog.current_setting('hakem.lap'),
                                 nullif(pg_catalog.current_setting('hakem.laps'), ''),
                                 pg_catalog.clock_timestamp()::text), ',')::timestamptz[] AS laps
            OFFSET 0) AS watch
     CROSS JOIN ROWS FROM (pg_catalog.unnest($16::integer[]), pg_catalog.unnest($17::text[]))
                WITH ORDINALITY AS done (statement, hash, place)
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
