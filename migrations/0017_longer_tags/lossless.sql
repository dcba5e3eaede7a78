-- The narrower type could not hold these.
SELECT count(*) FROM public.players WHERE length(tag) > 12;
