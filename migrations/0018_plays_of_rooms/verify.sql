SELECT convalidated
FROM pg_catalog.pg_constraint
WHERE conrelid = 'public.plays'::regclass AND conname = 'plays_room_id_fkey';
