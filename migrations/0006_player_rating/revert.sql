-- hakem:undoes 7
DROP TRIGGER players_rating_update_forward ON public.players;

-- hakem:undoes 6
DROP TRIGGER players_rating_update_back ON public.players;

-- hakem:undoes 5
DROP TRIGGER players_rating_insert_forward ON public.players;

-- hakem:undoes 4
DROP TRIGGER players_rating_insert_back ON public.players;

-- hakem:undoes 3
DROP FUNCTION public.players_rating_back();

-- hakem:undoes 2
DROP FUNCTION public.players_rating_forward();

-- hakem:undoes 1
ALTER TABLE public.players DROP COLUMN rating;
