ALTER TABLE public.players
    ADD CONSTRAINT players_rating_required CHECK (rating IS NOT NULL) NOT VALID;

ALTER TABLE public.players VALIDATE CONSTRAINT players_rating_required;

ALTER TABLE public.players ALTER COLUMN rating SET NOT NULL;

ALTER TABLE public.players DROP CONSTRAINT players_rating_required;

DROP TRIGGER players_rating_update_forward ON public.players;

DROP TRIGGER players_rating_update_back ON public.players;

DROP TRIGGER players_rating_insert_forward ON public.players;

DROP TRIGGER players_rating_insert_back ON public.players;

DROP FUNCTION public.players_rating_back();

DROP FUNCTION public.players_rating_forward();

ALTER TABLE public.players ALTER COLUMN rating SET DEFAULT 1000;

ALTER TABLE public.players DROP COLUMN points;
