-- hakem:undoes 1
ALTER TABLE public.rooms DROP COLUMN note;
