-- The last word of goose on each version; 0 is its own beginning.
SELECT version, 'applied'
  FROM (SELECT DISTINCT ON (version_id) version_id::text AS version, is_applied
          FROM goose_db_version WHERE version_id <> 0
         ORDER BY version_id, id DESC) AS last
 WHERE is_applied
