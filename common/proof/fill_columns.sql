-- Columns of a table ($1, its oid); the last column says which ones PostgreSQL fills by itself (identity,
-- generated, from a sequence).  A domain's values are made of its base type.  literals: what
-- its CHECK constraints mention, as an array's text: candidates only, whether they fit the constraints say.
WITH RECURSIVE base (attnum, typid, typmod, depth) AS (
    SELECT attnum, atttypid, atttypmod, 0 FROM pg_attribute
     WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT b.attnum, t.typbasetype, greatest(t.typtypmod, b.typmod), b.depth + 1
      FROM base b JOIN pg_type t ON t.oid = b.typid WHERE t.typtype = 'd'
), domain_check AS (
    SELECT b.attnum, pg_get_constraintdef(k.oid) AS def,
           regexp_replace(pg_get_expr(k.conbin, 0), '\mVALUE\M', quote_ident(a.attname), 'g') AS expression
      FROM base b
      JOIN pg_attribute a ON a.attrelid = $1::oid AND a.attnum = b.attnum
      JOIN pg_constraint k ON k.contypid = b.typid AND k.contype = 'c'
), mention AS (
    SELECT attnum, def FROM domain_check
    UNION ALL
    SELECT unnest(conkey), pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid = $1::oid AND contype = 'c'
), quoted AS (
    SELECT m.attnum, replace(w[1], '''''', '''') AS word
      FROM mention m, regexp_matches(m.def, '''((?:[^'']|'''')*)''', 'g') AS w
), number AS (
    SELECT m.attnum, w[1] AS word
      FROM mention m,
           regexp_matches(regexp_replace(m.def, '''((?:[^'']|'''')*)''', '', 'g'), '\m(\d{1,9})\M', 'g') AS w
    UNION ALL
    SELECT attnum, word FROM quoted WHERE word ~ '^-?\d{1,9}$'
)
SELECT quote_ident(a.attname), format_type(t.oid, b.typmod), t.typname, t.typtype, t.typcategory,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND b.typmod > 4 THEN b.typmod - 4 ELSE 0 END,
       CASE WHEN t.typname = 'numeric' AND b.typmod > 4
            THEN greatest((b.typmod - 4) >> 16 & 65535, 0) - ((b.typmod - 4) & 2047) + 1 ELSE 0 END,
       a.attnotnull OR EXISTS (SELECT FROM base e JOIN pg_type d ON d.oid = e.typid
                                WHERE e.attnum = a.attnum AND d.typnotnull),
       a.atthasdef,
       EXISTS (SELECT FROM pg_index i
                WHERE i.indrelid = $1::oid AND i.indisunique AND i.indnkeyatts = 1
                  AND i.indkey[0] = a.attnum),
       coalesce((SELECT quote_literal(array_agg(DISTINCT CASE WHEN t.typcategory = 'N' THEN v::text
                                                              ELSE w END)::text)
                   FROM (SELECT NULL::bigint AS v, word AS w FROM quoted
                          WHERE attnum = a.attnum AND t.typcategory = 'S'
                         UNION ALL
                         SELECT word::bigint + d, NULL FROM number, generate_series(-1, 1) AS d
                          WHERE attnum = a.attnum AND t.typcategory = 'N') AS candidate), ''),
       coalesce((SELECT string_agg(format('(%s) IS NOT FALSE', expression), ' AND ')
                   FROM domain_check WHERE attnum = a.attnum), 'true'),
       a.attidentity <> '' OR a.attgenerated <> ''
           OR coalesce(pg_get_expr(d.adbin, d.adrelid), '') ~ '^nextval\('
  FROM pg_attribute a
  JOIN base b ON b.attnum = a.attnum
  JOIN pg_type t ON t.oid = b.typid AND t.typtype <> 'd'
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
