-- 0 as long as the triggers have done their work: every display_name stands in name, too.
SELECT count(*)
FROM public.players
WHERE display_name IS NOT NULL AND display_name IS DISTINCT FROM name;
