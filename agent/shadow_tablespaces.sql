-- Where else files of the database are.
SELECT oid::text, pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace
 WHERE pg_catalog.pg_tablespace_location(oid) <> '' ORDER BY oid
