-- The columns of table $1 that hold something of their own, in order: name; is it $2, alone in a valid unique
-- index, and never NULL; its type; is its JSON another text
-- than its own: an array, a row; is it JSON itself; what its text is in JSON (json_line.h), where only the
-- server makes that of it: ''.
SELECT a.attname,
       a.attname = $2::name AND a.attnotnull AND EXISTS (
           SELECT FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
              AND i.indexprs IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
       pg_catalog.format_type(a.atttypid, NULL),
       t.typcategory IN ('A', 'C') OR t.typtype IN ('c', 'd'),
       t.oid IN ('pg_catalog.json'::regtype, 'pg_catalog.jsonb'::regtype),
       CASE WHEN t.oid IN ('pg_catalog.json'::regtype, 'pg_catalog.jsonb'::regtype) THEN 'itself'
            WHEN t.oid IN ('pg_catalog.int2'::regtype, 'pg_catalog.int4'::regtype, 'pg_catalog.int8'::regtype,
                           'pg_catalog.float4'::regtype, 'pg_catalog.float8'::regtype,
                           'pg_catalog.numeric'::regtype) THEN 'number'
            WHEN t.oid = 'pg_catalog.bool'::regtype THEN 'boolean'
            WHEN t.oid IN ('pg_catalog.text'::regtype, 'pg_catalog.varchar'::regtype, 'pg_catalog.bpchar'::regtype,
                           'pg_catalog.uuid'::regtype) OR t.typtype = 'e' THEN 'string'
            ELSE '' END
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
 WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = ''
 ORDER BY a.attnum
