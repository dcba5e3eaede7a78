-- The last word of Flyway on each migration; its versions that begin a history, and those that failed.
SELECT version, CASE WHEN NOT success THEN 'failed' WHEN type LIKE '%BASELINE%' THEN 'upto' ELSE 'applied' END
  FROM (SELECT DISTINCT ON (coalesce(version, description)) coalesce(version, description) AS version,
               version IS NULL AS is_repeatable, type, success
          FROM flyway_schema_history
         ORDER BY coalesce(version, description), installed_rank DESC) AS last
 WHERE NOT success OR (NOT is_repeatable AND type NOT LIKE 'UNDO%' AND type <> 'DELETE')
