SELECT count(*) = 1 AND bool_and(attname = 'rating' AND attnotnull)
FROM pg_catalog.pg_attribute
WHERE attrelid = 'public.players'::regclass
  AND attname IN ('points', 'rating')
  AND NOT attisdropped;
