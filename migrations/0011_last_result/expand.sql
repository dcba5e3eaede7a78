ALTER TABLE public.players
    ADD COLUMN last_room bigint,
    ADD COLUMN last_won boolean;
