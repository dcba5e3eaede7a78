SELECT count(*) FROM public.players WHERE tag IS NOT NULL;
