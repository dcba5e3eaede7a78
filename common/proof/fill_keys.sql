-- Foreign keys: the table's oid, the referenced one's, its name, and of each of the key's columns in order the
-- name here, the name there, and whether it must not be NULL.
SELECT k.conrelid::text, k.confrelid::text, format('%I.%I', n.nspname, r.relname), k.oid::text,
       quote_ident(a.attname), quote_ident(f.attname), a.attnotnull
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid AND NOT c.relispartition
  JOIN pg_namespace cn ON cn.oid = c.relnamespace AND cn.nspname <> 'hakem'
  JOIN pg_class r ON r.oid = k.confrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (here, there, o)
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.here
  JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = u.there
 WHERE k.contype = 'f' AND k.conparentid = 0
 ORDER BY k.conrelid, k.conname COLLATE "C", k.oid, u.o
