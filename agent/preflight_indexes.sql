-- What concurrent builds left behind: written to, and never read.
SELECT string_agg(name, ', ' ORDER BY name)
  FROM (SELECT indexrelid::regclass::text AS name
          FROM pg_catalog.pg_index
         WHERE NOT indisvalid
         ORDER BY 1 LIMIT 5) AS first
