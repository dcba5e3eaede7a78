-- Tables that hold rows, with their columns in order of their names, as SQL: what is compared row by row.
SELECT format('%I.%I', n.nspname, c.relname),
       coalesce(string_agg(quote_ident(a.attname), ',' ORDER BY a.attname COLLATE "C"), ''),
       coalesce(string_agg(format('coalesce(sum(hashtextextended(%I::text, 0)::numeric), 0)::text', a.attname),
                           ',' ORDER BY a.attname COLLATE "C") FILTER (WHERE a.attname IS NOT NULL), '')
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'hakem')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 GROUP BY n.nspname, c.relname
 ORDER BY n.nspname, c.relname
