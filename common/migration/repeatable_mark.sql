-- $1 name, $2 checksum, $3 how many times it has been applied by now, $4 by, $5 the last revision
-- that was there, $6 its text. How to drop what it made: hakem.made.
WITH before AS (
    SELECT checksum, sql FROM hakem.repeatable WHERE name = $1
), kept AS (
    INSERT INTO hakem.repeatable_before (name, times, revision, drops, checksum, sql)
    SELECT $1, $3::bigint, $5, pg_catalog.current_setting('hakem.made'),
           coalesce((SELECT checksum FROM before), ''), (SELECT sql FROM before)
)
INSERT INTO hakem.repeatable (name, checksum, times, applied_by, sql)
VALUES ($1, $2, $3::bigint, $4, $6)
ON CONFLICT (name) DO UPDATE
   SET checksum = excluded.checksum, times = excluded.times, applied_by = excluded.applied_by,
       sql = excluded.sql, applied_at = pg_catalog.clock_timestamp()
