ALTER TABLE public.players ADD COLUMN slug text;
