-- Required without a scan under an exclusive lock: a check that is not yet valid, its validation in a
-- transaction of its own, then NOT NULL, which believes the valid check.
ALTER TABLE public.players
    ADD CONSTRAINT players_statistics_required
    CHECK (games_played IS NOT NULL AND games_won IS NOT NULL AND points IS NOT NULL) NOT VALID;

ALTER TABLE public.players VALIDATE CONSTRAINT players_statistics_required;

ALTER TABLE public.players
    ALTER COLUMN games_played SET NOT NULL,
    ALTER COLUMN games_won SET NOT NULL,
    ALTER COLUMN points SET NOT NULL;

ALTER TABLE public.players DROP CONSTRAINT players_statistics_required;
