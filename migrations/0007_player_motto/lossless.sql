-- A motto stands nowhere else: what players wrote would be gone.
SELECT count(*) FROM public.players WHERE motto IS NOT NULL;
