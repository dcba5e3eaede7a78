CREATE TABLE public.room_results (
    room_id bigint PRIMARY KEY,
    winner smallint NOT NULL CHECK (winner IN (0, 1)),
    tricks_team0 smallint NOT NULL,
    tricks_team1 smallint NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION public.rooms_result_out() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO public.room_results AS r
        (room_id, winner, tricks_team0, tricks_team1, finished_at)
    VALUES (NEW.id, NEW.winner, NEW.tricks_team0, NEW.tricks_team1,
            coalesce(NEW.finished_at, now()))
    ON CONFLICT (room_id) DO UPDATE
    SET winner = excluded.winner, finished_at = excluded.finished_at
    WHERE r.winner IS DISTINCT FROM excluded.winner;
    RETURN NULL;
END
$$;

CREATE TRIGGER rooms_result_out
    AFTER UPDATE OF winner ON public.rooms
    FOR EACH ROW
    WHEN (NEW.winner IS NOT NULL AND NEW.winner IS DISTINCT FROM OLD.winner)
    EXECUTE FUNCTION public.rooms_result_out();

CREATE FUNCTION public.room_results_back() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE public.rooms
    SET winner = NEW.winner, finished_at = NEW.finished_at
    WHERE id = NEW.room_id AND winner IS DISTINCT FROM NEW.winner;
    RETURN NULL;
END
$$;

CREATE TRIGGER room_results_back
    AFTER INSERT OR UPDATE ON public.room_results
    FOR EACH ROW
    EXECUTE FUNCTION public.room_results_back();

-- From here on the triggers carry what is new; what is old is copied in a transaction of its own.
-- hakem:commit
INSERT INTO public.room_results (room_id, winner, tricks_team0, tricks_team1, finished_at)
SELECT id, winner, tricks_team0, tricks_team1, coalesce(finished_at, now())
FROM public.rooms
WHERE winner IS NOT NULL
ON CONFLICT (room_id) DO NOTHING;
