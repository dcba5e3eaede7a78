-- hakem:undoes 2
DROP FUNCTION public.profile_of(text, text, integer);

-- hakem:undoes 1
ALTER TABLE public.players DROP COLUMN profile;
