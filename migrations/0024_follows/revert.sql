-- hakem:undoes 2
DROP VIEW public.friends;

-- hakem:undoes 1
ALTER TABLE public.follows RENAME TO friends;
