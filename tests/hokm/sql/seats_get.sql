SELECT player_id, hand
FROM public.seats
WHERE room_id = $1
ORDER BY seat
