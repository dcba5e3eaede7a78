-- What was applied behind revision $1: name, how to drop what that made, the text before it (''), and
-- whether nobody knows that.
SELECT of_revision.name, drops, coalesce(sql, ''), checksum <> '' AND sql IS NULL
  FROM (SELECT name, pg_catalog.string_agg(drops, E'\n' ORDER BY times DESC) AS drops,
               (pg_catalog.array_agg(sql ORDER BY times))[1] AS sql,
               (pg_catalog.array_agg(checksum ORDER BY times))[1] AS checksum
          FROM hakem.repeatable_before
         WHERE revision = $1
         GROUP BY name) AS of_revision
 ORDER BY name
