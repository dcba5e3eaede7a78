-- hakem:undoes 1
ALTER TABLE public.players
    DROP COLUMN last_room,
    DROP COLUMN last_won;
