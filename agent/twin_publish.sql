-- Makes the publication $1 of what is to be followed here: every user table, named one by one, and the heartbeat.
SELECT pg_catalog.format('CREATE PUBLICATION %I FOR TABLE hakem.heartbeat%s', $1::text,
                         coalesce((SELECT pg_catalog.string_agg(pg_catalog.format(', ONLY %I.%I', n.nspname, c.relname), ''
                                                                ORDER BY n.nspname, c.relname)
                                     FROM pg_catalog.pg_class AS c
                                     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                                    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'
                                      AND n.nspname NOT IN ('information_schema', 'hakem')
                                      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                                                       WHERE d.classid = 'pg_catalog.pg_class'::regclass
                                                         AND d.objid = c.oid AND d.deptype = 'e')), ''))
