-- User tables here that the publication $1 does not have.
SELECT coalesce(pg_catalog.string_agg(name, ', '), '')
  FROM (SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name
          FROM pg_catalog.pg_class AS c
          JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'f') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
           AND n.nspname NOT IN ('information_schema', 'hakem')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS r
                             JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
                            WHERE p.pubname = $1 AND r.prrelid = c.oid)
         ORDER BY 1 LIMIT 5) AS t
