-- Takes revisions over as applied: $1 names, $2 checksums, $3 which have a backfill, $4 which have a
-- contract, $5 by, $6 why, $7 meanings. What was applied and taken back before has its generation. And what was drift
-- is what they made: the schema as it stands is taken over with them.
WITH adopted AS MATERIALIZED (
    SELECT a.*, coalesce(m.generation, 0) AS generation
      FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]),
                      pg_catalog.unnest($3::boolean[]), pg_catalog.unnest($4::boolean[]),
                      pg_catalog.unnest($7::text[]))
           WITH ORDINALITY AS a (revision, checksum, has_backfill, has_contract, meaning, place)
      LEFT JOIN hakem.mark m USING (revision)
), version AS (
    INSERT INTO hakem.schema_version (revision, phase, generation, checksum, installed_by)
    SELECT revision, phase, generation, checksum, $5
      FROM adopted CROSS JOIN (VALUES ('expand', 1), ('backfill', 2), ('contract', 3)) AS p (phase, nth)
     WHERE phase = 'expand' OR (phase = 'backfill' AND has_backfill)
           OR (phase = 'contract' AND has_contract)
     ORDER BY place, nth
), log AS (
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, detail, operator_name)
    SELECT revision, 'baseline', generation, 0, 'note', $6, $5 FROM adopted ORDER BY place
), settled AS (
    DELETE FROM hakem.schema_drift
)
INSERT INTO hakem.mark (revision, generation, checksum, meaning, expanded, contracted)
SELECT revision, generation, checksum, meaning, true, has_contract FROM adopted
ON CONFLICT (revision) DO UPDATE
   SET checksum = excluded.checksum, meaning = excluded.meaning, expanded = true,
       contracted = excluded.contracted, partial = false, changed_at = pg_catalog.clock_timestamp()
