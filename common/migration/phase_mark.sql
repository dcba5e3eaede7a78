-- A phase is under way: the marks only.  $1 revision, $2 generation, $3 checksum, $4 expanded,
-- $5 contracted.
INSERT INTO hakem.mark (revision, generation, checksum, expanded, contracted, partial)
VALUES ($1, $2::bigint, $3, $4::boolean, $5::boolean, true)
ON CONFLICT (revision) DO UPDATE
   SET checksum = excluded.checksum, expanded = excluded.expanded,
       contracted = excluded.contracted, partial = true, changed_at = pg_catalog.clock_timestamp()
