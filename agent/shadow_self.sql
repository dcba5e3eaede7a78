-- Who a shadow is.
SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('cluster_name'),
       (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
       CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())::bigint
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
       END,
       (SELECT count(*) FROM pg_catalog.pg_replication_slots)
       + (SELECT count(*) FROM pg_catalog.pg_stat_wal_receiver)
