-- The tables whose rows pg_dump copies, as it quotes them, and how many rows were written to each; $1:
-- only these, or NULL.
SELECT format('%I.%I', n.nspname, c.relname),
       coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
 WHERE c.relkind = 'r'
   AND (c.relpersistence = 'p' OR (c.relpersistence = 'u' AND NOT pg_is_in_recovery()))
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
   AND ($1::text[] IS NULL OR c.oid IN (
           SELECT to_regclass(x) FROM unnest($1::text[]) x
            UNION
           SELECT p.relid FROM unnest($1::text[]) x, pg_partition_tree(to_regclass(x)) p))
 ORDER BY format('%I.%I', n.nspname, c.relname) COLLATE "C"
