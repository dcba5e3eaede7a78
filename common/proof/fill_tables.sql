-- Tables that can be filled, parents of partitions in place of these: oid, name, a condition that says no to
-- rows which a CHECK refuses ('true': none does), and the names of these constraints.
SELECT c.oid::text, format('%I.%I', n.nspname, c.relname),
       coalesce((SELECT string_agg(format('(%s) IS NOT FALSE', pg_get_expr(k.conbin, k.conrelid)),
                                   ' AND ' ORDER BY k.conname)
                   FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'), 'true'),
       coalesce((SELECT string_agg(quote_ident(k.conname), ', ' ORDER BY k.conname)
                   FROM pg_constraint k
                  WHERE k.conrelid = c.oid AND k.contype IN ('c', 'u', 'p', 'x')), '')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'hakem')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname
