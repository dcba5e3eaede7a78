-- The columns of table $1 that hold something of their own, in order, and what keeps each from being moved
-- between it and table $2: NULL if nothing does.
SELECT pg_catalog.quote_ident(a.attname),
       CASE WHEN b.attnum IS NULL THEN 'has no column ' || a.attname
            WHEN b.attgenerated <> '' THEN 'computes its column ' || a.attname
            WHEN (a.atttypid, a.atttypmod) IS DISTINCT FROM (b.atttypid, b.atttypmod)
            THEN pg_catalog.format('has %s, not %s, in its column %s',
                                   pg_catalog.format_type(b.atttypid, b.atttypmod),
                                   pg_catalog.format_type(a.atttypid, a.atttypmod), a.attname)
       END
  FROM pg_catalog.pg_attribute AS a
  LEFT JOIN pg_catalog.pg_attribute AS b
    ON b.attrelid = pg_catalog.to_regclass($2) AND b.attname = a.attname AND NOT b.attisdropped
 WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = ''
 ORDER BY a.attnum
