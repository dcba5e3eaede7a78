-- Whose sessions of game roles there are.
SELECT DISTINCT left(usename, 63), left(application_name, 63)
  FROM pg_stat_activity
 WHERE usename = ANY ($1::text[])
 LIMIT 1000
