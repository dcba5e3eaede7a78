-- What lint's model knows of a schema, of the catalog, a line each.
SELECT coalesce(string_agg(line, E'\n' ORDER BY line COLLATE "C"), '') FROM (
    SELECT format('relation %s %s', relname, relkind)
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT format('index %s of %s%s (%s)', i.relname, t.relname, CASE WHEN x.indisunique THEN ' unique' ELSE '' END,
                  (SELECT string_agg(coalesce(a.attname, ''), ',' ORDER BY k.n)
                   FROM unnest(x.indkey::int2[]) WITH ORDINALITY k (attnum, n)
                   LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum AND k.attnum > 0))
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE i.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT format('column %s.%s %s%s', c.relname, a.attname,
                  regexp_replace(t.typname, '^_', '') ||
                  CASE WHEN a.atttypmod < 0 THEN ''
                       WHEN t.typname = 'numeric'
                       THEN format('(%s,%s)', (a.atttypmod - 4) >> 16, (a.atttypmod - 4) & 65535)
                       WHEN t.typname IN ('varchar', 'bpchar') THEN format('(%s)', a.atttypmod - 4)
                       ELSE format('(%s)', a.atttypmod) END,
                  CASE WHEN a.attnotnull THEN ' not null' ELSE '' END)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
      AND NOT a.attisdropped
    UNION ALL
    SELECT format('constraint %s.%s %s%s%s', c.relname, o.conname, o.contype,
                  CASE WHEN o.convalidated THEN '' ELSE ' not valid' END,
                  CASE WHEN o.confrelid <> 0 THEN ' to ' || o.confrelid::regclass::text ELSE '' END)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
    WHERE c.relnamespace = 'public'::regnamespace AND o.contype IN ('c', 'f', 'p', 'u', 'x')
      AND o.conparentid = 0 -- what a partition has of its parent, the model keeps there
) AS lines (line)
