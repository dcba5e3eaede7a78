SELECT count(*) = 1 AND bool_and(attname = 'display_name' AND attnotnull)
FROM pg_catalog.pg_attribute
WHERE attrelid = 'public.players'::regclass
  AND attname IN ('name', 'display_name')
  AND NOT attisdropped;
