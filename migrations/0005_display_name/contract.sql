ALTER TABLE public.players
    ADD CONSTRAINT players_display_name_required CHECK (display_name IS NOT NULL) NOT VALID;

ALTER TABLE public.players VALIDATE CONSTRAINT players_display_name_required;

ALTER TABLE public.players ALTER COLUMN display_name SET NOT NULL;

ALTER TABLE public.players DROP CONSTRAINT players_display_name_required;

DROP TRIGGER players_name_update_forward ON public.players;

DROP TRIGGER players_name_update_back ON public.players;

DROP TRIGGER players_name_insert_forward ON public.players;

DROP TRIGGER players_name_insert_back ON public.players;

DROP FUNCTION public.players_name_back();

DROP FUNCTION public.players_name_forward();

ALTER TABLE public.players DROP COLUMN name;
