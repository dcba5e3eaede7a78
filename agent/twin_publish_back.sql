-- Makes the publication $1 of what the other one, whose tables and columns are $2, has as well: no other column, none
-- that is generated. Or, as the second column, what of the other one is missing here.
WITH theirs AS (
    SELECT o.s, o.t, o.c, k.oid
      FROM pg_catalog.json_to_recordset($2::json) AS o (s name, t name, c json)
      LEFT JOIN (pg_catalog.pg_class AS k JOIN pg_catalog.pg_namespace AS n ON n.oid = k.relnamespace)
             ON n.nspname = o.s AND k.relname = o.t AND k.relkind = 'r'
), listed AS (
    SELECT s, t, oid, pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
      FROM theirs
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     WHERE a.attname::text IN (SELECT pg_catalog.json_array_elements_text(c))
     GROUP BY s, t, oid
)
SELECT pg_catalog.format('CREATE PUBLICATION %I FOR TABLE hakem.heartbeat%s', $1::text,
                         coalesce((SELECT pg_catalog.string_agg(pg_catalog.format(', ONLY %I.%I (%s)', s, t, columns), ''
                                                                ORDER BY s, t) FROM listed), '')),
       (SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', s, t), ', ' ORDER BY s, t)
          FROM (SELECT s, t FROM theirs WHERE oid IS NULL ORDER BY s, t LIMIT 5) AS missing)
