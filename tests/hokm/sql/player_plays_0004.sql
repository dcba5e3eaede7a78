SELECT room_id, trick, card
FROM public.plays
WHERE player_id = $1
ORDER BY played_at DESC
LIMIT 20
