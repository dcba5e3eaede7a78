-- Has the catalog changed since last time?  One number per catalog: how many rows, and the sum of a
-- hash over which version of which row.
SELECT encode(sha256(convert_to(string_agg(part, ',' ORDER BY part), 'UTF8')), 'hex') FROM (
    SELECT name || count(*) || ':' ||
           coalesce(sum(hashint8extended(version << 32 | id, sub)), 0) AS part
      FROM (
        SELECT 'class' AS name, xmin::text::bigint AS version, oid::bigint AS id, 0::bigint AS sub
          FROM pg_catalog.pg_class WHERE oid >= 16384
        UNION ALL SELECT 'attribute', xmin::text::bigint, attrelid::bigint, attnum
          FROM pg_catalog.pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT 'constraint', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_constraint WHERE oid >= 16384
        UNION ALL SELECT 'index', xmin::text::bigint, indexrelid::bigint, 0
          FROM pg_catalog.pg_index WHERE indexrelid >= 16384
        UNION ALL SELECT 'proc', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_proc WHERE oid >= 16384
        UNION ALL SELECT 'trigger', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_trigger WHERE oid >= 16384
        UNION ALL SELECT 'type', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_type WHERE oid >= 16384
        UNION ALL SELECT 'attrdef', xmin::text::bigint, oid::bigint, 0 FROM pg_catalog.pg_attrdef
        UNION ALL SELECT 'policy', xmin::text::bigint, oid::bigint, 0 FROM pg_catalog.pg_policy
        UNION ALL SELECT 'rewrite', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_rewrite WHERE oid >= 16384
        UNION ALL SELECT 'enum', xmin::text::bigint, oid::bigint, 0 FROM pg_catalog.pg_enum
        UNION ALL SELECT 'namespace', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_namespace
        UNION ALL SELECT 'inherits', xmin::text::bigint, inhrelid::bigint, inhseqno
          FROM pg_catalog.pg_inherits
        UNION ALL SELECT 'sequence', xmin::text::bigint, seqrelid::bigint, 0
          FROM pg_catalog.pg_sequence
        UNION ALL SELECT 'extension', xmin::text::bigint, oid::bigint, 0
          FROM pg_catalog.pg_extension) AS entry
     GROUP BY name) AS parts
