-- The index is built beside everybody who reads and writes; the constraint only takes it over.
CREATE UNIQUE INDEX CONCURRENTLY partners_pair_key ON public.partners (player_id, partner_id);

ALTER TABLE public.partners
    ADD CONSTRAINT partners_pair_key UNIQUE USING INDEX partners_pair_key;
