-- $1 name, $2 checksum, $3 how many times it has been applied by now, $4 by.
INSERT INTO hakem.repeatable (name, checksum, times, applied_by)
VALUES ($1, $2, $3::bigint, $4)
ON CONFLICT (name) DO UPDATE
   SET checksum = excluded.checksum, times = excluded.times, applied_by = excluded.applied_by,
       applied_at = pg_catalog.clock_timestamp()
