-- A rating begins at 1000, where points began at 0; each is computed from the other, so that going
-- back loses nothing.
ALTER TABLE public.players ADD COLUMN rating integer;

CREATE FUNCTION public.players_rating_forward() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.rating := NEW.points + 1000;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.players_rating_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.points := NEW.rating - 1000;
    RETURN NEW;
END
$$;

CREATE TRIGGER players_rating_insert_back
    BEFORE INSERT ON public.players
    FOR EACH ROW
    WHEN (NEW.rating IS NOT NULL)
    EXECUTE FUNCTION public.players_rating_back();

CREATE TRIGGER players_rating_insert_forward
    BEFORE INSERT ON public.players
    FOR EACH ROW
    WHEN (NEW.rating IS NULL)
    EXECUTE FUNCTION public.players_rating_forward();

CREATE TRIGGER players_rating_update_back
    BEFORE UPDATE ON public.players
    FOR EACH ROW
    WHEN (NEW.rating IS DISTINCT FROM OLD.rating
          AND NEW.points IS NOT DISTINCT FROM OLD.points
          AND NEW.rating - 1000 IS DISTINCT FROM NEW.points)
    EXECUTE FUNCTION public.players_rating_back();

CREATE TRIGGER players_rating_update_forward
    BEFORE UPDATE ON public.players
    FOR EACH ROW
    WHEN (NEW.points IS DISTINCT FROM OLD.points
          AND NEW.rating IS NOT DISTINCT FROM OLD.rating)
    EXECUTE FUNCTION public.players_rating_forward();
