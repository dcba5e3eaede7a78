-- A table that a backfill goes through, or moves rows into, could not be renamed so: in a rollout all
-- revisions are expanded before the first backfill begins.
ALTER TABLE public.friends RENAME TO follows;

-- A plain view of one table is read and written like it.
CREATE VIEW public.friends AS
SELECT player_id, friend_id, since FROM public.follows;
