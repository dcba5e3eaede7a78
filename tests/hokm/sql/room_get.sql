SELECT phase, hakem, trump, trick, turn, tricks_team0, tricks_team1
FROM public.rooms
WHERE id = $1
