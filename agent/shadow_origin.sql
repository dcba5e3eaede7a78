-- What there is to know of a database before it is copied: may the role copy it, how large it is, where
-- its files are, who it is.
SELECT coalesce((SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles
                  WHERE rolname = current_user), false),
       current_user::text, current_database()::text,
       (SELECT sum(pg_catalog.pg_database_size(oid))::bigint FROM pg_catalog.pg_database),
       pg_catalog.current_setting('data_directory'),
       pg_catalog.current_setting('server_version_num')::bigint / 10000,
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
       CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())::bigint
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
       END
