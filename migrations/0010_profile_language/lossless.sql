-- Older releases do not read it: what would be lost is what somebody has chosen since.
SELECT count(*)
FROM public.players
WHERE profile #>> '{texts,language}' <> 'fa';
