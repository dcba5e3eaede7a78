SELECT count(*)
FROM public.players
WHERE rating IS NOT NULL AND rating - 1000 IS DISTINCT FROM points;
