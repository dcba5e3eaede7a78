CREATE INDEX CONCURRENTLY plays_player_id_idx ON public.plays (player_id, played_at DESC);
