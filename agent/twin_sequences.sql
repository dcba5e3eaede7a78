-- Sets every sequence beyond where the other one's ($1) is, by $2 steps, and none back. A sequence that would run over its
-- end, or begins anew there, is set to just where the other one's is.
WITH goal AS (
    SELECT c.oid, s.seqincrement > 0 AS rises, pg_catalog.pg_sequence_last_value(c.oid) AS own,
           CASE WHEN s.seqcycle OR o.last + $2::numeric * s.seqincrement NOT BETWEEN s.seqmin AND s.seqmax
                THEN o.last ELSE o.last + $2::numeric * s.seqincrement END AS value
      FROM pg_catalog.json_to_recordset($1::json) AS o (s name, t name, last numeric)
      JOIN pg_catalog.pg_namespace AS n ON n.nspname = o.s
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = o.t AND c.relkind = 'S'
      JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = c.oid
)
SELECT pg_catalog.setval(oid::regclass, value::bigint, true)
  FROM goal
 WHERE own IS NULL OR (rises AND value > own) OR (NOT rises AND value < own)
