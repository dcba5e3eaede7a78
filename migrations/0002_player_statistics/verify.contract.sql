SELECT bool_and(attnotnull) AND count(*) = 3
FROM pg_catalog.pg_attribute
WHERE attrelid = 'public.players'::regclass
  AND attname IN ('games_played', 'games_won', 'points');
