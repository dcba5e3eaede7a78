ALTER TABLE public.players ADD COLUMN motto text;
