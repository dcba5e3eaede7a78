-- Of the quoted names in $1 those that are tables, as a list for LOCK TABLE.
SELECT coalesce(string_agg(DISTINCT format('%I.%I', n.nspname, c.relname), ', '), '')
  FROM pg_catalog.unnest($1::text[]) AS named (name)
  JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(named.name)
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
