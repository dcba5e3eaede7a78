-- A change that was reworked is NAME-2 here; changes of several projects are in one table.
SELECT pg_catalog.regexp_replace(change, '[^A-Za-z0-9_.-]', '_', 'g')
       || CASE WHEN place > 1 THEN '-' || place ELSE '' END,
       CASE WHEN projects > 1 THEN 'mixed' ELSE 'applied' END
  FROM (SELECT change, row_number() OVER (PARTITION BY project, change ORDER BY committed_at) AS place,
               (SELECT count(DISTINCT project) FROM sqitch.changes) AS projects
          FROM sqitch.changes) AS changes
