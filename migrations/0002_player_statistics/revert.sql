-- hakem:undoes 4
DROP TRIGGER rooms_count_game ON public.rooms;

-- hakem:undoes 3
DROP FUNCTION public.rooms_count_game();

-- hakem:undoes 2
ALTER TABLE public.players
    ALTER COLUMN games_played DROP DEFAULT,
    ALTER COLUMN games_won DROP DEFAULT,
    ALTER COLUMN points DROP DEFAULT;

-- hakem:undoes 1
ALTER TABLE public.players
    DROP COLUMN games_played,
    DROP COLUMN games_won,
    DROP COLUMN points;
