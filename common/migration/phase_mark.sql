-- A phase is under way: the marks only.  $1 revision, $2 generation, $3 checksum, $4 meaning,
-- $5 expanded, $6 contracted.
INSERT INTO hakem.mark (revision, generation, checksum, meaning, expanded, contracted, partial)
VALUES ($1, $2::bigint, $3, $4, $5::boolean, $6::boolean, true)
ON CONFLICT (revision) DO UPDATE
   SET checksum = excluded.checksum, meaning = excluded.meaning, expanded = excluded.expanded,
       contracted = excluded.contracted, partial = true, changed_at = pg_catalog.clock_timestamp()
