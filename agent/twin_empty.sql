-- What empties this database but for the schema hakem, a statement a row. The schema public is made anew as initdb makes it.
SELECT statement FROM (
    SELECT 1 AS at, pg_catalog.format('DROP EVENT TRIGGER %I', evtname) AS statement FROM pg_catalog.pg_event_trigger
    UNION ALL
    SELECT 2, pg_catalog.format('DROP PUBLICATION %I', pubname) FROM pg_catalog.pg_publication
    UNION ALL
    SELECT 3, pg_catalog.format('DROP EXTENSION IF EXISTS %I CASCADE', extname)
      FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'
    UNION ALL
    SELECT 4, pg_catalog.format('DROP SERVER IF EXISTS %I CASCADE', srvname) FROM pg_catalog.pg_foreign_server
    UNION ALL
    SELECT 5, pg_catalog.format('DROP FOREIGN DATA WRAPPER IF EXISTS %I CASCADE', fdwname) FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL
    SELECT 6, pg_catalog.format('DROP SCHEMA %I CASCADE', nspname)
      FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'hakem')
    UNION ALL
    SELECT 7, pg_catalog.format('SELECT pg_catalog.lo_unlink(%s)', oid) FROM pg_catalog.pg_largeobject_metadata
    UNION ALL
    SELECT at, statement FROM (VALUES
           (8, 'CREATE SCHEMA public AUTHORIZATION pg_database_owner'),
           (9, 'GRANT USAGE ON SCHEMA public TO PUBLIC'),
           (10, 'COMMENT ON SCHEMA public IS ''standard public schema'''),
           (11, 'TRUNCATE hakem.mark, hakem.schema_version, hakem.migration_log, hakem.backfill, hakem.backfill_lane, hakem.copied, hakem.repeatable, hakem.repeatable_before, hakem.schema_object, hakem.schema_drift, hakem.schema_known, hakem.heartbeat, hakem.raised_trigger')
           ) AS v (at, statement)
) AS s
 ORDER BY at
