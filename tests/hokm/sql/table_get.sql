SELECT seat, card
FROM public.plays
WHERE room_id = $1 AND trick = $2
ORDER BY position
