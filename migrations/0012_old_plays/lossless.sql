-- A play whose place is taken could not come back.
SELECT count(*)
FROM public.plays_before_2025 o
JOIN public.plays p USING (room_id, trick, seat);
