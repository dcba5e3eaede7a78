-- hakem:undoes 1
CREATE INDEX CONCURRENTLY partners_pair_idx ON public.partners (player_id, partner_id);
