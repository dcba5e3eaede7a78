-- NULL means "not yet counted"; the default is for rows to come and is set apart from the column, so
-- that the rows that are there stay NULL for the backfill.
ALTER TABLE public.players
    ADD COLUMN games_played integer,
    ADD COLUMN games_won integer,
    ADD COLUMN points integer;

ALTER TABLE public.players
    ALTER COLUMN games_played SET DEFAULT 0,
    ALTER COLUMN games_won SET DEFAULT 0,
    ALTER COLUMN points SET DEFAULT 0;

-- Releases before this revision finish games too, so the database counts.  NULL + 1 is NULL: a player
-- whom the backfill has yet to reach stays uncounted, and the backfill counts this room as well.
-- FOR UPDATE in order of id: two rooms that end at once can't deadlock.
CREATE FUNCTION public.rooms_count_game() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM 1
    FROM public.players p
    JOIN public.seats s ON s.player_id = p.id
    WHERE s.room_id = NEW.id
    ORDER BY p.id
    FOR UPDATE OF p;

    UPDATE public.players p
    SET games_played = p.games_played + 1,
        games_won = p.games_won
            + CASE WHEN (s.seat % 2 = 0) = (NEW.tricks_team0 > NEW.tricks_team1) THEN 1 ELSE 0 END
    FROM public.seats s
    WHERE s.room_id = NEW.id AND s.player_id = p.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER rooms_count_game
    AFTER UPDATE OF phase ON public.rooms
    FOR EACH ROW
    WHEN (NEW.phase = 'finished' AND OLD.phase <> 'finished')
    EXECUTE FUNCTION public.rooms_count_game();
