SELECT count(*) = 1 AND bool_and(convalidated)
FROM pg_catalog.pg_constraint
WHERE conrelid = 'public.rooms'::regclass AND contype = 'c' AND conname LIKE 'rooms_phase%';
