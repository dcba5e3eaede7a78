SELECT indisvalid
FROM pg_catalog.pg_index
WHERE indexrelid = to_regclass('public.plays_player_id_idx');
