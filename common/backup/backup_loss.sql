-- What was written since a backup. $1, $2: its tables and what was written to each by then; $3: the
-- WAL's position. Tables that it does not have, or that are gone, are lost with their rows, too:
-- a new one's rows count, and one that counts less than then began anew.
WITH recorded AS (
    SELECT to_regclass(name) AS relid, changes
      FROM unnest($1::text[], $2::bigint[]) AS r (name, changes)
), now AS (
    SELECT s.relid, s.n_tup_ins + s.n_tup_upd + s.n_tup_del AS changes
      FROM pg_stat_all_tables s
      JOIN pg_class c ON c.oid = s.relid AND c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
     WHERE s.schemaname !~ '^pg_' AND s.schemaname NOT IN ('information_schema', 'hakem')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                          AND d.objid = c.oid AND d.deptype = 'e')
)
SELECT (SELECT concat_ws(' ', (SELECT stats_reset FROM pg_stat_database
                                WHERE datname = current_database()),
                         (SELECT stats_reset FROM pg_stat_bgwriter))),
       NOT EXISTS (SELECT FROM now JOIN recorded r USING (relid) WHERE now.changes < r.changes),
       (SELECT coalesce(sum(now.changes - coalesce(r.changes, 0)), 0)::bigint
          FROM now LEFT JOIN recorded r USING (relid)),
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                            ELSE pg_current_wal_insert_lsn() END, $3::pg_lsn)::bigint
