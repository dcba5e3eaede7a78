-- Of each of the columns $2 of table $1, in that order: its type, whether it is never NULL; and whether a
-- valid unique index is on exactly these columns, in that order.
SELECT pg_catalog.format_type(a.atttypid, NULL), coalesce(a.attnotnull, false),
       EXISTS (
           SELECT FROM pg_catalog.pg_index AS i
            WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
              AND i.indexprs IS NULL
              AND (SELECT pg_catalog.array_agg(x.attname::text ORDER BY p.n)
                     FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS p (attnum, n)
                     JOIN pg_catalog.pg_attribute AS x ON x.attrelid = t.oid AND x.attnum = p.attnum
                    WHERE p.n <= i.indnkeyatts) = $2::text[])
  FROM (SELECT pg_catalog.to_regclass($1) AS oid) AS t
  CROSS JOIN pg_catalog.unnest($2::text[]) WITH ORDINALITY AS k (name, n)
  LEFT JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = t.oid AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY k.n
