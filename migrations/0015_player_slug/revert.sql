-- hakem:undoes 1
ALTER TABLE public.players DROP COLUMN slug;
