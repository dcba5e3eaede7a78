-- Which database this is, and on which timeline.  A primary's own is in the name of the WAL that it writes: the
-- control file learns of a promotion only with the next checkpoint.
SELECT control.system_identifier::text AS system_id,
       CASE WHEN pg_is_in_recovery() THEN checkpoint.timeline_id::bigint
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint
       END AS timeline,
       to_regclass('hakem.shadow') IS NOT NULL AS is_shadow
  FROM pg_control_system() AS control, pg_control_checkpoint() AS checkpoint
