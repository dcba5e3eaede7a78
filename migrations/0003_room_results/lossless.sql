SELECT count(*)
FROM public.room_results r
LEFT JOIN public.rooms o ON o.id = r.room_id
WHERE o.winner IS DISTINCT FROM r.winner;
