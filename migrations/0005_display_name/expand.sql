ALTER TABLE public.players ADD COLUMN display_name text;

CREATE FUNCTION public.players_name_forward() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.display_name := NEW.name;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.players_name_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.name := NEW.display_name;
    RETURN NEW;
END
$$;

-- Each trigger does nothing unless its own source changed and its target did not: an old release that
-- writes another column must not undo what the new release wrote.  The guards stand in WHEN, where a
-- row that needs nothing costs next to nothing.
CREATE TRIGGER players_name_insert_back
    BEFORE INSERT ON public.players
    FOR EACH ROW
    WHEN (NEW.display_name IS NOT NULL)
    EXECUTE FUNCTION public.players_name_back();

CREATE TRIGGER players_name_insert_forward
    BEFORE INSERT ON public.players
    FOR EACH ROW
    WHEN (NEW.display_name IS NULL)
    EXECUTE FUNCTION public.players_name_forward();

CREATE TRIGGER players_name_update_back
    BEFORE UPDATE ON public.players
    FOR EACH ROW
    WHEN (NEW.display_name IS DISTINCT FROM OLD.display_name
          AND NEW.name IS NOT DISTINCT FROM OLD.name
          AND NEW.display_name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION public.players_name_back();

CREATE TRIGGER players_name_update_forward
    BEFORE UPDATE ON public.players
    FOR EACH ROW
    WHEN (NEW.name IS DISTINCT FROM OLD.name
          AND NEW.display_name IS NOT DISTINCT FROM OLD.display_name)
    EXECUTE FUNCTION public.players_name_forward();
