ALTER TABLE public.rooms ADD COLUMN note text NOT NULL DEFAULT '';
