ALTER TABLE public.players ADD COLUMN tag varchar(12);
