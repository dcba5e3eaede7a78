-- The columns of table $1 that hold something of their own, in order: name; is it $2, alone in a valid unique
-- index, and never NULL; its type; may its JSON have line ends: it is of type json, or may have that within; is its JSON another text
-- than its own: an array, a row; is it JSON itself.
SELECT a.attname,
       a.attname = $2::name AND a.attnotnull AND EXISTS (
           SELECT FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
              AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
       pg_catalog.format_type(a.atttypid, NULL),
       t.typtype NOT IN ('b', 'e') OR coalesce(e.typtype NOT IN ('b', 'e'), false)
       OR 'pg_catalog.json'::regtype IN (t.oid, t.typelem),
       t.typcategory IN ('A', 'C') OR t.typtype IN ('c', 'd'),
       t.oid IN ('pg_catalog.json'::regtype, 'pg_catalog.jsonb'::regtype)
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_type AS e ON e.oid = t.typelem
 WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = ''
 ORDER BY a.attnum
