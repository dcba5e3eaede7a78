SELECT count(*) = 1
FROM pg_catalog.pg_attribute
WHERE attrelid = 'public.players'::regclass AND attname = 'tag' AND atttypid = 'text'::regtype;
