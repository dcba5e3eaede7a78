-- Triggers that were raised while this database followed another are ordinary ones again, and their functions as they
-- were made, a statement a row.
SELECT pg_catalog.format('ALTER TABLE %s ENABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)
  FROM hakem.raised_trigger AS r
  JOIN pg_catalog.pg_trigger AS t ON t.oid = r.trigger_id AND t.tgenabled = 'A'
UNION ALL
SELECT DISTINCT pg_catalog.format('ALTER FUNCTION %s RESET search_path', p.oid::regprocedure)
  FROM hakem.raised_trigger AS r
  JOIN pg_catalog.pg_proc AS p ON p.oid = r.function_id
 WHERE r.has_path
UNION ALL
SELECT 'DELETE FROM hakem.raised_trigger'
