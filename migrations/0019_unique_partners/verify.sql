SELECT count(*) = 1
FROM pg_catalog.pg_constraint
WHERE conrelid = 'public.partners'::regclass AND conname = 'partners_pair_key' AND contype = 'u';
