CREATE SCHEMA truth;
CREATE TABLE truth.before AS
SELECT c.oid, c.relname::text AS name, c.relkind AS kind, c.relfilenode AS filenode
FROM pg_catalog.pg_class c
WHERE c.relnamespace IN ('public'::regnamespace, 'elsewhere'::regnamespace) AND c.relkind <> 'c';
