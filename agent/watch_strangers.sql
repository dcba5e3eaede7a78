-- Application names of the sessions of game roles.
SELECT DISTINCT left(application_name, 63)
  FROM pg_stat_activity
 WHERE usename = ANY ($1::text[])
 LIMIT 1000
