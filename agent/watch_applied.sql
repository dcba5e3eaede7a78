-- Revisions whose expand.sql has run in the present generation, backfilled or not.
SELECT version.revision
  FROM hakem.schema_version AS version
  JOIN hakem.mark AS mark USING (revision, generation)
 WHERE version.phase = 'expand'
 ORDER BY version.revision COLLATE "C"
