-- A partitioned table counts what its partitions have.
SELECT n.nspname, c.relname,
       greatest(sum(greatest(p.reltuples, 0)), 0)::bigint AS rows,
       sum(pg_catalog.pg_relation_size(p.oid))::bigint AS bytes
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT l.oid, l.reltuples
    FROM pg_catalog.pg_class l
    WHERE (c.relkind <> 'p' AND l.oid = c.oid)
       OR (c.relkind = 'p' AND l.oid IN (SELECT relid FROM pg_catalog.pg_partition_tree(c.oid) WHERE isleaf))
) p
WHERE c.relkind IN ('r', 'p', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'hakem')
  AND n.nspname NOT LIKE 'pg\_%'
GROUP BY n.nspname, c.relname
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C";
