-- hakem:undoes 1
DROP INDEX CONCURRENTLY public.plays_player_id_idx;
