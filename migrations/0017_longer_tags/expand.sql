ALTER TABLE public.players ALTER COLUMN tag TYPE text;
