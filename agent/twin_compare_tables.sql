-- What the publication $1 has, for a comparison: tables with their keys, writable columns, and how much was written.
SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object(
           's', n.nspname, 't', c.relname, 'rows', greatest(c.reltuples, 0),
           'heat', coalesce(u.n_tup_ins + u.n_tup_upd + u.n_tup_del, 0),
           'k', (SELECT pg_catalog.json_agg(a.attname ORDER BY k.at)
                   FROM pg_catalog.pg_index AS i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, at)
                   JOIN pg_catalog.pg_attribute AS a ON a.attnum = k.attnum
                  WHERE i.indrelid = c.oid AND a.attrelid = c.oid AND k.at <= i.indnkeyatts AND i.indisvalid
                    AND ((c.relreplident = 'd' AND i.indisprimary) OR (c.relreplident = 'i' AND i.indisreplident))),
           'c', (SELECT pg_catalog.json_agg(a.attname) FROM pg_catalog.pg_attribute AS a
                  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''))), '[]')
  FROM pg_catalog.pg_publication_rel AS r
  JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid AND p.pubname = $1
  JOIN pg_catalog.pg_class AS c ON c.oid = r.prrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname <> 'hakem'
  LEFT JOIN pg_catalog.pg_stat_user_tables AS u ON u.relid = c.oid
