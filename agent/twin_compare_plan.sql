-- The other one's tables ($1) as far as they are here, the most written first: name, columns that both have, key, the
-- expression that makes an SQL literal of a key, the key's descending order, rows. $2: texts may be in another order there, so they are compared by
-- their bytes. -1 as type modifier: no character(1) of whatever is longer.
SELECT pg_catalog.format('%I.%I', o.s, o.t),
       (SELECT pg_catalog.string_agg(pg_catalog.format('%I', a.attname), ', ' ORDER BY a.attname COLLATE "C")
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
           AND a.attname::text IN (SELECT pg_catalog.json_array_elements_text(o.c))),
       key.names, key.literal, key.down, o.rows::bigint
  FROM pg_catalog.json_to_recordset($1::json) AS o (s name, t name, rows float8, heat bigint, k json, c json)
  LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
         ON n.nspname = o.s AND c.relname = o.t AND c.relkind = 'r'
  LEFT JOIN LATERAL (
       SELECT pg_catalog.string_agg(pg_catalog.format(CASE WHEN $2::boolean AND a.attcollation <> 0 THEN '%I COLLATE pg_catalog."C"'
                                                           ELSE '%I' END, a.attname), ', ' ORDER BY k.at) AS names,
              pg_catalog.string_agg(pg_catalog.format(CASE WHEN $2::boolean AND a.attcollation <> 0 THEN '%I COLLATE pg_catalog."C" DESC'
                                                           ELSE '%I DESC' END, a.attname), ', ' ORDER BY k.at) AS down,
              pg_catalog.format('pg_catalog.format(%L, %s)',
                                pg_catalog.string_agg('%L::' || pg_catalog.format_type(a.atttypid, -1), ', ' ORDER BY k.at),
                                pg_catalog.string_agg(pg_catalog.format('%I', a.attname), ', ' ORDER BY k.at)) AS literal
         FROM pg_catalog.json_array_elements_text(o.k) WITH ORDINALITY AS k (name, at)
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = k.name AND NOT a.attisdropped) AS key ON true
 ORDER BY o.heat DESC, 1
